//! A curl command, read as a shell and curl read it.

use protocol::internal::form::percent_encode;

use super::http::query;

/// The arguments of a curl command.
pub fn command(text: &str) -> Option<&str> {
    text.strip_prefix("curl ").or_else(|| text.strip_prefix("$ curl "))
}

/// What curl sends: the data, or the query of the URL. `None` where a shell would put something else
/// in its place, or where the data is in a file.
pub fn data(command: &str) -> Option<Vec<u8>> {
    let words = words(command)?;
    let mut pieces: Vec<String> = Vec::new();
    let mut at = words.iter();
    while let Some(word) = at.next() {
        let (name, joined) = match (word.text.strip_prefix("-d"), word.text.split_once('=')) {
            (Some(value), _) if !value.is_empty() => ("-d", Some(value)),
            (None, Some((name, value))) if name.starts_with("--") => (name, Some(value)),
            _ => (&*word.text, None),
        };
        let is_raw = matches!(name, "--data-raw" | "--data-urlencode");
        let takes = ["-d", "--data", "--data-binary", "--data-ascii", "--json"].contains(&name);
        if !is_raw && !takes {
            continue;
        }
        let (value, is_as_written) = match joined {
            Some(value) => (value, word.is_as_written),
            None => at.next().map(|next| (&*next.text, next.is_as_written))?,
        };
        if !is_as_written || !is_raw && value.starts_with('@') {
            return None;
        }
        pieces.push(match name {
            "--data-urlencode" => encoded(value)?,
            _ => value.to_owned(),
        });
    }
    match &*pieces {
        [] => words.iter().find(|word| word.text.contains("://")).and_then(|url| query(&url.text)),
        pieces => Some(pieces.join("&").into_bytes()),
    }
}

/// `--data-urlencode`: the content is encoded, a name before it is not.
fn encoded(value: &str) -> Option<String> {
    let (name, content) = match value.split_once('=') {
        Some(parts) => parts,
        // The content of a file.
        None if value.contains('@') => return None,
        None => ("", value),
    };
    let content = percent_encode(content.as_bytes(), b"-_.~", "%20");
    Some(if name.is_empty() { content } else { format!("{name}={content}") })
}

#[derive(Default)]
struct Word {
    text: String,
    /// A shell puts nothing else in the place of any part, and all shells read it alike.
    is_as_written: bool,
}

fn words(text: &str) -> Option<Vec<Word>> {
    let mut words = Vec::new();
    let mut word: Option<Word> = None;
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter.is_whitespace() {
            words.extend(word.take());
            continue;
        }
        if letter == '\\' && matches!(letters.peek(), Some('\n' | '\r')) {
            letters.next_if_eq(&'\r');
            letters.next_if_eq(&'\n');
            continue;
        }
        let word = word.get_or_insert_with(|| Word { is_as_written: true, ..Word::default() });
        match letter {
            '\'' => word.text.push_str(&until_quote(&mut letters)?),
            '$' if letters.next_if_eq(&'\'').is_some() => ansi(&mut letters, &mut word.text)?,
            '"' => double_quoted(&mut letters, word)?,
            '\\' => word.text.push(letters.next()?),
            '$' | '`' | '*' | '&' | ';' | '|' | '<' | '>' | '(' => {
                word.is_as_written = false;
                word.text.push(letter);
            }
            letter => word.text.push(letter),
        }
    }
    words.extend(word);
    Some(words)
}

fn until_quote(letters: &mut impl Iterator<Item = char>) -> Option<String> {
    let mut text = String::new();
    loop {
        match letters.next()? {
            '\'' => return Some(text),
            letter => text.push(letter),
        }
    }
}

fn double_quoted(letters: &mut impl Iterator<Item = char>, word: &mut Word) -> Option<()> {
    loop {
        match letters.next()? {
            '"' => return Some(()),
            '\\' => match letters.next()? {
                letter @ ('"' | '\\') => word.text.push(letter),
                // Shells differ in what a backslash does to anything else.
                letter => {
                    word.is_as_written = false;
                    word.text.extend(['\\', letter]);
                }
            },
            letter => {
                word.is_as_written &= !matches!(letter, '$' | '`');
                word.text.push(letter);
            }
        }
    }
}

/// `$'…'`, which browsers write where the data has a quotation mark or is not ASCII.
fn ansi(letters: &mut impl Iterator<Item = char>, out: &mut String) -> Option<()> {
    loop {
        let letter = match letters.next()? {
            '\'' => return Some(()),
            '\\' => match letters.next()? {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'u' => {
                    let digits: String = letters.by_ref().take(4).collect();
                    let unit = u16::from_str_radix(&digits, 16).ok()?;
                    // A surrogate is half a character: the other half is an escape of its own.
                    char::from_u32(u32::from(unit))?
                }
                letter @ ('\'' | '"' | '\\' | '!' | '?') => letter,
                _ => return None,
            },
            letter => letter,
        };
        out.push(letter);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_is_what_curl_sends() {
        for (command, sent) in [
            (r#"curl x -d '{"a":"\u00e9"}'"#, r#"{"a":"\u00e9"}"#),
            (r#"curl x -d "{\"a\":\"\\\\\"}""#, r#"{"a":"\\"}"#),
            (r#"curl x --data-raw $'{"a":"it\'s \u00e9\u0021\\n"}'"#, r#"{"a":"it's é!\n"}"#),
            ("curl x -d a=1 -d 'b=2&c=3'", "a=1&b=2&c=3"),
            ("curl x --data-urlencode 'a=1 é&' --data-urlencode =b", "a=1%20%C3%A9%26&b"),
            ("curl x --json={} \\\r\n -H 'a: b'", "{}"),
            ("curl x --data-raw @f", "@f"),
            ("$ curl 'https://x/n?a=1&b=2'", "a=1&b=2"),
        ] {
            let found =
                super::command(command).and_then(data).map(|data| String::from_utf8(data).unwrap());
            assert_eq!(found.as_deref(), Some(sent), "{command}");
        }
        for command in [
            "curl x -d @f",
            r#"curl x -d "$A""#,
            r#"curl x -d "a`b`""#,
            r#"curl x -d "{\"a\":\"\u00e9\"}""#,
            "curl x -d a=1&b=2",
            "curl x -d 'a",
            "curl x -d $'\\x41'",
            "curl x --data-urlencode a@f",
            "wget x -d a",
        ] {
            assert_eq!(super::command(command).and_then(data), None, "{command}");
        }
    }
}
