//! `listen --api`: what a test of a merchant asks for, held to `docs/openapi.json`.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use serde_json::{Value, json};

use crate::harness::{
    ACKNOWLEDGE, DEADLINE, HttpReply, KEY, Listening, Merchant, PAUSE, exchange, payout_notify,
    signed_success,
};
use crate::support::docs;
use crate::support::schema::objects_of;

/// The API of a listener; every answer must be as the document describes it.
struct Api {
    listening: Listening,
    address: SocketAddr,
    token: String,
    document: Value,
    /// The operations and statuses that were seen.
    seen: RefCell<BTreeSet<String>>,
}

fn document() -> Value {
    serde_json::from_str(&docs::text("openapi.json")).expect("JSON")
}

impl Api {
    fn start(arguments: &[&str]) -> Api {
        let listening = Listening::start(&[&["--api"], arguments].concat());
        let api = &listening.ready["api"];
        let url = api["url"].as_str().expect("an address");
        let address = url.strip_prefix("http://").and_then(|url| url.strip_suffix("/api"));
        let address = address.and_then(|address| address.parse().ok()).expect("an address");
        let token = api["token"].as_str().expect("a token").to_owned();
        Api { listening, address, token, document: document(), seen: RefCell::default() }
    }

    fn raw(&self, method: &str, path: &str, headers: &str, body: &str) -> HttpReply {
        exchange(
            self.address,
            format!(
                "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{headers}\
                 Content-Length: {}\r\n\r\n{body}",
                self.address,
                body.len()
            ),
        )
    }

    /// A request of which the answer comes later.
    fn waiting(&self, path: &str) -> JoinHandle<HttpReply> {
        let (address, token) = (self.address, &self.token);
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
             Authorization: Bearer {token}\r\n\r\n"
        );
        thread::spawn(move || exchange(address, request))
    }

    /// A stream of events that gets what comes from now on.
    fn stream(&self, query: &str) -> BufReader<TcpStream> {
        let mut stream = TcpStream::connect(self.address).unwrap();
        let head = format!("GET /api/events?{query} HTTP/1.1\r\nHost: {}\r\n", self.address);
        write!(stream, "{head}Authorization: Bearer {}\r\n\r\n", self.token).unwrap();
        let (mut stream, mut line) = (BufReader::new(stream), String::new());
        while !line.contains("retry:") {
            line.clear();
            assert_ne!(stream.read_line(&mut line).unwrap(), 0);
        }
        stream
    }

    /// Asks with the token, and checks the answer against the document.
    #[track_caller]
    fn ask(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let headers =
            format!("Authorization: Bearer {}\r\nContent-Type: application/json\r\n", self.token);
        let reply = self.raw(method, path, &headers, body);
        let value = serde_json::from_str(&reply.body)
            .unwrap_or_else(|error| panic!("{method} {path}: {error}: {reply:?}"));
        self.check(method, path, reply.status, &value);
        (reply.status, value)
    }

    #[track_caller]
    fn check(&self, method: &str, path: &str, status: u16, value: &Value) {
        let path = path.split('?').next().unwrap_or_default();
        let template = match path.strip_prefix("/api/callbacks/") {
            Some(id) if id != "wait" => "/api/callbacks/{id}",
            _ => path,
        };
        let operation = &self.document["paths"][template][method.to_lowercase()];
        let mut response = &operation["responses"][status.to_string()];
        if let Some(name) = response["$ref"].as_str() {
            response = self.document.pointer(name.trim_start_matches('#')).expect("a response");
        }
        let schema = &response["content"]["application/json"]["schema"];
        assert!(schema.is_object(), "{method} {template} {status} is not described: {value}");
        let mut schema = schema.clone();
        schema["components"] = self.document["components"].clone();
        let validator = jsonschema::validator_for(&schema).expect("a schema");
        let faults: Vec<_> = validator
            .iter_errors(value)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(faults.is_empty(), "{method} {template} {status}: {faults:#?}\n{value:#}");
        self.seen.borrow_mut().insert(format!("{method} {template} {status}"));
    }
}

fn ids(answer: &Value) -> Vec<u64> {
    let rows = answer["callbacks"].as_array().expect("rows");
    rows.iter().map(|row| row["id"].as_u64().expect("a number")).collect()
}

#[test]
fn every_answer_is_as_the_document_describes_it() {
    let merchant = Merchant::expecting(&[ACKNOWLEDGE]);
    let api = Api::start(&[]);
    let good = signed_success();
    let bad = good.replace("\"sign\":\"", "\"sign\":\"0");
    // A digest in the wrong case: the diagnosis has a hit.
    let (head, digest) = good.split_once("\"sign\":\"").unwrap();
    let upper = format!("{head}\"sign\":\"{}", digest.to_uppercase());
    for body in [&good, &bad, &upper, "[]"] {
        api.listening.post(body);
    }
    let send = json!({"id": 1, "url": merchant.url()}).to_string();
    for (method, path, body, status) in [
        ("GET", "/api/state", "", 200),
        ("GET", "/api/openapi.json", "", 200),
        ("GET", "/api/callbacks", "", 200),
        ("GET", "/api/callbacks?status=success&verdict=valid&since=1h&limit=1", "", 200),
        ("GET", "/api/callbacks?status=done", "", 400),
        ("GET", "/api/callbacks/1", "", 200),
        ("GET", "/api/callbacks/2?whole=1", "", 200),
        ("GET", "/api/callbacks/3", "", 200),
        ("GET", "/api/callbacks/4", "", 200),
        ("GET", "/api/callbacks/99", "", 404),
        ("GET", "/api/callbacks/wait?count=2&verdict=invalid", "", 200),
        ("GET", "/api/callbacks/wait?order=none&within=1ms", "", 200),
        ("GET", "/api/callbacks/wait?within=1h", "", 400),
        ("GET", "/api/replies", "", 200),
        ("PUT", "/api/replies", r#"{"reply":"20% 500 | ok","per":"all","seed":1}"#, 200),
        ("PUT", "/api/replies", r#"{"reply":null}"#, 200),
        ("PUT", "/api/replies", r#"{"reply":"x"}"#, 422),
        ("PUT", "/api/replies", "{", 400),
        ("POST", "/api/sign", r#"{"text":"{\"a\":1}"}"#, 200),
        ("POST", "/api/sign", r#"{"text":"a=1","encoding":"form"}"#, 200),
        ("POST", "/api/sign", r#"{"id":1}"#, 200),
        ("POST", "/api/sign", r#"{"id":99}"#, 404),
        ("POST", "/api/sign", "{}", 422),
        ("POST", "/api/curl", &send, 200),
        ("POST", "/api/replay", &send, 200),
        ("POST", "/api/replay", r#"{"id":1,"url":"http://127.0.0.1:1/"}"#, 200),
        ("POST", "/api/replay", r#"{"id":1,"url":"ftp://h/"}"#, 422),
        ("POST", "/api/reset", r#"{"through":1}"#, 200),
        ("POST", "/api/reset", "{}", 400),
    ] {
        let (found, answer) = api.ask(method, path, body);
        assert_eq!(found, status, "{method} {path}: {answer}");
    }
    for (path, item) in api.document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let json = &operation["responses"]["200"]["content"]["application/json"];
            let name = format!("{} {path} 200", method.to_uppercase());
            assert!(
                json.is_null() || api.seen.borrow().contains(&name),
                "{name} was not asked for"
            );
            assert!(operation["operationId"].is_string() && operation["summary"].is_string());
        }
    }
    api.listening.interrupt().output.exits(0).hides(KEY);
}

#[test]
fn the_document_is_closed_and_complete() {
    let document = document();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for (name, schema) in schemas {
        assert!(jsonschema::meta::is_valid(schema), "{name} is not a schema");
        for (pointer, shape) in objects_of(schema, String::new()) {
            if !shape.contains_key("properties") {
                continue;
            }
            assert_eq!(shape["additionalProperties"], false, "{name}{pointer}");
            let fields: BTreeSet<_> = shape["properties"].as_object().unwrap().keys().collect();
            let required = shape["required"].as_array().unwrap().iter();
            let required: BTreeSet<String> =
                required.map(|field| field.as_str().unwrap().to_owned()).collect();
            assert!(required.iter().all(|field| fields.contains(field)), "{name}{pointer}");
            if !name.ends_with("Request") {
                assert_eq!(required.len(), fields.len(), "{name}{pointer}");
            }
        }
    }
    for (pointer, object) in objects_of(&document, String::new()) {
        if let Some(name) = object.get("$ref").and_then(Value::as_str) {
            let target = name.trim_start_matches('#');
            assert!(document.pointer(target).is_some(), "{pointer} refers to {name}");
        }
    }
}

#[test]
fn a_request_waits_for_what_comes() {
    let api = Api::start(&[]);
    let good = signed_success();
    let first = api.listening.post(&good);
    assert_eq!(first.error_code(), "0000");
    let path = "/api/callbacks/wait?after=1&count=2&verdict=valid&within=30s";
    let waiting = api.waiting(path);
    for body in [&*good, "[]", &*good] {
        api.listening.post(body);
    }
    let reply = waiting.join().unwrap();
    let waited = serde_json::from_str(&reply.body).unwrap();
    api.check("GET", path, reply.status, &waited);
    assert_eq!((reply.status, &waited["missing"]), (200, &json!(0)));
    assert_eq!(ids(&waited), [2, 4]);
    // A listener that ends does not wait for those who wait.
    let waiting = api.waiting("/api/callbacks/wait?order=none&within=10m");
    api.listening.interrupt().output.exits(0);
    drop(waiting);
}

#[test]
fn a_client_that_leaves_makes_room_for_another() {
    let api = Api::start(&[]);
    let status = || api.ask("GET", "/api/callbacks/wait?order=none&within=0s", "").0;
    for _ in 0..2 {
        let request = |part: u32| {
            let mut stream = TcpStream::connect(api.address).unwrap();
            let path = format!("/api/callbacks/wait?order=none&within=10m&after={part}");
            let head = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n", api.address);
            let token = &api.token;
            write!(stream, "{head}Authorization: Bearer {token}\r\n\r\n").unwrap();
            stream
        };
        let waiting: Vec<TcpStream> = (0..300).map(request).collect();
        until(|| status() == 503);
        drop(waiting);
        until(|| status() == 200);
    }
}

#[track_caller]
fn until(is_so: impl Fn() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < DEADLINE);
        thread::sleep(PAUSE);
    }
}

#[test]
fn every_way_to_callbacks_takes_the_same_conditions() {
    let api = Api::start(&[]);
    let conditions = [
        ("order", "POT00000102"),
        ("status", "success"),
        ("status", "5"),
        ("verdict", "valid"),
        ("verdict", "invalid"),
        ("since", "10m"),
        ("since", "2020-01-01"),
        ("until", "10m"),
        ("until", "2999-12-31T23:59:59Z"),
        ("grep", "pot00000102"),
        ("grep", "nobody"),
    ];
    let streams = conditions
        .map(|(name, value)| api.stream(&format!("{name}={}", value.replace(':', "%3A"))));
    let failed = r#"{"payout_id":"POT00000103","amount":1,"status":5}"#;
    for body in [&*signed_success(), failed, "[]"] {
        api.listening.post(body);
    }
    let mut all = Vec::new();
    for (name, value) in conditions {
        let (flag, query) = (format!("--{name}={value}"), value.replace(':', "%3A"));
        let of = |arguments: &[&str]| -> Vec<u64> {
            let arguments = [&["inbox"], arguments, &[&*flag]].concat();
            let lines = api.listening.beside(&arguments).json_lines();
            lines.iter().map(|line| line["id"].as_u64().unwrap()).collect()
        };
        let list = of(&["list", "--format=json"]);
        assert_eq!(of(&["wait", "--format=json", "--count=3", "--within=0s"]), list, "{flag}");
        assert_eq!(of(&["export"]), list, "{flag}");
        let asked =
            |path: &str| ids(&api.ask("GET", &format!("/api/callbacks{path}{name}={query}"), "").1);
        assert_eq!(asked("/wait?count=3&within=0s&"), list, "{flag}");
        let newest: Vec<u64> = list.iter().rev().copied().collect();
        assert_eq!(asked("?"), newest, "{flag}");
        all.push(list);
    }
    let expected: [&[u64]; 11] =
        [&[1], &[1], &[2], &[1], &[2, 3], &[1, 2, 3], &[1, 2, 3], &[], &[1, 2, 3], &[1], &[]];
    assert_eq!(all, expected);
    for (name, value) in [("status", "done"), ("verdict", "Valid"), ("since", "yesterday")] {
        payout_notify(&["inbox", "list", &format!("--{name}={value}")]).run().exits(2);
        for path in ["", "/wait"] {
            assert_eq!(api.ask("GET", &format!("/api/callbacks{path}?{name}={value}"), "").0, 400);
        }
        let path = format!("/api/events?{name}={value}");
        assert_eq!(api.ask("GET", &path, "").0, 400);
    }
    api.listening.interrupt();
    for ((stream, list), condition) in streams.into_iter().zip(all).zip(conditions) {
        let events = stream.lines().map(Result::unwrap);
        let rows = events.filter_map(|line| line.strip_prefix("data: ").map(str::to_owned));
        let ids: Vec<u64> = rows
            .flat_map(|rows| serde_json::from_str::<Vec<Value>>(&rows).unwrap())
            .map(|row| row["id"].as_u64().unwrap())
            .collect();
        assert_eq!(ids, list, "{condition:?}");
    }
}

#[test]
fn a_redacted_value_is_in_no_answer() {
    let api = Api::start(&[]);
    let mut stream = api.stream("redact=name,payout_id,amount,real_amount");
    let bodies = [
        signed_success().replace("{", r#"{"name":"Bob Smith","memo":"to Bob Smith","#),
        signed_success(),
        r#"{"name":"Bob Smith"#.to_owned(),
    ];
    bodies.iter().for_each(|body| drop(api.listening.post(body)));
    let (_, plain) = api.ask("GET", "/api/callbacks/1", "");
    let order = plain["row"]["order"].as_str().unwrap().to_owned();
    assert!(plain.to_string().contains("Bob Smith"));
    let redact = "redact=name,payout_id,amount,real_amount";
    for path in ["?", "/wait?count=3&", "/1?", "/2?", "/3?whole=1&"] {
        let (status, value) = api.ask("GET", &format!("/api/callbacks{path}{redact}"), "");
        let text = value.to_string();
        assert!(status == 200 && text.contains("[redacted]"), "{path}: {text}");
        for hidden in ["Smith", &*order, "400000", "4000.00", "\"canonical\":{"] {
            assert!(!text.contains(hidden), "{hidden}: {path}: {text}");
        }
    }
    let (_, value) = api.ask("GET", &format!("/api/callbacks/2?{redact}"), "");
    assert_eq!(
        (&value["row"]["valid"], &value["explanation"]["code"]),
        (&json!(true), &json!("0000"))
    );
    // The stream ends with the listener.
    api.listening.interrupt();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    assert!(
        text.contains("[redacted]") && !text.contains("Smith") && !text.contains(&order),
        "{text}"
    );
}

#[test]
fn the_replies_are_replaced_while_callbacks_come() {
    let api = Api::start(&["--reply", "503"]);
    let good = signed_success();
    assert_eq!(api.listening.post(&good).status, 503);
    let (_, set) = api.ask("PUT", "/api/replies", r#"{"reply":"500, 502, ok"}"#);
    assert_eq!(set["plan"].as_array().unwrap().len(), 3);
    let statuses: Vec<u16> = (0..3).map(|_| api.listening.post(&good).status).collect();
    assert_eq!(statuses, [500, 502, 200]);
    api.ask("PUT", "/api/replies", r#"{"reply":null}"#);
    assert_eq!(api.listening.post("[]").error_code(), "0021");
    let ended = api.listening.interrupt();
    ended.output.exits(0).remarks(&["replies through the API: reply 1: 500", "the usual ones"]);
    let app = Merchant::expecting(&[]);
    let forwarding = Api::start(&["--forward-to", &app.url()]);
    let (status, why) = forwarding.ask("PUT", "/api/replies", r#"{"reply":"ok"}"#);
    assert_eq!(status, 409, "{why}");
    forwarding.listening.interrupt().output.exits(0);
}

#[test]
fn a_reset_deletes_what_it_names_and_says_so() {
    let api = Api::start(&["--reply", "500, ok"]);
    let good = signed_success();
    for _ in 0..3 {
        api.listening.post(&good);
        api.listening.callback();
    }
    assert_eq!(api.ask("POST", "/api/reset", r#"{"through":2}"#).1, json!({"deleted": 2}));
    assert_eq!(ids(&api.ask("GET", "/api/callbacks", "").1), [3]);
    assert_eq!(api.ask("POST", "/api/reset", r#"{"through":"latest"}"#).1, json!({"deleted": 1}));
    assert_eq!(api.ask("POST", "/api/reset", r#"{"through":"latest"}"#).1, json!({"deleted": 0}));
    assert_eq!(ids(&api.ask("GET", "/api/callbacks", "").1), Vec::<u64>::new());
    // The program begins again, and so do the deliveries; the numbers do not.
    assert_eq!(api.listening.post(&good).status, 500);
    let callback = api.listening.callback();
    assert_eq!((&callback["delivery"], &callback["inbox_id"]), (&json!(1), &json!(4)));
    let ended = api.listening.interrupt();
    assert_eq!(ended.summary["callbacks"], 4);
    ended.output.exits(0).remarks(&["2 callbacks were deleted", "1 callback was deleted"]);
}

#[test]
fn the_token_is_asked_for_and_a_probe_needs_none() {
    let api = Api::start(&[]);
    assert_eq!(api.raw("GET", "/healthz", "", "").body, "ok\n");
    let head = api.raw("HEAD", "/healthz", "", "");
    assert_eq!((head.status, &*head.body), (200, ""));
    for (headers, status) in [
        ("", 401),
        ("Authorization: Bearer 00\r\n", 403),
        ("X-Inspector: 1\r\n", 401),
        ("Cookie: a=b\r\n", 401),
    ] {
        let reply = api.raw("GET", "/api/state", headers, "");
        assert_eq!(reply.status, status, "{headers}");
        let problem: Value = serde_json::from_str(&reply.body).unwrap();
        assert!(problem["error"].is_string() && problem["hint"].is_string(), "{problem}");
    }
    let token = format!("Authorization: Bearer {}\r\n", api.token);
    assert_eq!(api.raw("GET", "/", &token, "").status, 404);
    let long = "x".repeat(2 << 20);
    let json = format!("{token}Content-Type: application/json\r\n");
    assert_eq!(api.raw("POST", "/api/sign", &json, &long).status, 413);
    let deep = format!("{{\"text\":{}", "[".repeat(100_000));
    assert_eq!(api.raw("POST", "/api/sign", &json, &deep).status, 400);
    api.listening.interrupt().output.exits(0);
}

#[test]
fn the_api_and_the_page_are_one_server() {
    let listening = Listening::start(&["--api", "--inspect"]);
    let (api, page) = (&listening.ready["api"], listening.ready["inspector"].as_str().unwrap());
    let [url, token] = ["url", "token"].map(|field| api[field].as_str().unwrap());
    let base = url.strip_suffix("/api").unwrap();
    assert_eq!(page, format!("{base}/?token={token}"));
    listening.interrupt().output.exits(0);
    for (arguments, why) in [
        (&["--api=127.0.0.1:1", "--inspect=127.0.0.1:2"][..], "two addresses"),
        (&["--api=0.0.0.0:0"], "for this machine only"),
        (&["--api=0.0.0.0:0", "--allow-remote"], "for this machine only"),
        (&["--api", "--no-inbox"], "--no-inbox"),
    ] {
        let all = [&["listen", "--bind", ":0"], arguments].concat();
        payout_notify(&all).key(KEY).run().exits(2).remarks(&[why]);
    }
}
