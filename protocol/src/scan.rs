//! The scanner below [`Payload`](super::payload::Payload): one pass over the text, borrowing from it.

use std::borrow::Cow;
use std::mem;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use super::bytes::{begins_with, digit_length, plain_length};
use super::payload::{MAX_DEPTH, Member, PayloadError, PayloadProblem, Value};

/// An error is boxed so that a good value does not travel in an envelope of its size.
type Scan<T> = Result<T, Box<PayloadError>>;

/// The names of an earlier payload's members as they were written, in the order received: most
/// payloads of one source have the same.
#[derive(Clone, Debug, Default)]
pub(super) struct KnownNames {
    /// Each with its quotes and the colon, such as `"amount":`.
    names: Vec<String>,
    /// How many of the payload that is read are the same.
    same: usize,
    /// Whether the payload before had other names: one alone that differs changes nothing.
    has_missed: bool,
    /// Whether the order by name that was found last is the order of these.
    pub(super) are_ordered: bool,
    /// A number that no others have within this process; 0 before there are any.
    id: u64,
}

static LAST_ID: AtomicU64 = AtomicU64::new(0);

impl KnownNames {
    /// The length of the name at this place, with which the text begins, quotes and colon included,
    /// where it and all names before it are the same.
    #[inline]
    fn next(&mut self, place: usize, text: &str) -> Option<usize> {
        let name = self.names.get(place).filter(|_| self.same == place)?.as_bytes();
        begins_with(text.as_bytes(), name).then(|| {
            self.same += 1;
            name.len()
        })
    }

    /// Whether a payload of so many members has the same names in the same order.
    pub(super) fn are_all(&self, count: usize) -> bool {
        self.same == count && self.names.len() == count
    }

    /// Their number, where a payload of so many members has them.
    pub(super) fn id(&self, count: usize) -> Option<u64> {
        (self.id > 0 && self.are_all(count)).then_some(self.id)
    }

    /// Takes the names of a payload that was read, for the next one; it is the second in a row that
    /// has others, or there are none yet.
    pub(super) fn learn(&mut self, text: &str, members: &[Member<'_>]) {
        let is_known = self.are_all(members.len());
        let same = mem::take(&mut self.same);
        let waits = !self.names.is_empty() && !self.has_missed;
        self.has_missed = !is_known && waits;
        if is_known || waits {
            return;
        }
        self.names.truncate(members.len());
        for (index, member) in members.iter().enumerate().skip(same) {
            let span = member.name_span();
            let is_plain = matches!(member.name, Cow::Borrowed(_));
            let written =
                text.get(span.start..span.end + 1).filter(|name| is_plain && name.ends_with(':'));
            match (self.names.get_mut(index), written) {
                (Some(name), Some(written)) => {
                    name.clear();
                    name.push_str(written);
                }
                (None, Some(written)) => self.names.push(written.to_owned()),
                (_, None) => {
                    self.names.truncate(index);
                    break;
                }
            }
        }
        self.are_ordered = self.names.len() == members.len();
        self.id = LAST_ID.fetch_add(1, Ordering::Relaxed) + 1;
    }
}

pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Scanner { text, at: 0 }
    }

    /// Puts the members of the outermost object behind what the vector holds, and says where its
    /// braces stand.
    pub(super) fn document(
        mut self,
        members: &mut Vec<Member<'a>>,
        names: &mut KnownNames,
    ) -> Scan<Range<usize>> {
        if self.text.starts_with('\u{feff}') {
            return Err(self.problem(PayloadProblem::ByteOrderMark));
        }
        let first = self.behind_space();
        let start = self.at;
        match first {
            None => return Err(self.problem(PayloadProblem::Empty)),
            Some(b'{') => {}
            Some(_) => {
                let kind = self.value(0)?.kind();
                self.end()?;
                let problem = PayloadProblem::NotAnObject(kind);
                return Err(Box::new(PayloadError::at(self.text.as_bytes(), start, problem)));
            }
        }
        // What the platform documents, and a few more: a block of memory that is found quickly.
        members.reserve(14);
        self.object(1, names, members)?;
        let braces = start..self.at;
        self.end()?;
        Ok(braces)
    }

    fn end(&mut self) -> Scan<()> {
        match self.behind_space() {
            None => Ok(()),
            Some(_) => Err(self.problem(PayloadProblem::TrailingData)),
        }
    }

    #[cold]
    fn problem(&self, problem: PayloadProblem) -> Box<PayloadError> {
        Box::new(PayloadError::at(self.text.as_bytes(), self.at, problem))
    }

    #[cold]
    fn unexpected(&self, expected: &'static str) -> Box<PayloadError> {
        match self.text[self.at..].chars().next() {
            None => self.problem(PayloadProblem::UnexpectedEnd),
            Some(found) => self.problem(PayloadProblem::Unexpected { found, expected }),
        }
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Moves over white space to the byte behind it.
    #[inline]
    fn behind_space(&mut self) -> Option<u8> {
        loop {
            match self.peek() {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                other => return other,
            }
        }
    }

    fn object(
        &mut self,
        depth: usize,
        known: &mut KnownNames,
        members: &mut Vec<Member<'a>>,
    ) -> Scan<()> {
        if depth > MAX_DEPTH {
            return Err(self.problem(PayloadProblem::TooDeep));
        }
        self.at += 1;
        if self.behind_space() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.member(depth, known, members)?;
            match self.behind_space() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return Err(self.unexpected("a comma or }")),
            }
        }
    }

    // The member is written field by field where it stays: a whole one would be written and read
    // again on the stack, in pieces of different lengths, which processors are slow at.
    #[inline(always)]
    fn member(
        &mut self,
        depth: usize,
        known: &mut KnownNames,
        members: &mut Vec<Member<'a>>,
    ) -> Scan<()> {
        if self.behind_space() != Some(b'"') {
            return Err(self.unexpected("a member name in double quotes"));
        }
        let place = members.len();
        members.push(Member::EMPTY);
        let member = &mut members[place];
        let name_start = self.at;
        let rest = &self.text[name_start..];
        let name_end = match known.next(place, rest) {
            Some(length) => {
                // Without the quotes and the colon.
                member.name = Cow::Borrowed(&rest[1..length - 2]);
                self.at += length;
                self.at - 1
            }
            None => self.name(&mut member.name)?,
        };
        // Offsets fit: a payload is at most MAX_BYTES long.
        member.name_at = (name_start as u32, name_end as u32);
        let first = self.behind_space();
        let value_start = self.at;
        match first {
            Some(b'"') => match self.plain_string() {
                Ok(text) => member.value = Value::String(Cow::Borrowed(text)),
                Err(start) => match self.escaped_string(start) {
                    Ok(text) => member.value = Value::String(Cow::Owned(text)),
                    Err(error) => return Err(within(error, &member.name)),
                },
            },
            Some(b'-' | b'0'..=b'9') => match self.number() {
                Ok(digits) => member.value = Value::Number(digits),
                Err(error) => return Err(within(error, &member.name)),
            },
            _ => match self.other_value(depth) {
                Ok(value) => member.value = value,
                Err(error) => return Err(within(error, &member.name)),
            },
        }
        member.value_at = (value_start as u32, self.at as u32);
        Ok(())
    }

    /// Reads a name and the colon behind it; returns where the name ends.
    #[inline(never)]
    fn name(&mut self, name: &mut Cow<'a, str>) -> Scan<usize> {
        *name = self.string()?;
        let end = self.at;
        if self.behind_space() != Some(b':') {
            return Err(within(self.unexpected("a colon"), name));
        }
        self.at += 1;
        Ok(end)
    }

    fn value(&mut self, depth: usize) -> Scan<Value<'a>> {
        match self.peek() {
            Some(b'"') => Ok(Value::String(self.string()?)),
            Some(b'-' | b'0'..=b'9') => Ok(Value::Number(self.number()?)),
            _ => self.other_value(depth),
        }
    }

    #[inline(never)]
    fn other_value(&mut self, depth: usize) -> Scan<Value<'a>> {
        let start = self.at;
        match self.peek() {
            Some(b'{') => {
                self.nested_object(depth + 1)?;
                Ok(Value::Object(&self.text[start..self.at]))
            }
            Some(b'[') => {
                self.array(depth + 1, |_| {})?;
                Ok(Value::Array(&self.text[start..self.at]))
            }
            Some(b't') => self.literal("true", Value::Bool(true)),
            Some(b'f') => self.literal("false", Value::Bool(false)),
            Some(b'n') => self.literal("null", Value::Null),
            _ => Err(self.unexpected("a JSON value")),
        }
    }

    fn literal(&mut self, word: &'static str, value: Value<'a>) -> Scan<Value<'a>> {
        if !self.text[self.at..].starts_with(word) {
            return Err(self.unexpected("a JSON value"));
        }
        self.at += word.len();
        Ok(value)
    }

    fn nested_object(&mut self, depth: usize) -> Scan<()> {
        let mut members = Vec::new();
        self.object(depth, &mut KnownNames::default(), &mut members)?;
        members.sort_unstable_by(|a, b| (&a.name, a.name_at).cmp(&(&b.name, b.name_at)));
        let duplicate = members
            .windows(2)
            .filter(|pair| pair[0].name == pair[1].name)
            .min_by_key(|pair| pair[1].name_at)
            .map(|pair| &pair[1]);
        match duplicate {
            None => Ok(()),
            Some(Member { name, name_at, .. }) => {
                let problem = PayloadProblem::DuplicateMember(name.to_string());
                let error = PayloadError::at(self.text.as_bytes(), name_at.0 as usize, problem);
                Err(within(Box::new(error), name))
            }
        }
    }

    fn array(&mut self, depth: usize, mut take: impl FnMut(Value<'a>)) -> Scan<()> {
        if depth > MAX_DEPTH {
            return Err(self.problem(PayloadProblem::TooDeep));
        }
        self.at += 1;
        if self.behind_space() == Some(b']') {
            self.at += 1;
            return Ok(());
        }
        for index in 0.. {
            match self.value(depth) {
                Ok(value) => take(value),
                Err(error) => return Err(within(error, &format!("[{index}]"))),
            }
            match self.behind_space() {
                Some(b',') => self.at += 1,
                Some(b']') => break,
                _ => return Err(self.unexpected("a comma or ]")),
            }
            self.behind_space();
        }
        self.at += 1;
        Ok(())
    }

    #[inline(always)]
    fn number(&mut self) -> Scan<&'a str> {
        let start = self.at;
        // Most are whole.
        let is_whole = matches!(self.peek(), Some(b'1'..=b'9')) && {
            self.digits();
            !matches!(self.peek(), Some(b'.' | b'e' | b'E'))
        };
        if !is_whole {
            self.at = start;
            if !self.number_is_valid() {
                self.at = start;
                return Err(self.problem(PayloadProblem::InvalidNumber));
            }
        }
        Ok(&self.text[start..self.at])
    }

    #[inline(never)]
    fn number_is_valid(&mut self) -> bool {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let whole = self.digits();
        let leading_zero = whole > 1 && self.text.as_bytes()[self.at - whole] == b'0';
        let mut valid = whole > 0 && !leading_zero;
        if self.peek() == Some(b'.') {
            self.at += 1;
            valid &= self.digits() > 0;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            valid &= self.digits() > 0;
        }
        valid
    }

    #[inline]
    fn digits(&mut self) -> usize {
        let length = digit_length(&self.text.as_bytes()[self.at..]);
        self.at += length;
        length
    }

    #[inline(always)]
    fn string(&mut self) -> Scan<Cow<'a, str>> {
        match self.plain_string() {
            Ok(text) => Ok(Cow::Borrowed(text)),
            Err(start) => Ok(Cow::Owned(self.escaped_string(start)?)),
        }
    }

    /// Reads a string without escapes at its opening quote; else says where its text begins.
    #[inline(always)]
    fn plain_string(&mut self) -> Result<&'a str, usize> {
        self.at += 1;
        let start = self.at;
        self.skip_plain();
        if self.peek() != Some(b'"') {
            return Err(start);
        }
        self.at += 1;
        Ok(&self.text[start..self.at - 1])
    }

    #[inline]
    fn skip_plain(&mut self) {
        self.at += plain_length(&self.text.as_bytes()[self.at..]);
    }

    #[inline(never)]
    fn escaped_string(&mut self, start: usize) -> Scan<String> {
        let mut text = self.text[start..self.at].to_owned();
        loop {
            match self.peek() {
                None => return Err(self.problem(PayloadProblem::UnexpectedEnd)),
                Some(b'"') => {
                    self.at += 1;
                    return Ok(text);
                }
                Some(b'\\') => text.push(self.escape()?),
                Some(control @ 0..0x20) => {
                    return Err(self.problem(PayloadProblem::ControlCharacter(control)));
                }
                Some(_) => {
                    let run = self.at;
                    self.skip_plain();
                    text.push_str(&self.text[run..self.at]);
                }
            }
        }
    }

    fn escape(&mut self) -> Scan<char> {
        let start = self.at;
        let kind = self.text.as_bytes().get(start + 1).copied();
        self.at += 2;
        let plain = match kind {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(start),
            None => {
                self.at = self.text.len();
                return Err(self.problem(PayloadProblem::UnexpectedEnd));
            }
            Some(_) => {
                self.at = start;
                return Err(self.problem(PayloadProblem::InvalidEscape));
            }
        };
        Ok(plain)
    }

    /// Reads the four digits behind `\u`, and the second half of a pair where one is due.
    fn unicode_escape(&mut self, start: usize) -> Scan<char> {
        let first = self.four_hex_digits(start)?;
        let unit = match first {
            0xD800..0xDC00 => {
                if !self.text[self.at..].starts_with("\\u") {
                    self.at = start;
                    return Err(self.problem(PayloadProblem::LoneSurrogate));
                }
                self.at += 2;
                let second = self.four_hex_digits(start)?;
                if !(0xDC00..0xE000).contains(&second) {
                    self.at = start;
                    return Err(self.problem(PayloadProblem::LoneSurrogate));
                }
                0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00)
            }
            unit => unit,
        };
        char::from_u32(unit).ok_or_else(|| {
            self.at = start;
            self.problem(PayloadProblem::LoneSurrogate)
        })
    }

    fn four_hex_digits(&mut self, start: usize) -> Scan<u32> {
        let digits = self.text.as_bytes().get(self.at..self.at + 4);
        let value = digits.and_then(|digits| {
            digits.iter().try_fold(0, |value, digit| {
                char::from(*digit).to_digit(16).map(|digit| value * 16 + digit)
            })
        });
        match value {
            Some(value) => {
                self.at += 4;
                Ok(value)
            }
            None => {
                self.at = start;
                Err(self.problem(PayloadProblem::InvalidEscape))
            }
        }
    }
}

#[cold]
fn within(mut error: Box<PayloadError>, name: &str) -> Box<PayloadError> {
    error.member = Some(match error.member.take() {
        None => name.to_owned(),
        Some(path) if path.starts_with('[') => format!("{name}{path}"),
        Some(path) => format!("{name}.{path}"),
    });
    error
}

/// The items of an array; `json` is the text of one that a [`Scanner`] accepted.
#[cfg(any(feature = "diagnosis", all(test, feature = "dialect-files")))]
pub(super) fn items(json: &str) -> Option<Vec<Value<'_>>> {
    let mut items = Vec::new();
    Scanner::new(json).array(1, |item| items.push(item)).ok()?;
    Some(items)
}

/// Writes nested JSON compactly: no spaces, and no escape for what JSON allows unescaped.
///
/// `json` is the text of an array or object that a [`Scanner`] accepted.
pub(super) fn compact_into(json: &str, out: &mut String) {
    let mut scanner = Scanner::new(json);
    while let Some(byte) = scanner.peek() {
        match byte {
            b' ' | b'\n' | b'\r' | b'\t' => scanner.at += 1,
            b'"' => match scanner.string() {
                Ok(text) => quote_into(&text, out),
                // Not reached: the text was scanned before. Stop rather than loop.
                Err(_) => return,
            },
            _ => {
                let start = scanner.at;
                while let Some(byte) = scanner.peek()
                    && !matches!(byte, b' ' | b'\n' | b'\r' | b'\t' | b'"')
                {
                    scanner.at += 1;
                }
                out.push_str(&json[start..scanner.at]);
            }
        }
    }
}

pub(super) fn quote_into(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0'..='\u{1f}' => out.push_str(&format!("\\u{:04x}", u32::from(character))),
            _ => out.push(character),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod edge_tests;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_json_is_compact_with_the_fewest_escapes() {
        let mut out = String::new();
        compact_into(
            r#"{ "a\/b" : [ 1.10 , "\u4e2d\ud83d\ude00" ] , "c" : "\u0001\b\"\\\u007f " }"#,
            &mut out,
        );
        assert_eq!(out, "{\"a/b\":[1.10,\"中😀\"],\"c\":\"\\u0001\\b\\\"\\\\\u{7f} \"}");
    }
}
