//! The facts of a certificate that the TLS library does not give: its names, and when it expires.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// The tags of DER that are read (X.690).
const INTEGER: u8 = 0x02;
const OBJECT_ID: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// What is read of a certificate; `None` where it cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::net) struct CertificateFacts {
    subject: Option<String>,
    issuer: Option<String>,
    /// Its `notAfter`.
    pub(in crate::net) expires_at: Option<Timestamp>,
}

impl fmt::Display for CertificateFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |name: &Option<String>| name.clone().unwrap_or_else(|| "?".to_owned());
        let expiry = self.expires_at.map_or_else(|| "?".to_owned(), |time| time.to_string());
        let (subject, issuer) = (name(&self.subject), name(&self.issuer));
        write!(f, "{subject}, issued by {issuer}, expires {expiry}")
    }
}

/// Reads a certificate in DER (RFC 5280, section 4.1).
pub(in crate::net) fn read(certificate: &[u8]) -> Option<CertificateFacts> {
    let (body, _) = element(certificate, SEQUENCE)?;
    let (mut rest, _) = element(body, SEQUENCE)?;
    if rest.first() == Some(&VERSION) {
        rest = element(rest, VERSION)?.1;
    }
    // The serial number and the algorithm come first.
    for tag in [INTEGER, SEQUENCE] {
        rest = element(rest, tag)?.1;
    }
    let (issuer, rest) = element(rest, SEQUENCE)?;
    let (validity, rest) = element(rest, SEQUENCE)?;
    let (subject, _) = element(rest, SEQUENCE)?;
    let (_, not_after) = time(validity)?;
    let (expires_at, _) = time(not_after)?;
    Some(CertificateFacts { subject: name(subject), issuer: name(issuer), expires_at })
}

/// The values of a name, the most telling last: `Example Ltd, shop.example`; `None` of none.
fn name(mut rest: &[u8]) -> Option<String> {
    let mut values = Vec::new();
    while let Some((set, after)) = element(rest, SET) {
        let (attribute, _) = element(set, SEQUENCE)?;
        let (_, value) = element(attribute, OBJECT_ID)?;
        let (text, _) = element(value, *value.first()?)?;
        values.push(String::from_utf8_lossy(text).into_owned());
        rest = after;
    }
    (!values.is_empty()).then(|| values.join(", "))
}

fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let [found, first, rest @ ..] = bytes else { return None };
    if *found != tag {
        return None;
    }
    let (length, rest) = match first {
        0..=0x7f => (usize::from(*first), rest),
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (digits.iter().fold(0, |sum, digit| sum << 8 | usize::from(*digit)), rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}

fn time(bytes: &[u8]) -> Option<(Option<Timestamp>, &[u8])> {
    let tag = *bytes.first()?;
    if tag != UTC_TIME && tag != GENERALIZED_TIME {
        return None;
    }
    let (content, rest) = element(bytes, tag)?;
    let read = std::str::from_utf8(content).ok().and_then(|text| {
        let text = text.strip_suffix('Z')?;
        let (year, text) = text.split_at_checked(if tag == UTC_TIME { 2 } else { 4 })?;
        let year: i16 = digits(year)?;
        let year = match tag {
            // Two digits stand for 1950 to 2049 (RFC 5280, section 4.1.2.5.1).
            UTC_TIME if year >= 50 => year + 1900,
            UTC_TIME => year + 2000,
            _ => year,
        };
        let part = |at: usize| digits(text.get(at..at + 2)?);
        let (month, day) = (part(0)?, part(2)?);
        let (hour, minute, second) = (part(4)?, part(6)?, part(8)?);
        let moment = DateTime::new(year, month, day, hour, minute, second, 0).ok()?;
        Some(moment.to_zoned(TimeZone::UTC).ok()?.timestamp())
    });
    Some((read, rest))
}

fn digits<T: std::str::FromStr>(text: &str) -> Option<T> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_certificate_is_read() {
        let made = rcgen::generate_simple_self_signed(["shop.example".to_owned()]).unwrap();
        // rcgen's certificates are good until 4096 unless told otherwise.
        let found = read(made.cert.der()).unwrap();
        assert_eq!(found.expires_at.unwrap().to_string(), "4096-01-01T00:00:00Z");
        assert_eq!(found.subject.as_deref(), Some("rcgen self signed cert"));
        assert_eq!(found.issuer, found.subject);
        for cut in 0..made.cert.der().len().min(200) {
            assert_eq!(read(&made.cert.der()[..cut]), None);
        }
    }

    #[test]
    fn both_forms_of_time_are_read() {
        let read_time = |tag, text: &str| {
            let mut bytes = vec![tag, text.len() as u8];
            bytes.extend(text.bytes());
            time(&bytes).and_then(|(time, _)| time).map(|time| time.to_string())
        };
        assert_eq!(read_time(UTC_TIME, "491231235959Z").as_deref(), Some("2049-12-31T23:59:59Z"));
        assert_eq!(read_time(UTC_TIME, "500101000000Z").as_deref(), Some("1950-01-01T00:00:00Z"));
        assert_eq!(
            read_time(GENERALIZED_TIME, "20500101000000Z").as_deref(),
            Some("2050-01-01T00:00:00Z")
        );
        for text in ["", "Z", "499931235959Z", "4912312359Z", "49-231235959Z", "\u{e9}1231235959Z"]
        {
            assert_eq!(read_time(UTC_TIME, text), None, "{text}");
        }
    }
}
