use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use protocol::internal::acknowledgement;
use protocol::internal::acknowledgement::{AcknowledgementRule, Conclusion};

use super::error::ProgramProblem;
use super::near_miss::SAMPLES;
use super::render::MAX_PIECES;
use super::runner::Chosen;
use super::*;
use crate::receiver::received::Replied;
use crate::receiver::reply::{JSON, PlatformCode, Reply};
use crate::receiver::server::handler_output::{Answer, WireEnd, WireScript, WireStep};
use crate::support::docs::{assert_table, cell, examples};

const SUCCESS: &str = r#"{"error_code":"0000"}"#;
const TEXT: &str = "text/plain;charset=utf-8";

fn parse(text: &str) -> ReplyProgram {
    ReplyProgram::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn place(order: &str) -> RequestContext<'_> {
    let connection = SocketAddr::from(([127, 0, 0, 1], 4000));
    RequestContext { order: Some(order), connection, target: "/notify?a=1" }
}

fn first(text: &str) -> Chosen {
    Runner::new(parse(text), Per::Order, 1, 10).next(place("a"))
}

/// What the first step answers to a callback whose signature is wrong.
fn answer(text: &str) -> (Answer, Replied) {
    first(text).answer(Reply::platform(PlatformCode::BadSignature), SUCCESS)
}

fn whole(text: &str) -> Reply {
    match answer(text) {
        (Answer::Reply(reply), replied) => {
            assert_eq!(replied.status, Some(reply.status), "{text}");
            assert_eq!((&replied.headers, &replied.body), (&reply.headers, &reply.body), "{text}");
            reply
        }
        (other, _) => panic!("{text}: {other:?}"),
    }
}

fn script(text: &str) -> (WireScript, Replied) {
    match answer(text) {
        (Answer::Wire(script), replied) => (script, replied),
        (other, _) => panic!("{text}: {other:?}"),
    }
}

/// The bytes of a script that writes once, and how it ends.
fn written(text: &str) -> (String, WireEnd) {
    let (script, _) = script(text);
    match &script.steps[..] {
        [WireStep::Write(bytes)] => (String::from_utf8(bytes.to_vec()).expect("text"), script.end),
        other => panic!("{text}: {other:?}"),
    }
}

fn raw(status: &str, content_type: &str, length: usize, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{body}"
    )
}

#[test]
fn every_content_has_its_reply() {
    let refused = Reply::platform(PlatformCode::BadSignature);
    let own_code = r#"{"error_code":"9999","error_msg":"refused"}"#;
    let html = "text/html;charset=utf-8";
    for (text, wanted) in [
        ("auto", refused.clone()),
        ("ok", Reply::platform(PlatformCode::Success)),
        ("fail", Reply::new(500, TEXT, "500 Internal Server Error")),
        ("503", Reply::new(503, TEXT, "503 Service Unavailable")),
        ("299", Reply::new(299, TEXT, "299")),
        ("204", Reply { status: 204, headers: Vec::new(), body: "".into() }),
        ("refuse", refused.clone()),
        ("code:0021", Reply::platform(PlatformCode::NotJson)),
        ("200 code:0021", Reply { status: 200, ..Reply::platform(PlatformCode::NotJson) }),
        ("code:9999", Reply::new(200, JSON, own_code)),
        ("503 ok", Reply { status: 503, ..Reply::platform(PlatformCode::Success) }),
        ("503 auto", Reply { status: 503, ..refused.clone() }),
        ("body:{\"a\":[1, 2]}", Reply::new(200, JSON, "{\"a\":[1, 2]}")),
        ("body:\"a, b*2 | c\"", Reply::new(200, TEXT, "a, b*2 | c")),
        ("body:\"\"", Reply::new(200, TEXT, "")),
        ("body:<xml>a</xml> 404", Reply::new(404, "text/xml;charset=utf-8", "<xml>a</xml>")),
        ("404 body:<HTML>no</HTML>", Reply::new(404, html, "<HTML>no</HTML>")),
        ("header:Retry-After=30 429 body:x", {
            Reply::new(429, TEXT, "x").with_header("Retry-After", "30")
        }),
        ("header:content-type=\"text/html; a\" ok header:X=", {
            let bare = Reply { status: 200, headers: Vec::new(), body: SUCCESS.into() };
            bare.with_header("content-type", "text/html; a").with_header("X", "")
        }),
        ("redirect", {
            let bare = Reply { status: 302, headers: Vec::new(), body: "".into() };
            bare.with_header("Location", "/notify?a=1")
        }),
    ] {
        assert_eq!(whole(text), wanted, "{text}");
        let (_, replied) = answer(text);
        let action = (text != "auto").then(|| parse(text).to_string());
        assert_eq!(replied.action, action, "{text}");
    }
    let epay = first("ok").answer(refused, "success");
    assert_eq!(epay.1.body, "success");
}

#[test]
fn a_near_miss_is_sent_as_it_stands_and_never_acknowledges() {
    let codes = [
        "number-code",
        "unquoted-code",
        "near-code",
        "misspelled-code",
        "no-code",
        "no-code",
        "not-an-object",
        "not-an-object",
        "duplicate-member",
        "byte-order-mark",
        "text-around-json",
        "not-json",
        "bare-word",
        "bare-word",
        "empty",
        "html",
    ];
    assert_eq!(SAMPLES.len(), codes.len());
    for (sample, code) in SAMPLES.iter().zip(codes) {
        let reply = whole(sample.name);
        assert_eq!(reply, sample.reply());
        let seen = acknowledgement::Reply {
            status: reply.status,
            content_type: Some(sample.content_type.to_owned()),
            body: reply.body.to_vec(),
            ..acknowledgement::Reply::default()
        };
        match AcknowledgementRule::default().judge(&seen) {
            Conclusion::NotAcknowledged(refusal) => assert_eq!(refusal.code(), code, "{sample:?}"),
            Conclusion::Acknowledged(_) => panic!("{sample:?} acknowledges"),
        }
    }
}

#[test]
fn a_silence_sends_nothing() {
    let pause = |seconds| vec![WireStep::Pause(Duration::from_secs(seconds))];
    for (text, steps, end) in [
        ("hang 35s", pause(35), WireEnd::Close),
        ("hang", pause(3600), WireEnd::Close),
        ("close", Vec::new(), WireEnd::Close),
        ("reset", Vec::new(), WireEnd::Reset),
    ] {
        let (script, replied) = script(text);
        assert_eq!(script, WireScript { steps, end }, "{text}");
        let action = Some(text.to_owned());
        assert_eq!(replied, Replied { action, ..Replied::default() }, "{text}");
    }
}

#[test]
fn a_broken_reply_is_written_to_the_byte() {
    let half = &SUCCESS[..10];
    for (text, wanted, end) in [
        ("close mid ok", raw("200 OK", JSON, 21, half), WireEnd::Close),
        ("truncated ok", raw("200 OK", JSON, 21, half), WireEnd::Close),
        ("close mid empty", raw("200 OK", TEXT, 1, ""), WireEnd::Close),
        ("length +5 ok", raw("200 OK", JSON, 26, SUCCESS), WireEnd::Close),
        ("length -3 ok", raw("200 OK", JSON, 18, SUCCESS), WireEnd::Close),
        ("length -30 ok", raw("200 OK", JSON, 0, SUCCESS), WireEnd::Close),
        ("201 length +1 body:x", raw("201 Created", TEXT, 2, "x"), WireEnd::Close),
        ("799 length +1 body:x", raw("799 ", TEXT, 2, "x"), WireEnd::Close),
    ] {
        assert_eq!(written(text), (wanted, end), "{text}");
    }
    let (reset, replied) = script("reset mid ok");
    let bytes = WireStep::Write(raw("200 OK", JSON, 21, half).into());
    let steps = vec![bytes, WireStep::Pause(Duration::from_millis(50))];
    assert_eq!(reset, WireScript { steps, end: WireEnd::Reset });
    assert_eq!((replied.status, &replied.body[..]), (Some(200), half.as_bytes()));
    assert!(replied.headers.contains(&("Content-Length".to_owned(), b"21".to_vec())));
}

#[test]
fn a_drip_writes_the_whole_reply_byte_by_byte_within_bounds() {
    let (slow, replied) = script("drip 100ms ok");
    let wanted = raw("200 OK", JSON, 21, SUCCESS);
    let mut bytes = Vec::new();
    for (at, step) in slow.steps.iter().enumerate() {
        match step {
            WireStep::Write(piece) if at % 2 == 0 && piece.len() == 1 => bytes.extend(piece),
            WireStep::Pause(pace) if at % 2 == 1 => assert_eq!(pace.as_millis(), 100),
            other => panic!("{at}: {other:?}"),
        }
    }
    assert_eq!((bytes, slow.end), (wanted.into_bytes(), WireEnd::Close));
    assert_eq!((replied.body, replied.status), (SUCCESS.into(), Some(200)));

    let long = format!("drip 1ms body:{}", "x".repeat(50_000));
    assert!(script(&long).0.steps.len() <= 2 * MAX_PIECES);
    let patient = script("drip 1h ok").0;
    assert_eq!(patient.steps.len(), 3);
}

#[test]
fn what_comes_as_the_usual_reply_cannot_break_a_raw_head() {
    let usual = Reply::new(200, JSON, "{}")
        .with_header("content-length", "7")
        .with_header("X", "a\r\nY: b")
        .with_header("X\n", "c");
    let (answer, _) = first("length +1").answer(usual, SUCCESS);
    let steps = vec![WireStep::Write(raw("200 OK", JSON, 3, "{}").into())];
    match answer {
        Answer::Wire(script) => assert_eq!(script, WireScript { steps, end: WireEnd::Close }),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_delay_is_told_apart_and_a_target_is_safe() {
    assert_eq!(first("delay 2s").delay, Duration::from_secs(2));
    assert_eq!(answer("delay 2s").1.action.as_deref(), Some("delay 2s auto"));
    assert_eq!(first("reset delay 1m").delay, Duration::from_secs(60));
    assert_eq!(first("ok").delay, Duration::ZERO);
    for target in ["", "/a b", "/a\r\nX: y", "/é", &"/".repeat(9000)] {
        let mut runner = Runner::new(parse("redirect"), Per::All, 0, 1);
        let (_, replied) =
            runner.next(RequestContext { target, ..place("a") }).answer(Reply::success(""), "");
        assert_eq!(replied.headers, [("Location".to_owned(), b"/".to_vec())], "{target}");
    }
}

#[test]
fn the_canonical_form_is_short_and_reads_back() {
    for (text, canonical) in [
        (" auto ", "auto"),
        ("fail * 3,ok", "500*3, ok"),
        ("refuse|auto", ""),
        ("20% fail|0.250% hang|ok *2", "20% 500 | 0.25% hang | ok*2"),
        ("truncated", "close mid auto"),
        ("ok drip 0.1s header:a=\"b c\" 201 delay 90s", {
            "delay 1m30s 201 header:a=\"b c\" drip 100ms ok"
        }),
        ("body:\"{\\\"a\\\":1}\"", "body:{\"a\":1}"),
        ("body:\"\\\"OK\\\"\"", "body:\"\\\"OK\\\"\""),
        ("body:{\"a\": \"}, *\"}", "body:{\"a\": \"}, *\"}"),
        ("length +5 invalid-json", "length +5 invalid-json"),
        ("100% redirect 307", "100% 307 redirect"),
    ] {
        match ReplyProgram::parse(text) {
            Ok(program) => {
                assert_eq!(program.to_string(), canonical, "{text}");
                assert_eq!(parse(canonical), program, "{text}");
            }
            Err(error) => assert!(canonical.is_empty(), "{text}: {error}"),
        }
    }
    assert!(parse("auto").steps[0].alternatives[0].action.is_usual());
    assert!(!parse("ok").steps[0].alternatives[0].action.is_usual());
}

#[test]
fn an_error_names_the_column_the_cause_and_the_nearest_word() {
    for (text, column, words) in [
        ("", 1, "a step is missing"),
        ("ok,", 4, "a step is missing"),
        ("ok, , ok", 5, "a step is missing"),
        ("王, ok", 1, "is not known"),
        ("ok, hagn 35s", 5, "did you mean hang?"),
        ("ok, é 3", 5, "\"é\" is not known; write one such as"),
        ("number-zer", 1, "did you mean number-zero?"),
        ("boddy:{\"error_code\":0}", 1, "did you mean body:?"),
        ("{\"error_code\":0}", 1, "a body is written body:{…}"),
        ("OK", 1, "did you mean ok?"),
        ("ok, body:{\"a\":[1}", 15, "this [ has no partner"),
        ("body:{\"a}", 7, "this \" has no partner"),
        ("body:}", 6, "this } has no partner"),
        ("body:\"\\x\"", 1, "the quoted text cannot be read"),
        ("body:\"a\"b", 1, "the quoted text cannot be read"),
        ("body:", 1, "is written empty"),
        ("100", 1, "\"100\" is not a status"),
        ("ok, 5000", 5, "\"5000\" is not a status"),
        ("delay", 1, "delay needs a time after it"),
        ("delay ok", 7, "delay needs a time after it"),
        ("delay 2x", 7, "not a unit of time"),
        ("hang 2h", 6, "from 1ms to 1h"),
        ("drip 0s", 6, "from 1ms to 1h"),
        ("length 5", 1, "length needs a difference"),
        ("length +0", 8, "length needs a difference"),
        ("header:a", 1, "header:Name=Value"),
        ("header:a=\"b\\r\\nc: d\"", 1, "header:Name=Value"),
        ("header:a/b=c", 1, "header:Name=Value"),
        ("header:Content-Length=3", 1, "Content-Length is written with the reply"),
        ("code:", 1, "1 to 16 letters"),
        ("code:a\"b\"", 1, "1 to 16 letters"),
        ("fail 404", 6, "a status is given twice"),
        ("ok empty", 4, "what is answered is given twice"),
        ("ok reset", 4, "reset sends no reply"),
        ("hang 3s 503", 1, "hang sends no reply"),
        ("ok*", 3, "* needs a count"),
        ("ok*0", 4, "* needs a count"),
        ("ok*3x", 4, "* needs a count"),
        ("ok*3 fail", 6, "expected a comma here"),
        ("20% fail*2 | ok", 12, "expected a comma here"),
        ("120% ok", 1, "\"120%\" is no chance"),
        ("0.00001% ok", 1, "is no chance"),
        ("ok 20%", 4, "a chance comes first"),
        ("20%", 4, "a step is missing"),
        ("60% ok | 50% fail", 10, "more than 100% together"),
        ("ok | fail", 6, "never reached"),
    ] {
        let error = ReplyProgram::parse(text).expect_err(text);
        assert_eq!(error.column, column, "{text}: {error}");
        assert!(error.to_string().contains(words), "{text}: {error}");
    }
    let refused = |text: String| ReplyProgram::parse(&text).expect_err("too much").problem;
    assert_eq!(refused("x".repeat(MAX_PROGRAM_BYTES + 1)), ProgramProblem::TooLong);
    assert_eq!(refused("ok,".repeat(MAX_STEPS) + "ok"), ProgramProblem::TooMany);
    assert_eq!(refused("0% ok|".repeat(MAX_STEPS) + "ok"), ProgramProblem::TooMany);
    assert!(refused("x".repeat(9999)).to_string().len() < 200);
}

#[test]
fn a_plan_tells_which_reply_is_what() {
    let plan = |text| -> Vec<String> {
        parse(text).plan_lines().iter().map(ToString::to_string).collect()
    };
    assert_eq!(
        plan("fail*3, hang 35s, 503*2, ok*9"),
        [
            "reply 1–3: 500 Internal Server Error",
            "reply 4: hangs 35s, then closes",
            "reply 5–6: 503 Service Unavailable",
            "from reply 7 on: acknowledges whatever came",
        ]
    );
    for (text, line) in [
        ("auto", "the usual answer"),
        ("20% 500 | 30% reset | ok", {
            "20% 500 Internal Server Error; 30% resets before any reply; \
             50% acknowledges whatever came"
        }),
        ("20% delay 2s", "20% after 2s: the usual answer; 80% the usual answer"),
        ("refuse", "code 0004 (bad signature)"),
        ("empty", "200 (no body)"),
        ("503 ok length -3", {
            "acknowledges whatever came, with status 503, with a Content-Length 3 too small"
        }),
        ("close mid number-zero header:A=b", {
            "200 {\"error_code\":0} (the code is the number 0), with A: b, closed in the middle of \
             the body"
        }),
    ] {
        assert_eq!(plan(text), [format!("every reply: {line}")], "{text}");
    }
}

#[test]
fn steps_are_taken_per_order_connection_or_run() {
    let statuses = |per: Per, places: &[(Option<&str>, u16)]| -> Vec<u16> {
        let mut runner = Runner::new(parse("501, 502*2, 503"), per, 0, 100);
        let next = |&(order, port): &(_, u16)| {
            let connection = SocketAddr::from(([127, 0, 0, 1], port));
            let chosen = runner.next(RequestContext { order, connection, target: "/" });
            chosen.answer(Reply::success(""), "").1.status.expect("a status")
        };
        places.iter().map(next).collect()
    };
    let places = [
        (Some("a"), 1),
        (Some("a"), 1),
        (Some("b"), 2),
        (None, 2),
        (None, 1),
        (Some("a"), 2),
        (Some("a"), 1),
        (Some("a"), 1),
    ];
    assert_eq!(statuses(Per::Order, &places), [501, 502, 501, 501, 502, 502, 503, 503]);
    assert_eq!(statuses(Per::Connection, &places), [501, 502, 501, 502, 502, 502, 503, 503]);
    assert_eq!(statuses(Per::All, &places), [501, 502, 502, 503, 503, 503, 503, 503]);
    for per in [Per::Order, Per::Connection, Per::All] {
        assert_eq!(per.name().parse(), Ok(per));
    }
    assert!("orders".parse::<Per>().is_err());
}

#[test]
fn chances_come_from_the_seed_the_order_and_the_number_alone() {
    let draws = |seed: u64, order: &str, others: usize| -> Vec<u16> {
        let mut runner = Runner::new(parse("20% 500 | 30% 501 | 502"), Per::Order, seed, 10_000);
        (0..1000)
            .map(|_| {
                for other in 0..others {
                    runner.next(place(&other.to_string()));
                }
                let (_, replied) = runner.next(place(order)).answer(Reply::success(""), "");
                replied.status.expect("a status")
            })
            .collect()
    };
    let drawn = draws(7, "a", 0);
    assert_eq!(drawn, draws(7, "a", 3));
    assert_ne!(drawn, draws(8, "a", 0));
    assert_ne!(drawn, draws(7, "b", 0));
    let count = |status| drawn.iter().filter(|drawn| **drawn == status).count();
    assert!((150..250).contains(&count(500)), "{}", count(500));
    assert!((250..350).contains(&count(501)), "{}", count(501));
    let always = Runner::new(parse("0% 500 | 100% 501"), Per::All, 1, 1).next(place("a"));
    assert_eq!(always.answer(Reply::success(""), "").1.status, Some(501));
}

#[test]
fn counts_stay_bounded_and_the_oldest_is_forgotten() {
    let mut runner = Runner::new(parse("501*2, ok"), Per::Order, 0, 3);
    for number in 0..1000 {
        assert_eq!(runner.next(place(&number.to_string())).number, 1);
    }
    assert_eq!(runner.next(place("999")).number, 2);
    assert_eq!(runner.next(place("0")).number, 1);
}

#[test]
fn a_path_asks_for_a_program() {
    let program = |path| path_program(path).map(|result| result.map_err(|error| error.problem));
    for (path, text) in [
        ("/reply/503", "503"),
        ("/reply/hang%2035s", "hang 35s"),
        ("/reply/ok?order=1", "ok"),
        ("/reply/20%25%20503%7Cok", "20% 503 | ok"),
        ("/reply/body:%7B%22error_code%22:0%7D", "body:{\"error_code\":0}"),
    ] {
        assert_eq!(program(path), Some(Ok(parse(text))), "{path}");
    }
    for path in ["/", "", "/notify", "/reply", "/replyx/503", "/a/reply/503"] {
        assert_eq!(program(path), None, "{path}");
    }
    for path in ["/reply/20%", "/reply/%2", "/reply/%zz", "/reply/%ff", "/reply/%+f"] {
        assert_eq!(program(path), Some(Err(ProgramProblem::Path)), "{path}");
    }
    assert_eq!(program("/reply/"), Some(Err(ProgramProblem::Missing)));
    assert_eq!(
        program(&format!("/reply/{}", "a".repeat(200_000))),
        Some(Err(ProgramProblem::TooLong))
    );
}

#[test]
fn docs_show_reply_programs_that_parse() {
    for example in examples("replies.md", "replies") {
        assert!(ReplyProgram::parse(&example).is_ok(), "{example}");
    }
}

#[test]
fn docs_list_every_near_acknowledgement() {
    let mut expected = String::from("| name | what is wrong with it |\n|---|---|\n");
    for sample in SAMPLES {
        writeln!(expected, "| `{}` | {} |", sample.name, cell(sample.about)).unwrap();
    }
    assert_table("replies.md", "samples", &expected);
}

#[test]
fn waits_that_a_path_asks_for_are_bounded() {
    let most = Duration::from_secs(60);
    let place = RequestContext { order: None, connection: ([127, 0, 0, 1], 1).into(), target: "/" };
    for (path, delay, pause) in [
        ("/reply/delay%201h%20ok", 60, None),
        ("/reply/delay%2035s%20ok", 35, None),
        ("/reply/hang", 0, Some(60)),
        ("/reply/hang%205m", 0, Some(60)),
        ("/reply/hang%2035s", 0, Some(35)),
        ("/reply/drip%202m", 0, Some(60)),
    ] {
        let program = path_program(path).unwrap().unwrap();
        let chosen = Runner::new(program, Per::All, 0, 1).next(place).with_waits_up_to(most);
        assert_eq!(chosen.delay, Duration::from_secs(delay), "{path}");
        let (answer, _) = chosen.answer(Reply::success("{}"), "{}");
        let pauses: Vec<Duration> = match answer {
            Answer::Wire(script) => script
                .steps
                .iter()
                .filter_map(|step| match step {
                    WireStep::Pause(time) => Some(*time),
                    WireStep::Write(_) => None,
                })
                .collect(),
            _ => Vec::new(),
        };
        assert_eq!(pauses.iter().max().copied(), pause.map(Duration::from_secs), "{path}");
    }
}
