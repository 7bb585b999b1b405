//! Values that a person chose to hide, wherever they are repeated.

use std::borrow::Cow;

use super::{KeyMask, KeySearch, SHORTEST_MASKED_KEY, replaced, view};

pub const REDACTED: &str = "[redacted]";

/// Hides these values in texts, in the encodings in which keys are hidden too.
pub struct Redaction {
    long: KeyMask,
    /// Too short to be searched for inside of words.
    short: Vec<String>,
}

impl Redaction {
    pub fn of(values: &[String]) -> Redaction {
        let mut redaction = Redaction { long: KeyMask::default(), short: Vec::new() };
        for value in values {
            match value.trim() {
                "" => {}
                short if short.len() < SHORTEST_MASKED_KEY => {
                    redaction.short.push(short.to_owned());
                }
                _ => redaction.long.learn(value.as_bytes()),
            }
        }
        redaction
    }

    pub fn hide<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let found = self.long.find(text, view::DEEPEST, KeySearch::Every);
        let mut shown = match found.is_empty() {
            true => Cow::Borrowed(text),
            false => Cow::Owned(replaced(text, 0..text.len(), &found, REDACTED)),
        };
        for value in &self.short {
            if let Some(text) = without_word(&shown, value) {
                shown = Cow::Owned(text);
            }
        }
        shown
    }
}

/// The text without this value where it is not a part of a longer word; `None` where it is not there.
fn without_word(text: &str, value: &str) -> Option<String> {
    let is_part = |next: Option<char>| next.is_some_and(char::is_alphanumeric);
    let is_word = |at: &usize| {
        !is_part(text[..*at].chars().next_back())
            && !is_part(text[at + value.len()..].chars().next())
    };
    let places: Vec<usize> = text.match_indices(value).map(|(at, _)| at).filter(is_word).collect();
    if places.is_empty() {
        return None;
    }
    let (mut shown, mut from) = (String::new(), 0);
    for at in places {
        shown.push_str(&text[from..at]);
        shown.push_str(REDACTED);
        from = at + value.len();
    }
    shown.push_str(&text[from..]);
    Some(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_hidden_in_its_encodings_and_a_short_one_as_a_word() {
        let redaction = Redaction::of(&["Bob Smith".to_owned(), "42".to_owned(), String::new()]);
        for (text, shown) in [
            ("to bob smith, twice: Bob Smith", "to [redacted], twice: [redacted]"),
            ("name=Bob+Smith&x=Bob%20Smith", "name=[redacted]&x=[redacted]"),
            ("\"\\u0042ob Smith\"", "\"[redacted]\""),
            ("Qm9iIFNtaXRo", "[redacted]"),
            ("age 42, 420 and 4.42", "age [redacted], 420 and 4.[redacted]"),
            ("Bob", "Bob"),
        ] {
            assert_eq!(redaction.hide(text), shown);
        }
    }
}
