//! What the platform would make of the application's reply.

use std::borrow::Cow;

use protocol::internal::acknowledgement::{
    AcknowledgementRule, Conclusion, MAX_REPLY_BYTES, Reply, ReplyWarning,
};

use crate::mask::{self, Untrusted};
use crate::net::client::unzip;

/// The longest remark, in characters: it may repeat what the application sent.
const MAX_REMARK_CHARS: usize = 300;

/// Whether a reply acknowledges, and what is to be said about it. A body in gzip is read as a
/// sender that asked for it would; one in another encoding is not read, so it acknowledges nothing
/// here.
pub(super) fn judge(
    rule: &AcknowledgementRule,
    status: u16,
    headers: &[(String, Vec<u8>)],
    body: &[u8],
) -> (bool, Option<String>) {
    let text = |name: &str| {
        let value = headers.iter().find(|(known, _)| known == name).map(|(_, value)| &value[..]);
        value.map(|value| String::from_utf8_lossy(value).into_owned())
    };
    let body = match decoded(text("content-encoding").as_deref(), body) {
        Ok(body) => body,
        Err(remark) => return (false, Some(remark)),
    };
    let reply = Reply {
        status,
        content_type: text("content-type"),
        retry_after: text("retry-after"),
        encoding: None,
        body: body[..body.len().min(MAX_REPLY_BYTES + 1)].to_vec(),
    };
    match rule.judge(&reply) {
        Conclusion::Acknowledged(warnings) => (true, remark_of(&warnings)),
        Conclusion::NotAcknowledged(refusal) => (false, Some(short(&refusal.explanation()))),
    }
}

fn remark_of(warnings: &[ReplyWarning]) -> Option<String> {
    let texts: Vec<&str> = warnings.iter().map(|warning| warning.explanation()).collect();
    (!texts.is_empty()).then(|| texts.join("; "))
}

/// The body without its encoding, and no more of it than is judged, and one byte.
fn decoded<'b>(encoding: Option<&str>, body: &'b [u8]) -> Result<Cow<'b, [u8]>, String> {
    let encoding = encoding.map(str::trim).unwrap_or_default().to_ascii_lowercase();
    match encoding.as_str() {
        _ if body.is_empty() => Ok(Cow::Borrowed(body)),
        "" | "identity" => Ok(Cow::Borrowed(body)),
        "gzip" | "x-gzip" => match unzip(body) {
            Ok(text) => Ok(Cow::Owned(text)),
            Err(_) => Err("the body is declared as gzip and is not".to_owned()),
        },
        other => Err(short(&format!(
            "the body is encoded ({}), so it was not judged",
            Untrusted::new(other)
        ))),
    }
}

fn short(text: &str) -> String {
    mask::in_own(text).chars().take(MAX_REMARK_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use protocol::internal::acknowledgement::ACKNOWLEDGEMENT_BODY;

    use super::*;

    fn judged(headers: &[(&str, &str)], body: &[u8]) -> (bool, Option<String>) {
        let headers: Vec<_> =
            headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        judge(&AcknowledgementRule::ErrorCode, 200, &headers, body)
    }

    #[test]
    fn a_near_miss_and_an_oddity_are_put_into_words() {
        let json = ("content-type", "application/json");
        assert_eq!(judged(&[json], ACKNOWLEDGEMENT_BODY.as_bytes()), (true, None));
        let (acknowledges, remark) = judged(&[], ACKNOWLEDGEMENT_BODY.as_bytes());
        assert!(acknowledges && remark.unwrap().contains("content type"));
        let (acknowledges, remark) = judged(&[json], br#"{"error_code":0}"#);
        assert!(!acknowledges && remark.unwrap().contains("the number 0"));
        let hostile = format!(r#"{{"error_code":"{}"}}"#, "é".repeat(10_000));
        let (acknowledges, remark) = judged(&[json], hostile.as_bytes());
        assert!(!acknowledges && remark.unwrap().chars().count() == MAX_REMARK_CHARS);
        let too_long = " ".repeat(MAX_REPLY_BYTES) + ACKNOWLEDGEMENT_BODY;
        assert!(!judged(&[json], too_long.as_bytes()).0);
    }

    #[test]
    fn gzip_is_undone_within_a_bound_and_nothing_else_is() {
        let zip = |body: &[u8]| {
            let mut zip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            zip.write_all(body).unwrap();
            zip.finish().unwrap()
        };
        let headers = [("content-type", "application/json"), ("content-encoding", "gzip")];
        assert_eq!(judged(&headers, &zip(ACKNOWLEDGEMENT_BODY.as_bytes())), (true, None));
        let (acknowledges, remark) = judged(&headers, &zip(&vec![b' '; 50 << 20]));
        assert!(!acknowledges && remark.unwrap().contains("longer than"));
        assert!(judged(&headers, b"plain").1.unwrap().contains("gzip and is not"));
        let (acknowledges, remark) = judged(&[("content-encoding", "br")], b"x");
        assert!(!acknowledges && remark.unwrap().contains("(br)"));
    }
}
