//! The command that resumes a run, made from the one that began it.

use std::ffi::OsString;

use crate::mask::Untrusted;
use crate::report::curl::shell_quote;

const LEFT_OUT: [&str; 11] = [
    "count",
    "from",
    "from-format",
    "mix",
    "life",
    "duplicates",
    "status",
    "set",
    "set-str",
    "unset",
    "key",
];

const HIDDEN: &str = "header";

pub(super) fn lines(words: impl Iterator<Item = OsString>) -> Vec<String> {
    let mut words = words.map(|word| word.to_string_lossy().into_owned());
    let (mut command, mut hides, mut hides_key) = (Vec::new(), false, false);
    while let Some(word) = words.next() {
        let flag = word.strip_prefix("--").unwrap_or_default();
        let (name, value) =
            flag.split_once('=').map_or((flag, None), |(name, it)| (name, Some(it)));
        if name != HIDDEN && !LEFT_OUT.contains(&name) {
            // Names of flags were read; all else may be anything.
            command.push(match word.split_once('=') {
                Some((flag, value)) if flag.starts_with("--") => {
                    quoted(&format!("{flag}={}", Untrusted::new(value)))
                }
                _ if word.starts_with("--") => word,
                _ => quoted(&Untrusted::new(word).to_string()),
            });
            continue;
        }
        hides |= name == HIDDEN;
        hides_key |= name == "key";
        if value.is_none() {
            let _value = words.next();
        }
    }
    if !command.iter().any(|word| word == "--resume") {
        command.push("--resume".to_owned());
    }
    let mut lines = vec![format!("resume with: {}", command.join(" "))];
    if hides_key {
        lines.push("give the key again, in PAYOUT_NOTIFY_KEY or with --key-file FILE".to_owned());
    }
    if hides {
        lines.push("give each --header again; their values are not shown here".to_owned());
    }
    lines
}

fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) { word.to_owned() } else { shell_quote(word) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(words: &[&str]) -> Vec<String> {
        lines(words.iter().map(OsString::from))
    }

    #[test]
    fn a_resume_keeps_what_the_journal_does_not_hold() {
        let begun = [
            "./payout-notify",
            "--color",
            "never",
            "simulate",
            "http://h:1/n?a=1&b=2",
            "--count",
            "40",
            "--key=secret",
            "--set",
            "amount={1..5}",
            "--status=-1",
            "--journal",
            "my run.db",
            "--fail-if",
            "p99>1s",
            "--cacert",
            "it's.pem",
            "--mix=success=1",
            "--life",
            "processing, 2s, success",
            "--rate",
            "5/s",
            "--key-file",
            "a key",
        ];
        let expected = "resume with: ./payout-notify --color never simulate \
             'http://h:1/n?a=1&b=2' --journal 'my run.db' --fail-if 'p99>1s' --cacert \
             'it'\\''s.pem' --rate 5/s --key-file 'a key' --resume";
        let key = "give the key again, in PAYOUT_NOTIFY_KEY or with --key-file FILE";
        assert_eq!(shown(&begun), [expected, key]);
        let again = ["p", "simulate", "h:1", "--journal", "j", "--resume", "--key", "--hard"];
        assert_eq!(shown(&again), ["resume with: p simulate h:1 --journal j --resume", key]);
    }

    #[test]
    fn the_value_of_a_header_is_not_shown() {
        let words = ["p", "simulate", "h:1", "--header", "A: secret", "--header=B: secret"];
        let lines = shown(&words);
        assert!(lines[1].contains("--header") && !lines.concat().contains("secret"), "{lines:?}");
    }
}
