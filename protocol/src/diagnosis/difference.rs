//! Where a string to sign first differs from the rule's.

use super::Difference;
use super::candidate::base;
use super::forms::{Form, Part};
use super::hashing::Hasher;
use crate::dialect::Dialect;
use crate::key::Key;
use crate::payload::Payload;

/// How much of the strings is shown around their first difference, in characters.
const CONTEXT: usize = 24;

pub(super) fn first_difference(rule: &str, theirs: &str) -> Option<Difference> {
    let mut pairs = rule.bytes().zip(theirs.bytes());
    let at = pairs.position(|(a, b)| a != b).unwrap_or_else(|| rule.len().min(theirs.len()));
    // Two bytes a character show nothing that a person could compare.
    let is_wide = theirs.contains('\0') && !rule.contains('\0');
    if rule == theirs || is_wide {
        return None;
    }
    Some(Difference { at, rule: around(rule, at), theirs: around(theirs, at) })
}

/// A string to sign, its place of difference, and its digest under the payload's scheme.
pub(super) struct Compared {
    pub(super) ends_with_key: bool,
    pub(super) is_equal: bool,
    pub(super) difference: Option<Difference>,
    pub(super) digest: Vec<u8>,
}

pub(super) fn compare(
    payload: &Payload<'_>,
    dialect: &Dialect,
    key: &Key,
    string: &[u8],
) -> Compared {
    let scheme = dialect.said_by(payload).ok().flatten().unwrap_or_else(|| dialect.first());
    let base = base(payload, dialect, key, Form::of(scheme).hash.width());
    let ends_with_key = string.ends_with(base.key);
    let has_key = base.own.parts.len() > 1;
    // Where the text has the key already, nothing is to be appended.
    let form = match ends_with_key && has_key {
        true => Form { hash: base.own.hash, parts: vec![Part::String] },
        false => base.own.clone(),
    };
    let digest = Hasher::new(string, None, base.key).digest(&form, base.key);
    let digest = digest.map(|digest| digest.to_vec()).unwrap_or_default();
    let key = String::from_utf8_lossy(base.key);
    let mask = |text: &str| text.replace(&*key, "[key]");
    let rule =
        if ends_with_key && has_key { base.own.masked(&base.string) } else { base.string.clone() };
    let theirs = mask(&String::from_utf8_lossy(string));
    let (is_equal, difference) = (digest == base.digest, first_difference(&mask(&rule), &theirs));
    Compared { ends_with_key, is_equal, difference, digest }
}

fn around(text: &str, at: usize) -> String {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let (before, after) = text.split_at(at);
    let start = before.char_indices().rev().nth(CONTEXT - 1).map_or(0, |(index, _)| index);
    let end = after.char_indices().nth(CONTEXT).map_or(after.len(), |(index, _)| index);
    let dots = |cut: bool| if cut { "…" } else { "" };
    format!("{}{}{}{}", dots(start > 0), &before[start..], &after[..end], dots(end < after.len()))
}
