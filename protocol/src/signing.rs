//! From a payload's text to its signed body, many times over with the same dialect and key.

use crate::canonical::{CanonicalString, canonicalize_into};
use crate::dialect::Dialect;
use crate::edit::{self, Edit, json_string};
use crate::key::Key;
use crate::payload::{MAX_BYTES, Payload, PayloadError};
use crate::scheme::{Algorithm, Scheme, UnknownSignType};
use crate::signature::{attach_into, sign};

/// Signs the bodies of many orders; its memory is reused.
pub struct BodySigner {
    dialect: &'static Dialect,
    chosen: Option<&'static Scheme>,
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
#[error("the dialect {dialect} has no {algorithm}")]
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
    pub fn dialect(&self) -> &'static Dialect {
        self.dialect
    }

    /// Settles what holds for every payload; without a chosen digest each payload's `sign_type`
    /// chooses.
    pub fn try_new(
        dialect: &'static Dialect,
        chosen: Option<Algorithm>,
        key: Key,
    ) -> Result<Self, NoSuchDigest> {
        let chosen = chosen.map(|algorithm| scheme_of(dialect, algorithm)).transpose()?;
        Ok(BodySigner { dialect, chosen, key, canonical: CanonicalString::default() })
    }

    /// The signed body of a payload after these changes, and what `read` finds in the payload.
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
        let (scheme, sign_type) = choose_scheme(&payload, self.dialect, self.chosen)?;
        if sign_type == SignType::Stands {
            return Ok((self.attached(&payload, scheme)?, read(&payload)));
        }
        let text = with_sign_type(&payload, scheme);
        let payload = Payload::parse(text.as_bytes())?;
        Ok((self.attached(&payload, scheme)?, read(&payload)))
    }

    fn attached(&mut self, payload: &Payload<'_>, scheme: &Scheme) -> Result<String, PayloadError> {
        canonicalize_into(payload, scheme, &mut self.canonical);
        let signature = sign(&self.canonical, scheme, &self.key);
        let mut body = String::with_capacity(payload.text().len() + 96);
        attach_into(payload, scheme, &signature, &mut body);
        if body.len() > MAX_BYTES {
            // Signed it is too long, which reading it says with the place.
            Payload::parse(body.as_bytes())?;
        }
        Ok(body)
    }
}
