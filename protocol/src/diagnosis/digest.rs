//! The given signature as a target, and the ways in which a digest is written.

use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};

use super::Deviation;
use super::deviations::{deviation, that_does};
use crate::digest_notation::{
    self, BASE32, DECIMAL, GUID, HEX_OF_HEX, LABEL, Notation, QUOTES, REVERSED, SPACES,
};
use crate::scheme::DigestCase;

/// How many bytes the digests have that can produce a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Width {
    /// MD5 and its kin.
    Sixteen = 16,
    /// SHA-1.
    Twenty = 20,
    /// SHA-224.
    TwentyEight = 28,
    /// SHA-256 and its kin.
    ThirtyTwo = 32,
    /// SHA-384.
    FortyEight = 48,
    /// SHA-512.
    SixtyFour = 64,
}

impl Width {
    /// The width of a digest with as many bytes.
    fn of(bytes: usize) -> Option<Width> {
        use Width::{FortyEight, Sixteen, SixtyFour, ThirtyTwo, Twenty, TwentyEight};
        let all = [Sixteen, Twenty, TwentyEight, ThirtyTwo, FortyEight, SixtyFour];
        all.into_iter().find(|width| *width as usize == bytes)
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
        targets.extend(Target::hex_of_hex(given));
        targets.extend(Target::decimal(given));
        targets.extend(Target::base32(given));
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

    fn base32(given: &str) -> Option<Target> {
        let text = given.trim().trim_end_matches('=').to_ascii_uppercase();
        let size = match text.len() {
            26 => 16,
            32 => 20,
            52 => 32,
            _ => return None,
        };
        let mut bytes = Vec::with_capacity(size);
        let (mut bits, mut count) = (0_u32, 0);
        for letter in text.bytes() {
            let value = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".iter().position(|of| *of == letter)?;
            bits = (bits << 5 | u32::try_from(value).ok()?) & 0xfff;
            count += 5;
            if count >= 8 {
                count -= 8;
                bytes.push(u8::try_from(bits >> count & 0xff).ok()?);
            }
        }
        let target = Target::parse(&hex::encode(bytes))?;
        Some(Target { letters: Letters::None, notations: vec![&BASE32], ..target })
    }

    /// Digits whose bytes are hexadecimal digits again: bin2hex(md5(…)).
    fn hex_of_hex(given: &str) -> Option<Target> {
        let inner = String::from_utf8(hex::decode(given.trim()).ok()?).ok()?;
        let target = Target::parse(&inner).filter(|target| target.written == Written::Hex)?;
        Some(Target { notations: vec![&HEX_OF_HEX], ..target })
    }

    /// A digest as one decimal number, which may be negative: a byte string read as signed.
    fn decimal(given: &str) -> Option<Target> {
        let text = given.trim();
        let digits = text.strip_prefix('-').unwrap_or(text);
        let size = match digits.len() {
            34..=39 => 16,
            72..=78 => 32,
            _ => return None,
        };
        let mut bytes = vec![0_u8; size];
        for digit in digits.chars() {
            let mut carry = digit.to_digit(10)?;
            for byte in bytes.iter_mut().rev() {
                let value = u32::from(*byte) * 10 + carry;
                *byte = u8::try_from(value & 0xff).ok()?;
                carry = value >> 8;
            }
            if carry > 0 {
                return None;
            }
        }
        if digits.len() < text.len() {
            bytes = negated(&bytes);
        }
        let target = Target::parse(&hex::encode(bytes))?;
        Some(Target { letters: Letters::None, notations: vec![&DECIMAL], ..target })
    }

    /// Base64 in quotation marks or behind a label such as `sha-256=`.
    fn labelled_base64(given: &str) -> Option<Target> {
        let is_mark = |letter| matches!(letter, '"' | '\'' | ':');
        let unquoted = given.trim().trim_matches(is_mark);
        if let Some(target) = Target::parse_base64(unquoted) {
            return Some(Target { notations: vec![&QUOTES], ..target });
        }
        let (_, rest) = unquoted.split_once(['=', ':', '}'])?;
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
        match (extended, plain, digits.len()) {
            (1.., 16..=32, _) => Some((Written::SignExtended, Width::Sixteen)),
            (_, _, ..64) => Some((Written::Unpadded, Width::ThirtyTwo)),
            (1.., 33..=64, _) => Some((Written::SignExtended, Width::ThirtyTwo)),
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
            _ => self.raw == digest || self.other_order(digest).is_some(),
        }
    }

    /// Whether the bytes are the digest's in another order.
    fn other_order(&self, digest: &[u8]) -> Option<&'static Notation> {
        let (first, last) = (digest.first()?, digest.last()?);
        if self.raw.len() != digest.len() || self.raw == digest {
            return None;
        }
        if self.raw.first() == Some(last) && self.raw.iter().rev().eq(digest) {
            return Some(&REVERSED);
        }
        const ORDER: [usize; 8] = [3, 2, 1, 0, 5, 4, 7, 6];
        let is_guid = digest.len() == 16
            && self.raw.get(3) == Some(first)
            && self.raw[8..] == digest[8..]
            && ORDER.iter().zip(digest).all(|(at, byte)| self.raw[*at] == *byte);
        is_guid.then_some(&GUID)
    }

    pub(super) fn deviations(&self, digest: &[u8], wanted: DigestCase) -> Vec<Deviation> {
        let written = match self.written {
            Written::Hex => None,
            Written::Half => Some(match digest {
                _ if digest[4..12] == self.raw => "middle-16",
                _ if digest[..8] == self.raw => "first-16",
                _ => "last-16",
            }),
            Written::Base64 => Some("base64"),
            Written::Base64OfHex => Some("base64-of-hex"),
            Written::Negative => Some("signed-number"),
            Written::SignExtended => Some("sign-extended"),
            Written::Unpadded if whole_number(digest) == self.digits => Some("no-leading-zeros"),
            Written::Unpadded => Some("no-byte-padding"),
        };
        let case = match (self.letters, wanted) {
            (Letters::Upper, DigestCase::Lower) => Some("upper"),
            (Letters::Lower, DigestCase::Upper) => Some("lower"),
            (Letters::Mixed, _) => Some("mixed-case"),
            _ => None,
        };
        let rule = match wanted {
            DigestCase::Lower => "lower-case hexadecimal digits, two a byte, all of them",
            DigestCase::Upper => "upper-case hexadecimal digits, two a byte, all of them",
        };
        let notated = |notation: &&Notation| {
            that_does(notation.code, format!("writes the digest {}", notation.form))
        };
        let order = self.other_order(digest);
        let notations = self.notations.iter().copied().chain(order);
        let notations = notations.map(|notation| notated(&notation));
        let all = notations.chain(written.into_iter().chain(case).map(deviation));
        all.map(|deviation| Deviation { rule, ..deviation }).collect()
    }
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
    whole_number(&negated(digest))
}

/// The two's complement.
fn negated(digest: &[u8]) -> Vec<u8> {
    let mut bytes: Vec<u8> = digest.iter().map(|byte| !byte).collect();
    for byte in bytes.iter_mut().rev() {
        let (sum, carries) = byte.overflowing_add(1);
        *byte = sum;
        if !carries {
            break;
        }
    }
    bytes
}

fn sign_extended(digest: &[u8]) -> String {
    let digits = |byte: &u8| match byte {
        0x80.. => format!("ffffff{byte:02x}"),
        _ => format!("{byte:x}"),
    };
    digest.iter().map(digits).collect()
}

/// Every way in which a digest fits a given text, by its digits.
#[cfg(test)]
pub(super) fn spellings(digest: &[u8]) -> Vec<String> {
    let ways =
        [whole_number, by_byte, negative, sign_extended, |digest: &[u8]| hex::encode(digest)];
    let halves = digest.windows(8).step_by(4).map(hex::encode);
    let reversed: Vec<u8> = digest.iter().rev().copied().collect();
    let turned = [hex::encode(hex::encode(digest)), hex::encode(reversed)];
    ways.iter().map(|way| way(digest)).chain(halves).chain(turned).collect()
}

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
        assert_eq!(negative(&[0x80, 0x00]), "8000");
        assert_eq!(negative(&[0x80, 0x01]), "7fff");
        assert_eq!((negative(&[0x7f, 0xff]), negative(&[])), (String::new(), String::new()));
        let mut wide = [0x11; 32];
        wide[0] = 0x90;
        let target = Target::parse(&format!("-{}", negative(&wide))).unwrap();
        assert_eq!((target.width(), target.fits(&wide)), (Width::ThirtyTwo, true));
        assert_eq!(target.deviations(&wide, DigestCase::Lower)[0].code, "signed-number");
    }

    /// Each reading: how it is written, its width, and its notations.
    fn readings(given: &str) -> Vec<(Written, Width, Vec<&'static str>)> {
        let codes = |target: &Target| target.notations.iter().map(|one| one.code).collect();
        let all = Target::readings(given);
        all.iter().map(|target| (target.written, target.width, codes(target))).collect()
    }

    #[test]
    fn each_length_has_its_readings() {
        use Width::{FortyEight, Sixteen, SixtyFour, ThirtyTwo, Twenty, TwentyEight};
        use Written::{Base64, Base64OfHex, Half, Hex, Negative, SignExtended, Unpadded};
        for (length, expected) in [
            (15, None),
            (16, Some((Half, Sixteen))),
            (17, Some((Unpadded, Sixteen))),
            (31, Some((Unpadded, Sixteen))),
            (32, Some((Hex, Sixteen))),
            (33, Some((Unpadded, ThirtyTwo))),
            (40, Some((Hex, Twenty))),
            (55, Some((Unpadded, ThirtyTwo))),
            (63, Some((Unpadded, ThirtyTwo))),
            (64, Some((Hex, ThirtyTwo))),
            (65, None),
            (96, Some((Hex, FortyEight))),
            (128, Some((Hex, SixtyFour))),
        ] {
            let found = readings(&"1234567".repeat(20)[..length]);
            let expected: Vec<_> =
                expected.map(|(written, width)| (written, width, vec![])).into_iter().collect();
            assert_eq!(found, expected, "{length}");
        }
        let of_28 = [(Hex, TwentyEight, vec![]), (Unpadded, ThirtyTwo, vec![])];
        assert_eq!(readings(&"1234567".repeat(8)), of_28);
        let extended = |count: usize, rest: usize| {
            format!("{}{}", "ffffff".repeat(count), &"1234567".repeat(10)[..rest])
        };
        for (count, rest, expected) in [
            (1, 16, Some((Unpadded, Sixteen))),
            (2, 22, Some((SignExtended, Sixteen))),
            (4, 15, Some((Unpadded, ThirtyTwo))),
            (4, 16, Some((SignExtended, Sixteen))),
            (4, 32, Some((SignExtended, Sixteen))),
            (4, 33, Some((Unpadded, ThirtyTwo))),
            (8, 33, Some((SignExtended, ThirtyTwo))),
            (8, 64, Some((SignExtended, ThirtyTwo))),
            (8, 65, None),
            (32, 64, Some((SignExtended, ThirtyTwo))),
        ] {
            let target = Target::parse(&extended(count, rest));
            let found = target.map(|target| (target.written, target.width));
            assert_eq!(found, expected, "{count} {rest}");
        }
        for (digits, width) in [(30, Sixteen), (32, Sixteen), (33, ThirtyTwo), (64, ThirtyTwo)] {
            let given = format!("-{}", "7".repeat(digits));
            assert_eq!(
                Target::parse(&given).map(|one| (one.written, one.width)),
                Some((Negative, width))
            );
        }
        let base64 = |bytes: &[u8]| STANDARD.encode(bytes);
        for (given, expected) in [
            (base64(&[0x99; 20]), Some((Base64, Twenty, vec![]))),
            (base64(b"0123456789abcdef"), Some((Base64, Sixteen, vec![]))),
            (base64(b"0123456789abcdef01234567890abcde"), Some((Base64OfHex, Sixteen, vec![]))),
            (base64(&[0x99; 17]), None),
            (
                format!("'{}'", base64(&[0x99; 32])),
                Some((Base64, ThirtyTwo, vec!["digest-quotes"])),
            ),
            (
                format!("sha-256=:{}:", base64(&[0x99; 32])),
                Some((Base64, ThirtyTwo, vec!["digest-label"])),
            ),
        ] {
            assert_eq!(readings(&given), Vec::from_iter(expected), "{given}");
        }
        let given = format!("0x{}", "12".repeat(16));
        assert_eq!(readings(&given), [(Hex, Sixteen, vec!["digest-0x"])]);
    }

    #[test]
    fn letters_are_compared_with_the_case_that_is_asked_for() {
        let digest = [0xab; 16];
        let lower = hex::encode(digest);
        let (upper, mixed) = (lower.to_uppercase(), format!("A{}", &lower[1..]));
        for (given, case, code) in [
            (&lower, DigestCase::Lower, None),
            (&upper, DigestCase::Lower, Some("upper")),
            (&lower, DigestCase::Upper, Some("lower")),
            (&upper, DigestCase::Upper, None),
            (&mixed, DigestCase::Lower, Some("mixed-case")),
            (&mixed, DigestCase::Upper, Some("mixed-case")),
            (&"12".repeat(16), DigestCase::Upper, None),
        ] {
            let found = Target::parse(given).unwrap().deviations(&digest, case);
            assert_eq!(found.first().map(|one| one.code), code, "{given}");
            let rule = if case == DigestCase::Upper { "upper-case" } else { "lower-case" };
            assert!(found.iter().all(|one| one.rule.starts_with(rule)));
        }
    }

    #[test]
    fn half_a_digest_is_eight_bytes_at_the_start_in_the_middle_or_at_the_end() {
        let whole = hex::encode(DIGEST);
        for at in 0..=16 {
            let fits = Target::parse(&whole[at..at + 16]).unwrap().fits(&DIGEST);
            assert_eq!(fits, at.is_multiple_of(8), "{at}");
        }
    }

    #[test]
    fn what_is_no_digest_is_no_target() {
        for given in ["", " ", "-", "xyz", "abc", "-xyz", "中", &"f".repeat(4000), &"0".repeat(65)]
        {
            assert!(Target::parse(given).is_none(), "{given}");
        }
    }
}
