use super::*;
use crate::settings::profile::Owner;

const WHOLE: &str = r#"
default_profile = "staging"

[profile.staging]
key_env = "PAYOUT_STAGING_KEY"
platform_id = "PF0099"
sign_type = "hmac-sha256"
dialect = "dialects/mine.toml"
url = "https://staging.shop.example/notify"
schedule = "15s,30s"
timeout = "3s"
headers = ["X-Env: staging", "User-Agent:"]
reply = "fail*3, ok"
statuses = { 4 = "failed", 5 = "cancelled" }

[profile.local]
"#;

#[test]
fn every_setting_is_read_with_its_place() {
    let file = parse(WHOLE).unwrap();
    assert_eq!(file.default_profile.as_deref(), Some("staging"));
    assert_eq!(file.profiles["local"], Profile::default());
    let staging = &file.profiles["staging"];
    let key = staging.key.as_ref().unwrap();
    assert_eq!(key.value, KeySource::Variable("PAYOUT_STAGING_KEY".to_owned()));
    assert_eq!((key.line, key.column), (5, 11));
    assert_eq!(staging.sign_type.as_ref().unwrap().value, Algorithm::HmacSha256);
    assert_eq!(staging.timeout.as_ref().unwrap().value.as_secs(), 3);
    assert_eq!(staging.headers.as_ref().unwrap().value.len(), 2);
    assert_eq!(staging.statuses.as_ref().unwrap().value.failed(), 4);
    assert_eq!(staging.reply.as_ref().unwrap().line, 13);
}

fn refused(line: &str) -> String {
    let text = format!("[profile.x]\n{line}\n");
    parse(&text).expect_err(&text).to_string()
}

#[test]
fn what_is_unknown_or_unusable_is_named_with_its_place() {
    for (line, wanted) in [
        (
            "schedul = '1s'",
            "line 2, column 1: there is no setting \"schedul\"; did you mean schedule?",
        ),
        ("zzzz = 1", "line 2, column 1: there is no setting \"zzzz\""),
        ("default_profile = 'x'", "line 2, column 1: the setting default_profile must be above"),
        ("sign_type = 'md4'", "line 2, column 13: \"md4\" is unknown; did you mean \"md5\"?"),
        ("url = 'ftp://x/'", "line 2, column 7: "),
        ("timeout = '0s'", "longer than nothing"),
        (
            "timeout = 3.5",
            "line 2, column 11: expected a duration such as \"10s\", or a number of seconds",
        ),
        ("timeout = -3", "line 2, column 11: expected a duration"),
        ("timeout = 0", "line 2, column 11: it must be longer than nothing"),
        ("schedule = 'soon'", "line 2, column 12: "),
        ("reply = 'dance'", "line 2, column 9: "),
        ("headers = ['X-A s3cret']", "line 2, column 11: a header cannot be sent"),
        ("key_env = 'A=B'", "name of an environment variable"),
        ("key_command = []", "key_command is a list"),
        ("key_env = 'A'\nkey_file = 'b'", "line 3, column 12: a profile has one of"),
        ("statuses = { 4 = 'faild' }", "did you mean \"failed\"?"),
        ("statuses = { four = 'failed' }", "is not a status number"),
        ("statuses = { 4 = 'failed' }", "4 is the number of \"cancelled\""),
        ("statuses = { 8 = 'failed', 9 = 'failed' }", "failed has two numbers"),
        ("platform_id = ''", "it is empty"),
        ("url = ", "line 2"),
    ] {
        let found = refused(line);
        assert!(found.contains(wanted), "{found}");
        assert!(!found.contains("s3cret"), "{found}");
    }
    let above = parse("url = 'x'").unwrap_err().to_string();
    assert!(above.contains("must be inside a [profile.NAME] table"), "{above}");
    let default = parse("default_profile = 'stagin'\n[profile.staging]").unwrap_err().to_string();
    assert!(default.contains("did you mean staging?"), "{default}");
    assert!(parse("[profile.'a b']").unwrap_err().problem.contains("a profile's name has"));
}

#[test]
fn hostile_texts_are_bounded() {
    assert!(parse(&"#".repeat(MAX_FILE_BYTES + 1)).is_err());
    assert!(parse(&format!("x = {}", "[".repeat(60_000))).is_err());
    let many: String = (0..=MOST).map(|number| format!("[profile.p{number}]\n")).collect();
    assert!(parse(&many).unwrap_err().problem.contains("at most"));
}

#[test]
fn a_projects_profile_runs_nothing_and_reads_nothing_outside() {
    let folder = std::path::Path::new("/nonexistent/project");
    let settled = |line: &str, owner| {
        let mut file = parse(&format!("[profile.x]\n{line}\n")).unwrap();
        file.profiles.remove("x").unwrap().settle(folder, owner)
    };
    for line in [
        "key_command = ['pass', 'show', 'x']",
        "key_file = '/etc/passwd'",
        "key_file = '../key.txt'",
        "key_env = 'AWS_SECRET_ACCESS_KEY'",
        "dialect = '/etc/x.toml'",
    ] {
        let refused = settled(line, Owner::Project).expect_err(line);
        assert_eq!(refused.line, 2, "{line}");
        assert!(settled(line, Owner::User).is_ok(), "{line}");
    }
    let own = settled("key_file = 'keys/k.txt'", Owner::Project).unwrap();
    let whole = KeySource::Files(vec![folder.join("keys/k.txt")]);
    assert_eq!(own.key.map(|key| key.value), Some(whole));
    let named = settled("dialect = 'epay'", Owner::Project).unwrap();
    assert_eq!(named.dialect.map(|it| it.value).as_deref(), Some("epay"));
}
