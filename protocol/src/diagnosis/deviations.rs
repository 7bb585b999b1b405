//! The deviations' texts, and rules that bear a deviation's name.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use super::{Deviation, Dimension};
use crate::untrusted::Untrusted;

const TEXTS: &str = include_str!("deviations.txt");

static BY_CODE: LazyLock<HashMap<&str, Deviation>> =
    LazyLock::new(|| all().into_iter().map(|deviation| (deviation.code, deviation)).collect());

/// Every deviation, in the order of the file.
pub(super) fn all() -> Vec<Deviation> {
    let mut found = Vec::new();
    let mut current = Deviation {
        code: "",
        dimension: Dimension::Verifier,
        does: Cow::Borrowed(""),
        rule: "",
        cause: Cow::Borrowed(""),
        fix: "",
    };
    for line in TEXTS.lines().chain([""]).filter(|line| !line.starts_with('#')) {
        match line.split_once(": ") {
            Some(("dimension", name)) => {
                let named = Dimension::ALL.into_iter().find(|dimension| dimension.code() == name);
                current.dimension = named.unwrap_or(current.dimension);
            }
            Some(("code", text)) => current.code = text,
            Some(("does", text)) => current.does = text.into(),
            Some(("rule", text)) => current.rule = text,
            Some(("from", text)) => current.cause = text.into(),
            Some(("fix", text)) => current.fix = text,
            _ if current.code.is_empty() => {}
            _ => {
                found.push(current.clone());
                current.code = "";
            }
        }
    }
    found
}

/// The deviation of this name, which a test looks up for every name in the code.
pub(super) fn deviation(code: &str) -> Deviation {
    BY_CODE.get(code).cloned().expect("every deviation has its texts")
}

/// The deviation with a text of its own for what the code does.
pub(super) fn that_does(code: &str, does: String) -> Deviation {
    Deviation { does: does.into(), ..deviation(code) }
}

/// Around a text of the payload in a description; Unicode leaves both to their users.
const MARKS: [char; 2] = ['\u{e000}', '\u{e001}'];

/// A text of the payload as a description has it until the search ends. It is [`redacted`] in the few
/// hits, and not in each of the thousands of descriptions that are tried.
pub(super) fn of_payload(text: &str) -> String {
    format!("{}{}{}", MARKS[0], text.replace(MARKS, "\u{fffd}"), MARKS[1])
}

/// The deviation without the keys in what it quotes of the payload.
pub(super) fn redacted(mut deviation: Deviation) -> Deviation {
    let mut shown = String::new();
    for part in deviation.does.split_inclusive(MARKS) {
        let own = part.strip_suffix(MARKS[0]).unwrap_or(part);
        match part.strip_suffix(MARKS[1]) {
            Some(outside) => shown.push_str(&Untrusted::new(outside).redacted()),
            None => shown.push_str(own),
        }
    }
    deviation.does = shown.into();
    deviation
}

/// What code with a deviation does to the string.
pub(super) struct Rule<T> {
    pub(super) code: &'static str,
    pub(super) apply: T,
}

pub(super) const fn rule<T>(code: &'static str, apply: T) -> Rule<T> {
    Rule { code, apply }
}

impl<T> Rule<T> {
    pub(super) fn deviation(&self) -> Deviation {
        deviation(self.code)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::super::{fields, forms, keys, orders, shapes, values};
    use super::*;
    use crate::digest_notation;

    #[test]
    fn what_a_description_quotes_is_redacted_at_the_end() {
        for name in ["note", "", "a\u{e001}b", "\u{e000}"] {
            let quoted = of_payload(name);
            let held = format!("signs {quoted} and {quoted} alone");
            let shown = redacted(that_does("one-text", held)).does;
            let name = name.replace(MARKS, "\u{fffd}");
            assert_eq!(shown, format!("signs {name} and {name} alone"));
        }
        assert_eq!(redacted(deviation("one-text")), deviation("one-text"));
    }

    /// Every name that a table or a match of the search has.
    fn named() -> HashSet<&'static str> {
        let mut codes: HashSet<&str> = HashSet::new();
        codes.extend(keys::KEY_ROWS.iter().map(|(code, _)| *code));
        codes.extend(forms::FORM_ROWS.iter().map(|(code, ..)| *code));
        codes.extend(forms::FREQUENT.split(' '));
        codes.extend(digest_notation::ALL.iter().map(|notation| notation.code));
        codes.extend(fields::FIELD_RULES.iter().map(|rule| rule.code));
        codes.extend(orders::ORDER_RULES.iter().map(|rule| rule.code));
        codes.extend(values::rules().map(|(rule, _)| rule.code));
        codes.extend(shapes::SHAPE_RULES.iter().map(|rule| rule.code));
        codes.extend(shapes::BODY_RULES.iter().map(|(code, ..)| *code));
        let source = [
            include_str!("own_key.rs"),
            include_str!("own_url.rs"),
            include_str!("keys.rs"),
            include_str!("forms.rs"),
            include_str!("generated.rs"),
            include_str!("wrapped.rs"),
            include_str!("extras.rs"),
            include_str!("key_texts.rs"),
            include_str!("digest.rs"),
            include_str!("fields.rs"),
            include_str!("shapes.rs"),
        ];
        let is_code = |text: &&str| all().iter().any(|deviation| deviation.code == *text);
        codes.extend(source.iter().flat_map(|text| text.split('"')).filter(is_code));
        codes
    }

    #[test]
    fn every_name_has_its_texts_and_every_text_is_used() {
        let named = named();
        for code in &named {
            assert_eq!(deviation(code).code, *code);
        }
        for one in all() {
            let texts = [one.code, &*one.does, one.rule, &*one.cause, one.fix];
            assert!(texts.iter().all(|text| !text.is_empty()), "{one:?}");
            let is_composed = one.code.trim_start_matches("hmac-").starts_with("sha");
            assert!(named.contains(one.code) || is_composed, "{} is not used", one.code);
        }
    }
}
