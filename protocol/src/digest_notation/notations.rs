//! The table of notations: how each is described, where it comes from, and the fix.

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Notation {
    pub(crate) code: &'static str,
    pub(crate) form: &'static str,
    pub(crate) cause: &'static str,
    pub(crate) fix: &'static str,
}

const fn notation(
    code: &'static str,
    form: &'static str,
    cause: &'static str,
    fix: &'static str,
) -> Notation {
    Notation { code, form, cause, fix }
}

pub(crate) static SPACES: Notation = notation(
    "digest-spaces",
    "with white space around it",
    "a shell's newline, a template, a copied text",
    "trim the digest before it is sent",
);
pub(crate) static DASHES: Notation = notation(
    "digest-dashes",
    "with dashes between its bytes",
    ".NET BitConverter.ToString()",
    "send the bare digits: Convert.ToHexStringLower(), or .Replace(\"-\", \"\").ToLowerInvariant()",
);
pub(crate) static UUID: Notation = notation(
    "digest-uuid",
    "as a UUID",
    "a cast to uuid or Guid, a UUID column",
    "send the bare digits, without the dashes",
);
pub(crate) static COLONS: Notation = notation(
    "digest-colons",
    "with colons between its bytes",
    "openssl dgst -c, a certificate fingerprint's notation, join(':')",
    "send the bare digits, without the colons",
);
pub(crate) static SPACED_BYTES: Notation = notation(
    "digest-spaced-bytes",
    "with white space between its digits",
    "a hex dump (xxd, od, hexdump), a line that was wrapped, join(' ')",
    "send the bare digits on one line: xxd -p, tr -d ' \\n'",
);
pub(crate) static SEPARATED: Notation = notation(
    "digest-separated",
    "with other characters between its bytes",
    "a hex dump or an array literal (0xb4, 0x1e, …)",
    "send the bare digits, with nothing between them",
);
pub(crate) static UNPADDED: Notation = notation(
    "no-byte-padding",
    "without the leading zero of single bytes",
    "Integer.toHexString(b & 0xff), byte.toString(16), %x without 02",
    "write two digits a byte: %02x, padStart(2, '0')",
);
pub(crate) static ESCAPED: Notation = notation(
    "digest-escaped",
    "as raw bytes with escapes (\\xb4)",
    "Python str(digest()) or repr(), a printed byte string",
    "send the hexadecimal digits: hexdigest() instead of digest(), bin2hex(), unpack(\"H*\")",
);
pub(crate) static PERCENT: Notation = notation(
    "digest-percent-encoded",
    "as raw bytes in percent encoding (%B4)",
    "the raw digest put into a URL: urlencode(md5(…, true)), quote(digest())",
    "send the hexadecimal digits: md5(…), hexdigest(), bin2hex()",
);
pub(crate) static RAW: Notation = notation(
    "digest-raw-bytes",
    "as raw bytes, one character each",
    "digest().decode('latin-1'), md5(…, true), digest('binary'), new String(digest)",
    "send the hexadecimal digits: hexdigest(), md5(…), digest('hex')",
);
pub(crate) static NUMBERS: Notation = notation(
    "digest-byte-numbers",
    "as a list of decimal numbers, one per byte",
    "Java Arrays.toString(digest), JavaScript String(Uint8Array), Go fmt.Sprint([]byte)",
    "send the hexadecimal digits: HexFormat.of().formatHex(), Buffer.toString('hex'), hex.EncodeToString()",
);
pub(crate) static ZERO_X: Notation = notation(
    "digest-0x",
    "with 0x before it",
    "SQL Server CONVERT(…, 1) or a varbinary shown as text, Ethereum's hex strings",
    "send the bare digits: CONVERT(varchar(64), …, 2), or cut 0x off",
);
pub(crate) static TOOL_LABEL: Notation = notation(
    "digest-tool-label",
    "with the label that a command-line tool prints before it",
    "openssl dgst (\"(stdin)= …\"), BSD md5 and md5sum --tag (\"MD5 (…) = …\")",
    "keep the last word only: | awk '{print $NF}'",
);
pub(crate) static FILE_NAME: Notation = notation(
    "digest-file-name",
    "with the file name that a command-line tool prints after it",
    "md5sum or sha256sum (\"…  -\"), openssl dgst -r (\"… *stdin\")",
    "keep the first word only: | cut -d' ' -f1",
);
pub(crate) static LABEL: Notation = notation(
    "digest-label",
    "with a label before it",
    "another platform's header format (sha256=…, md5:…, sign=…)",
    "send the bare digits, without the label",
);
pub(crate) static QUOTES: Notation = notation(
    "digest-quotes",
    "in quotation marks",
    "a JSON text put into a string, a quoted setting or CSV cell",
    "send the bare digits, without the quotation marks",
);
pub(crate) static BYTES_LITERAL: Notation = notation(
    "digest-bytes-literal",
    "as a Python bytes literal (b'…')",
    "Python str() of bytes: hexlify(…), hexdigest().encode()",
    "decode it: hexdigest(), or hexlify(…).decode()",
);
pub(crate) static BRACKETS: Notation = notation(
    "digest-brackets",
    "in brackets",
    "a printed list, tuple or object",
    "send the bare digits, without the brackets",
);
pub(crate) static PROMPT: Notation = notation(
    "digest-percent-sign",
    "with a percent sign after it",
    "the % that zsh shows after output without a newline, copied with it",
    "send the bare digits, without the percent sign",
);
pub(crate) static TEXT: Notation = notation(
    "digest-in-text",
    "inside other text",
    "a template, a log line or a printed object around the digest",
    "send the bare digits, with nothing around them",
);

#[cfg(feature = "diagnosis")]
pub(crate) static ALL: [&Notation; 20] = [
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
