//! How a signature was verified, step by step, for a person and for a program.

use protocol::internal::canonical::{Selection, canonicalize, select};
use protocol::internal::scheme::{Empties, Nulls, Order, ValueText};
use protocol::internal::signature::{Answer, Verification};
use protocol::internal::weakness::{Circumstances, Weakness, weaknesses};
use protocol::{Algorithm, Payload, Scheme};
use serde_json::{Value, json};

use super::line::Line;
use crate::mask::Untrusted;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    pub kept: Vec<String>,
    pub left_out: Vec<(String, Omission)>,
    pub masked_canonical: String,
    pub scheme: Scheme,
    pub digest: Option<String>,
    pub weaknesses: Vec<Weakness>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Omission {
    #[error("it carries the signature")]
    Signature,
    #[error("the scheme never signs a field of this name")]
    Name,
    #[error("its value is empty")]
    Empty,
}

impl Omission {
    pub const fn code(self) -> &'static str {
        match self {
            Omission::Signature => "signature",
            Omission::Name => "name",
            Omission::Empty => "empty",
        }
    }
}

impl Explanation {
    pub fn new(
        payload: &Payload<'_>,
        verification: &Verification,
        circumstances: &Circumstances<'_>,
    ) -> Explanation {
        let scheme = circumstances.scheme;
        let (mut kept, mut left_out) = (Vec::new(), Vec::new());
        for (member, selection) in select(payload, scheme) {
            let name = member.name.to_string();
            match selection {
                Selection::Kept => kept.push(name),
                Selection::Empty => left_out.push((name, Omission::Empty)),
                Selection::LeftOut if name == scheme.sign_field => {
                    left_out.push((name, Omission::Signature));
                }
                Selection::LeftOut => left_out.push((name, Omission::Name)),
            }
        }
        let digest = match verification.answer {
            Answer::Match => verification.given.clone(),
            // The computed one would make this a tool that signs foreign input.
            Answer::Mismatch(_) => None,
        };
        Explanation {
            kept,
            left_out,
            masked_canonical: canonicalize(payload, scheme).masked(scheme),
            scheme: scheme.clone(),
            digest,
            weaknesses: weaknesses(payload, circumstances),
        }
    }

    pub fn lines(&self, expected: Option<&str>) -> Vec<Line> {
        let step = |number: usize, text: &str| {
            Line::new().dim(format!("  {number}  ")).plain(text.to_owned())
        };
        let detail = |text: String| Line::new().plain("     ").accent(text);
        let mut lines = vec![Line::new().strong("How it is verified")];
        lines.push(step(1, &self.taken()).dim(format!(
            ", without {}: {} of {}",
            self.scheme.left_out.join(" and "),
            self.kept.len(),
            self.kept.len() + self.left_out.len(),
        )));
        lines.extend(self.left_out.iter().map(|(name, why)| {
            Line::new()
                .plain("     ")
                .warn("left out ")
                .plain(format!("{}: {why}", Untrusted::new(&name)))
        }));
        lines.push(step(2, self.ordered()));
        lines.push(detail(Untrusted::new(self.kept.join(", ")).to_string()));
        lines.push(step(3, &self.joined()));
        lines.push(detail(Untrusted::new(&self.masked_canonical).to_string()));
        lines.push(step(4, &self.digested()));
        lines.push(match self.digest.as_deref().or(expected) {
            Some(digest) => detail(digest.to_owned()),
            None => Line::new()
                .plain("     ")
                .dim("not shown: it would sign this payload; --show-expected shows it"),
        });
        lines.extend(self.weaknesses.iter().map(|weakness| {
            Line::new().warn("  note").plain(format!(": {}", weakness.explanation()))
        }));
        lines
    }

    fn taken(&self) -> String {
        let Scheme { empties, nulls, signed, .. } = &self.scheme;
        if !self.scheme.signs_pairs() {
            return "take the fields of the string".to_owned();
        }
        let zeros = if self.scheme.composition.drops_zeros { " and not zero" } else { "" };
        let empties = match (empties, signed) {
            (Empties::Drop, None) => "take the fields that are not empty".to_owned(),
            (Empties::Keep, None) => "take all fields, empty ones too".to_owned(),
            (Empties::Drop, Some(names)) => {
                format!("take {} where they are not empty", Untrusted::new(names.join(", ")))
            }
            (Empties::Keep, Some(names)) => {
                format!("take {}, empty ones too", Untrusted::new(names.join(", ")))
            }
        };
        let nulls = match (self.scheme.empties, nulls) {
            (Empties::Keep, Nulls::Drop) => ", but not null",
            (Empties::Drop, Nulls::Keep) => ", and null as an empty text",
            (_, Nulls::Text) => ", and null as the text null",
            (Empties::Drop, Nulls::Drop) | (Empties::Keep, Nulls::Keep) => "",
        };
        empties + zeros + nulls
    }

    fn ordered(&self) -> &'static str {
        match self.scheme.composition.order {
            _ if !self.scheme.signs_pairs() => "keep the order of the string",
            Order::Name => "sort them by name, byte by byte, upper case first",
            Order::Received => "keep the order in which they were received",
        }
    }

    fn joined(&self) -> String {
        let composition = &self.scheme.composition;
        if !self.scheme.signs_pairs() {
            return format!("put them into {}", Untrusted::new(composition.notation()));
        }
        let separator = match &*self.scheme.separator {
            "" => "nothing".to_owned(),
            separator => format!("{:?}", Untrusted::new(&separator)),
        };
        let after = match self.scheme.suffix.notation() {
            empty if empty.is_empty() => "nothing follows".to_owned(),
            after => format!("then {}", Untrusted::new(&after)),
        };
        let after = match composition.notation() {
            empty if empty.is_empty() => after,
            string => format!("put them for {{*}} into {}", Untrusted::new(string)),
        };
        let values = match composition.values {
            ValueText::Plain => "as they are",
            ValueText::Form => "encoded as in a form",
            ValueText::Percent => "percent-encoded",
        };
        format!("join {} with {separator}, values {values}; {after}", composition.pairs.name())
    }

    fn digested(&self) -> String {
        let algorithm = match self.scheme.algorithm {
            Algorithm::HmacSha256 => "HMAC-SHA256 with the key",
            Algorithm::Sha256 => "SHA-256",
            other => other.name(),
        };
        if self.scheme.composition.is_base64 {
            return format!("take the {algorithm}, in base64");
        }
        let (case, digits) = (self.scheme.digest_case.name(), self.scheme.algorithm.digits());
        format!("take the {algorithm}, {digits} hexadecimal digits in {case} case")
    }

    pub fn json(&self) -> Value {
        let left_out: Vec<Value> = self
            .left_out
            .iter()
            .map(|(name, why)| {
                json!({"name": Untrusted::new(&name), "why": why.code(), "explanation": why.to_string()})
            })
            .collect();
        let weaknesses: Vec<Value> = self
            .weaknesses
            .iter()
            .map(|weakness| {
                json!({
                    "code": weakness.code(),
                    "member": weakness.member().map(Untrusted::new),
                    "explanation": weakness.explanation(),
                })
            })
            .collect();
        json!({
            "kept": self.kept.iter().map(Untrusted::new).collect::<Vec<_>>(),
            "left_out": left_out,
            "separator": Untrusted::new(&self.scheme.separator),
            "canonical": Untrusted::new(&self.masked_canonical),
            "algorithm": self.scheme.algorithm.id(),
            "after": self.scheme.suffix.notation(),
            "digest_case": self.scheme.digest_case.name(),
            "digest": self.digest,
            "weaknesses": weaknesses,
        })
    }
}

#[cfg(test)]
mod tests {
    use protocol::internal::signature::{attach, expected, sign, verify};
    use protocol::{Dialect, Key};

    use super::*;

    fn explain(json: &str) -> (Explanation, String) {
        let key = Key::try_new(b"ThisIsYourSecretKey123".to_vec()).unwrap();
        let dialect = Dialect::platform();
        let payload = Payload::parse(json.as_bytes()).unwrap();
        let verification = verify(&payload, &key, dialect, None);
        let scheme = &verification.scheme;
        let circumstances = Circumstances { scheme, dialect, required: None, now: 0 };
        let right = expected(&payload, &key, dialect, &verification).as_str().to_owned();
        (Explanation::new(&payload, &verification, &circumstances), right)
    }

    fn text(explanation: &Explanation) -> String {
        let lines = explanation.lines(None);
        let line = |line: &Line| line.spans.iter().map(|span| &*span.text).collect::<String>();
        lines.iter().map(|each| line(each) + "\n").collect()
    }

    #[test]
    fn a_mismatch_is_explained_without_the_right_digest() {
        let (explanation, right) =
            explain(r#"{"b":2,"a":"x","memo":"","sign_type":"MD5","sign":"00"}"#);
        let shown = text(&explanation) + &explanation.json().to_string();
        assert!(!shown.contains(&right), "{shown}");
        assert_eq!(explanation.digest, None);
        assert_eq!(explanation.kept, ["a", "b"]);
        let why: Vec<_> = explanation.left_out.iter().map(|(n, why)| (&**n, *why)).collect();
        assert_eq!(
            why,
            [
                ("memo", Omission::Empty),
                ("sign", Omission::Signature),
                ("sign_type", Omission::Name)
            ]
        );
        assert!(shown.contains("a=x&b=2&[key]"), "{shown}");
        assert!(shown.contains("2 of 5"), "{shown}");
    }

    #[test]
    fn a_match_is_explained_with_the_digest_that_was_given() {
        let key = Key::try_new(b"ThisIsYourSecretKey123".to_vec()).unwrap();
        let payload = Payload::parse(b"{\"a\":1}").unwrap();
        let scheme = Dialect::platform().first();
        let signature = sign(&canonicalize(&payload, scheme), scheme, &key);
        let (explanation, right) = explain(&attach(&payload, scheme, &signature));
        assert_eq!(explanation.digest.as_deref(), Some(signature.as_str()));
        assert_eq!(right, signature.as_str());
        assert_eq!(explanation.json()["digest"], right);
        assert!(text(&explanation).contains("32 hexadecimal digits in lower case"));
    }
}
