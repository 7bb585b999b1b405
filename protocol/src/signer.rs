//! Signing as the platform does, so that merchants can test their own handlers.

use std::borrow::Cow;

use crate::canonical::canonicalize;
use crate::dialect::Dialect;
use crate::form;
use crate::key::Key;
use crate::payload::Encoding;
use crate::scheme::Algorithm;
use crate::signature::{self, attach};
use crate::signing::{SignType, SigningError, choose_scheme, scheme_of, with_sign_type};

/// Signs a payload by this platform's rules and returns the body to send.
///
/// The payload's `sign_type` chooses the digest, MD5 where it has none; an old `sign` is replaced.
/// [`Signer`] chooses another digest or dialect, or signs form pairs.
///
/// ```
/// use payout_notify_protocol::{Key, sign, verify};
///
/// let key = Key::try_new("ThisIsYourSecretKey123")?;
/// let body = sign(br#"{"payout_id":"POT1","payout_cl_id":"order-1","platform_id":"PF0014",
///     "amount":400000,"real_amount":400000,"fee":3200,"status":3,
///     "create_time":1567614049,"update_time":1567614111}"#, &key)?;
/// assert_eq!(verify(body.as_bytes(), &key)?.merchant_order_id, "order-1");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// A body that is not a valid payload, or whose `sign_type` is unknown.
pub fn sign(body: &[u8], key: &Key) -> Result<String, SigningError> {
    Signer::new(key.clone()).sign(body)
}

/// Signs by other rules than [`sign`]: a chosen digest, another dialect, or form pairs.
///
/// ```
/// use payout_notify_protocol::{Algorithm, Key, Signer, Verifier};
///
/// let key = Key::try_new("ThisIsYourSecretKey123")?;
/// let body = Signer::new(key.clone()).algorithm(Algorithm::HmacSha256).sign(br#"{"amount":1}"#)?;
/// assert!(body.contains(r#""sign_type":"HMAC-SHA256""#));
/// Verifier::new(key).require(Algorithm::HmacSha256).verify_payload(body.as_bytes())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Signer {
    key: Key,
    dialect: Cow<'static, Dialect>,
    algorithm: Option<Algorithm>,
    encoding: Encoding,
}

impl Signer {
    /// This platform's rules, as [`sign`] applies them.
    #[must_use]
    pub fn new(key: Key) -> Signer {
        let dialect = Cow::Borrowed(Dialect::platform());
        Signer { key, dialect, algorithm: None, encoding: Encoding::Json }
    }

    /// Signs with this digest whatever the payload's `sign_type` says, and sets `sign_type`.
    #[must_use]
    pub fn algorithm(self, algorithm: Algorithm) -> Signer {
        Signer { algorithm: Some(algorithm), ..self }
    }

    /// Signs as a sibling platform does.
    #[must_use]
    pub fn dialect(self, dialect: Dialect) -> Signer {
        Signer { dialect: Cow::Owned(dialect), ..self }
    }

    /// Reads and writes bodies of this form; JSON by default.
    #[must_use]
    pub fn encoding(self, encoding: Encoding) -> Signer {
        Signer { encoding, ..self }
    }

    /// Signs a payload and returns the body to send.
    ///
    /// # Errors
    /// As [`sign`], and a digest that the dialect does not have.
    pub fn sign(&self, body: &[u8]) -> Result<String, SigningError> {
        let dialect = &*self.dialect;
        let chosen = self.algorithm.map(|algorithm| scheme_of(dialect, algorithm)).transpose()?;
        let payload = form::read(body, self.encoding)?;
        let (scheme, sign_type) = choose_scheme(&payload, dialect, chosen)?;
        let text = match sign_type {
            SignType::Stands => payload.text().to_owned(),
            SignType::Differs => with_sign_type(&payload, scheme),
        };
        let payload = form::read(text.as_bytes(), self.encoding)?;
        let signature = signature::sign(&canonicalize(&payload, scheme), scheme, &self.key);
        Ok(attach(&payload, scheme, &signature))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_option_changes_what_is_signed() {
        let key = Key::try_new(b"ThisIsYourSecretKey123".to_vec()).unwrap();
        let signer = || Signer::new(key.clone());
        let jeepay = Dialect::built_in("jeepay").unwrap();
        let hmac = Algorithm::HmacSha256;
        for (signer, body, start, digits, is_upper) in [
            (signer(), r#"{"a":1}"#, r#"{"a":1,"sign":""#, 32, false),
            (signer(), r#"{"a":1,"sign":"x"}"#, r#"{"a":1,"sign":""#, 32, false),
            (
                signer().algorithm(hmac),
                r#"{"a":1}"#,
                r#"{"a":1,"sign_type":"HMAC-SHA256","sign":""#,
                64,
                false,
            ),
            (signer().dialect(jeepay.clone()), r#"{"a":1}"#, r#"{"a":1,"sign":""#, 32, true),
            (signer().encoding(Encoding::Form), "a=1", "a=1&sign=", 32, false),
            (
                signer().encoding(Encoding::Form).algorithm(hmac),
                "a=1",
                "a=1&sign_type=HMAC-SHA256&sign=",
                64,
                false,
            ),
        ] {
            let signed = signer.sign(body.as_bytes()).unwrap();
            let rest = signed.strip_prefix(start).unwrap_or_else(|| panic!("{signed}"));
            let rest = rest.trim_end_matches(['"', '}']);
            assert_eq!(rest.len(), digits, "{signed}");
            assert_eq!(rest == rest.to_uppercase(), is_upper, "{signed}");
        }
        let refused = signer().dialect(jeepay.clone()).algorithm(hmac).sign(b"{}");
        assert!(matches!(refused, Err(SigningError::NoSuchDigest(_))));
        let unknown = sign(br#"{"sign_type":"RSA"}"#, &key);
        assert!(matches!(unknown, Err(SigningError::UnknownSignType(_))));
    }
}
