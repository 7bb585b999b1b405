//! What came from outside the process. It can hold a key by mistake, so it is shown without the keys
//! that the process knows; the words of the program around it stay as they are.

use std::borrow::Cow;
use std::fmt::{self, Debug, Display};
use std::path::{self, Path};
use std::sync::OnceLock;

/// A text without the keys in it.
pub type Redactor = fn(&str) -> Cow<'_, str>;

static REDACTOR: OnceLock<Redactor> = OnceLock::new();

/// Sets what every [`Untrusted`] value is shown by; only the first one counts.
pub fn redact_with(redactor: Redactor) {
    // A second call names the same one: there is one program in a process.
    let _ = REDACTOR.set(redactor);
}

/// A value from outside: printing, quoting and serializing it leave the keys out.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Untrusted<T>(T);

/// The message of a parser, which quotes what it read until it says what it expected.
pub fn quoting(message: &str) -> String {
    let end = message.rfind(", expected").unwrap_or(message.len());
    let start = match message.starts_with("missing field") {
        true => end,
        false => message[..end].find(['`', '"']).unwrap_or(end),
    };
    format!("{}{}{}", &message[..start], Untrusted::new(&message[start..end]), &message[end..])
}

impl<T> Untrusted<T> {
    /// Takes a value that was received, read or typed.
    pub const fn new(value: T) -> Self {
        Untrusted(value)
    }

    /// The value as it came: to work with, not to show.
    pub const fn raw(&self) -> &T {
        &self.0
    }
}

impl<'a> Untrusted<Cow<'a, str>> {
    /// Bytes as text; what is not UTF-8 is replaced.
    pub fn lossy(bytes: &'a [u8]) -> Self {
        Untrusted(String::from_utf8_lossy(bytes))
    }
}

impl<'a> Untrusted<path::Display<'a>> {
    /// A path as it is shown.
    pub fn path(path: &'a (impl AsRef<Path> + ?Sized)) -> Self {
        Untrusted(path.as_ref().display())
    }
}

impl<T> From<T> for Untrusted<T> {
    fn from(value: T) -> Self {
        Untrusted(value)
    }
}

impl From<&str> for Untrusted<String> {
    fn from(text: &str) -> Self {
        Untrusted(text.to_owned())
    }
}

impl<T: Display> Untrusted<T> {
    /// The text as it is shown.
    pub fn redacted(&self) -> String {
        let text = self.0.to_string();
        match REDACTOR.get().map(|redact| redact(&text)) {
            Some(Cow::Owned(redacted)) => redacted,
            Some(Cow::Borrowed(_)) | None => text,
        }
    }
}

impl<T: Display> Display for Untrusted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.redacted())
    }
}

/// In quotation marks, with escapes.
impl<T: Display> Debug for Untrusted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Debug::fmt(&self.redacted(), f)
    }
}

#[cfg(feature = "dialect-files")]
impl<T: Display> serde::Serialize for Untrusted<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.redacted())
    }
}

/// All tests have the same redactor, as a process has one.
#[cfg(test)]
pub(crate) fn redact_in_tests() {
    redact_with(|text| Cow::Owned(text.replace("wörd", "[key]")));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_part_from_outside_is_redacted() {
        redact_in_tests();
        let value = Untrusted::new("a wörd");
        assert_eq!(format!("wörd: {value:>8}, {value:?}"), "wörd:  a [key], \"a [key]\"");
        assert_eq!(*value.raw(), "a wörd");
    }
    #[test]
    fn a_parser_quotes_up_to_what_it_expected() {
        redact_in_tests();
        for (message, shown) in [
            ("unknown field `wörd`, expected `wörd`", "unknown field `[key]`, expected `wörd`"),
            (
                "invalid type: string \"a wörd\", expected u8",
                "invalid type: string \"a [key]\", expected u8",
            ),
            ("missing field `wörd`", "missing field `wörd`"),
            ("wörd", "wörd"),
        ] {
            assert_eq!(quoting(message), shown);
        }
    }
}
