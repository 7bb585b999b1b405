//! The given signature as a target, and the ways in which a digest is written.

use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};

use super::Deviation;
use super::Dimension::Digest;
use crate::digest_notation::{self, LABEL, Notation, QUOTES, SPACES};
use crate::scheme::DigestCase;

/// How many bytes the digests have that can produce a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Width {
    /// MD5 and its kin.
    Sixteen,
    /// SHA-1.
    Twenty,
    /// SHA-224.
    TwentyEight,
    /// SHA-256 and its kin.
    ThirtyTwo,
    /// SHA-384.
    FortyEight,
    /// SHA-512.
    SixtyFour,
}

impl Width {
    /// The width of a digest with as many bytes.
    fn of(bytes: usize) -> Option<Width> {
        Some(match bytes {
            16 => Width::Sixteen,
            20 => Width::Twenty,
            28 => Width::TwentyEight,
            32 => Width::ThirtyTwo,
            48 => Width::FortyEight,
            64 => Width::SixtyFour,
            _ => return None,
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Written {
    Hex,
    Half,
    /// In base64 of the raw bytes.
    Base64,
    /// In base64 of the hexadecimal digits.
    Base64OfHex,
    Unpadded,
    Negative,
    /// With `ffffff` before each byte from 80 on.
    SignExtended,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Letters {
    None,
    Lower,
    Upper,
    Mixed,
}

impl Letters {
    fn of(text: &str) -> Letters {
        let lower = text.bytes().any(|byte| byte.is_ascii_lowercase());
        let upper = text.bytes().any(|byte| byte.is_ascii_uppercase());
        match (lower, upper) {
            (false, false) => Letters::None,
            (true, false) => Letters::Lower,
            (false, true) => Letters::Upper,
            (true, true) => Letters::Mixed,
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Target {
    /// The given digits in lower case, where the bytes alone do not settle it.
    digits: String,
    raw: Vec<u8>,
    written: Written,
    letters: Letters,
    width: Width,
    notations: Vec<&'static Notation>,
}

const fn indifferent(alphabet: &base64::alphabet::Alphabet) -> GeneralPurpose {
    let padding = DecodePaddingMode::Indifferent;
    GeneralPurpose::new(alphabet, GeneralPurposeConfig::new().with_decode_padding_mode(padding))
}

const STANDARD: GeneralPurpose = indifferent(&base64::alphabet::STANDARD);
const URL_SAFE: GeneralPurpose = indifferent(&base64::alphabet::URL_SAFE);

impl Target {
    pub(super) fn readings(given: &str) -> Vec<Target> {
        let mut targets: Vec<Target> = Target::parse(given).into_iter().collect();
        if let Some(target) = targets.first()
            && target.width == Width::TwentyEight
        {
            // A SHA-256 without the padding of its bytes can be as short as a SHA-224.
            let unpadded =
                Target { written: Written::Unpadded, width: Width::ThirtyTwo, ..target.clone() };
            targets.push(unpadded);
        }
        for found in digest_notation::find(given) {
            if let Some(target) = Target::parse(&found.digits)
                && targets.iter().all(|known| known.digits != target.digits)
            {
                targets.push(Target { notations: found.notations, ..target });
            }
        }
        if targets.is_empty() {
            targets.extend(Target::labelled_base64(given));
        }
        targets
    }

    /// Base64 in quotation marks or behind a label such as `sha-256=`.
    fn labelled_base64(given: &str) -> Option<Target> {
        let is_mark = |letter| matches!(letter, '"' | '\'' | ':');
        let unquoted = given.trim().trim_matches(is_mark);
        if let Some(target) = Target::parse_base64(unquoted) {
            return Some(Target { notations: vec![&QUOTES], ..target });
        }
        let (_, rest) = unquoted.split_once(['=', ':'])?;
        let target = Target::parse_base64(rest.trim().trim_matches(is_mark))?;
        Some(Target { notations: vec![&LABEL], ..target })
    }

    /// The given text, white space around it aside; `None` where it is not one digest alone.
    pub(super) fn parse(given: &str) -> Option<Target> {
        let text = given.trim();
        let positive = text.strip_prefix('-').unwrap_or(text);
        if positive.is_empty() || !positive.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Target::parse_base64(text);
        }
        let digits = positive.to_ascii_lowercase();
        let length = digits.len();
        let whole = if length.is_multiple_of(2) { Width::of(length / 2) } else { None };
        let (written, width) = if positive.len() < text.len() {
            let width = if length > 32 { Width::ThirtyTwo } else { Width::Sixteen };
            (Written::Negative, width)
        } else {
            match (length, whole) {
                (16, _) => (Written::Half, Width::Sixteen),
                (32 | 64, Some(width)) => (Written::Hex, width),
                (_, Some(width)) if !digits.contains("ffffff") => (Written::Hex, width),
                (17..32, _) => (Written::Unpadded, Width::Sixteen),
                (33.., _) => Target::long(&digits)?,
                _ => return None,
            }
        };
        let is_spaced = written == Written::Hex && text.len() < given.len();
        Some(Target {
            letters: Letters::of(positive),
            raw: hex::decode(&digits).unwrap_or_default(),
            digits,
            written,
            width,
            notations: is_spaced.then_some(&SPACES).into_iter().collect(),
        })
    }

    /// More digits than 32, but not 64: bytes with their sign extended, or padding that is missing.
    fn long(digits: &str) -> Option<(Written, Width)> {
        let extended = digits.matches("ffffff").count();
        let plain = digits.len().checked_sub(extended * 6)?;
        match (extended, plain) {
            (1.., 16..=32) => Some((Written::SignExtended, Width::Sixteen)),
            _ if digits.len() < 64 => Some((Written::Unpadded, Width::ThirtyTwo)),
            (1.., 33..=64) => Some((Written::SignExtended, Width::ThirtyTwo)),
            _ => None,
        }
    }

    fn parse_base64(text: &str) -> Option<Target> {
        let raw = STANDARD.decode(text).or_else(|_| URL_SAFE.decode(text)).ok()?;
        let inner = std::str::from_utf8(&raw).map_or(Letters::None, Letters::of);
        let (raw, written, letters) = match hex::decode(&raw) {
            Ok(decoded) if raw.len() > 16 => (decoded, Written::Base64OfHex, inner),
            _ => (raw, Written::Base64, Letters::None),
        };
        let width = Width::of(raw.len())?;
        Some(Target { digits: String::new(), raw, written, letters, width, notations: vec![] })
    }

    pub(super) fn width(&self) -> Width {
        self.width
    }

    pub(super) fn fits(&self, digest: &[u8]) -> bool {
        match self.written {
            Written::Half => digest.windows(8).step_by(4).any(|half| half == self.raw),
            Written::Unpadded | Written::Negative | Written::SignExtended => {
                // The last digit settles nearly every case, and no text need be made for it.
                let last = digest.last().map_or(0, |byte| byte & 15);
                let last = if self.written == Written::Negative { (16 - last) & 15 } else { last };
                let ways = [whole_number, by_byte, negative, sign_extended];
                self.digits.ends_with(char::from_digit(u32::from(last), 16).unwrap_or_default())
                    && ways.iter().any(|way| way(digest) == self.digits)
            }
            _ => self.raw == digest,
        }
    }

    pub(super) fn deviations(&self, digest: &[u8], wanted: DigestCase) -> Vec<Deviation> {
        let written = match self.written {
            Written::Hex => None,
            Written::Half => Some(match digest {
                _ if digest[4..12] == self.raw => &MIDDLE,
                _ if digest[..8] == self.raw => &FIRST,
                _ => &LAST,
            }),
            Written::Base64 => Some(&BASE64),
            Written::Base64OfHex => Some(&BASE64_OF_HEX),
            Written::Negative => Some(&NEGATIVE),
            Written::SignExtended => Some(&SIGN_EXTENDED),
            Written::Unpadded if whole_number(digest) == self.digits => Some(&NO_LEADING_ZEROS),
            Written::Unpadded => Some(&NO_BYTE_PADDING),
        };
        let case = match (self.letters, wanted) {
            (Letters::Upper, DigestCase::Lower) => Some(&UPPER),
            (Letters::Lower, DigestCase::Upper) => Some(&LOWER),
            (Letters::Mixed, _) => Some(&MIXED),
            _ => None,
        };
        let rows = written.into_iter().chain(case).map(|row| row.deviation(wanted));
        self.notations.iter().map(|notation| notated(notation, wanted)).chain(rows).collect()
    }
}

fn notated(notation: &Notation, wanted: DigestCase) -> Deviation {
    let Notation { code, cause, fix, .. } = *notation;
    let mut deviation = Deviation::new(Digest, code, "", rule(wanted), cause, fix);
    deviation.does = format!("writes the digest {}", notation.form).into();
    deviation
}

fn rule(wanted: DigestCase) -> &'static str {
    match wanted {
        DigestCase::Lower => "lower-case hexadecimal digits, two a byte, all of them",
        DigestCase::Upper => "upper-case hexadecimal digits, two a byte, all of them",
    }
}

pub(super) fn all(wanted: DigestCase) -> Vec<Deviation> {
    let other_case = if wanted == DigestCase::Lower { &UPPER } else { &LOWER };
    let rows = [
        other_case,
        &MIXED,
        &MIDDLE,
        &FIRST,
        &LAST,
        &BASE64,
        &BASE64_OF_HEX,
        &NO_LEADING_ZEROS,
        &NO_BYTE_PADDING,
        &NEGATIVE,
        &SIGN_EXTENDED,
    ];
    let notations = digest_notation::ALL.iter().map(|notation| notated(notation, wanted));
    rows.into_iter().map(|row| row.deviation(wanted)).chain(notations).collect()
}

fn whole_number(digest: &[u8]) -> String {
    hex::encode(digest).trim_start_matches('0').to_owned()
}

fn by_byte(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:x}")).collect()
}

fn negative(digest: &[u8]) -> String {
    if digest.first().is_none_or(|first| *first < 0x80) {
        return String::new();
    }
    let mut bytes: Vec<u8> = digest.iter().map(|byte| !byte).collect();
    for byte in bytes.iter_mut().rev() {
        let (sum, carries) = byte.overflowing_add(1);
        *byte = sum;
        if !carries {
            break;
        }
    }
    whole_number(&bytes)
}

fn sign_extended(digest: &[u8]) -> String {
    let digits = |byte: &u8| match byte {
        0x80.. => format!("ffffff{byte:02x}"),
        _ => format!("{byte:x}"),
    };
    digest.iter().map(digits).collect()
}

struct Row {
    code: &'static str,
    does: &'static str,
    cause: &'static str,
    fix: &'static str,
}

impl Row {
    fn deviation(&self, wanted: DigestCase) -> Deviation {
        Deviation::new(Digest, self.code, self.does, rule(wanted), self.cause, self.fix)
    }
}

const fn row(
    code: &'static str,
    does: &'static str,
    cause: &'static str,
    fix: &'static str,
) -> Row {
    Row { code, does, cause, fix }
}

static LOWER: Row = row(
    "lower",
    "writes the digest in lower case",
    "the default of most libraries",
    "write the digest in upper case (strtoupper, toUpperCase, .upper())",
);
static UPPER: Row = row(
    "upper",
    "writes the digest in upper case",
    "WeChat Pay habit: strtoupper(md5(…)), toUpperCase(), %X, C# ToString(\"X2\")",
    "write the digest in lower case (strtolower, toLowerCase, .lower(), %x, ToString(\"x2\"))",
);
static MIXED: Row = row(
    "mixed-case",
    "writes the digest in digits of both cases",
    "hand-made hex conversion, or a digest that was put together",
    "use the library's hex encoder",
);
static MIDDLE: Row = row(
    "middle-16",
    "sends only the middle 16 digits of the digest",
    "16-character MD5 helpers: substr(md5(…), 8, 16), substring(8, 24)",
    "send all digits",
);
static FIRST: Row = row(
    "first-16",
    "sends only the first 16 digits of the digest",
    "substr(md5(…), 0, 16), a column of 16 characters",
    "send all digits",
);
static LAST: Row =
    row("last-16", "sends only 16 digits of the digest", "substr(md5(…), -16)", "send all digits");
static BASE64: Row = row(
    "base64",
    "writes the digest in base64",
    "base64_encode(md5(…, true)), digest('base64'), Base64.getEncoder()",
    "write it in hexadecimal (md5(…), digest('hex'), hexdigest(), HexFormat.of().formatHex())",
);
static BASE64_OF_HEX: Row = row(
    "base64-of-hex",
    "writes the hexadecimal digits in base64 once more",
    "base64_encode(md5(…)), base64_encode(hash_hmac(…))",
    "send the hexadecimal digits themselves",
);
static NO_LEADING_ZEROS: Row = row(
    "no-leading-zeros",
    "loses the digest's leading zeros",
    "Java new BigInteger(1, digest).toString(16)",
    "pad on the left: String.format(\"%032x\", …), or HexFormat.of().formatHex()",
);
static NO_BYTE_PADDING: Row = row(
    "no-byte-padding",
    "loses the leading zero of single bytes",
    "Integer.toHexString(b & 0xff), byte.toString(16), %x without 02",
    "write two digits a byte: %02x, padStart(2, '0')",
);
static NEGATIVE: Row = row(
    "signed-number",
    "writes the digest as a signed number",
    "Java new BigInteger(digest) without the sign 1",
    "write the bytes in hexadecimal: HexFormat.of().formatHex(digest)",
);
static SIGN_EXTENDED: Row = row(
    "sign-extended",
    "writes ffffff before each byte from 80 on",
    "Java Integer.toHexString(b) without & 0xff, a signed char with %x in C",
    "write two digits a byte: String.format(\"%02x\", b & 0xff)",
);

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: [u8; 16] =
        [0x0d, 0x80, 0x01, 0xff, 4, 5, 6, 7, 8, 9, 10, 11, 0xcd, 0xab, 0xee, 0x15];

    fn codes(given: &str) -> Vec<&'static str> {
        let target = Target::parse(given).unwrap();
        assert!(target.fits(&DIGEST), "{given}");
        assert!(!target.fits(&[7; 16]), "{given}");
        target.deviations(&DIGEST, DigestCase::Lower).iter().map(|d| d.code).collect()
    }

    #[test]
    fn each_way_of_writing_is_read() {
        let whole = hex::encode(DIGEST);
        assert_eq!(codes(&whole), [""; 0]);
        assert_eq!(codes(&whole.to_uppercase()), ["upper"]);
        assert_eq!(codes(&format!("{whole}\n")), ["digest-spaces"]);
        assert_eq!(codes(&whole[8..24].to_uppercase()), ["middle-16", "upper"]);
        assert_eq!(codes(&whole[..16]), ["first-16"]);
        assert_eq!(codes(&whole[16..]), ["last-16"]);
        assert_eq!(codes(&whole[1..]), ["no-leading-zeros"]);
        assert_eq!(codes(&by_byte(&DIGEST)), ["no-byte-padding"]);
        assert_eq!(codes(&sign_extended(&DIGEST)), ["sign-extended"]);
        assert_eq!(codes(&STANDARD.encode(DIGEST)), ["base64"]);
        assert_eq!(codes(URL_SAFE.encode(DIGEST).trim_end_matches('=')), ["base64"]);
        assert_eq!(codes(&STANDARD.encode(&whole)), ["base64-of-hex"]);
        assert_eq!(codes(&STANDARD.encode(whole.to_uppercase())), ["base64-of-hex", "upper"]);
    }

    #[test]
    fn a_negative_number_is_read() {
        let mut digest = DIGEST;
        digest[0] = 0xff;
        let target = Target::parse(&format!("-{}", negative(&digest))).unwrap();
        assert!(target.fits(&digest));
        assert_eq!(negative(&[0xff, 0x00]), "100");
    }

    #[test]
    fn what_is_no_digest_is_no_target() {
        for given in ["", " ", "-", "xyz", "abc", "-xyz", "中", &"f".repeat(4000), &"0".repeat(65)]
        {
            assert!(Target::parse(given).is_none(), "{given}");
        }
    }
}
