//! `listen --reply`: each fault as a raw client sees it.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::harness::{
    DEADLINE, End, KEY, Listening, exchange, json_post, payout_notify, raw_exchange, signed,
    signed_success,
};

/// The reply that acknowledges.
const SUCCESS: &str = r#"{"error_code":"0000"}"#;

#[test]
fn each_order_has_its_own_steps() {
    let listening = Listening::start(&["--reply", "fail*3, code:0002, ok"]);
    let (first, second) = (signed_success(), signed_success().replace("POT0", "POT9"));
    let second = signed(&second);
    let statuses = |body: &str| (0..6).map(|_| listening.post(body).status).collect::<Vec<_>>();
    assert_eq!(statuses(&first), [500, 500, 500, 200, 200, 200]);
    assert_eq!(statuses(&second), [500, 500, 500, 200, 200, 200]);
    assert_eq!(listening.post(&first).body, SUCCESS);
    let callback = listening.callback();
    assert_eq!((&callback["reply"]["action"], &callback["valid"]), (&"500".into(), &true.into()));
    let output = listening.interrupt().output.exits(0);
    let summary = output.json_lines().pop().unwrap();
    assert_eq!((&summary["callbacks"], &summary["valid"]), (&13.into(), &13.into()));
}

#[test]
fn replies_are_counted_together_where_that_is_asked_for() {
    let listening = Listening::start(&["--reply", "503, ok", "--reply-per", "all"]);
    let other = signed(&signed_success().replace("POT0", "POT9"));
    assert_eq!(listening.post(&signed_success()).status, 503);
    assert_eq!(listening.post(&other).status, 200);
    listening.interrupt();
    let listening = Listening::start(&["--reply", "503, ok", "--reply-per", "connection"]);
    for _ in 0..2 {
        assert_eq!(listening.post(&signed_success()).status, 503);
    }
    listening.interrupt();
}

#[test]
fn a_raw_client_sees_each_fault() {
    let listening = Listening::start(&[]);
    let fault = |program: &str| {
        let body = signed_success();
        let path = format!("POST /reply/{program} ");
        raw_exchange(listening.address, json_post(&body).replacen("POST /notify ", &path, 1))
    };
    let length = |text: &str| text.to_ascii_lowercase().contains("content-length: 21\r\n");
    assert_eq!(fault("hang%2050ms"), (String::new(), End::Closed));
    assert_eq!(fault("close"), (String::new(), End::Closed));
    assert_eq!(fault("reset"), (String::new(), End::Reset));
    for (program, end) in
        [("close%20mid", End::Closed), ("truncated", End::Closed), ("reset%20mid", End::Reset)]
    {
        let (text, seen) = fault(program);
        assert_eq!(seen, end, "{program}: {text}");
        assert!(length(&text) && text.ends_with("\r\n\r\n{\"error_co"), "{program}: {text}");
    }
    for (program, told) in [("length%20%2B5", 26), ("length%20-3", 18)] {
        let (text, _) = fault(program);
        let told = format!("content-length: {told}\r\n");
        assert!(text.to_ascii_lowercase().contains(&told) && text.ends_with(SUCCESS), "{text}");
    }
    let (text, _) = fault("drip%201ms");
    assert!(length(&text) && text.ends_with(SUCCESS), "{text}");
    assert!(fault("number-zero").0.ends_with("{\"error_code\":0}"));
    let (text, _) = fault("503");
    assert!(text.starts_with("HTTP/1.1 503 "), "{text}");
    let (text, _) = fault("nonsense");
    assert!(text.starts_with("HTTP/1.1 404 ") && text.contains("is not known"), "{text}");
    let kept = listening.beside(&["inbox", "list", "--format", "json"]).json_lines();
    assert_eq!(kept.len(), 12, "what was answered with a fault is kept as well");
    listening.interrupt().output.exits(0);
}

#[test]
fn a_drip_comes_piece_by_piece_and_a_delay_before_it() {
    let listening = Listening::start(&["--reply", "delay 20ms drip 1ms ok"]);
    let mut stream = TcpStream::connect(listening.address).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream.write_all(json_post(&signed_success()).as_bytes()).unwrap();
    let (mut pieces, mut buffer) = (0, [0; 4096]);
    while stream.read(&mut buffer).unwrap() > 0 {
        pieces += 1;
    }
    assert!(pieces > 5, "{pieces}");
    listening.interrupt().output.exits(0);
}

#[test]
fn chances_repeat_with_their_seed() {
    let bodies: Vec<String> = (0..8)
        .map(|number| signed(&signed_success().replace("POT0", &format!("POT{number}"))))
        .collect();
    let run = |seed: &str| {
        let listening =
            Listening::start(&["--reply", "40% 503 | 10% number-zero | ok", "--seed", seed]);
        let replies: Vec<String> = (0..4)
            .flat_map(|_| &bodies)
            .map(|body| {
                let reply = listening.post(body);
                format!("{} {}", reply.status, reply.body)
            })
            .collect();
        listening.interrupt();
        replies
    };
    let first = run("7");
    assert_eq!(first, run("7"));
    assert_ne!(first, run("8"));
    let failed = first.iter().filter(|reply| reply.starts_with("503")).count();
    assert!((4..=24).contains(&failed), "{failed} of {}", first.len());
}

#[test]
fn the_plan_is_printed_and_a_wrong_word_is_named() {
    let program = "fail*3, 20% 503 | ok, reset";
    let listening = Listening::start(&["--reply", program]);
    let plan: Vec<&str> =
        listening.ready["plan"].as_array().unwrap().iter().filter_map(|it| it.as_str()).collect();
    assert_eq!(plan.len(), 3, "{plan:?}");
    assert!(plan[0].starts_with("reply 1–3: 500"), "{plan:?}");
    assert!(plan[1].contains("20%") && plan[2].contains("from reply 5 on"), "{plan:?}");
    listening.interrupt().output.exits(0);
    payout_notify(&["listen", "--reply", "fail*3, hnag 2s"])
        .key(KEY)
        .run()
        .exits(2)
        .remarks(&["hnag", "hang"]);
    payout_notify(&["listen", "--seed", "1"]).key(KEY).run().exits(2).remarks(&["--reply"]);
    let get = "GET /reply/204 HTTP/1.1\r\nHost: m\r\nConnection: close\r\n\r\n";
    let listening = Listening::start(&[]);
    assert_eq!(exchange(listening.address, get).status, 204);
    listening.interrupt();
}
