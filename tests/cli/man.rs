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
    let advice = "write them anew with\n  cargo run -q --example man";
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
