//! From a payload and the changes asked for to the signed body: what `sign` and `simulate` share.
//!
//! Which scheme signs is settled in [`protocol::internal::signing`]; here its errors get their hints.

use protocol::internal::canonical::{CanonicalString, canonicalize};
use protocol::internal::edit;
use protocol::internal::edit::Edit;
use protocol::internal::signature::{Signature, attach, sign};
use protocol::internal::signing;
use protocol::internal::signing::with_sign_type;
use protocol::{Algorithm, Dialect, Encoding, Key, Payload, Scheme};

use super::args::dialect::lacks;
use super::args::input::read_payload;
use crate::error::CommandError;

pub use protocol::internal::signing::SignType;

pub struct Signed<'d> {
    pub body: String,
    pub scheme: &'d Scheme,
    pub canonical: CanonicalString,
    pub signature: Signature,
}

impl Signed<'_> {
    pub fn masked_canonical(&self) -> String {
        self.canonical.masked(self.scheme)
    }
}

pub fn sign_payload<'d, 'e>(
    payload: &Payload<'_>,
    edits: impl Iterator<Item = &'e Edit>,
    dialect: &'d Dialect,
    chosen: Option<Algorithm>,
    key: &Key,
) -> Result<Signed<'d>, CommandError> {
    let encoding = payload.encoding();
    let text = edited(payload, edits)?;
    let payload = parse_changed(&text, encoding)?;
    let (scheme, sign_type) = choose_scheme(&payload, dialect, chosen)?;
    let text = match sign_type {
        SignType::Stands => text.clone(),
        SignType::Differs => with_sign_type(&payload, scheme),
    };
    let payload = parse_changed(&text, encoding)?;
    let canonical = canonicalize(&payload, scheme);
    let signature = sign(&canonical, scheme, key);
    let body = attach(&payload, scheme, &signature);
    Ok(Signed { body, scheme, canonical, signature })
}

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

pub fn choose_scheme<'d>(
    payload: &Payload<'_>,
    dialect: &'d Dialect,
    chosen: Option<Algorithm>,
) -> Result<(&'d Scheme, SignType), CommandError> {
    let chosen = chosen.map(|chosen| scheme_of(dialect, chosen)).transpose()?;
    signing::choose_scheme(payload, dialect, chosen).map_err(|unknown| {
        CommandError::input("the payload cannot be signed")
            .because(unknown)
            .hint("choose with --sign-type md5 or --sign-type hmac-sha256")
    })
}

pub fn scheme_of(dialect: &Dialect, chosen: Algorithm) -> Result<&Scheme, CommandError> {
    signing::scheme_of(dialect, chosen).map_err(|_| lacks(dialect, chosen))
}
