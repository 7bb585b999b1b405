//! A key that is an ordinary word: hidden in what others wrote, and not in this program's own words.

use super::*;

/// Words that this program's own texts have too.
const WORDS: &[&str] =
    &["other", "signature", "merchant", "match", "order", "payload", "warning", "changed", "value"];

/// Words and codes of its fields, and of what it knows.
const CODES: &[&str] = &[
    "error",
    "success",
    "status",
    "mismatch",
    "valid",
    "digest",
    "platform",
    "callback",
    "verification",
    "listener",
    "received_at",
    "0004",
    "null",
];

#[test]
fn a_key_that_is_an_ordinary_word_is_not_masked_in_our_own_words() {
    let payload = "{\"amount\":1,\"fee\":2,\"sign\":\"00000000000000000000000000000000\"}";
    for command in [
        "verify",
        "verify --format json",
        "verify --explain --strict --format json",
        "verify --explain --show-expected",
        "verify --lines",
        "sign --print canonical",
        "schedule",
        "schedule --format json",
        "dialects",
        "dialects --format json",
        "simulate http://127.0.0.1:1/ --retries 0",
        "simulate http://127.0.0.1:1/ --retries 0 --format json",
        "check http://127.0.0.1:1/ --only reach-connect --format json",
        "listen --bind 127.0.0.1:0 --for 10ms --format json --referee",
        "verify --rate 1",
    ] {
        let under = |key: &str| {
            let arguments: Vec<&str> = command.split(' ').collect();
            payout_notify(&arguments).key(key).stdin(payload).run()
        };
        let marks = |output: &Output| {
            format!("{}{}", output.stdout, output.stderr).matches("[key]").count()
        };
        let usual = marks(&under("ThisIsYourSecretKey123"));
        for word in WORDS.iter().chain(CODES) {
            let output = under(word);
            assert_eq!(marks(&output), usual, "{command} under {word}: {output}");
        }
    }
    let refused = payout_notify(&["verify", "gone.json"]).key("directory").run().exits(3);
    refused.remarks(&["No such file or directory"]);
    let listened = payout_notify(&["listen", "--bind", ":0", "--for", "10ms"]).key("orders").run();
    listened.says(&["0 callbacks for 0 orders"]);
}

#[test]
fn a_callback_is_shown_in_our_own_words_whatever_the_key() {
    let payload = r#"{"payout_id":"P1","sign":"00000000000000000000000000000000"}"#;
    let marks = |key: &str| {
        let folder = Sandbox::new();
        let arguments = ["--format", "json", "--referee", "--inspect"];
        let (running, ready, address) = listener(key, &folder.work(), &arguments);
        exchange(
            address,
            format!(
                "POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Type: \
                 application/json\r\nContent-Length: {}\r\n\r\n{payload}",
                payload.len()
            ),
        );
        let inspector = ready.as_ref().unwrap()["inspector"].as_str().unwrap();
        let (page, token) = inspector.trim_start_matches("http://").split_once("/?token=").unwrap();
        let page: SocketAddr = page.parse().unwrap();
        let mut shown: String = ["/api/state", "/api/callbacks", "/api/callbacks/1"]
            .map(|path| asks(page, token, "GET", path, ""))
            .concat();
        running.interrupt();
        shown += &running.end().stdout;
        for line in ["list", "list --format json", "show 1", "show 1 --format json", "export"] {
            let words = ["inbox"].into_iter().chain(line.split(' ')).chain(["--inbox", "i.db"]);
            let words: Vec<&str> = words.collect();
            shown += &payout_notify(&words).key(key).in_folder(&folder.work()).run().stdout;
        }
        // Where a text may come from outside every key is masked: the reply is shown as bytes, and a
        // finding names a field.
        for own in [
            "[key]_code",
            "[key]_msg",
            r#"error_code\":\"[key]"#,
            r#"error_code":"[key]"#,
            r#""member":"[key]"#,
        ] {
            shown = shown.replace(own, "");
        }
        shown.matches("[key]").count()
    };
    let usual = marks("ThisIsYourSecretKey123");
    // What is in the request as well is masked there.
    for word in ["error", "success", "status", "mismatch", "valid", "digest", "callback", "0004"] {
        assert_eq!(marks(word), usual, "{word}");
    }
}

#[test]
fn the_same_word_from_outside_is_masked() {
    let payload =
        |key: &str| json!({"memo": key, (key): format!("an {key} one"), "sign": "0"}).to_string();
    for word in WORDS.iter().chain(CODES) {
        let output = payout_notify(&["verify"]).key(word).stdin(payload(word)).run().exits(1);
        output.says(&["memo=[key]", "[key]=an [key] one"]);
        let output =
            payout_notify(&["verify", "--format", "json"]).key(word).stdin(payload(word)).run();
        let canonical = output.json()["canonical"].as_str().unwrap().to_owned();
        assert!(!canonical.contains(word) && canonical.contains("memo=[key]"), "{canonical}");
    }
    let given = "{\"a\":1,\"sign\":\"other\"}";
    let output =
        payout_notify(&["verify", "--format", "json"]).key("other").stdin(given).run().exits(1);
    assert_eq!(output.json()["given"], "[key]");
    let text = output.json()["explanation"].as_str().unwrap().to_owned();
    assert!(!text.contains("[key]"), "{text}");
}
