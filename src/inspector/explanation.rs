//! What a kept callback means, part by part, for the page.

use protocol::internal::canonical::{Selection, canonicalize, select};
use protocol::internal::diagnosis::diagnose_fully;
use protocol::internal::edit::json_string;
use protocol::internal::form;
use protocol::internal::signature::{attach, sign};
use protocol::internal::weakness::{Circumstances, Weakness, weaknesses};
use protocol::{Diagnosis, Encoding, Finding, Key, Member, Payload, Scheme, Severity, Value};
use serde::Serialize;

use super::objects::{Extent, beginning};
use crate::keyring::Keyring;
use crate::mask::Untrusted;
use crate::receiver::received::Received;
use crate::receiver::verify::{Contract, Reading, Verdict};

pub const MAX_PARTS: usize = 200;

const VALUE_BYTES: usize = 4 * 1024;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Explanation {
    pub summary: String,
    pub code: String,
    pub canonical: Option<Canonical>,
    pub findings: Vec<Finding>,
    pub weaknesses: Vec<Weakness>,
    pub diagnosis: Option<Diagnosis>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Canonical {
    /// The scheme in words, such as `MD5 of the string and &KEY`.
    pub scheme: String,
    pub separator: String,
    pub after: String,
    /// The members in the order of their names, at most [`MAX_PARTS`].
    pub parts: Vec<ExplainedField>,
    /// How many fields are not in `parts`.
    pub omitted: usize,
    #[serde(rename = "text")]
    pub masked: String,
    pub cut: bool,
    pub given: Option<Untrusted<String>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExplainedField {
    pub name: String,
    pub value: String,
    pub cut: bool,
    /// Whether the field is signed, or why it is not.
    pub selection: &'static str,
}

impl Explanation {
    /// Of an entry some of whose values are redacted: the verdict when it came.
    pub(super) fn of_redacted(entry: &Received) -> Explanation {
        let summary = "Values are redacted, so the signature is not verified again.";
        let code = entry.judged.code.to_string();
        Explanation { summary: summary.to_owned(), code, ..Explanation::default() }
    }

    /// Reads an entry again, as the listener did when it came, and says what came of it. `others`
    /// are keys that may have been used by mistake; that search takes up to some hundred
    /// milliseconds.
    pub fn new(
        entry: &Received,
        contract: &Contract,
        keys: &Keyring,
        others: &[(String, Key)],
        extent: Extent,
    ) -> Explanation {
        let payload = contract.payload(&entry.callback);
        let verdict = contract.inspect(&payload, keys);
        let mut explanation = Explanation {
            summary: summary(&verdict),
            code: verdict.code.code().to_owned(),
            ..Explanation::default()
        };
        let (Some(reading), Ok(payload)) = (verdict.reading, payload) else { return explanation };
        let scheme = &reading.verification.scheme;
        explanation.weaknesses = weaknesses(
            &payload,
            &Circumstances {
                scheme,
                dialect: contract.dialect,
                required: contract.required,
                now: entry.callback.received_at.as_second(),
            },
        );
        if reading.verification.can_be_diagnosed() {
            let (_, diagnosis) = keys.diagnose(&reading.verification, |key| {
                diagnose_fully(&payload, contract.dialect, key, others, None)
            });
            explanation.diagnosis = Some(diagnosis);
        }
        explanation.canonical = Some(Canonical::new(&payload, &reading, extent));
        explanation.findings = reading.findings;
        explanation
    }
}

fn summary(verdict: &Verdict) -> String {
    let Some(reading) = &verdict.reading else {
        let why = verdict.unreadable.as_ref().map(ToString::to_string).unwrap_or_default();
        return format!("It cannot be read: {why}.");
    };
    let algorithm = reading.verification.scheme.algorithm;
    if let Some(mismatch) = reading.mismatch() {
        return format!("The {algorithm} signature does not match: {}.", mismatch.explanation());
    }
    let wrong = reading.findings.iter().find(|finding| finding.severity == Severity::Error);
    match wrong {
        Some(finding) => {
            format!("The {algorithm} signature matches, but {}.", finding.message)
        }
        None => match &reading.key {
            Some(key) => format!("The {algorithm} signature matches ({key})."),
            None => format!("The {algorithm} signature matches."),
        },
    }
}

impl Canonical {
    fn new(payload: &Payload<'_>, reading: &Reading, extent: Extent) -> Canonical {
        let scheme = &reading.verification.scheme;
        let parts: Vec<ExplainedField> = select(payload, scheme)
            .take(MAX_PARTS)
            .map(|(member, selection)| {
                let (value, cut) = beginning(&signed_text(member, scheme), VALUE_BYTES);
                let selection = match selection {
                    Selection::Kept => "signed",
                    Selection::Empty => "empty",
                    Selection::LeftOut if *member.name == *scheme.sign_field => "signature",
                    Selection::LeftOut => "name",
                };
                ExplainedField {
                    name: beginning(&member.name, VALUE_BYTES).0,
                    value,
                    cut,
                    selection,
                }
            })
            .collect();
        let (masked, cut) = beginning(&reading.masked_canonical(payload), extent.bytes());
        Canonical {
            scheme: words(scheme),
            separator: scheme.separator.to_string(),
            after: scheme.masked_suffix(),
            omitted: payload.members().len() - parts.len(),
            parts,
            masked,
            cut,
            given: reading.verification.given.clone().map(Untrusted::new),
        }
    }
}

fn words(scheme: &Scheme) -> String {
    let after = match (scheme.composition.notation(), scheme.suffix.notation()) {
        (string, after) if string.is_empty() && after.is_empty() => String::new(),
        (string, after) if string.is_empty() => format!(" and {after}"),
        (string, _) => format!(" {string}"),
    };
    format!("{} of the string{after}, in {}", scheme.algorithm, scheme.digest_words())
}

fn signed_text(member: &Member<'_>, scheme: &Scheme) -> String {
    match &member.value {
        Value::Null => String::new(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(digits) => (*digits).to_owned(),
        Value::String(text) => text.to_string(),
        // The rule for nested values is the canonicalizer's: it is asked for this member alone.
        Value::Array(json) | Value::Object(json) => {
            let alone = format!("{{{}:{json}}}", json_string(&member.name));
            let text = Payload::parse(alone.as_bytes()).ok().map(|payload| {
                let string = canonicalize(&payload, scheme);
                string.as_str().strip_prefix(&format!("{}=", member.name)).map(str::to_owned)
            });
            text.flatten().unwrap_or_else(|| (*json).to_owned())
        }
    }
}

/// Replaces the signature in a text by a fresh one; all other bytes stay.
pub fn sign_again(
    text: &[u8],
    encoding: Encoding,
    contract: &Contract,
    key: &Key,
) -> Result<Vec<u8>, String> {
    let dialect = contract.dialect;
    let payload = form::read(text, encoding).map_err(|error| error.to_string())?;
    let said = dialect.said_by(&payload).map_err(|error| error.to_string())?;
    let demanded = contract.required.and_then(|required| dialect.scheme(required));
    let given = match payload.get(dialect.sign_field()).map(|member| &member.value) {
        Some(Value::String(given)) => given.to_string(),
        _ => String::new(),
    };
    let scheme = match said.or(demanded) {
        Some(scheme) => scheme,
        None => dialect.scheme_for(&payload, &given).map_err(|error| error.to_string())?,
    };
    let signature = sign(&canonicalize(&payload, scheme), scheme, key);
    Ok(attach(&payload, scheme, &signature).into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receiver::example;

    fn explain(body: &[u8]) -> Explanation {
        let entry = example::entry(1, "PO", body);
        Explanation::new(
            &entry,
            &Contract::default(),
            &crate::inspector::example::key().into(),
            &[],
            Extent::Beginning,
        )
    }

    #[test]
    fn members_are_told_with_their_fate() {
        let body = br#"{"b":[1, "x"],"a":"","sign_type":"MD5","sign":"00","c":1.10,"n":null}"#;
        let canonical = explain(body).canonical.unwrap();
        let parts: Vec<_> = canonical
            .parts
            .iter()
            .map(|part| (&*part.name, &*part.value, part.selection))
            .collect();
        assert_eq!(
            parts,
            [
                ("a", "", "empty"),
                ("b", r#"[1,"x"]"#, "signed"),
                ("c", "1.10", "signed"),
                ("n", "", "empty"),
                ("sign", "00", "signature"),
                ("sign_type", "MD5", "name"),
            ]
        );
        assert_eq!(canonical.masked, "b=[1,\"x\"]&c=1.10&[key]");
        assert_eq!((&*canonical.after, &*canonical.separator), ("&[key]", "&"));
        assert_eq!(canonical.scheme, "MD5 of the string and &KEY, in lower case");
    }

    #[test]
    fn a_mistake_is_diagnosed_and_a_match_is_not() {
        let signed = sign_again(
            b"{\"a\":1}",
            Encoding::Json,
            &Contract::default(),
            &crate::inspector::example::key(),
        )
        .unwrap();
        let right = explain(&signed);
        assert_eq!(right.diagnosis, None);
        assert!(right.summary.starts_with("The MD5 signature matches"), "{}", right.summary);
        let text = String::from_utf8(signed).unwrap();
        let (head, digest) = text.split_at(text.len() - 34);
        let upper = explain(format!("{head}{}", digest.to_uppercase()).as_bytes());
        assert!(upper.summary.contains("does not match"), "{}", upper.summary);
        assert_eq!(upper.code, "0004");
        assert!(!upper.diagnosis.unwrap().hits.is_empty());
        let labelled = explain(format!("{head}md5:{digest}").as_bytes());
        assert!(labelled.summary.contains("the digest is right, but"), "{}", labelled.summary);
        assert_eq!(labelled.diagnosis.unwrap().hits[0].code(), "digest-label");
        assert!(
            explain(b"[1]")
                .summary
                .starts_with("It cannot be read: the body is not a valid payload")
        );
    }

    #[test]
    fn what_is_signed_again_keeps_its_kind_of_digest() {
        let contract = Contract::default();
        let long = format!("{{\"a\":1,\"sign\":\"{}\"}}", "0".repeat(64));
        let again = |text: &str, encoding| {
            sign_again(text.as_bytes(), encoding, &contract, &crate::inspector::example::key())
                .map(|bytes| String::from_utf8(bytes).unwrap())
        };
        assert_eq!(again(&long, Encoding::Json).unwrap().len(), long.len());
        assert!(again("a=1&sign=x", Encoding::Form).unwrap().starts_with("a=1&sign="));
        assert!(again("?a=1", Encoding::Query).unwrap().starts_with("?a=1&sign="));
        assert!(again("{", Encoding::Json).is_err());
        assert!(again(r#"{"sign_type":"RSA"}"#, Encoding::Json).is_err());
    }

    #[test]
    fn many_members_are_counted() {
        let members: Vec<String> = (0..300).map(|n| format!("\"m{n:03}\":1")).collect();
        let canonical = explain(format!("{{{}}}", members.join(",")).as_bytes()).canonical.unwrap();
        assert_eq!((canonical.parts.len(), canonical.omitted), (MAX_PARTS, 100));
    }
}
