//! Values that differ from order to order: `--set NAME=VALUE` with placeholders in VALUE.
//!
//! A placeholder is exactly `{word}`, `{word:argument}` or `{low..high}`; anything else in braces
//! is literal, so JSON objects need no escape. `{{n}}` stands for the text `{n}`.

use std::fmt::Write as _;

use jiff::Timestamp;
use protocol::internal::edit::json_string;
use protocol::{Payload, PayloadError, PayloadProblem};
use serde::{Deserialize, Serialize};

use super::ids::{MAX_ID_DIGITS, OrderIds};
use crate::mask::Untrusted;

/// The most digits that one `{hex:N}` gives.
pub const MAX_HEX_DIGITS: usize = 1024;

const KNOWN: &str = "{n}, {uuid}, {now}, {now_ms}, {hex:N} and {LOW..HIGH}";

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    Put { name: String, template: Template },
    Remove { name: String },
}

impl Change {
    pub fn name(&self) -> &str {
        match self {
            Change::Put { name, .. } | Change::Remove { name } => name,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "(String, Form)", into = "(String, Form)")]
pub struct Template {
    text: String,
    segments: Vec<Segment>,
    form: Form,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    Literal(String),
    Number,
    /// `{uuid}`, a random UUID of version 4.
    Uuid,
    /// `{now}`, the order's completion in Unix seconds.
    Now,
    /// `{now_ms}`, the same in milliseconds.
    NowMillis,
    /// `{hex:N}`, so many hexadecimal digits that look random, and repeat only after 16^N orders.
    Hex(usize),
    Range(i64, i64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    Json,
    Text,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    #[error("{{{}}} is unknown; there are {KNOWN}; {{{{{}}}}} is the plain text", Untrusted::new(.0), Untrusted::new(.0))]
    Unknown(String),
    /// `{hex:N}` without a number in its limits.
    #[error("{{{}}}: expected a number from 1 to {MAX_HEX_DIGITS}, as in {{hex:8}}", Untrusted::new(.0))]
    HexDigits(String),
    #[error("{{{}}}: the range is reversed", Untrusted::new(.0))]
    Reversed(String),
    /// A bound that is not a 64-bit integer.
    #[error("{{{}}}: a bound is beyond 64 bits", Untrusted::new(.0))]
    Overflow(String),
    #[error("{0}")]
    Json(PayloadProblem),
}

#[derive(Debug)]
pub struct TemplateContext<'r> {
    /// The order's number, from 1.
    pub number: u64,
    pub completed_at: Timestamp,
    pub random: &'r mut fastrand::Rng,
    /// Where hexadecimal digits come from: they are used for ids, which must not repeat.
    pub ids: &'r OrderIds,
    pub places: u64,
}

impl Template {
    /// Reads a VALUE: JSON where it parses as JSON whatever its placeholders expand to, else a
    /// string, so that the field's type is the same in every order of a run.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut template = Template::parse_text(text)?;
        let mut forms = [i64::MIN, 0, i64::MAX].into_iter().map(|near| {
            form_of(&template.text_with(&mut |segment, out| segment.probe_into(near, out)))
        });
        let is_json = forms.try_fold(true, |is_json, form| Ok(form? == Form::Json && is_json));
        if is_json.map_err(TemplateError::Json)? {
            template.form = Form::Json;
        }
        Ok(template)
    }

    pub fn parse_text(text: &str) -> Result<Self, TemplateError> {
        Ok(Template { text: text.to_owned(), segments: segments(text)?, form: Form::Text })
    }

    pub fn expand(&self, context: &mut TemplateContext<'_>) -> String {
        self.fill(&mut |segment, out| segment.expand_into(context, out))
    }

    /// The value as JSON text; `write` expands a placeholder, in JSON with numbers as digits.
    pub fn fill(&self, write: &mut dyn FnMut(&Segment, &mut String)) -> String {
        let text = self.text_with(write);
        match self.form {
            Form::Json => text,
            Form::Text => json_string(&text),
        }
    }

    fn text_with(&self, write: &mut dyn FnMut(&Segment, &mut String)) -> String {
        let mut text = String::new();
        for segment in &self.segments {
            match segment {
                Segment::Literal(literal) => text.push_str(literal),
                placeholder => write(placeholder, &mut text),
            }
        }
        text
    }
}

impl TryFrom<(String, Form)> for Template {
    type Error = TemplateError;

    fn try_from((text, form): (String, Form)) -> Result<Self, TemplateError> {
        match form {
            Form::Json => Template::parse(&text),
            Form::Text => Template::parse_text(&text),
        }
    }
}

impl From<Template> for (String, Form) {
    fn from(template: Template) -> Self {
        (template.text, template.form)
    }
}

impl Segment {
    fn expand_into(&self, context: &mut TemplateContext<'_>, out: &mut String) {
        let number = match self {
            Segment::Literal(text) => return out.push_str(text),
            Segment::Uuid => return write_uuid(context.random.u128(..), out),
            Segment::Hex(digits) => return write_hex(*digits, context, out),
            Segment::Number => context.number.to_string(),
            Segment::Now => context.completed_at.as_second().to_string(),
            Segment::NowMillis => context.completed_at.as_millisecond().to_string(),
            Segment::Range(low, high) => context.random.i64(*low..=*high).to_string(),
        };
        out.push_str(&number);
    }

    /// Writes a value that decides whether all values are JSON; of a range the one nearest to
    /// `near`.
    fn probe_into(&self, near: i64, out: &mut String) {
        match self {
            Segment::Literal(text) => out.push_str(text),
            Segment::Number | Segment::Now | Segment::NowMillis => out.push('1'),
            // A run of digits may be a number by chance: one with a letter decides for all.
            Segment::Hex(digits) => out.push_str(&"a".repeat(*digits)),
            Segment::Uuid => out.push_str("a-a"),
            Segment::Range(low, high) => out.push_str(&near.clamp(*low, *high).to_string()),
        }
    }
}

fn write_hex(digits: usize, context: &mut TemplateContext<'_>, out: &mut String) {
    let unique = digits.min(MAX_ID_DIGITS as usize);
    // The first place is that of the example's own id.
    context.places += 1;
    let index = context.number.saturating_sub(1);
    let number = context.ids.digits(index, unique as u32, context.places);
    // Writing into a String cannot fail.
    let _ = write!(out, "{number:0unique$x}");
    for _ in unique..digits {
        out.push(char::from(b"0123456789abcdef"[context.random.usize(0..16)]));
    }
}

/// A random UUID by RFC 9562: version 4, variant 10.
fn write_uuid(random: u128, out: &mut String) {
    let bits = random & !(0xF << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62);
    let hex = format!("{bits:032x}");
    out.push_str(&[&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-"));
}

fn segments(text: &str) -> Result<Vec<Segment>, TemplateError> {
    let mut segments = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    // Only a doubled brace that was opened is closed by a doubled one: JSON ends in }} too.
    let mut open = 0_usize;
    while let Some(at) = rest.find(['{', '}']) {
        literal.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix("{{") {
            open += 1;
            literal.push('{');
            rest = after;
        } else if let Some(after) = rest.strip_prefix("}}").filter(|_| open > 0) {
            open -= 1;
            literal.push('}');
            rest = after;
        } else if let Some((segment, after)) = placeholder(rest) {
            segments.extend([Segment::Literal(std::mem::take(&mut literal)), segment?]);
            rest = after;
        } else {
            literal.push_str(&rest[..1]);
            rest = &rest[1..];
        }
    }
    segments.push(Segment::Literal(literal + rest));
    Ok(segments)
}

/// The placeholder that the text begins with, and what follows it; `None` where the braces have
/// not the form of one.
fn placeholder(text: &str) -> Option<(Result<Segment, TemplateError>, &str)> {
    let (inside, after) = text.strip_prefix('{')?.split_once('}')?;
    if let Some((low, high)) =
        inside.split_once("..").filter(|(a, b)| is_integer(a) && is_integer(b))
    {
        let segment = match (low.parse(), high.parse()) {
            (Ok(low), Ok(high)) if low > high => Err(TemplateError::Reversed(inside.to_owned())),
            (Ok(low), Ok(high)) => Ok(Segment::Range(low, high)),
            _ => Err(TemplateError::Overflow(inside.to_owned())),
        };
        return Some((segment, after));
    }
    let (word, argument) = inside.split_once(':').unwrap_or((inside, ""));
    let is_named = word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if !is_named
        || !word.bytes().all(is_word)
        || !argument.bytes().all(|it| is_word(it) || it == b'-')
    {
        return None;
    }
    let segment = match inside {
        "n" => Ok(Segment::Number),
        "uuid" => Ok(Segment::Uuid),
        "now" => Ok(Segment::Now),
        "now_ms" => Ok(Segment::NowMillis),
        _ if word == "hex" => match argument.parse() {
            Ok(digits @ 1..=MAX_HEX_DIGITS) => Ok(Segment::Hex(digits)),
            _ => Err(TemplateError::HexDigits(inside.to_owned())),
        },
        _ => Err(TemplateError::Unknown(inside.to_owned())),
    };
    Some((segment, after))
}

fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

pub fn form_of(value: &str) -> Result<Form, PayloadProblem> {
    match Payload::parse(format!("{{\"v\":{value}}}").as_bytes()) {
        Ok(payload) if payload.members().len() == 1 => Ok(Form::Json),
        Err(PayloadError {
            problem: problem @ (PayloadProblem::DuplicateMember(_) | PayloadProblem::TooDeep),
            ..
        }) => Err(problem),
        _ => Ok(Form::Text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expand(text: &str, number: u64, seed: u64) -> String {
        let mut random = fastrand::Rng::with_seed(seed);
        Template::parse(text).unwrap().expand(&mut TemplateContext {
            number,
            completed_at: Timestamp::from_millisecond(1_567_614_111_250).unwrap(),
            random: &mut random,
            ids: &OrderIds::new(seed),
            places: 0,
        })
    }

    #[test]
    fn placeholders_expand_and_numbers_stay_numbers() {
        for (template, json) in [
            ("{n}", "7"),
            ("{now}", "1567614111"),
            ("{now_ms}", "1567614111250"),
            ("order {n}", "\"order 7\""),
            ("{n}.50", "7.50"),
            ("0{n}", "\"07\""),
            ("{5..5}", "5"),
            ("{-3..-3}", "-3"),
            ("[{n}, {n}]", "[7, 7]"),
            ("\"{n}\"", "\"7\""),
            ("", "\"\""),
            ("true", "true"),
        ] {
            assert_eq!(expand(template, 7, 1), json, "{template}");
        }
    }

    #[test]
    fn json_objects_need_no_escape() {
        for (template, json) in [
            (r#"{"a":1}"#, r#"{"a":1}"#),
            (r#"{"a":{"b":{}}}"#, r#"{"a":{"b":{}}}"#),
            (r#"{"a":{"b":{n}}}"#, r#"{"a":{"b":7}}"#),
            (r#"{"id":"{{n}}","x":{"y":1}}"#, r#"{"id":"{n}","x":{"y":1}}"#),
            ("{{n}} is {n}", "\"{n} is 7\""),
            ("{ n }", "\"{ n }\""),
            ("a } b { c", "\"a } b { c\""),
            ("{}", "{}"),
            ("{王}", "\"{王}\""),
        ] {
            assert_eq!(expand(template, 7, 1), json, "{template}");
        }
    }

    #[test]
    fn a_member_has_the_same_type_in_every_order() {
        for seed in 0..200 {
            assert!(expand("{hex:2}", 1, seed).starts_with('"'));
            // 01 is not a JSON number, though -51 and 51 are.
            assert!(expand("{-5..5}1", 1, seed).starts_with('"'));
            let amount: i64 = expand("{100..500000}", 1, seed).parse().unwrap();
            assert!((100..=500_000).contains(&amount));
        }
        assert!(!expand("{-9223372036854775808..9223372036854775807}", 1, 1).is_empty());
    }

    #[test]
    fn a_uuid_is_of_version_4_and_follows_the_seed() {
        let uuid = expand("{uuid}", 1, 5);
        assert_eq!(uuid.len(), 38);
        assert_eq!((&uuid[15..16], uuid.matches('-').count()), ("4", 4));
        assert!("89ab".contains(&uuid[20..21]), "{uuid}");
        assert_eq!(uuid, expand("{uuid}", 9, 5));
        assert_ne!(uuid, expand("{uuid}", 1, 6));
    }

    #[test]
    fn hexadecimal_digits_do_not_repeat_and_places_differ() {
        let mut seen = std::collections::HashSet::new();
        for number in 1..=65_536 {
            assert!(seen.insert(expand("P{hex:4}", number, 4)), "order {number}");
        }
        let pair = expand("{hex:8}-{hex:8}", 1, 4);
        assert_ne!(pair[1..9], pair[10..18], "{pair}");
        assert_eq!(expand("{hex:40}", 1, 4).len(), 42);
        assert_ne!(expand("{hex:40}", 1, 4), expand("{hex:40}", 2, 4));
    }

    #[test]
    fn slips_are_named() {
        use TemplateError as E;
        for (template, error) in [
            ("{uid}", E::Unknown("uid".into())),
            ("{n:3}", E::Unknown("n:3".into())),
            ("{hex}", E::HexDigits("hex".into())),
            ("{hex:0}", E::HexDigits("hex:0".into())),
            ("{hex:99999}", E::HexDigits("hex:99999".into())),
            ("{5..1}", E::Reversed("5..1".into())),
            ("{0..9223372036854775808}", E::Overflow("0..9223372036854775808".into())),
            (r#"{"a":1,"a":2}"#, E::Json(PayloadProblem::DuplicateMember("a".into()))),
        ] {
            assert_eq!(Template::parse(template), Err(error), "{template}");
        }
        assert_eq!(
            Template::parse("{uid}").unwrap_err().to_string(),
            "{uid} is unknown; there are {n}, {uuid}, {now}, {now_ms}, {hex:N} and {LOW..HIGH}; \
             {{uid}} is the plain text"
        );
    }
}
