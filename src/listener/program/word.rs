//! The text of a program as words and signs, with their places.

use super::error::{Place, ProgramError, ProgramProblem};

/// A part of a program's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'t> {
    /// Anything between spaces and signs.
    Word(&'t str),
    /// `,` ends a step.
    Comma,
    /// `|` ends an alternative.
    Bar,
    /// `*` stands before a count.
    Star,
}

/// The parts of a text, each with the byte at which it begins.
///
/// # Errors
/// A bracket or a quote without its partner.
pub(super) fn tokens(text: &str) -> Result<Vec<(usize, Token<'_>)>, ProgramError> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let token = match first {
            ',' => Token::Comma,
            '|' => Token::Bar,
            '*' => Token::Star,
            space if space.is_whitespace() => {
                at += space.len_utf8();
                continue;
            }
            _ => {
                let length = word_length(&text[at..]).map_err(|(place, character)| {
                    Place { text, byte: at + place }.wrong(ProgramProblem::Unpaired(character))
                })?;
                Token::Word(&text[at..at + length])
            }
        };
        found.push((at, token));
        at += match token {
            Token::Word(word) => word.len(),
            Token::Comma | Token::Bar | Token::Star => 1,
        };
    }
    Ok(found)
}

/// How long the word is that the text begins with; else the place of what has no partner.
fn word_length(text: &str) -> Result<usize, (usize, char)> {
    let mut open: Vec<(usize, char)> = Vec::new();
    let mut quote = None;
    let mut is_escaped = false;
    for (at, character) in text.char_indices() {
        if quote.is_some() {
            match character {
                _ if is_escaped => is_escaped = false,
                '\\' => is_escaped = true,
                '"' => quote = None,
                _ => (),
            }
            continue;
        }
        match character {
            '"' => quote = Some((at, '"')),
            '{' | '[' => open.push((at, character)),
            '}' | ']' => {
                let partner = if character == '}' { '{' } else { '[' };
                match open.pop() {
                    Some((_, opened)) if opened == partner => (),
                    Some(unpaired) => return Err(unpaired),
                    None => return Err((at, character)),
                }
            }
            ',' | '|' | '*' if open.is_empty() => return Ok(at),
            space if space.is_whitespace() && open.is_empty() => return Ok(at),
            _ => (),
        }
    }
    quote.or(open.pop()).map_or(Ok(text.len()), Err)
}

/// The text that a value stands for.
///
/// # Errors
/// Why a quoted one is no JSON string.
pub(super) fn unquote(value: &str) -> Result<String, String> {
    if value.starts_with('"') {
        serde_json::from_str(value).map_err(|error| error.to_string())
    } else {
        Ok(value.to_owned())
    }
}

/// A text as a value that reads back as that text: plain where that is possible, else in quotes.
pub(super) fn quote(text: &str) -> String {
    let is_plain = !text.is_empty()
        && !text.starts_with('"')
        && !text.contains(char::is_control)
        && word_length(text) == Ok(text.len());
    if is_plain { text.to_owned() } else { serde_json::Value::from(text).to_string() }
}
