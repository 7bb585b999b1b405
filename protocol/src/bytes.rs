//! Text eight bytes at a time: where a plain part of a string or a number's digits end, whether two
//! names are the same, and how they sort.

/// How many bytes precede the first quote, backslash or control character.
#[inline]
pub(super) fn plain_length(bytes: &[u8]) -> usize {
    length_before(
        bytes,
        |word| below(word ^ eight(b'"'), 1) | below(word ^ eight(b'\\'), 1) | below(word, 0x20),
        |byte| matches!(byte, b'"' | b'\\' | 0..0x20),
    )
}

/// How many digits precede the first byte that is none.
#[inline]
pub(super) fn digit_length(bytes: &[u8]) -> usize {
    length_before(
        bytes,
        |word| below(word, b'0') | above(word, b'9'),
        |byte| !byte.is_ascii_digit(),
    )
}

/// Whether the text begins with `start`; unlike `starts_with` no call, which costs more than short
/// names do.
#[inline]
pub(super) fn begins_with(text: &[u8], start: &[u8]) -> bool {
    let Some(text) = text.get(..start.len()) else { return false };
    match (text.last_chunk::<8>(), start.last_chunk::<8>()) {
        // The last eight bytes may have been compared in part already.
        (Some(last), Some(expected)) => {
            let mut chunks = text.as_chunks::<8>().0.iter().zip(start.as_chunks::<8>().0);
            last == expected && chunks.all(|(chunk, expected)| chunk == expected)
        }
        _ => text == start,
    }
}

/// How many bytes precede the first that `ends` knows, which is the lowest that `marks` marks.
#[inline(always)]
fn length_before(bytes: &[u8], marks: impl Fn(u64) -> u64, ends: impl Fn(&u8) -> bool) -> usize {
    let (chunks, rest) = bytes.as_chunks();
    let mut at = 0;
    for chunk in chunks {
        let found = marks(u64::from_le_bytes(*chunk));
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += chunk.len();
    }
    at + rest.iter().position(ends).unwrap_or(rest.len())
}

/// The same byte eight times.
const fn eight(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

/// Marks the highest bit of each byte below the limit, which is at most 128.
///
/// Bytes above the lowest one marked may be marked by a borrow; only the lowest is of use.
const fn below(word: u64, limit: u8) -> u64 {
    word.wrapping_sub(eight(limit)) & !word & eight(0x80)
}

/// Marks the highest bit of each byte above the limit, which is at most 127.
///
/// Bytes above the lowest one marked may be marked by a carry; only the lowest is of use.
const fn above(word: u64, limit: u8) -> u64 {
    (word.wrapping_add(eight(0x7F - limit)) | word) & eight(0x80)
}

/// The first eight bytes of a name as a number that sorts as they do; a shorter name ends in zeros.
#[inline]
pub(super) fn rank(name: &str) -> u64 {
    let bytes = name.as_bytes();
    if let Some(first) = bytes.first_chunk() {
        return u64::from_be_bytes(*first);
    }
    let missing = 8 * (8 - bytes.len() as u32);
    match (bytes.first_chunk(), bytes.last_chunk()) {
        // From four bytes on two halves hold them all; where they overlap they are the same.
        (Some(first), Some(last)) => {
            let half = |bytes: &[u8; 4]| u64::from(u32::from_be_bytes(*bytes));
            half(first) << 32 | half(last) << missing
        }
        _ => {
            let number = bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
            number.checked_shl(missing).unwrap_or(0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_plain_text_is_found_wherever_it_stands() {
        for length in 0..40 {
            for end in (0..=u8::MAX).filter(|end| matches!(end, b'"' | b'\\' | 0..0x20)) {
                let mut bytes = "aÿ!#[]\u{7f}王".repeat(5).into_bytes()[..length].to_vec();
                assert_eq!(plain_length(&bytes), length);
                bytes.extend([end, end, b' ', b'!', b'x', b'[', 0x20, 0x21, 0x23]);
                assert_eq!(plain_length(&bytes), length, "{end} at {length}");
            }
        }
    }

    #[test]
    fn the_end_of_digits_is_found_wherever_it_stands() {
        for length in 0..40 {
            let digits = &b"0918273645".repeat(4)[..length];
            assert_eq!(digit_length(digits), length);
            for end in (0..=u8::MAX).filter(|end| !end.is_ascii_digit()) {
                let bytes = [digits, &[end, b'0', end, b'9', b'5', end, b'/', b':', 0]].concat();
                assert_eq!(digit_length(&bytes), length, "{end} at {length}");
            }
        }
    }

    #[test]
    fn a_beginning_is_the_same_in_every_byte() {
        let text: Vec<u8> = (0..40).collect();
        for length in 0..=text.len() {
            let start = &text[..length];
            assert!(begins_with(&text, start) && begins_with(start, start));
            assert!(length == 0 || !begins_with(&text[..length - 1], start));
            for at in 0..length {
                let mut other = text.clone();
                other[at] ^= 1;
                assert!(!begins_with(&other, start), "{at} of {length}");
            }
        }
    }

    #[test]
    fn ranks_sort_as_names_do() {
        let names = [
            "",
            "\0",
            "a",
            "a\0",
            "abc",
            "abcd",
            "abcde",
            "amount",
            "amount1",
            "payout_i",
            "payout_id",
            "z",
            "中",
        ];
        assert!(names.is_sorted());
        assert!(names.map(rank).is_sorted());
        assert_eq!(rank("a"), 0x61 << 56);
        for name in names {
            let mut bytes = [0; 8];
            name.bytes().zip(&mut bytes).for_each(|(byte, place)| *place = byte);
            assert_eq!(rank(name), u64::from_be_bytes(bytes), "{name:?}");
        }
    }
}
