//! Text as other code would have written it: URL encoding, entities, escapes, charsets.

use encoding_rs::{Encoding, GBK, WINDOWS_1252};

use crate::form::percent_encode;

fn encode(text: &str, keep: &[u8], space: &str) -> String {
    percent_encode(text.as_bytes(), keep, space)
}

pub(super) fn form_php(text: &str) -> String {
    encode(text, b"-_.", "+")
}

/// RFC 3986: `-_.~` stay, a space becomes `%20`.
pub(super) fn percent(text: &str) -> String {
    encode(text, b"-_.~", "%20")
}

pub(super) fn percent_keep_slash(text: &str) -> String {
    encode(text, b"-_.~/", "%20")
}

pub(super) fn js_component(text: &str) -> String {
    encode(text, b"-_.!~*'()", "%20")
}

pub(super) fn js_uri(text: &str) -> String {
    encode(text, b"-_.!~*'();/?:@&=+$,#", "%20")
}

pub(super) fn form_java(text: &str) -> String {
    encode(text, b"-_.*", "+")
}

/// Java `URLEncoder` with `+` replaced by `%20`.
pub(super) fn java_spaces(text: &str) -> String {
    form_java(text).replace('+', "%20")
}

pub(super) fn form_gbk(text: &str) -> String {
    percent_encode(&gbk(text), b"-_.*", "+")
}

/// JavaScript `escape()`: `%uXXXX` beyond Latin-1.
pub(super) fn js_escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    for unit in text.encode_utf16() {
        match u8::try_from(unit) {
            Ok(byte) if byte.is_ascii_alphanumeric() || b"@*_+-./".contains(&byte) => {
                out.push(char::from(byte));
            }
            Ok(byte) => out.push_str(&format!("%{byte:02X}")),
            Err(_) => out.push_str(&format!("%u{unit:04X}")),
        }
    }
    out
}

pub(super) fn form_go(text: &str) -> String {
    encode(text, b"-_.~", "+")
}

pub(super) fn form_dotnet(text: &str) -> String {
    lower_hex(&encode(text, b"-_.!*()", "+"))
}

/// The same percent-encoded text with lower-case hex.
pub(super) fn lower_hex(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut digits = 0;
    for character in text.chars() {
        out.push(if digits > 0 { character.to_ascii_lowercase() } else { character });
        digits = if character == '%' { 2 } else { usize::saturating_sub(digits, 1) };
    }
    out
}

/// Percent-decoded; what is no escape, or no UTF-8 afterwards, stays.
pub(super) fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escape = (bytes[at] == b'%')
            .then(|| bytes.get(at + 1..at + 3))
            .flatten()
            .and_then(|digits| hex::decode(digits).ok());
        match escape {
            Some(byte) => {
                out.extend(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8(out).unwrap_or_else(|_| text.to_owned())
}

/// Form-decoded: `+` is a space, then percent-decoded.
pub(super) fn form_decoded(text: &str) -> String {
    percent_decoded(&text.replace('+', " "))
}

/// The names of the characters from U+00A0 to U+00FF in HTML 4.
const LATIN_1_NAMES: &str = "nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy \
    reg macr deg plusmn sup2 sup3 acute micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 \
    iquest Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil Egrave Eacute Ecirc Euml Igrave Iacute \
    Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave Uacute Ucirc Uuml \
    Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil egrave eacute ecirc euml \
    igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave uacute \
    ucirc uuml yacute thorn yuml";

/// PHP `htmlentities()`: the entity of every character of Latin-1 that has a name.
pub(super) fn html_named(text: &str) -> String {
    let escaped = html(text, "&quot;", "&#039;");
    let mut out = String::with_capacity(escaped.len());
    for letter in escaped.chars() {
        let at = u32::from(letter).checked_sub(0xa0).and_then(|at| usize::try_from(at).ok());
        match at.and_then(|at| LATIN_1_NAMES.split(' ').nth(at)) {
            Some(name) => out.extend(["&", name, ";"]),
            None => out.push(letter),
        }
    }
    out
}

pub(super) fn html(text: &str, quote: &str, apostrophe: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', quote)
        .replace('\'', apostrophe)
}

/// PHP `htmlspecialchars` from 8.1 on.
pub(super) fn html_escaped(text: &str) -> String {
    html(text, "&quot;", "&#039;")
}

pub(super) fn escape_html_in_json(text: &str) -> String {
    text.replace('&', "\\u0026").replace('<', "\\u003c").replace('>', "\\u003e")
}

pub(super) fn slashes_added(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\'', "\\'").replace('"', "\\\"")
}

pub(super) fn html_unescaped(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#039;", "'")
        .replace("&#39;", "'")
        .replace("&amp;", "&")
}

/// Entities that HTML reads without a semicolon, longest first where one begins another.
const ENTITIES: [(&str, char); 29] = [
    ("not", '¬'),
    ("times", '×'),
    ("curren", '¤'),
    ("para", '¶'),
    ("copy", '©'),
    ("reg", '®'),
    ("sect", '§'),
    ("lt", '<'),
    ("gt", '>'),
    ("amp", '&'),
    ("quot", '"'),
    ("deg", '°'),
    ("micro", 'µ'),
    ("middot", '·'),
    ("cent", '¢'),
    ("pound", '£'),
    ("yen", '¥'),
    ("uml", '¨'),
    ("shy", '\u{ad}'),
    ("laquo", '«'),
    ("raquo", '»'),
    ("ordf", 'ª'),
    ("ordm", 'º'),
    ("macr", '¯'),
    ("acute", '´'),
    ("cedil", '¸'),
    ("iexcl", '¡'),
    ("plusmn", '±'),
    ("divide", '÷'),
];

pub(super) fn html_names_resolved(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        let name = &rest[at + 1..];
        match ENTITIES.iter().find(|(entity, _)| name.starts_with(entity)) {
            Some((entity, character)) => {
                out.push(*character);
                let after = &name[entity.len()..];
                rest = after.strip_prefix(';').unwrap_or(after);
            }
            None => {
                out.push('&');
                rest = name;
            }
        }
    }
    out.push_str(rest);
    out
}

pub(super) fn escape_slash(text: &str) -> String {
    text.replace('/', "\\/")
}

fn escape_wide(text: &str, write: fn(u16) -> String) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_ascii() {
            out.push(character);
        } else {
            out.extend(character.encode_utf16(&mut [0; 2]).iter().map(|unit| write(*unit)));
        }
    }
    out
}

pub(super) fn escape_unicode(text: &str) -> String {
    escape_wide(text, |unit| format!("\\u{unit:04x}"))
}

pub(super) fn escape_unicode_upper(text: &str) -> String {
    escape_wide(text, |unit| format!("\\u{unit:04X}"))
}

/// The text in another charset, with `?` for each character that it lacks.
pub(super) fn charset(text: &str, encoding: &'static Encoding) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for character in text.chars() {
        let mut buffer = [0; 4];
        let (bytes, _, had_unmappable) = encoding.encode(character.encode_utf8(&mut buffer));
        if had_unmappable { out.push(b'?') } else { out.extend_from_slice(&bytes) }
    }
    out
}

/// The upper halves of the code pages of a console in America and in Western Europe.
pub(super) const CP437: &str = "\
    ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐\
    └┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}";
pub(super) const CP850: &str = "\
    ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒáíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐\
    └┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u{ad}±‗¾¶§÷¸°¨·¹³²■\u{a0}";

/// In a code page that is given by its upper half.
pub(super) fn code_page(text: &str, upper: &str) -> Vec<u8> {
    let place = |letter| (0x80..=0xff_u8).zip(upper.chars()).find(|(_, of)| *of == letter);
    let byte = |letter: char| match u8::try_from(letter) {
        Ok(byte) if byte.is_ascii() => byte,
        _ => place(letter).map_or(b'?', |(byte, _)| byte),
    };
    text.chars().map(byte).collect()
}

pub(super) fn gbk(text: &str) -> Vec<u8> {
    charset(text, GBK)
}

/// The text of bytes in GBK that are not UTF-8; `None` where they are not GBK, or hardly: text in
/// another charset can be GBK by chance, but then few of its characters are common Chinese ones.
#[must_use]
pub fn from_gbk(bytes: &[u8]) -> Option<String> {
    let (text, had_errors) = GBK.decode_without_bom_handling(bytes);
    let (mut all, mut common, mut rest) = (0, 0, bytes);
    while let [first, after @ ..] = rest {
        rest = match after {
            [second, after @ ..] if !first.is_ascii() => {
                all += 1;
                common += usize::from(*first >= 0xb0 && *second > 0xa0);
                after
            }
            _ => after,
        };
    }
    (!had_errors && common * 2 > all).then(|| text.into_owned())
}

/// UTF-8 read as Windows-1252 and written as UTF-8 again.
pub(super) fn read_as_1252(text: &str) -> Vec<u8> {
    // Java and .NET know no character for these five bytes.
    let unknown = |c: char| {
        if matches!(u32::from(c), 0x81 | 0x8d | 0x8f | 0x90 | 0x9d) { '\u{fffd}' } else { c }
    };
    let (read, ..) = WINDOWS_1252.decode(text.as_bytes());
    read.chars().map(unknown).collect::<String>().into_bytes()
}

/// The low byte of each UTF-16 unit, as Node's `latin1` and `binary` write it.
pub(super) fn low_bytes(text: &str) -> Vec<u8> {
    text.encode_utf16().map(|unit| unit.to_le_bytes()[0]).collect()
}

/// The text in UTF-16, low byte first.
pub(super) fn utf16_le(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// The text in UTF-16, high byte first, with a byte order mark.
pub(super) fn utf16_be(text: &str) -> Vec<u8> {
    let units = std::iter::once(0xfeff).chain(text.encode_utf16());
    units.flat_map(u16::to_be_bytes).collect()
}

/// The text in Latin-1, with `?` for what Latin-1 lacks.
pub(super) fn latin1(text: &str) -> Vec<u8> {
    text.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_encoder_keeps_its_own_characters() {
        let text = "a b/~*(é)";
        assert_eq!(form_php(text), "a+b%2F%7E%2A%28%C3%A9%29");
        assert_eq!(percent(text), "a%20b%2F~%2A%28%C3%A9%29");
        assert_eq!(js_component(text), "a%20b%2F~*(%C3%A9)");
        assert_eq!(form_java(text), "a+b%2F%7E*%28%C3%A9%29");
        assert_eq!(form_dotnet(text), "a+b%2f%7e*(%c3%a9)");
        assert_eq!(percent_keep_slash("/ü"), "/%C3%BC");
    }

    #[test]
    fn decoding_leaves_alone_what_is_no_escape() {
        assert_eq!(form_decoded("a+b%41%zz%"), "a bA%zz%");
        assert_eq!(percent_decoded("a+b%2F"), "a+b/");
        assert_eq!(percent_decoded("%ff"), "%ff");
    }

    #[test]
    fn a_page_turns_names_into_entities() {
        assert_eq!(
            html_names_resolved("a=1&notify_url=x&timestamp=2&currency=3&b=4"),
            "a=1¬ify_url=x×tamp=2¤cy=3&b=4"
        );
    }

    #[test]
    fn charsets_and_escapes() {
        assert_eq!(gbk("中😀"), [0xd6, 0xd0, b'?']);
        assert_eq!(low_bytes("é中"), [0xe9, 0x2d]);
        assert_eq!(js_escape("é中 /"), "%E9%u4E2D%20/");
        assert_eq!(form_gbk("中 a"), "%D6%D0+a");
        assert_eq!(slashes_added("a'\"\\"), "a\\'\\\"\\\\");
        assert_eq!(latin1("é中"), [0xe9, b'?']);
        assert_eq!(escape_unicode("中😀"), "\\u4e2d\\ud83d\\ude00");
        assert_eq!(html_unescaped(&html_escaped("<a&'\">")), "<a&'\">");
    }
}
