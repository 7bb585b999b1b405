//! The committed man pages are what the program's own help says.

use std::collections::BTreeMap;
use std::fs;

#[path = "../../examples/man.rs"]
#[allow(dead_code, reason = "the example's own start is not needed here")]
mod press;

#[test]
fn the_committed_pages_are_current() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/man");
    let committed: BTreeMap<String, Vec<u8>> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()))
        .collect();
    let made = press::pages().unwrap();
    let names = |pages: &BTreeMap<String, Vec<u8>>| pages.keys().cloned().collect::<Vec<_>>();
    let advice = "regenerate them with\n  cargo run -q --example man";
    assert_eq!(names(&committed), names(&made), "man/ lacks pages or has too many; {advice}");
    for (name, text) in &made {
        assert!(&committed[name] == text, "man/{name} is not what the help says; {advice}");
    }
}

#[test]
fn subcommands_of_subcommands_have_pages() {
    let pages = press::pages().unwrap();
    for name in ["payout-notify.1", "payout-notify-simulate.1", "payout-notify-inbox-list.1"] {
        assert!(pages.contains_key(name), "{name}");
    }
}

#[test]
fn the_help_of_every_subcommand_has_an_example() {
    let mut root = payout_notify::command().disable_help_subcommand(true);
    root.build();
    root.get_subcommands().for_each(assert_example);
}

fn assert_example(command: &clap::Command) {
    let name = command.get_display_name().unwrap().replace('-', " ");
    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let example = help.strip_prefix("Example:\n").or(help.strip_prefix("Examples:\n"));
    let begins = format!("  {}", name.replace("payout notify", "payout-notify"));
    assert!(example.is_some_and(|example| example.contains(&begins)), "{name}: {help}");
    command.get_subcommands().for_each(assert_example);
}
