//! What `config init` asks on a terminal.

use std::io::{self, BufRead, Read};

use crate::error::CommandError;
use crate::report::line::Line;
use crate::terminal::Console;

const MAX_ANSWER: u64 = 4096;

/// The question for the name; its default is the name that a profile has without one.
pub(super) const NAME: Question =
    Question { about: "profile", text: "its name", usual: Some("default") };

pub(super) const SETTINGS: [Question; 4] = [
    Question {
        about: "key_env",
        text: "the variable that holds the key, such as PAYOUT_STAGING_KEY",
        usual: None,
    },
    Question { about: "url", text: "the merchant's notify URL", usual: None },
    Question { about: "platform_id", text: "the platform_id of orders that are made", usual: None },
    Question {
        about: "dialect",
        text: "how the platform signs; `payout-notify dialects` lists the names",
        usual: None,
    },
];

#[derive(Clone, Copy)]
pub(super) struct Question {
    pub(super) about: &'static str,
    text: &'static str,
    /// What an empty answer means; without it the setting is left out.
    usual: Option<&'static str>,
}

pub(super) fn introduce(console: &mut Console) {
    let how = "An empty answer leaves a setting out; Ctrl-C or Ctrl-D ends and writes nothing.";
    console.note(&Line::new().dim(how));
}

/// Asks until the answer can be used; nothing where it is left out.
pub(super) fn ask(
    question: Question,
    check: impl Fn(&str) -> Result<(), CommandError>,
    console: &mut Console,
) -> Result<Option<String>, CommandError> {
    loop {
        let line = Line::new().accent(question.about).plain(format!(", {}", question.text));
        console.question(&match question.usual {
            Some(usual) => line.dim(format!(" [{usual}]")).plain(":"),
            None => line.plain(":"),
        });
        let answer = answer(console)?;
        let answer = match (answer.trim(), question.usual) {
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
        // The message would stand behind the question.
        console.note(&Line::new());
        return Err(CommandError::interrupted("the questions were ended: nothing was written"));
    }
    // What is no text cannot be used, and is told so by the check of the answer.
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
