//! A signature scheme as data: what is signed, in which form, and with which digest.
//!
//! Source: the protocol's sections 2 and 6.

use crate::untrusted::Untrusted;
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

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
}

impl Algorithm {
    /// The name as `sign_type` carries it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Algorithm::Md5 => "MD5",
            Algorithm::HmacSha256 => "HMAC-SHA256",
            Algorithm::Sha256 => "SHA256",
        }
    }

    /// The name in tables and dialect files.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Algorithm::Md5 => "md5",
            Algorithm::HmacSha256 => "hmac-sha256",
            Algorithm::Sha256 => "sha256",
        }
    }

    /// How many hexadecimal digits its digest has.
    #[must_use]
    pub const fn digits(self) -> usize {
        match self {
            Algorithm::Md5 => 32,
            Algorithm::HmacSha256 | Algorithm::Sha256 => 64,
        }
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
        [Algorithm::Md5, Algorithm::HmacSha256, Algorithm::Sha256]
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

/// A signature scheme.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Scheme {
    /// The digest.
    pub algorithm: Algorithm,
    /// What follows the canonical string.
    pub suffix: Suffix,
    /// What stands between two pairs.
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
}

impl Scheme {
    /// Whether a member of this name is signed.
    #[must_use]
    pub fn signs(&self, name: &str) -> bool {
        self.signed.as_ref().is_none_or(|names| names.iter().any(|known| known == name))
            && !self.left_out.iter().any(|known| known == name)
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::Dialect;

    #[test]
    fn each_part_of_a_scheme_has_its_names() {
        use Algorithm::{HmacSha256, Md5, Sha256};
        for (algorithm, name, id, digits) in [
            (Md5, "MD5", "md5", 32),
            (HmacSha256, "HMAC-SHA256", "hmac-sha256", 64),
            (Sha256, "SHA256", "sha256", 64),
        ] {
            let found = (algorithm.name(), algorithm.id(), algorithm.digits());
            assert_eq!(found, (name, id, digits));
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
