//! The digests over a string, with as little hashing as possible.

use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};
use sha1::Sha1;
use sha2::{Sha224, Sha256, Sha384, Sha512};

use super::digest::Width;
use super::forms::{Form, Part};
use super::values::Change;
use crate::scheme::Algorithm;

/// A hash that the platform does not use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum OtherHash {
    /// SHA-1.
    Sha1,
    /// SHA-224.
    Sha224,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl OtherHash {
    fn width(self) -> Width {
        match self {
            OtherHash::Sha1 => Width::Twenty,
            OtherHash::Sha224 => Width::TwentyEight,
            OtherHash::Sha384 => Width::FortyEight,
            OtherHash::Sha512 => Width::SixtyFour,
        }
    }

    fn digest(self, text: &[u8]) -> Sum {
        match self {
            OtherHash::Sha1 => Sum::of(&Sha1::digest(text)),
            OtherHash::Sha224 => Sum::of(&Sha224::digest(text)),
            OtherHash::Sha384 => Sum::of(&Sha384::digest(text)),
            OtherHash::Sha512 => Sum::of(&Sha512::digest(text)),
        }
    }

    fn hmac(self, key: &[u8], text: &[u8]) -> Sum {
        match self {
            OtherHash::Sha1 => hmac::<Hmac<Sha1>>(key, text),
            OtherHash::Sha224 => hmac::<Hmac<Sha224>>(key, text),
            OtherHash::Sha384 => hmac::<Hmac<Sha384>>(key, text),
            OtherHash::Sha512 => hmac::<Hmac<Sha512>>(key, text),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Hash {
    /// MD5 over the text.
    Md5,
    /// SHA-256 over the text.
    Sha256,
    /// HMAC-MD5 with the key over the text.
    HmacMd5,
    /// HMAC-SHA256 with the key over the text.
    HmacSha256,
    /// HMAC-MD5 with its arguments swapped.
    SwappedHmacMd5,
    /// HMAC-SHA256 with its arguments swapped.
    SwappedHmacSha256,
    /// MD5 over the hexadecimal digits of the MD5 over the text.
    DoubleMd5,
    /// MD5 over the upper-case digits of the MD5 over the text.
    DoubleMd5Upper,
    /// MD5 over the digits of the MD5 over the string alone, then the rest.
    Md5OfMd5AndRest,
    /// HMAC-SHA256 over the hexadecimal digits of the MD5 over the text.
    HmacOfMd5,
    Other(OtherHash),
    OtherHmac(OtherHash),
    SwappedOtherHmac(OtherHash),
}

impl Hash {
    pub(super) fn width(self) -> Width {
        match self {
            Hash::Sha256 | Hash::HmacSha256 | Hash::SwappedHmacSha256 | Hash::HmacOfMd5 => {
                Width::ThirtyTwo
            }
            Hash::Other(hash) | Hash::OtherHmac(hash) | Hash::SwappedOtherHmac(hash) => {
                hash.width()
            }
            _ => Width::Sixteen,
        }
    }

    pub(super) fn of(algorithm: Algorithm) -> Hash {
        match algorithm {
            Algorithm::Md5 => Hash::Md5,
            Algorithm::HmacSha256 => Hash::HmacSha256,
            Algorithm::Sha256 => Hash::Sha256,
        }
    }

    /// Whether the key is the HMAC's key, so that it need not stand in the text.
    fn is_keyed(self) -> bool {
        matches!(self, Hash::HmacMd5 | Hash::HmacSha256 | Hash::HmacOfMd5 | Hash::OtherHmac(_))
    }
}

/// The longest digest's length in bytes.
const LONGEST: usize = 64;

/// A digest, without an allocation of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sum {
    bytes: [u8; LONGEST],
    length: usize,
}

impl Sum {
    fn of(digest: &[u8]) -> Sum {
        let length = digest.len().min(LONGEST);
        let mut bytes = [0; LONGEST];
        bytes[..length].copy_from_slice(&digest[..length]);
        Sum { bytes, length }
    }

    /// The digest's bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

fn mac<M: Mac + KeyInit>(key: &[u8]) -> M {
    <M as KeyInit>::new_from_slice(key).expect("HMAC takes a key of any length")
}

/// One string, hashed at most once for each kind of digest, however many forms begin with it.
pub(super) struct Hasher<'s> {
    string: &'s [u8],
    key: &'s [u8],
    change: Option<Change>,
    md5: Option<Md5>,
    sha256: Option<Sha256>,
    hmac_md5: Option<Hmac<Md5>>,
    hmac_sha256: Option<Hmac<Sha256>>,
    /// How many bytes were hashed.
    pub(super) work: usize,
}

/// What a short digest costs, in bytes: the key, the padding, and the rest.
const SHORT: usize = 128;

impl<'s> Hasher<'s> {
    pub(super) fn new(string: &'s [u8], change: Option<Change>, key: &'s [u8]) -> Hasher<'s> {
        Hasher {
            string,
            key,
            change,
            md5: None,
            sha256: None,
            hmac_md5: None,
            hmac_sha256: None,
            work: 0,
        }
    }

    /// The digest of a form with a key; `None` where the text cannot be changed as it should.
    pub(super) fn digest(&mut self, form: &Form, key: &[u8]) -> Option<Sum> {
        self.work += SHORT;
        if let Some(change) = self.change {
            return self.changed(form, key, change);
        }
        if form.hash == Hash::Md5OfMd5AndRest {
            let inner = hex::encode(Md5::digest(self.string));
            self.work += self.string.len();
            let rest = Form { hash: Hash::Md5, parts: form.parts.clone() };
            return Some(hash(rest.hash, &text(&rest, inner.as_bytes(), key), key));
        }
        match form.parts.split_first() {
            Some((Part::String, rest)) => Some(self.after_string(form, rest, key)),
            _ => Some(self.whole_text(form, key)),
        }
    }

    fn after_string(&mut self, form: &Form, rest: &[Part], key: &[u8]) -> Sum {
        let (string, right) = (self.string, self.key);
        let mut first = 0;
        let sum = match form.hash {
            Hash::Md5 => {
                let state = self.md5.get_or_insert_with(|| {
                    first = string.len();
                    Md5::new_with_prefix(string)
                });
                let mut md5 = state.clone();
                rest.iter().for_each(|part| part.feed(string, key, |bytes| md5.update(bytes)));
                Sum::of(&md5.finalize())
            }
            Hash::Sha256 => {
                let state = self.sha256.get_or_insert_with(|| {
                    first = string.len();
                    Sha256::new_with_prefix(string)
                });
                let mut sha256 = state.clone();
                rest.iter().for_each(|part| part.feed(string, key, |bytes| sha256.update(bytes)));
                Sum::of(&sha256.finalize())
            }
            Hash::HmacMd5 if key == right => {
                let state = self.hmac_md5.get_or_insert_with(|| {
                    first = string.len();
                    mac::<Hmac<Md5>>(right).chain_update(string)
                });
                let mut hmac = state.clone();
                rest.iter().for_each(|part| part.feed(string, key, |bytes| hmac.update(bytes)));
                Sum::of(&hmac.finalize().into_bytes())
            }
            Hash::HmacSha256 if key == right => {
                let state = self.hmac_sha256.get_or_insert_with(|| {
                    first = string.len();
                    mac::<Hmac<Sha256>>(right).chain_update(string)
                });
                let mut hmac = state.clone();
                rest.iter().for_each(|part| part.feed(string, key, |bytes| hmac.update(bytes)));
                Sum::of(&hmac.finalize().into_bytes())
            }
            _ => return self.whole_text(form, key),
        };
        self.work += first;
        sum
    }

    fn whole_text(&mut self, form: &Form, key: &[u8]) -> Sum {
        self.work += self.string.len();
        hash(form.hash, &text(form, self.string, key), key)
    }

    fn changed(&mut self, form: &Form, key: &[u8], change: Change) -> Option<Sum> {
        self.work += self.string.len() * 2;
        let text = String::from_utf8(text(form, self.string, key)).ok()?;
        let changed = change(&text)?;
        let changed_key = match form.hash.is_keyed() {
            true => change(std::str::from_utf8(key).ok()?)?,
            false => key.to_vec(),
        };
        (form.hash != Hash::Md5OfMd5AndRest).then(|| hash(form.hash, &changed, &changed_key))
    }
}

fn text(form: &Form, string: &[u8], key: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(string.len() + 64);
    for part in &form.parts {
        part.feed(string, key, |bytes| text.extend_from_slice(bytes));
    }
    text
}

fn hmac<M: Mac + KeyInit>(key: &[u8], text: &[u8]) -> Sum {
    Sum::of(&mac::<M>(key).chain_update(text).finalize().into_bytes())
}

fn hash(hash: Hash, text: &[u8], key: &[u8]) -> Sum {
    let md5 = |text: &[u8]| Sum::of(&Md5::digest(text));
    let hmac_md5 = hmac::<Hmac<Md5>>;
    let hmac_sha256 = hmac::<Hmac<Sha256>>;
    match hash {
        Hash::Md5 | Hash::Md5OfMd5AndRest => md5(text),
        Hash::Sha256 => Sum::of(&Sha256::digest(text)),
        Hash::HmacMd5 => hmac_md5(key, text),
        Hash::HmacSha256 => hmac_sha256(key, text),
        Hash::SwappedHmacMd5 => hmac_md5(text, key),
        Hash::SwappedHmacSha256 => hmac_sha256(text, key),
        Hash::DoubleMd5 => md5(hex::encode(md5(text).bytes()).as_bytes()),
        Hash::DoubleMd5Upper => md5(hex::encode_upper(md5(text).bytes()).as_bytes()),
        Hash::HmacOfMd5 => hmac_sha256(key, hex::encode(md5(text).bytes()).as_bytes()),
        Hash::Other(other) => other.digest(text),
        Hash::OtherHmac(other) => other.hmac(key, text),
        Hash::SwappedOtherHmac(other) => other.hmac(text, key),
    }
}
