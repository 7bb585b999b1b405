//! A signature scheme as data: what is signed, in which form, and with which digest.
//!
//! Source: the protocol's sections 2 and 6.

use crate::untrusted::Untrusted;
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use super::form::percent_encode;

/// The digest over the canonical string.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// MD5, 32 hexadecimal digits.
    Md5,
    /// HMAC-SHA256 with the key, 64 hexadecimal digits.
    HmacSha256,
    /// SHA-256, 64 hexadecimal digits.
    Sha256,
    /// SHA-1, 40 hexadecimal digits.
    Sha1,
    /// SHA-384, 96 hexadecimal digits.
    Sha384,
    /// SHA-512, 128 hexadecimal digits.
    Sha512,
    /// HMAC-MD5 with the key, 32 hexadecimal digits.
    HmacMd5,
    /// HMAC-SHA1 with the key, 40 hexadecimal digits.
    HmacSha1,
    /// HMAC-SHA384 with the key, 96 hexadecimal digits.
    HmacSha384,
    /// HMAC-SHA512 with the key, 128 hexadecimal digits.
    HmacSha512,
}

impl Algorithm {
    /// All of them; the platforms of this family use the first three.
    pub const ALL: [Algorithm; 10] = [
        Algorithm::Md5,
        Algorithm::HmacSha256,
        Algorithm::Sha256,
        Algorithm::Sha1,
        Algorithm::Sha384,
        Algorithm::Sha512,
        Algorithm::HmacMd5,
        Algorithm::HmacSha1,
        Algorithm::HmacSha384,
        Algorithm::HmacSha512,
    ];

    /// The name as `sign_type` carries it, the name in dialect files, and the digest's length in
    /// hexadecimal digits.
    const fn row(self) -> (&'static str, &'static str, usize) {
        match self {
            Algorithm::Md5 => ("MD5", "md5", 32),
            Algorithm::HmacSha256 => ("HMAC-SHA256", "hmac-sha256", 64),
            Algorithm::Sha256 => ("SHA256", "sha256", 64),
            Algorithm::Sha1 => ("SHA1", "sha1", 40),
            Algorithm::Sha384 => ("SHA384", "sha384", 96),
            Algorithm::Sha512 => ("SHA512", "sha512", 128),
            Algorithm::HmacMd5 => ("HMAC-MD5", "hmac-md5", 32),
            Algorithm::HmacSha1 => ("HMAC-SHA1", "hmac-sha1", 40),
            Algorithm::HmacSha384 => ("HMAC-SHA384", "hmac-sha384", 96),
            Algorithm::HmacSha512 => ("HMAC-SHA512", "hmac-sha512", 128),
        }
    }

    /// Whether the key is the HMAC's, so that the signed text can do without it.
    #[must_use]
    pub const fn is_keyed(self) -> bool {
        use Algorithm::{HmacMd5, HmacSha1, HmacSha256, HmacSha384, HmacSha512};
        matches!(self, HmacMd5 | HmacSha1 | HmacSha256 | HmacSha384 | HmacSha512)
    }

    /// The name as `sign_type` carries it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.row().0
    }

    /// The name in tables and dialect files.
    #[must_use]
    pub const fn id(self) -> &'static str {
        self.row().1
    }

    /// How many hexadecimal digits its digest has.
    #[must_use]
    pub const fn digits(self) -> usize {
        self.row().2
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A `sign_type` that the dialect does not know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the sign_type {:?} is unknown here", Untrusted::new(.0))]
pub struct UnknownSignType(pub String);

impl FromStr for Algorithm {
    type Err = UnknownSignType;

    fn from_str(text: &str) -> Result<Self, UnknownSignType> {
        Algorithm::ALL
            .into_iter()
            .find(|known| known.name().eq_ignore_ascii_case(text))
            .ok_or_else(|| UnknownSignType(text.to_owned()))
    }
}

/// What follows the canonical string before the digest is taken.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Suffix {
    /// Nothing: the key is used elsewhere (HMAC).
    Nothing,
    /// A text such as `&` or `&key=`, then the key.
    Key(Cow<'static, str>),
    /// A text, then the lower-case MD5 of the key.
    Md5OfKey(Cow<'static, str>),
}

impl Suffix {
    /// The suffix in the notation of the protocol's section 6, such as `&KEY` or `&md5(KEY)`.
    #[must_use]
    pub fn notation(&self) -> String {
        match self {
            Suffix::Nothing => String::new(),
            Suffix::Key(before) => format!("{before}KEY"),
            Suffix::Md5OfKey(before) => format!("{before}md5(KEY)"),
        }
    }
}

/// How the digest's hexadecimal digits are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DigestCase {
    /// `a` to `f`.
    Lower,
    /// `A` to `F`.
    Upper,
}

impl DigestCase {
    /// The name in tables and dialect files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            DigestCase::Lower => "lower",
            DigestCase::Upper => "upper",
        }
    }
}

/// Whether members with an empty value are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Empties {
    /// They are left out.
    Drop,
    /// They are signed as `name=`.
    Keep,
}

impl Empties {
    /// The name in tables and dialect files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Empties::Drop => "drop",
            Empties::Keep => "keep",
        }
    }
}

/// Whether members that are `null` are signed, apart from empty texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Nulls {
    /// They are left out.
    Drop,
    /// They are signed as `name=`.
    Keep,
    /// They are signed as `name=null`.
    Text,
}

impl Nulls {
    /// The name in tables and dialect files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Nulls::Drop => "drop",
            Nulls::Keep => "keep",
            Nulls::Text => "text",
        }
    }
}

/// The name in dialect files of the rule that drops zeros too.
pub(super) const DROP_ZEROS: &str = "drop-zeros";
/// The name in dialect files of the digest that is not written in hexadecimal digits.
pub(super) const BASE64: &str = "base64";

/// The order of the signed members.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// By name, in ascending byte order.
    Name,
    /// As they were received.
    Received,
}

impl Order {
    /// All of them.
    pub const ALL: [Order; 2] = [Order::Name, Order::Received];

    /// The name in tables and dialect files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Order::Name => "name",
            Order::Received => "received",
        }
    }
}

/// How a member is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pairs {
    /// `name=value`.
    NameValue,
    /// Its value alone.
    Value,
    /// `namevalue`.
    Joined,
}

impl Pairs {
    /// All of them.
    pub const ALL: [Pairs; 3] = [Pairs::NameValue, Pairs::Value, Pairs::Joined];

    /// The name in tables and dialect files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Pairs::NameValue => "name=value",
            Pairs::Value => "value",
            Pairs::Joined => "namevalue",
        }
    }
}

/// How the text of a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ValueText {
    /// As it is.
    Plain,
    /// Encoded as in a form: a space is `+`.
    Form,
    /// Percent-encoded: a space is `%20`.
    Percent,
}

impl ValueText {
    /// All of them.
    pub const ALL: [ValueText; 3] = [ValueText::Plain, ValueText::Form, ValueText::Percent];

    /// The name in tables and dialect files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            ValueText::Plain => "plain",
            ValueText::Form => "form",
            ValueText::Percent => "percent",
        }
    }

    /// A value's text as it is signed.
    pub(super) fn encode(self, text: &str) -> Cow<'_, str> {
        Cow::Owned(match self {
            ValueText::Plain => return Cow::Borrowed(text),
            ValueText::Form => percent_encode(text.as_bytes(), b"-_.", "+"),
            ValueText::Percent => percent_encode(text.as_bytes(), b"-_.~", "%20"),
        })
    }
}

/// A part of a string that is not only pairs with the key behind them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// Text as it is.
    Text(Cow<'static, str>),
    /// The value of the member of this name; nothing where it is absent.
    Field(Cow<'static, str>),
    /// The pairs: `{*}`.
    Pairs,
    /// The key.
    Key(KeyText),
}

/// How a key is written in a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyText {
    /// As it is: `KEY`.
    Plain,
    /// Its MD5 in lower case: `md5(KEY)`.
    Md5,
    /// Its MD5 in upper case: `MD5(KEY)`.
    UpperMd5,
}

impl KeyText {
    /// All of them, the longer notations first.
    pub const ALL: [KeyText; 3] = [KeyText::Md5, KeyText::UpperMd5, KeyText::Plain];

    /// The notation in dialect files.
    #[must_use]
    pub const fn notation(self) -> &'static str {
        match self {
            KeyText::Plain => "KEY",
            KeyText::Md5 => "md5(KEY)",
            KeyText::UpperMd5 => "MD5(KEY)",
        }
    }
}

/// How the signed string is composed, apart from separator and suffix.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Composition {
    /// The whole string with the key in it; where it is empty, the pairs and the suffix.
    pub string: Cow<'static, [Part]>,
    /// The order of the pairs.
    pub order: Order,
    /// How a pair is written.
    pub pairs: Pairs,
    /// How the values are written.
    pub values: ValueText,
    /// Whether the values `0`, `"0"` and `false` are left out as empty ones are.
    pub drops_zeros: bool,
    /// Whether the digest is written in base64.
    pub is_base64: bool,
}

impl Composition {
    /// Sorted `name=value` pairs, and a digest in hexadecimal digits.
    pub const PLAIN: Composition = Composition {
        string: Cow::Borrowed(&[]),
        order: Order::Name,
        pairs: Pairs::NameValue,
        values: ValueText::Plain,
        drops_zeros: false,
        is_base64: false,
    };

    /// The string in the notation of dialect files, such as `{amount}:KEY`.
    #[must_use]
    pub fn notation(&self) -> String {
        let write = |part: &Part| match part {
            Part::Text(text) => text.to_string(),
            Part::Field(name) => format!("{{{name}}}"),
            Part::Pairs => "{*}".to_owned(),
            Part::Key(text) => text.notation().to_owned(),
        };
        self.string.iter().map(write).collect()
    }
}

/// A signature scheme.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Scheme {
    /// The digest.
    pub algorithm: Algorithm,
    /// What follows the canonical string.
    pub suffix: Suffix,
    /// What is between two pairs.
    pub separator: Cow<'static, str>,
    /// How the digest is written.
    pub digest_case: DigestCase,
    /// Whether empty members are signed.
    pub empties: Empties,
    /// Whether members that are `null` are signed.
    pub nulls: Nulls,
    /// The members that are signed, where they are a fixed list; `None` where all are.
    pub signed: Option<Cow<'static, [Cow<'static, str>]>>,
    /// The members that are never signed.
    pub left_out: Cow<'static, [Cow<'static, str>]>,
    /// The member that carries the signature.
    pub sign_field: Cow<'static, str>,
    /// How the string is composed, where it is not sorted `name=value` pairs and the suffix.
    pub composition: Composition,
}

impl Scheme {
    /// Whether a member of this name is signed.
    #[must_use]
    pub fn signs(&self, name: &str) -> bool {
        if self.signs_pairs() { self.signs_pair(name) } else { self.signs_alone(name) }
    }

    /// Whether a member of this name is among the pairs.
    #[inline]
    pub(super) fn signs_pair(&self, name: &str) -> bool {
        let is_it = |known: &Cow<'_, str>| *known == name;
        self.signed.as_ref().is_none_or(|names| names.iter().any(is_it))
            && !self.left_out.iter().any(is_it)
    }

    /// Whether a member of this name is signed as a single field.
    pub(super) fn signs_alone(&self, name: &str) -> bool {
        let is_it = |part: &Part| matches!(part, Part::Field(field) if field == name);
        self.composition.string.iter().any(is_it)
    }

    /// Whether the string has the pairs in it, not only single fields.
    #[must_use]
    pub fn signs_pairs(&self) -> bool {
        let string = &self.composition.string;
        string.is_empty() || string.contains(&Part::Pairs)
    }

    /// Whether two values can be next to each other with nothing between them.
    #[must_use]
    pub fn runs_together(&self) -> bool {
        let string = &self.composition.string;
        let is_field = |part: &Part| matches!(part, Part::Field(_) | Part::Pairs);
        (self.signs_pairs() && self.separator.is_empty())
            || string.windows(2).any(|parts| parts.iter().all(is_field))
    }

    /// What is shown after the canonical string, the key masked.
    #[must_use]
    pub fn masked_suffix(&self) -> String {
        match &self.suffix {
            Suffix::Nothing => String::new(),
            Suffix::Key(before) => format!("{before}[key]"),
            Suffix::Md5OfKey(before) => format!("{before}md5([key])"),
        }
    }

    /// How the digest is written, as dialect files name it.
    #[must_use]
    pub const fn digest_name(&self) -> &'static str {
        if self.composition.is_base64 { BASE64 } else { self.digest_case.name() }
    }

    /// How the digest is written, in words.
    #[must_use]
    pub fn digest_words(&self) -> String {
        if self.composition.is_base64 {
            return BASE64.to_owned();
        }
        format!("{} case", self.digest_case.name())
    }

    /// Which values are left out as empty, as dialect files name it.
    #[must_use]
    pub const fn empties_name(&self) -> &'static str {
        if self.composition.drops_zeros { DROP_ZEROS } else { self.empties.name() }
    }

    /// The first setting that the platforms of this family do not have: what reproduces their
    /// rule in another language does not know it.
    #[must_use]
    pub fn foreign_setting(&self) -> Option<String> {
        use Algorithm::{HmacSha256, Md5, Sha256};
        let plain = Composition::PLAIN;
        let composition = &self.composition;
        let settings = [
            (
                !matches!(self.algorithm, Md5 | Sha256 | HmacSha256),
                "algorithm",
                self.algorithm.id(),
            ),
            (!composition.string.is_empty(), "string", "…"),
            (composition.order != plain.order, "order", composition.order.name()),
            (composition.pairs != plain.pairs, "pairs", composition.pairs.name()),
            (composition.values != plain.values, "values", composition.values.name()),
            (composition.drops_zeros, "empties", DROP_ZEROS),
            (composition.is_base64, "digest", BASE64),
        ];
        let found = settings.into_iter().find(|(is_foreign, ..)| *is_foreign);
        found.map(|(_, setting, value)| format!("{setting} = \"{value}\""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::Dialect;

    #[test]
    fn each_part_of_a_scheme_has_its_names() {
        for (algorithm, (name, id, digits)) in Algorithm::ALL.into_iter().zip([
            ("MD5", "md5", 32),
            ("HMAC-SHA256", "hmac-sha256", 64),
            ("SHA256", "sha256", 64),
            ("SHA1", "sha1", 40),
            ("SHA384", "sha384", 96),
            ("SHA512", "sha512", 128),
            ("HMAC-MD5", "hmac-md5", 32),
            ("HMAC-SHA1", "hmac-sha1", 40),
            ("HMAC-SHA384", "hmac-sha384", 96),
            ("HMAC-SHA512", "hmac-sha512", 128),
        ]) {
            let found = (algorithm.name(), algorithm.id(), algorithm.digits());
            assert_eq!(found, (name, id, digits));
            assert_eq!(algorithm.is_keyed(), name.starts_with("HMAC"));
            assert_eq!(algorithm.to_string(), name);
            assert_eq!(name.to_lowercase().parse(), Ok(algorithm));
        }
        assert_eq!("md4".parse::<Algorithm>(), Err(UnknownSignType("md4".to_owned())));
        assert_eq!(
            [DigestCase::Lower, DigestCase::Upper].map(DigestCase::name),
            ["lower", "upper"]
        );
        assert_eq!([Empties::Drop, Empties::Keep].map(Empties::name), ["drop", "keep"]);
    }

    #[test]
    fn a_suffix_is_written_with_the_key_named_or_masked() {
        for (suffix, notation, masked) in [
            (Suffix::Nothing, "", ""),
            (Suffix::Key("&k=".into()), "&k=KEY", "&k=[key]"),
            (Suffix::Md5OfKey("&".into()), "&md5(KEY)", "&md5([key])"),
        ] {
            assert_eq!(suffix.notation(), notation);
            let scheme = Scheme { suffix, ..Dialect::platform().first().clone() };
            assert_eq!(scheme.masked_suffix(), masked);
        }
    }
}
