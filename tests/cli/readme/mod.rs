//! Every command in the README or a page of `docs/` is run, and prints what the text says.
//!
//! A fenced block tagged `console` holds commands, after `$ `, each with its output. A block tagged
//! `console background` holds one command that starts before the next block and ends by itself.

mod blocks;
mod compare;
mod run;

/// Runs every block of a page and gives what went wrong.
pub(crate) fn faults_of(readme: &str) -> Vec<String> {
    match blocks::parse(readme) {
        Ok(blocks) => run::run_all(&blocks, &compare::Normalizer::of_fixtures(&blocks)),
        Err(why) => vec![why],
    }
}

const SMALL: &str = r#"
```sh
$ this is not run
```

```console
$ payout-notify sign fixtures/withdraw-notification.json --print sign
27ca8ef2e36642099131bfbca52c5ffc
$ cargo run --release -- verify fixtures/withdraw-notification.json; echo "exit $?"
…
no match: the digest differs: a wrong key, another signing rule, or a changed value
  given      d2e4534fce8c1d1053bbf59fd8ae4464
…
exit 1

$ printf 'one\n\ntwo\n' \
>   | cat
one

two
```

```console background
$ payout-notify listen --count 1
listening on http://127.0.0.1:8787/  key 1a41bdda, Ctrl-C ends it
  inbox     kept; `payout-notify inbox list` shows them
12:00:01.123Z  ← POT00000001  4000.00  success  delivery 1
              → 200 {"error_code":"0000"}  MD5 signature matches
1 callback for 1 order: 1 valid
```

```console
$ payout-notify simulate localhost:8787/notify --retries 0
POT00000001 → http://localhost:8787/notify  signed with MD5, key 1a41bdda
schedule backoff: 1 attempt (window 1h)
#1  12:00:01.120Z  +0s      200      12 ms  acknowledged
acknowledged after 1 attempt; the platform sends no more
```
"#;

#[test]
fn a_small_readme_is_run_whole() {
    let faults = faults_of(SMALL);
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}

#[test]
fn every_lie_in_a_readme_is_found() {
    for (truth, lie, places) in [
        ("27ca8ef2", "27ca8ef3", 1),
        ("exit 1", "exit 0", 1),
        ("no match: the digest", "match: the digest", 1),
        ("4000.00", "4000.01", 1),
        ("listen --count 1", "listen --count 1 --require hmac-sha256", 2),
        ("one\n\ntwo", "one\ntwo", 1),
        ("key 1a41bdda, Ctrl-C", "key 1a41bddb, Ctrl-C", 1),
        ("| cat", "| no-such-command", 1),
        ("acknowledged after 1 attempt;", "acknowledged after 1 attempt:", 1),
    ] {
        let lying = SMALL.replacen(truth, lie, 1);
        assert_ne!(lying, SMALL, "{truth}");
        let faults = faults_of(&lying);
        assert_eq!(faults.len(), places, "{lie}:\n{}", faults.join("\n\n"));
    }
}

#[test]
fn a_readme_without_commands_is_a_fault() {
    assert_eq!(faults_of("# Title\n\n```sh\n$ ls\n```\n").len(), 1);
    assert_eq!(faults_of("").len(), 1);
}

#[test]
fn a_background_command_that_ends_early_is_compared_too() {
    let faults = faults_of("```console background\n$ exit 3\n```\n```console\n$ true\n```\n");
    assert!(faults.is_empty(), "{faults:?}");
    let faults = faults_of("```console background\n$ echo a\nb\n```\n```console\n$ true\n```\n");
    assert_eq!(faults.len(), 1, "{faults:?}");
}
