//! One string that could have been signed, and where the key is in it.

use std::rc::Rc;

use crate::scheme::{Algorithm, KeyText, Nulls, Order, Pairs, Part, Suffix, ValueText};

/// Where the key is in the string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Nowhere: it is the HMAC's.
    Nowhere,
    /// Behind it, after a label: with a separator before that or without.
    Behind(KeyText, &'static str, bool),
    /// Before it, with a separator or without.
    Before(KeyText, bool),
    /// On both sides, with a separator or without.
    Around(bool),
    /// Among the values, before the one with this number.
    At(KeyText, u8),
}

pub(super) const PLAIN: KeyText = KeyText::Plain;

/// One string that could have been signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) algorithm: Algorithm,
    /// The signed fields in their order, as indexes into the sample's fields.
    pub(super) fields: Rc<[u8]>,
    /// By what the fields are ordered; `None` where it is an order of their own.
    pub(super) order: Option<Order>,
    pub(super) pairs: Pairs,
    pub(super) values: ValueText,
    pub(super) nulls: Nulls,
    pub(super) separator: &'static str,
    pub(super) place: Place,
}

impl Candidate {
    /// Whether the key is among the values, which only a string of single fields can say.
    pub(super) fn has_key_among_values(&self) -> bool {
        matches!(self.place, Place::At(..))
    }

    /// Whether only values with nothing between them are signed, so that it does not show where an
    /// empty one is, and how the key among them is written; `None` where more is between them.
    pub(super) fn bare_key(&self) -> Option<Option<KeyText>> {
        let is_bare = self.pairs == Pairs::Value && self.separator.is_empty();
        match self.place {
            _ if !is_bare => None,
            Place::Nowhere => Some(None),
            Place::Behind(key, "", _) | Place::Before(key, _) | Place::At(key, _) => {
                Some(Some(key))
            }
            Place::Behind(..) | Place::Around(_) => None,
        }
    }

    /// Whether a separator is between the values and a key at an end, whether that is their
    /// beginning, and the same candidate without the separator or with one.
    pub(super) fn with_other_end(&self) -> Option<(bool, bool, Candidate)> {
        let (is_first, is_separated, place) = match self.place {
            _ if self.separator.is_empty() => return None,
            Place::Behind(key, "", separated) => {
                (false, separated, Place::Behind(key, "", !separated))
            }
            Place::Before(key, separated) => (true, separated, Place::Before(key, !separated)),
            _ => return None,
        };
        Some((is_first, is_separated, Candidate { place, ..self.clone() }))
    }

    /// Suffix and string of a scheme with these parts in place of the pairs.
    pub(super) fn composed(&self, parts: Vec<Part>) -> (Suffix, Vec<Part>) {
        let text = |text: &str| Part::Text(text.to_owned().into());
        let separator = |is_there: bool| if is_there { self.separator } else { "" };
        let is_pairs = parts == [Part::Pairs];
        match self.place {
            Place::Nowhere if is_pairs => (Suffix::Nothing, Vec::new()),
            Place::Nowhere => (Suffix::Nothing, parts),
            Place::Behind(key, label, separated) => {
                let before = format!("{}{label}", separator(separated));
                match key {
                    PLAIN if is_pairs => (Suffix::Key(before.into()), Vec::new()),
                    KeyText::Md5 if is_pairs => (Suffix::Md5OfKey(before.into()), Vec::new()),
                    _ => (Suffix::Nothing, joined([parts, vec![text(&before), Part::Key(key)]])),
                }
            }
            Place::Before(key, separated) => {
                let before = vec![Part::Key(key), text(separator(separated))];
                (Suffix::Nothing, joined([before, parts]))
            }
            Place::Around(separated) => {
                let between = text(separator(separated));
                let before = vec![Part::Key(PLAIN), between.clone()];
                let behind = vec![between, Part::Key(PLAIN)];
                (Suffix::Nothing, joined([joined([before, parts]), behind]))
            }
            Place::At(key, at) => (Suffix::Nothing, among(parts, key, at.into(), self.separator)),
        }
    }
}

fn joined<const N: usize>(parts: [Vec<Part>; N]) -> Vec<Part> {
    let is_there = |part: &Part| !matches!(part, Part::Text(text) if text.is_empty());
    parts.into_iter().flatten().filter(is_there).collect()
}

/// Fields and separators with the key as one more value, before the field with this number.
fn among(parts: Vec<Part>, key: KeyText, at: usize, separator: &str) -> Vec<Part> {
    let mut values: Vec<Part> =
        parts.into_iter().filter(|part| matches!(part, Part::Field(_))).collect();
    values.insert(at.min(values.len()), Part::Key(key));
    separated(values, separator)
}

pub(super) fn separated(values: Vec<Part>, separator: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    for value in values {
        if !parts.is_empty() {
            parts.push(Part::Text(separator.to_owned().into()));
        }
        parts.push(value);
    }
    joined([parts])
}
