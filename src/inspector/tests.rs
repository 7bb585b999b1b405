use std::sync::Arc;

use serde_json::{Value, json};

use super::example::{self, KEY, Memory};
use super::*;
use crate::receiver::example::entry;
use crate::receiver::received::Received;

const HOST: &str = "127.0.0.1:9999";

struct Rig {
    inspector: Inspector,
    memory: Arc<Memory>,
    news: EntryBroadcast,
    runtime: tokio::runtime::Runtime,
}

impl Rig {
    fn new(entries: Vec<Arc<Received>>) -> Rig {
        let memory = Arc::new(Memory { entries, ..Memory::default() });
        let news = EntryBroadcast::new();
        crate::mask::remember(example::key().expose());
        let inspector = Inspector::try_new(
            HOST.parse().unwrap(),
            Pages::Inspector,
            Arc::clone(&memory) as Arc<dyn Source>,
            news.clone(),
        )
        .unwrap();
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().build().unwrap();
        Rig { inspector, memory, news, runtime }
    }

    fn token(&self) -> String {
        self.inspector.token().to_owned()
    }

    /// What the page's browser sends.
    fn request(&self, method: &str, path: &str, body: &str) -> Callback {
        let mut request = entry(1, "", body.as_bytes()).callback.clone();
        request.method = method.to_owned().into();
        request.path = path.to_owned().into();
        let cookie = format!("other=1; inspector_9999={}", self.token());
        request.headers = [
            ("host", HOST),
            ("cookie", cookie.as_str()),
            ("sec-fetch-site", "same-origin"),
            ("content-type", "application/json"),
            ("x-inspector", "1"),
        ]
        .map(|(name, value)| (name.to_owned(), value.into()))
        .into();
        request
    }

    fn answer(&self, request: Callback) -> Answer {
        self.runtime.block_on(self.inspector.handle(request))
    }

    fn reply(&self, request: Callback) -> Reply {
        match self.answer(request) {
            Answer::Reply(reply) => reply,
            other => panic!("{other:?}"),
        }
    }

    fn json(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let reply = self.reply(self.request(method, path, body));
        (reply.status, serde_json::from_slice(&reply.body).unwrap())
    }

    /// The status of a GET with one header changed, or left out where there is no value.
    fn status_with(&self, name: &str, value: Option<&str>) -> u16 {
        let mut request = self.request("GET", "/api/state", "");
        request.headers.retain(|(known, _)| known != name);
        request.headers.extend(value.map(|value| (name.to_owned(), value.into())));
        self.reply(request).status
    }
}

fn header<'r>(reply: &'r Reply, name: &str) -> Option<&'r str> {
    let mut headers = reply.headers.iter();
    let value = headers.find(|(known, _)| known == name).map(|(_, value)| &value[..]);
    value.map(|value| std::str::from_utf8(value).unwrap())
}

#[test]
fn only_its_own_address_is_answered() {
    let rig = Rig::new(vec![]);
    for host in [HOST, "localhost:9999", "LOCALHOST:9999", "[::1]:9999"] {
        assert_eq!(rig.status_with("host", Some(host)), 200, "{host}");
    }
    for host in ["evil.example:9999", "127.0.0.1", "127.0.0.1:80", "localhost:9999.evil", ""] {
        assert_eq!(rig.status_with("host", Some(host)), 421, "{host}");
    }
    assert_eq!(rig.status_with("host", None), 421);
    let mut twice = rig.request("GET", "/", "");
    twice.headers.push(("host".into(), HOST.into()));
    assert_eq!(rig.reply(twice).status, 421);
    assert_eq!(rig.reply(rig.request("GET", "http://evil.example/", "")).status, 400);
}

#[test]
fn other_sites_are_refused() {
    let rig = Rig::new(vec![]);
    assert_eq!(rig.status_with("origin", Some("http://127.0.0.1:9999")), 200);
    for origin in ["http://evil.example", "null", "https://127.0.0.1:9999", "http://localhost:9999"]
    {
        assert_eq!(rig.status_with("origin", Some(origin)), 403, "{origin}");
    }
    assert_eq!(rig.status_with("sec-fetch-site", Some("none")), 200);
    assert_eq!(rig.status_with("sec-fetch-site", None), 200);
    for site in ["cross-site", "same-site", "x"] {
        assert_eq!(rig.status_with("sec-fetch-site", Some(site)), 403, "{site}");
    }
}

#[test]
fn nothing_is_told_without_the_token() {
    let rig = Rig::new(vec![]);
    for path in ["/", "/page.js", "/api/state", "/api/callbacks", "/api/events", "/nothing"] {
        let mut request = rig.request("GET", path, "");
        request.headers.retain(|(name, _)| name != "cookie");
        assert_eq!(rig.reply(request).status, 401, "{path}");
    }
    let token = rig.token();
    let (half, other) = (&token[..16], "0".repeat(32));
    for wrong in ["", half, &other, &format!("{token}0")] {
        assert_eq!(rig.status_with("cookie", Some(&format!("inspector_9999={wrong}"))), 403);
        let request = rig.request("GET", &format!("/?token={wrong}"), "");
        assert_eq!(rig.reply(request).status, 403, "{wrong}");
    }
    assert_eq!(rig.status_with("cookie", Some(&format!("inspector_1={token}"))), 401);
    assert_ne!(Rig::new(vec![]).token(), token);
}

#[test]
fn the_token_is_changed_for_a_cookie() {
    let rig = Rig::new(vec![]);
    let mut request = rig.request("GET", &format!("/?token={}", rig.token()), "");
    request.headers.retain(|(name, _)| name == "host");
    let reply = rig.reply(request);
    assert_eq!((reply.status, header(&reply, "Location")), (303, Some("/")));
    let cookie = header(&reply, "Set-Cookie").unwrap();
    assert!(cookie.starts_with(&format!("inspector_9999={};", rig.token())), "{cookie}");
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
}

#[test]
fn a_change_needs_json_and_the_mark() {
    let rig = Rig::new(vec![entry(1, "P", b"{}")]);
    let without = |name: &str| {
        let mut request = rig.request("POST", "/api/sign", r#"{"id":1}"#);
        request.headers.retain(|(known, _)| known != name);
        rig.reply(request).status
    };
    assert_eq!((without("-"), without("content-type"), without("x-inspector")), (200, 415, 403));
    let mut form = rig.request("POST", "/api/sign", r#"{"id":1}"#);
    form.headers[3].1 = b"text/plain".to_vec();
    assert_eq!(rig.reply(form).status, 415);
    assert_eq!(rig.reply(rig.request("PUT", "/api/sign", "{}")).status, 405);
}

#[test]
fn every_answer_holds_the_browser_to_the_rules() {
    let rig = Rig::new(vec![]);
    let mut refused = rig.request("GET", "/", "");
    refused.headers.clear();
    for request in [rig.request("GET", "/", ""), rig.request("GET", "/x", ""), refused] {
        let reply = rig.reply(request);
        let policy = header(&reply, "Content-Security-Policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
        assert!(!policy.contains("unsafe"));
        for (name, value) in access::HEADERS {
            assert_eq!(header(&reply, name), Some(value));
        }
    }
    match rig.answer(rig.request("GET", "/api/events", "")) {
        Answer::Stream { head, .. } => assert_eq!(header(&head, "Cache-Control"), Some("no-store")),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_page_needs_nothing_from_elsewhere() {
    let rig = Rig::new(vec![]);
    for path in ["/", "/page.css", "/page.js", "/list.js", "/detail.js", "/text.js"] {
        let reply = rig.reply(rig.request("GET", path, ""));
        assert_eq!(reply.status, 200, "{path}");
        let text = std::str::from_utf8(&reply.body).unwrap();
        for forbidden in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "style=\"",
            "onclick=",
        ] {
            assert!(!text.contains(forbidden), "{path} has {forbidden}");
        }
        let outside = ["http://", "https://"].iter().flat_map(|start| text.match_indices(start));
        for (at, _) in outside {
            let known = ["http://www.w3.org/2000/svg'", "http://127.0.0.1:3000/notify\""];
            assert!(known.iter().any(|known| text[at..].starts_with(known)), "{path}");
            assert!(!text[..at].ends_with("src=\"") && !text[..at].ends_with("url("), "{path}");
        }
    }
}

/// An entry with hostile text wherever a stranger can write.
fn hostile() -> Arc<Received> {
    let evil = "</script><script>alert(1)</script>\u{1b}]0;x\u{7}\u{9b}2J\u{202e}\u{0}\"'&\r\n";
    let body = serde_json::to_vec(&json!({"memo": evil, evil: evil, "sign": evil})).unwrap();
    let mut entry = (*entry(5, evil, &body)).clone();
    entry.callback.method = evil.to_owned().into();
    entry.callback.path = evil.to_owned().into();
    entry.callback.headers.push((evil.to_owned(), [evil.as_bytes(), b"\xff"].concat()));
    entry.judged.code = evil.to_owned();
    entry.judged.explanation = Some(evil.to_owned());
    entry.replied.action = Some(evil.to_owned());
    entry.replied.headers.push((evil.to_owned(), evil.into()));
    entry.replied.body = Bytes::from(evil);
    entry.forwarded =
        Some(Forwarded { url: evil.into(), elapsed: Duration::ZERO, result: Err(evil.into()) });
    Arc::new(entry)
}

#[test]
fn hostile_text_stays_text() {
    let rig = Rig::new(vec![hostile()]);
    for path in ["/api/callbacks", "/api/callbacks/5", "/api/callbacks/5?whole=1"] {
        let reply = rig.reply(rig.request("GET", path, ""));
        assert_eq!(header(&reply, "Content-Type"), Some(JSON));
        assert!(reply.body.iter().all(|byte| matches!(byte, b' '..=b'~')), "{path}");
        let _: Value = serde_json::from_slice(&reply.body).unwrap();
    }
    let (status, told) = rig.json("GET", "/api/callbacks/5", "");
    assert_eq!(status, 200);
    let evil = told["path"].as_str().unwrap();
    assert!(evil.starts_with("</script>") && evil.contains('\u{202e}'));
}

#[test]
fn the_key_is_never_told() {
    let body = format!("{{\"key\":\"{KEY}\",\"sign\":\"{KEY}\"}}");
    let mut entry = (*entry(1, KEY, body.as_bytes())).clone();
    entry.callback.path = format!("/{KEY}").into();
    entry.callback.headers.push(("x-key".into(), KEY.into()));
    let rig = Rig::new(vec![Arc::new(entry)]);
    let replay = format!(r#"{{"id":1,"url":"http://h/{KEY}"}}"#);
    for (method, path, body) in [
        ("GET", "/api/state", ""),
        ("GET", "/api/callbacks", ""),
        ("GET", "/api/callbacks/1", ""),
        ("POST", "/api/sign", r#"{"id":1}"#),
        ("POST", "/api/curl", &replay),
        ("POST", "/api/replay", &replay),
    ] {
        let (status, told) = rig.json(method, path, body);
        assert_eq!(status, 200, "{told}");
        assert!(!told.to_string().contains(KEY), "{told}");
    }
    // What is sent is what came, not what is shown.
    assert_eq!(rig.memory.sent.lock().unwrap()[0].body, body.as_bytes());
}

#[test]
fn a_list_has_as_many_rows_as_asked_for() {
    let entries = (1..=120).map(|id| entry(id, &format!("PO-{}", id % 3), b"{}"));
    let rig = Rig::new(entries.collect());
    let list = |query: &str| {
        let (status, told) = rig.json("GET", &format!("/api/callbacks?{query}"), "");
        assert_eq!(status, 200, "{told}");
        let rows = told["callbacks"].as_array().unwrap();
        let ids: Vec<u64> = rows.iter().map(|row| row["id"].as_u64().unwrap()).collect();
        (ids, told["next"].is_u64())
    };
    assert_eq!(list("limit=100"), ((21..=120).rev().collect(), true));
    assert_eq!(list("limit=100&before=21"), ((1..=20).rev().collect(), false));
    assert!(!list("limit=120").1);
    assert_eq!(list("limit=1"), (vec![120], true));
    assert_eq!(list("limit=500&order=PO-0").0.len(), 40);
}

#[test]
fn an_entry_is_told_with_its_signature() {
    let rig = Rig::new(vec![entry(1, "P", br#"{"b":2,"a":"","sign":"00"}"#)]);
    let (_, told) = rig.json("GET", "/api/callbacks/1", "");
    let canonical = &told["explanation"]["canonical"];
    assert_eq!(canonical["text"], "b=2&[key]");
    assert_eq!(
        canonical["parts"][0],
        json!({"name": "a", "value": "", "cut": false, "selection": "empty"})
    );
    assert_eq!(told["editable"]["encoding"], "json");
    assert_eq!(rig.json("GET", "/api/callbacks/2", "").0, 404);
    assert_eq!(
        rig.json("GET", "/api/callbacks/13", ""),
        (500, json!({"error": "the inbox cannot be read", "hint": null}))
    );
}

#[test]
fn an_edited_body_is_signed_and_sent() {
    let rig = Rig::new(vec![entry(1, "P", b"{\"a\":1}")]);
    let (_, signed) = rig.json("POST", "/api/sign", r#"{"id":1,"text":"{\"a\":2}"}"#);
    let text = signed["text"].as_str().unwrap();
    assert!(text.starts_with(r#"{"a":2,"sign":""#), "{text}");
    let order = json!({"id": 1, "url": "http://127.0.0.1:3000/", "text": text}).to_string();
    let (status, outcome) = rig.json("POST", "/api/replay", &order);
    assert_eq!(
        (status, &outcome["reply"]["status"], &outcome["reply"]["remark"]),
        (200, &json!(200), &json!("it is not valid JSON"))
    );
    assert_eq!(rig.memory.sent.lock().unwrap()[0].body, text);
    let (_, curl) = rig.json("POST", "/api/curl", &order);
    assert!(curl["command"].as_str().unwrap().contains("--data-raw '{\"a\":2,"), "{curl}");
    for (order, status) in [
        (json!({"id": 1, "url": "file:///etc/passwd"}), 422),
        (json!({"id": 1, "url": ""}), 422),
        (json!({"id": 1}), 400),
        (json!({"id": 2, "url": "http://h/"}), 404),
    ] {
        assert_eq!(rig.json("POST", "/api/replay", &order.to_string()).0, status, "{order}");
    }
    assert_eq!(rig.json("POST", "/api/sign", r#"{"id":1,"text":"{"}"#).0, 422);
    assert_eq!(rig.memory.sent.lock().unwrap().len(), 1);
}

#[test]
fn the_state_has_a_command_to_try() {
    let (_, state) = Rig::new(vec![]).json("GET", "/api/state", "");
    let sample = state["sample"].as_str().unwrap();
    assert!(
        sample.starts_with("curl -sS --globoff -X 'POST' 'http://127.0.0.1:8787/'"),
        "{sample}"
    );
    assert!(sample.contains(r#""sign":""#));
    assert_eq!(state["key_fingerprint"], example::key().fingerprint());
}

#[test]
fn new_entries_are_streamed_to_so_many_pages_and_no_more() {
    let rig = Rig::new(vec![]);
    let open = || rig.answer(rig.request("GET", "/api/events?verdict=valid", ""));
    let mut streams: Vec<_> = (0..MAX_STREAMS)
        .map(|_| match open() {
            Answer::Stream { parts, .. } => parts,
            other => panic!("{other:?}"),
        })
        .collect();
    assert!(matches!(open(), Answer::Reply(Reply { status: 503, .. })));
    rig.news.send(hostile());
    rig.news.send(entry(9, "PO-9", b"{}"));
    let part = rig.runtime.block_on(streams[0].recv()).unwrap();
    let text = std::str::from_utf8(&part).unwrap();
    assert!(text.starts_with("event: callbacks\ndata: [{") && text.ends_with("}]\n\n"), "{text}");
    assert!(text.contains("PO-9") && !text.contains("script"), "{text}");
    rig.inspector.close();
    assert!(rig.runtime.block_on(streams[0].recv()).is_none());
}

/// What a program sends: the token in a header, and no cookie.
fn with_bearer(rig: &Rig, method: &str, path: &str, body: &str) -> Callback {
    let mut request = rig.request(method, path, body);
    request.headers = vec![
        ("host".to_owned(), HOST.into()),
        ("authorization".to_owned(), format!("Bearer {}", rig.token()).into()),
        ("content-type".to_owned(), b"application/json".to_vec()),
    ];
    request
}

#[test]
fn a_program_sends_the_token_as_a_header() {
    let rig = Rig::new(vec![entry(1, "P", b"{}")]);
    let status = |request: Callback| rig.reply(request).status;
    assert_eq!(status(with_bearer(&rig, "GET", "/api/state", "")), 200);
    assert_eq!(status(with_bearer(&rig, "POST", "/api/sign", r#"{"id":1}"#)), 200);
    let mut form = with_bearer(&rig, "POST", "/api/sign", r#"{"id":1}"#);
    form.headers.pop();
    assert_eq!(status(form), 415);
    let token = rig.token();
    for wrong in ["", "Bearer", "Bearer ", "Basic eA==", &token, &format!("Bearer {token}0")] {
        let mut request = rig.request("GET", "/api/state", "");
        // A valid cookie does not help.
        request.headers.push(("authorization".to_owned(), wrong.into()));
        assert_eq!(status(request), 403, "{wrong}");
    }
    let mut twice = with_bearer(&rig, "GET", "/api/state", "");
    twice.headers.push(("authorization".to_owned(), format!("Bearer {token}").into()));
    assert_eq!(status(twice), 403);
    let mut foreign = with_bearer(&rig, "GET", "/api/state", "");
    foreign.headers.push(("origin".to_owned(), b"http://evil.example".to_vec()));
    assert_eq!(status(foreign), 403);
}

#[test]
fn a_probe_needs_no_token() {
    let rig = Rig::new(vec![]);
    let probe = |path: &str, host: &str| {
        let mut request = rig.request("GET", path, "");
        request.headers = vec![("host".to_owned(), host.into())];
        rig.reply(request)
    };
    let reply = probe("/healthz", HOST);
    assert_eq!((reply.status, &reply.body[..]), (200, &b"ok\n"[..]));
    assert_eq!(probe("/healthz", "evil.example").status, 421);
    for path in ["/healthz/", "/healthz?", "//healthz", "/api/state"] {
        assert_eq!(probe(path, HOST).status, 401, "{path}");
    }
}

#[test]
fn a_problem_is_json_with_a_hint() {
    let rig = Rig::new(vec![]);
    for (method, path, body, status) in [
        ("GET", "/api/nothing", "", 404),
        ("GET", "/api/callbacks/7", "", 404),
        ("DELETE", "/api/callbacks", "", 405),
        ("GET", "/api/callbacks?nothing=1", "", 400),
        ("POST", "/api/reset", "{}", 400),
        ("PUT", "/api/replies", r#"{"reply":"hnag"}"#, 422),
        ("POST", "/api/sign", "{}", 422),
    ] {
        let (found, told) = rig.json(method, path, body);
        assert_eq!(found, status, "{told}");
        assert!(told["error"].is_string() && told["hint"].is_string(), "{told}");
    }
    let refused = rig.reply(rig.request("PATCH", "/api/replies", ""));
    assert_eq!((refused.status, header(&refused, "Allow")), (405, Some("GET, PUT")));
    let mut stranger = rig.request("GET", "/api/state", "");
    stranger.headers.retain(|(name, _)| name == "host");
    let refused = rig.reply(stranger);
    assert_eq!((refused.status, header(&refused, "WWW-Authenticate")), (401, Some("Bearer")));
    let told: Value = serde_json::from_slice(&refused.body).unwrap();
    assert_eq!(told["error"], "there is no token");
}

#[test]
fn replies_are_replaced_and_a_reset_is_passed_on() {
    let rig = Rig::new(vec![]);
    let usual = json!({"reply": null, "per": "order", "seed": 0, "plan": []});
    assert_eq!(rig.json("GET", "/api/replies", ""), (200, usual.clone()));
    let order = r#"{"reply":"fail, ok","per":"all","seed":7}"#;
    let (status, told) = rig.json("PUT", "/api/replies", order);
    assert_eq!((status, &told["reply"], &told["per"]), (200, &json!("500, ok"), &json!("all")));
    assert_eq!(told["plan"].as_array().unwrap().len(), 2);
    assert_eq!(rig.json("GET", "/api/replies", "").1, told);
    assert_eq!(rig.json("PUT", "/api/replies", r#"{"reply":null}"#), (200, usual));
    let (status, told) = rig.json("POST", "/api/reset", r#"{"through":9}"#);
    assert_eq!((status, told), (200, json!({"deleted": 3})));
    assert_eq!(*rig.memory.resets.lock().unwrap(), [Some(9)]);
}

#[test]
fn a_wait_is_over_at_once_where_all_is_here() {
    let rig = Rig::new((1..=3).map(|id| entry(id, "P", b"{}")).collect());
    let (status, told) = rig.json("GET", "/api/callbacks/wait?order=P&count=2", "");
    let ids: Vec<_> = told["callbacks"].as_array().unwrap().iter().map(|row| &row["id"]).collect();
    assert_eq!((status, ids, &told["missing"]), (200, vec![&json!(2), &json!(3)], &json!(0)));
    let (_, told) = rig.json("GET", "/api/callbacks/wait?after=3&within=1ms&count=2", "");
    assert_eq!(told, json!({"callbacks": [], "missing": 2}));
}

#[test]
fn an_api_alone_has_no_page() {
    let rig = Rig::new(vec![]);
    let source = Arc::clone(&rig.memory) as Arc<dyn Source>;
    let address = HOST.parse().unwrap();
    let api = Inspector::try_new(address, Pages::None, source, rig.news.clone()).unwrap();
    assert_eq!(api.page_url(), None);
    let status = |path: &str| {
        let mut request = with_bearer(&rig, "GET", path, "");
        request.headers[1].1 = format!("Bearer {}", api.token()).into();
        match rig.runtime.block_on(api.handle(request)) {
            Answer::Reply(reply) => reply.status,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(status("/api/state"), 200);
    for path in ["/", "/page.js", &format!("/?token={}", api.token())] {
        assert_eq!(status(path), 404, "{path}");
    }
}
