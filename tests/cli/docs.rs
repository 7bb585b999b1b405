//! The pages under `docs/`: their commands are run, and their tables compared with the data.
//!
//! The tutorials, which call other programs, are run by `tests/interpreters/pages.rs`. What a page
//! shows of the program's own types is checked by those modules' tests, `docs_…`.
//!
//! `UPDATE_DOCS=1 cargo test docs` writes the tables again.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use payout_notify_protocol::internal::diagnosis::catalogue;
use payout_notify_protocol::{Deviation, Dimension};

use crate::readme::faults_of;
use crate::support::docs::{assert_table, cell, path, text};

/// The pages whose commands are run.
const PAGES_WITH_COMMANDS: [&str; 10] = [
    "agents.md",
    "check.md",
    "listener.md",
    "many-orders.md",
    "profiles.md",
    "schedules.md",
    "testing.md",
    "tutorial-ci.md",
    "tutorial-merchant.md",
    "tutorial-platform-qa.md",
];

fn assert_true(page: &str) {
    assert!(PAGES_WITH_COMMANDS.contains(&page));
    let faults = faults_of(&text(page));
    assert!(faults.is_empty(), "{} faults in {page}:\n\n{}", faults.len(), faults.join("\n\n"));
}

#[test]
fn the_page_on_cases_tells_the_truth() {
    assert_true("check.md");
}

#[test]
fn the_page_on_many_orders_tells_the_truth() {
    assert_true("many-orders.md");
}

#[test]
fn the_page_on_profiles_tells_the_truth() {
    assert_true("profiles.md");
}

#[test]
fn the_page_on_the_listener_tells_the_truth() {
    assert_true("listener.md");
}

#[test]
fn the_page_on_schedules_tells_the_truth() {
    assert_true("schedules.md");
}

#[test]
fn the_page_on_test_suites_tells_the_truth() {
    assert_true("testing.md");
}

#[test]
fn every_page_with_commands_is_run() {
    let pages = fs::read_dir(path("")).unwrap().flatten();
    let mut with_commands: Vec<String> = pages
        .map(|page| page.file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".md") && text(name).contains("```console"))
        .collect();
    with_commands.sort();
    assert_eq!(with_commands, PAGES_WITH_COMMANDS);
}

#[test]
fn every_schema_has_its_row() {
    let page = text("json.md");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/schema");
    for schema in fs::read_dir(folder).unwrap().flatten() {
        let name = schema.file_name().to_string_lossy().into_owned();
        assert!(page.contains(&format!("(../fixtures/schema/{name})")), "{name} is not in json.md");
    }
}

const DIMENSIONS: [(Dimension, &str); 8] = [
    (Dimension::Verifier, "The verifying side"),
    (Dimension::Key, "The key's bytes"),
    (Dimension::KeyForm, "Where the key goes"),
    (Dimension::Digest, "The digest, and how it is written"),
    (Dimension::Fields, "Which members are signed"),
    (Dimension::Order, "The order"),
    (Dimension::ValueText, "How values are written"),
    (Dimension::Shape, "How the string is put together"),
];

#[test]
fn the_catalogue_is_that_of_the_search() {
    let all = catalogue();
    let mut expected = String::new();
    for (dimension, title) in DIMENSIONS {
        let rows: Vec<&Deviation> = all.iter().filter(|one| one.dimension == dimension).collect();
        assert!(!rows.is_empty(), "{title}");
        writeln!(
            expected,
            "\n## {title}\n\n| name | {} | from | the fix |\n|---|---|---|---|",
            if dimension == Dimension::Verifier { "what is wrong" } else { "the code …" },
        )
        .unwrap();
        for row in rows {
            let cells = [&*row.does, &row.cause, row.fix].map(cell).join(" | ");
            writeln!(expected, "| `{}` | {cells} |", row.code).unwrap();
        }
    }
    assert_table("diagnosis.md", "catalogue", &expected);
}
