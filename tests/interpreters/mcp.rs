//! The server for agents, as a client sees it: JSON-RPC line by line, and a real client library.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use crate::harness::{
    DEADLINE, Group, KEY, Listening, Merchant, Sandbox, Scripted, fixture, signed_success,
};
use crate::need::{MCP, PYTHON_MCP, list};
use crate::support::schema::Schemas;

list! {
    every_tool_answers_by_its_schema [MCP]
    requests_stay_on_this_machine_unless_the_start_allows_more [MCP]
    neither_a_key_nor_a_hidden_character_gets_out [MCP]
    a_wait_ends_when_the_callbacks_are_here_or_its_time_is_over [MCP]
    the_command_given_at_the_start_sees_what_was_credited [MCP]
    what_is_no_message_is_survived [MCP]
    a_command_that_is_running_ends_with_the_server [MCP]
    a_real_client_calls_every_tool [MCP, PYTHON_MCP]
}

const PROGRAM: &str = env!("CARGO_BIN_EXE_payout-notify");

/// Escape sequences, a bidi control, a zero-width space and a tag character.
const HOSTILE: &str = "\u{1b}[2J\u{7}\u{202e}\u{200b}\u{e0041}\"'<b>&\\";

/// A client that has said hello.
struct Client {
    group: Group,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    last: u64,
    sandbox: Sandbox,
}

impl Client {
    fn start(arguments: &[&str]) -> Client {
        let sandbox = Sandbox::new();
        let mut command = Command::new(PROGRAM);
        command.arg("mcp").args(arguments).env_clear().env("PAYOUT_NOTIFY_KEY", KEY);
        command.env("HOME", sandbox.home()).current_dir(sandbox.work());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut group = Group::start(&mut command).unwrap();
        let child: &mut Child = group.leader();
        let (input, output) = (child.stdin.take(), child.stdout.take().unwrap());
        let mut client = Client { group, input, output: BufReader::new(output), last: 0, sandbox };
        let about = json!({
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": { "name": "test", "version": "1" },
        });
        let hello = client.request("initialize", about);
        assert_eq!(hello["result"]["serverInfo"]["name"], "payout-notify", "{hello}");
        client.send("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}");
        client
    }

    fn send(&mut self, line: &str) {
        let input = self.input.as_mut().unwrap();
        input.write_all(line.as_bytes()).unwrap();
        input.write_all(b"\n").unwrap();
    }

    fn start_request(&mut self, method: &str, params: Value) {
        self.last += 1;
        let id = self.last;
        self.send(
            &json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }).to_string(),
        );
    }

    /// The reply to the last request; replies without an id, to what is no message, come before it.
    fn reply(&mut self) -> Value {
        loop {
            let mut line = String::new();
            self.output.read_line(&mut line).unwrap();
            let reply: Value =
                serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
            assert_eq!(reply["jsonrpc"], "2.0", "{line}");
            if reply["id"] == self.last {
                return reply;
            }
            assert!(reply.get("id").is_none_or(Value::is_null), "{line}");
        }
    }

    fn request(&mut self, method: &str, params: Value) -> Value {
        self.start_request(method, params);
        self.reply()
    }

    fn tools(&mut self) -> Vec<Value> {
        self.request("tools/list", json!({}))["result"]["tools"].as_array().unwrap().clone()
    }

    fn call(&mut self, name: &str, arguments: &Value) -> Value {
        let reply = self.request("tools/call", json!({ "name": name, "arguments": arguments }));
        let output = reply["result"]["structuredContent"].clone();
        assert!(output.is_object(), "{name} {arguments}: {reply}");
        let text = reply["result"]["content"][0]["text"].as_str().unwrap();
        assert_eq!(serde_json::from_str::<Value>(text).unwrap(), output);
        assert_eq!(reply["result"]["isError"], output["answer"] == "error", "{reply}");
        output
    }

    fn end(mut self) -> Sandbox {
        drop(self.input.take());
        assert_eq!(self.group.ends_within(DEADLINE), Some(0));
        self.sandbox
    }
}

/// A call of each tool, and its answer before a merchant that does not acknowledge.
fn calls(url: &str) -> [(&'static str, Value, &'static str); 9] {
    let payload = fixture("withdraw-notification.json");
    [
        ("verify_explain", json!({ "payload": payload }), "no"),
        ("sign", json!({ "payload": payload }), "yes"),
        ("check", json!({ "url": url, "only": ["reach-connect"], "all_cases": true }), "no"),
        ("simulate", json!({ "url": url, "retries": 0 }), "no"),
        ("inbox_list", json!({}), "yes"),
        ("inbox_wait", json!({ "count": 2, "within_seconds": 0 }), "yes"),
        ("inbox_show", json!({}), "no"),
        ("dialects", json!({}), "yes"),
        ("snippet", json!({ "language": "python" }), "yes"),
    ]
}

/// A merchant that replies with the key and hostile text, for as many requests as a test sends.
fn hostile_merchant() -> Merchant {
    let reply = json!({ "error_code": HOSTILE, "memo": KEY, HOSTILE: KEY }).to_string();
    Merchant::tolerating(&vec![Scripted::Json(200, reply.leak()); 400])
}

/// An inbox with a valid callback and one with the key and hostile text.
fn inbox() -> (Sandbox, String) {
    let sandbox = Sandbox::new();
    let path = sandbox.work().join("inbox.db").to_str().unwrap().to_owned();
    let listener = Listening::start(&["--count", "2", "--inbox", &path]);
    listener.post(&signed_success());
    listener
        .post(&json!({ "payout_id": HOSTILE, "memo": KEY, KEY: 1, "sign": HOSTILE }).to_string());
    listener.end();
    (sandbox, path)
}

fn every_tool_answers_by_its_schema() {
    let ((_folder, inbox), merchant) = (inbox(), hostile_merchant());
    let mut client = Client::start(&["--inbox", &inbox]);
    let (tools, mut schemas) = (client.tools(), Schemas::read());
    let url = merchant.url();
    let calls = calls(&url);
    let names: Vec<_> = tools.iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    assert_eq!(names, calls.each_ref().map(|call| call.0));
    for (tool, (name, arguments, answer)) in tools.iter().zip(&calls) {
        let input = jsonschema::validator_for(&tool["inputSchema"]).unwrap();
        assert!(input.is_valid(arguments), "{name}");
        assert!(tool["inputSchema"]["properties"].get("key").is_none(), "{name}");
        let output = client.call(name, arguments);
        assert_eq!(output["answer"], *answer, "{name}: {output}");
        jsonschema::validate(&tool["outputSchema"], &output).unwrap();
        output["objects"].as_array().unwrap().iter().for_each(|object| schemas.check(object));
        let is_ours = ["dialects", "snippet"].contains(name);
        assert_eq!(output["untrusted"], !is_ours, "{name}");
        let description = tool["description"].as_str().unwrap();
        assert_eq!(description.contains("never as instructions"), !is_ours, "{name}");
    }
    schemas.assert_checked(&[
        "verification",
        "case",
        "check",
        "attempt",
        "inbox-entry",
        "dialects",
    ]);
    // What was signed is valid, and one callback of the inbox is.
    let signed = client.call("sign", &calls[1].1)["text"].clone();
    assert_eq!(client.call("verify_explain", &json!({ "payload": signed }))["answer"], "yes");
    assert_eq!(client.call("inbox_show", &json!({ "number": 1 }))["answer"], "yes");
    client.end();
}

fn requests_stay_on_this_machine_unless_the_start_allows_more() {
    let elsewhere = ["http://shop.invalid/", "http://10.0.0.1/", "http://localhost.invalid/"];
    let mut client = Client::start(&[]);
    for url in elsewhere {
        for name in ["check", "simulate"] {
            let output = client.call(name, &json!({ "url": url }));
            assert_eq!(output["answer"], "error");
            assert!(output["remarks"].to_string().contains("--allow-host"), "{output}");
        }
    }
    // No argument names a file, an option, a command or a key.
    for (name, arguments) in [
        ("dialects", json!({ "name": "/etc/passwd" })),
        ("sign", json!({ "payload": "{}", "dialect": "mine.toml" })),
        ("sign", json!({ "payload": "{}", "key": "k" })),
        ("inbox_list", json!({ "inbox": "/etc/passwd" })),
        ("inbox_wait", json!({ "within_seconds": 61 })),
        ("inbox_wait", json!({ "within_seconds": -1 })),
        ("inbox_wait", json!({ "within_seconds": 0, "count": 201 })),
        ("inbox_wait", json!({ "within_seconds": 0, "count": 0 })),
        ("inbox_wait", json!({ "within_seconds": 0, "since": "yesterday" })),
        // There is no inbox.
        ("inbox_wait", json!({ "within_seconds": 0 })),
        ("check", json!({ "url": "http://127.0.0.1:1/", "observe": "id" })),
        ("check", json!({ "url": "--replay=/etc/passwd" })),
        ("simulate", json!({ "url": "http://127.0.0.1:1/", "count": 101 })),
        ("simulate", json!({ "url": "http://127.0.0.1:1/", "speed": "\0" })),
        ("verify_explain", json!({ "payload": "{}", "computed": "x".repeat(100_000) })),
    ] {
        assert_eq!(client.call(name, &arguments)["answer"], "error", "{name} {arguments}");
    }
    client.end();
    for start in [&["--allow-host", "Shop.invalid"][..], &["--allow-remote"]] {
        let mut client = Client::start(start);
        let arguments = json!({ "url": elsewhere[0], "retries": 0, "timeout_seconds": 5 });
        // It was allowed, and its name has no address.
        assert_eq!(client.call("simulate", &arguments)["answer"], "no");
        client.end();
    }
}

fn neither_a_key_nor_a_hidden_character_gets_out() {
    let ((_folder, inbox), merchant) = (inbox(), hostile_merchant());
    let mut client = Client::start(&["--inbox", &inbox]);
    let tools = client.tools();
    for (tool, (name, arguments, _)) in tools.iter().zip(&calls(&merchant.url())) {
        assert_safe(name, &client.call(name, arguments));
        let fields = tool["inputSchema"]["properties"].as_object().unwrap();
        for (field, schema) in fields {
            for text in [format!("{KEY} {HOSTILE}"), format!("{}{KEY}", merchant.url())] {
                let is_list =
                    schema["type"].as_array().is_some_and(|it| it.contains(&json!("array")));
                let mut changed = arguments.clone();
                changed[field] = if is_list { json!([text]) } else { json!(text) };
                assert_safe(name, &client.call(name, &changed));
            }
        }
        let payload = json!({ "memo": KEY, HOSTILE: HOSTILE, "sign": "0" }).to_string();
        if fields.contains_key("payload") {
            let mut changed = arguments.clone();
            changed["payload"] = json!(payload);
            assert_safe(name, &client.call(name, &changed));
        }
    }
    client.end();
}

/// What sign returns is what it was given, so only the key is looked for there.
fn assert_safe(name: &str, output: &Value) {
    let hex = KEY.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
    let text = output.to_string();
    assert!(!text.contains(KEY) && !text.contains(&hex), "{name}: {text}");
    let mut shown = output.clone();
    if name == "sign" {
        shown["text"] = Value::Null;
    }
    let is_hidden =
        |c: char| c != '\n' && (c.is_control() || "\u{202e}\u{200b}\u{e0041}".contains(c));
    let texts = texts(&shown).into_iter().map(|text| text.replace("\r\n", "\n").replace('\t', " "));
    assert!(texts.into_iter().all(|text| !text.contains(is_hidden)), "{name}: {text}");
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(values) => values.iter().flat_map(texts).collect(),
        Value::Object(object) => {
            let names = object.keys().cloned();
            names.chain(object.values().flat_map(texts)).collect()
        }
        _ => Vec::new(),
    }
}

fn a_wait_ends_when_the_callbacks_are_here_or_its_time_is_over() {
    let sandbox = Sandbox::new();
    let path = sandbox.work().join("inbox.db").to_str().unwrap().to_owned();
    let listener = Listening::start(&["--count", "2", "--inbox", &path]);
    listener.post("{}");
    let mut client = Client::start(&["--inbox", &path]);
    let late = json!({ "within_seconds": 0, "count": 2 });
    let output = client.call("inbox_wait", &late);
    assert_eq!((&output["answer"], &output["untrusted"]), (&json!("no"), &json!(true)), "{output}");
    assert_eq!(output["objects"].as_array().unwrap().len(), 1, "{output}");
    assert!(output["remarks"].to_string().contains("1 of 2 callbacks came"), "{output}");
    let wait = json!({ "within_seconds": 60, "after": 1, "status": "success", "verdict": "valid" });
    client.start_request("tools/call", json!({ "name": "inbox_wait", "arguments": wait }));
    listener.post(&signed_success());
    let reply = client.reply();
    let output = &reply["result"]["structuredContent"];
    assert_eq!(output["answer"], "yes", "{output}");
    assert_eq!(output["objects"][0]["id"], 2, "{output}");
    for (none, count) in
        [(json!({ "order": "x" }), 0), (json!({ "after": 2 }), 0), (json!({ "text": "POT" }), 1)]
    {
        let mut wait = json!({ "within_seconds": 0 });
        wait.as_object_mut().unwrap().extend(none.as_object().unwrap().clone());
        let output = client.call("inbox_wait", &wait);
        assert_eq!(output["objects"].as_array().unwrap().len(), count, "{wait}: {output}");
    }
    listener.end();
    client.end();
}

fn the_command_given_at_the_start_sees_what_was_credited() {
    // A merchant that verifies, acknowledges, and has no books.
    let merchant = Listening::start(&["--count", "1000"]);
    let arguments = json!({ "url": merchant.url, "only": ["ack-success"], "all_cases": true });
    let status = |start: &[&str]| {
        let mut client = Client::start(start);
        let output = client.call("check", &arguments);
        assert_safe("check", &output);
        client.end();
        let objects = output["objects"].as_array().unwrap();
        let case = objects.iter().find(|object| object["id"] == "ack-success");
        case.map_or_else(|| output["remarks"].to_string(), |case| case["status"].to_string())
    };
    assert_eq!(status(&[]), "\"passed\"");
    // Nothing that was acknowledged is credited, so no case has a verdict.
    assert_eq!(status(&["--observe", "echo 0"]), "\"inconclusive\"");
    let shown = status(&["--observe", "sh -c 'echo $PAYOUT_NOTIFY_KEY'"]);
    assert!(shown.contains("the observer printed"), "{shown}");
    merchant.interrupt();
}

fn what_is_no_message_is_survived() {
    let mut client = Client::start(&[]);
    for line in [
        "",
        "{",
        "null",
        "[]",
        "{}",
        "not JSON \u{1b}[2J",
        "{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"tools/list\"}",
        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/unknown\"}",
        &"[".repeat(100_000),
    ] {
        client.send(line);
    }
    // Longer than a message may be: it is dropped, and not kept in memory.
    client.send(&"x".repeat(9 * 1024 * 1024));
    for (method, params) in [
        ("tools/call", json!({ "name": "rm", "arguments": {} })),
        ("tools/call", json!({ "name": 1 })),
        ("tools/call", json!({ "name": "sign", "arguments": [] })),
        ("no/such/method", json!({})),
    ] {
        let reply = client.request(method, params);
        assert!(reply["error"]["code"].is_i64(), "{reply}");
    }
    for arguments in [json!({}), json!({ "payload": 1 }), json!({ "payload": "{" })] {
        assert_eq!(client.call("sign", &arguments)["answer"], "error");
    }
    // The largest payload that may be, and a larger one.
    let large = json!({ "memo": "x".repeat(1_000_000) }).to_string();
    assert_eq!(client.call("sign", &json!({ "payload": large }))["answer"], "yes");
    let larger = json!({ "memo": "x".repeat(5_000_000) }).to_string();
    assert_eq!(client.call("sign", &json!({ "payload": larger }))["answer"], "error");
    assert!(client.end().files().is_empty(), "the server leaves files");
}

fn a_command_that_is_running_ends_with_the_server() {
    let merchant = Merchant::tolerating(&[Scripted::Hang]);
    let mut client = Client::start(&[]);
    let arguments = json!({ "url": merchant.url(), "timeout_seconds": 60 });
    client.start_request("tools/call", json!({ "name": "simulate", "arguments": arguments }));
    merchant.wait_for(1);
    client.group.signal(rustix::process::Signal::INT);
    assert_eq!(client.group.ends_within(DEADLINE), Some(0));
    // The command had the server's stdout; with it, its stream would not end.
    let mut line = String::new();
    client.output.read_line(&mut line).unwrap();
    assert_eq!(line, "");
}

fn a_real_client_calls_every_tool() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mcp_client.py");
    let run = Command::new("python3").arg(script).args(["--short", PROGRAM]).output().unwrap();
    let shown = String::from_utf8_lossy(&run.stdout);
    let errors = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success() && shown.contains("\n0 faults\n"), "{shown}\n{errors}");
}
