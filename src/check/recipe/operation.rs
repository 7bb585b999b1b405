//! The operations of a recipe, and how they are written.

use protocol::internal::edit::json_string;
use protocol::internal::nearest::{did_you_mean, nearest};
use protocol::{Algorithm, Payload};

use super::MAX_FILL;
use super::draft::Style;
use super::placeholder;
use crate::mask::Untrusted;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Start(Start),
    Set(Member),
    Unset(String),
    Rename(String, String),
    Swap(String, String),
    Respell(String, Spelling),
    Take(String),
    DuplicateFirst(Member),
    DuplicateLast(Member),
    Shuffle,
    Write(Style),
    Sign(SignPlan),
    LetterDigest,
    Truncate,
    Raw(String),
    RawBytes(Vec<u8>),
    Header(String, String),
    Method(String),
    /// A pair behind the URL.
    Query(Member),
    /// All members go behind the URL, and nothing into the body.
    InQuery,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    Fresh(Ending),
    /// The order of an earlier message, numbered from 1; of the last one where no number is given.
    SameOrder(Ending, Option<usize>),
    /// The bytes of an earlier message, numbered from 1; the last one where no number is given.
    Again(Option<usize>),
    /// The bytes of the first notification of the check.
    Opening,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Success,
    Cancelled,
    Failed,
    Processing,
}

/// Another text that a loose comparison takes for the same id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spelling {
    OtherCase,
    SpaceBehind,
    Longer,
    Wildcard,
    FullWidth,
    ZeroBefore,
}

const SPELLINGS: [(&str, Spelling); 6] = [
    ("other-case", Spelling::OtherCase),
    ("space", Spelling::SpaceBehind),
    ("longer", Spelling::Longer),
    ("wildcard", Spelling::Wildcard),
    ("full-width", Spelling::FullWidth),
    ("zero", Spelling::ZeroBefore),
];

impl Spelling {
    fn parse(word: &str) -> Result<Spelling, String> {
        let known = SPELLINGS.iter().find(|(name, _)| *name == word);
        known.map(|(_, spelling)| *spelling).ok_or_else(|| {
            let names = SPELLINGS.map(|(name, _)| name);
            format!(
                "there is no spelling {:?}; expected one of {}",
                Untrusted::new(&word),
                names.join(", ")
            )
        })
    }

    /// `None` where the text has nothing to write otherwise.
    pub(super) fn of(self, text: &str) -> Option<String> {
        let first = |fits: fn(&char) -> bool, other: &dyn Fn(char) -> String| {
            let at = text.find(|letter: char| fits(&letter))?;
            let letter = text[at..].chars().next()?;
            let rest = &text[at + letter.len_utf8()..];
            Some(format!("{}{}{rest}", &text[..at], other(letter)))
        };
        match self {
            Spelling::OtherCase => {
                let swap = |letter: char| match letter.is_ascii_lowercase() {
                    true => letter.to_ascii_uppercase(),
                    false => letter.to_ascii_lowercase(),
                };
                let swapped: String = text.chars().map(swap).collect();
                (swapped != text).then_some(swapped)
            }
            Spelling::SpaceBehind => Some(format!("{text} ")),
            Spelling::Longer => Some(format!("{text}x")),
            Spelling::Wildcard => {
                let last = text.chars().next_back()?;
                Some(format!("{}%", &text[..text.len() - last.len_utf8()]))
            }
            Spelling::FullWidth => first(char::is_ascii_alphanumeric, &|letter| {
                char::from_u32(u32::from(letter) + 0xfee0).unwrap_or(letter).to_string()
            }),
            Spelling::ZeroBefore => first(char::is_ascii_digit, &|digit| format!("0{digit}")),
        }
    }
}

/// A member to be put in: its value is JSON that may have placeholders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) name: String,
    pub(super) json: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct SignPlan {
    pub(super) key: KeyChoice,
    pub(super) digits: Digits,
    pub(super) algorithm: Option<Algorithm>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum KeyChoice {
    #[default]
    Right,
    Wrong,
    Retired,
    Empty,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Digits {
    #[default]
    AsTheRule,
    OtherCase,
    LastChanged,
    FirstEight,
}

impl Operation {
    /// The fields that it changes and that must be there, as the recipe names them: setting one that
    /// is not there adds it.
    pub(super) fn needs(&self) -> Vec<&str> {
        match self {
            Operation::Unset(name)
            | Operation::Rename(name, _)
            | Operation::Take(name)
            | Operation::Respell(name, _)
            | Operation::DuplicateFirst(Member { name, .. })
            | Operation::DuplicateLast(Member { name, .. }) => vec![name],
            Operation::Swap(one, other) => vec![one, other],
            _ => Vec::new(),
        }
    }

    /// The fields that it changes, as the recipe names them.
    pub(super) fn changes(&self) -> Vec<&str> {
        match self {
            Operation::Set(Member { name, .. }) => vec![name],
            other => other.needs(),
        }
    }
}

/// Reads what follows the word of an operation, which comes first.
type Parse = fn(&str, &str) -> Result<Operation, String>;

const OPERATIONS: [(&str, Parse); 33] = [
    ("success", |word, rest| alone(word, rest, fresh(Ending::Success))),
    ("cancelled", |word, rest| alone(word, rest, fresh(Ending::Cancelled))),
    ("failed", |word, rest| alone(word, rest, fresh(Ending::Failed))),
    ("processing", |word, rest| alone(word, rest, fresh(Ending::Processing))),
    ("same-order", |_, rest| {
        let (status, number) = rest.split_once(' ').unwrap_or((rest, ""));
        Ok(Operation::Start(Start::SameOrder(ending(status)?, message_number(number)?)))
    }),
    ("again", |_, rest| Ok(Operation::Start(Start::Again(message_number(rest)?)))),
    ("opening", |word, rest| alone(word, rest, Operation::Start(Start::Opening))),
    ("set", |word, rest| json_member(word, rest).map(Operation::Set)),
    ("set-text", text_member),
    ("unset", |word, rest| only(word, rest).map(Operation::Unset)),
    ("rename", |word, rest| pair(word, rest).map(|(name, to)| Operation::Rename(name, to))),
    ("swap", |word, rest| pair(word, rest).map(|(one, other)| Operation::Swap(one, other))),
    ("respell", |word, rest| {
        let (name, spelling) = pair(word, rest)?;
        Ok(Operation::Respell(name, Spelling::parse(&spelling)?))
    }),
    ("take", |word, rest| only(word, rest).map(Operation::Take)),
    ("duplicate-first", |word, rest| json_member(word, rest).map(Operation::DuplicateFirst)),
    ("duplicate-last", |word, rest| json_member(word, rest).map(Operation::DuplicateLast)),
    ("fill", |word, rest| {
        long_member(word, rest, MAX_FILL, |bytes| json_string(&"x".repeat(bytes)))
    }),
    ("deep", |word, rest| {
        long_member(word, rest, MAX_FILL / 2, |levels| "[".repeat(levels) + &"]".repeat(levels))
    }),
    ("shuffle", |word, rest| alone(word, rest, Operation::Shuffle)),
    ("pretty", |word, rest| alone(word, rest, Operation::Write(Style::Pretty))),
    ("escape-unicode", |word, rest| alone(word, rest, Operation::Write(Style::EscapedUnicode))),
    ("escape-slashes", |word, rest| alone(word, rest, Operation::Write(Style::EscapedSlashes))),
    ("sign", |_, rest| SignPlan::parse(rest).map(Operation::Sign)),
    ("letter-digest", |word, rest| alone(word, rest, Operation::LetterDigest)),
    ("truncate", |word, rest| alone(word, rest, Operation::Truncate)),
    ("raw", |_, rest| placeholder::check(rest).map(|()| Operation::Raw(rest.to_owned()))),
    ("raw-hex", |_, rest| match hex::decode(rest) {
        Ok(bytes) => Ok(Operation::RawBytes(bytes)),
        Err(_) => Err("raw-hex needs pairs of hexadecimal digits".to_owned()),
    }),
    ("header", |word, rest| {
        name_and_rest(word, rest).and_then(|(name, value)| header(name, value))
    }),
    ("no-header", |word, rest| header(&only(word, rest)?, "")),
    ("content-type", |word, rest| match rest {
        "" => Err(format!("{word} needs a text")),
        text => header("Content-Type", text),
    }),
    ("method", |word, rest| match only(word, rest)? {
        name if is_token(&name) => Ok(Operation::Method(name)),
        name => Err(format!("{:?} is not a method", Untrusted::new(&name))),
    }),
    ("query", |word, rest| json_member(word, rest).map(Operation::Query)),
    ("in-query", |word, rest| alone(word, rest, Operation::InQuery)),
];

type PlanChange = fn(&mut SignPlan);

const SIGN_WORDS: [(&str, PlanChange); 8] = [
    ("wrong-key", |plan| plan.key = KeyChoice::Wrong),
    ("retired-key", |plan| plan.key = KeyChoice::Retired),
    ("no-key", |plan| plan.key = KeyChoice::Empty),
    ("other-case", |plan| plan.digits = Digits::OtherCase),
    ("last-digit", |plan| plan.digits = Digits::LastChanged),
    ("short", |plan| plan.digits = Digits::FirstEight),
    ("md5", |plan| plan.algorithm = Some(Algorithm::Md5)),
    ("hmac-sha256", |plan| plan.algorithm = Some(Algorithm::HmacSha256)),
];

impl Operation {
    pub(super) fn parse(line: &str) -> Result<Operation, String> {
        let line = line.trim_start();
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match OPERATIONS.iter().find(|(name, _)| *name == word) {
            Some((_, parse)) => parse(word, rest),
            None => {
                let near = did_you_mean(word, OPERATIONS.map(|(name, _)| name));
                Err(format!("there is no operation {:?}{near}", Untrusted::new(&word)))
            }
        }
    }

    pub(super) fn makes_bytes(&self) -> bool {
        matches!(
            self,
            Operation::Truncate | Operation::Raw(_) | Operation::RawBytes(_) | Operation::InQuery
        )
    }

    pub(super) fn signs(&self) -> bool {
        matches!(self, Operation::Sign(_) | Operation::LetterDigest)
    }

    pub(super) fn changes_members(&self) -> bool {
        !self.makes_bytes()
            && !matches!(
                self,
                Operation::Start(_)
                    | Operation::Header(..)
                    | Operation::Method(_)
                    | Operation::Query(_)
            )
    }
}

impl SignPlan {
    fn parse(rest: &str) -> Result<SignPlan, String> {
        let mut plan = SignPlan::default();
        for word in rest.split_whitespace() {
            let Some((_, change)) = SIGN_WORDS.iter().find(|(name, _)| *name == word) else {
                let names = SIGN_WORDS.map(|(name, _)| name);
                return Err(match nearest(word, names) {
                    Some(near) => {
                        format!("sign {:?} is unknown; did you mean {near}?", Untrusted::new(&word))
                    }
                    None => format!(
                        "sign {:?} is unknown; {} are known",
                        Untrusted::new(&word),
                        names.join(", ")
                    ),
                });
            };
            change(&mut plan);
        }
        Ok(plan)
    }
}

fn fresh(ending: Ending) -> Operation {
    Operation::Start(Start::Fresh(ending))
}

fn ending(word: &str) -> Result<Ending, String> {
    match word {
        "success" => Ok(Ending::Success),
        "cancelled" => Ok(Ending::Cancelled),
        "failed" => Ok(Ending::Failed),
        "processing" => Ok(Ending::Processing),
        _ => Err("expected success, cancelled, failed or processing".to_owned()),
    }
}

fn alone(word: &str, rest: &str, operation: Operation) -> Result<Operation, String> {
    if rest.trim().is_empty() {
        Ok(operation)
    } else {
        Err(format!("{word} takes nothing after it"))
    }
}

fn only(word: &str, rest: &str) -> Result<String, String> {
    let mut words = rest.split_whitespace();
    match (words.next(), words.next()) {
        (Some(one), None) => Ok(one.to_owned()),
        _ => Err(format!("{word} needs one name")),
    }
}

fn pair(word: &str, rest: &str) -> Result<(String, String), String> {
    let mut words = rest.split_whitespace();
    match (words.next(), words.next(), words.next()) {
        (Some(one), Some(other), None) => Ok((one.to_owned(), other.to_owned())),
        _ => Err(format!("{word} needs two names")),
    }
}

fn name_and_rest<'l>(word: &str, rest: &'l str) -> Result<(&'l str, &'l str), String> {
    let (name, value) = rest.split_once(' ').unwrap_or((rest, ""));
    if name.is_empty() {
        Err(format!("{word} needs a name and a value"))
    } else {
        Ok((name, value))
    }
}

fn json_member(word: &str, rest: &str) -> Result<Member, String> {
    let (name, json) = name_and_rest(word, rest)?;
    let sample = placeholder::sample(json)?;
    let is_json = Payload::parse(format!("{{\"v\":{sample}}}").as_bytes())
        .is_ok_and(|payload| payload.members().len() == 1);
    if is_json {
        Ok(Member { name: name.to_owned(), json: json.to_owned() })
    } else {
        Err(format!("{:?} is not a JSON value; set-text takes plain text", Untrusted::new(&json)))
    }
}

fn text_member(word: &str, rest: &str) -> Result<Operation, String> {
    let (name, text) = name_and_rest(word, rest)?;
    placeholder::check(text)?;
    Ok(Operation::Set(Member { name: name.to_owned(), json: json_string(text) }))
}

fn long_member(
    word: &str,
    rest: &str,
    most: usize,
    json: fn(usize) -> String,
) -> Result<Operation, String> {
    let (name, count) = pair(word, rest)?;
    match count.parse() {
        Ok(count) if (1..=most).contains(&count) => {
            Ok(Operation::Set(Member { name, json: json(count) }))
        }
        _ => Err(format!("{word} needs a number from 1 to {most}")),
    }
}

fn message_number(rest: &str) -> Result<Option<usize>, String> {
    match rest.trim() {
        "" => Ok(None),
        text => match text.parse() {
            Ok(number) if number > 0 => Ok(Some(number)),
            _ => Err("expected the number of an earlier message, from 1".to_owned()),
        },
    }
}

fn header(name: &str, value: &str) -> Result<Operation, String> {
    if !is_token(name) || value.chars().any(|c| !(' '..='~').contains(&c)) {
        return Err(format!(
            "{:?} with {:?} is not a header",
            Untrusted::new(&name),
            Untrusted::new(&value)
        ));
    }
    // What tells where a message ends is the sender's own business.
    if ["content-length", "transfer-encoding"].contains(&name.to_ascii_lowercase().as_str()) {
        return Err(format!(
            "{} is told by how the message is sent, see manner",
            Untrusted::new(&name)
        ));
    }
    Ok(Operation::Header(name.to_owned(), value.to_owned()))
}

/// Whether a text is a token of HTTP (RFC 9110, section 5.6.2).
fn is_token(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spelling_differs_and_says_where_it_cannot() {
        let spelt = |text: &str| SPELLINGS.map(|(_, spelling)| spelling.of(text));
        let some = |text: &str| Some(text.to_owned());
        let expected = ["pOT-07", "Pot-07 ", "Pot-07x", "Pot-0%", "Ｐot-07", "Pot-007"];
        assert_eq!(spelt("Pot-07"), expected.map(some));
        assert_eq!(spelt("é"), [None, some("é "), some("éx"), some("%"), None, None]);
        assert_eq!(spelt("12")[0], None);
        assert_eq!(spelt("")[3], None);
        assert!(Operation::parse("respell payout_id twice").is_err());
        assert!(Operation::parse("respell payout_id").is_err());
    }
}
