//! The setting that gives the whole string to sign, with the key in it.

use toml::Spanned;

use super::MAX_NAMES;
use crate::scheme::{Algorithm, KeyText, Part};
use crate::toml_span::{SpannedResult, wrong};

/// The longest string to sign, in bytes as it is written in the file.
const MAX_STRING: usize = 4096;

/// A whole string to sign: text, `{field}`, `{*}` for the pairs, and the key.
pub(super) fn read(
    given: &Spanned<String>,
    algorithm: Algorithm,
    sign_field: &str,
) -> SpannedResult<Vec<Part>> {
    let (mut rest, span) = (given.get_ref().as_str(), given.span());
    if rest.len() > MAX_STRING {
        return wrong(&span, format!("it is longer than {MAX_STRING} bytes"));
    }
    let mut parts = Vec::new();
    while let Some(first) = rest.chars().next() {
        if let Some(text) = KeyText::ALL.into_iter().find(|it| rest.starts_with(it.notation())) {
            parts.push(Part::Key(text));
            rest = &rest[text.notation().len()..];
        } else if let Some(field) = rest.strip_prefix('{') {
            let Some((name, after)) = field.split_once('}') else {
                return wrong(&span, "a { without its }");
            };
            rest = after;
            parts.push(match name {
                "*" if parts.contains(&Part::Pairs) => return wrong(&span, "{*} is in it twice"),
                "*" => Part::Pairs,
                name if name == sign_field => {
                    return wrong(&span, "a signature cannot sign itself");
                }
                name => Part::Field(name.to_owned().into()),
            });
        } else {
            match parts.last_mut() {
                Some(Part::Text(text)) => text.to_mut().push(first),
                _ => parts.push(Part::Text(first.to_string().into())),
            }
            rest = &rest[first.len_utf8()..];
        }
    }
    let has = |is: fn(&Part) -> bool| parts.iter().any(is);
    let has_field = has(|part| matches!(part, Part::Field(_) | Part::Pairs));
    let has_key = algorithm.is_keyed() || has(|part| matches!(part, Part::Key(_)));
    if parts.len() > 2 * MAX_NAMES {
        wrong(&span, format!("it has more than {} parts", 2 * MAX_NAMES))
    } else if !has_field {
        wrong(&span, "without a {field} or {*} anyone could change all of them")
    } else if !has_key {
        wrong(&span, "without KEY anyone could sign; only an HMAC does without")
    } else {
        Ok(parts)
    }
}

#[cfg(test)]
mod tests {
    use crate::canonical::canonicalize;
    use crate::dialect_file::{parse, write};
    use crate::key::Key;
    use crate::payload::Payload;
    use crate::signature::{expected, verify};

    fn file(scheme: &str) -> String {
        format!("id = 'x'\n[[scheme]]\n{scheme}\n")
    }

    /// Digests by Python's hashlib and hmac.
    #[test]
    fn every_setting_is_signed_by_and_read_back() {
        let payload = Payload::parse(br#"{"b":"x y","a":10,"z":"0","c":"\u00fc","e":""}"#).unwrap();
        let key = Key::try_new(b"KEY123".to_vec()).unwrap();
        for (scheme, masked, signature) in [
            (
                "algorithm = 'sha1'\nstring = 'KEY|{*}'\nseparator = '|'\npairs = 'value'",
                "[key]|10|x y|ü|0",
                "6bff28a6dd00f19e36c77335631340b665d46570",
            ),
            (
                "algorithm = 'sha384'\norder = 'received'",
                "b=x y&a=10&z=0&c=ü&[key]",
                "f7b24093812474ed6605328cbb0ae4ffbf2726006df2d4a00fabf473553291e086094c7f43aaa7b134fe7208d14a83be",
            ),
            (
                "algorithm = 'sha512'\nempties = 'drop-zeros'\ndigest = 'upper'",
                "a=10&b=x y&c=ü&[key]",
                "FFB2F84E7E5EA0352B12AD8CFA4A3009DD0CA82974A9E1C3DD9D16FF91D9865A9C00B57FE8BABAC14B9D136CF6DB08010A0848F50FFE83BE794284E05058DE5B",
            ),
            (
                "algorithm = 'hmac-md5'\nstring = '{a};{missing};{b}'",
                "10;;x y",
                "0e7e8248efdce5a7a82288738df73bb7",
            ),
            (
                "algorithm = 'hmac-sha1'\nvalues = 'form'",
                "a=10&b=x+y&c=%C3%BC&z=0",
                "e9665731f081e6e6bb23fdef1e2aba3f10023dea",
            ),
            (
                "algorithm = 'hmac-sha384'\nvalues = 'percent'\nempties = 'keep'",
                "a=10&b=x%20y&c=%C3%BC&e=&z=0",
                "5e956d7c09d131652bd8f6c9e352de89f674148f0d8010c67ce45e64e374e0a8c563fcd2acccd0b56f66b10784de938a",
            ),
            (
                "algorithm = 'hmac-sha512'\npairs = 'namevalue'\nseparator = ''\ndigest = 'base64'",
                "a10bx ycüz0",
                "bnJchpW3nwC0TniR5M/rAN7tDwA7YOrMyV2+BHWwn+cP474n/opQwXnYMfI3u7qhLtqzHSw1pZFF67b2Fkv3bQ==",
            ),
            (
                "algorithm = 'md5'\nstring = '{a}:MD5(KEY):{b}md5(KEY)KEY'\ndigest = 'base64'",
                "10:MD5([key]):x ymd5([key])[key]",
                "V0UAfLMQVB0NEjBt3wElVg==",
            ),
        ] {
            let dialect = parse(&file(scheme)).unwrap_or_else(|error| panic!("{scheme}: {error}"));
            assert_eq!(parse(&write(&dialect)).unwrap(), dialect, "{scheme}");
            let scheme = dialect.first();
            assert!(scheme.foreign_setting().is_some(), "{scheme:?}");
            assert_eq!(canonicalize(&payload, scheme).masked(scheme), masked);
            let verification = verify(&payload, &key, &dialect, None);
            let signed = expected(&payload, &key, &dialect, &verification);
            assert_eq!(signed.as_str(), signature, "{masked}");
        }
    }

    #[test]
    fn a_string_that_protects_nothing_is_refused_with_its_place() {
        for (scheme, problem) in [
            ("algorithm = 'md5'\nstring = '{a}'", "line 4, column 10: without KEY"),
            ("algorithm = 'md5'\nstring = 'KEY'", "without a {field} or {*}"),
            ("algorithm = 'md5'\nstring = ''", "without a {field} or {*}"),
            ("algorithm = 'md5'\nstring = '{a KEY'", "a { without its }"),
            ("algorithm = 'md5'\nstring = '{sign}KEY'", "cannot sign itself"),
            ("algorithm = 'md5'\nstring = '{*}{*}KEY'", "{*} is in it twice"),
            ("algorithm = 'md5'\nstring = '{a}KEY'\nafter = 'KEY'", "leave out after"),
            ("algorithm = 'md5'\norder = 'names'", "did you mean \"name\"?"),
            ("algorithm = 'md5'\npairs = 'x'", "line 4, column 9: \"x\" is unknown"),
            ("algorithm = 'sha'", "did you mean \"sha1\"?"),
        ] {
            let found = parse(&file(scheme)).expect_err(scheme).to_string();
            assert!(found.contains(problem), "{scheme}: {found}");
        }
        let long = |length: usize| {
            parse(&file(&format!("algorithm = 'md5'\nstring = '{{a}}KEY{}'", "x".repeat(length))))
        };
        assert!(long(super::MAX_STRING - 6).is_ok());
        assert!(long(super::MAX_STRING - 5).is_err());
        let many = |fields: usize| {
            parse(&file(&format!("algorithm = 'md5'\nstring = 'KEY{}'", "{a}".repeat(fields))))
        };
        assert!(many(127).is_ok());
        assert!(many(128).is_err());
    }
}
