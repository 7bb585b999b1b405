//! Exported load tests: their syntax, and their orders and judgements beside the tool's own.
//!
//! The engines themselves are run by `tests/engines/run.sh`.

use std::fs;
use std::path::Path;
use std::process::Command;

use payout_notify_protocol::internal::acknowledgement::{AcknowledgementRule, Conclusion, Reply};
use serde_json::{Value, json};

use crate::harness::{KEY, Sandbox, payout_notify};
use crate::need::{NODE, PYTHON, list};

list! {
    exported_orders_in_python_have_ids_that_no_other_order_of_the_run_has [PYTHON]
    exported_orders_in_node_have_ids_that_no_other_order_of_the_run_has [NODE]
    every_engine_in_python_signs_as_the_tool_does [PYTHON]
    every_engine_in_node_signs_as_the_tool_does [NODE]
    every_engine_in_python_judges_as_the_tool_does [PYTHON]
    every_engine_in_node_judges_as_the_tool_does [NODE]
    a_test_goes_to_stdout_and_says_what_was_asked_for []
    what_cannot_be_exported_is_a_matter_of_usage []
}

const URL: &str = "http://127.0.0.1:8787/notify?from=it's";

/// What each engine's test is made of, and how its functions are called on a line of JSON.
struct Engine {
    name: &'static str,
    /// The file with the orders.
    file: &'static str,
    program: &'static str,
    check: &'static [&'static str],
    /// Reads {"orders": N} or {"status", "body"} a line, and writes JSON a line.
    driver: &'static str,
}

const IN_PYTHON: &str = r#"
import json, sys
import locustfile as test
for line in sys.stdin:
    asked = json.loads(line)
    if "orders" in asked:
        made = [test.make_order(number + 1) for number in range(asked["orders"])]
        print(json.dumps(made))
    else:
        print(json.dumps(test.refusal_of(asked["status"], asked["body"].encode())))
"#;

const IN_NODE: &str = r"
import readline from 'node:readline';
globalThis.__ENV = process.env;
const test = await import(process.argv[2]);
for await (const line of readline.createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line);
  const made = asked.orders
    ? Array.from({ length: asked.orders }, (_, index) => test.makeOrder(index + 1))
    : test.refusalOf(asked.status, asked.body);
  console.log(JSON.stringify(made));
}
process.exit(0);
";

static ENGINES: [Engine; 3] = [
    Engine {
        name: "locust",
        file: "locustfile.py",
        program: "python3",
        check: &["-m", "py_compile"],
        driver: IN_PYTHON,
    },
    Engine {
        name: "k6",
        file: "payout-notify-k6.js",
        program: "node",
        check: &["--check"],
        driver: IN_NODE,
    },
    Engine {
        name: "artillery",
        file: "orders.mjs",
        program: "node",
        check: &["--check"],
        driver: IN_NODE,
    },
];

/// The engines whose tests this program runs.
fn engines_in(program: &str) -> impl Iterator<Item = &'static Engine> {
    ENGINES.iter().filter(move |engine| engine.program == program)
}

impl Engine {
    /// Writes a test into the folder, beside what stands in for the engine.
    fn export(&self, folder: &Path, flags: &[&str]) {
        let stubs = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/engines");
        copy(&stubs.join("locust_stub"), folder);
        copy(&stubs.join("k6_stub"), &folder.join("node_modules/k6"));
        fs::write(folder.join("package.json"), "{\"type\":\"module\"}").unwrap();
        let out = format!("{}/", folder.display());
        let arguments = [&["export", URL, "--to", self.name, "--out", &out], flags].concat();
        payout_notify(&arguments).key(KEY).run().exits(0).hides(KEY);
        assert!(!fs::read_to_string(folder.join(self.file)).unwrap().contains(KEY));
    }

    /// Fails unless the interpreter finds the syntax right.
    #[track_caller]
    fn check_syntax(&self, folder: &Path) {
        let checked = Command::new(self.program)
            .args(self.check)
            .arg(self.file)
            .current_dir(folder)
            .status()
            .unwrap();
        assert!(checked.success(), "the syntax of {}", self.file);
    }

    /// What the test's functions answer to these lines.
    fn ask(&self, folder: &Path, asked: &[Value]) -> Vec<Value> {
        let lines: String = asked.iter().map(|line| format!("{line}\n")).collect();
        fs::write(folder.join("asked"), lines).unwrap();
        let mut command = Command::new(self.program);
        match self.program {
            "node" => {
                // In a file: k6's stand-in has a worker, which inherits --input-type and fails on it.
                fs::write(folder.join("driver.mjs"), self.driver).unwrap();
                command.arg("driver.mjs").arg(folder.join(self.file));
            }
            _ => drop(command.args(["-c", self.driver])),
        }
        let output = command
            .env("PAYOUT_NOTIFY_KEY", KEY)
            .stdin(fs::File::open(folder.join("asked")).unwrap())
            .current_dir(folder)
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(output.status.success(), "{}: {}", self.name, text(&output.stderr));
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn every_engine_in_python_signs_as_the_tool_does() {
    every_engine_signs_as_the_tool_does("python3");
}

fn every_engine_in_node_signs_as_the_tool_does() {
    every_engine_signs_as_the_tool_does("node");
}

fn every_engine_signs_as_the_tool_does(program: &str) {
    const CHANGES: [&str; 10] = [
        "--set",
        "amount={100..500000}",
        "--set",
        "memo={\"a\": [ {n} , \"x\\/{hex:5}\\u0041'''\" ], \"at\": {now_ms}}",
        "--set",
        "note=王 {uuid} \"{{n}}\" \\ {-5..5}",
        "--set-str",
        "empty=",
        "--unset",
        "error_msg",
    ];
    for engine in engines_in(program) {
        for (dialect, flags) in [
            ("platform", &["--sign-type=md5", "--mix=success=2,failed=1,6=1"][..]),
            ("platform", &["--sign-type=hmac-sha256", "--status=-7"]),
            ("fork", &[]),
            ("wechat-v2", &["--sign-type=hmac-sha256"]),
            ("pockyt", &[]),
            ("epusdt", &[]),
        ] {
            let folder = Sandbox::new();
            let scheme = scheme_of(dialect, &folder.work());
            let dialect_flags = ["--dialect", &*scheme];
            engine.export(&folder.work(), &[&CHANGES[..], flags, &dialect_flags].concat());
            let made = engine.ask(&folder.work(), &[json!({"orders": 12})]);
            let bodies: Vec<&str> =
                made[0].as_array().unwrap().iter().map(|body| body.as_str().unwrap()).collect();
            let verify = ["verify", "--lines", "--dialect", &*scheme];
            let verified = payout_notify(&verify).key(KEY).stdin(bodies.join("\n")).run();
            assert_eq!(verified.code, 0, "{} {dialect}: {verified}", engine.name);
            assert_fresh(&bodies);
            if dialect == "fork" {
                engine.check_syntax(&folder.work());
            }
        }
        // As each of these sends them, in its own fields.
        for (dialect, input) in
            [("epay", "form"), ("jeepay", "form"), ("wechat-v2", "xml"), ("tokenpay", "json")]
        {
            let folder = Sandbox::new();
            engine.export(&folder.work(), &["--dialect", dialect]);
            let made = engine.ask(&folder.work(), &[json!({"orders": 1})]);
            let verify = ["verify", "--dialect", dialect, "--input", input];
            let verified =
                payout_notify(&verify).key(KEY).stdin(made[0][0].as_str().unwrap()).run();
            assert_eq!(verified.code, 0, "{} {dialect}: {verified}", engine.name);
        }
    }
}

/// A file with the schemes of a dialect, and all else as on the platform.
fn scheme_of(dialect: &str, folder: &Path) -> String {
    let text = payout_notify(&["dialects", dialect, "--print", "toml"]).run().exits(0).stdout;
    let at = text.find("[[scheme]]").unwrap();
    let path = folder.join("scheme.toml");
    fs::write(&path, format!("id = {dialect:?}\n{}", &text[at..])).unwrap();
    path.display().to_string()
}

fn exported_orders_in_python_have_ids_that_no_other_order_of_the_run_has() {
    exported_orders_have_ids_that_no_other_order_of_the_run_has("python3");
}

fn exported_orders_in_node_have_ids_that_no_other_order_of_the_run_has() {
    exported_orders_have_ids_that_no_other_order_of_the_run_has("node");
}

fn exported_orders_have_ids_that_no_other_order_of_the_run_has(program: &str) {
    for engine in engines_in(program) {
        let folder = Sandbox::new();
        engine.export(&folder.work(), &[]);
        let made = engine.ask(&folder.work(), &[json!({"orders": 150})]);
        let number = |body: &Value| -> u64 {
            let order: Value = serde_json::from_str(body.as_str().unwrap()).unwrap();
            order["payout_id"].as_str().unwrap()["POT".len()..].parse().unwrap()
        };
        let numbers: Vec<u64> = made[0].as_array().unwrap().iter().map(number).collect();
        // Counted from a place that is drawn once: unique whatever is drawn.
        let counted: Vec<u64> = (numbers[0]..).take(150).collect();
        assert_eq!(numbers, counted, "{}", engine.name);
    }
}

/// Fails where two orders share an id, or a value is not what its template says.
#[track_caller]
fn assert_fresh(bodies: &[&str]) {
    let orders: Vec<Value> =
        bodies.iter().map(|body| serde_json::from_str(body).unwrap()).collect();
    for (index, order) in orders.iter().enumerate() {
        let amount = order["amount"].as_i64().unwrap();
        assert!((100..=500_000).contains(&amount), "{order}");
        assert_eq!(order["memo"]["a"][0], json!(index + 1));
        assert_eq!(order["memo"]["a"][1].as_str().unwrap().len(), 11, "{order}");
        let (created, updated) = (&order["create_time"], &order["update_time"]);
        assert_eq!(updated.as_i64().unwrap() - created.as_i64().unwrap(), 62);
        assert_eq!(order["payout_id"].as_str().unwrap().len(), 19);
        for name in ["payout_id", "payout_cl_id"] {
            let same = orders.iter().filter(|other| other[name] == order[name]).count();
            assert_eq!(same, 1, "{name} of {order}");
        }
    }
}

fn every_engine_in_python_judges_as_the_tool_does() {
    every_engine_judges_as_the_tool_does("python3");
}

fn every_engine_in_node_judges_as_the_tool_does() {
    every_engine_judges_as_the_tool_does("node");
}

fn every_engine_judges_as_the_tool_does(program: &str) {
    let bodies = [
        "{\"error_code\":\"0000\"}",
        " {\"error_code\":\"\\u0030000\", \"x\":[1,{\"a\":\"}{,:\"}]}\r\n",
        "{\"error_code\":\"0004\"}",
        "{\"error_code\":\"anything\"}",
        "{\"error_code\":0}",
        "{\"error_code\":true}",
        "{\"error_code\":null}",
        "{\"error_code\":[\"0000\"]}",
        "{\"code\":\"0000\"}",
        "{\"error_code\":\"0000\",\"error_code\":\"0000\"}",
        "{\"error_code\":\"0000\",\"x\":{\"a\":1,\"\\u0061\":2}}",
        "{\"error_code\":\"0000\",\"x\":NaN}",
        "\u{feff}{\"error_code\":\"0000\"}",
        "[]",
        "null",
        "\"0000\"",
        "success",
        " success\n",
        "Success",
        "ok",
        "",
        "  ",
        "<xml>\n<return_code> <![CDATA[SUCCESS]]> </return_code></xml>",
        "<xml><return_code>FAIL</return_code></xml>",
        "<?xml version=\"1.0\" encoding='UTF-8'?>\n<xml><return_code>SUCCESS</return_code>\
         <return_msg><![CDATA[O]K]]]></return_msg></xml>\n",
        "\u{feff}<xml><return_code>\tSUCCESS </return_code><m>a &amp; b</m></xml>",
        "<?xml version=\"1.0\" encoding=\"UTF-16\"?><xml><return_code>SUCCESS</return_code></xml>",
        "\n<?xml version=\"1.0\"?><xml><return_code>SUCCESS</return_code></xml>",
        "<!-- <return_code>SUCCESS</return_code> --><xml><return_code>FAIL</return_code></xml>",
        "<xml><!-- <return_code>SUCCESS</return_code> --><return_code>FAIL</return_code></xml>",
        "<xml><return_code>SUC CESS</return_code></xml>",
        "<xml><return_code><![CDATA[ SUCCESS]]></return_code></xml>",
        "<xml><return_code>SUCCESS</return_code><return_code>FAIL</return_code></xml>",
        "<xml><return_code>FAIL</return_code><return_code>SUCCESS</return_code></xml>",
        "<xml><a><return_code>SUCCESS</return_code></a></xml>",
        "<XML><return_code>SUCCESS</return_code></XML>",
        "<xml><return_code>SUCCESS</return_code>",
        "<xml><return_code>SUCCESS</return_code></xml>x",
        "<xml><return_code>SUCCESS</return_code></xml><xml></xml>",
        "<xml><return_code>SUCCESS</return_code><m>a & b</m></xml>",
        "<xml><return_code>SUCCESS</return_code><m>\u{1}</m></xml>",
        "\u{c}<xml><return_code>SUCCESS</return_code></xml>",
        "<html><body><xml><return_code>SUCCESS</return_code></xml></body></html>",
        "<!DOCTYPE xml><xml><return_code>SUCCESS</return_code></xml>",
        "<xml><m><![CDATA[<return_code>SUCCESS</return_code>]]></m></xml>",
        "{\"code\":\"SUCCESS\",\"n\":[0]}",
        "{\"n\":[0],\"code\":\"SUCCESS\",\"more\":1}",
        "{\"code\":\"SUCCESS\",\"n\":[1]}",
        "{\"__proto__\":1}",
    ];
    let long = " ".repeat(64 * 1024) + bodies[0];
    let members = "id = 'mine'\nsuccess_reply = '{\"code\":\"SUCCESS\",\"n\":[0]}'\n\
                   [[scheme]]\nalgorithm = 'md5'\nafter = '&KEY'\n";
    // The rule of k6 is Artillery's, word for word.
    for engine in engines_in(program).filter(|engine| engine.name != "k6") {
        for dialect in ["platform", "wechat-v2", "epay", "mine.toml"] {
            let folder = Sandbox::new();
            let file = folder.work().join("mine.toml");
            fs::write(&file, members).unwrap();
            let is_file = dialect == "mine.toml";
            let named = if is_file { file.to_str().unwrap() } else { dialect };
            let rule = match payout_notify_protocol::Dialect::built_in(dialect) {
                Some(dialect) => dialect.acknowledgement(),
                None => AcknowledgementRule::for_reply("{\"code\":\"SUCCESS\",\"n\":[0]}"),
            };
            engine.export(&folder.work(), &["--dialect", named]);
            let replies: Vec<(u16, &str)> = [200, 204, 302, 500]
                .into_iter()
                .flat_map(|status| bodies.iter().map(move |body| (status, *body)))
                .chain([(200, &*long)])
                .collect();
            let asked: Vec<Value> = replies
                .iter()
                .map(|(status, body)| json!({"status": status, "body": body}))
                .collect();
            let answers = engine.ask(&folder.work(), &asked);
            assert_eq!(answers.len(), replies.len());
            for ((status, body), answer) in replies.iter().zip(&answers) {
                let body = body.as_bytes().to_vec();
                let reply = Reply { status: *status, body, ..Reply::default() };
                let acknowledges = matches!(rule.judge(&reply), Conclusion::Acknowledged(_));
                assert_eq!(answer.is_null(), acknowledges, "{} {dialect} {reply:?}", engine.name);
            }
        }
    }
}

fn a_test_goes_to_stdout_and_says_what_was_asked_for() {
    let flags = ["--rate", "30/m", "--count", "7", "--timeout", "2500ms", "--set", "note=@COMMON@"];
    let export = |engine| {
        let arguments = [&["export", "localhost:8787/n", "--to", engine], &flags[..]].concat();
        payout_notify(&arguments).run().exits(0).stdout
    };
    let locust = export("locust");
    for text in [
        "\"count\": 7",
        "\"orders_per_second\": 0.5",
        "\"timeout_s\": 2.5",
        "\"url\": \"http://localhost:8787/n\"",
        "note=@COMMON@",
    ] {
        assert!(locust.contains(text), "{text}: {locust}");
    }
    let k6 = export("k6");
    for text in ["\"rate\": 30", "\"rate_unit\": \"1m\"", "\"duration\": \"16000ms\""] {
        assert!(k6.contains(text), "{text}: {k6}");
    }
    let folder = Sandbox::new();
    let out = folder.work().join("test");
    let arguments = ["export", ":8787", "--to", "artillery", "--rate", "20/s", "--duration", "90s"];
    payout_notify(&arguments).arg("--out").arg(&out).run().exits(0);
    let artillery = fs::read_to_string(out.join("artillery.yml")).unwrap();
    assert!(artillery.contains("duration: 90\n      arrivalRate: 20\n"), "{artillery}");
}

fn what_cannot_be_exported_is_a_matter_of_usage() {
    let export = |flags: &[&str]| payout_notify(&[&["export"], flags].concat()).run();
    export(&[":1", "--to", "artillery"]).exits(2).remarks(&["two files", "--out"]);
    export(&["http://me:pass@shop.example/", "--to", "k6"])
        .exits(2)
        .remarks(&["credentials"])
        .hides("pass@");
    export(&[":1", "--to", "k6", "--mix", "success=1", "--set", "status=5"])
        .exits(2)
        .remarks(&["--mix chooses the status", "--set changes it"]);
    export(&[":1", "--to", "k6", "--set", "a={0..9007199254740993}"]).exits(2).remarks(&["2^53"]);
    export(&[":1", "--to", "k6", "--set", "a=\"\\u{1000..2000}\""]).exits(2).remarks(&["escape"]);
    export(&[":1", "--to", "k6", "--rate", "1/h", "--duration", "1s"])
        .exits(2)
        .remarks(&["--rate"]);
    export(&[":1", "--to", "k6", "--unset", "x", "--set", "sign_type=x"]).exits(3);
    export(&[":1", "--to", "k6", "--out", "/no/such/folder/x"]).exits(4);
}
