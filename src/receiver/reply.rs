//! The merchant's reply as a value, with the platform's own codes.

use protocol::internal::platform_code::content_type_of;

use super::callback::Bytes;
pub use protocol::PlatformCode;
pub use protocol::internal::platform_code::JSON;

/// What the merchant answers. The server frames it: it writes `Content-Length` itself and leaves
/// out a `Content-Length`, `Transfer-Encoding` or `Connection` in `headers`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status, 200 to 999.
    pub status: u16,
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Bytes,
}

impl Reply {
    pub fn platform(code: PlatformCode) -> Self {
        Self::platform_because(code, code.message())
    }

    pub fn platform_because(code: PlatformCode, message: &str) -> Self {
        Self::new(code.status(), JSON, code.body_because(message)).with_allow(code)
    }

    /// With the header that must go with a refused method.
    pub fn with_allow(self, code: PlatformCode) -> Self {
        match code {
            PlatformCode::UnsupportedMethod => self.with_header("Allow", "POST"),
            _ => self,
        }
    }

    pub fn success(text: impl Into<Bytes> + AsRef<str>) -> Self {
        Self::new(PlatformCode::Success.status(), content_type_of(text.as_ref()), text)
    }

    pub fn new(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        let reply = Reply { status, headers: Vec::new(), body: body.into() };
        reply.with_header("Content-Type", content_type)
    }

    #[must_use]
    pub fn with_header(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn header<'a>(reply: &'a Reply, name: &str) -> Option<&'a [u8]> {
        reply.headers.iter().find(|(known, _)| known == name).map(|(_, value)| &value[..])
    }

    #[test]
    fn success_is_exactly_what_the_platform_waits_for() {
        let reply = Reply::platform(PlatformCode::Success);
        assert_eq!(reply.status, 200);
        assert_eq!(&reply.body[..], br#"{"error_code":"0000"}"#);
        assert_eq!(header(&reply, "Content-Type"), Some(JSON.as_bytes()));
    }

    #[test]
    fn a_refusal_carries_its_reason_as_valid_json() {
        let reply = Reply::platform_because(PlatformCode::BadSignature, "no \"match\"\n");
        assert_eq!(reply.status, 200);
        assert_eq!(&reply.body[..], br#"{"error_code":"0004","error_msg":"no \"match\"\n"}"#);
    }

    #[test]
    fn every_code_has_its_status() {
        let table = [
            (PlatformCode::Success, "0000", 200),
            (PlatformCode::InvalidParameters, "0002", 200),
            (PlatformCode::BadSignature, "0004", 200),
            (PlatformCode::NotJson, "0021", 400),
            (PlatformCode::UnsupportedContentType, "0022", 415),
            (PlatformCode::UnsupportedMethod, "0023", 405),
        ];
        for (code, digits, status) in table {
            assert_eq!((code.code(), code.status()), (digits, status));
            let reply = Reply::platform(code);
            assert_eq!(reply.status, status);
            let body: Value = serde_json::from_slice(&reply.body).unwrap();
            assert_eq!(body["error_code"], digits);
            assert_eq!(body.get("error_msg").is_none(), code == PlatformCode::Success);
        }
    }

    #[test]
    fn an_unsupported_method_names_the_right_one() {
        let reply = Reply::platform(PlatformCode::UnsupportedMethod);
        assert_eq!(header(&reply, "Allow"), Some(&b"POST"[..]));
    }
}
