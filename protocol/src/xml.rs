//! Payloads that are written as XML: one element, and in it one plain element for each member.
//!
//! Strict and small: no attributes, no nesting, no document type and so no entities of its own, since
//! nothing of that is in such a notification and each is a way to hide something in one. The text of
//! an element is what an XML processor gives: CDATA as it is, the five predefined entities and
//! character references resolved, line ends as `\n` (XML 1.0, section 2.11).

use std::borrow::Cow;
use std::ops::Range;

use super::edit::splice;
use super::payload::{Encoding, Member, Payload, PayloadError, PayloadProblem, Value};

const ENTITIES: [(&str, char); 5] =
    [("amp", '&'), ("lt", '<'), ("gt", '>'), ("quot", '"'), ("apos", '\'')];

/// Reads a payload in XML.
pub(super) fn read(text: &str) -> Result<Payload<'_>, PayloadError> {
    let mut reader = Reader { text, at: 0 };
    match reader.document() {
        Ok((members, inside)) => Payload::try_new(text, Encoding::Xml, members, inside),
        Err(problem) => Err(PayloadError::at(text.as_bytes(), reader.at, problem)),
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

type Parsed<T> = Result<T, PayloadProblem>;

fn wrong<T>(problem: &'static str) -> Parsed<T> {
    Err(PayloadProblem::InvalidXml(problem))
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn takes(&mut self, text: &str) -> bool {
        let found = self.rest().starts_with(text);
        if found {
            self.at += text.len();
        }
        found
    }

    fn through(&mut self, end: &str) -> Parsed<&'a str> {
        let Some(length) = self.rest().find(end) else { return Err(PayloadProblem::UnexpectedEnd) };
        let found = &self.rest()[..length];
        self.at += length + end.len();
        Ok(found)
    }

    /// Passes over white space and comments.
    fn blank(&mut self) -> Parsed<()> {
        loop {
            self.at += self.rest().len() - self.rest().trim_ascii_start().len();
            if !self.takes("<!--") {
                return Ok(());
            }
            self.through("-->")?;
        }
    }

    fn document(&mut self) -> Parsed<(Vec<Member<'a>>, Range<usize>)> {
        if self.rest().starts_with('\u{feff}') {
            return Err(PayloadProblem::ByteOrderMark);
        }
        self.blank()?;
        if self.rest().is_empty() {
            return Err(PayloadProblem::Empty);
        }
        if self.takes("<?xml ") {
            self.through("?>")?;
            self.blank()?;
        }
        let (root, is_closed) = self.tag()?;
        let mut members = Vec::new();
        let start = self.at;
        let mut end = start;
        if is_closed {
            return Err(PayloadProblem::Empty);
        }
        loop {
            self.blank()?;
            // The element for a new member comes behind the last one, not behind the white space.
            if self.rest().starts_with("</") {
                break self.close(root)?;
            }
            members.push(self.member()?);
            end = self.at;
        }
        self.blank()?;
        if self.rest().is_empty() { Ok((members, start..end)) } else { wrong("data follows it") }
    }

    /// The name of a start tag, and whether the element ends with it.
    fn tag(&mut self) -> Parsed<(&'a str, bool)> {
        if !self.takes("<") {
            return wrong("an element is expected");
        }
        let length = self.rest().find(|c| !is_part(c)).unwrap_or(self.rest().len());
        let name = &self.rest()[..length];
        if !is_name(name) {
            return wrong("a name of an element is expected");
        }
        self.at += length;
        self.at += self.rest().len() - self.rest().trim_ascii_start().len();
        if self.takes(">") {
            Ok((name, false))
        } else if self.takes("/>") {
            Ok((name, true))
        } else {
            wrong("only plain elements without attributes are read")
        }
    }

    fn close(&mut self, name: &str) -> Parsed<()> {
        let is_it = self.takes("</") && self.takes(name);
        self.at += self.rest().len() - self.rest().trim_ascii_start().len();
        if is_it && self.takes(">") { Ok(()) } else { wrong("an element is not closed") }
    }

    fn member(&mut self) -> Parsed<Member<'a>> {
        let start = self.at;
        let (name, is_closed) = self.tag()?;
        let value_start = self.at;
        let mut value = Cow::Borrowed("");
        while !is_closed && !self.rest().starts_with("</") {
            self.piece(&mut value)?;
        }
        let value_end = self.at;
        if !is_closed {
            self.close(name)?;
        }
        // Offsets fit: a payload is at most MAX_BYTES long.
        let span = |start: usize, end: usize| (start as u32, end as u32);
        Ok(Member {
            name: name.into(),
            value: Value::String(value),
            name_at: span(start, value_start),
            value_at: span(value_start, value_end),
        })
    }

    /// The next part of an element's text.
    fn piece(&mut self, value: &mut Cow<'a, str>) -> Parsed<()> {
        let start = self.at;
        if self.takes("&") {
            let name = self.through(";")?;
            let Some(letter) = entity(name) else {
                self.at = start;
                return wrong("an unknown entity");
            };
            value.to_mut().push(letter);
            return Ok(());
        }
        let text = if self.takes("<![CDATA[") {
            self.through("]]>")?
        } else if self.rest().starts_with('<') {
            return wrong("an element in an element: only plain text is read");
        } else {
            let length = self.rest().find(['<', '&']).ok_or(PayloadProblem::UnexpectedEnd)?;
            self.at += length;
            &self.text[start..self.at]
        };
        let is_invalid = |byte: u8| byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r');
        if let Some(byte) = text.bytes().find(|byte| is_invalid(*byte)) {
            self.at = start;
            return Err(PayloadProblem::ControlCharacter(byte));
        }
        let text = match text.contains('\r') {
            true => Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n")),
            false => Cow::Borrowed(text),
        };
        if value.is_empty() {
            *value = text;
        } else {
            value.to_mut().push_str(&text);
        }
        Ok(())
    }
}

fn is_part(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':')
}

/// Whether a text can be the name of an element.
pub(super) fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_') && text.chars().all(is_part)
}

fn entity(name: &str) -> Option<char> {
    let Some(number) = name.strip_prefix('#') else {
        return ENTITIES.iter().find(|(known, _)| *known == name).map(|(_, letter)| *letter);
    };
    let code = match number.strip_prefix('x') {
        Some(digits) => u32::from_str_radix(digits, 16).ok()?,
        None => number.parse().ok()?,
    };
    char::from_u32(code).filter(|letter| *letter >= ' ' || matches!(letter, '\t' | '\n' | '\r'))
}

/// Adds an element behind the others; a number is plain, as WeChat Pay writes it.
pub(super) fn element_into(name: &str, value: &str, is_number: bool, out: &mut String) {
    let value = if is_number { value.to_owned() } else { text(value) };
    out.push_str(&format!("<{name}>{value}</{name}>"));
}

/// A text as an element holds it: in CDATA, as WeChat Pay writes it, unless that cannot be.
fn text(value: &str) -> String {
    if !value.contains("]]>") && !value.contains('\r') {
        return format!("<![CDATA[{value}]]>");
    }
    let mut out = String::new();
    for letter in value.chars() {
        match ENTITIES.iter().find(|(_, known)| *known == letter) {
            Some((name, _)) => out.push_str(&format!("&{name};")),
            None if letter == '\r' => out.push_str("&#13;"),
            None => out.push(letter),
        }
    }
    out
}

/// Replaces a member's value in place, or adds the member last; every other byte stays.
pub(super) fn put(payload: &Payload<'_>, name: &str, value: &str) -> String {
    let mut element = String::new();
    let place = match payload.get(name) {
        Some(member) if !payload.text()[member.name_span()].ends_with("/>") => {
            return splice(payload.text(), member.value_span(), &text(value));
        }
        Some(member) => member.name_span(),
        None => payload.braces().end..payload.braces().end,
    };
    element_into(name, value, false, &mut element);
    splice(payload.text(), place, &element)
}

/// Takes a member out.
pub(super) fn remove(payload: &Payload<'_>, name: &str) -> String {
    let text = payload.text();
    let Some(member) = payload.get(name) else { return text.to_owned() };
    let (start, mut end) = (member.name_span().start, member.value_span().end);
    if !text[member.name_span()].ends_with("/>") {
        end += text[end..].find('>').map_or(0, |at| at + 1);
    }
    splice(text, start..end, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(text: &str) -> Vec<(String, String)> {
        let payload = read(text).unwrap();
        let value = |value: &Value<'_>| match value {
            Value::String(text) => text.to_string(),
            other => panic!("{other:?}"),
        };
        payload.members().iter().map(|one| (one.name.to_string(), value(&one.value))).collect()
    }

    #[test]
    fn the_text_of_an_element_is_what_an_xml_processor_gives() {
        for (inside, value) in [
            ("1", "1"),
            ("", ""),
            ("<![CDATA[a<b&amp;]]>", "a<b&amp;"),
            ("a&lt;b &amp; c&#65;&#x42;&apos;&quot;&gt;", "a<b & cAB'\">"),
            (" x <![CDATA[]]]]><![CDATA[>y]]>", " x ]]>y"),
            ("a\r\nb\rc&#13;", "a\nb\nc\r"),
            ("王", "王"),
        ] {
            let text = format!("<?xml version=\"1.0\"?>\n<xml>\n<a >{inside}</a ><b/></xml>\n");
            let expected = [("a", value), ("b", "")];
            let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
            assert_eq!(members(&text), expected, "{inside}");
        }
        assert_eq!(members("<!-- x --><xml><!-- y --></xml><!-- z -->"), []);
    }

    #[test]
    fn what_is_not_one_element_of_plain_elements_is_refused() {
        for text in [
            "",
            "<xml/>",
            "<xml><a>1</a>",
            "<xml><a>1</b></xml>",
            "<xml><a>1</a></xml>x",
            "<xml><a>1</a></xml><xml/>",
            "<xml><a b='c'>1</a></xml>",
            "<xml><a><b>1</b></a></xml>",
            "<xml>text</xml>",
            "<xml><a>&x;</a></xml>",
            "<xml><a>&#0;</a></xml>",
            "<xml><a>&amp</a></xml>",
            "<xml><a>\u{1}</a></xml>",
            "<xml><a><![CDATA[1</a></xml>",
            "<!DOCTYPE x [<!ENTITY a 'b'>]><xml><a>&a;</a></xml>",
            "<xml><a>1</a><a>2</a></xml>",
            "<xml><1>1</1></xml>",
            "<",
            "<xml><!-- x",
            "\u{feff}<xml><a>1</a></xml>",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_member_is_put_and_removed_and_the_rest_stays() {
        for (text, put_in, removed) in [
            (
                "<xml>\n <a>1</a>\n</xml>",
                "<xml>\n <a><![CDATA[x]]></a>\n</xml>",
                "<xml>\n \n</xml>",
            ),
            (
                "<xml><a/><b>2</b></xml>",
                "<xml><a><![CDATA[x]]></a><b>2</b></xml>",
                "<xml><b>2</b></xml>",
            ),
            (
                "<xml><b>2</b>\n</xml>",
                "<xml><b>2</b><a><![CDATA[x]]></a>\n</xml>",
                "<xml><b>2</b>\n</xml>",
            ),
        ] {
            let payload = read(text).unwrap();
            assert_eq!(put(&payload, "a", "x"), put_in);
            assert_eq!(remove(&payload, "a"), removed);
        }
    }

    #[test]
    fn every_text_is_read_as_it_was_written() {
        for value in ["", "1", "a b", "<&>\"'", "]]>", "x\r\ny", "王", "-1.50", " "] {
            let mut element = String::new();
            element_into("v", value, false, &mut element);
            let found = members(&format!("<xml>{element}</xml>"));
            assert_eq!(found, [("v".to_owned(), value.to_owned())], "{element}");
        }
    }
}
