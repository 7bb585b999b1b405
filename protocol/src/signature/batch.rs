//! Many canonical strings signed together.

use zeroize::Zeroizing;

use super::{Signature, message};
use crate::batch::digests;
use crate::canonical::CanonicalString;
use crate::dialect::Dialect;
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
        // Growing would leave copies with the key behind.
        SignatureBatch { messages: Vec::with_capacity(2 * FULL).into(), ends: Vec::new() }
    }
}

impl SignatureBatch {
    /// Puts a string behind the others.
    pub fn push(&mut self, canonical: &CanonicalString, scheme: &Scheme, key: &Key) {
        message(canonical, scheme, key, |part| self.messages.extend_from_slice(part));
        self.ends.push(self.messages.len());
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
    let is_digit = |byte: u8| byte.is_ascii_hexdigit();
    let is_bare = given.len() == scheme.algorithm.digits() && given.bytes().all(is_digit);
    let is_demanded = required.is_none_or(|required| required == scheme.algorithm);
    (is_bare && is_demanded && !scheme.composition.is_base64).then_some((scheme, given))
}
