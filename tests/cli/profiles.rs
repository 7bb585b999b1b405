//! Profiles: the effective settings, their sources, and what a cloned project may not ask for.

use serde_json::{Value, json};

use crate::harness::{ACKNOWLEDGE, KEY, Merchant, Output, fixture, payout_notify};

const STAGING: &str = r#"default_profile = "staging"

[profile.staging]
key_file = "key.txt"
platform_id = "PF0099"
sign_type = "hmac-sha256"
headers = ["X-Env: staging"]
timeout = "3s"
"#;

fn setting<'v>(config: &'v Value, name: &str) -> &'v Value {
    let settings = config["settings"].as_array().unwrap();
    settings.iter().find(|setting| setting["name"] == name).unwrap()
}

fn signed(output: Output) -> Value {
    serde_json::from_str(&output.exits(0).stdout).unwrap()
}

#[test]
fn a_profile_gives_what_no_flag_and_no_variable_does() {
    let sign = |arguments: &[&str]| {
        payout_notify(arguments)
            .stdin(r#"{"payout_id":"1"}"#)
            .file("payout-notify.toml", STAGING)
            .file("key.txt", KEY)
    };
    let by_profile = sign(&["sign"]).run().remarks(&["profile staging of"]).hides(KEY);
    let by_flags = payout_notify(&["sign", "--sign-type", "hmac-sha256"])
        .stdin(r#"{"payout_id":"1"}"#)
        .key(KEY)
        .run();
    assert_eq!(by_profile.stdout, by_flags.stdout);
    let by_flag = signed(sign(&["sign", "--sign-type", "md5"]).run());
    assert_eq!(by_flag["sign_type"], "MD5");
    let other_key = signed(sign(&["sign"]).key("another").run());
    assert!(other_key["sign"].is_string() && other_key["sign"] != signed(by_flags)["sign"]);
}

#[test]
fn a_profile_is_found_in_a_parent_only_within_its_repository() {
    let run = |script: &str| {
        payout_notify(&["config", "show", "--format", "json"])
            .file("payout-notify.toml", STAGING)
            .behind(&format!("{script}; mkdir -p a/b; cd a/b; exec \"$@\""))
            .run()
            .exits(0)
            .json()
    };
    assert_eq!(run("mkdir .git")["profile"]["name"], "staging");
    assert_eq!(run("mkdir -p .git a/.git")["profile"], Value::Null);
}

#[test]
fn the_users_own_file_may_name_a_program() {
    let own = "[profile.own]\nkey_command = ['printf', '%s\\n', 'k e y']\n";
    let script = |name: &str| {
        format!("mkdir -p \"$HOME/.config/payout-notify\"; cp own.toml \"{name}\"; exec \"$@\"")
    };
    let users = script("$HOME/.config/payout-notify/payout-notify.toml");
    let sign = |arguments: &[&str]| {
        payout_notify(arguments).stdin(r#"{"payout_id":"1"}"#).file("own.toml", own)
    };
    let by_program = sign(&["sign", "--profile", "own"]).behind(&users).run().hides("k e y");
    let by_variable = sign(&["sign"]).key("k e y").run();
    assert_eq!(by_program.exits(0).stdout, by_variable.exits(0).stdout);
    sign(&["sign", "--profile", "own"])
        .behind(&script("payout-notify.toml"))
        .run()
        .exits(2)
        .remarks(&["line 2, column 15", "key_command is allowed only in the user's own file"]);
}

#[test]
fn config_show_tells_where_each_setting_comes_from_and_hides_the_key() {
    let show = |arguments: &[&str]| {
        payout_notify(arguments).file("payout-notify.toml", STAGING).file("key.txt", KEY)
    };
    let config = show(&["config", "show", "--format", "json"]).run().hides(KEY).exits(0).json();
    assert_eq!(config["profile"]["named_by"], "default_profile");
    assert_eq!(config["key"]["from"], "profile");
    assert_eq!(config["key"]["fingerprint"].as_str().unwrap().len(), 8);
    assert_eq!(setting(&config, "platform_id")["value"], "PF0099");
    assert_eq!(setting(&config, "platform_id")["line"], 5);
    assert_eq!(setting(&config, "schedule")["from"], "default");
    assert_eq!(setting(&config, "headers")["value"], json!(["X-Env: ..."]));
    let text = show(&["config", "show"]).run().hides(KEY).exits(0);
    text.says(&["key.txt, fingerprint", "profile, line 6", "default", "payout-notify.toml"]);
    let variable = show(&["config", "show", "--format", "json"]).key("k").run().exits(0).json();
    assert_eq!(variable["key"]["from"], "environment");
}

#[test]
fn what_is_wrong_in_a_file_is_named_with_its_place() {
    let run = |text: &str, arguments: &[&str]| {
        payout_notify(arguments).file("payout-notify.toml", text).stdin("{}").run().exits(2)
    };
    let wrong = "[profile.x]\n  time_out = '3s'\n";
    run(wrong, &["verify"]).remarks(&["line 2, column 3", "did you mean timeout?"]);
    let error = run(wrong, &["verify", "--format", "json"]).json();
    assert_eq!((&error["line"], &error["column"]), (&json!(2), &json!(3)));
    run("[profile.staging]\n", &["verify", "--profile", "stagin"])
        .remarks(&["there is no profile \"stagin\"", "did you mean staging?"]);
    run("", &["verify", "--profile", "x"]).remarks(&["config init"]);
}

#[test]
fn config_init_writes_a_file_that_holds_and_never_over_one() {
    let init =
        ["config", "init", "--profile", "staging", "--key-env", "PAYOUT_K", "--timeout", "3s"];
    let script = "\"$@\" && exec \"$1\" config show --format json";
    let output = payout_notify(&init).behind(script).env("PAYOUT_K", KEY).run().hides(KEY);
    let config = output.exits(0).json();
    assert_eq!(config["profile"]["name"], "staging");
    assert_eq!(setting(&config, "timeout")["value"], "3s");
    payout_notify(&init)
        .file("payout-notify.toml", "")
        .run()
        .exits(4)
        .remarks(&["is there already"]);
    payout_notify(&["config", "init"]).run().exits(2).remarks(&["no setting was given"]);
    payout_notify(&["config", "init", "--sign-type", "md4"]).run().exits(2).remarks(&["md5"]);
    payout_notify(&["config", "init", "--key-command", "pass"]).run().exits(2).remarks(&["--user"]);
}

/// The staging profile for this merchant.
fn staging_at(merchant: &Merchant) -> String {
    format!("{STAGING}url = {:?}\n", merchant.url())
}

#[test]
fn a_profile_names_the_merchant_and_what_is_sent() {
    let merchant = Merchant::expecting(&[ACKNOWLEDGE, ACKNOWLEDGE]);
    let simulate = |arguments: &[&str]| {
        payout_notify(&[&["simulate"], arguments].concat())
            .file("payout-notify.toml", staging_at(&merchant))
            .file("key.txt", KEY)
            .file("notification.json", fixture("withdraw-notification.json"))
            .run()
            .exits(0)
    };
    simulate(&[]).says(&["acknowledged"]);
    simulate(&["notification.json", "--header", "x-env: other"]).says(&["acknowledged"]);
    let [made, read] = &merchant.received()[..] else { panic!("two requests") };
    assert!(made.body.contains("\"platform_id\":\"PF0099\""), "{}", made.body);
    assert!(made.body.contains("\"sign_type\":\"HMAC-SHA256\""), "{}", made.body);
    assert_eq!(made.header("x-env"), Some("staging"));
    assert!(read.body.contains("\"platform_id\":\"PF0014\""), "{}", read.body);
    assert_eq!(read.header("x-env"), Some("other"));
}

#[test]
fn without_a_url_anywhere_the_message_names_both_ways() {
    for arguments in [&["simulate"][..], &["check"], &["export", "--to", "k6"]] {
        payout_notify(arguments)
            .key(KEY)
            .run()
            .exits(2)
            .remarks(&["no URL was given", "set url in a profile"]);
    }
}
