//! The operations of a recipe, and how they are written.

use protocol::internal::edit::json_string;
use protocol::internal::nearest::nearest;
use protocol::{Algorithm, Payload};

use super::MAX_FILL;
use super::placeholder;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Start(Start),
    Set { name: String, json: String },
    Unset(String),
    Rename { name: String, to: String },
    Swap(String, String),
    Take(String),
    Duplicate { name: String, json: String, end: End },
    Fill { name: String, bytes: usize },
    Deep { name: String, levels: usize },
    Write(Writing),
    Sign(SignPlan),
    LetterDigest,
    Truncate,
    Raw(String),
    RawBytes(Vec<u8>),
    Header { name: String, value: String },
    Method(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    Fresh(Ending),
    SameOrder(Ending),
    /// The bytes of an earlier message, numbered from 1; the last one where no number is given.
    Again(Option<usize>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Success,
    Cancelled,
    Failed,
    Processing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    First,
    Last,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Writing {
    Shuffled,
    Pretty,
    EscapedUnicode,
    EscapedSlashes,
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

const WORDS: [&str; 29] = [
    "success",
    "cancelled",
    "failed",
    "processing",
    "same-order",
    "again",
    "set",
    "set-text",
    "unset",
    "rename",
    "swap",
    "take",
    "duplicate-first",
    "duplicate-last",
    "fill",
    "deep",
    "shuffle",
    "pretty",
    "escape-unicode",
    "escape-slashes",
    "sign",
    "letter-digest",
    "truncate",
    "raw",
    "raw-hex",
    "header",
    "no-header",
    "content-type",
    "method",
];

const SIGN_WORDS: [&str; 7] =
    ["wrong-key", "no-key", "other-case", "last-digit", "short", "md5", "hmac-sha256"];

impl Operation {
    pub(super) fn parse(line: &str) -> Result<Operation, String> {
        let line = line.trim_start();
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        if let Some(ending) = Ending::named(word) {
            return alone(word, rest, Operation::Start(Start::Fresh(ending)));
        }
        let operation = match word {
            "same-order" => Operation::Start(Start::SameOrder(Ending::parse(rest)?)),
            "again" => Operation::Start(Start::Again(message_number(rest)?)),
            "unset" => Operation::Unset(only(word, rest)?),
            "take" => Operation::Take(only(word, rest)?),
            "rename" => {
                let (name, to) = pair(word, rest)?;
                Operation::Rename { name, to }
            }
            "swap" => {
                let (one, other) = pair(word, rest)?;
                Operation::Swap(one, other)
            }
            "shuffle" => return alone(word, rest, Operation::Write(Writing::Shuffled)),
            "pretty" => return alone(word, rest, Operation::Write(Writing::Pretty)),
            "escape-unicode" => {
                return alone(word, rest, Operation::Write(Writing::EscapedUnicode));
            }
            "escape-slashes" => {
                return alone(word, rest, Operation::Write(Writing::EscapedSlashes));
            }
            "sign" => Operation::Sign(SignPlan::parse(rest)?),
            "letter-digest" => return alone(word, rest, Operation::LetterDigest),
            "truncate" => return alone(word, rest, Operation::Truncate),
            _ => return Operation::parse_value(word, rest),
        };
        Ok(operation)
    }

    fn parse_value(word: &str, rest: &str) -> Result<Operation, String> {
        Ok(match word {
            "set" => {
                let (name, json) = name_and_json(word, rest)?;
                Operation::Set { name, json }
            }
            "set-text" => {
                let (name, text) = name_and_rest(word, rest)?;
                placeholder::check(text)?;
                Operation::Set { name: name.to_owned(), json: json_string(text) }
            }
            "duplicate-first" | "duplicate-last" => {
                let (name, json) = name_and_json(word, rest)?;
                let end = if word == "duplicate-first" { End::First } else { End::Last };
                Operation::Duplicate { name, json, end }
            }
            "fill" => {
                let (name, bytes) = name_and_count(word, rest, MAX_FILL)?;
                Operation::Fill { name, bytes }
            }
            "deep" => {
                let (name, levels) = name_and_count(word, rest, MAX_FILL / 2)?;
                Operation::Deep { name, levels }
            }
            "raw" => {
                placeholder::check(rest)?;
                Operation::Raw(rest.to_owned())
            }
            "raw-hex" => Operation::RawBytes(
                hex::decode(rest).map_err(|_| "raw-hex wants pairs of hexadecimal digits")?,
            ),
            "header" => {
                let (name, value) = name_and_rest(word, rest)?;
                header(name, value)?
            }
            "no-header" => header(&only(word, rest)?, "")?,
            "content-type" if rest.is_empty() => return Err(format!("{word} wants a text")),
            "content-type" => header("Content-Type", rest)?,
            "method" => {
                let name = only(word, rest)?;
                if !is_token(&name) {
                    return Err(format!("{name:?} is no method"));
                }
                Operation::Method(name)
            }
            _ => {
                return Err(match nearest(word, WORDS) {
                    Some(near) => format!("there is no operation {word:?}; did you mean {near}?"),
                    None => format!("there is no operation {word:?}"),
                });
            }
        })
    }

    pub(super) fn makes_bytes(&self) -> bool {
        matches!(self, Operation::Truncate | Operation::Raw(_) | Operation::RawBytes(_))
    }

    pub(super) fn signs(&self) -> bool {
        matches!(self, Operation::Sign(_) | Operation::LetterDigest)
    }

    pub(super) fn changes_members(&self) -> bool {
        !self.makes_bytes()
            && !matches!(
                self,
                Operation::Start(_) | Operation::Header { .. } | Operation::Method(_)
            )
    }
}

impl Ending {
    fn named(word: &str) -> Option<Ending> {
        Some(match word {
            "success" => Ending::Success,
            "cancelled" => Ending::Cancelled,
            "failed" => Ending::Failed,
            "processing" => Ending::Processing,
            _ => return None,
        })
    }

    fn parse(word: &str) -> Result<Ending, String> {
        Ending::named(word)
            .ok_or_else(|| "success, cancelled, failed or processing is wanted".to_owned())
    }
}

impl SignPlan {
    fn parse(rest: &str) -> Result<SignPlan, String> {
        let mut plan = SignPlan::default();
        for word in rest.split_whitespace() {
            match word {
                "wrong-key" => plan.key = KeyChoice::Wrong,
                "no-key" => plan.key = KeyChoice::Empty,
                "other-case" => plan.digits = Digits::OtherCase,
                "last-digit" => plan.digits = Digits::LastChanged,
                "short" => plan.digits = Digits::FirstEight,
                "md5" => plan.algorithm = Some(Algorithm::Md5),
                "hmac-sha256" => plan.algorithm = Some(Algorithm::HmacSha256),
                other => {
                    let wanted = SIGN_WORDS.join(", ");
                    return Err(match nearest(other, SIGN_WORDS) {
                        Some(near) => format!("sign {other:?} is unknown; did you mean {near}?"),
                        None => format!("sign {other:?} is unknown; {wanted} are known"),
                    });
                }
            }
        }
        Ok(plan)
    }
}

fn alone(word: &str, rest: &str, operation: Operation) -> Result<Operation, String> {
    if rest.trim().is_empty() { Ok(operation) } else { Err(format!("{word} stands alone")) }
}

fn only(word: &str, rest: &str) -> Result<String, String> {
    let mut words = rest.split_whitespace();
    match (words.next(), words.next()) {
        (Some(one), None) => Ok(one.to_owned()),
        _ => Err(format!("{word} wants one name")),
    }
}

fn pair(word: &str, rest: &str) -> Result<(String, String), String> {
    let mut words = rest.split_whitespace();
    match (words.next(), words.next(), words.next()) {
        (Some(one), Some(other), None) => Ok((one.to_owned(), other.to_owned())),
        _ => Err(format!("{word} wants two names")),
    }
}

fn name_and_rest<'l>(word: &str, rest: &'l str) -> Result<(&'l str, &'l str), String> {
    let (name, value) = rest.split_once(' ').unwrap_or((rest, ""));
    if name.is_empty() {
        Err(format!("{word} wants a name and a value"))
    } else {
        Ok((name, value))
    }
}

fn name_and_json(word: &str, rest: &str) -> Result<(String, String), String> {
    let (name, json) = name_and_rest(word, rest)?;
    let sample = placeholder::sample(json)?;
    let is_json = Payload::parse(format!("{{\"v\":{sample}}}").as_bytes())
        .is_ok_and(|payload| payload.members().len() == 1);
    if is_json {
        Ok((name.to_owned(), json.to_owned()))
    } else {
        Err(format!("{json:?} is no JSON value; set-text takes plain text"))
    }
}

fn name_and_count(word: &str, rest: &str, most: usize) -> Result<(String, usize), String> {
    let (name, count) = pair(word, rest)?;
    match count.parse() {
        Ok(count) if (1..=most).contains(&count) => Ok((name, count)),
        _ => Err(format!("{word} wants a number from 1 to {most}")),
    }
}

fn message_number(rest: &str) -> Result<Option<usize>, String> {
    match rest.trim() {
        "" => Ok(None),
        text => match text.parse() {
            Ok(number) if number > 0 => Ok(Some(number)),
            _ => Err("again wants the number of an earlier message, from 1".to_owned()),
        },
    }
}

fn header(name: &str, value: &str) -> Result<Operation, String> {
    if !is_token(name) || value.chars().any(|c| !(' '..='~').contains(&c)) {
        return Err(format!("{name:?} with {value:?} is no header"));
    }
    // What tells where a message ends is the sender's own business.
    if ["content-length", "transfer-encoding"].contains(&name.to_ascii_lowercase().as_str()) {
        return Err(format!("{name} is told by how the message is sent, see manner"));
    }
    Ok(Operation::Header { name: name.to_owned(), value: value.to_owned() })
}

/// Whether a text is a token of HTTP (RFC 9110, section 5.6.2).
fn is_token(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_plain)
}
