//! The text of a program as words and signs, with their places.

use super::error::{ErrorPlace, ProgramError, ProgramProblem};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'t> {
    Word(&'t str),
    Comma,
    Bar,
    Star,
}

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
                    ErrorPlace { text, byte: at + place }.wrong(ProgramProblem::Unpaired(character))
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

pub(super) fn unquote(value: &str) -> Result<String, String> {
    if value.starts_with('"') {
        serde_json::from_str(value).map_err(|error| error.to_string())
    } else {
        Ok(value.to_owned())
    }
}

pub(super) fn quote(text: &str) -> String {
    let is_plain = !text.is_empty()
        && !text.starts_with('"')
        && !text.contains(char::is_control)
        && word_length(text) == Ok(text.len());
    if is_plain { text.to_owned() } else { serde_json::Value::from(text).to_string() }
}
