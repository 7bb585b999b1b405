//! The table of notations: how each is described.

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Notation {
    pub(crate) code: &'static str,
    pub(crate) form: &'static str,
}

const fn notation(code: &'static str, form: &'static str) -> Notation {
    Notation { code, form }
}

pub(crate) static SPACES: Notation = notation("digest-spaces", "with white space around it");
pub(crate) static DASHES: Notation = notation("digest-dashes", "with dashes between its bytes");
pub(crate) static UUID: Notation = notation("digest-uuid", "as a UUID");
pub(crate) static COLONS: Notation = notation("digest-colons", "with colons between its bytes");
pub(crate) static SPACED_BYTES: Notation =
    notation("digest-spaced-bytes", "with white space between its digits");
pub(crate) static SEPARATED: Notation =
    notation("digest-separated", "with other characters between its bytes");
pub(crate) static UNPADDED: Notation =
    notation("no-byte-padding", "without the leading zero of single bytes");
pub(crate) static ESCAPED: Notation =
    notation("digest-escaped", "as raw bytes with escapes (\\xb4)");
pub(crate) static PERCENT: Notation =
    notation("digest-percent-encoded", "as raw bytes in percent encoding (%B4)");
pub(crate) static RAW: Notation = notation("digest-raw-bytes", "as raw bytes, one character each");
pub(crate) static NUMBERS: Notation =
    notation("digest-byte-numbers", "as a list of decimal numbers, one per byte");
pub(crate) static ZERO_X: Notation = notation("digest-0x", "with 0x before it");
pub(crate) static TOOL_LABEL: Notation =
    notation("digest-tool-label", "with the label that a command-line tool prints before it");
pub(crate) static FILE_NAME: Notation =
    notation("digest-file-name", "with the file name that a command-line tool prints after it");
pub(crate) static LABEL: Notation = notation("digest-label", "with a label before it");
pub(crate) static QUOTES: Notation = notation("digest-quotes", "in quotation marks");
pub(crate) static BYTES_LITERAL: Notation =
    notation("digest-bytes-literal", "as a Python bytes literal (b'…')");
pub(crate) static BRACKETS: Notation = notation("digest-brackets", "in brackets");
pub(crate) static PROMPT: Notation =
    notation("digest-percent-sign", "with a percent sign after it");
#[cfg(feature = "diagnosis")]
pub(crate) static HEX_OF_HEX: Notation =
    notation("digest-hex-twice", "as the hexadecimal digits of its hexadecimal digits");
#[cfg(feature = "diagnosis")]
pub(crate) static DECIMAL: Notation =
    notation("digest-decimal", "as one decimal number (BigInteger.toString(), int.from_bytes())");
#[cfg(feature = "diagnosis")]
pub(crate) static BASE32: Notation = notation("digest-base32", "in base32");
#[cfg(feature = "diagnosis")]
pub(crate) static REVERSED: Notation =
    notation("digest-reversed", "with its bytes in reverse (little-endian)");
#[cfg(feature = "diagnosis")]
pub(crate) static GUID: Notation =
    notation("digest-guid", "as a .NET Guid, whose first eight bytes are in another order");
pub(crate) static TEXT: Notation = notation("digest-in-text", "inside other text");

#[cfg(all(test, feature = "diagnosis"))]
pub(crate) static ALL: [&Notation; 25] = [
    &BASE32,
    &REVERSED,
    &GUID,
    &HEX_OF_HEX,
    &DECIMAL,
    &SPACES,
    &DASHES,
    &UUID,
    &COLONS,
    &SPACED_BYTES,
    &SEPARATED,
    &UNPADDED,
    &ESCAPED,
    &PERCENT,
    &RAW,
    &NUMBERS,
    &ZERO_X,
    &TOOL_LABEL,
    &FILE_NAME,
    &LABEL,
    &QUOTES,
    &BYTES_LITERAL,
    &BRACKETS,
    &PROMPT,
    &TEXT,
];
