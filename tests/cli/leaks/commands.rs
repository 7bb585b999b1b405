//! Each command with the key in each of its arguments, and in all that it reads.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::forms::in_url;
use super::inputs::{Repeating, all, csv, payloads, replies};
use super::record::{Record, arguments};
use crate::harness::{Sandbox, fixture_json, payout_notify};

/// What a command needs besides, so that one argument more decides; each row is a command.
const NEEDED: &[(&str, &str)] = &[
    ("completions", ""),
    ("config init", ""),
    ("config profiles", ""),
    ("config show", ""),
    ("check", "http://127.0.0.1:1/ --only reach-connect --timeout 1s"),
    ("demo", "--nonsense"),
    ("dialects", ""),
    ("dialects learn", ""),
    ("export", "http://127.0.0.1:1/ --to k6"),
    ("inbox delete", "1"),
    ("inbox diff", "1 2"),
    ("inbox export", ""),
    ("inbox list", ""),
    ("inbox prune", ""),
    ("inbox replay", "1 --to http://127.0.0.1:1/"),
    ("inbox show", "1"),
    ("inbox wait", "--within 10ms"),
    ("listen", "--bind 127.0.0.1:0 --for 10ms"),
    ("mcp", ""),
    ("schedule", ""),
    ("schema", "openapi"),
    ("sign", ""),
    ("simulate", "http://127.0.0.1:1/ --retries 0"),
    ("snippet", "php"),
    ("verify", ""),
];

/// An argument's values with the key in it, by the name that its help gives the value.
fn values(name: &str, key: &str) -> Vec<String> {
    let (url, all) = (in_url(key), all(key));
    let more = match name {
        "NAME=VALUE" | "NAME=TEXT" => vec![format!("memo={all}"), format!("{key}=\"{url}\"")],
        "NAME: VALUE" => vec![format!("X-K: {}", all.replace('é', "")), format!("{key}: x")],
        name if name.contains("URL") => vec![
            format!("http://127.0.0.1:1/{url}?k={url}"),
            format!("http://u:{url}@127.0.0.1:1/"),
            format!("{key}://h/"),
        ],
        "FORMAT=FILE" => vec![format!("html=/nowhere/{key}"), format!("{key}=x")],
        name if name.contains("FILE") || name.contains("FOLDER") => {
            vec![format!("/nowhere/{key}"), format!("./{key}.toml")]
        }
        "HOST:PORT:ADDRESS" => vec![format!("h:1:{key}"), format!("{key}:1:127.0.0.1")],
        _ => vec![all],
    };
    [key.to_owned()].into_iter().chain(more).collect()
}

/// Each argument of each command, as the program itself lists them.
pub(super) fn read_arguments(record: &mut Record) {
    for (path, arguments) in arguments() {
        let needed = NEEDED.iter().find(|(known, _)| *known == path);
        let (_, needed) = needed.unwrap_or_else(|| panic!("no row for {path}"));
        let has_format = arguments.iter().any(|(flag, _)| flag.as_deref() == Some("format"));
        for (flag, name) in arguments {
            for (index, value) in values(&name, record.key).into_iter().enumerate() {
                let mut line: Vec<&str> = path.split(' ').collect();
                line.extend(needed.split(' ').filter(|word| !word.is_empty()));
                let given = flag.as_ref().map(|flag| format!("--{flag}={value}"));
                line.push(given.as_deref().unwrap_or(&value));
                if has_format && index % 2 == 1 {
                    line.extend(["--format", "json"]);
                }
                record.run(&line, |program| program.stdin("{\"a\":1,\"sign\":\"0\"}"));
            }
        }
    }
    let key = record.key;
    for line in [&[key][..], &["--nonsense", key], &["verify", "--key", key, &format!("--{key}")]] {
        record.run(line, |program| program);
    }
}

/// What a row of words writes: for a person, for a program, as lines.
const READING: &[&str] = &[
    "verify",
    "verify --format json",
    "verify --explain --strict --show-expected",
    "verify --explain --strict --show-expected --format json",
    "verify --lines",
    "verify --lines --format json",
    "verify --lines --format human",
    "verify --format human",
    "verify --input form --format json",
    "verify --dialect wechat-v2 --explain",
    "verify --computed d41d8cd98f00b204e9800998ecf8427e",
    "verify --computed d41d8cd98f00b204e9800998ecf8427e --format json",
    "dialects learn",
    "sign --print canonical",
    "sign --print sign",
    "sign --lines --print canonical",
    "sign --lines --print sign",
];

/// Bodies of signatures that were made by each known mistake; the key is in the memo.
fn misses(key: &str) -> Vec<String> {
    let misses = fixture_json("vectors/near-misses.json");
    let open = misses["payload"].as_str().and_then(|it| it.strip_suffix('}')).unwrap().to_owned();
    let memo = Value::from(key);
    let cases = misses["cases"].as_array().unwrap().iter().step_by(12);
    cases.map(|case| format!("{open},\"memo\":{memo},\"sign\":{}}}", case["digest"])).collect()
}

/// Whatever is read from a payload.
pub(super) fn read_payloads(record: &mut Record) {
    for payload in payloads(record.key).into_iter().chain(misses(record.key)) {
        for command in READING {
            let words: Vec<&str> = command.split(' ').collect();
            record.run(&words, |program| program.stdin(format!("{payload}\n")));
        }
    }
    let payload = &payloads(record.key)[0];
    let signed = payout_notify(&["sign"]).key(record.key).stdin(payload).run().stdout;
    for command in READING {
        let words: Vec<&str> = command.split(' ').collect();
        record.run(&words, |program| program.stdin(&signed));
    }
}

/// Settings, dialects, cases and tables with the key in each of their fields.
pub(super) fn read_files(record: &mut Record) {
    let key = record.key;
    let quoted = toml::Value::from(key).to_string();
    let all = toml::Value::from(all(key)).to_string();
    for name in [
        "key_file",
        "key_env",
        "url",
        "platform_id",
        "sign_type",
        "dialect",
        "schedule",
        "timeout",
        "reply",
        "nonsense",
    ] {
        for value in [&quoted, &all] {
            let text = format!("default_profile = \"p\"\n[profile.p]\n{name} = {value}\n");
            settings(record, &text);
        }
    }
    for text in [
        format!("default_profile = {quoted}\n[profile.{quoted}]\ntimeout = \"5s\"\n"),
        format!(
            "[profile.p]\nheaders = [{all}, \"X-K: x\"]\nstatuses = {{ {quoted} = {quoted} }}\n"
        ),
        format!("[profile.p]\nkey_command = [{quoted}, {quoted}]\n"),
        format!("[profile.p]\ntimeout = {key}\n"),
        format!("{quoted} = 1\n"),
    ] {
        settings(record, &text);
    }
    let scheme = "[[scheme]]\nalgorithm = \"md5\"\nafter = \"KEY\"\n";
    for text in [
        format!("id = {quoted}\ntitle = {all}\nsuccess_reply = {all}\n{scheme}"),
        format!(
            "id = \"own\"\ntitle = \"t\"\nsuccess_reply = \"ok\"\n{scheme}separator = {quoted}\nsign_field = {quoted}\nnot_signed = [{quoted}]\n"
        ),
        format!("id = \"own\"\n{quoted} = {quoted}\n"),
        format!(
            "id = \"own\"\ntitle = \"t\"\nsuccess_reply = \"ok\"\n[[scheme]]\nalgorithm = {quoted}\nafter = {quoted}\n"
        ),
        format!("id = {key}"),
    ] {
        for line in [
            "dialects own.toml",
            "dialects own.toml --format json",
            "dialects own.toml --print toml",
            "verify --dialect own.toml",
            "verify --dialect own.toml --format json --explain",
            "snippet python --dialect own.toml",
            "snippet go --dialect own.toml --print vectors",
            "schema notification --dialect own.toml",
            "schema reply --dialect own.toml",
            "schema openapi --dialect own.toml",
            "schema postman --dialect own.toml",
            "schedule platform --format json",
        ] {
            let words: Vec<&str> = line.split(' ').collect();
            let payload = "{\"a\":1,\"sign\":\"0\"}";
            record.run(&words, |program| program.file("own.toml", &text).stdin(payload));
        }
    }
    let url = format!("http://h/{0}?k={0}", in_url(key));
    record.run(&["sign", "--print", "curl", "--url", &url], |program| program.stdin("{}"));
    for lang in ["php", "node", "python", "go", "java", "csharp"] {
        record.run(&["snippet", lang], |program| program);
    }
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        record.run(&["completions", shell], |program| program);
    }
    for what in ["notification", "reply", "openapi", "postman"] {
        record.run(&["schema", what], |program| program);
    }
    for engine in ["locust", "k6", "artillery", key] {
        record.run(&["export", "http://h/", "--to", engine], |program| program);
    }
    for line in [
        &["demo"][..],
        &["schedule"],
        &["schedule", "--format", "json"],
        &["dialects"],
        &["dialects", "--format", "json"],
    ] {
        record.run(line, |program| program);
    }
}

fn settings(record: &mut Record, text: &str) {
    let home = Sandbox::new();
    let folder = home.work().join("payout-notify");
    fs::create_dir_all(&folder).unwrap();
    for is_project in [true, false] {
        if !is_project {
            fs::write(folder.join("payout-notify.toml"), text).unwrap();
        }
        for line in [
            "config show",
            "config show --format json",
            "config profiles",
            "verify --profile p",
            "simulate --profile p --retries 0 --dry-run",
            "listen --profile p --bind 127.0.0.1:0 --for 10ms",
        ] {
            let words: Vec<&str> = line.split(' ').collect();
            record.run(&words, |program| {
                let program = program.env("XDG_CONFIG_HOME", home.work()).stdin("{}");
                if is_project { program.file("payout-notify.toml", text) } else { program }
            });
        }
    }
}

const RUN_REPORTS: &str = "--report json=report.json --report html=report.html \
                           --report junit=report.junit --report ndjson=report.ndjson";
const CHECK_REPORTS: &str = "--report json=report.json --report html=report.html \
                             --report junit=report.junit --report tap=report.tap \
                             --report sarif=report.sarif --report github=report.github --bundle b";

/// What a merchant replies, to one order, to many, and to a check.
pub(super) fn read_replies(record: &mut Record) {
    let key = record.key;
    for (index, (head, body)) in replies(key).iter().enumerate() {
        let merchant = Repeating::saying(head, body);
        let url = merchant.url(&in_url(key));
        let format = ["human", "json"][index % 2];
        let more = ["-v", "--accept-gzip", "--honor-retry-after --schedule 1ms"];
        for more in ["", more[index / 2 % 3]] {
            let line = format!("simulate URL --retries 0 --window 1s --format {format} {more}");
            with_url(record, &line, &url, |program| program);
        }
        let line = format!("simulate URL --life 2,3 --retries 0 --format {format}");
        with_url(record, &line, &url, |program| program);
        let line = format!(
            "simulate URL --from orders.csv --retries 0 --format {format} --fail-if acked<100% \
             --journal run.db {RUN_REPORTS}"
        );
        let work = Sandbox::new();
        fs::write(work.work().join("orders.csv"), csv(key)).unwrap();
        with_url(record, &line, &url, |program| program.in_folder(&work.work()));
        record.files("simulate", &work.work());
        store(record, &work.work().join("run.db"));
        let line = format!("simulate --journal run.db --resume --format {format}");
        with_url(record, &line, &url, |program| program.in_folder(&work.work()));
    }
    // From the end: keys have more or fewer forms, and with another reply the words are others.
    for (index, (head, body)) in replies(key).iter().rev().enumerate().step_by(3) {
        let merchant = Repeating::saying(head, body);
        let url = format!("{}?k={}", merchant.url(&in_url(key)), in_url(key));
        let work = Sandbox::new();
        suite(&work.work(), key);
        let format = ["human", "json"][index % 2];
        let only = "reach-connect,ack-success,auth-no-sign,own-*";
        let line = format!(
            "check URL --only {only} --suite own --timeout 1s --observe-within 50ms --format \
             {format} {CHECK_REPORTS}"
        );
        let observe = ["echo 1", "cat own/key.txt", "cat own/nowhere"][index % 3];
        with_url(record, &line, &url, |program| {
            let program = program.arg("--observe").arg(observe).arg("--header");
            program.arg(format!("X-K: {}", in_url(key))).in_folder(&work.work())
        });
        record.files("check", &work.work());
        for file in fs::read_dir(work.work().join("b")).into_iter().flatten().flatten() {
            let name = format!("b/{}", file.file_name().to_string_lossy());
            let line = format!("check URL --replay {name} --timeout 1s --format {format}");
            with_url(record, &line, &url, |program| program.in_folder(&work.work()));
        }
    }
    proxies(record);
}

/// Cases whose every text has the key; a merchant's messages are made of it.
fn suite(folder: &Path, key: &str) {
    let own = folder.join("own");
    fs::create_dir_all(&own).unwrap();
    fs::write(own.join("key.txt"), key).unwrap();
    let text = |text: String| toml::Value::from(text).to_string();
    let case = format!(
        "group = \"own\"\nexpect = \"refused\"\nwhy = {0}\nfix = {0}\n[[case]]\nid = \"own-key\"\n\
         title = {0}\n[[case.step]]\nlabel = {0}\nmake = [{1}, {2}, \"sign\"]\n",
        text(format!("because {key} and {}", all(key))),
        text("success".to_owned()),
        text(format!("set-text memo {key}")),
    );
    fs::write(own.join("own.toml"), case).unwrap();
}

/// What a proxy answers, and its own URL with the key as its password.
fn proxies(record: &mut Record) {
    let key = record.key;
    for (head, body) in [
        (format!("HTTP/1.1 407 {}\r\nProxy-Authenticate: Basic realm=\"{key}\"", in_url(key)), key),
        ("HTTP/1.1 502 Bad Gateway\r\nVia: 1.1 proxy".to_owned(), key),
    ] {
        let proxy = Repeating::saying(&head, body);
        let setting = format!("http://u:{}@{}", in_url(key), proxy.address);
        for format in ["human", "json"] {
            for scheme in ["http", "https"] {
                let url = format!("{scheme}://shop.example/{}", in_url(key));
                let line = format!("simulate URL --retries 0 --format {format}");
                with_url(record, &line, &url, |program| program.env("ALL_PROXY", &setting));
                let line = format!("simulate URL --retries 0 --format {format} --proxy {setting}");
                with_url(record, &line, &url, |program| program);
            }
        }
    }
}

fn with_url(
    record: &mut Record,
    line: &str,
    url: &str,
    change: impl FnOnce(crate::harness::Program) -> crate::harness::Program,
) {
    let words: Vec<&str> =
        line.split_whitespace().map(|word| if word == "URL" { url } else { word }).collect();
    record.run(&words, change);
}

/// What a journal keeps besides the bytes that it sends again.
fn store(record: &mut Record, path: &Path) {
    if !path.is_file() {
        return;
    }
    let database = rusqlite::Connection::open(path).unwrap();
    for table in ["reasons", "attempts"] {
        let mut rows = database.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let columns = rows.column_count();
        let texts = rows
            .query_map([], |row| {
                (0..columns).map(|at| Ok(format!("{:?}", row.get_ref(at)?))).collect()
            })
            .unwrap();
        let texts: Vec<Vec<String>> = texts.map(Result::unwrap).collect();
        record.add(&format!("journal {table}"), "", &format!("{texts:?}"));
    }
}
