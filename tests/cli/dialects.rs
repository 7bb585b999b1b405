//! Dialects, other forms of input, and explanations on the command line.

use std::fs;
use std::path::PathBuf;

use crate::harness::{KEY, Output, Sandbox, payout_notify};

fn run(arguments: &[&str], input: &str) -> Output {
    payout_notify(arguments).key(KEY).stdin(input).run()
}

fn stdout(output: &Output) -> String {
    output.stdout.clone()
}

fn stderr(output: &Output) -> String {
    output.stderr.clone()
}

fn code(output: &Output) -> i32 {
    output.code
}

fn json(output: &Output) -> serde_json::Value {
    output.json()
}

/// A file that goes away with its value.
struct TempFile {
    path: PathBuf,
    _sandbox: Sandbox,
}

impl TempFile {
    fn new(name: &str, text: &str) -> TempFile {
        let sandbox = Sandbox::new();
        let path = sandbox.work().join(name);
        fs::write(&path, text).unwrap();
        TempFile { path, _sandbox: sandbox }
    }

    fn path(&self) -> &str {
        self.path.to_str().unwrap()
    }
}

#[test]
fn the_published_example_of_a_sibling_verifies_in_its_dialect_only() {
    let payload = r#"{"appid":"wxd930ea5d5a258f4f","mch_id":10000100,"device_info":1000,
        "body":"test","nonce_str":"ibuaiVcKdpRxkhJA","sign":"9A0A8659F005D6984697E2CA0A9CF3B7"}"#;
    let verify = |arguments: &[&str]| {
        let program = payout_notify(arguments).key("192006250b4c09247ec02edce69f6a2d");
        code(&program.stdin(payload).run())
    };
    assert_eq!(verify(&["verify", "--dialect", "wechat-v2"]), 0);
    assert_eq!(verify(&["verify", "--dialect", "wechat-v2", "--require", "md5"]), 0);
    assert_eq!(verify(&["verify", "--dialect", "wechat-v2", "--require", "hmac-sha256"]), 1);
    assert_eq!(verify(&["verify", "--dialect", "wechat-v2", "--require", "sha256"]), 2);
    assert_eq!(verify(&["verify"]), 1);
}

#[test]
fn what_is_signed_in_a_dialect_verifies_in_it() {
    for dialect in
        ["platform", "fork", "wechat-v2", "epay", "jeepay", "epusdt", "tokenpay", "pockyt"]
    {
        let signed = run(&["sign", "--dialect", dialect], r#"{"b":1.10,"a":"王","memo":""}"#);
        assert_eq!(code(&signed), 0, "{dialect}: {}", stderr(&signed));
        let verified = run(&["verify", "--dialect", dialect], &stdout(&signed));
        assert_eq!(code(&verified), 0, "{dialect}: {}", stdout(&verified));
    }
}

#[test]
fn a_dialect_that_is_printed_can_be_edited_and_used() {
    let printed = run(&["dialects", "platform", "--print", "toml"], "");
    assert_eq!(code(&printed), 0);
    let edited = stdout(&printed).replace("\"&KEY\"", "\"&secret=KEY\"").replace("md5", "sha256");
    let file = TempFile::new("mine.toml", &edited);
    let signed = run(&["sign", "--dialect", file.path()], r#"{"a":1}"#);
    // sha256 of "a=1&secret=ThisIsYourSecretKey123", by sha256sum.
    let wanted = "f1e2f5c5aa701a223162f4005840361eee9dc87d3ee25ea8d85ea0f7a57085ae";
    assert!(stdout(&signed).contains(wanted), "{}{}", stdout(&signed), stderr(&signed));
    let verify = ["verify", "--dialect", file.path(), "--require", "sha256", "--format", "json"];
    let body = stdout(&signed).replace("}", ",\"sign_type\":\"SHA256\"}");
    assert_eq!(json(&run(&verify, &body))["sign_type"], "SHA256");
    assert_eq!(code(&run(&["dialects", file.path()], "")), 0);
}

#[test]
fn a_wrong_dialect_is_refused_with_its_place_and_a_hint() {
    let unknown = run(&["verify", "--dialect", "wechat"], "{}");
    assert_eq!(code(&unknown), 2);
    assert!(stderr(&unknown).contains("did you mean wechat-v2?"), "{}", stderr(&unknown));
    let file = TempFile::new("wrong.toml", "id = 'x'\n[[scheme]]\nalgoritm = 'md5'\n");
    let wrong = run(&["verify", "--format", "json", "--dialect", file.path()], "{}");
    assert_eq!(code(&wrong), 3);
    let error = json(&wrong);
    assert_eq!((&error["line"], &error["column"]), (&3.into(), &1.into()));
    assert!(stderr(&wrong).contains("did you mean algorithm?"), "{}", stderr(&wrong));
    assert_eq!(code(&run(&["dialects", "--print", "toml"], "")), 2);
}

#[test]
fn the_table_fits_into_80_columns_and_the_data_is_whole() {
    let table = stdout(&run(&["dialects"], ""));
    assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
    let data = json(&run(&["dialects", "--format", "json"], ""));
    assert_eq!(data["type"], "dialects");
    assert_eq!(data["dialects"].as_array().unwrap().len(), 8);
}

#[test]
fn forms_and_query_strings_are_signed_and_verified() {
    let signed = stdout(&run(&["sign", "--input", "form"], "b=1+2&a=%E7%8E%8B&e="));
    assert!(signed.starts_with("b=1+2&a=%E7%8E%8B&e=&sign="), "{signed}");
    // md5 of "a=王&b=1 2&ThisIsYourSecretKey123", by md5sum.
    assert!(signed.trim_end().ends_with("76852aebab4e716456ea3957dbaa6fc0"), "{signed}");
    assert_eq!(code(&run(&["verify"], &signed)), 0);
    assert_eq!(code(&run(&["verify"], &format!("?{signed}"))), 0);
    assert_eq!(code(&run(&["verify"], &format!("https://shop.example/n?{signed}"))), 0);
    assert_eq!(code(&run(&["verify", "--input", "query"], &signed)), 0);
    assert_eq!(code(&run(&["verify", "--input", "json"], &signed)), 3);
    let broken = run(&["verify", "--format", "json"], "a=1&b=%4");
    assert_eq!(code(&broken), 3);
    let error = json(&broken);
    assert_eq!((&error["column"], &error["member"]), (&7.into(), &"b".into()));
    let changed = ["sign", "--input", "form", "--sign-type", "hmac-sha256", "--set", "a=x y"];
    let signed = stdout(&run(&changed, "a=1"));
    assert!(signed.starts_with("a=x+y&sign_type=HMAC-SHA256&sign="), "{signed}");
    assert_eq!(code(&run(&["verify", "--require", "hmac-sha256"], &signed)), 0);
    assert_eq!(code(&run(&["sign", "--input", "form", "--print", "curl"], "a=1")), 2);
}

#[test]
fn an_explanation_never_tells_the_expected_signature_unless_asked() {
    let payload = r#"{"error_msg":"x&fee=0","amount":1,"memo":"","sign":"00"}"#;
    // md5 of "amount=1&error_msg=x&fee=0&ThisIsYourSecretKey123", by md5sum.
    let right = "f4ded02eada911afb97e03be5a89b20a";
    for format in ["human", "json"] {
        let shown = run(&["verify", "--explain", "--format", format], payload);
        assert_eq!(code(&shown), 1);
        assert!(!stdout(&shown).contains(right) && !stderr(&shown).contains(right));
        let shown = run(&["verify", "--show-expected", "--format", format], payload);
        assert!(stdout(&shown).contains(right), "{}", stdout(&shown));
    }
    let verification = json(&run(&["verify", "--explain", "--format", "json"], payload));
    let steps = &verification["steps"];
    assert_eq!(steps["kept"], serde_json::json!(["amount", "error_msg"]));
    assert_eq!(steps["left_out"][0]["why"], "empty");
    assert_eq!(steps["canonical"], "amount=1&error_msg=x&fee=0&[key]");
    assert_eq!(steps["digest"], serde_json::Value::Null);
    let codes: Vec<_> =
        steps["weaknesses"].as_array().unwrap().iter().map(|each| &each["code"]).collect();
    assert!(codes.contains(&&"pair-in-value".into()) && codes.contains(&&"empty-members".into()));
    let plain = json(&run(&["verify", "--format", "json"], payload));
    assert!(plain["steps"].is_null() && plain["expected"].is_null());
    let right = payload.replace("\"00\"", &format!("\"{right}\""));
    let verification =
        json(&run(&["verify", "--explain", "--show-expected", "--format", "json"], &right));
    assert_eq!(verification["steps"]["digest"], "f4ded02eada911afb97e03be5a89b20a");
    assert!(verification["expected"].is_null());
}

#[test]
fn sender_and_merchant_agree_on_the_reply_of_their_dialect() {
    for (dialect, reply) in [
        ("platform", "0000"),
        ("epay", "success"),
        ("wechat-v2", "<return_code>SUCCESS"),
        ("fork", "0000"),
        ("jeepay", "success"),
        ("epusdt", "ok"),
        ("tokenpay", "ok"),
        ("pockyt", "success"),
    ] {
        let listen =
            ["listen", "--dialect", dialect, "--bind", ":0", "--count", "1", "--format", "json"];
        let merchant = payout_notify(&listen).key(KEY).start();
        let ready = merchant.json_line();
        let url = ready["url"].as_str().unwrap();
        let simulate = ["simulate", url, "--dialect", dialect, "--retries", "0"];
        let sent = run(&simulate, "");
        assert_eq!(code(&sent), 0, "{dialect}: {}{}", stdout(&sent), stderr(&sent));
        let listened = merchant.end().exits(0);
        let rest = listened.stdout.split_once('\n').expect("a first line").1;
        assert!(rest.contains(reply), "{dialect}: {listened}");
        let callback: serde_json::Value =
            serde_json::from_str(rest.lines().next().expect("a callback")).unwrap();
        assert_eq!(callback["order"]["amount_cents"], 400_000, "{dialect}: {callback}");
        assert_eq!(callback["order"]["status"], 3, "{dialect}: {callback}");
        assert!(callback["order"]["payout_id"].is_string(), "{dialect}: {callback}");
    }
}

#[test]
fn a_dialect_of_ones_own_is_spoken_by_sender_and_merchant() {
    let file = TempFile::new(
        "mine.toml",
        "id = 'mine'\nsuccess_reply = 'OK'\ntransport = 'form'\namounts = 'text'\n\
         [fields]\npayout_id = 'no'\namount = 'sum'\nstatus = 'state'\nfee = ''\n\
         [statuses]\nsuccess = 'PAID'\nfailed = 'LOST'\ncancelled = ''\n\
         [[scheme]]\nalgorithm = 'md5'\nafter = '&key=KEY'\nsigned = ['no', 'sum', 'state']\n",
    );
    let merchant = ["listen", "--dialect", file.path(), "--bind", ":0", "--count", "1"];
    let merchant = payout_notify(&[&merchant[..], &["--format", "json"]].concat()).key(KEY).start();
    let url = merchant.json_line()["url"].as_str().unwrap().to_owned();
    let send = |flags: &[&str]| {
        run(&[&["simulate", &url, "--dialect", file.path(), "--retries", "0"], flags].concat(), "")
    };
    let never = send(&["--status", "cancelled"]);
    assert_eq!(code(&never), 2, "{}", stderr(&never));
    assert!(stderr(&never).contains("never notifies cancelled orders"), "{}", stderr(&never));
    let sent = send(&["--status", "failed", "--set", "payout_id=N1", "--set-str", "sum=1.50"]);
    assert_eq!(code(&sent), 0, "{}{}", stdout(&sent), stderr(&sent));
    let listened = merchant.end().exits(0);
    let callback: serde_json::Value =
        serde_json::from_str(listened.stdout.lines().nth(1).expect("a callback")).unwrap();
    let body = callback["body"].as_str().unwrap();
    assert!(body.contains("no=N1&") && body.contains("&sum=1.50&"), "{body}");
    assert!(body.contains("&state=LOST&") && !body.contains("fee="), "{body}");
    assert_eq!(callback["canonical"], "no=N1&state=LOST&sum=1.50&key=[key]");
    assert_eq!(
        (&callback["order"]["amount_cents"], &callback["order"]["status"]),
        (&150.into(), &5.into())
    );
}

#[test]
fn the_file_of_the_page_is_read_as_the_page_says() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/dialects.md");
    let page = fs::read_to_string(page).unwrap();
    let text = page.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let file = TempFile::new("page.toml", text);
    let data = json(&run(&["dialects", file.path(), "--format", "json"], ""));
    let dialect = &data["dialects"][0];
    assert_eq!((&dialect["transport"], &dialect["method"]), (&"form".into(), &"POST".into()));
    assert_eq!(dialect["fields"]["payout_id"], "trade_no");
    assert_eq!(dialect["fields"]["fee"], serde_json::Value::Null);
    assert_eq!(dialect["statuses"]["success"], "PAID");
    assert_eq!(dialect["statuses"]["cancelled"], serde_json::Value::Null);
    assert_eq!(dialect["statuses"]["processing"], 2);
    let constants = serde_json::json!([{"name": "version", "value": "1.0"}]);
    assert_eq!(dialect["constants"], constants);
}
