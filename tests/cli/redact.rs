//! `--redact` of `simulate` and `check`: a field's value is in nothing that they show or write.

use std::fs;

use crate::harness::{KEY, Merchant, Output, Sandbox, Scripted, payout_notify};

/// The fields, and what of them must not be seen; the last two are of the merchant's reply.
const FIELDS: [&str; 6] =
    ["account_name", "payout_id", "amount", "real_amount", "customer", "platform_id"];
const VALUES: [&str; 9] = [
    "Bob Smith",
    "Bob+Smith",
    "Bob%20Smith",
    "Qm9iIFNtaXRo",
    "POT8881",
    "777700",
    "7777.00",
    "Carla Reply",
    "PF-Walrus",
];

const REPLY: &str = r#"{"error_code":"Bob Smith","customer":"Carla Reply","memo":"POT88810000001 Qm9iIFNtaXRo, Carla Reply: 777700, PF-Walrus"}"#;
const TEXT_REPLY: &str = "<h1>customer=Carla Reply</h1>";

fn payload(number: u64) -> String {
    format!(
        r#"{{"payout_id":"POT8881000000{number}","payout_cl_id":"c{number}","platform_id":"PF-Walrus","amount":777700,"real_amount":777700,"fee":0,"status":3,"create_time":1567614049,"update_time":1567614111,"account_name":"Bob Smith","memo":"to Bob Smith"}}"#
    )
}

fn merchant() -> Merchant {
    let replies = [Scripted::Json(200, REPLY), Scripted::Json(500, TEXT_REPLY)];
    Merchant::tolerating(&replies.repeat(400))
}

fn redacting(arguments: &[&str], url: &str) -> crate::harness::Program {
    let fields = FIELDS.iter().flat_map(|field| ["--redact", field]);
    let all: Vec<&str> = arguments.iter().copied().chain([url]).chain(fields).collect();
    payout_notify(&all).key(KEY)
}

#[track_caller]
fn assert_hidden(what: &str, text: &str) {
    for value in VALUES {
        assert!(!text.contains(value), "{value} is in {what}:\n{text}");
    }
    // Spans of pages break anywhere, and JSON escapes what it likes.
    for part in ["Smith", "Carla", "Walrus"] {
        assert!(!text.contains(part), "{part} is in {what}:\n{text}");
    }
}

#[track_caller]
fn hides(output: Output, what: &str) -> Output {
    assert_hidden(what, &format!("{}{}", output.stdout, output.stderr));
    output
}

#[test]
fn one_delivery_shows_no_redacted_value() {
    let merchant = merchant();
    let url = format!("{}&account_name=Bob%20Smith&order=POT88810000001", merchant.url());
    for more in [
        &["--retries", "1"][..],
        &["--retries", "1", "--format", "json"],
        &[
            "--retries",
            "1",
            "--verbose",
            "--header",
            "X-Note: for Bob Smith",
            "--header",
            "Customer: x-Walrus",
        ],
        &["--dry-run"],
        &["--dry-run", "--format", "json"],
    ] {
        let arguments = [&["simulate", "--speed", "1000000x"], more].concat();
        let program = redacting(&arguments, &url).file("one.json", payload(1)).arg("one.json");
        let output = hides(program.run(), &format!("{more:?}"));
        output.remarks(&[]).says(&["[redacted]"]);
    }
    // Without the option they are there.
    let plain = payout_notify(&["simulate", "--retries", "0", &url]).key(KEY);
    plain.file("one.json", payload(1)).arg("one.json").run().says(&["POT8881", "Bob Smith"]);
}

#[test]
fn a_run_of_many_reports_no_redacted_value_and_keeps_them_in_its_journal() {
    let merchant = merchant();
    let orders = format!("{}\n{}\n", payload(1), payload(2));
    let formats = ["json", "junit", "html", "ndjson"];
    let reports = formats.map(|format| format!("{format}=run.{format}"));
    let reports: Vec<&str> = reports.iter().flat_map(|report| ["--report", report]).collect();
    for format in ["human", "json"] {
        let sandbox = Sandbox::new();
        fs::write(sandbox.work().join("orders.ndjson"), &orders).unwrap();
        let begun =
            ["simulate", "--from", "orders.ndjson", "--retries", "1", "--speed", "1000000x"];
        let begun =
            [&begun[..], &["--journal", "run.db", "--format", format, "--verbose"], &reports]
                .concat();
        let resumed = ["simulate", "--journal", "run.db", "--resume", "--format", format];
        let resumed = [&resumed[..], &reports].concat();
        for arguments in [begun, resumed] {
            let program = redacting(&arguments, &merchant.url()).in_folder(&sandbox.work());
            hides(program.run(), &format!("{arguments:?}")).exits(1);
            for format in formats {
                let text =
                    fs::read_to_string(sandbox.work().join(format!("run.{format}"))).unwrap();
                assert_hidden(format, &text);
            }
        }
        let journal = fs::read(sandbox.work().join("run.db")).unwrap();
        assert!(String::from_utf8_lossy(&journal).contains("POT8881"));
    }
}

#[test]
fn a_check_reports_no_redacted_value() {
    let merchant = merchant();
    let formats = ["json", "junit", "tap", "sarif", "html", "github"];
    for more in
        [&["--format", "human", "--verbose"][..], &["--format", "human"], &["--format", "json"]]
    {
        let sandbox = Sandbox::new();
        let orders =
            "payout_id,payout_cl_id,amount\nPOT88810000001,c1,777700\nPOT88810000002,c2,777700\n";
        fs::write(sandbox.work().join("orders.csv"), orders).unwrap();
        let reports = formats.map(|format| format!("{format}=check.{format}"));
        let reports: Vec<&str> = reports.iter().flat_map(|report| ["--report", report]).collect();
        let arguments = [
            "check",
            "--only",
            "ack-success,auth-no-sign,reach-*,idem-again",
            "--orders",
            "orders.csv",
            "--platform-id",
            "PF-Walrus",
            "--set-str",
            "account_name=Bob Smith",
        ];
        let arguments = [&arguments[..], more, &reports].concat();
        let url = format!("{}&account_name=Bob+Smith", merchant.url());
        let output = redacting(&arguments, &url).in_folder(&sandbox.work()).run();
        let output = hides(output, &format!("{more:?}")).exits(1);
        if more.contains(&"json") {
            let types: Vec<_> = output.json_lines().iter().map(|it| it["type"].clone()).collect();
            assert_eq!(
                (&types[0], &types[1], types.last().unwrap()),
                (&"ready".into(), &"case".into(), &"check".into())
            );
        }
        for format in formats {
            let text = fs::read_to_string(sandbox.work().join(format!("check.{format}"))).unwrap();
            assert_hidden(format, &text);
        }
    }
    let bundle = ["check", "--bundle", "b", "--redact", "amount", "http://127.0.0.1:1/"];
    payout_notify(&bundle).key(KEY).run().exits(2).remarks(&["--redact"]);
}

#[test]
fn a_field_that_nothing_had_is_warned_of() {
    let merchant = merchant();
    let url = merchant.url();
    for (arguments, what) in [
        (["simulate", "--retries", "0"].as_slice(), "payload or reply"),
        (&["simulate", "--dry-run"], "payload"),
        (&["simulate", "--count", "1", "--retries", "0"], "payload or reply"),
        (&["check", "--only", "ack-success"], "notification or reply"),
    ] {
        let fields = [url.as_str(), "--redact", "nome", "--redact", "amount"];
        let output = payout_notify(&[arguments, &fields].concat()).key(KEY).run();
        let expected = format!("no {what} has the field \"nome\": nothing was redacted for it");
        let output = output.remarks(&[&expected]);
        assert!(!output.stderr.contains("\"amount\""), "{output}");
    }
}

#[test]
fn the_command_that_resumes_a_run_shows_no_redacted_value() {
    let merchant = Merchant::tolerating(&[Scripted::Hang; 4]);
    let url = format!("{}&account_name=Bob%20Smith", merchant.url());
    let arguments = ["simulate", "--count", "2", "--journal", "run.db"];
    let running = redacting(&arguments, &url).start();
    merchant.wait_for(1);
    running.interrupt();
    let output = hides(running.end(), "an interrupted run").exits(130);
    output.remarks(&["resume with:", "--redact account_name", "account_name=%5Bredacted%5D"]);
}

#[test]
fn a_field_without_a_name_is_refused() {
    for fields in ["", ",", "amount,", "amount,,fee"] {
        for command in ["simulate", "check"] {
            let output = redacting(&[command, "--redact", fields], "http://127.0.0.1:9/").run();
            output.exits(2).remarks(&["expected the name of a field"]);
        }
    }
}
