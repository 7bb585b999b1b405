//! A profile's status numbers, wherever the tool speaks of a status.

use serde_json::Value;

use crate::harness::{
    ACKNOWLEDGE, KEY, Listening, Merchant, Program, fixture, payout_notify, signed, signed_success,
};

/// A deployment where 4 and 5 mean the other thing than the platform's list says.
const SWAPPED: &str = r#"default_profile = "swapped"

[profile.swapped]
statuses = { 4 = "failed", 5 = "cancelled" }
"#;

fn swapped(arguments: &[&str]) -> Program {
    payout_notify(arguments).key(KEY).file("payout-notify.toml", SWAPPED)
}

#[test]
fn a_name_is_sent_with_the_profiles_number() {
    let plan = |status: &str| {
        let line = ["simulate", "http://h/", "--dry-run", "--format", "json", "--status", status];
        let plan = swapped(&line).run().exits(0).json();
        (plan["order"]["status"].as_i64().unwrap(), plan["order"]["status_name"].clone())
    };
    assert_eq!(plan("cancelled"), (5, "cancelled".into()));
    assert_eq!(plan("4"), (4, "failed".into()));
    let merchant = Merchant::expecting(&[ACKNOWLEDGE, ACKNOWLEDGE]);
    let url = merchant.url();
    swapped(&["simulate", &url, "--mix", "failed=1"]).run().exits(0);
    swapped(&["simulate", &url, "--count", "1", "--status", "cancelled"]).run().exits(0);
    let [failed, cancelled] = &merchant.received()[..] else { panic!("two requests") };
    assert!(failed.body.contains(r#""status":4,"error_msg""#), "{}", failed.body);
    assert!(cancelled.body.contains(r#""status":5,"create_time""#), "{}", cancelled.body);
    swapped(&["simulate", &url, "--mix", "failed=1,4=1"])
        .run()
        .exits(2)
        .remarks(&["--mix cannot be used", "duplicate status 4"]);
}

#[test]
fn an_exported_test_sends_the_profiles_number() {
    let export = ["export", "http://h/", "--to", "k6"];
    let run = |flags: &[&str]| swapped(&[&export, flags].concat()).run().exits(0);
    run(&["--status", "cancelled"]).says(&["&status=5&"]).hides("&status=4&");
    run(&["--mix", "success=9,failed=1"]).says(&["&status=3&", "&status=4&"]);
}

#[test]
fn verify_judges_a_status_by_the_profile() {
    let file = r#"[profile.own]
statuses = { 3 = "processing", 2 = "success" }
"#;
    let verify = |flags: &[&str]| {
        let body = signed(&fixture("withdraw-notification.json"));
        let line = [&["verify"], flags].concat();
        payout_notify(&line).key(KEY).file("payout-notify.toml", file).stdin(body).run().exits(0)
    };
    verify(&[]).remarks(&["2 (processing) is not a final status"]);
    verify(&["--profile", "own", "--strict"]).hides("not a final status");
    let lines = payout_notify(&["verify", "--lines", "--profile", "own"])
        .key(KEY)
        .file("payout-notify.toml", file)
        .stdin(signed_success().replace('\n', ""))
        .run()
        .exits(0);
    assert!(lines.stdout.contains("3 (processing) is not a final status"), "{lines}");
}

#[test]
fn a_listener_its_referee_and_its_inbox_name_a_status_by_the_profile() {
    let program = Listening::program(&["--referee"]).file("payout-notify.toml", SWAPPED);
    let listening = Listening::of(program);
    let five = signed(&signed_success().replace("\"status\":3", "\"status\":5"));
    listening.post(&five);
    assert_eq!(listening.callback()["order"]["status_name"], "cancelled");
    listening.post(&signed(&five.replace("\"status\":5", "\"status\":4")));
    let callback = listening.callback();
    let breach = &callback["breaches"][0];
    assert_eq!(breach["code"], "status-after-final", "{callback}");
    let said = breach.to_string();
    assert!(said.contains("cancelled") && said.contains("failed"), "{said}");
    let work = listening.running().work();
    let inbox = |flags: &[&str]| {
        let line = [&["inbox", "list"], flags].concat();
        let run = payout_notify(&line).at_home_of(listening.running()).in_folder(&work).run();
        run.exits(0)
    };
    let table = inbox(&[]).says(&["cancelled", "failed"]).stdout;
    let second = table.lines().nth(1).unwrap();
    assert!(second.contains("cancelled"), "{table}");
    let found = inbox(&["--status", "cancelled", "--format", "json"]).json_lines();
    let statuses: Vec<&Value> = found.iter().map(|line| &line["status"]).collect();
    assert_eq!(statuses, [&Value::from(5)]);
    listening.interrupt().output.exits(1);
}
