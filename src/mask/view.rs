//! A text as its readers decode it, with each byte's place in the text as it is.

use std::ops::Range;

use zeroize::Zeroizing;

/// How many encodings can be inside each other: JSON in a form's value on a page has three.
pub(super) const DEEPEST: usize = 3;

/// The most bytes of all decoded texts together: escapes inside escapes could cost any time.
const MOST_BYTES: usize = 32 << 20;

/// Reads one escape at the start of the bytes: how long it is, and what it stands for.
type Decoder = fn(&[u8]) -> Option<(usize, Vec<u8>)>;

const DECODERS: [(u8, Decoder); 4] =
    [(b'\\', backslash), (b'%', percent), (b'&', entity), (b'\'', shell_quote)];

pub(super) struct View {
    pub(super) bytes: Zeroizing<Vec<u8>>,
    /// Where each byte begins in the text, and at the end its length; nothing where they are equal.
    places: Option<Vec<usize>>,
    depth: usize,
}

impl View {
    fn of(text: &str) -> View {
        View { bytes: Zeroizing::new(text.as_bytes().to_vec()), places: None, depth: 0 }
    }

    pub(super) fn place(&self, part: Range<usize>, text: &str) -> Range<usize> {
        let at = |index: usize| match &self.places {
            Some(places) => places.get(index).copied().unwrap_or(text.len()),
            None => index,
        };
        let (mut start, mut end, mut after) = (at(part.start), at(part.end), part.end);
        // A part can end within a character or an escape: it then takes all of it.
        while (end <= start || !text.is_char_boundary(end)) && end < text.len() {
            after += 1;
            end = at(after);
        }
        while !text.is_char_boundary(start) {
            start -= 1;
        }
        start..end
    }

    fn decoded(&self, (first, decoder): (u8, Decoder)) -> Option<View> {
        memchr::memchr(first, &self.bytes)?;
        let place = |index: usize| self.places.as_ref().map_or(index, |places| places[index]);
        let mut bytes = Zeroizing::new(Vec::with_capacity(self.bytes.len()));
        let mut places = Vec::with_capacity(self.bytes.len() + 1);
        let mut at = 0;
        while let Some(byte) = self.bytes.get(at) {
            let read = if *byte == first { decoder(&self.bytes[at..]) } else { None };
            let (length, decoded) = match read {
                Some((length, decoded)) => {
                    bytes.extend_from_slice(&decoded);
                    (length, decoded.len())
                }
                None => {
                    bytes.push(*byte);
                    (1, 1)
                }
            };
            places.extend(std::iter::repeat_n(place(at), decoded));
            at += length;
        }
        places.push(place(at));
        Some(View { bytes, places: Some(places), depth: self.depth + 1 })
    }
}

pub(super) fn views(text: &str, deepest: usize) -> Vec<View> {
    views_within(text, deepest, MOST_BYTES)
}

/// The text and its readings, which have at most `room` bytes together.
fn views_within(text: &str, deepest: usize, mut room: usize) -> Vec<View> {
    let mut views = vec![View::of(text)];
    let mut next = 0;
    while next < views.len() && views[next].depth < deepest {
        for decoder in DECODERS {
            let Some(view) = views[next].decoded(decoder) else { continue };
            if views.iter().any(|known| known.bytes == view.bytes) {
                continue;
            }
            if view.bytes.len() > room {
                return views;
            }
            room -= view.bytes.len();
            views.push(view);
        }
        next += 1;
    }
    views
}

/// JSON's escapes, and those that this program shows: `\u{1b}` for a character, `\xff` for a byte.
fn backslash(bytes: &[u8]) -> Option<(usize, Vec<u8>)> {
    let simple = |byte: u8| Some((2, vec![byte]));
    match *bytes.get(1)? {
        b'n' => simple(b'\n'),
        b'r' => simple(b'\r'),
        b't' => simple(b'\t'),
        b'b' => simple(8),
        b'f' => simple(12),
        same @ (b'"' | b'\\' | b'/' | b'\'') => simple(same),
        b'x' => Some((4, vec![u8::try_from(hex(bytes.get(2..4)?)?).ok()?])),
        b'u' if bytes.get(2) == Some(&b'{') => {
            let digits = bytes.get(3..)?.iter().take(7).position(|byte| *byte == b'}')?;
            Some((digits + 4, utf8(hex(&bytes[3..3 + digits])?)?))
        }
        b'u' => {
            let unit = hex(bytes.get(2..6)?)?;
            if !(0xd800..0xdc00).contains(&unit) {
                return Some((6, utf8(unit)?));
            }
            let low = bytes.get(6..12).filter(|next| next.starts_with(b"\\u"))?;
            let low = hex(&low[2..])?.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
            Some((12, utf8(0x10000 + ((unit - 0xd800) << 10) + low)?))
        }
        _ => None,
    }
}

fn percent(bytes: &[u8]) -> Option<(usize, Vec<u8>)> {
    Some((3, vec![u8::try_from(hex(bytes.get(1..3)?)?).ok()?]))
}

fn entity(bytes: &[u8]) -> Option<(usize, Vec<u8>)> {
    let end = bytes.iter().take(12).position(|byte| *byte == b';')?;
    let decoded = match bytes.get(1..end)? {
        b"amp" => vec![b'&'],
        b"lt" => vec![b'<'],
        b"gt" => vec![b'>'],
        b"quot" => vec![b'"'],
        b"apos" => vec![b'\''],
        [b'#', b'x' | b'X', digits @ ..] => utf8(hex(digits)?)?,
        [b'#', digits @ ..] => utf8(std::str::from_utf8(digits).ok()?.parse().ok()?)?,
        _ => return None,
    };
    Some((end + 1, decoded))
}

fn shell_quote(bytes: &[u8]) -> Option<(usize, Vec<u8>)> {
    bytes.starts_with(b"'\\''").then(|| (4, vec![b'\'']))
}

fn hex(digits: &[u8]) -> Option<u32> {
    // The library's parser also takes a sign.
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

fn utf8(code: u32) -> Option<Vec<u8>> {
    Some(char::from_u32(code)?.to_string().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn readings(text: &str) -> Vec<String> {
        views(text, DEEPEST)
            .iter()
            .map(|view| String::from_utf8_lossy(&view.bytes).into_owned())
            .collect()
    }

    #[test]
    fn each_escape_is_read() {
        for (text, read) in [
            (r#"\"\\\/\n\u00e9\u00E9\ud83d\ude42\u{1b}\x41"#, "\"\\/\néé🙂\u{1b}A"),
            ("%26%2b%C3%a9", "&+é"),
            ("&amp;&lt;&gt;&quot;&#39;&#x27;&apos;&#233;", "&<>\"'''é"),
            (r"it'\''s", "it's"),
            ("%255c", "%5c"),
        ] {
            assert!(readings(text).iter().any(|view| view == read), "{text}: {:?}", readings(text));
        }
    }

    #[test]
    fn what_is_not_an_escape_stays() {
        for text in [
            "%", "%4", "%zz", "%+1", "\\", "\\u12", "\\u+041", "\\u{}", "\\u{+1}", "\\ud83d", "&;",
            "&#;", "&#x;", "&#x+41;", "'",
        ] {
            assert_eq!(readings(text), [text], "{text}");
        }
    }

    #[test]
    fn a_part_of_a_reading_has_its_place_in_the_text() {
        let text = r"aé\u00e9b";
        let views = views(text, DEEPEST);
        let view = &views[1];
        assert_eq!(&*view.bytes, "aééb".as_bytes());
        assert_eq!(view.place(3..5, text), 3..9);
        // Within a character: all of it.
        assert_eq!(view.place(3..4, text), 3..9);
        assert_eq!(view.place(2..3, text), 1..3);
    }

    #[test]
    fn escapes_are_read_up_to_their_limits() {
        for (text, read) in [
            (r"\u{10ffff}\u{01f642}", "\u{10ffff}🙂"),
            (r"\ud800\udc00\udbff\udfff", "\u{10000}\u{10ffff}"),
            (r"\b\f\r\t\'", "\u{8}\u{c}\r\t'"),
            // What follows is not the second half of a pair.
            (r"\ud800\ue000", "\\ud800\u{e000}"),
            (r"\ud800\udbff", r"\ud800\udbff"),
            ("&#XE9;&#x0010FFFF;", "é\u{10ffff}"),
            ("%252526", "&"),
        ] {
            assert!(readings(text).iter().any(|view| view == read), "{text}: {:?}", readings(text));
        }
        // One encoding more than can be inside each other.
        assert!(!readings("%25252526").contains(&"&".to_owned()));
    }

    #[test]
    fn readings_have_a_number_of_bytes_in_all() {
        // The readings have four bytes and two.
        for (room, expected) in [
            (0, &["a%2541"][..]),
            (3, &["a%2541"]),
            (4, &["a%2541", "a%41"]),
            (5, &["a%2541", "a%41"]),
            (6, &["a%2541", "a%41", "aA"]),
        ] {
            let views = views_within("a%2541", DEEPEST, room);
            let texts = views.iter().map(|view| std::str::from_utf8(&view.bytes).unwrap());
            assert!(texts.eq(expected.iter().copied()), "{room}");
        }
    }
}
