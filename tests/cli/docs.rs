//! The pages under `docs/`: their commands are run, their examples read, their tables held to the data.
//!
//! The tutorials, which call other programs, are run by `tests/interpreters/pages.rs`.
//!
//! `UPDATE_DOCS=1 cargo test --test cli docs` writes the tables anew.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use payout_notify::check::case::{Case, Severity};
use payout_notify::check::case_file;
use payout_notify::check::suite::Suite;
use payout_notify::delivery::schedule::{DEFAULT_WINDOW, RetrySchedule};
use payout_notify::listener::program::ReplyProgram;
use payout_notify::listener::program::sample::SAMPLES;
use payout_notify::protocol::diagnosis::{Deviation, Dimension, catalogue};

use crate::readme::faults_of;

/// The pages whose commands are run.
const PAGES_WITH_COMMANDS: [&str; 8] = [
    "check.md",
    "listener.md",
    "many-orders.md",
    "profiles.md",
    "schedules.md",
    "tutorial-ci.md",
    "tutorial-merchant.md",
    "tutorial-platform-qa.md",
];

fn path(page: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(page)
}

fn text(page: &str) -> String {
    fs::read_to_string(path(page)).unwrap_or_else(|error| panic!("docs/{page}: {error}"))
}

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
fn every_page_with_commands_is_run() {
    let pages = fs::read_dir(path("")).unwrap().flatten();
    let mut with_commands: Vec<String> = pages
        .map(|page| page.file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".md") && text(name).contains("```console"))
        .collect();
    with_commands.sort();
    assert_eq!(with_commands, PAGES_WITH_COMMANDS);
}

/// The lines of the fenced blocks with this tag.
fn examples(page: &str, tag: &str) -> Vec<String> {
    let (mut found, mut inside) = (Vec::new(), false);
    for line in text(page).lines() {
        if line.starts_with("```") {
            inside = line == format!("```{tag}");
        } else if inside {
            found.push(line.to_owned());
        }
    }
    assert!(!found.is_empty(), "{page} has no example of {tag}");
    found
}

#[test]
fn every_example_of_a_reply_program_is_one() {
    for example in examples("replies.md", "replies") {
        assert!(ReplyProgram::parse(&example).is_ok(), "{example}");
    }
}

#[test]
fn every_example_of_a_schedule_is_one() {
    for example in examples("schedules.md", "schedules") {
        let schedule = RetrySchedule::parse(&example, None, DEFAULT_WINDOW);
        assert!(schedule.is_ok_and(|schedule| schedule.attempts() > 1), "{example}");
    }
}

#[test]
fn the_example_of_a_case_file_is_one() {
    let suite = case_file::parse("shop.toml", &examples("check.md", "toml").join("\n")).unwrap();
    assert_eq!(suite.len(), 2);
}

#[test]
fn every_built_in_case_is_listed() {
    let (suite, mut wanted) = (Suite::built_in(), String::new());
    for group in suite.groups() {
        let rows: Vec<&Case> = suite.cases().iter().filter(|case| case.group == group).collect();
        assert!(!rows.is_empty(), "{group}");
        let head = "| case | what it shows | severity | the fix |\n|---|---|---|---|";
        writeln!(wanted, "\n### {group}\n\n{head}").unwrap();
        for case in rows {
            let severity = match case.severity {
                Severity::Fail => "fail",
                Severity::Warn => "warn",
            };
            let (title, fix) = (cell(&case.title), cell(&case.fix));
            writeln!(wanted, "| `{}` | {title} | {severity} | {fix} |", case.id).unwrap();
        }
    }
    hold("check.md", "cases", &wanted);
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

/// Holds what stands between a page's marks to `wanted`, or writes it there where that was asked for.
fn hold(page: &str, mark: &str, wanted: &str) {
    let (start, end) = (format!("<!-- {mark} -->\n"), format!("<!-- end of {mark} -->\n"));
    let text = text(page);
    let (before, rest) = text.split_once(&start).expect("the mark of the beginning");
    let (stands, after) = rest.split_once(&end).expect("the mark of the end");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(path(page), format!("{before}{start}{wanted}{end}{after}")).unwrap();
    } else {
        assert_eq!(stands, wanted, "docs/{page} is stale: UPDATE_DOCS=1 writes it anew");
    }
}

/// Text as a cell of a table shows it.
fn cell(text: &str) -> String {
    let mut shown = String::new();
    for letter in text.chars() {
        match letter {
            '<' => shown.push_str("&lt;"),
            '&' => shown.push_str("&amp;"),
            '|' | '*' | '_' | '`' | '\\' | '[' | ']' => {
                shown.push('\\');
                shown.push(letter);
            }
            '\n' => shown.push(' '),
            other => shown.push(other),
        }
    }
    shown
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
    let mut wanted = String::new();
    for (dimension, title) in DIMENSIONS {
        let rows: Vec<&Deviation> = all.iter().filter(|one| one.dimension == dimension).collect();
        assert!(!rows.is_empty(), "{title}");
        writeln!(
            wanted,
            "\n## {title}\n\n| name | {} | from | the fix |\n|---|---|---|---|",
            if dimension == Dimension::Verifier { "what is wrong" } else { "the code …" },
        )
        .unwrap();
        for row in rows {
            let cells = [&*row.does, row.cause, row.fix].map(cell).join(" | ");
            writeln!(wanted, "| `{}` | {cells} |", row.code).unwrap();
        }
    }
    hold("diagnosis.md", "catalogue", &wanted);
}

#[test]
fn every_near_acknowledgement_is_listed() {
    let mut wanted = String::from("| name | what is wrong with it |\n|---|---|\n");
    for sample in SAMPLES {
        writeln!(wanted, "| `{}` | {} |", sample.name, cell(sample.about)).unwrap();
    }
    hold("replies.md", "samples", &wanted);
}
