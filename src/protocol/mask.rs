//! Keys that another party wrote into a text by mistake, hidden.

use std::fmt;

use memchr::memmem;
use zeroize::Zeroizing;

use super::acknowledgement::{Conclusion, Refusal, Reply, Slip};
use super::edit::json_string;
use super::key::Key;

/// What stands in place of a key.
pub const KEY_MARK: &str = "[key]";

/// The fewest bytes that a key must have to be searched for: a shorter one would be found everywhere.
pub const SHORTEST_MASKED_KEY: usize = 4;

/// The forms in which a key may stand in a text: as it is, without the blanks around it, and as
/// JSON and PHP write it; none of a key, or of a form, that is shorter than [`SHORTEST_MASKED_KEY`].
pub fn forms(key: &[u8]) -> Vec<Zeroizing<String>> {
    let mut found: Vec<Zeroizing<String>> = Vec::new();
    if key.trim_ascii().len() < SHORTEST_MASKED_KEY {
        return found;
    }
    for bytes in [key, key.trim_ascii()] {
        let text = Zeroizing::new(String::from_utf8_lossy(bytes).into_owned());
        let quoted = Zeroizing::new(json_string(&text));
        let escaped = quoted.get(1..quoted.len() - 1).unwrap_or_default();
        let slashed = Zeroizing::new(escaped.replace('/', "\\/"));
        for form in [text.as_str(), escaped, slashed.as_str()] {
            if !found.iter().any(|known| known.as_str() == form) {
                found.push(Zeroizing::new(form.to_owned()));
            }
        }
    }
    found
}

/// Hides keys in texts from outside; its `Debug` shows none.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct KeyMask {
    needles: Vec<Zeroizing<String>>,
}

impl KeyMask {
    /// A mask for these keys: as they are, without the blanks around them, and as JSON writes them.
    pub fn new<'a>(keys: impl IntoIterator<Item = &'a Key>) -> KeyMask {
        let mut needles: Vec<Zeroizing<String>> = Vec::new();
        for form in keys.into_iter().flat_map(|key| forms(key.expose())) {
            if !needles.contains(&form) {
                needles.push(form);
            }
        }
        // The longest first, or a part of a key would stay behind.
        needles.sort_by_key(|needle| std::cmp::Reverse(needle.len()));
        KeyMask { needles }
    }

    /// Hides the keys in a text.
    pub fn text(&self, text: &mut String) {
        for needle in &self.needles {
            if text.contains(needle.as_str()) {
                *text = text.replace(needle.as_str(), KEY_MARK);
            }
        }
    }

    /// Hides the keys in a reply; a body that has one becomes text.
    pub fn reply(&self, reply: &mut Reply) {
        reply.content_type.iter_mut().for_each(|name| self.text(name));
        let has =
            |needle: &Zeroizing<String>| memmem::find(&reply.body, needle.as_bytes()).is_some();
        if self.needles.iter().any(has) {
            let mut text = String::from_utf8_lossy(&reply.body).into_owned();
            self.text(&mut text);
            reply.body = text.into_bytes();
        }
    }

    /// Hides the keys in a text that may have been cut short, and the beginning of one at its end.
    fn cut_text(&self, text: &mut String) {
        self.text(text);
        for needle in &self.needles {
            let begun = (SHORTEST_MASKED_KEY..needle.len())
                .rev()
                .filter_map(|length| needle.get(..length))
                .find(|begun| text.ends_with(begun));
            if let Some(begun) = begun {
                text.truncate(text.len() - begun.len());
                text.push_str(KEY_MARK);
                return;
            }
        }
    }

    /// Hides the keys in what a refusal quotes of a reply.
    pub fn conclusion(&self, conclusion: &mut Conclusion) {
        let Conclusion::NotAcknowledged(refusal) = conclusion else { return };
        match refusal {
            Refusal::OtherCode { code, said } => {
                self.cut_text(code);
                said.iter_mut().for_each(|said| self.cut_text(said));
            }
            Refusal::NumberCode(text)
            | Refusal::ShortCode(text)
            | Refusal::MisspelledCode(text)
            | Refusal::BareWord(text)
            | Refusal::DuplicateMember(text)
            | Refusal::NotTheReply { slip: Slip::Member(text) | Slip::Xml(text), .. } => {
                self.cut_text(text);
            }
            Refusal::NotTheReply { slip: Slip::ReturnCode { code, said }, .. } => {
                self.cut_text(code);
                said.iter_mut().for_each(|said| self.cut_text(said));
            }
            // These quote nothing that came.
            Refusal::NotTheReply { .. }
            | Refusal::Redirect(_)
            | Refusal::StatusWithRightBody(_)
            | Refusal::Status(_)
            | Refusal::CodeType(_)
            | Refusal::NoCode
            | Refusal::NotAnObject(_)
            | Refusal::Html
            | Refusal::Empty
            | Refusal::ByteOrderMark
            | Refusal::TextAroundJson
            | Refusal::NotJson
            | Refusal::TooLong => {}
        }
    }
}

impl fmt::Debug for KeyMask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyMask({} forms)", self.needles.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask() -> KeyMask {
        KeyMask::new([&Key::try_new(b" top\"secret/1\n".to_vec()).unwrap()])
    }

    #[test]
    fn a_key_is_hidden_in_each_form_and_where_a_text_was_cut_within_it() {
        for (text, shown) in [
            ("x top\"secret/1\n.", "x[key]."),
            ("{\"k\":\"top\\\"secret/1\"}", "{\"k\":\"[key]\"}"),
            ("{\"k\":\"top\\\"secret\\/1\"}", "{\"k\":\"[key]\"}"),
            ("md5(S&top\"secre", "md5(S&[key]"),
            ("a to", "a to"),
        ] {
            let mut masked = text.to_owned();
            mask().cut_text(&mut masked);
            assert_eq!(masked, shown);
        }
        assert_eq!(format!("{:?}", mask()), "KeyMask(6 forms)");
        let short = KeyMask::new([&Key::try_new(b"abc".to_vec()).unwrap()]);
        assert_eq!(short, KeyMask::default());
    }

    #[test]
    fn what_a_refusal_quotes_has_no_key() {
        let quoted = || "is top\"secret/1".to_owned();
        let slip = Slip::Member(quoted());
        for refusal in [
            Refusal::OtherCode { code: quoted(), said: Some(quoted()) },
            Refusal::BareWord(quoted()),
            Refusal::MisspelledCode(quoted()),
            Refusal::DuplicateMember(quoted()),
            Refusal::NotTheReply { wanted: "success".to_owned(), slip },
            Refusal::NotTheReply { wanted: String::new(), slip: Slip::Xml(quoted()) },
            Refusal::NotTheReply {
                wanted: String::new(),
                slip: Slip::ReturnCode { code: quoted(), said: Some(quoted()) },
            },
        ] {
            let mut conclusion = Conclusion::NotAcknowledged(refusal);
            mask().conclusion(&mut conclusion);
            let shown = format!("{conclusion:?}");
            assert!(shown.contains("[key]") && !shown.contains("secret"), "{shown}");
        }
    }
}
