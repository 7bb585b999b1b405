//! From a payload's text to its signed body, many times over with the same dialect and key.

use std::borrow::Cow;

use crate::canonical::{CanonicalString, canonicalize_into};
use crate::dialect::Dialect;
use crate::edit::{self, Edit, json_string};
use crate::form;
use crate::key::Key;
use crate::layout::Transport;
use crate::payload::{MAX_BYTES, Payload, PayloadError};
use crate::scheme::{Algorithm, Scheme, UnknownSignType};
use crate::signature::{attach_into, sign};
use crate::untrusted::Untrusted;

/// Signs the bodies of many orders; its memory is reused.
pub struct BodySigner {
    dialect: Dialect,
    chosen: Option<Algorithm>,
    key: Key,
    canonical: CanonicalString,
}

/// Why a payload cannot be signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SigningError {
    /// The body is not a valid payload.
    #[error(transparent)]
    InvalidPayload(#[from] PayloadError),
    /// Its own `sign_type` names a digest that the dialect does not have.
    #[error("the payload cannot be signed: {0}")]
    UnknownSignType(#[from] UnknownSignType),
    /// The chosen digest is not one of the dialect's.
    #[error(transparent)]
    NoSuchDigest(#[from] NoSuchDigest),
}

/// A digest that the dialect does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the dialect {} has no {algorithm}", Untrusted::new(.dialect))]
pub struct NoSuchDigest {
    /// The dialect's name.
    pub dialect: String,
    /// The digest.
    pub algorithm: Algorithm,
}

/// Whether a payload's `sign_type` says how the payload is to be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignType {
    /// It does, or nothing needs to.
    Stands,
    /// It must be put in or replaced.
    Differs,
}

/// The scheme to sign by: the chosen one, else what the payload says.
pub fn choose_scheme<'d>(
    payload: &Payload<'_>,
    dialect: &'d Dialect,
    chosen: Option<&'d Scheme>,
) -> Result<(&'d Scheme, SignType), UnknownSignType> {
    let said = dialect.said_by(payload);
    let Some(chosen) = chosen else {
        return said.map(|said| (said.unwrap_or_else(|| dialect.first()), SignType::Stands));
    };
    let stands = !dialect.reads_sign_type() || said == Ok(Some(chosen));
    Ok((chosen, if stands { SignType::Stands } else { SignType::Differs }))
}

/// The dialect's scheme with this digest.
pub fn scheme_of(dialect: &Dialect, algorithm: Algorithm) -> Result<&Scheme, NoSuchDigest> {
    dialect
        .scheme(algorithm)
        .ok_or_else(|| NoSuchDigest { dialect: dialect.id.to_string(), algorithm })
}

/// The payload's text with the scheme's `sign_type` in it.
#[must_use]
pub fn with_sign_type(payload: &Payload<'_>, scheme: &Scheme) -> String {
    edit::put(payload, "sign_type", &json_string(scheme.algorithm.name()))
}

impl BodySigner {
    /// The dialect by which it signs.
    #[must_use]
    pub fn dialect(&self) -> &Dialect {
        &self.dialect
    }

    /// Settles what applies to every payload; without a chosen digest each payload's `sign_type`
    /// chooses.
    pub fn try_new(
        dialect: &Dialect,
        chosen: Option<Algorithm>,
        key: Key,
    ) -> Result<Self, NoSuchDigest> {
        chosen.map(|algorithm| scheme_of(dialect, algorithm)).transpose()?;
        let dialect = dialect.clone();
        Ok(BodySigner { dialect, chosen, key, canonical: CanonicalString::default() })
    }

    /// The signed body of a JSON payload after these changes, as the dialect sends it, and what `read` finds in the payload.
    pub fn sign<'e, T>(
        &mut self,
        text: &[u8],
        edits: impl IntoIterator<Item = &'e Edit>,
        read: impl FnOnce(&Payload<'_>) -> T,
    ) -> Result<(String, T), SigningError> {
        let mut changed: Option<String> = None;
        for change in edits {
            let current = changed.as_ref().map_or(text, |text| text.as_bytes());
            changed = Some(edit::apply(&Payload::parse(current)?, change));
        }
        let payload = Payload::parse(changed.as_ref().map_or(text, |text| text.as_bytes()))?;
        let chosen = self.chosen.and_then(|algorithm| self.dialect.scheme(algorithm));
        let (scheme, sign_type) = choose_scheme(&payload, &self.dialect, chosen)?;
        let text = match sign_type {
            SignType::Stands => Cow::Borrowed(payload.text()),
            SignType::Differs => Cow::Owned(with_sign_type(&payload, scheme)),
        };
        let transport = self.dialect.layout.transport;
        if transport == Transport::Json && sign_type == SignType::Stands {
            let body = Self::attached(&payload, scheme, &self.key, &mut self.canonical)?;
            return Ok((body, read(&payload)));
        }
        let payload = Payload::parse(text.as_bytes())?;
        let text = transport.encode(&payload, scheme.nulls);
        let payload = form::read(text.as_bytes(), transport.encoding())?;
        let body = Self::attached(&payload, scheme, &self.key, &mut self.canonical)?;
        Ok((body, read(&payload)))
    }

    fn attached(
        payload: &Payload<'_>,
        scheme: &Scheme,
        key: &Key,
        canonical: &mut CanonicalString,
    ) -> Result<String, PayloadError> {
        canonicalize_into(payload, scheme, canonical);
        let signature = sign(canonical, scheme, key);
        let mut body = String::with_capacity(payload.text().len() + 96);
        attach_into(payload, scheme, &signature, &mut body);
        if body.len() > MAX_BYTES {
            // Signed it is too long, which reading it says with the place.
            form::read(body.as_bytes(), payload.encoding())?;
        }
        Ok(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::PayloadProblem;
    use crate::signature::{Answer, verify};

    fn key() -> Key {
        Key::try_new(b"ThisIsYourSecretKey123".to_vec()).unwrap()
    }

    fn signer(id: &str, chosen: Option<Algorithm>) -> BodySigner {
        BodySigner::try_new(Dialect::built_in(id).unwrap(), chosen, key()).unwrap()
    }

    #[test]
    fn the_chosen_digest_or_the_sign_type_decides() {
        use Algorithm::{HmacSha256, Md5};
        use SignType::{Differs, Stands};
        for (json, id, chosen, expected) in [
            ("{}", "platform", None, Ok((Md5, Stands))),
            (r#"{"sign_type":""}"#, "platform", None, Ok((Md5, Stands))),
            (r#"{"sign_type":"md5"}"#, "platform", None, Ok((Md5, Stands))),
            (r#"{"sign_type":"hmac-sha256"}"#, "platform", None, Ok((HmacSha256, Stands))),
            (r#"{"sign_type":"RSA"}"#, "platform", None, Err(UnknownSignType("RSA".to_owned()))),
            ("{}", "platform", Some(Md5), Ok((Md5, Differs))),
            ("{}", "platform", Some(HmacSha256), Ok((HmacSha256, Differs))),
            (r#"{"sign_type":"MD5"}"#, "platform", Some(HmacSha256), Ok((HmacSha256, Differs))),
            (r#"{"sign_type":"MD5"}"#, "platform", Some(Md5), Ok((Md5, Stands))),
            (r#"{"sign_type":"RSA"}"#, "platform", Some(Md5), Ok((Md5, Differs))),
            ("{}", "jeepay", Some(Md5), Ok((Md5, Stands))),
            (r#"{"sign_type":"RSA"}"#, "jeepay", None, Ok((Md5, Stands))),
        ] {
            let payload = Payload::parse(json.as_bytes()).unwrap();
            let dialect = Dialect::built_in(id).unwrap();
            let chosen = chosen.map(|algorithm| scheme_of(dialect, algorithm).unwrap());
            let found = choose_scheme(&payload, dialect, chosen);
            let found = found.map(|(scheme, sign_type)| (scheme.algorithm, sign_type));
            assert_eq!(found, expected, "{json} {id} {chosen:?}");
        }
    }

    #[test]
    fn a_digest_that_the_dialect_lacks_is_refused() {
        let dialect = Dialect::built_in("jeepay").unwrap();
        let error = BodySigner::try_new(dialect, Some(Algorithm::HmacSha256), key()).err();
        assert_eq!(error.unwrap().to_string(), "the dialect jeepay has no HMAC-SHA256");
    }

    #[test]
    fn changes_are_made_one_after_another_before_signing() {
        let put = |name: &str, json: &str| Edit::Put { name: name.into(), json: json.into() };
        let edits =
            [put("a", "1"), put("b", "\"2\""), put("a", "3"), Edit::Remove { name: "c".into() }];
        let read = |payload: &Payload<'_>| payload.text().to_owned();
        let (body, text) = signer("platform", None).sign(br#"{"c":1}"#, &edits, read).unwrap();
        assert_eq!(text, r#"{"a":3,"b":"2"}"#);
        let matches = |body: &str| {
            let payload = Payload::parse(body.as_bytes()).unwrap();
            verify(&payload, &key(), Dialect::platform(), None).answer == Answer::Match
        };
        assert!(matches(&body), "{body}");
        let mut hmac = signer("platform", Some(Algorithm::HmacSha256));
        let (body, text) = hmac.sign(br#"{"a":1}"#, [], read).unwrap();
        assert_eq!(text, r#"{"a":1,"sign_type":"HMAC-SHA256"}"#);
        assert!(matches(&body), "{body}");
    }

    #[test]
    fn the_signed_body_is_as_bounded_as_a_payload() {
        let added = r#","sign":"""#.len() + 32;
        for (length, is_right) in [(MAX_BYTES - added, true), (MAX_BYTES - added + 1, false)] {
            let text = format!("{{\"a\":\"{}\"}}", "x".repeat(length - 8));
            match signer("platform", None).sign(text.as_bytes(), [], |_| ()) {
                Ok((body, ())) => assert_eq!((body.len(), is_right), (MAX_BYTES, true)),
                Err(SigningError::InvalidPayload(error)) => {
                    assert_eq!(error.problem, PayloadProblem::TooLarge(MAX_BYTES + 1));
                    assert!(!is_right);
                }
                Err(other) => panic!("{other}"),
            }
        }
    }
}
