//! From a payload and the changes asked for to the signed body: what `sign` and `simulate` share.

use super::args::dialect::lacks;
use super::args::input::read_payload;
use crate::error::CommandError;
use crate::protocol::canonical::canonicalize;
use crate::protocol::dialect::Dialect;
use crate::protocol::edit::{self, Edit, json_string};
use crate::protocol::key::Key;
use crate::protocol::payload::{Encoding, Payload};
use crate::protocol::scheme::{Algorithm, Scheme};
use crate::protocol::signature::{Signature, attach, sign};

/// A payload with a fresh signature, and what it was made from.
pub struct Signed {
    /// The payload's text with the signature in it.
    pub body: String,
    /// The digest it was signed with.
    pub algorithm: Algorithm,
    /// The signature alone.
    pub signature: Signature,
    /// The canonical string, the key masked.
    pub masked_canonical: String,
}

/// Makes the changes, settles the `sign_type`, signs, and attaches the signature.
///
/// # Errors
/// Changes that leave no payload, or a payload whose own `sign_type` is unknown (input).
pub fn sign_payload<'e>(
    payload: &Payload<'_>,
    edits: impl Iterator<Item = &'e Edit>,
    dialect: &Dialect,
    chosen: Option<Algorithm>,
    key: &Key,
) -> Result<Signed, CommandError> {
    let encoding = payload.encoding();
    let text = edited(payload, edits)?;
    let (text, scheme) = with_sign_type(&parse_changed(&text, encoding)?, dialect, chosen)?;
    let payload = parse_changed(&text, encoding)?;
    let canonical = canonicalize(&payload, scheme);
    let signature = sign(&canonical, scheme, key);
    let body = attach(&payload, scheme, &signature);
    Ok(Signed {
        algorithm: scheme.algorithm,
        body,
        signature,
        masked_canonical: canonical.masked(scheme),
    })
}

/// The payload's text after all changes.
///
/// # Errors
/// Changes that leave no payload (input).
pub fn edited<'e>(
    payload: &Payload<'_>,
    edits: impl Iterator<Item = &'e Edit>,
) -> Result<String, CommandError> {
    let mut text = payload.text().to_owned();
    for change in edits {
        text = edit::apply(&parse_changed(&text, payload.encoding())?, change);
    }
    Ok(text)
}

fn parse_changed(text: &str, encoding: Encoding) -> Result<Payload<'_>, CommandError> {
    read_payload(text.as_bytes(), "the changed payload", encoding)
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
///
/// # Errors
/// A payload whose own `sign_type` is unknown (input), a dialect without the chosen one (usage).
pub fn choose_scheme<'d>(
    payload: &Payload<'_>,
    dialect: &'d Dialect,
    chosen: Option<Algorithm>,
) -> Result<(&'d Scheme, SignType), CommandError> {
    let said = dialect.said_by(payload);
    let Some(chosen) = chosen else {
        return match said {
            Ok(said) => Ok((said.unwrap_or_else(|| dialect.first()), SignType::Stands)),
            Err(unknown) => Err(CommandError::input("the payload cannot be signed")
                .because(unknown)
                .hint("choose with --sign-type md5 or --sign-type hmac-sha256")),
        };
    };
    let scheme = scheme_of(dialect, chosen)?;
    let stands = !dialect.reads_sign_type() || said.is_ok_and(|said| said == Some(scheme));
    Ok((scheme, if stands { SignType::Stands } else { SignType::Differs }))
}

/// The dialect's scheme with this digest.
///
/// # Errors
/// A dialect without it (usage).
pub fn scheme_of(dialect: &Dialect, chosen: Algorithm) -> Result<&Scheme, CommandError> {
    dialect.scheme(chosen).ok_or_else(|| lacks(dialect, chosen))
}

/// The text with the chosen `sign_type` in it, and the scheme that it stands for.
fn with_sign_type<'d>(
    payload: &Payload<'_>,
    dialect: &'d Dialect,
    chosen: Option<Algorithm>,
) -> Result<(String, &'d Scheme), CommandError> {
    let (scheme, sign_type) = choose_scheme(payload, dialect, chosen)?;
    let text = match sign_type {
        SignType::Stands => payload.text().to_owned(),
        SignType::Differs => edit::put(payload, "sign_type", &json_string(scheme.algorithm.name())),
    };
    Ok((text, scheme))
}
