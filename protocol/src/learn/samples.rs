//! Samples as people have them: one payload per line, or the fields that a documentation page
//! prints below each other, with an empty line between two samples.

use std::fmt::Write as _;

use crate::edit::json_string;
use crate::form;
use crate::layout::Transport;
use crate::payload::{Encoding, Payload, PayloadError};

/// The most samples that are read.
pub const MAX_SAMPLES: usize = 64;
/// The most fields of one sample.
pub const MAX_FIELDS: usize = 64;
/// The longest sample, in bytes: the search holds it some hundred times.
pub const MAX_SAMPLE_BYTES: usize = 16 * 1024;

/// One callback that is known to be good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// The payload's text.
    pub text: String,
    /// How it is written.
    pub encoding: Encoding,
    /// The line on which it begins, from 1.
    pub line: usize,
}

impl Sample {
    /// The payload; `None` cannot be, since what is read as a sample was parsed.
    #[must_use]
    pub fn payload(&self) -> Option<Payload<'_>> {
        form::read(self.text.as_bytes(), self.encoding).ok()
    }

    /// How the fields travel.
    #[must_use]
    pub fn transport(&self) -> Transport {
        match self.encoding {
            Encoding::Json => Transport::Json,
            Encoding::Form => Transport::Form,
            Encoding::Query => Transport::Query,
            Encoding::Xml => Transport::Xml,
        }
    }
}

/// Why a text holds no samples.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SamplesError {
    /// There is not a single sample.
    #[error("there is no sample in it")]
    Nothing,
    /// A sample cannot be read.
    #[error("the sample on line {line}: {error}")]
    Invalid {
        /// The line of the text on which the sample begins.
        line: usize,
        /// What is wrong with it, with the place inside the sample.
        error: PayloadError,
    },
    /// A line is not a field.
    #[error("line {0}: expected `name = value`")]
    NotAField(usize),
    /// Too many samples, or too many fields or bytes in one.
    #[error(
        "line {0}: more than {MAX_SAMPLES} samples, or more than {MAX_FIELDS} fields or \
         {MAX_SAMPLE_BYTES} bytes in one"
    )]
    TooMany(usize),
}

/// Reads samples.
///
/// # Errors
/// A text without a sample, a sample that cannot be read, or too many; with the line.
pub fn read(text: &str) -> Result<Vec<Sample>, SamplesError> {
    let mut samples = Vec::new();
    let mut block: Vec<(usize, &str)> = Vec::new();
    // One more empty line ends the last block.
    for (index, line) in text.lines().chain([""]).enumerate() {
        if !line.trim().is_empty() {
            block.push((index + 1, line));
        } else if !block.is_empty() {
            read_block(&block, &mut samples)?;
            block.clear();
        }
    }
    if samples.is_empty() { Err(SamplesError::Nothing) } else { Ok(samples) }
}

fn read_block(block: &[(usize, &str)], samples: &mut Vec<Sample>) -> Result<(), SamplesError> {
    let (line, first) = (block[0].0, block[0].1.trim());
    let is_payload = first.starts_with(['{', '[', '<', '\u{feff}']);
    let is_pairs = |(_, line): &(usize, &str)| line.contains('=') && line.contains('&');
    if (is_payload && parse(first, line).is_ok()) || block.iter().all(is_pairs) {
        return block.iter().try_for_each(|(line, text)| push(parse(text.trim(), *line)?, samples));
    }
    let sample = if is_payload {
        let lines: Vec<&str> = block.iter().map(|(_, line)| *line).collect();
        parse(&lines.join("\n"), line)?
    } else {
        fields(block)?
    };
    push(sample, samples)
}

fn push(sample: Sample, samples: &mut Vec<Sample>) -> Result<(), SamplesError> {
    let fields = sample.payload().map_or(0, |payload| payload.members().len());
    let is_long = sample.text.len() > MAX_SAMPLE_BYTES;
    if samples.len() == MAX_SAMPLES || fields > MAX_FIELDS || is_long {
        return Err(SamplesError::TooMany(sample.line));
    }
    samples.push(sample);
    Ok(())
}

fn parse(text: &str, line: usize) -> Result<Sample, SamplesError> {
    let encoding = form::detect(text.as_bytes());
    match form::read(text.as_bytes(), encoding) {
        Ok(_) => Ok(Sample { text: text.to_owned(), encoding, line }),
        Err(error) => Err(SamplesError::Invalid { line, error }),
    }
}

/// Fields below each other: `name = value` or `name: value`, with quotes or without.
fn fields(block: &[(usize, &str)]) -> Result<Sample, SamplesError> {
    let mut pairs = String::new();
    for (number, line) in block {
        let line = line.trim().trim_end_matches(',');
        let Some((name, value)) = line.split_once(['=', ':']) else {
            return Err(SamplesError::NotAField(*number));
        };
        let (name, value) = (unquoted(name), unquoted(value));
        if name.is_empty() {
            return Err(SamplesError::NotAField(*number));
        }
        form::pair_into(name, value, &mut pairs);
    }
    let line = block[0].0;
    let sample = Sample { text: pairs, encoding: Encoding::Form, line };
    match form::read(sample.text.as_bytes(), sample.encoding) {
        Ok(_) => Ok(sample),
        Err(error) => Err(SamplesError::Invalid { line, error }),
    }
}

fn unquoted(text: &str) -> &str {
    let text = text.trim();
    let quotes = ['"', '\''].into_iter();
    let mut inner = quotes
        .filter_map(|quote| text.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)));
    inner.next().unwrap_or(text)
}

/// Fields, each with its value as JSON, as one JSON object.
pub(super) fn object<'f>(fields: impl IntoIterator<Item = (&'f str, &'f str)>) -> String {
    let mut out = String::from("{");
    for (name, json) in fields {
        let comma = if out.len() > 1 { "," } else { "" };
        // Writing to a string cannot fail.
        let _ = write!(out, "{comma}{}:{json}", json_string(name));
    }
    out + "}"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<(String, usize)> {
        let samples = read(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        samples.into_iter().map(|sample| (sample.text, sample.line)).collect()
    }

    #[test]
    fn each_form_of_input_is_read() {
        for (text, expected) in [
            (
                "{\"a\":1}\n{\"a\":2}\n\n{\"a\":3}\n",
                &[("{\"a\":1}", 1), ("{\"a\":2}", 2), ("{\"a\":3}", 4)][..],
            ),
            ("\n{\n \"a\":1\n}\n\n{\"a\":2}", &[("{\n \"a\":1\n}", 2), ("{\"a\":2}", 6)]),
            ("a=1&b=2\r\na=3&b=4", &[("a=1&b=2", 1), ("a=3&b=4", 2)]),
            (
                "<xml><a>1</a></xml>\n<xml><a>2</a></xml>",
                &[("<xml><a>1</a></xml>", 1), ("<xml><a>2</a></xml>", 2)],
            ),
            ("<xml>\n<a>1</a>\n</xml>", &[("<xml>\n<a>1</a>\n</xml>", 1)]),
            ("a = 1\nb = \"x y\"\nsign = 00\n\na=2", &[("a=1&b=x+y&sign=00", 1), ("a=2", 5)]),
            ("'a': 'b',\n\"u\": \"http://x/?c=d\"", &[("a=b&u=http%3A%2F%2Fx%2F%3Fc%3Dd", 1)]),
            ("a: 1\nempty:", &[("a=1&empty=", 1)]),
        ] {
            let expected: Vec<_> =
                expected.iter().map(|(text, line)| ((*text).to_owned(), *line)).collect();
            assert_eq!(texts(text), expected, "{text}");
        }
    }

    #[test]
    fn hostile_text_is_read_or_refused() {
        const PIECES: [&str; 14] = [
            "{", "}", "\"a\"", ":", "=", "&", "\n", "\r\n", "<a>", "</a>", " ", "\u{0}", "%", "中",
        ];
        let mut rng = fastrand::Rng::with_seed(7);
        for _ in 0..3000 {
            let text: String =
                (0..rng.usize(..24)).map(|_| PIECES[rng.usize(..PIECES.len())]).collect();
            if let Ok(samples) = read(&text) {
                assert!(samples.iter().all(|sample| sample.payload().is_some()), "{text:?}");
            }
        }
        let longest = format!("a={}", "x".repeat(MAX_SAMPLE_BYTES - 2));
        assert_eq!(read(&longest).map(|samples| samples.len()), Ok(1));
    }

    #[test]
    fn what_cannot_be_read_is_named_with_its_line() {
        let many = "{\"a\":1}\n".repeat(MAX_SAMPLES + 1);
        let wide: Vec<String> = (0..=MAX_FIELDS).map(|index| format!("a{index}=1")).collect();
        for (text, expected) in [
            ("", "there is no sample"),
            (" \n\r\n\t", "there is no sample"),
            ("{\"a\":1}\n{\"a\":", "the sample on line 2"),
            ("{\"a\":1,\"a\":2}", "the sample on line 1"),
            ("[1]", "the sample on line 1"),
            ("a = 1\nnonsense", "line 2: expected `name = value`"),
            ("a = 1\n= 2", "line 2: expected"),
            ("a = 1\na = 2", "the sample on line 1"),
            (&many, "line 65: more than 64 samples"),
            (&wide.join("\n"), "line 1: more than"),
            (&format!("a={}", "x".repeat(MAX_SAMPLE_BYTES - 1)), "line 1: more than"),
        ] {
            let error = read(text).expect_err(text).to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
