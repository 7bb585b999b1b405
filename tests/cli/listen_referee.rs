//! `listen --referee`: whether the sender keeps its contract.

use crate::harness::{KEY, Listening, exchange, json_post, payout_notify, signed, signed_success};

/// The line of the referee among those of a run.
fn verdict(output: &crate::harness::Output) -> serde_json::Value {
    let found = output.json_lines().into_iter().find(|line| line["type"] == "referee");
    found.unwrap_or_else(|| panic!("no verdict in {output}"))
}

#[test]
fn sending_again_after_an_acknowledgement_is_a_breach() {
    let listening = Listening::start(&["--referee"]);
    let body = signed_success();
    listening.post(&body);
    assert_eq!(listening.callback()["breaches"].as_array().map(Vec::len), Some(0));
    listening.post(&body);
    let callback = listening.callback();
    assert_eq!(callback["breaches"][0]["code"], "after-acknowledgement", "{callback}");
    let output = listening.interrupt().output.exits(1);
    let verdict = verdict(&output);
    assert_eq!((&verdict["ok"], &verdict["errors"]), (&false.into(), &1.into()), "{verdict}");
}

#[test]
fn a_person_gets_a_table_within_80_columns() {
    let run = ["listen", "--bind", ":0", "--referee", "--count", "3", "--quiet"];
    let running = payout_notify(&run).key(KEY).start();
    let ready = running.line();
    let address = ready.split("http://").nth(1).and_then(|rest| rest.split('/').next()).unwrap();
    let (address, body) = (address.parse().unwrap(), signed_success());
    let other = signed(&body.replace("POT0", "POT9"));
    for body in [&body, &other, &body] {
        exchange(address, json_post(body));
    }
    let output = running.end().exits(1).says(&[
        "ORDER ",
        "1 breach",
        "kept",
        "breach   after-acknowledgement: POT00000102, delivery 2, callback 3",
        "rule: ",
        "the sender broke its contract once",
    ]);
    let widest = output.stdout.lines().skip(2).map(|line| line.chars().count()).max();
    assert!(widest.is_some_and(|widest| widest <= 80), "{output}");
}

#[test]
fn a_sender_that_keeps_its_schedule_is_not_accused() {
    // Time goes faster, so gaps are short (a warning); the order of things is that of the contract.
    let faults = "fail*3, length +5, close mid, reset, drip 1ms ok";
    let listening = Listening::start(&["--reply", faults, "--referee"]);
    let sent = payout_notify(&["simulate", &listening.url, "--speed", "3600x"]).key(KEY).run();
    sent.exits(0).says(&["acknowledged after 7 attempts"]);
    let output = listening.interrupt().output.exits(0);
    let verdict = verdict(&output);
    assert_eq!((&verdict["ok"], &verdict["callbacks"]), (&true.into(), &7.into()), "{verdict}");
}

#[test]
fn a_late_acknowledgement_binds_nobody() {
    let run = |timeout: &str| {
        let program = ["--reply", "delay 40ms ok", "--referee", "--sender-timeout", timeout];
        let listening = Listening::start(&program);
        let body = signed_success();
        listening.post(&body);
        listening.post(&body);
        listening.interrupt().output.code
    };
    assert_eq!((run("10s"), run("20ms")), (1, 0));
}

#[test]
fn a_schedule_is_held_to_where_it_is_given() {
    let schedule = ["--reply", "fail", "--referee", "--expect-schedule", "30m,20m"];
    let listening = Listening::start(&schedule);
    listening.post(&signed_success());
    listening.post(&signed_success());
    let output = listening.interrupt().output.exits(1);
    let breaches = &verdict(&output)["breaches"];
    assert_eq!(breaches[0]["code"], "off-schedule", "{breaches}");
    for wrong in [&["--expect-schedule", "15s"][..], &["--referee", "--expect-schedule", "x"]] {
        payout_notify(&[&["listen"], wrong].concat()).key(KEY).run().exits(2);
    }
}

#[test]
fn more_than_ten_retries_and_forged_callbacks_are_told_apart() {
    let listening = Listening::start(&["--reply", "fail", "--referee"]);
    let forged = signed_success().replace("400000", "400001");
    for body in [vec![signed_success(); 11], vec![forged; 5]].concat() {
        listening.post(&body);
    }
    listening.interrupt().output.exits(0);
    let listening = Listening::start(&["--reply", "fail", "--referee", "--max-retries", "9"]);
    for body in vec![signed_success(); 11] {
        listening.post(&body);
    }
    let output = listening.interrupt().output.exits(1);
    assert_eq!(verdict(&output)["errors"], 1);
}
