//! What hyper does not name or bound of a request's bytes: other protocols, and the sizes of chunks.

/// Bytes that are not HTTP/1 and what a person can do about them.
pub(super) fn other_protocol(bytes: &[u8]) -> Option<&'static str> {
    let known: [(&[u8], &str); 4] = [
        (
            b"PRI * HTTP/2.0",
            "HTTP/2 without negotiation; this port speaks HTTP/1.1: turn HTTP/2 off in the client",
        ),
        (b"\x16\x03", "a TLS handshake on a plain port; the URL must begin with http://"),
        (b"PROXY ", PROXY_LINE),
        // The signature of version 2, after the empty lines that hyper skips.
        (b"\0\r\nQUIT\n", PROXY_LINE),
    ];
    let bytes = bytes.trim_ascii_start();
    known.iter().find(|(start, _)| bytes.starts_with(start)).map(|(_, name)| *name)
}

const PROXY_LINE: &str =
    "a PROXY protocol header, which a load balancer adds; turn it off for this backend";

/// hyper keeps 2^64-1 and 2^64-2 for itself and answers them as if the header were too long.
pub(super) fn has_huge_length(head: &[u8]) -> bool {
    head.split(|byte| *byte == b'\n').any(|line| {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { return false };
        let (name, value) = line.split_at(colon);
        let value = std::str::from_utf8(value).unwrap_or_default();
        let value = value.trim_matches(|c: char| c == ':' || c.is_ascii_whitespace());
        name.eq_ignore_ascii_case(b"content-length")
            && value.parse::<u64>().is_ok_and(|length| length >= u64::MAX - 1)
    })
}

/// Follows the chunks of a body, because hyper shows a chunk's size only once its bytes are there.
#[derive(Debug)]
pub(super) enum ChunkSizes {
    Size {
        digits: u64,
        total: u64,
    },
    Extension {
        size: u64,
        total: u64,
    },
    /// The data and the line end after it.
    Data {
        left: u64,
        total: u64,
    },
    /// After the last chunk, or in what is not a chunk: hyper judges that.
    Unknown,
}

impl ChunkSizes {
    /// Begins after the end of a header; where it is not in these bytes nothing can be followed.
    pub(super) fn after_header(head: &[u8]) -> (Self, &[u8]) {
        let head = head.trim_ascii_start();
        let end = (0..head.len()).find_map(|at| {
            let ends: [&[u8]; 2] = [b"\n\r\n", b"\n\n"];
            ends.iter().find(|end| head[at..].starts_with(end)).map(|end| at + end.len())
        });
        match end {
            Some(end) => (ChunkSizes::Size { digits: 0, total: 0 }, &head[end..]),
            None => (ChunkSizes::Unknown, &[]),
        }
    }

    /// Whether the chunks announced so far, these bytes included, are more than `max` bytes together.
    pub(super) fn exceed(&mut self, mut bytes: &[u8], max: u64) -> bool {
        while let Some((&byte, rest)) = bytes.split_first() {
            bytes = rest;
            *self = match *self {
                ChunkSizes::Size { digits, total } => match (byte as char).to_digit(16) {
                    Some(digit) => {
                        let digits = digits.saturating_mul(16).saturating_add(u64::from(digit));
                        ChunkSizes::Size { digits, total }
                    }
                    None if matches!(byte, b'\r' | b'\n' | b';' | b' ' | b'\t') => {
                        Self::sized(byte, digits, total)
                    }
                    None => ChunkSizes::Unknown,
                },
                ChunkSizes::Extension { size, total } => Self::sized(byte, size, total),
                ChunkSizes::Data { left, total } => {
                    let skipped = left.saturating_sub(1).min(bytes.len() as u64);
                    bytes = &bytes[usize::try_from(skipped).unwrap_or(bytes.len())..];
                    match left - 1 - skipped {
                        0 => ChunkSizes::Size { digits: 0, total },
                        left => ChunkSizes::Data { left, total },
                    }
                }
                ChunkSizes::Unknown => return false,
            };
            if matches!(self, ChunkSizes::Data { total, .. } if *total > max) {
                return true;
            }
        }
        false
    }

    fn sized(byte: u8, size: u64, total: u64) -> Self {
        match (byte, size) {
            (b'\n', 0) => ChunkSizes::Unknown,
            (b'\n', _) => {
                let line_end = 2;
                let left = size.saturating_add(line_end);
                ChunkSizes::Data { left, total: total.saturating_add(size) }
            }
            _ => ChunkSizes::Extension { size, total },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_protocols_are_named_by_their_first_bytes() {
        for (bytes, name) in [
            (&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], "HTTP/2"),
            (b"\x16\x03\x01\x02\0\x01", "TLS"),
            (b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nPOST / HTTP/1.1\r\n", "PROXY"),
            (b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c", "PROXY"),
        ] {
            assert!(other_protocol(bytes).unwrap().contains(name), "{name}");
        }
        for bytes in [&b"POST / HTTP/1.1\r\n"[..], b"", b"SSH-2.0-x\r\n", b"PROXYING"] {
            assert_eq!(other_protocol(bytes), None);
        }
    }

    #[test]
    fn only_the_lengths_that_hyper_keeps_for_itself_are_huge() {
        for (line, is_huge) in [
            ("Content-Length: 18446744073709551615", true),
            ("content-length:18446744073709551614 ", true),
            ("Content-Length: 18446744073709551613", false),
            ("X: 18446744073709551615", false),
            ("Content-Length: 184467440737095516150", false),
        ] {
            let head = format!("POST / HTTP/1.1\r\n{line}\r\nHost: h\r\n\r\n");
            assert_eq!(has_huge_length(head.as_bytes()), is_huge, "{line}");
        }
    }

    #[test]
    fn chunks_are_summed_however_they_are_cut() {
        for (body, exceeds) in [
            ("65\r\n", true),
            ("64\r\n", false),
            ("0064;a=b\r\n", false),
            ("65;a=b\r\n", true),
            ("FFFFFFFFFFFFFFFFFFFF\n", true),
            ("3\r\nabc\r\n62\r\n", true),
            ("3\r\nabc\r\n61\r\n", false),
            ("3\r\n65\n\r\n0\r\nFFFF: x\r\n\r\n", false),
            ("zz\r\nFFFF\r\n", false),
            ("", false),
        ] {
            let sent = format!("POST / HTTP/1.1\r\nHost: h\r\n\r\n{body}");
            for cut in (sent.len() - body.len())..=sent.len() {
                let (mut sizes, begun) = ChunkSizes::after_header(&sent.as_bytes()[..cut]);
                let mut found = sizes.exceed(begun, 100);
                for byte in &sent.as_bytes()[cut..] {
                    found |= sizes.exceed(&[*byte], 100);
                }
                assert_eq!(found, exceeds, "{body:?} cut at {cut}");
            }
        }
        let (mut sizes, _) = ChunkSizes::after_header(b"POST / HTTP/1.1\r\n");
        assert!(!sizes.exceed(b"FFFFFF\r\n", 100));
    }
}
