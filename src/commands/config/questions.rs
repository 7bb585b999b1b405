//! What `config init` asks on a terminal.

use std::io::{self, BufRead, Read};

use crate::error::CommandError;
use crate::report::line::Line;
use crate::terminal::Console;

const MAX_ANSWER: u64 = 4096;

/// The settings that are asked for, and how.
pub(super) const SETTINGS: [(&str, &str); 4] = [
    ("key_env", "the variable that holds the key, such as PAYOUT_STAGING_KEY"),
    ("url", "the merchant's notify URL"),
    ("platform_id", "the platform_id of orders that are made"),
    ("dialect", "how the platform signs; `payout-notify dialects` lists the names"),
];

pub(super) fn introduce(console: &mut Console) {
    let how = "An empty answer leaves a setting out; Ctrl-C or Ctrl-D ends and writes nothing.";
    console.note(&Line::new().dim(how));
}

/// Asks until the answer can be used; nothing where it is left out.
///
/// An empty answer means the usual one; without a usual one the setting is left out.
pub(super) fn ask(
    about: &str,
    text: &str,
    usual: Option<&str>,
    check: impl Fn(&str) -> Result<(), CommandError>,
    console: &mut Console,
) -> Result<Option<String>, CommandError> {
    loop {
        let line = Line::new().accent(about.to_owned()).plain(format!(", {text}"));
        console.question(&match usual {
            Some(usual) => line.dim(format!(" [{usual}]")).plain(":"),
            None => line.plain(":"),
        });
        let answer = answer(console)?;
        let answer = match (answer.trim(), usual) {
            ("", None) => return Ok(None),
            ("", Some(usual)) => usual,
            (answer, _) => answer,
        };
        match check(answer) {
            Ok(()) => return Ok(Some(answer.to_owned())),
            Err(error) => {
                console.warning(&error.to_string());
                for hint in &error.hints {
                    console.note(&Line::new().dim(format!("hint: {hint}")));
                }
            }
        }
    }
}

fn answer(console: &mut Console) -> Result<String, CommandError> {
    let mut bytes = Vec::new();
    io::stdin()
        .lock()
        .take(MAX_ANSWER)
        .read_until(b'\n', &mut bytes)
        .map_err(|error| CommandError::input("cannot read the answer").because(error))?;
    if bytes.len() as u64 == MAX_ANSWER && !bytes.ends_with(b"\n") {
        return Err(CommandError::input(format!("an answer has at most {MAX_ANSWER} bytes")));
    }
    if !bytes.ends_with(b"\n") {
        // The message would come after the question.
        console.note(&Line::new());
        return Err(CommandError::interrupted("the questions were ended: nothing was written"));
    }
    // What is not text cannot be used, and is told so by the check of the answer.
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
