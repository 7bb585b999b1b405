//! The pages under `docs/`: their examples, and the tables that are generated from the data.

use std::fs;
use std::path::{Path, PathBuf};

/// The path of a page.
pub(crate) fn path(page: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(page)
}

/// The text of a page.
pub(crate) fn text(page: &str) -> String {
    fs::read_to_string(path(page)).unwrap_or_else(|error| panic!("docs/{page}: {error}"))
}

/// The lines of the fenced blocks with this tag.
pub(crate) fn examples(page: &str, tag: &str) -> Vec<String> {
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

/// Compares the text between a page's marks with `expected`, or writes it there with `UPDATE_DOCS=1`.
#[track_caller]
pub(crate) fn assert_table(page: &str, mark: &str, expected: &str) {
    let (start, end) = (format!("<!-- {mark} -->\n"), format!("<!-- end of {mark} -->\n"));
    let text = text(page);
    let (before, rest) = text.split_once(&start).expect("the mark of the beginning");
    let (present, after) = rest.split_once(&end).expect("the mark of the end");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(path(page), format!("{before}{start}{expected}{end}{after}")).unwrap();
    } else {
        assert_eq!(
            present, expected,
            "docs/{page} is stale; write it with\n  UPDATE_DOCS=1 cargo test docs"
        );
    }
}

/// Text as a cell of a table shows it.
pub(crate) fn cell(text: &str) -> String {
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
