//! A digest inside other text: dashes between its bytes, a tool's label, quotes, escapes.
//!
//! Only bare digits are a valid signature. What is found here serves the explanation: a comparison
//! with the digests that may be meant proves it.

mod notations;

pub(crate) use notations::*;

use super::scheme::DigestCase;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) digits: String,
    /// How it is written; at least one.
    pub(crate) notations: Vec<&'static Notation>,
}

impl Found {
    pub(crate) fn in_words(&self, case: DigestCase) -> String {
        let mut forms: Vec<&str> = self.notations.iter().map(|notation| notation.form).collect();
        if self.digits != in_case(&self.digits, case) {
            forms.push(match case {
                DigestCase::Lower => "in upper case",
                DigestCase::Upper => "in lower case",
            });
        }
        forms.join(" and ")
    }
}

pub(crate) fn in_case(digits: &str, case: DigestCase) -> String {
    match case {
        DigestCase::Lower => digits.to_ascii_lowercase(),
        DigestCase::Upper => digits.to_ascii_uppercase(),
    }
}

pub(crate) fn hash_of_length(given: &str) -> Option<&'static str> {
    let hash = match given.len() {
        40 => "SHA-1",
        56 => "SHA-224",
        96 => "SHA-384",
        128 => "SHA-512",
        _ => return None,
    };
    is_hex(given).then_some(hash)
}

/// The lengths in bytes of MD5, SHA-1, SHA-224, SHA-256, SHA-384 and SHA-512.
const SIZES: [usize; 6] = [16, 20, 28, 32, 48, 64];

/// The longest text that is searched, in bytes: a digest's bytes with six characters each fit.
const MAX_TEXT: usize = 1024;

const MAX_FOUND: usize = 16;

pub(crate) fn find(given: &str) -> Vec<Found> {
    if given.len() > MAX_TEXT || is_hex(given) {
        return Vec::new();
    }
    let mut found: Vec<Found> = Vec::new();
    let readings =
        runs(given).into_iter().chain(groups(given)).chain(numbers(given)).chain(raw_bytes(given));
    for reading in readings {
        if found.iter().all(|known| known.digits != reading.digits) {
            found.push(reading);
        }
    }
    found.truncate(MAX_FOUND);
    found
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_size(digits: usize) -> bool {
    digits.is_multiple_of(2) && SIZES.contains(&(digits / 2))
}

/// The maximal runs of characters of a kind, as ranges of bytes.
fn spans(text: &str, is_inside: fn(char) -> bool) -> Vec<std::ops::Range<usize>> {
    let mut found: Vec<std::ops::Range<usize>> = Vec::new();
    for (at, letter) in text.char_indices().filter(|(_, letter)| is_inside(*letter)) {
        let end = at + letter.len_utf8();
        match found.last_mut() {
            Some(last) if last.end == at => last.end = end,
            _ => found.push(at..end),
        }
    }
    found
}

/// Digits without a gap, and text around them.
fn runs(given: &str) -> Vec<Found> {
    let mut found = Vec::new();
    for span in spans(given, |letter| letter.is_ascii_hexdigit()) {
        let (before, run) = (&given[..span.start], &given[span.clone()]);
        // A label may end with letters that are digits too, such as md5 or sha256.
        let is_glued = before.ends_with(|letter: char| letter.is_ascii_alphabetic());
        let extra = if is_glued { 0..=4 } else { 0..=0 };
        for digits in extra.filter_map(|skipped| run.get(skipped..)) {
            if is_size(digits.len()) {
                let before = &given[..span.end - digits.len()];
                let around = around(before, &given[span.end..]);
                found.push(Found {
                    digits: digits.to_owned(),
                    notations: around.into_iter().collect(),
                });
            }
        }
    }
    found
}

/// What the text around a digest says about where it comes from; `None` where there is none.
fn around(before: &str, after: &str) -> Option<&'static Notation> {
    let (start, end) = (before.trim(), after.trim());
    let is_quote = |letter: char| "\"'`“”‘’«»\\".contains(letter);
    let unquoted = start.trim_matches(is_quote);
    let end_is_quote = end.chars().all(is_quote);
    Some(if before.is_empty() && after.is_empty() {
        return None;
    } else if start.is_empty() && end.is_empty() {
        &SPACES
    } else if start.is_empty() && end == "%" {
        &PROMPT
    } else if unquoted.eq_ignore_ascii_case("0x") && end_is_quote {
        &ZERO_X
    } else if start.ends_with('=') && start.contains('(') {
        &TOOL_LABEL
    } else if (start.is_empty() || start == "\\") && after.starts_with(char::is_whitespace) {
        &FILE_NAME
    } else if start.starts_with(['b', 'B']) && unquoted.len() == 1 && end_is_quote {
        &BYTES_LITERAL
    } else if unquoted.is_empty() && end_is_quote {
        &QUOTES
    } else if unquoted.ends_with(['=', ':']) && (end_is_quote || end.is_empty()) {
        &LABEL
    } else if is_bracketed(start, end) {
        &BRACKETS
    } else if end.is_empty() && start.chars().all(|letter| letter.is_ascii_alphanumeric()) {
        &LABEL
    } else {
        &TEXT
    })
}

fn is_bracketed(start: &str, end: &str) -> bool {
    let is_open = |letter: char| "[({<\"'".contains(letter);
    let is_close = |letter: char| "])}>\"'".contains(letter);
    !start.is_empty() && start.chars().all(is_open) && end.chars().all(is_close)
}

struct Group<'t> {
    /// Where it is, with the `0x` or `x` before it.
    at: std::ops::Range<usize>,
    digits: &'t str,
}

/// Digits in groups, such as one per byte, with anything but letters and digits between them.
fn groups(given: &str) -> Vec<Found> {
    let words = spans(given, |letter| letter.is_ascii_alphanumeric());
    let words: Vec<Group<'_>> = words
        .into_iter()
        .map(|at| {
            let word = &given[at.clone()];
            let zero_x = word.get(..2).filter(|start| start.eq_ignore_ascii_case("0x"));
            let prefix = match zero_x {
                Some(start) => start.len(),
                None => usize::from(word.starts_with(['x', 'X'])),
            };
            Group { digits: &word[prefix..], at }
        })
        .collect();
    let mut found: Vec<Found> = Vec::new();
    let segments = words.split(|word| word.digits.is_empty() || !is_hex(word.digits));
    for segment in segments {
        for first in 0..segment.len() {
            let (mut total, mut is_short) = (0, true);
            for last in first..segment.len() {
                let length = segment[last].digits.len();
                total += length;
                is_short &= length <= 2;
                let groups = &segment[first..=last];
                if groups.len() > 1 && is_size(total) {
                    found.push(grouped(given, groups, false));
                } else if is_short && SIZES.contains(&groups.len()) {
                    found.push(grouped(given, groups, true));
                }
            }
        }
    }
    // Some of a digest's bytes can be as many as a shorter digest has.
    found.sort_by_key(|found| std::cmp::Reverse(found.digits.len()));
    found
}

fn grouped(given: &str, groups: &[Group<'_>], pads: bool) -> Found {
    let mut digits = String::new();
    for group in groups {
        if pads && group.digits.len() == 1 {
            digits.push('0');
        }
        digits.push_str(group.digits);
    }
    let between = |pair: &[Group<'_>]| given.get(pair[0].at.end..pair[1].at.start).unwrap_or("");
    let widths: Vec<usize> = groups.iter().map(|group| group.digits.len()).collect();
    let all = |separator: &str| groups.windows(2).all(|pair| between(pair) == separator);
    let is_prefixed = groups.iter().any(|group| group.at.len() > group.digits.len());
    let inside = if all("-") && widths == [8, 4, 4, 4, 12] {
        &UUID
    } else if all("\\") && is_prefixed {
        &ESCAPED
    } else if is_prefixed {
        &SEPARATED
    } else if all("-") {
        &DASHES
    } else if all(":") {
        &COLONS
    } else if all("%") {
        &PERCENT
    } else if groups.windows(2).all(|pair| between(pair).trim().is_empty()) {
        &SPACED_BYTES
    } else {
        &SEPARATED
    };
    let start = groups.first().map_or(0, |group| group.at.start);
    let end = groups.last().map_or(0, |group| group.at.end);
    let before = given[..start].trim_end_matches(['\\', '%']);
    let mut notations = vec![inside];
    notations.extend(pads.then_some(&UNPADDED));
    // Brackets belong to a list of bytes.
    let outside = around(before, &given[end..]);
    notations.extend(outside.filter(|outside| **outside != BRACKETS));
    Found { digits, notations }
}

fn numbers(given: &str) -> Vec<Found> {
    let words = spans(given, |letter| letter.is_ascii_alphanumeric());
    let values: Vec<Option<u8>> = words
        .iter()
        .map(|at| {
            let (before, word) = (&given[..at.start], &given[at.clone()]);
            let is_negative = before
                .strip_suffix('-')
                .is_some_and(|rest| !rest.ends_with(|letter: char| letter.is_ascii_alphanumeric()));
            let value: u8 = word.parse().ok()?;
            match is_negative {
                true => (value <= 128).then(|| value.wrapping_neg()),
                false => Some(value),
            }
        })
        .collect();
    let mut found = Vec::new();
    for segment in values.split(Option::is_none) {
        for size in SIZES.into_iter().rev() {
            for bytes in segment.windows(size) {
                let bytes: Vec<u8> = bytes.iter().copied().flatten().collect();
                found.push(Found { digits: hex::encode(bytes), notations: vec![&NUMBERS] });
            }
        }
    }
    found
}

/// The bytes themselves, as characters or escapes.
fn raw_bytes(given: &str) -> Vec<Found> {
    let text = given.trim();
    let is_quote = |letter: char| matches!(letter, '"' | '\'');
    let literal = text.strip_prefix(['b', 'B']).filter(|rest| rest.starts_with(is_quote));
    let quoted = literal.unwrap_or(text);
    let inner = ['"', '\'']
        .into_iter()
        .find_map(|quote| quoted.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)));
    let readings = [
        (given.chars().any(|letter| !letter.is_ascii_graphic()), given, None, &RAW),
        (text.contains('\\'), inner.unwrap_or(quoted), Some('\\'), &ESCAPED),
        (text.contains('%'), text, Some('%'), &PERCENT),
    ];
    readings
        .into_iter()
        .filter(|(is_possible, ..)| *is_possible)
        .filter_map(|(_, text, escape, notation)| {
            let bytes = unescape(text, escape)?;
            let notations = vec![notation];
            is_size(bytes.len() * 2).then(|| Found { digits: hex::encode(bytes), notations })
        })
        .collect()
}

/// One byte for each character up to U+00FF and for each escape; `None` for anything else.
fn unescape(text: &str, escape: Option<char>) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        rest = &rest[letter.len_utf8()..];
        if Some(letter) != escape {
            let is_plus = escape == Some('%') && letter == '+';
            bytes.push(if is_plus { b' ' } else { u8::try_from(u32::from(letter)).ok()? });
            continue;
        }
        let (byte, length) = match rest.bytes().next()? {
            _ if escape == Some('%') => (number(rest, 0..2, 16)?, 2),
            b'x' => (number(rest, 1..3, 16)?, 3),
            b'u' => (number(rest, 1..5, 16)?, 5),
            b'0'..=b'3' if number(rest, 0..3, 8).is_some() => (number(rest, 0..3, 8)?, 3),
            b'0' => (0, 1),
            b'n' => (b'\n', 1),
            b'r' => (b'\r', 1),
            b't' => (b'\t', 1),
            b'a' => (7, 1),
            b'b' => (8, 1),
            b'v' => (11, 1),
            b'f' => (12, 1),
            b'e' => (27, 1),
            other if other.is_ascii_punctuation() => (other, 1),
            _ => return None,
        };
        bytes.push(byte);
        rest = rest.get(length..)?;
    }
    Some(bytes)
}

fn number(text: &str, at: std::ops::Range<usize>, radix: u32) -> Option<u8> {
    let digits = text.get(at)?;
    u32::from_str_radix(digits, radix).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGITS: &str = "b41e7887d8c450c2171262e6fe2d41dc";

    /// The names of the notations of the reading that is this digest.
    fn codes(given: &str) -> Vec<&'static str> {
        let found = find(given);
        let right = found.iter().find(|found| found.digits.eq_ignore_ascii_case(DIGITS));
        let right = right.unwrap_or_else(|| panic!("{given:?}: {found:?}"));
        right.notations.iter().map(|notation| notation.code).collect()
    }

    fn joined(separator: &str) -> String {
        let bytes: Vec<&str> = (0..16).map(|at| &DIGITS[2 * at..2 * at + 2]).collect();
        bytes.join(separator)
    }

    #[test]
    fn text_around_a_digest_is_named() {
        for (before, after, code) in [
            ("(stdin)= ", "", "digest-tool-label"),
            ("MD5 (stdin) = ", "\n", "digest-tool-label"),
            ("HMAC-SHA2-256(stdin)= ", "", "digest-tool-label"),
            ("", "  -", "digest-file-name"),
            ("", "  body.txt\n", "digest-file-name"),
            ("", " *stdin", "digest-file-name"),
            ("0x", "", "digest-0x"),
            ("\"0X", "\"", "digest-0x"),
            ("sha256=", "", "digest-label"),
            ("md5:", "", "digest-label"),
            ("md5: ", "", "digest-label"),
            ("md5", "", "digest-label"),
            ("sign=\"", "\"", "digest-label"),
            ("\"", "\"", "digest-quotes"),
            ("“", "”", "digest-quotes"),
            ("\\\"", "\\\"", "digest-quotes"),
            ("[\"", "\"]", "digest-brackets"),
            ("<", ">", "digest-brackets"),
            ("b'", "'", "digest-bytes-literal"),
            ("body=", "", "digest-label"),
            ("B: ", "", "digest-label"),
            ("x'", "'", "digest-in-text"),
            ("\\", "", "digest-quotes"),
            ("\\", " *stdin", "digest-file-name"),
            ("\t", "\r\n", "digest-spaces"),
            ("", "%", "digest-percent-sign"),
            ("", ";", "digest-in-text"),
            ("t=1,v1=", ",v0=x", "digest-in-text"),
        ] {
            assert_eq!(codes(&format!("{before}{DIGITS}{after}")), [code], "{before}…{after}");
        }
    }

    #[test]
    fn text_inside_a_digest_is_named() {
        let uuid = "b41e7887-d8c4-50c2-1712-62e6fe2d41dc";
        for (given, expected) in [
            (joined("-").to_uppercase(), "digest-dashes"),
            (joined(":"), "digest-colons"),
            (joined(" "), "digest-spaced-bytes"),
            (uuid.to_owned(), "digest-uuid"),
            (format!("{{{uuid}}}"), "digest-uuid"),
            ("b41e7887d8c4-50c2-1712-62e6-fe2d41dc".to_owned(), "digest-dashes"),
            (format!("{}\n{}", &DIGITS[..16], &DIGITS[16..]), "digest-spaced-bytes"),
            (format!("[0x{}]", joined(", 0x")), "digest-separated"),
            (joined(","), "digest-separated"),
            (format!("\\x{}", joined("\\x")), "digest-escaped"),
            (format!("%{}", joined("%")), "digest-percent-encoded"),
            (r"b'\xb4\x1ex\x87\xd8\xc4P\xc2\x17\x12b\xe6\xfe-A\xdc'".to_owned(), "digest-escaped"),
            ("%B4%1Ex%87%D8%C4P%C2%17%12b%E6%FE-A%DC".to_owned(), "digest-percent-encoded"),
            ("´\u{1e}x\u{87}ØÄPÂ\u{17}\u{12}bæþ-AÜ".to_owned(), "digest-raw-bytes"),
            (
                "[-76, 30, 120, -121, -40, -60, 80, -62, 23, 18, 98, -26, -2, 45, 65, -36]"
                    .to_owned(),
                "digest-byte-numbers",
            ),
            (
                "180,30,120,135,216,196,80,194,23,18,98,230,254,45,65,220".to_owned(),
                "digest-byte-numbers",
            ),
        ] {
            assert_eq!(codes(&given), [expected], "{given}");
        }
        let labelled = format!("MD5: {}", joined(":"));
        let long = find(&[joined("-"), joined("-")].join("-"));
        assert_eq!(long[0].digits.len(), 64, "{long:?}");
        assert_eq!(codes(&labelled), ["digest-colons", "digest-label"]);
    }

    #[test]
    fn bytes_without_their_leading_zeros_are_read_where_they_are_separated() {
        let found = find("d:e:a:d:0:1:2:3:4:5:6:7:8:9:a:b");
        assert_eq!(found[0].digits, "0d0e0a0d000102030405060708090a0b");
        let codes: Vec<&str> = found[0].notations.iter().map(|one| one.code).collect();
        assert_eq!(codes, ["digest-colons", "no-byte-padding"]);
    }

    #[test]
    fn bare_digits_and_text_without_a_digest_have_no_notation() {
        let long = format!("sha256={DIGITS}{}", " ".repeat(MAX_TEXT));
        for given in ["", DIGITS, "xyz", "-", "0x", "b''", "\\x", "%", "中", "\\u", &long] {
            assert!(find(given).is_empty(), "{given:?}");
        }
    }

    #[test]
    fn hostile_text_has_few_readings() {
        for unit in ["0-", "a b", "1,", "\\x", "%00", "0x0 ", "é", "00:"] {
            let given: String = unit.chars().cycle().take(MAX_TEXT / 2).collect();
            assert!(find(&given).len() <= MAX_FOUND, "{unit}");
        }
    }

    #[test]
    fn sizes_and_hashes_are_those_of_whole_digests() {
        for (length, hash) in [(40, "SHA-1"), (56, "SHA-224"), (96, "SHA-384"), (128, "SHA-512")] {
            assert_eq!(hash_of_length(&"a".repeat(length)), Some(hash));
            for other in [length - 1, length + 1] {
                assert_eq!(hash_of_length(&"a".repeat(other)), None, "{other}");
            }
            assert_eq!(hash_of_length(&"x".repeat(length)), None, "{length}");
        }
        for (length, expected) in
            (0..300).map(|length| (length, [32, 40, 56, 64, 96, 128].contains(&length)))
        {
            assert_eq!(is_size(length), expected, "{length}");
        }
        for length in [32, 64] {
            assert_eq!(hash_of_length(&"a".repeat(length)), None, "{length}");
        }
    }

    #[test]
    fn the_case_is_changed_and_named_where_it_differs() {
        let found = |digits: &str| Found { digits: digits.to_owned(), notations: vec![&DASHES] };
        for (digits, lower, upper) in [
            ("0a", "", " and in lower case"),
            ("0A", " and in upper case", ""),
            ("00", "", ""),
            ("aA", " and in upper case", " and in lower case"),
        ] {
            for (case, more) in [(DigestCase::Lower, lower), (DigestCase::Upper, upper)] {
                let expected = format!("with dashes between its bytes{more}");
                assert_eq!(found(digits).in_words(case), expected, "{digits}");
            }
        }
        assert_eq!(in_case("aB0é", DigestCase::Lower), "ab0é");
        assert_eq!(in_case("aB0é", DigestCase::Upper), "AB0é");
    }

    #[test]
    fn a_search_ends_at_its_limits() {
        let is_found = |given: &str| find(given).iter().any(|found| found.digits == DIGITS);
        for (given, expected) in [
            (format!("{DIGITS}{}", " ".repeat(MAX_TEXT - 32)), true),
            (format!("{DIGITS}{}", " ".repeat(MAX_TEXT - 31)), false),
            // The letters of a label that are digits too, up to four as in sha256.
            (format!("x{DIGITS}"), true),
            (format!("sha256{DIGITS}"), true),
            (format!("xabcde{DIGITS}"), false),
            (format!(" a256{DIGITS}"), false),
            // A single digit lacks no zero where the digits are as many as a digest has.
            (format!("b:4:{}", &joined(":")[3..]), true),
        ] {
            assert_eq!(is_found(&given), expected, "{given}");
        }
        let numbers: Vec<String> = (0..200).map(|number| number.to_string()).collect();
        assert_eq!(find(&numbers.join(",")).len(), MAX_FOUND);
        assert_eq!(find(&["abc"; 16].join(":")), []);
    }

    #[test]
    fn numbers_are_signed_or_unsigned_bytes() {
        let list = |first: &str| format!("{first},1,2,3,4,5,6,7,8,9,10,11,12,13,14,15");
        for (first, byte) in [
            ("0", "00"),
            ("127", "7f"),
            ("128", "80"),
            ("255", "ff"),
            ("-1", "ff"),
            ("-127", "81"),
            ("-128", "80"),
            ("x -5", "fb"),
            ("x-5", "05"),
        ] {
            let expected = format!("{byte}0102030405060708090a0b0c0d0e0f");
            let found = numbers(&list(first));
            assert!(found.iter().any(|found| found.digits == expected), "{first}: {found:?}");
        }
        for first in ["256", "-129", "1.5x", "0x1"] {
            assert_eq!(numbers(&list(first)), [], "{first}");
        }
    }

    #[test]
    fn each_escape_is_one_byte() {
        for (text, escape, bytes) in [
            ("a+b", None, Some(&b"a+b"[..])),
            ("a+b", Some('\\'), Some(b"a+b")),
            ("a+b", Some('%'), Some(b"a b")),
            ("%41%2b", Some('%'), Some(b"A+")),
            ("%4", Some('%'), None),
            ("%zz", Some('%'), None),
            ("ÿ", None, Some(b"\xff")),
            ("Ā", None, None),
            (r"\a\b\t\n\v\f\r\e", Some('\\'), Some(b"\x07\x08\t\n\x0b\x0c\r\x1b")),
            (r"\0\x41\u0042\103\377", Some('\\'), Some(b"\0ABC\xff")),
            (r"\u0100", Some('\\'), None),
            (r"\08", Some('\\'), Some(b"\08")),
            (r"\400", Some('\\'), None),
            (r"\\\'\/", Some('\\'), Some(b"\\'/")),
            (r"\q", Some('\\'), None),
            ("\\", Some('\\'), None),
        ] {
            assert_eq!(unescape(text, escape).as_deref(), bytes, "{text}");
        }
    }

    #[test]
    fn a_digest_of_each_size_is_found_in_groups() {
        let digits = DIGITS.repeat(4);
        for size in SIZES {
            let digits = &digits[..2 * size];
            for width in [2, 4, digits.len() / 2] {
                let groups: Vec<&str> =
                    (0..digits.len()).step_by(width).map(|at| &digits[at..at + width]).collect();
                let found = super::groups(&groups.join("-"));
                assert_eq!(found[0].digits, digits, "{size} {width}");
                assert_eq!(found[0].notations[0].code, "digest-dashes");
            }
        }
    }
}
