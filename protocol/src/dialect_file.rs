//! A dialect as a TOML file: data, no code. Text in, [`Dialect`] out, and back.
//!
//! ```toml
//! id = "mine"
//! success_reply = "ok"
//!
//! [[scheme]]
//! algorithm = "md5"     # md5, hmac-sha256, sha256
//! after = "&key=KEY"    # what follows the canonical string; KEY is the key
//! ```
//!
//! What is not said is as on this platform.

mod layout;
mod string;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use super::acknowledgement::ACKNOWLEDGEMENT_BODY;
use super::dialect::Dialect;
use super::nearest::unknown;
use super::scheme::{
    Algorithm, BASE64, Composition, DROP_ZEROS, DigestCase, Empties, Nulls, Order, Pairs, Scheme,
    Suffix, ValueText,
};
use super::toml_span::{self, PlacedError, SpannedResult, wrong};
use crate::untrusted::Untrusted;

/// The longest dialect file that is read, in bytes (64 KiB).
pub const MAX_FILE_BYTES: usize = 64 * 1024;

/// The longest id, in characters.
const MAX_ID: usize = 64;
/// The longest title, in bytes.
const MAX_TITLE: usize = 256;
/// The longest success reply, in bytes.
const MAX_REPLY: usize = 4096;
/// The longest text before the key, and the longest member name, in bytes.
const MAX_TEXT: usize = 256;
/// The longest separator, in bytes: it stands between all pairs, so it multiplies.
const MAX_SEPARATOR: usize = 16;
const MAX_NAMES: usize = 64;

const DIALECT_SETTINGS: [&str; 11] = [
    "id",
    "title",
    "success_reply",
    "transport",
    "method",
    "amounts",
    "times",
    "fields",
    "statuses",
    "constants",
    "scheme",
];
const SCHEME_SETTINGS: [&str; 13] = [
    "algorithm",
    "string",
    "after",
    "order",
    "pairs",
    "values",
    "separator",
    "digest",
    "empties",
    "nulls",
    "signed",
    "not_signed",
    "sign_field",
];

/// A table of names and texts.
type Texts = BTreeMap<Spanned<String>, Spanned<String>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileDialect {
    id: Option<Spanned<String>>,
    title: Option<Spanned<String>>,
    success_reply: Option<Spanned<String>>,
    transport: Option<Spanned<String>>,
    method: Option<Spanned<String>>,
    amounts: Option<Spanned<String>>,
    times: Option<Spanned<String>>,
    #[serde(default)]
    fields: Texts,
    #[serde(default)]
    statuses: BTreeMap<Spanned<String>, Spanned<toml::Value>>,
    #[serde(default)]
    constants: Texts,
    #[serde(default)]
    scheme: Vec<Spanned<FileScheme>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileScheme {
    algorithm: Option<Spanned<String>>,
    string: Option<Spanned<String>>,
    order: Option<Spanned<String>>,
    pairs: Option<Spanned<String>>,
    values: Option<Spanned<String>>,
    after: Option<Spanned<String>>,
    separator: Option<Spanned<String>>,
    digest: Option<Spanned<String>>,
    empties: Option<Spanned<String>>,
    nulls: Option<Spanned<String>>,
    signed: Option<Spanned<Vec<String>>>,
    not_signed: Option<Spanned<Vec<String>>>,
    sign_field: Option<Spanned<String>>,
}

/// Reads a dialect.
///
/// # Errors
/// What is not valid TOML, has an unknown setting or value, or could not be verified by; with the place.
pub fn parse(text: &str) -> Result<Dialect, PlacedError> {
    read(text).map_err(|error| error.placed(text))
}

fn read(text: &str) -> SpannedResult<Dialect> {
    let tables = [
        (&DIALECT_SETTINGS[..], "must be above the first [[scheme]] table"),
        (&SCHEME_SETTINGS[..], "must be inside a [[scheme]] table"),
    ];
    let mut file: FileDialect = toml_span::read(text, MAX_FILE_BYTES, &tables)?;
    let Some(id) = file.id.take() else { return wrong(&(0..0), "the setting id is missing") };
    let span = id.span();
    let id = id.into_inner();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if id.is_empty() || id.len() > MAX_ID || !id.chars().all(is_plain) {
        return wrong(&span, format!("an id has 1 to {MAX_ID} of a-z, 0-9, '-', '_' and '.'"));
    }
    let title = bounded(file.title.take(), &id, MAX_TITLE)?;
    let success_reply = bounded(file.success_reply.take(), ACKNOWLEDGEMENT_BODY, MAX_REPLY)?;
    let tables = std::mem::take(&mut file.scheme);
    let fields_at = file.fields.values().next().map_or(span, Spanned::span);
    let layout = layout::read(file)?;
    let mut schemes: Vec<Scheme> = Vec::new();
    for table in tables {
        let span = table.span();
        let scheme = read_scheme(table.into_inner(), &span)?;
        // `sign_type` could not tell two of one algorithm apart, and the signature is looked up
        // before the scheme is known.
        if schemes.iter().any(|other| other.algorithm == scheme.algorithm) {
            return wrong(&span, format!("a second scheme with {}", scheme.algorithm.id()));
        }
        if schemes.first().is_some_and(|first| first.sign_field != scheme.sign_field) {
            return wrong(&span, "all schemes of a dialect have one sign_field");
        }
        schemes.push(scheme);
    }
    if schemes.is_empty() {
        return wrong(&(text.len()..text.len()), "a [[scheme]] table is missing");
    }
    let sign_field = &schemes[0].sign_field;
    let constants = layout.constants.iter().map(|(name, _)| name);
    if layout.fields.iter().chain(constants).any(|name| name == sign_field) {
        return wrong(
            &fields_at,
            format!("{:?} carries the signature and nothing else", Untrusted::new(sign_field)),
        );
    }
    Ok(Dialect {
        id: id.into(),
        title: title.into(),
        schemes: schemes.into(),
        success_reply: success_reply.into(),
        layout,
    })
}

fn bounded(value: Option<Spanned<String>>, default: &str, most: usize) -> SpannedResult<String> {
    match value {
        None => Ok(default.to_owned()),
        Some(value) if value.get_ref().len() > most => {
            wrong(&value.span(), format!("it is longer than {most} bytes"))
        }
        Some(value) => Ok(value.into_inner()),
    }
}

fn read_scheme(table: FileScheme, span: &Range<usize>) -> SpannedResult<Scheme> {
    let Some(algorithm) = table.algorithm else {
        return wrong(span, "the scheme's setting algorithm is missing");
    };
    let algorithm = one_of(&algorithm, Algorithm::ALL, Algorithm::id)?;
    let mut composition = Composition {
        order: given(table.order, Order::Name, Order::ALL, Order::name)?,
        pairs: given(table.pairs, Pairs::NameValue, Pairs::ALL, Pairs::name)?,
        values: given(table.values, ValueText::Plain, ValueText::ALL, ValueText::name)?,
        ..Composition::PLAIN
    };
    let digest = given(table.digest, "lower", ["lower", "upper", BASE64], |name| name)?;
    composition.is_base64 = digest == BASE64;
    let digest_case = if digest == "upper" { DigestCase::Upper } else { DigestCase::Lower };
    let empties = given(table.empties, "drop", ["drop", "keep", DROP_ZEROS], |name| name)?;
    composition.drops_zeros = empties == DROP_ZEROS;
    let empties = if empties == "keep" { Empties::Keep } else { Empties::Drop };
    let nulls = match table.nulls {
        None if empties == Empties::Keep => Nulls::Keep,
        None => Nulls::Drop,
        Some(name) => one_of(&name, [Nulls::Drop, Nulls::Keep, Nulls::Text], Nulls::name)?,
    };
    let name_span = table.sign_field.as_ref().map_or(0..0, Spanned::span);
    let sign_field = bounded(table.sign_field, "sign", MAX_TEXT)?;
    if sign_field.is_empty() || sign_field == "sign_type" {
        return wrong(&name_span, "sign_field names the field that carries the signature");
    }
    let left_out = match table.not_signed {
        None => vec![sign_field.clone(), "sign_type".to_owned()],
        Some(names) if !read_names(&names)?.contains(&sign_field) => {
            let problem = format!(
                "{:?} must be among them: a signature cannot sign itself",
                Untrusted::new(&sign_field)
            );
            return wrong(&names.span(), problem);
        }
        Some(names) => names.into_inner(),
    };
    let signed = match table.signed {
        None => None,
        Some(names) if read_names(&names)?.iter().any(|name| left_out.contains(name)) => {
            return wrong(&names.span(), "a field is both in signed and in not_signed");
        }
        Some(names) if names.get_ref().is_empty() => {
            return wrong(&names.span(), "without a signed field anyone could change all of them");
        }
        Some(names) => Some(names.into_inner().into_iter().map(Cow::Owned).collect()),
    };
    let mut suffix = Suffix::Nothing;
    match table.string {
        None => suffix = read_after(table.after, algorithm, span)?,
        Some(string) => {
            composition.string = string::read(&string, algorithm, &sign_field)?.into();
            if let Some(after) = table.after {
                return wrong(&after.span(), "string is the whole string: leave out after");
            }
        }
    }
    Ok(Scheme {
        algorithm,
        suffix,
        separator: bounded(table.separator, "&", MAX_SEPARATOR)?.into(),
        digest_case,
        empties,
        nulls,
        signed,
        left_out: left_out.into_iter().map(Cow::Owned).collect(),
        sign_field: sign_field.into(),
        composition,
    })
}

/// The setting's value, or else the default.
fn given<T: Copy, const N: usize>(
    setting: Option<Spanned<String>>,
    default: T,
    known: [T; N],
    name: fn(T) -> &'static str,
) -> SpannedResult<T> {
    setting.map_or(Ok(default), |text| one_of(&text, known, name))
}

fn one_of<T: Copy, const N: usize>(
    given: &Spanned<String>,
    known: [T; N],
    name: fn(T) -> &'static str,
) -> SpannedResult<T> {
    let text = given.get_ref();
    if let Some(found) = known.into_iter().find(|known| name(*known) == text) {
        return Ok(found);
    }
    wrong(&given.span(), unknown(text, known.map(name)))
}

fn read_names(names: &Spanned<Vec<String>>) -> SpannedResult<&[String]> {
    let list = names.get_ref();
    if list.len() > MAX_NAMES || list.iter().any(|name| name.len() > MAX_TEXT) {
        let most = format!("at most {MAX_NAMES} names of {MAX_TEXT} bytes can be listed");
        return wrong(&names.span(), most);
    }
    Ok(list)
}

/// The suffix in the notation of the protocol's section 6.
fn read_after(
    after: Option<Spanned<String>>,
    algorithm: Algorithm,
    scheme: &Range<usize>,
) -> SpannedResult<Suffix> {
    let keyed = algorithm.is_keyed();
    let span = after.as_ref().map_or_else(|| scheme.clone(), Spanned::span);
    let text = bounded(after, if keyed { "" } else { "&KEY" }, MAX_TEXT)?;
    let suffix = if let Some(before) = text.strip_suffix("md5(KEY)") {
        Suffix::Md5OfKey(Cow::Owned(before.to_owned()))
    } else if let Some(before) = text.strip_suffix("KEY") {
        Suffix::Key(Cow::Owned(before.to_owned()))
    } else if !text.is_empty() {
        return wrong(&span, "it must end with KEY or md5(KEY), or be empty");
    } else if keyed {
        Suffix::Nothing
    } else {
        return wrong(&span, "without KEY anyone could sign; only an HMAC does without");
    };
    match &suffix {
        Suffix::Key(before) | Suffix::Md5OfKey(before) if before.contains("KEY") => {
            wrong(&span, "KEY must be there once, at the end")
        }
        _ => Ok(suffix),
    }
}

fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

fn list(names: &[Cow<'_, str>]) -> String {
    let names: Vec<String> = names.iter().map(|name| quoted(name)).collect();
    format!("[{}]", names.join(", "))
}

/// A dialect as a file that [`parse`] reads back, to be saved and edited.
#[must_use]
pub fn write(dialect: &Dialect) -> String {
    let mut out = format!(
        "id = {}\ntitle = {}\n# What the merchant answers when all is well.\nsuccess_reply = {}\n",
        quoted(&dialect.id),
        quoted(&dialect.title),
        quoted(&dialect.success_reply),
    );
    layout::write(&dialect.layout, &mut out);
    for (index, scheme) in dialect.schemes.iter().enumerate() {
        let note = match index {
            0 => "# The scheme without a sign_type.\n",
            _ => "# The scheme that sign_type selects.\n",
        };
        let signed = match &scheme.signed {
            Some(names) => format!("signed = {}\n", list(names)),
            None => String::new(),
        };
        // Writing to a string cannot fail.
        let _ = write!(
            out,
            "\n{note}[[scheme]]\nalgorithm = {}\n{}separator = {}\n{}digest = {}\nempties = \
             {}\nnulls = {}\n{signed}not_signed = {}\nsign_field = {}\n",
            quoted(scheme.algorithm.id()),
            key_setting(scheme),
            quoted(&scheme.separator),
            pair_settings(&scheme.composition),
            quoted(scheme.digest_name()),
            quoted(scheme.empties_name()),
            quoted(scheme.nulls.name()),
            list(&scheme.left_out),
            quoted(&scheme.sign_field),
        );
    }
    out
}

fn key_setting(scheme: &Scheme) -> String {
    if scheme.composition.string.is_empty() {
        return format!(
            "# What follows the canonical string; KEY is the key.\nafter = {}\n",
            quoted(&scheme.suffix.notation())
        );
    }
    format!(
        "# The whole string to sign: {{name}} is the value of a field, {{*}} the pairs, KEY the \
         key.\nstring = {}\n",
        quoted(&scheme.composition.notation())
    )
}

/// The settings about pairs that differ from what the platforms of this family do.
fn pair_settings(composition: &Composition) -> String {
    let plain = Composition::PLAIN;
    let Composition { order, pairs, values, .. } = composition;
    [
        ("order", order.name(), plain.order.name()),
        ("pairs", pairs.name(), plain.pairs.name()),
        ("values", values.name(), plain.values.name()),
    ]
    .into_iter()
    .filter(|(_, value, plain)| value != plain)
    .map(|(setting, value, _)| format!("{setting} = {}\n", quoted(value)))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::DIALECTS;

    #[test]
    fn every_built_in_dialect_survives_the_round_trip() {
        for dialect in &DIALECTS {
            let text = write(dialect);
            assert_eq!(parse(&text).as_ref(), Ok(dialect), "{text}");
        }
    }

    #[test]
    fn what_is_not_said_is_as_on_this_platform() {
        let text = "id=\"x\"\n[[scheme]]\nalgorithm=\"md5\"\n[[scheme]]\nalgorithm=\"hmac-sha256\"";
        let dialect = parse(text).unwrap();
        let platform = Dialect::platform();
        assert_eq!(dialect.schemes, platform.schemes);
        assert_eq!(dialect.success_reply, platform.success_reply);
        assert_eq!(dialect.title, "x");
    }

    #[test]
    fn a_sign_field_of_its_own_is_left_out_unless_told() {
        let text = "id=\"x\"\n[[scheme]]\nalgorithm=\"sha256\"\nsign_field=\"mac\"";
        let dialect = parse(text).unwrap();
        assert_eq!(*dialect.first().left_out, ["mac", "sign_type"]);
    }

    #[test]
    fn every_suffix_is_read_and_written_alike() {
        for after in ["&KEY", "KEY", "&key=KEY", "&token=KEY", "&md5(KEY)", "md5(KEY)"] {
            let text = format!("id='x'\n[[scheme]]\nalgorithm='md5'\nafter='{after}'");
            assert_eq!(parse(&text).unwrap().first().suffix.notation(), after);
        }
        let text = "id='x'\n[[scheme]]\nalgorithm='hmac-sha256'\nafter=''";
        assert_eq!(parse(text).unwrap().first().suffix, Suffix::Nothing);
    }

    /// The problem and its place where a line is put into a good file.
    fn refused(top: &str, scheme: &str) -> String {
        let text = format!("id = 'x'\n{top}\n[[scheme]]\nalgorithm = 'md5'\n{scheme}\n");
        parse(&text).expect_err(&text).to_string()
    }

    #[test]
    fn unknown_settings_and_values_name_the_nearest_and_the_place() {
        for (top, scheme, wanted) in [
            (
                "titel = 'x'",
                "",
                "line 2, column 1: there is no setting \"titel\"; did you mean title?",
            ),
            (
                "",
                "  sepparator = '&'",
                "line 5, column 3: there is no setting \"sepparator\"; did you mean separator?",
            ),
            ("zzz = 1", "", "line 2, column 1: there is no setting \"zzz\""),
            (
                "digest = 'lower'",
                "",
                "line 2, column 1: the setting digest must be inside a [[scheme]] table",
            ),
            (
                "",
                "title = 'x'",
                "line 5, column 1: the setting title must be above the first [[scheme]] table",
            ),
            (
                "",
                "digest = 'Lower'",
                "line 5, column 10: \"Lower\" is unknown; did you mean \"lower\"?",
            ),
            (
                "",
                "empties = 'no'",
                "line 5, column 11: \"no\" is unknown; expected drop or keep or drop-zeros",
            ),
        ] {
            assert_eq!(refused(top, scheme), wanted);
        }
    }

    #[test]
    fn what_nobody_could_verify_by_is_refused() {
        for (top, scheme, wanted) in [
            ("", "after = ''", "anyone could sign"),
            ("", "after = '&secret'", "must end with KEY"),
            ("", "after = 'KEYKEY'", "KEY must be there once"),
            ("", "not_signed = ['sign_type']", "cannot sign itself"),
            ("", "sign_field = ''", "carries the signature"),
            ("", "separator = '&&&&&&&&&&&&&&&&&'", "longer than 16 bytes"),
            ("", "[[scheme]]\nalgorithm = 'md5'", "a second scheme with md5"),
            ("", "[[scheme]]\nalgorithm = 'md5'\nafter = 'KEY'", "a second scheme with md5"),
            ("", "[[scheme]]\nalgorithm = 'sha256'\nsign_field = 'x'", "one sign_field"),
            ("", "[[scheme]]", "line 5, column 1: the scheme's setting algorithm is missing"),
            ("", "digest = 5", "line 5, column 10: invalid type"),
            ("id = 'y'", "", "line 2, column 1: duplicate key"),
            ("title = ", "", "line 2"),
        ] {
            let found = refused(top, scheme);
            assert!(found.contains(wanted), "{found}");
        }
        assert!(parse("").unwrap_err().problem.contains("id is missing"));
        assert!(parse("id = 'x'").unwrap_err().problem.contains("[[scheme]]"));
        assert!(parse("id = 'a b'").unwrap_err().problem.contains("an id has"));
        assert!(parse(&"#".repeat(MAX_FILE_BYTES + 1)).is_err());
        assert!(parse(&format!("id = {}", "[".repeat(60_000))).is_err());
    }

    #[test]
    fn each_limit_is_the_longest_that_is_read() {
        let names = |count: usize| {
            let name = |index| format!("'n{index}'");
            let names: Vec<String> = (1..count).map(name).collect();
            format!("not_signed = ['sign', {}]", names.join(", "))
        };
        let text = |id: usize, top: &str, scheme: &str| {
            format!("id = '{}'\n{top}\n[[scheme]]\nalgorithm = 'md5'\n{scheme}\n", "x".repeat(id))
        };
        let of = |setting: &str, length: usize| format!("{setting} = '{}'", "x".repeat(length));
        let after = |length: usize| format!("after = '{}KEY'", "x".repeat(length - 3));
        let left_out = |length: usize| format!("not_signed = ['sign', '{}']", "x".repeat(length));
        for (longest, longer) in [
            (text(64, "", ""), text(65, "", "")),
            (text(1, "", ""), text(0, "", "")),
            (text(1, &of("title", 256), ""), text(1, &of("title", 257), "")),
            (text(1, &of("success_reply", 4096), ""), text(1, &of("success_reply", 4097), "")),
            (text(1, "", &of("separator", 16)), text(1, "", &of("separator", 17))),
            (text(1, "", &of("sign_field", 256)), text(1, "", &of("sign_field", 257))),
            (text(1, "", &after(256)), text(1, "", &after(257))),
            (text(1, "", &left_out(256)), text(1, "", &left_out(257))),
            (text(1, "", &names(64)), text(1, "", &names(65))),
        ] {
            assert!(parse(&longest).is_ok(), "{longest}");
            assert!(parse(&longer).is_err(), "{longer}");
        }
        let short = text(1, "", "");
        let filled = |length: usize| format!("{short}#{}", "x".repeat(length - short.len() - 1));
        assert!(parse(&filled(MAX_FILE_BYTES)).is_ok());
        let problem = parse(&filled(MAX_FILE_BYTES + 1)).unwrap_err().problem;
        assert!(problem.contains("longer than"), "{problem}");
    }

    #[test]
    fn a_signature_needs_the_key_once_and_a_field_of_its_own() {
        let with = |algorithm: &str, scheme: &str| {
            parse(&format!("id = 'x'\n[[scheme]]\nalgorithm = '{algorithm}'\n{scheme}"))
        };
        for (algorithm, scheme, is_right) in [
            ("md5", "sign_field = 'sign_type'", false),
            ("md5", "sign_field = 'Sign_type'", true),
            ("md5", "after = 'KEY&md5(KEY)'", false),
            ("md5", "after = 'KEY&KEY'", false),
            ("md5", "after = 'KEY '", false),
            ("md5", "after = 'key'", false),
            ("md5", "after = ''", false),
            ("sha256", "after = ''", false),
            ("hmac-sha256", "after = ''", true),
            ("hmac-sha256", "after = '&key=KEY'", true),
        ] {
            assert_eq!(with(algorithm, scheme).is_ok(), is_right, "{algorithm} {scheme}");
        }
        for (algorithm, suffix) in [
            ("md5", Suffix::Key("&".into())),
            ("sha256", Suffix::Key("&".into())),
            ("hmac-sha256", Suffix::Nothing),
        ] {
            assert_eq!(with(algorithm, "").unwrap().first().suffix, suffix, "{algorithm}");
        }
    }

    #[test]
    fn ids_are_plain_and_columns_count_characters() {
        for (id, is_right) in
            [("aZ0-_.", true), ("a/b", false), ("a b", false), ("é", false), ("..", true)]
        {
            let text = format!("id = '{id}'\n[[scheme]]\nalgorithm = 'md5'");
            assert_eq!(parse(&text).is_ok(), is_right, "{id}");
        }
        let text = "id = 'x'\nscheme = [{ algorithm = 'md5', separator = '王', digest = 'no' }]";
        let error = parse(text).unwrap_err();
        assert_eq!((error.line, error.column), (2, 58), "{error}");
    }
}
