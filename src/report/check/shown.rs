//! Received texts made fit to be shown: bounded, with hidden characters visible.

use std::borrow::Cow;
use std::fmt::{Display, Write as _};

use crate::check::report::{Exchange, Received};
use crate::mask::{Untrusted, in_own, outside};
use crate::report::curl::shell_quote;
use crate::report::figures::{grouped, shortened};
use crate::report::text::{sanitize, short_duration};

pub(super) const LONGEST_ID: usize = 100;

pub(super) const LONGEST_TITLE: usize = 200;

pub(super) const LONGEST_TEXT: usize = 1500;

pub(super) const LONGEST_URL: usize = 2000;

/// The longest value that is not broken.
const LONGEST_VALUE: usize = 160;

pub(super) const MOST_SHOWN_EXCHANGES: usize = 4;

pub(super) const MOST_HEADERS: usize = 12;

/// A body of more bytes is not read line by line, so less of it is shown.
pub(super) const LARGE_BODY: usize = 8 * 1024;

/// At most `most` characters of a text, on one line, with nothing hidden in it and no key.
pub(super) fn visible(text: impl Display, most: usize) -> String {
    sanitize(&shortened(&in_own(&text.to_string()), most)).into_owned()
}

/// What was sent and how, without the bytes.
pub(super) fn sent_line(exchange: &Exchange) -> String {
    let mut line = visible(Untrusted::new(&exchange.method), 20);
    for part in [&exchange.manner, &exchange.label].into_iter().filter(|part| !part.is_empty()) {
        line.push_str(", ");
        line.push_str(&visible(part, LONGEST_TITLE));
    }
    line
}

/// The headers beside the usual ones.
pub(super) fn header_lines(exchange: &Exchange) -> impl Iterator<Item = String> {
    exchange.headers.iter().take(MOST_HEADERS).map(|(name, value)| {
        let name = visible(Untrusted::new(name), LONGEST_ID);
        match value.is_empty() {
            true => format!("{name}: (left out)"),
            false => format!("{name}: {}", visible(Untrusted::new(value), LONGEST_TITLE)),
        }
    })
}

/// What came back and when, without the bytes.
pub(super) fn received_line(exchange: &Exchange) -> String {
    let elapsed = short_duration(exchange.elapsed);
    match &exchange.received {
        Ok(received) => format!("{}, {elapsed}", status(received)),
        Err(why) => format!("no reply after {elapsed}: {}", visible(why, LONGEST_TEXT)),
    }
}

pub(super) fn status(received: &Received) -> String {
    let content_type = match &received.content_type {
        Some(name) => visible(Untrusted::new(name), LONGEST_TITLE),
        None => "no content type".to_owned(),
    };
    format!("{} {content_type}", received.status)
}

/// A body as lines of at most `width` characters, with a last one in brackets where some is left
/// out; bytes that are not text stand as `\xNN`.
pub(super) fn body_lines(body: &[u8], width: usize, most: usize) -> Vec<String> {
    if body.is_empty() {
        return vec!["(empty)".to_owned()];
    }
    let whole = body.len();
    let text = String::from_utf8_lossy(body);
    // Before it is broken: a line's end could be within a key.
    let masked = match outside(&text) {
        Cow::Owned(masked) => Cow::Owned(masked.into_bytes()),
        Cow::Borrowed(_) => Cow::Borrowed(body),
    };
    let body = &*masked;
    // A character has at most four bytes, so this is enough for every line.
    let characters = width.saturating_mul(most).saturating_add(2 * LONGEST_VALUE);
    let kept = whole_start(body, characters.saturating_mul(4));
    let text = kept.strip_suffix(b"\n").unwrap_or(kept);
    let mut lines = Vec::new();
    for line in text.split(|byte| *byte == b'\n') {
        let shown: Vec<char> = visible_bytes(line).chars().collect();
        let mut rest = shown.as_slice();
        loop {
            let (line, more) = rest.split_at(break_of(rest, width.max(1)));
            lines.push(line.iter().collect::<String>());
            rest = more;
            if rest.is_empty() || lines.len() > most {
                break;
            }
        }
        if lines.len() > most {
            break;
        }
    }
    if kept.len() < body.len() || lines.len() > most {
        lines.truncate(most);
        lines.push(format!("(… {} bytes in all)", grouped(whole as u64)));
    }
    lines
}

/// Where a line is broken: after the last comma or space within its width. A value that is longer
/// is not broken, since somebody may copy it, unless it is very long.
fn break_of(text: &[char], width: usize) -> usize {
    let is_end = |letter: &char| matches!(letter, ',' | ' ');
    let Some(line) = text.get(..width).filter(|line| line.len() < text.len()) else {
        return text.len();
    };
    if let Some(at) = line.iter().rposition(is_end) {
        return at + 1;
    }
    let end = text.iter().position(is_end).map_or(text.len(), |at| at + 1);
    if end <= LONGEST_VALUE { end } else { width }
}

/// The start of a body, at most so many bytes, without a character that is cut in two.
pub(super) fn whole_start(body: &[u8], most: usize) -> &[u8] {
    let Some(start) = body.get(..most).filter(|start| start.len() < body.len()) else {
        return body;
    };
    let continues = |at: usize| body.get(at).is_some_and(|byte| byte & 0xc0 == 0x80);
    let end = (0..4).map(|back| most.saturating_sub(back)).find(|end| !continues(*end));
    &start[..end.unwrap_or(most)]
}

fn visible_bytes(bytes: &[u8]) -> String {
    let mut shown = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        shown.push_str(&sanitize(chunk.valid()));
        for byte in chunk.invalid() {
            // Writing to a String cannot fail.
            let _ = write!(shown, "\\x{byte:02x}");
        }
    }
    shown
}

/// A text in lines of at most `width` characters, broken at spaces; a longer word is whole unless it
/// is very long.
pub(super) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let letters: Vec<char> = word.chars().collect();
        let most = if letters.len() > LONGEST_VALUE { width.max(1) } else { LONGEST_VALUE };
        for (index, part) in letters.chunks(most).enumerate() {
            let space = usize::from(used > 0 && index == 0);
            if used > 0 && (index > 0 || used + space + part.len() > width) {
                lines.push(String::new());
                used = 0;
            }
            if let Some(line) = lines.last_mut() {
                line.extend((used > 0).then_some(' '));
                line.extend(part);
            }
            used += usize::from(used > 0) + part.len();
        }
    }
    lines
}

/// A text as one word of a shell, quoted where it must be; hidden characters are escaped, which
/// takes a shell that reads `$'…'`.
pub(super) fn shell_word(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:@%+=,".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_plain) {
        return text.to_owned();
    }
    if sanitize(text) == text {
        return shell_quote(text);
    }
    let mut word = "$'".to_owned();
    for character in text.chars() {
        match character {
            '\'' | '\\' => word.extend(['\\', character]),
            _ if sanitize(character.encode_utf8(&mut [0; 4])).starts_with(character) => {
                word.push(character);
            }
            _ => word.push_str(&format!("\\U{:08x}", u32::from(character))),
        }
    }
    word.push('\'');
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_hidden_is_left_in_a_text() {
        assert_eq!(visible("a\n\u{1b}[2J\u{202e}b", 99), "a\\n\\u{1b}[2J\\u{202e}b");
        assert_eq!(visible("x".repeat(50), 10).chars().count(), 10);
    }

    #[test]
    fn a_body_is_cut_between_characters_and_lines() {
        assert_eq!(body_lines(b"", 9, 3), ["(empty)"]);
        assert_eq!(body_lines(b"{\n \"a\": 1\n}\n", 9, 3), ["{", " \"a\": 1", "}"]);
        assert_eq!(body_lines(b"a\xff\r", 9, 3), ["a\\xff\\r"]);
        assert_eq!(body_lines(b"{\"a\":1,\"b\":2}", 9, 3), ["{\"a\":1,", "\"b\":2}"]);
        assert_eq!(body_lines("付".as_bytes(), 1, 1), ["付"]);
        let sign = format!("\"sign\":\"{}\"", "0".repeat(64));
        let body = format!("{{\"id\":1,{sign},\"c\":2}}");
        let lines = body_lines(body.as_bytes(), 20, 9);
        assert_eq!(lines, ["{\"id\":1,".to_owned(), format!("{sign},"), "\"c\":2}".to_owned()]);
        let long = body_lines("付".repeat(1000).as_bytes(), 4, 2);
        assert_eq!(long, ["付付付付", "付付付付", "(… 3,000 bytes in all)"]);
        assert_eq!(body_lines(&b"\n".repeat(1 << 20), 9, 2)[2], "(… 1,048,576 bytes in all)");
    }

    #[test]
    fn the_start_of_a_body_holds_whole_characters() {
        let body = "a付b".as_bytes();
        assert_eq!(whole_start(body, 2), b"a");
        assert_eq!(whole_start(body, 3), b"a");
        assert_eq!(whole_start(body, 4), "a付".as_bytes());
        assert_eq!(whole_start(body, 5), body);
        assert_eq!(whole_start(&[0x80; 9], 5), [0x80; 5]);
    }

    #[test]
    fn a_word_is_what_a_shell_reads() {
        assert_eq!(shell_word("a-b.c"), "a-b.c");
        assert_eq!(shell_word(""), "''");
        assert_eq!(shell_word("a'b $c"), r"'a'\''b $c'");
        assert_eq!(shell_word("a\n'\\b"), r"$'a\U0000000a\'\\b'");
    }

    #[test]
    fn long_texts_are_broken_at_spaces_where_they_can_be() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("a 123456789 b", 4), ["a", "123456789", "b"]);
        let very_long = "x".repeat(LONGEST_VALUE + 1);
        assert!(wrapped(&very_long, 80).iter().all(|line| line.len() <= 80));
        assert_eq!(wrapped("", 4), [""]);
    }
}
