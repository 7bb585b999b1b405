//! The platform key: never shown, wiped from memory.

use std::fmt;

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// The key that signs and verifies; its `Debug` shows a fingerprint only.
#[derive(Clone)]
pub struct Key(Zeroizing<Vec<u8>>);

/// Something about a key that often explains a signature that does not match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suspicion {
    OuterSpace,
    Quotes,
    /// A byte order mark in front.
    ByteOrderMark,
}

impl Suspicion {
    #[must_use]
    pub const fn explanation(self) -> &'static str {
        match self {
            Suspicion::OuterSpace => "the key begins or ends with white space",
            Suspicion::Quotes => "the key is in quotation marks",
            Suspicion::ByteOrderMark => "the key begins with a byte order mark",
        }
    }
}

/// A key without a single byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key is empty")]
pub struct EmptyKey;

impl Key {
    /// Takes the bytes as they are: a `String` from the environment, or bytes from a file.
    ///
    /// # Errors
    /// An empty key: HMAC and MD5 would accept it, and anyone could sign.
    pub fn try_new(bytes: impl Into<Vec<u8>>) -> Result<Key, EmptyKey> {
        let bytes = bytes.into();
        if bytes.is_empty() { Err(EmptyKey) } else { Ok(Key(Zeroizing::new(bytes))) }
    }

    /// The secret bytes: for a digest or a redactor only.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Eight hexadecimal digits by which two people can tell whether they hold the same key.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let mut digest = Sha256::new();
        // Apart from any other use of the key, so that this is not a digest an attacker meets elsewhere.
        digest.update(b"payout-notify key fingerprint\0");
        digest.update(&*self.0);
        hex::encode(&digest.finalize()[..4])
    }

    /// What about this key looks like a mistake in reading it.
    #[must_use]
    pub fn suspicions(&self) -> Vec<Suspicion> {
        let bytes: &[u8] = &self.0;
        let quoted =
            |quote| bytes.len() > 1 && bytes.starts_with(&[quote]) && bytes.ends_with(&[quote]);
        let mut found = Vec::new();
        if bytes.trim_ascii().len() != bytes.len() {
            found.push(Suspicion::OuterSpace);
        }
        if quoted(b'"') || quoted(b'\'') {
            found.push(Suspicion::Quotes);
        }
        if bytes.starts_with(b"\xef\xbb\xbf") {
            found.push(Suspicion::ByteOrderMark);
        }
        found
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.fingerprint())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_shows_its_fingerprint_only() {
        let key = Key::try_new(b"ThisIsYourSecretKey123".to_vec()).unwrap();
        let shown = format!("{key:?}");
        assert!(!shown.contains("Secret"), "{shown}");
        assert_eq!(shown, format!("Key({})", key.fingerprint()));
        assert_eq!(key.fingerprint().len(), 8);
        assert!(Key::try_new(Vec::new()).is_err());
    }

    #[test]
    fn a_panic_that_shows_a_key_shows_its_fingerprint_only() {
        let key = Key::try_new(b"ThisIsYourSecretKey123".to_vec()).unwrap();
        let panic =
            std::panic::catch_unwind(|| panic!("{:?}", (Some(&key), vec![&key]))).unwrap_err();
        let message = panic.downcast_ref::<String>().unwrap();
        assert!(message.contains("Key(") && !message.contains("Secret"), "{message}");
        assert!(!message.contains("84, 104, 105"), "{message}");
    }

    #[test]
    fn a_key_that_was_misread_is_suspicious() {
        let suspicions = |text: &str| Key::try_new(text).unwrap().suspicions();
        assert_eq!(suspicions("plain"), []);
        assert_eq!(suspicions("key\n"), [Suspicion::OuterSpace]);
        assert_eq!(suspicions("\"key\""), [Suspicion::Quotes]);
        assert_eq!(suspicions("\u{feff}key"), [Suspicion::ByteOrderMark]);
        assert_eq!(suspicions(" 'key'"), [Suspicion::OuterSpace]);
        assert_eq!(suspicions("\u{feff}key "), [Suspicion::OuterSpace, Suspicion::ByteOrderMark]);
        for (text, is_quoted) in [
            ("'key'", true),
            ("\"\"", true),
            ("\"", false),
            ("'", false),
            ("\"key", false),
            ("key\"", false),
            ("\"key'", false),
            ("key'\"key", false),
        ] {
            assert_eq!(suspicions(text).contains(&Suspicion::Quotes), is_quoted, "{text}");
        }
    }

    #[test]
    fn each_suspicion_names_what_is_beside_the_key() {
        for (suspicion, part) in [
            (Suspicion::OuterSpace, "white space"),
            (Suspicion::Quotes, "quotation marks"),
            (Suspicion::ByteOrderMark, "byte order mark"),
        ] {
            assert!(suspicion.explanation().contains(part), "{}", suspicion.explanation());
        }
    }

    #[test]
    fn a_fingerprint_is_the_same_for_the_same_key_only() {
        let fingerprint = |text: &str| Key::try_new(text).unwrap().fingerprint();
        assert_eq!(fingerprint("ThisIsYourSecretKey123"), fingerprint("ThisIsYourSecretKey123"));
        assert_ne!(fingerprint("ThisIsYourSecretKey123"), fingerprint("ThisIsYourSecretKey124"));
    }
}
