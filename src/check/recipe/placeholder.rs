//! Words in braces that stand for what differs from order to order, such as `{now}`.

use protocol::internal::nearest::nearest;

use super::operation::Ending;
use crate::mask::Untrusted;

const WORDS: [(&str, Placeholder); 17] = [
    ("id", Placeholder::Id),
    ("payout_id", Placeholder::OrderId),
    ("payout_cl_id", Placeholder::ClientId),
    ("other", Placeholder::Other),
    ("platform_id", Placeholder::PlatformId),
    ("now", Placeholder::Now(0)),
    ("iso", Placeholder::Iso),
    ("amount", Placeholder::Amount),
    ("other_amount", Placeholder::OtherAmount),
    ("smaller_amount", Placeholder::SmallerAmount),
    ("wrong_key", Placeholder::WrongKey),
    ("sign", Placeholder::Sign),
    ("sign_type", Placeholder::SignType),
    ("success", Placeholder::Status(Ending::Success)),
    ("cancelled", Placeholder::Status(Ending::Cancelled)),
    ("failed", Placeholder::Status(Ending::Failed)),
    ("processing", Placeholder::Status(Ending::Processing)),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Placeholder {
    Id,
    OrderId,
    ClientId,
    Other,
    PlatformId,
    Now(i64),
    Iso,
    Amount,
    OtherAmount,
    SmallerAmount,
    WrongKey,
    Sign,
    SignType,
    Status(Ending),
}

impl Placeholder {
    fn named(word: &str) -> Option<Placeholder> {
        if let Some((_, known)) = WORDS.iter().find(|(name, _)| *name == word) {
            return Some(*known);
        }
        let shift = word.strip_prefix("now").filter(|rest| rest.starts_with(['+', '-']))?;
        Some(Placeholder::Now(i64::from(shift.parse::<i32>().ok()?)))
    }
}

/// The text with each placeholder replaced.
///
/// Braces around anything but a plain word are text: JSON objects need no escape.
pub(super) fn expand(text: &str, value: impl Fn(Placeholder) -> String) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('{') {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let word = from[1..].split_once('}').map(|(word, _)| word).filter(|word| is_word(word));
        let Some(word) = word else {
            out.push('{');
            rest = &from[1..];
            continue;
        };
        match Placeholder::named(word) {
            Some(placeholder) => out.push_str(&value(placeholder)),
            None => return Err(unknown(word)),
        }
        rest = &from[word.len() + 2..];
    }
    out.push_str(rest);
    Ok(out)
}

pub(super) fn check(text: &str) -> Result<(), String> {
    sample(text).map(|_| ())
}

pub(super) fn sample(text: &str) -> Result<String, String> {
    expand(text, |placeholder| match placeholder {
        Placeholder::Now(_)
        | Placeholder::Amount
        | Placeholder::OtherAmount
        | Placeholder::SmallerAmount
        | Placeholder::Status(_) => "1".to_owned(),
        _ => "a".to_owned(),
    })
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'_'))
}

fn unknown(word: &str) -> String {
    match nearest(word, WORDS.map(|(name, _)| name)) {
        Some(near) => format!(
            "there is no placeholder {{{}}}; did you mean {{{near}}}?",
            Untrusted::new(&word)
        ),
        None => format!("there is no placeholder {{{}}}", Untrusted::new(&word)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_in_braces_expand_and_json_stays() {
        let shown = |text| expand(text, |placeholder| format!("<{placeholder:?}>"));
        assert_eq!(shown("CHECK-{id}"), Ok("CHECK-<Id>".to_owned()));
        assert_eq!(shown("{now-3600}{now+5}"), Ok("<Now(-3600)><Now(5)>".to_owned()));
        assert_eq!(shown(r#"{"a":{},"b":"{iso}"}"#), Ok(r#"{"a":{},"b":"<Iso>"}"#.to_owned()));
        assert_eq!(shown("{ id } {王} {"), Ok("{ id } {王} {".to_owned()));
        assert_eq!(
            shown("{othr}"),
            Err("there is no placeholder {othr}; did you mean {other}?".to_owned())
        );
        assert!(shown("{now+}").is_err() && shown("{now+99999999999}").is_err());
    }
}
