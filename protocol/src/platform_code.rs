//! The platform's own codes, as a merchant answers with them.
//!
//! Source: the end of the protocol's section 3. The HTTP status of each is this toolkit's reading.

use super::acknowledgement::ACKNOWLEDGEMENT_BODY;
use super::edit::json_string;

/// The content type that the platform itself uses.
pub const JSON: &str = "application/json;charset=utf-8";

/// A code of the platform that a merchant answers with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PlatformCode {
    /// `0000`: acknowledged; the platform stops notifying.
    Success,
    /// `0002`: a field is missing or has a value that cannot be.
    InvalidParameters,
    /// `0004`: the signature does not match.
    BadSignature,
    /// `0021`: the body is not valid JSON.
    NotJson,
    /// `0022`: the content type is not supported.
    UnsupportedContentType,
    /// `0023`: the method is not supported.
    UnsupportedMethod,
}

impl PlatformCode {
    /// The code, the HTTP status that goes with it, and the message.
    const fn row(self) -> (&'static str, u16, &'static str) {
        match self {
            PlatformCode::Success => ("0000", 200, "success"),
            PlatformCode::InvalidParameters => ("0002", 200, "invalid parameters"),
            PlatformCode::BadSignature => ("0004", 200, "bad signature"),
            PlatformCode::NotJson => ("0021", 400, "not valid JSON"),
            PlatformCode::UnsupportedContentType => ("0022", 415, "unsupported content type"),
            PlatformCode::UnsupportedMethod => ("0023", 405, "unsupported method"),
        }
    }

    /// The four digits, a string on the wire (PROTOCOL section 3).
    #[must_use]
    pub const fn code(self) -> &'static str {
        self.row().0
    }

    /// The HTTP status that goes with the code; ours, the documents name none.
    #[must_use]
    pub const fn status(self) -> u16 {
        self.row().1
    }

    /// The `error_msg` where the caller knows nothing more exact.
    #[must_use]
    pub const fn message(self) -> &'static str {
        self.row().2
    }

    /// The JSON that carries the code, with a message that says why; success carries no message.
    #[must_use]
    pub fn body_because(self, message: &str) -> String {
        match self {
            PlatformCode::Success => ACKNOWLEDGEMENT_BODY.to_owned(),
            _ => format!(
                r#"{{"error_code":"{}","error_msg":{}}}"#,
                self.code(),
                json_string(message)
            ),
        }
    }
}

/// The content type that fits a text which acknowledges: JSON, XML or a bare word.
#[must_use]
pub fn content_type_of(reply: &str) -> &'static str {
    match reply.trim_start().as_bytes().first() {
        Some(b'{') => JSON,
        Some(b'<') => "text/xml;charset=utf-8",
        _ => "text/plain;charset=utf-8",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn success_has_no_message_and_a_refusal_has_one_that_is_json() {
        assert_eq!(PlatformCode::Success.body_because("x"), ACKNOWLEDGEMENT_BODY);
        let body = PlatformCode::BadSignature.body_because("no \"match\"\n");
        assert_eq!(body, r#"{"error_code":"0004","error_msg":"no \"match\"\n"}"#);
    }

    #[test]
    fn the_content_type_fits_the_reply() {
        assert_eq!(content_type_of(ACKNOWLEDGEMENT_BODY), JSON);
        assert_eq!(content_type_of("<xml/>"), "text/xml;charset=utf-8");
        assert_eq!(content_type_of("success"), "text/plain;charset=utf-8");
        assert_eq!(content_type_of(""), "text/plain;charset=utf-8");
    }

    #[test]
    fn each_code_has_its_digits_status_and_message() {
        for (platform_code, code, status, message) in [
            (PlatformCode::Success, "0000", 200, "success"),
            (PlatformCode::InvalidParameters, "0002", 200, "invalid parameters"),
            (PlatformCode::BadSignature, "0004", 200, "bad signature"),
            (PlatformCode::NotJson, "0021", 400, "not valid JSON"),
            (PlatformCode::UnsupportedContentType, "0022", 415, "unsupported content type"),
            (PlatformCode::UnsupportedMethod, "0023", 405, "unsupported method"),
        ] {
            assert_eq!((platform_code.code(), platform_code.status()), (code, status));
            assert_eq!(platform_code.message(), message);
        }
    }
}
