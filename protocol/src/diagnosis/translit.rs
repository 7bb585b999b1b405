//! Text turned into ASCII letters: `iconv` with `//TRANSLIT`, and what stands in for it.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::{canonical_combining_class, is_combining_mark};

/// Characters that stand for several letters, or for another one, in every implementation.
const LETTERS: [(char, &str); 31] = [
    ('ß', "ss"),
    ('æ', "ae"),
    ('Æ', "AE"),
    ('œ', "oe"),
    ('Œ', "OE"),
    ('€', "EUR"),
    ('‘', "'"),
    ('’', "'"),
    ('‚', ","),
    ('“', "\""),
    ('”', "\""),
    ('„', ",,"),
    ('«', "<<"),
    ('»', ">>"),
    ('‹', "<"),
    ('›', ">"),
    ('‐', "-"),
    ('‑', "-"),
    ('–', "-"),
    ('—', "-"),
    ('…', "..."),
    ('•', "o"),
    ('×', "x"),
    ('·', "."),
    ('©', "(C)"),
    ('®', "(R)"),
    ('™', "(TM)"),
    ('\u{a0}', " "),
    ('\u{2009}', " "),
    ('\u{202f}', " "),
    ('\u{3000}', " "),
];

/// Letters with a stroke, which do not decompose.
const STROKES: [(char, &str); 12] = [
    ('ø', "o"),
    ('Ø', "O"),
    ('ł', "l"),
    ('Ł', "L"),
    ('đ', "d"),
    ('Đ', "D"),
    ('ı', "i"),
    ('ħ', "h"),
    ('ð', "d"),
    ('Ð', "D"),
    ('þ', "th"),
    ('Þ', "TH"),
];

const GERMAN: [(char, &str); 7] =
    [('ä', "ae"), ('ö', "oe"), ('ü', "ue"), ('Ä', "Ae"), ('Ö', "Oe"), ('Ü', "Ue"), ('ß', "ss")];

fn found(table: &[(char, &'static str)], letter: char) -> Option<&'static str> {
    table.iter().find(|(of, _)| *of == letter).map(|(_, text)| *text)
}

fn base(letter: char) -> Option<char> {
    let mut parts = std::iter::once(letter).nfd();
    parts.next().filter(|base| base.is_ascii())
}

fn each(text: &str, write: impl Fn(char, &mut String)) -> Vec<u8> {
    let mut out = String::with_capacity(text.len());
    for letter in text.nfc() {
        match letter {
            ascii if ascii.is_ascii() => out.push(ascii),
            letter => write(letter, &mut out),
        }
    }
    out.into_bytes()
}

/// glibc with a UTF-8 locale: é → e, — → -, and ? for what has no letters.
pub(super) fn glibc(text: &str) -> Vec<u8> {
    each(text, |letter, out| match found(&LETTERS, letter).or_else(|| found(&STROKES, letter)) {
        Some(text) => out.push_str(text),
        None => out.push(base(letter).unwrap_or('?')),
    })
}

/// glibc with the C locale: only punctuation is replaced, é is ?.
pub(super) fn glibc_c(text: &str) -> Vec<u8> {
    each(text, |letter, out| out.push_str(found(&LETTERS, letter).unwrap_or("?")))
}

/// GNU libiconv (macOS, Windows): é → 'e, ü → "u.
pub(super) fn libiconv(text: &str) -> Vec<u8> {
    each(text, |letter, out| {
        if let Some(text) = found(&LETTERS, letter).or_else(|| found(&STROKES, letter)) {
            return out.push_str(text);
        }
        let mark = match std::iter::once(letter).nfd().nth(1) {
            Some('\u{301}') => "'",
            Some('\u{300}') => "`",
            Some('\u{302}') => "^",
            Some('\u{303}') => "~",
            Some('\u{308}') => "\"",
            _ => "",
        };
        out.push_str(mark);
        out.push(base(letter).unwrap_or('?'));
    })
}

/// Only the marks of letters removed: JavaScript `normalize('NFD')`, PostgreSQL `unaccent()`.
pub(super) fn without_marks(text: &str) -> Vec<u8> {
    let kept = text.nfd().filter(|c| !is_combining_mark(*c) || canonical_combining_class(*c) == 0);
    kept.collect::<String>().into_bytes()
}

/// Python `unicodedata.normalize('NFKD', s).encode('ascii', 'ignore')`.
pub(super) fn nfkd_ascii(text: &str) -> Vec<u8> {
    text.nfkd().filter(char::is_ascii).collect::<String>().into_bytes()
}

/// German spelling: ä → ae, ß → ss.
pub(super) fn german(text: &str) -> Vec<u8> {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match found(&GERMAN, letter) {
            Some(text) => out.push_str(text),
            None => out.push(letter),
        }
    }
    out.into_bytes()
}

/// musl `iconv`, as in Alpine's images: * for what the charset does not have.
pub(super) fn stars(text: &str) -> Vec<u8> {
    text.chars()
        .map(|letter| if letter.is_ascii() { letter } else { '*' })
        .collect::<String>()
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first two as Debian's `iconv -f UTF-8 -t ASCII//TRANSLIT` prints them.
    #[test]
    fn each_implementation_has_its_own_letters() {
        let text = "Café ñ ü ß æ € … “q” ’ Å ı ł à – 银行";
        let shown = |write: fn(&str) -> Vec<u8>| String::from_utf8(write(text)).unwrap();
        assert_eq!(shown(glibc), "Cafe n u ss ae EUR ... \"q\" ' A i l a - ??");
        assert_eq!(shown(glibc_c), "Caf? ? ? ss ae EUR ... \"q\" ' ? ? ? ? - ??");
        assert_eq!(shown(libiconv), "Caf'e ~n \"u ss ae EUR ... \"q\" ' A i l `a - ??");
        assert_eq!(shown(without_marks), "Cafe n u ß æ € … “q” ’ A ı ł a – 银行");
        assert_eq!(shown(nfkd_ascii), "Cafe n u    ... q  A   a  ");
        assert_eq!(shown(german), "Café ñ ue ss æ € … “q” ’ Å ı ł à – 银行");
        assert_eq!(shown(stars), "Caf* * * * * * * *q* * * * * * * **");
    }
}
