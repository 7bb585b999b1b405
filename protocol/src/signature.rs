//! Sign, attach, verify.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};
use sha1::Sha1;
use sha2::{Sha256, Sha384, Sha512};
use subtle::ConstantTimeEq;

use super::canonical::{CanonicalString, canonicalize};
use super::dialect::Dialect;
use super::digest_notation::{self, Found, hash_of_length, in_case};
use super::edit::put_with;
use super::key::Key;
use super::payload::{Payload, Value};
use super::scheme::{Algorithm, DigestCase, KeyText, Scheme, Suffix, UnknownSignType};

#[cfg(feature = "batch")]
pub use batch::{SignatureBatch, attach_room, bare_signature, leave_room};

#[cfg(feature = "batch")]
mod batch;

/// A signature as it is written into a payload.
#[derive(Clone, PartialEq, Eq)]
pub struct Signature {
    digits: [u8; LONGEST_DIGEST],
    length: usize,
}

/// In hexadecimal digits.
const LONGEST_DIGEST: usize = 128;

impl Signature {
    /// The hexadecimal digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Only hexadecimal digits are ever written.
        std::str::from_utf8(&self.digits[..self.length]).unwrap_or_default()
    }

    /// A digest as the scheme writes it.
    fn new(digest: &[u8], scheme: &Scheme) -> Self {
        if !scheme.composition.is_base64 {
            return Signature::write(digest, scheme.digest_case);
        }
        let mut digits = [0; LONGEST_DIGEST];
        // There is room for the longest digest.
        let length = STANDARD.encode_slice(digest, &mut digits).unwrap_or_default();
        Signature { digits, length }
    }

    /// The digits of a digest, which has at most half as many bytes as there is room for digits.
    fn write(digest: &[u8], case: DigestCase) -> Self {
        let mut digits = [0; LONGEST_DIGEST];
        let length = digest.len().min(LONGEST_DIGEST / 2) * 2;
        // The lengths fit, so it cannot fail.
        let _ = hex::encode_to_slice(&digest[..length / 2], &mut digits[..length]);
        if case == DigestCase::Upper {
            digits.make_ascii_uppercase();
        }
        Signature { digits, length }
    }

    /// Compares in time that does not depend on where the two differ.
    #[must_use]
    pub fn matches(&self, given: &str) -> bool {
        let (own, given) = (self.as_str().as_bytes(), given.as_bytes());
        let ((words, rest), (given_words, given_rest)) = (own.as_chunks(), given.as_chunks());
        let pairs = words.iter().zip(given_words);
        let same = pairs.fold(rest.ct_eq(given_rest), |same, (word, given)| {
            same & u64::from_ne_bytes(*word).ct_eq(&u64::from_ne_bytes(*given))
        });
        (same & own.len().ct_eq(&given.len())).into()
    }
}

impl fmt::Debug for Signature {
    // An expected signature in a log would be a signing oracle.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature({} digits)", self.length)
    }
}

/// Signs a canonical string.
///
/// Source: the protocol's section 2.
#[must_use]
pub fn sign(canonical: &CanonicalString, scheme: &Scheme, key: &Key) -> Signature {
    let sign = match scheme.algorithm {
        Algorithm::Md5 => plain::<Md5>,
        Algorithm::Sha1 => plain::<Sha1>,
        Algorithm::Sha256 => plain::<Sha256>,
        Algorithm::Sha384 => plain::<Sha384>,
        Algorithm::Sha512 => plain::<Sha512>,
        Algorithm::HmacMd5 => keyed::<Hmac<Md5>>,
        Algorithm::HmacSha1 => keyed::<Hmac<Sha1>>,
        Algorithm::HmacSha256 => keyed::<Hmac<Sha256>>,
        Algorithm::HmacSha384 => keyed::<Hmac<Sha384>>,
        Algorithm::HmacSha512 => keyed::<Hmac<Sha512>>,
    };
    sign(canonical, scheme, key)
}

fn plain<D: Digest>(canonical: &CanonicalString, scheme: &Scheme, key: &Key) -> Signature {
    let mut digest = D::new();
    message(canonical, scheme, key, |part| digest.update(part));
    Signature::new(&digest.finalize(), scheme)
}

fn keyed<M: Mac + KeyInit>(canonical: &CanonicalString, scheme: &Scheme, key: &Key) -> Signature {
    let mut mac =
        <M as KeyInit>::new_from_slice(key.expose()).expect("HMAC takes a key of any length");
    message(canonical, scheme, key, |part| mac.update(part));
    Signature::new(&mac.finalize().into_bytes(), scheme)
}

/// Hands on what is signed, part by part, so that no copy of the key is made.
pub(super) fn message(
    canonical: &CanonicalString,
    scheme: &Scheme,
    key: &Key,
    mut update: impl FnMut(&[u8]),
) {
    canonical.pieces(|text, key_text| {
        update(text.as_bytes());
        key_text.inspect(|text| write_key(*text, key, &mut update));
    });
    let (before, text) = match &scheme.suffix {
        Suffix::Nothing => return,
        Suffix::Key(before) => (before, KeyText::Plain),
        Suffix::Md5OfKey(before) => (before, KeyText::Md5),
    };
    update(before.as_bytes());
    write_key(text, key, &mut update);
}

fn write_key(text: KeyText, key: &Key, update: &mut impl FnMut(&[u8])) {
    let digest = || Md5::digest(key.expose());
    match text {
        KeyText::Plain => update(key.expose()),
        KeyText::Md5 => update(hex::encode(digest()).as_bytes()),
        KeyText::UpperMd5 => update(hex::encode_upper(digest()).as_bytes()),
    }
}

/// Puts the signature into the payload's text, or replaces the one that is there.
#[must_use]
pub fn attach(payload: &Payload<'_>, scheme: &Scheme, signature: &Signature) -> String {
    let mut out = String::new();
    attach_into(payload, scheme, signature, &mut out);
    out
}

/// Like [`attach`], written behind what `out` holds.
pub fn attach_into(
    payload: &Payload<'_>,
    scheme: &Scheme,
    signature: &Signature,
    out: &mut String,
) {
    put_with(payload, &scheme.sign_field, out, |out| {
        out.push('"');
        out.push_str(signature.as_str());
        out.push('"');
    });
}

/// Whether a signature holds, and how that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verification {
    /// The scheme by which it was verified; the first one where the payload names an unknown one.
    pub scheme: Scheme,
    /// The signature in the payload, where it is text.
    pub given: Option<String>,
    /// The answer.
    pub answer: Answer,
    /// Which of several keys it is about, from 0.
    pub key: usize,
}

impl Verification {
    /// Why the signature does not match, where it does not.
    #[must_use]
    pub fn mismatch(&self) -> Option<&Mismatch> {
        match &self.answer {
            Answer::Match => None,
            Answer::Mismatch(mismatch) => Some(mismatch),
        }
    }

    /// Whether the search for a mistake in signing knows the rule, and a mistake can explain it.
    #[must_use]
    pub fn can_be_diagnosed(&self) -> bool {
        self.mismatch().is_some_and(Mismatch::can_be_diagnosed)
            && self.scheme.foreign_setting().is_none()
    }
}

/// The answer to "does the signature match".
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It does.
    Match,
    /// It does not.
    Mismatch(Mismatch),
}

/// Why a signature does not match.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mismatch {
    /// There is no `sign`.
    Missing,
    /// `sign` is empty.
    Empty,
    /// `sign` is not text.
    NotText(&'static str),
    /// `sign_type` names a scheme that the platform does not have.
    UnknownSignType(UnknownSignType),
    /// The payload is signed in another way than demanded.
    NotAsRequired {
        /// What was demanded.
        required: Algorithm,
    },
    /// The signature has another length than the scheme's digests.
    Length {
        /// The length in characters.
        given: usize,
        /// The scheme's length.
        expected: usize,
    },
    /// As many digits as another hash's digest has.
    OtherHash {
        /// The hash, such as `SHA-1`.
        hash: &'static str,
        /// The length in digits.
        given: usize,
        /// The scheme's length.
        expected: usize,
    },
    /// The right digits, but not in the case that the scheme requires, which is this one.
    Case(DigestCase),
    /// The right digest, but not written in bare digits.
    Notation {
        /// How it is written, such as `with dashes between its bytes`.
        written: String,
        /// The case that the scheme expects.
        case: DigestCase,
    },
    /// Another digest: a wrong key, another rule, or a changed value.
    Digest,
}

impl Mismatch {
    /// The stable name, as JSON output carries it.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Mismatch::Missing => "missing",
            Mismatch::Empty => "empty",
            Mismatch::NotText(_) => "not-text",
            Mismatch::UnknownSignType(_) => "unknown-sign-type",
            Mismatch::NotAsRequired { .. } => "not-as-required",
            Mismatch::Length { .. } | Mismatch::OtherHash { .. } => "length",
            Mismatch::Case(_) => "case",
            Mismatch::Notation { .. } => "notation",
            Mismatch::Digest => "digest",
        }
    }

    /// Whether a mistake in signing can explain it, so that a search for one makes sense.
    #[must_use]
    pub const fn can_be_diagnosed(&self) -> bool {
        use Mismatch::{Case, Digest, Length, Notation, OtherHash};
        matches!(self, Length { .. } | OtherHash { .. } | Case(_) | Notation { .. } | Digest)
    }

    /// The reason in words.
    #[must_use]
    pub fn explanation(&self) -> String {
        match self {
            Mismatch::Missing => "the payload has no signature".to_owned(),
            Mismatch::Empty => "the signature is empty".to_owned(),
            Mismatch::NotText(kind) => format!("the signature is {kind}; it must be a string"),
            Mismatch::UnknownSignType(error) => error.to_string(),
            Mismatch::NotAsRequired { required } => {
                format!("{required} is required, and the payload is signed otherwise")
            }
            Mismatch::Length { given, expected } => {
                format!(
                    "the signature has {given} characters; this scheme's digests have {expected}"
                )
            }
            Mismatch::OtherHash { hash, given, expected } => format!(
                "the signature has {given} hexadecimal digits, as many as {hash} gives; \
                 this scheme's digests have {expected}"
            ),
            Mismatch::Notation { written, case } => format!(
                "the digest is right, but it is written {written}; send it as bare {}-case \
                 hexadecimal digits",
                case.name()
            ),
            Mismatch::Case(DigestCase::Lower) => {
                "the digits are right, but in upper case; the rule is lower case".to_owned()
            }
            Mismatch::Case(DigestCase::Upper) => {
                "the digits are right, but in lower case; the rule is upper case".to_owned()
            }
            Mismatch::Digest => {
                "the digest differs: a wrong key, another signing rule, or a changed value"
                    .to_owned()
            }
        }
    }
}

/// Verifies a payload's signature by a dialect.
///
/// `required` refuses any other digest: `sign_type` is outside the signature, so a sender of
/// forged notifications could choose it.
#[must_use]
pub fn verify(
    payload: &Payload<'_>,
    key: &Key,
    dialect: &Dialect,
    required: Option<Algorithm>,
) -> Verification {
    let sign = payload.get(dialect.sign_field()).map(|member| &member.value);
    let given = match sign {
        Some(Value::String(text)) => Some(text.to_string()),
        _ => None,
    };
    let found = given.as_deref().map(digest_notation::find).unwrap_or_default();
    let right = found.iter().find(|found| {
        let chosen = dialect.scheme_for(payload, &found.digits);
        chosen.is_ok_and(|scheme| is_right(payload, key, scheme, &found.digits))
    });
    // The digits decide which scheme is meant, not what is around them.
    let digits = right.or(found.first()).map(|found| found.digits.as_str()).or(given.as_deref());
    let chosen = dialect.scheme_for(payload, digits.unwrap_or_default());
    let scheme = chosen.as_ref().copied().unwrap_or_else(|_| dialect.first());
    let mismatch = match (sign, &given, &chosen) {
        (None | Some(Value::Null), ..) => Some(Mismatch::Missing),
        (Some(other), None, _) => Some(Mismatch::NotText(other.kind())),
        (_, Some(given), _) if given.is_empty() => Some(Mismatch::Empty),
        (.., Err(unknown)) => Some(Mismatch::UnknownSignType(unknown.clone())),
        (_, Some(given), Ok(scheme)) => match required {
            Some(required) if required != scheme.algorithm => {
                Some(Mismatch::NotAsRequired { required })
            }
            _ => compare(payload, key, scheme, given, right),
        },
    };
    let answer = mismatch.map_or(Answer::Match, Answer::Mismatch);
    Verification { scheme: scheme.clone(), given, answer, key: 0 }
}

/// As [`verify`], with several keys of which any may have signed: `first`, then `others`.
///
/// Where none matches, the answer is that of the key whose digest is there, written otherwise, or
/// else that of the first.
#[must_use]
pub fn verify_any<'k>(
    payload: &Payload<'_>,
    first: &Key,
    others: impl IntoIterator<Item = &'k Key>,
    dialect: &Dialect,
    required: Option<Algorithm>,
) -> Verification {
    let rank = |verification: &Verification| match &verification.answer {
        Answer::Match => 2,
        Answer::Mismatch(Mismatch::Case(_) | Mismatch::Notation { .. }) => 1,
        Answer::Mismatch(_) => 0,
    };
    let mut best = verify(payload, first, dialect, required);
    for (key, other) in (1..).zip(others) {
        if rank(&best) == 2 {
            break;
        }
        let next = verify(payload, other, dialect, required);
        if rank(&next) > rank(&best) {
            best = Verification { key, ..next };
        }
    }
    best
}

/// The scheme in which the payload should have been signed: the demanded one, or else the chosen.
#[must_use]
pub fn demanded_scheme<'v>(dialect: &'v Dialect, verification: &'v Verification) -> &'v Scheme {
    let demanded = match &verification.answer {
        Answer::Mismatch(Mismatch::NotAsRequired { required }) => dialect.scheme(*required),
        _ => None,
    };
    demanded.unwrap_or(&verification.scheme)
}

/// The signature that would have matched, in the scheme that was demanded or else chosen.
///
/// Show it only where a person asked: who gets it for foreign input can sign without the key.
#[must_use]
pub fn expected(
    payload: &Payload<'_>,
    key: &Key,
    dialect: &Dialect,
    verification: &Verification,
) -> Signature {
    let scheme = demanded_scheme(dialect, verification);
    sign(&canonicalize(payload, scheme), scheme, key)
}

fn compare(
    payload: &Payload<'_>,
    key: &Key,
    scheme: &Scheme,
    given: &str,
    found: Option<&Found>,
) -> Option<Mismatch> {
    let expected = sign(&canonicalize(payload, scheme), scheme, key);
    if expected.matches(given) {
        return None;
    }
    let case = scheme.digest_case;
    let (length, wanted) = (given.chars().count(), expected.as_str().len());
    Some(if expected.matches(&in_case(given, case)) {
        Mismatch::Case(case)
    } else if let Some(found) = found {
        Mismatch::Notation { written: found.in_words(case), case }
    } else if let Some(hash) = hash_of_length(given).filter(|_| length != wanted) {
        Mismatch::OtherHash { hash, given: length, expected: wanted }
    } else if length != wanted {
        Mismatch::Length { given: length, expected: wanted }
    } else {
        Mismatch::Digest
    })
}

fn is_right(payload: &Payload<'_>, key: &Key, scheme: &Scheme, digits: &str) -> bool {
    let expected = sign(&canonicalize(payload, scheme), scheme, key);
    expected.matches(&in_case(digits, scheme.digest_case))
}

#[cfg(test)]
mod edge_tests;

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Key {
        Key::try_new(b"ThisIsYourSecretKey123".to_vec()).unwrap()
    }

    fn signed(json: &str, algorithm: Algorithm) -> String {
        let payload = Payload::parse(json.as_bytes()).unwrap();
        let scheme = Dialect::platform().scheme(algorithm).unwrap();
        attach(&payload, scheme, &sign(&canonicalize(&payload, scheme), scheme, &key()))
    }

    fn answer(json: &str, required: Option<Algorithm>) -> Answer {
        verify(&Payload::parse(json.as_bytes()).unwrap(), &key(), Dialect::platform(), required)
            .answer
    }

    #[test]
    fn what_is_signed_verifies() {
        for algorithm in [Algorithm::Md5, Algorithm::HmacSha256] {
            let body = signed(r#"{"a":1.10,"b":"王"}"#, algorithm);
            assert_eq!(answer(&body, None), Answer::Match, "{body}");
            assert_eq!(answer(&body, Some(algorithm)), Answer::Match);
        }
    }

    #[test]
    fn any_of_several_keys_may_have_signed() {
        let other = |text: &str| Key::try_new(text).unwrap();
        let (old, new) = (other("old"), other("new"));
        let body = signed(r#"{"a":1}"#, Algorithm::Md5);
        let upper = body.replace(&body[16..48], &body[16..48].to_uppercase());
        let spoiled = body.replace("\"a\":1", "\"a\":2");
        let right = key();
        let [first, last, none] = [[&right, &old, &new], [&old, &new, &right], [&old, &new, &old]];
        for (body, [one, two, three], at, code) in [
            (&body, first, 0, None),
            (&body, last, 2, None),
            (&body, none, 0, Some("digest")),
            (&upper, last, 2, Some("case")),
            (&spoiled, last, 0, Some("digest")),
        ] {
            let payload = Payload::parse(body.as_bytes()).unwrap();
            let found = verify_any(&payload, one, [two, three], Dialect::platform(), None);
            assert_eq!((found.key, found.mismatch().map(Mismatch::code)), (at, code), "{body}");
        }
    }

    #[test]
    fn a_mismatch_has_its_reason() {
        let md5 = signed(r#"{"a":1}"#, Algorithm::Md5);
        let upper = md5.replace(md5.get(16..48).unwrap(), &md5[16..48].to_uppercase());
        for (json, code) in [
            (r#"{"a":1}"#, "missing"),
            (r#"{"a":1,"sign":null}"#, "missing"),
            (r#"{"a":1,"sign":""}"#, "empty"),
            (r#"{"a":1,"sign":true}"#, "not-text"),
            (r#"{"a":1,"sign":"xyz"}"#, "length"),
            (r#"{"a":1,"sign":"00000000000000000000000000000000"}"#, "digest"),
            (r#"{"a":1,"sign":"x","sign_type":"RSA"}"#, "unknown-sign-type"),
            (r#"{"a":1,"sign":"x","sign_type":5}"#, "unknown-sign-type"),
            (&upper, "case"),
        ] {
            match answer(json, None) {
                Answer::Mismatch(mismatch) => assert_eq!(mismatch.code(), code, "{json}"),
                Answer::Match => panic!("{json} must not match"),
            }
        }
        assert_eq!(
            answer(&md5, Some(Algorithm::HmacSha256)),
            Answer::Mismatch(Mismatch::NotAsRequired { required: Algorithm::HmacSha256 })
        );
    }

    #[test]
    fn the_right_digest_written_otherwise_is_said_to_be_right() {
        let signed_by = |algorithm| signed(r#"{"a":1}"#, algorithm);
        let (md5, hmac) = (signed_by(Algorithm::Md5), signed_by(Algorithm::HmacSha256));
        let digits = |body: &str| body.split('"').nth(5).unwrap().to_owned();
        for (body, before, after, phrase) in [
            (&md5, "0x", "", "with 0x before it"),
            (&md5, "(stdin)= ", "", "with the label that a command-line tool prints"),
            (&md5, "", "  -", "with the file name that a command-line tool prints"),
            (&hmac, "sha256=", "", "with a label before it"),
            (&hmac, "", "\\n", "with white space around it"),
        ] {
            let right = digits(body);
            for (given, case) in [(right.clone(), "; "), (right.to_uppercase(), " and in upper")] {
                let payload = body.replace(&right, &format!("{before}{given}{after}"));
                let Answer::Mismatch(mismatch) = answer(&payload, None) else {
                    panic!("{payload} must not match")
                };
                let explanation = mismatch.explanation();
                assert_eq!(mismatch.code(), "notation", "{explanation}");
                assert!(explanation.starts_with("the digest is right, but it is written"));
                assert!(explanation.contains(phrase), "{explanation}");
                assert!(explanation.contains(case), "{explanation}");
            }
        }
        let wrong = md5.replace(&digits(&md5), &format!("0x{}", "0".repeat(32)));
        assert!(matches!(answer(&wrong, None), Answer::Mismatch(Mismatch::Length { .. })));
        assert_eq!(
            answer(&hmac.replace(&digits(&hmac), &"0".repeat(40)), None),
            Answer::Mismatch(Mismatch::OtherHash { hash: "SHA-1", given: 40, expected: 32 })
        );
    }

    #[test]
    fn sign_type_is_read_in_any_case_and_binds_the_scheme() {
        let body = signed(r#"{"a":1,"sign_type":"hmac-sha256"}"#, Algorithm::HmacSha256);
        assert_eq!(answer(&body, None), Answer::Match);
        let downgraded = body.replace("hmac-sha256", "md5");
        assert!(matches!(answer(&downgraded, None), Answer::Mismatch(Mismatch::Length { .. })));
    }
}
