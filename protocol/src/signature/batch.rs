//! Many canonical strings signed together.

use std::ops::Range;

use zeroize::Zeroizing;

use super::{LONGEST_DIGEST, Signature, message};
use crate::batch::digests;
use crate::canonical::CanonicalString;
use crate::dialect::Dialect;
use crate::edit::put_with;
use crate::key::Key;
use crate::payload::{Payload, Value};
use crate::scheme::{Algorithm, Scheme};

/// In bytes; a longer string has it to itself.
const FULL: usize = 128 * 1024;

/// Strings that wait for their digests, all of one scheme and key.
pub struct SignatureBatch {
    /// What is digested, with the key where it belongs.
    messages: Zeroizing<Vec<u8>>,
    ends: Vec<usize>,
}

impl Default for SignatureBatch {
    fn default() -> Self {
        SignatureBatch { messages: Vec::with_capacity(2 * FULL).into(), ends: Vec::new() }
    }
}

impl SignatureBatch {
    /// Puts a string behind the others.
    pub fn push(&mut self, canonical: &CanonicalString, scheme: &Scheme, key: &Key) {
        let mut length = 0;
        message(canonical, scheme, key, |part| length += part.len());
        self.make_room(length);
        message(canonical, scheme, key, |part| self.messages.extend_from_slice(part));
        self.ends.push(self.messages.len());
    }

    /// Moves what waits where it has to: a vector that grows by itself leaves a copy with the key behind.
    fn make_room(&mut self, more: usize) {
        if self.messages.capacity() - self.messages.len() < more {
            let mut larger = Vec::with_capacity(self.messages.len() + more + FULL);
            larger.extend_from_slice(&self.messages);
            self.messages = larger.into();
        }
    }

    /// Whether it is time for [`sign`](Self::sign).
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.messages.len() >= FULL
    }

    /// The signatures in the order of the strings; nothing waits any more.
    pub fn sign(&mut self, scheme: &Scheme, key: &Key) -> impl Iterator<Item = Signature> {
        let mut start = 0;
        let message = |end: &usize| &self.messages[std::mem::replace(&mut start, *end)..*end];
        let messages: Vec<&[u8]> = self.ends.iter().map(message).collect();
        let digests = digests(scheme.algorithm, key.expose(), &messages);
        self.messages.clear();
        self.ends.clear();
        let length = scheme.algorithm.digits() / 2;
        digests.into_iter().map(move |digest| Signature::new(&digest[..length], scheme))
    }
}

const SPACES: &str = match str::from_utf8(&[b' '; LONGEST_DIGEST]) {
    Ok(spaces) => spaces,
    Err(_) => panic!("spaces are UTF-8"),
};

/// How many characters every signature by a scheme has.
fn signature_length(scheme: &Scheme) -> usize {
    let digits = scheme.algorithm.digits();
    match scheme.composition.is_base64 {
        true => (digits / 2).div_ceil(3) * 4,
        false => digits,
    }
}

/// Like [`attach_into`](super::attach_into), with as many spaces as the signature has characters:
/// the result is their place in `out`.
#[must_use]
pub fn attach_room(payload: &Payload<'_>, scheme: &Scheme, out: &mut String) -> Range<usize> {
    let mut room = 0..0;
    put_with(payload, &scheme.sign_field, out, |out| {
        out.push('"');
        room = leave_room(scheme, out);
        out.push('"');
    });
    room
}

/// Puts as many spaces behind what `out` holds as a signature has characters: the result is their
/// place.
#[must_use]
pub fn leave_room(scheme: &Scheme, out: &mut String) -> Range<usize> {
    let start = out.len();
    out.push_str(&SPACES[..signature_length(scheme)]);
    start..out.len()
}

/// A payload's signature and the scheme by which it is verified, where it is bare digits and of the
/// digest that is demanded, if any: it matches where it is what [`sign`](super::sign) gives.
#[must_use]
pub fn bare_signature<'d, 'p>(
    payload: &'p Payload<'_>,
    dialect: &'d Dialect,
    required: Option<Algorithm>,
) -> Option<(&'d Scheme, &'p str)> {
    let Value::String(given) = &payload.get(dialect.sign_field())?.value else { return None };
    let scheme = dialect.scheme_for(payload, given).ok()?;
    // All of them without a branch for each, which is what costs.
    let are_digits = given.bytes().fold(true, |all, byte| all & byte.is_ascii_hexdigit());
    let is_bare = given.len() == scheme.algorithm.digits() && are_digits;
    let is_demanded = required.is_none_or(|required| required == scheme.algorithm);
    (is_bare && is_demanded && !scheme.composition.is_base64).then_some((scheme, given))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::canonicalize;
    use crate::signature::{attach, sign};

    #[test]
    fn there_is_room_for_every_signature_and_no_more() {
        let key = Key::try_new(b"ThisIsYourSecretKey123".to_vec()).unwrap();
        let payload = Payload::parse(br#"{"a":1,"sign":"old"}"#).unwrap();
        for algorithm in Algorithm::ALL {
            for is_base64 in [false, true] {
                let mut scheme = Dialect::platform().first().clone();
                (scheme.algorithm, scheme.composition.is_base64) = (algorithm, is_base64);
                let signature = sign(&canonicalize(&payload, &scheme), &scheme, &key);
                let mut out = "before".to_owned();
                let room = attach_room(&payload, &scheme, &mut out);
                assert_eq!(room.len(), signature.as_str().len(), "{algorithm} {is_base64}");
                out.replace_range(room, signature.as_str());
                let attached = attach(&payload, &scheme, &signature);
                assert_eq!(out, format!("before{attached}"), "{algorithm} {is_base64}");
            }
        }
    }

    #[test]
    fn each_is_signed_as_alone_also_where_one_is_longer_than_the_memory() {
        let key = Key::try_new(b"ThisIsYourSecretKey123".to_vec()).unwrap();
        let scheme = Dialect::platform().first();
        let mut batch = SignatureBatch::default();
        let texts = [10, 3 * FULL, 0, FULL, 7 * FULL, 64].map(|length| {
            canonicalize(
                &Payload::parse(format!(r#"{{"a":"{}"}}"#, "x".repeat(length)).as_bytes()).unwrap(),
                scheme,
            )
        });
        for round in 0..2 {
            texts.iter().for_each(|text| batch.push(text, scheme, &key));
            let signed: Vec<Signature> = batch.sign(scheme, &key).collect();
            let alone: Vec<Signature> = texts.iter().map(|text| sign(text, scheme, &key)).collect();
            assert!(signed == alone, "round {round}");
            assert!(!batch.is_full());
        }
    }
}
