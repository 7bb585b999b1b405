//! The digests over a string, with as little hashing as possible.

use hmac::{KeyInit, Mac};
use md5::digest::{FixedOutput, Update};
use md5::{Digest, Md5};
use sha1::Sha1;
use sha2::{Sha224, Sha256, Sha384, Sha512};
use sha3::{Sha3_224, Sha3_256, Sha3_384, Sha3_512};

use super::digest::Width;
use super::forms::{Form, Part};
use super::values::Change;
use crate::scheme::Algorithm;

/// A digest of any width, without a place on the heap: there are a hundred thousand of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Output {
    bytes: [u8; 64],
    length: usize,
}

impl Output {
    fn of(digest: &[u8]) -> Output {
        let mut bytes = [0; 64];
        bytes[..digest.len()].copy_from_slice(digest);
        Output { bytes, length: digest.len() }
    }
}

impl std::ops::Deref for Output {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Md5,
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
    Sha3(Width),
}

impl Kind {
    pub(super) fn width(self) -> Width {
        match self {
            Kind::Md5 => Width::Sixteen,
            Kind::Sha1 => Width::Twenty,
            Kind::Sha224 => Width::TwentyEight,
            Kind::Sha256 => Width::ThirtyTwo,
            Kind::Sha384 => Width::FortyEight,
            Kind::Sha512 => Width::SixtyFour,
            Kind::Sha3(width) => width,
        }
    }

    pub(super) fn hex(self, text: &[u8]) -> Vec<u8> {
        hex::encode(&*self.digest(text)).into_bytes()
    }

    fn digest(self, text: &[u8]) -> Output {
        match self {
            Kind::Md5 => Output::of(&Md5::digest(text)),
            Kind::Sha1 => Output::of(&Sha1::digest(text)),
            Kind::Sha224 => Output::of(&Sha224::digest(text)),
            Kind::Sha256 => Output::of(&Sha256::digest(text)),
            Kind::Sha384 => Output::of(&Sha384::digest(text)),
            Kind::Sha512 => Output::of(&Sha512::digest(text)),
            Kind::Sha3(Width::TwentyEight) => Output::of(&Sha3_224::digest(text)),
            Kind::Sha3(Width::FortyEight) => Output::of(&Sha3_384::digest(text)),
            Kind::Sha3(Width::SixtyFour) => Output::of(&Sha3_512::digest(text)),
            Kind::Sha3(_) => Output::of(&Sha3_256::digest(text)),
        }
    }

    fn hmac(self, key: &[u8], text: &[u8]) -> Output {
        match self {
            Kind::Md5 => hmac::<hmac::Hmac<Md5>>(key, text),
            Kind::Sha1 => hmac::<hmac::Hmac<Sha1>>(key, text),
            Kind::Sha224 => hmac::<hmac::Hmac<Sha224>>(key, text),
            Kind::Sha256 => hmac::<hmac::Hmac<Sha256>>(key, text),
            Kind::Sha384 => hmac::<hmac::Hmac<Sha384>>(key, text),
            Kind::Sha512 => hmac::<hmac::Hmac<Sha512>>(key, text),
            Kind::Sha3(Width::TwentyEight) => hmac::<hmac::Hmac<Sha3_224>>(key, text),
            Kind::Sha3(Width::FortyEight) => hmac::<hmac::Hmac<Sha3_384>>(key, text),
            Kind::Sha3(Width::SixtyFour) => hmac::<hmac::Hmac<Sha3_512>>(key, text),
            Kind::Sha3(_) => hmac::<hmac::Hmac<Sha3_256>>(key, text),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Hash {
    /// The hash over the text.
    Plain(Kind),
    /// The HMAC with the key over the text.
    Hmac(Kind),
    /// The HMAC with its arguments swapped.
    SwappedHmac(Kind),
    /// MD5 over the hexadecimal digits of the MD5 over the text.
    DoubleMd5,
    /// MD5 over the upper-case digits of the MD5 over the text.
    DoubleMd5Upper,
    /// MD5 over the digits of the MD5 over the string alone, then the rest.
    Md5OfMd5AndRest,
    /// HMAC-SHA256 over the hexadecimal digits of the MD5 over the text.
    HmacOfMd5,
    /// HMAC-SHA256 over the hexadecimal digits of the SHA-256 over the text.
    HmacOfSha256,
    /// HMAC-SHA256 over the hexadecimal digits of the HMAC-SHA256 over the text.
    HmacOfHmac,
    /// MD5 over the digits of the MD5 over the text, this label and the key.
    Md5AndKey(&'static str),
    /// SHA-256 over the hexadecimal digits of the SHA-256 over the text.
    DoubleSha256,
}

impl Hash {
    pub(super) fn width(self) -> Width {
        match self {
            Hash::Plain(kind) | Hash::Hmac(kind) | Hash::SwappedHmac(kind) => kind.width(),
            Hash::HmacOfMd5 | Hash::HmacOfSha256 | Hash::HmacOfHmac | Hash::DoubleSha256 => {
                Width::ThirtyTwo
            }
            Hash::DoubleMd5 | Hash::DoubleMd5Upper | Hash::Md5OfMd5AndRest | Hash::Md5AndKey(_) => {
                Width::Sixteen
            }
        }
    }

    pub(super) fn of(algorithm: Algorithm) -> Hash {
        match algorithm {
            Algorithm::Md5 => Hash::Plain(Kind::Md5),
            Algorithm::HmacSha256 => Hash::Hmac(Kind::Sha256),
            Algorithm::Sha256 => Hash::Plain(Kind::Sha256),
            Algorithm::Sha1 => Hash::Plain(Kind::Sha1),
            Algorithm::Sha384 => Hash::Plain(Kind::Sha384),
            Algorithm::Sha512 => Hash::Plain(Kind::Sha512),
            Algorithm::HmacMd5 => Hash::Hmac(Kind::Md5),
            Algorithm::HmacSha1 => Hash::Hmac(Kind::Sha1),
            Algorithm::HmacSha384 => Hash::Hmac(Kind::Sha384),
            Algorithm::HmacSha512 => Hash::Hmac(Kind::Sha512),
        }
    }

    /// The digest, where it may be computed of many texts at once; an HMAC's only with the right key
    /// as it is.
    pub(super) fn algorithm(self, is_right: bool) -> Option<Algorithm> {
        match self {
            Hash::Plain(Kind::Md5) => Some(Algorithm::Md5),
            Hash::Plain(Kind::Sha1) => Some(Algorithm::Sha1),
            Hash::Plain(Kind::Sha256) => Some(Algorithm::Sha256),
            Hash::Hmac(Kind::Md5) if is_right => Some(Algorithm::HmacMd5),
            Hash::Hmac(Kind::Sha1) if is_right => Some(Algorithm::HmacSha1),
            Hash::Hmac(Kind::Sha256) if is_right => Some(Algorithm::HmacSha256),
            _ => None,
        }
    }

    /// Whether the key is the HMAC's key, so that it need not be in the text.
    fn is_keyed(self) -> bool {
        matches!(self, Hash::Hmac(_) | Hash::HmacOfMd5 | Hash::HmacOfSha256 | Hash::HmacOfHmac)
    }

    fn digest(self, text: &[u8], key: &[u8]) -> Output {
        let md5 = || Kind::Md5.digest(text);
        match self {
            Hash::Plain(kind) => kind.digest(text),
            Hash::Hmac(kind) => kind.hmac(key, text),
            Hash::SwappedHmac(kind) => kind.hmac(text, key),
            Hash::Md5OfMd5AndRest => md5(),
            Hash::DoubleMd5 => Kind::Md5.digest(hex::encode(&*md5()).as_bytes()),
            Hash::DoubleMd5Upper => Kind::Md5.digest(hex::encode_upper(&*md5()).as_bytes()),
            Hash::HmacOfMd5 => Kind::Sha256.hmac(key, hex::encode(&*md5()).as_bytes()),
            Hash::HmacOfSha256 => Kind::Sha256.hmac(key, &Kind::Sha256.hex(text)),
            Hash::HmacOfHmac => {
                Kind::Sha256.hmac(key, hex::encode(&*Kind::Sha256.hmac(key, text)).as_bytes())
            }
            Hash::Md5AndKey(label) => {
                let digits = hex::encode(&*md5());
                Kind::Md5.digest(&[digits.as_bytes(), label.as_bytes(), key].concat())
            }
            Hash::DoubleSha256 => Kind::Sha256.digest(&Kind::Sha256.hex(text)),
        }
    }
}

fn mac<M: Mac + KeyInit>(key: &[u8]) -> M {
    <M as KeyInit>::new_from_slice(key).expect("HMAC takes a key of any length")
}

fn hmac<M: Mac + KeyInit>(key: &[u8], text: &[u8]) -> Output {
    Output::of(&mac::<M>(key).chain_update(text).finalize().into_bytes())
}

/// One string, hashed at most once for each kind of digest, however many forms begin with it.
pub(super) struct Hasher<'s> {
    string: &'s [u8],
    key: &'s [u8],
    change: Option<Change>,
    md5: Option<Md5>,
    sha256: Option<Sha256>,
    hmac_md5: Option<hmac::Hmac<Md5>>,
    hmac_sha256: Option<hmac::Hmac<Sha256>>,
    /// How many bytes were hashed.
    pub(super) work: usize,
}

/// What a short digest costs, in bytes: the key, the padding, and the rest.
pub(super) const SHORT: usize = 128;

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
    pub(super) fn digest(&mut self, form: &Form, key: &[u8]) -> Option<Output> {
        self.work += SHORT;
        if let Some(change) = self.change {
            return self.changed(form, key, change);
        }
        if form.hash == Hash::Md5OfMd5AndRest {
            self.work += self.string.len();
            let inner = hex::encode(Md5::digest(self.string));
            return Some(form.hash.digest(&form.text(inner.as_bytes(), key), key));
        }
        match form.parts.split_first() {
            Some((Part::String, rest)) => Some(self.after_string(form, rest, key)),
            _ => Some(self.whole_text(form, key)),
        }
    }

    fn after_string(&mut self, form: &Form, rest: &[Part], key: &[u8]) -> Output {
        let (string, right) = (self.string, self.key);
        let is_right = key == right;
        let work = &mut self.work;
        let rest = |take: &mut dyn FnMut(&[u8])| {
            rest.iter().for_each(|part| part.feed(string, key, &mut *take));
        };
        match form.hash {
            Hash::Plain(Kind::Md5) => resume(&mut self.md5, Md5::new, string, work, rest),
            Hash::Plain(Kind::Sha256) => resume(&mut self.sha256, Sha256::new, string, work, rest),
            Hash::Hmac(Kind::Md5) if is_right => {
                resume(&mut self.hmac_md5, || mac(right), string, work, rest)
            }
            Hash::Hmac(Kind::Sha256) if is_right => {
                resume(&mut self.hmac_sha256, || mac(right), string, work, rest)
            }
            _ => self.whole_text(form, key),
        }
    }

    fn whole_text(&mut self, form: &Form, key: &[u8]) -> Output {
        self.work += self.string.len();
        form.hash.digest(&form.text(self.string, key), key)
    }

    fn changed(&mut self, form: &Form, key: &[u8], change: Change) -> Option<Output> {
        self.work += self.string.len() * 2;
        let text = change(&String::from_utf8(form.text(self.string, key)).ok()?);
        let key = match form.hash.is_keyed() {
            true => change(std::str::from_utf8(key).ok()?),
            false => key.to_vec(),
        };
        (form.hash != Hash::Md5OfMd5AndRest).then(|| form.hash.digest(&text, &key))
    }
}

/// The digest over the string, which `state` remembers, and the rest.
fn resume<D: Clone + Update + FixedOutput>(
    state: &mut Option<D>,
    start: impl FnOnce() -> D,
    string: &[u8],
    work: &mut usize,
    rest: impl Fn(&mut dyn FnMut(&[u8])),
) -> Output {
    let state = state.get_or_insert_with(|| {
        *work += string.len();
        start().chain(string)
    });
    let mut digest = state.clone();
    rest(&mut |bytes| digest.update(bytes));
    Output::of(&digest.finalize_fixed())
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRING: &[u8] = b"a=1&b=2";
    const KEY: &[u8] = b"ThisIsYourSecretKey123";

    #[test]
    fn a_string_is_hashed_once_for_each_digest_with_the_right_key() {
        use Hash::{Hmac, HmacOfMd5, Md5OfMd5AndRest, Plain, SwappedHmac};
        use Kind::{Md5, Sha1, Sha256, Sha512};
        let text = STRING.len();
        for (hash, template, key, again) in [
            (Plain(Md5), "{S}&{K}", KEY, 0),
            (Plain(Sha256), "{S}&{M}", KEY, 0),
            (Hmac(Md5), "{S}", KEY, 0),
            (Hmac(Sha256), "{S}&key={K}", KEY, 0),
            (Plain(Md5), "{S}&{K}", b"other", 0),
            (Plain(Sha256), "{S}{S}", b"other", 0),
            (Hmac(Md5), "{S}", b"other", text),
            (Hmac(Sha256), "{S}", b"other", text),
            (Plain(Md5), "{K}&{S}", KEY, text),
            (Plain(Sha1), "{S}&{K}", KEY, text),
            (Hmac(Sha512), "{S}", KEY, text),
            (SwappedHmac(Md5), "{S}", KEY, text),
            (HmacOfMd5, "{S}", KEY, text),
            (Md5OfMd5AndRest, "{S}{K}", KEY, text),
        ] {
            let form = Form::parse(hash, template);
            let mut hasher = Hasher::new(STRING, None, KEY);
            let first = hasher.digest(&form, key).unwrap();
            assert_eq!(hasher.work, SHORT + text, "{hash:?} {template}");
            assert_eq!(hasher.digest(&form, key).unwrap(), first);
            assert_eq!(hasher.work, 2 * SHORT + text + again, "{hash:?} {template}");
            if hash != Md5OfMd5AndRest {
                assert_eq!(first, hash.digest(&form.text(STRING, key), key));
            }
        }
    }

    #[test]
    fn a_change_is_made_to_the_text_and_to_the_key_of_an_hmac() {
        let upper: Change = |text| text.to_uppercase().into_bytes();
        let mut hasher = Hasher::new(STRING, Some(upper), KEY);
        let mut digest = |hash, template| hasher.digest(&Form::parse(hash, template), KEY);
        let md5 = digest(Hash::Plain(Kind::Md5), "{S}&{K}");
        assert_eq!(md5.unwrap(), Kind::Md5.digest(b"A=1&B=2&THISISYOURSECRETKEY123"));
        let hmac = digest(Hash::Hmac(Kind::Sha256), "{S}").unwrap();
        assert_eq!(hmac, Kind::Sha256.hmac(b"THISISYOURSECRETKEY123", b"A=1&B=2"));
        let swapped = digest(Hash::SwappedHmac(Kind::Sha256), "{S}").unwrap();
        assert_eq!(swapped, Kind::Sha256.hmac(b"A=1&B=2", KEY));
        assert_eq!(digest(Hash::Md5OfMd5AndRest, "{S}{K}"), None);
        assert_eq!(hasher.work, 4 * (SHORT + 2 * STRING.len()));
        let plain = Form::parse(Hash::Plain(Kind::Md5), "{S}&{K}");
        assert_eq!(hasher.digest(&plain, b"\xff"), None);
        assert_eq!(hasher.digest(&Form::parse(Hash::HmacOfMd5, "{S}"), b"\xff"), None);
    }

    #[test]
    fn each_hash_has_its_width_and_its_own_digest() {
        let kinds = [Kind::Md5, Kind::Sha1, Kind::Sha224, Kind::Sha256, Kind::Sha384, Kind::Sha512];
        for kind in kinds {
            for digest in [kind.digest(b"text"), kind.hmac(b"key", b"text")] {
                assert_eq!(digest.len(), kind.width() as usize, "{kind:?}");
            }
            assert_ne!(kind.digest(b"text"), kind.hmac(b"key", b"text"));
        }
        let md5 = |text: &str| Kind::Md5.digest(text.as_bytes());
        for (hash, width, digest) in [
            (Hash::DoubleMd5, Width::Sixteen, md5("1cb251ec0d568de6a929b520c4aed8d1")),
            (Hash::DoubleMd5Upper, Width::Sixteen, md5("1CB251EC0D568DE6A929B520C4AED8D1")),
            (
                Hash::HmacOfMd5,
                Width::ThirtyTwo,
                Kind::Sha256.hmac(b"key", b"1cb251ec0d568de6a929b520c4aed8d1"),
            ),
        ] {
            assert_eq!((hash.width(), hash.digest(b"text", b"key")), (width, digest), "{hash:?}");
        }
        let rest = Form::parse(Hash::Md5OfMd5AndRest, "{S}&{K}");
        assert_eq!(rest.hash.width(), Width::Sixteen);
        let digest = Hasher::new(b"text", None, b"key").digest(&rest, b"key");
        assert_eq!(digest.unwrap(), md5("1cb251ec0d568de6a929b520c4aed8d1&key"));
    }
}
