//! The work of `sign --lines`.

use std::mem;
use std::ops::Range;

use protocol::internal::canonical::{CanonicalString, KnownPairs};
use protocol::internal::edit::Edit;
use protocol::internal::payload::PayloadMemory;
use protocol::internal::signature::{attach_room, leave_room};
use protocol::{Algorithm, Dialect, Key, Payload};

use super::chunk::{LineOutput, LineWork};
use super::digest_queue::DigestQueue;
use crate::commands::sign::SignOutput;
use crate::commands::signing::{SignType, choose_scheme, scheme_of, sign_payload};
use crate::error::CommandError;
use crate::lines::error::BadLine;
use crate::mask::outside;
use crate::report::batch::{BatchSummary, LineAnswer};

pub struct SignLines {
    edits: Vec<Edit>,
    dialect: Dialect,
    chosen: Option<Algorithm>,
    key: Key,
    printed: SignOutput,
}

impl SignLines {
    pub fn try_new<'e>(
        edits: impl Iterator<Item = &'e Edit>,
        dialect: &Dialect,
        chosen: Option<Algorithm>,
        key: Key,
        printed: SignOutput,
    ) -> Result<Self, CommandError> {
        if printed == SignOutput::Curl {
            return Err(CommandError::usage("--print curl is for one payload, not for --lines")
                .hint("use --print body, --print sign or --print canonical"));
        }
        chosen.map(|chosen| scheme_of(dialect, chosen)).transpose()?;
        let edits = edits.map(in_one_line).collect();
        Ok(SignLines { edits, dialect: dialect.clone(), chosen, key, printed })
    }

    /// Signs a payload that must be changed first.
    fn changed(&self, number: u64, payload: &Payload<'_>, out: &mut String) -> Result<(), BadLine> {
        let edits = self.edits.iter();
        let signed = sign_payload(payload, edits, &self.dialect, self.chosen, &self.key)
            .map_err(|error| BadLine::whole(number, error.to_string()))?;
        match self.printed {
            SignOutput::Body | SignOutput::Curl => out.push_str(&signed.body),
            SignOutput::Sign => out.push_str(signed.signature.as_str()),
            SignOutput::Canonical => push_in_one_line(&outside(&signed.masked_canonical()), out),
        }
        Ok(())
    }
}

#[derive(Default)]
pub struct SignScratch {
    payload: PayloadMemory,
    canonical: CanonicalString,
    pairs: KnownPairs,
    /// Where in the output the signature of each line belongs.
    waiting: DigestQueue<Range<usize>>,
}

impl LineWork for SignLines {
    type Scratch = SignScratch;

    fn line(
        &self,
        number: u64,
        line: &[u8],
        scratch: &mut SignScratch,
        out: &mut LineOutput,
    ) -> Result<Option<LineAnswer>, BadLine> {
        let out = &mut out.text;
        let payload = Payload::parse_in(line, mem::take(&mut scratch.payload))
            .map_err(|error| BadLine::no_payload(number, error))?;
        let mut scheme = None;
        if self.edits.is_empty() {
            let (own, sign_type) = choose_scheme(&payload, &self.dialect, self.chosen)
                .map_err(|error| BadLine::whole(number, error.to_string()))?;
            scheme = (sign_type == SignType::Stands).then_some(own);
        }
        match scheme {
            None => self.changed(number, &payload, out)?,
            Some(scheme) => {
                let canonical = &mut scratch.canonical;
                scratch.pairs.canonicalize_into(&payload, scheme, canonical);
                let room = match self.printed {
                    SignOutput::Body | SignOutput::Curl => Some(attach_room(&payload, scheme, out)),
                    SignOutput::Sign => Some(leave_room(scheme, out)),
                    SignOutput::Canonical => {
                        push_in_one_line(&outside(&canonical.masked(scheme)), out);
                        None
                    }
                };
                if let Some(room) = room {
                    scratch.waiting.push(canonical, scheme, &self.key, room);
                }
            }
        }
        out.push('\n');
        scratch.payload = payload.into_memory();
        Ok(Some(LineAnswer::Good))
    }

    fn end(&self, scratch: &mut SignScratch, out: &mut LineOutput, _: &mut BatchSummary) {
        for (room, signature) in scratch.waiting.signed(&self.key) {
            out.text.replace_range(room, signature.as_str());
        }
    }

    fn bad(&self, _: &BadLine, _: &mut LineOutput) {}
}

/// The same change without line ends: outside of strings they are white space, and inside of them
/// JSON has none.
fn in_one_line(edit: &Edit) -> Edit {
    match edit {
        Edit::Put { name, json } => {
            Edit::Put { name: name.clone(), json: json.replace(['\n', '\r'], " ") }
        }
        Edit::Remove { .. } => edit.clone(),
    }
}

fn push_in_one_line(text: &str, out: &mut String) {
    for character in text.chars() {
        match character {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            other => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Key {
        Key::try_new(b"ThisIsYourSecretKey123".to_vec()).unwrap()
    }

    fn signed_with(
        line: &str,
        edits: &[Edit],
        chosen: Option<Algorithm>,
        printed: SignOutput,
    ) -> Result<String, BadLine> {
        let work =
            SignLines::try_new(edits.iter(), Dialect::platform(), chosen, key(), printed).unwrap();
        let mut out = LineOutput::default();
        let mut scratch = SignScratch::default();
        let signed = work.line(3, line.as_bytes(), &mut scratch, &mut out);
        work.end(&mut scratch, &mut out, &mut BatchSummary::default());
        signed.map(|_| out.text)
    }

    fn alone(line: &str, edits: &[Edit], chosen: Option<Algorithm>) -> String {
        let payload = Payload::parse(line.as_bytes()).unwrap();
        let dialect = Dialect::platform();
        sign_payload(&payload, edits.iter(), dialect, chosen, &key()).unwrap().body + "\n"
    }

    #[test]
    fn a_line_is_signed_as_it_would_be_alone() {
        let edits =
            [Edit::Put { name: "b".into(), json: "1E5".into() }, Edit::Remove { name: "a".into() }];
        for line in [
            r#"{"a":1.10,"b":"\u4e2d","sign":"old", "l":[1, 2]}"#,
            r#" { "a" : 1 } "#,
            r#"{}"#,
            r#"{"a":1,"sign_type":"hmac-sha256"}"#,
            r#"{"a":1,"sign_type":"MD5","sign":null}"#,
        ] {
            for chosen in [None, Some(Algorithm::Md5), Some(Algorithm::HmacSha256)] {
                for edits in [&edits[..], &[]] {
                    assert_eq!(
                        signed_with(line, edits, chosen, SignOutput::Body).as_deref(),
                        Ok(alone(line, edits, chosen).as_str()),
                    );
                }
            }
        }
    }

    #[test]
    fn whatever_is_printed_is_one_line() {
        let edits = [Edit::Put { name: "o".into(), json: "{\n\"x\":\r1}".into() }];
        let body = signed_with("{}", &edits, None, SignOutput::Body).unwrap();
        assert_eq!(body.find('\n'), Some(body.len() - 1));
        assert!(body.starts_with("{\"o\":{ \"x\": 1}"), "{body}");
        let canonical = signed_with(r#"{"a":"x\r\ny"}"#, &[], None, SignOutput::Canonical).unwrap();
        assert_eq!(canonical, "a=x\\r\\ny&[key]\n");
        assert_eq!(signed_with("{}", &[], None, SignOutput::Sign).unwrap().len(), 33);
    }

    #[test]
    fn a_line_that_cannot_be_signed_says_why() {
        let why = |line| signed_with(line, &[], None, SignOutput::Body).unwrap_err().to_string();
        assert_eq!(why("[]"), "line 3, column 1: expected a JSON object, found an array");
        assert!(why(r#"{"sign_type":"RSA"}"#).starts_with("line 3: the payload cannot be signed"));
        let chosen = Some(Algorithm::Sha256);
        let none = [].iter();
        assert!(
            SignLines::try_new(none, Dialect::platform(), chosen, key(), SignOutput::Body).is_err()
        );
    }
}
