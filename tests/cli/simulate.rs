//! `simulate`: what goes over the wire, when it stops, and what it says.

use serde_json::Value;

use crate::harness::{
    ACKNOWLEDGE, KEY, Listening, Merchant, Output, Scripted, exchange, fixture, payout_notify,
};

/// Sends to this merchant with retries after a millisecond each, and these arguments besides.
fn simulate(merchant: &Merchant, arguments: &[&str]) -> Output {
    let url = merchant.url();
    payout_notify(&[&["simulate", &url, "--schedule", "1ms,1ms,1ms"], arguments].concat())
        .key(KEY)
        .stdin(fixture("withdraw-notification.json"))
        .run()
}

#[test]
fn it_retries_until_the_merchant_acknowledges() {
    let merchant = Merchant::expecting(&[
        Scripted::Json(200, "fail"),
        Scripted::Json(500, r#"{"error_code":"0000"}"#),
        Scripted::Json(200, r#"{"error_code":0}"#),
        ACKNOWLEDGE,
    ]);
    simulate(&merchant, &[]).exits(0).says(&[
        "#1",
        "not acknowledged\n    the body is not JSON",
        "#2",
        "the body is right, but status 500 is not 2xx",
        "#3",
        "error_code is the number 0; it must be the string \"0000\"",
        "#4",
        "acknowledged after 4 attempts; the platform sends no more",
    ]);
    let bodies: Vec<String> = merchant.received().into_iter().map(|it| it.body).collect();
    assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]), "every attempt is the same bytes");
}

#[test]
fn a_merchant_that_never_acknowledges_exhausts_the_schedule() {
    let merchant = Merchant::expecting(&[
        Scripted::Close,
        Scripted::Json(200, ""),
        Scripted::Json(200, r#"{"error_code":"1"}"#),
        Scripted::Json(404, "<html>"),
    ]);
    simulate(&merchant, &[]).exits(1).says(&[
        "the connection was closed before the reply was complete",
        "the body is empty",
        "the merchant refused with error_code \"1\"",
        "no attempt follows",
        "exhausted after 4 attempts",
    ]);
}

#[test]
fn the_request_is_the_platforms() {
    let merchant = Merchant::expecting(&[ACKNOWLEDGE]);
    simulate(&merchant, &["--sign-type", "hmac-sha256"]).exits(0);
    let request = &merchant.received()[0];
    assert!(request.head.starts_with("POST /notify?from=platform HTTP/1.1\r\n"), "{request:?}");
    assert_eq!(request.header("content-type"), Some("application/json;charset=utf-8"));
    assert_eq!(request.header("content-length"), Some(request.body.len().to_string().as_str()));
    assert!(request.header("user-agent").is_some_and(|it| it.starts_with("payout-notify/")));
    payout_notify(&["verify", "--strict", "--require", "hmac-sha256"])
        .key(KEY)
        .stdin(&request.body)
        .run()
        .exits(0);
}

#[test]
fn the_example_is_fresh_each_time() {
    let merchant = Merchant::expecting(&[ACKNOWLEDGE, ACKNOWLEDGE]);
    simulate(&merchant, &[]).exits(0);
    simulate(&merchant, &[]).exits(0);
    let ids: Vec<Value> = merchant
        .received()
        .iter()
        .map(|request| serde_json::from_str::<Value>(&request.body).unwrap()["payout_id"].clone())
        .collect();
    assert_ne!(ids[0], ids[1]);
}

#[test]
fn a_payload_comes_from_a_file_or_stdin_with_changes() {
    let merchant = Merchant::expecting(&[ACKNOWLEDGE, ACKNOWLEDGE]);
    simulate(&merchant, &["-", "--status", "failed", "--set-str", "error_msg=no such account"])
        .exits(0)
        .says(&["POT00000102"]);
    let url = merchant.url();
    payout_notify(&["simulate", &url, "order.json", "--unset", "sign"])
        .key(KEY)
        .file("order.json", fixture("withdraw-notification.json"))
        .run()
        .exits(0);
    let received = merchant.received();
    let body: Value = serde_json::from_str(&received[0].body).unwrap();
    assert_eq!((&body["status"], &body["error_msg"]), (&5.into(), &"no such account".into()));
    // The vector of the platform's own example, under the documents' key.
    let body: Value = serde_json::from_str(&received[1].body).unwrap();
    assert_eq!(body["sign"], "27ca8ef2e36642099131bfbca52c5ffc");
}

#[test]
fn a_status_has_a_name_or_a_number() {
    let merchant = Merchant::expecting(&[ACKNOWLEDGE; 4]);
    for (given, status) in [("success", 3), ("cancelled", 4), ("failed", 5), ("-1", -1)] {
        simulate(&merchant, &["--status", given]).exits(0);
        let body: Value = serde_json::from_str(&merchant.received().last().unwrap().body).unwrap();
        assert_eq!(body["status"], status, "{given}");
        assert_eq!(body["error_msg"].is_string(), status == 5, "{body}");
    }
    simulate(&Merchant::expecting(&[]), &["--status", "done"]).exits(2).remarks(&["success"]);
}

#[test]
fn a_redirect_is_not_followed() {
    let merchant = Merchant::expecting(&[Scripted::Redirect]);
    let url = merchant.url();
    payout_notify(&["simulate", &url, "--retries", "0"])
        .key(KEY)
        .run()
        .exits(1)
        .says(&["a redirect (302) is not followed", "exhausted after 1 attempt"]);
}

#[test]
fn a_silent_merchant_times_out() {
    let merchant = Merchant::expecting(&[Scripted::Hang, Scripted::Hang]);
    let url = merchant.url();
    payout_notify(&["simulate", &url, "--schedule", "1ms", "--timeout", "50ms"])
        .key(KEY)
        .run()
        .exits(1)
        .says(&["no complete reply within 50ms", "exhausted after 2 attempts"]);
}

#[test]
fn a_schedule_that_does_not_fit_is_refused_with_its_sum() {
    let merchant = Merchant::expecting(&[]);
    let url = merchant.url();
    let refused = |arguments: &[&str]| {
        payout_notify(&[&["simulate", &url], arguments].concat()).key(KEY).run().exits(2)
    };
    refused(&["--schedule", "even", "--retries", "11"])
        .remarks(&["11 retries take 1h6m, longer than the window of 1h; 10 would fit"]);
    refused(&["--window", "10s"]).remarks(&["take 55m45s", "window of 10s"]);
    refused(&["--retries", "11"]).remarks(&["10 retries, not 11"]);
    refused(&["--schedule", "1x"]).remarks(&["the schedule cannot be used"]);
    refused(&["--schedule", "backof"]).remarks(&["neither a preset"]);
    refused(&["--timeout", "0s"]).remarks(&["longer than nothing"]);
    refused(&["--speed", "0x"]);
}

#[test]
fn a_url_that_cannot_be_used_is_a_matter_of_usage() {
    for url in ["ftp://m.example/", "nonsense://x", "", "http://", "http://h:99999/"] {
        payout_notify(&["simulate", url])
            .key(KEY)
            .run()
            .exits(2)
            .remarks(&["the URL cannot be used", "hint:"]);
    }
}

#[test]
fn a_dry_run_sends_nothing_and_needs_no_key() {
    let merchant = Merchant::expecting(&[]);
    let url = merchant.url();
    let output = payout_notify(&["simulate", &url, "--dry-run"]).run().exits(0).says(&[
        "schedule backoff: 11 attempts within 55m45s (window 1h)",
        "#1  +0s",
        "#2  +15s",
        "#11 +55m45s",
    ]);
    assert_eq!(output.stdout.lines().filter(|line| line.starts_with('#')).count(), 11);
    let plan = payout_notify(&["simulate", &url, "--dry-run", "--format", "json"]).run().exits(0);
    let plan = plan.json();
    assert_eq!((&plan["type"], &plan["key_fingerprint"]), (&"plan".into(), &Value::Null));
    assert_eq!(plan["schedule"]["timeline"][10]["offset_ms"], 3_345_000.0);
}

#[test]
fn json_streams_ready_then_attempts_then_the_report() {
    let merchant = Merchant::expecting(&[Scripted::Json(200, r#"{"error_code":0}"#), ACKNOWLEDGE]);
    let lines = simulate(&merchant, &["--format", "json"]).exits(0).json_lines();
    let types: Vec<&str> = lines.iter().filter_map(|line| line["type"].as_str()).collect();
    assert_eq!(types, ["ready", "attempt", "attempt", "report"]);
    assert!(lines.iter().all(|line| line["schema_version"] == 1));
    let (first, second) = (&lines[1], &lines[2]);
    assert_eq!((&first["number"], &first["conclusion"]), (&1.into(), &"number-code".into()));
    assert_eq!((&first["next"]["attempt"], &first["status"]), (&2.into(), &200.into()));
    assert_eq!(first["reply_body"], r#"{"error_code":0}"#);
    assert_eq!((&second["acknowledged"], &second["next"]), (&true.into(), &Value::Null));
    assert_eq!((&lines[3]["result"], &lines[3]["attempts"]), (&"acknowledged".into(), &2.into()));
}

#[test]
fn an_interrupt_during_a_wait_names_the_attempt_not_sent() {
    let merchant = Merchant::expecting(&[Scripted::Json(200, "fail")]);
    let url = merchant.url();
    let running = payout_notify(&["simulate", &url, "--schedule", "30m", "--format", "json"])
        .key(KEY)
        .start();
    assert_eq!(running.json_line()["type"], "ready");
    assert_eq!(running.json_line()["next"]["offset_ms"], 1_800_000.0);
    running.interrupt();
    let lines = running.end().exits(130).json_lines();
    assert_eq!(lines.last().unwrap()["result"], "interrupted");
}

#[test]
fn speed_lets_the_hour_pass_faster() {
    let merchant = Merchant::expecting(&[Scripted::Json(503, ""), ACKNOWLEDGE]);
    let url = merchant.url();
    let run = payout_notify(&["simulate", &url, "--speed", "10000x", "--format", "json"]).key(KEY);
    let lines = run.run().exits(0).json_lines();
    assert_eq!(lines[2]["planned_offset_ms"], 15_000.0);
}

#[test]
fn simulate_and_listen_understand_each_other() {
    let listening = Listening::start(&["--count", "2"]);
    for kind in ["md5", "hmac-sha256"] {
        payout_notify(&["simulate", &listening.url, "--sign-type", kind, "--retries", "0"])
            .key(KEY)
            .run()
            .exits(0)
            .says(&["acknowledged after 1 attempt"]);
        let callback = listening.callback();
        assert_eq!(callback["valid"], true, "{callback}");
        assert_eq!(callback["findings"].as_array().map(Vec::len), Some(0), "{callback}");
    }
    assert_eq!(listening.end().summary["valid"], 2);
}

#[test]
fn another_key_is_refused_by_listen() {
    let listening = Listening::start(&["--count", "1"]);
    payout_notify(&["simulate", &listening.url, "--retries", "0"])
        .key("another key")
        .run()
        .exits(1)
        .says(&["the merchant refused with error_code \"0004\""]);
    listening.end().output.exits(1);
}

#[test]
fn the_curl_command_reaches_the_listener_as_its_body() {
    let listening = Listening::start(&["--count", "1"]);
    let body = payout_notify(&["sign", "--set", "status=3"])
        .key(KEY)
        .stdin(fixture("withdraw-notification.json"))
        .run()
        .exits(0)
        .stdout;
    // A newline after the object is no part of what is signed.
    let reply = exchange(listening.address, crate::harness::json_post(&body));
    assert_eq!(reply.body, r#"{"error_code":"0000"}"#);
    assert_eq!(listening.callback()["body"], body);
    listening.end().output.exits(0);
}

#[test]
fn a_refusal_in_xml_is_no_acknowledgement() {
    const WECHAT: [&str; 5] = ["--dialect", "wechat-v2", "--retries", "0", "--format=json"];
    let judged = |body, code| {
        let merchant = Merchant::expecting(&[Scripted::Json(200, body)]);
        payout_notify(&[&["simulate", &merchant.url()], &WECHAT[..]].concat())
            .key(KEY)
            .run()
            .exits(code)
    };
    for body in [
        "<!-- <return_code>SUCCESS</return_code> --><xml><return_code>FAIL</return_code></xml>",
        "<xml><return_code>SUC CESS</return_code></xml>",
        "<html><body><pre><return_code>SUCCESS</return_code></pre></body></html>",
        "<xml><data><return_code>SUCCESS</return_code></data></xml>",
        "<xml><return_code>SUCCESS</return_code><return_code>FAIL</return_code></xml>",
        "<xml><return_code>SUCCESS</return_code>",
    ] {
        judged(body, 1);
    }
    let refused = "<xml><return_code><![CDATA[FAIL]]></return_code>\
                   <return_msg><![CDATA[bad sign]]></return_msg></xml>";
    judged(refused, 1)
        .says(&["the merchant refused with return_code \\\"FAIL\\\"; its return_msg: bad sign"]);
    let documented = "<xml>\n  <return_code><![CDATA[SUCCESS]]></return_code>\n  \
                      <return_msg><![CDATA[OK]]></return_msg>\n</xml>";
    judged(documented, 0);
}

/// A text without what differs from run to run: times of day, how long replies and waits took, ids.
fn lasting(text: &str) -> String {
    let rules = [
        (r"\d\d:\d\d:\d\d\.\d{3}Z", "TIME"),
        (r"( [-\d]{3}) +[\d.]+ (?:ms|s) ", "$1  TOOK "),
        (r"in [\d.]+ (?:ms|s)\b", "in WAIT"),
        (r"POT\d{8}", "POT"),
        (r"127\.0\.0\.1:\d+", "HOST"),
        (r#""(elapsed_ms|wait_ms|connect_ms|send_ms|first_byte_ms)":[\d.]+"#, "\"$1\":0"),
        (r#""(started_at|payout_cl_id)":"[^"]*""#, "\"$1\":\"\""),
    ];
    rules.iter().fold(text.to_owned(), |text, (pattern, with)| {
        regex::Regex::new(pattern).unwrap().replace_all(&text, *with).into_owned()
    })
}

const ALL_SORTS: [Scripted; 5] = [
    Scripted::Json(200, "fail"),
    Scripted::Json(500, r#"{"error_code":"0000"}"#),
    Scripted::Json(200, "<html>hi</html>"),
    Scripted::Close,
    Scripted::Json(201, r#"{"error_code":"0000","x":1}"#),
];

fn lines_of(replies: &[Scripted], code: i32, arguments: &[&str]) -> String {
    let merchant = Merchant::expecting(replies);
    let output = payout_notify(&[&["simulate", &merchant.url()], arguments].concat());
    let text = lasting(&output.key(KEY).run().exits(code).stdout);
    text.replace("?from=platform", "")
}

#[test]
fn the_lines_of_a_single_order_are_these() {
    let lines = lines_of(&ALL_SORTS, 0, &["--speed", "10000x"]);
    assert_eq!(
        lines,
        "POT → http://HOST/notify  signed with MD5, key 1a41bdda
schedule backoff: 11 attempts within 55m45s (window 1h)
#1  TIME  +0s      200  TOOK  not acknowledged
    the body is not JSON; next at +15s, in WAIT
    the reply begins: fail
#2  TIME  +15s     500  TOOK  not acknowledged
    the body is right, but status 500 is not 2xx; next at +45s, in WAIT
#3  TIME  +45s     200  TOOK  not acknowledged
    the body is an HTML page (a login, error or challenge page?); next at +1m45s, in WAIT
    the reply begins: <html>hi</html>
#4  TIME  +1m45s   ---  TOOK  not acknowledged
    the connection was closed before the reply was complete (a crash, or a wrong Content-Length?); the retry must be treated as a duplicate (connection closed before message completed); next at +3m45s, in WAIT
#5  TIME  +3m45s   201  TOOK  acknowledged
    the reply has fields beside error_code
    the status is 2xx but not 200
acknowledged after 5 attempts; the platform sends no more
"
    );
    let exhausted = lines_of(&ALL_SORTS[..2], 1, &["--schedule", "1ms"]);
    let last: Vec<&str> = exhausted.lines().skip(5).collect();
    assert_eq!(
        last,
        [
            "#2  TIME  +1ms     500  TOOK  not acknowledged",
            "    the body is right, but status 500 is not 2xx; no attempt follows",
            "exhausted after 2 attempts: the schedule ended without an acknowledgement",
        ]
    );
    // The reply to the first attempt comes after the window.
    let late = ["--timeout", "100ms", "--schedule", "1ms,1ms", "--window", "20ms"];
    let late = lines_of(&[Scripted::Hang], 1, &late);
    assert_eq!(
        late.lines().last(),
        Some("exhausted after 1 attempt: the window passed without an acknowledgement")
    );
}

#[test]
fn the_json_of_a_single_order_is_this() {
    let json = lines_of(&ALL_SORTS[1..], 0, &["--speed", "10000x", "--format", "json"]);
    let lines: Vec<&str> = json.lines().skip(1).collect();
    assert_eq!(
        lines,
        [
            r#"{"type":"attempt","schema_version":1,"acknowledged":false,"conclusion":"status-with-right-body","elapsed_ms":0,"explanation":"the body is right, but status 500 is not 2xx","next":{"attempt":2,"offset_ms":15000.0,"wait_ms":0},"number":1,"phases":{"connect_ms":0,"ended_in":null,"first_byte_ms":0,"resolve_ms":null,"send_ms":0,"tls_ms":null},"planned_offset_ms":0.0,"reply_body":"{\"error_code\":\"0000\"}","started_at":"","status":500,"warnings":[]}"#,
            r#"{"type":"attempt","schema_version":1,"acknowledged":false,"conclusion":"html","elapsed_ms":0,"explanation":"the body is an HTML page (a login, error or challenge page?)","next":{"attempt":3,"offset_ms":45000.0,"wait_ms":0},"number":2,"phases":{"connect_ms":0,"ended_in":null,"first_byte_ms":0,"resolve_ms":null,"send_ms":0,"tls_ms":null},"planned_offset_ms":15000.0,"reply_body":"<html>hi</html>","started_at":"","status":200,"warnings":[]}"#,
            r#"{"type":"attempt","schema_version":1,"acknowledged":false,"conclusion":"closed-early","elapsed_ms":0,"explanation":"the connection was closed before the reply was complete (a crash, or a wrong Content-Length?); the retry must be treated as a duplicate (connection closed before message completed)","next":{"attempt":4,"offset_ms":105000.0,"wait_ms":0},"number":3,"phases":{"connect_ms":0,"ended_in":"first-byte","first_byte_ms":0,"resolve_ms":null,"send_ms":0,"tls_ms":null},"planned_offset_ms":45000.0,"reply_body":null,"started_at":"","status":null,"warnings":[]}"#,
            r#"{"type":"attempt","schema_version":1,"acknowledged":true,"conclusion":"acknowledged","elapsed_ms":0,"explanation":null,"next":null,"number":4,"phases":{"connect_ms":0,"ended_in":null,"first_byte_ms":0,"resolve_ms":null,"send_ms":0,"tls_ms":null},"planned_offset_ms":105000.0,"reply_body":"{\"error_code\":\"0000\",\"x\":1}","started_at":"","status":201,"warnings":["extra-members","status-not-200"]}"#,
            r#"{"type":"report","schema_version":1,"attempts":4,"result":"acknowledged"}"#,
        ]
    );
}

#[test]
fn an_interrupt_says_what_was_in_flight() {
    let merchant = Merchant::expecting(&[Scripted::Json(503, ""), Scripted::Hang]);
    let url = merchant.url();
    let during = |merchant: &Merchant, schedule: &str, requests| {
        let running = payout_notify(&["simulate", &url, "--schedule", schedule]).key(KEY).start();
        merchant.wait_for(requests);
        running
    };
    let running = during(&merchant, "1ms", 2);
    running.interrupt();
    let output = running.end().exits(130);
    assert_eq!(
        output.stdout.lines().last(),
        Some(
            "interrupted after 1 attempt: attempt 2 was in flight; the merchant may have received it"
        )
    );
}
