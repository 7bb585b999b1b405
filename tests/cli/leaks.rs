//! The key in no output: put into every field of every command's input, and looked for in all that
//! the program puts out. The kinds of output come from the program's own definition of its command
//! line, so a new one fails the test until something here writes it.
//!
//! What is passed on unchanged is left out: `body` of a callback, and the bytes that an inbox and a
//! journal keep to send them again.

mod commands;
mod forms;
mod inputs;
mod listener;
mod markup;
mod record;

use std::collections::{BTreeMap, BTreeSet};
use std::thread;

use record::{Record, Text};

/// A plain key, as long as the word, so that texts are cut at the same places.
const USUAL: &str = "Qx7fK2mZ9";

/// A key that is a word of the program's own texts, which are not masked.
const WORD: &str = "signature";

/// A key that could be a word of the program's texts and is none: only the type of what came from
/// outside hides it.
const UNSAID: &str = "zebracorn";

/// The last has characters of which each encoding escapes another part.
const KEYS: [&str; 4] = [USUAL, WORD, UNSAID, "a&b +%\"\\é k/y'"];

/// Outputs beyond those of the command line's definition.
const OTHER_KINDS: &[&str] = &[
    "journal attempts",
    "journal reasons",
    "listen reply",
    "page /",
    "page /api/callbacks",
    "page /api/callbacks/1",
    "page /api/callbacks/wait",
    "page /api/curl",
    "page /api/events",
    "page /api/nonsense",
    "page /api/replay",
    "page /api/replies",
    "page /api/reset",
    "page /api/sign",
    "page /api/state",
    "usage > stdout",
    "usage > stderr",
];

type Area = fn(&mut Record);

const AREAS: [Area; 5] = [
    commands::read_arguments,
    commands::read_payloads,
    commands::read_files,
    commands::read_replies,
    listener::read_requests,
];

fn read(key: &'static str) -> Vec<Text> {
    let threads = AREAS.map(|area| {
        thread::spawn(move || {
            let mut record = Record { key, texts: Vec::new() };
            area(&mut record);
            record.texts
        })
    });
    threads.into_iter().flat_map(|thread| thread.join().expect("an area")).collect()
}

/// How often each kind of output has the word, by the names of the runs.
fn words(texts: &[Text]) -> BTreeMap<(String, String), Vec<(usize, String)>> {
    let mut found: BTreeMap<_, Vec<(usize, String)>> = BTreeMap::new();
    for Text { kind, name, text } in texts {
        let counts = found.entry((kind.clone(), name.clone())).or_default();
        // The reply that names the code is masked like any other.
        let text = text.replace("bad signature", "").replace("bad [key]", "");
        counts.push((forms::count(WORD, &text), text));
    }
    found
}

#[test]
fn no_output_of_any_kind_shows_the_key() {
    let threads = KEYS.map(|key| (key, thread::spawn(move || read(key))));
    let texts: BTreeMap<&str, Vec<Text>> =
        threads.into_iter().map(|(key, thread)| (key, thread.join().expect("a key"))).collect();
    let mut leaks = Vec::new();
    for (key, texts) in &texts {
        for Text { kind, name, text } in texts {
            if let Some(found) = forms::find(key, text, *key == WORD) {
                leaks.push(format!("{kind} [{name}] shows {key:?} as {found}"));
            }
        }
    }
    assert!(leaks.is_empty(), "{} leaks:\n{}", leaks.len(), leaks.join("\n"));
    let usual = words(&texts[USUAL]);
    for (place, counts) in words(&texts[WORD]) {
        let Some(expected) = usual.get(&place) else { continue };
        for ((count, text), (usual, other)) in counts.iter().zip(expected) {
            if count != usual {
                let what = if count > usual { "shows the key in" } else { "masks words of" };
                leaks.push(format!("{what} {place:?}:\n{text}\ninstead of\n{other}\n"));
            }
        }
    }
    assert!(leaks.is_empty(), "{} differences:\n{}", leaks.len(), leaks.join("\n"));
    let outputs = texts.values().flatten().filter(|it| !it.text.is_empty()).count();
    let seen: BTreeSet<&str> =
        texts.values().flatten().filter(|it| !it.text.is_empty()).map(|it| &*it.kind).collect();
    let all: BTreeSet<&str> = texts.values().flatten().map(|it| &*it.kind).collect();
    let mut kinds = record::kinds();
    kinds.extend(OTHER_KINDS.iter().map(|kind| (*kind).to_owned()));
    let unread: Vec<&String> = kinds.iter().filter(|kind| !all.contains(&***kind)).collect();
    assert!(unread.is_empty(), "nothing writes {unread:?}");
    let unknown: Vec<&&str> = all.iter().filter(|kind| !kinds.contains(**kind)).collect();
    assert!(unknown.is_empty(), "no list has {unknown:?}");
    assert!(seen.len() >= 60 && outputs >= 1000, "{} kinds, {outputs} outputs", seen.len());
    eprintln!("{} kinds, {outputs} outputs", seen.len());
}
