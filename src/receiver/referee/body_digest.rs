//! What is kept of a body: hashes in a small, fixed room, enough to say what differs later.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::LazyLock;

use protocol::internal::documented::documented_fields;
use protocol::{Dialect, Kind, Payload, Value};

/// The most members that are told apart by name; the rest are compared as one.
const MOST_MEMBERS: usize = 24;

const MOST_NAMED: usize = 8;

pub(super) const LONGEST_TEXT: usize = 64;

/// What makes a notification another one: who is paid, and how much.
const IDENTITY: [&str; 5] = ["amount", "platform_id", "payout_cl_id", "real_amount", "fee"];

/// How many of them stay the same whatever the status; what was really paid, and for which fee, may
/// be known only at the end (ours).
const LASTING: usize = 3;

/// The identity members by what they say, so that `"1"` and `1` are the same.
pub(super) type IdentityFields = [Option<Short>; IDENTITY.len()];

/// A hash under a secret of this process: enough to tell values apart, even where a sender would
/// like two of them to be the same, and nothing that outlives the process.
type Short = u64;

static SECRET: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// The fields that the platform documents.
static DOCUMENTED: LazyLock<Vec<(Short, &str)>> = LazyLock::new(|| {
    let names = [Kind::Payout, Kind::Deposit].into_iter().flat_map(documented_fields);
    names.map(|name| (short(name.as_bytes()), name)).collect()
});

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BodyDigest {
    whole: Short,
    members: Box<[(Short, Short)]>,
    rest: Short,
    pub(super) identity: IdentityFields,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NamedPrint {
    pub(super) print: BodyDigest,
    /// Those of members that are not documented.
    names: Vec<(Short, Box<str>)>,
    sign_field: Short,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum BodyDifference {
    WritingOnly,
    SignatureOnly,
    Members(Vec<String>),
}

fn short(text: &[u8]) -> Short {
    let mut hasher = SECRET.build_hasher();
    hasher.write(text);
    hasher.finish()
}

fn documented(name: Short) -> Option<&'static str> {
    DOCUMENTED.iter().find(|(known, _)| *known == name).map(|(_, name)| *name)
}

impl NamedPrint {
    pub(super) fn of(payload: &Payload<'_>, dialect: &Dialect) -> Self {
        let text = payload.text().as_bytes();
        let mut members = Vec::with_capacity(payload.members().len().min(MOST_MEMBERS));
        let (mut names, mut rest) = (Vec::new(), SECRET.build_hasher());
        for (index, member) in payload.members_by_name().enumerate() {
            let name = short(member.name.as_bytes());
            let value = short(&text[member.value_span()]);
            if index >= MOST_MEMBERS {
                rest.write_u64(name);
                rest.write_u64(value);
                continue;
            }
            members.push((name, value));
            if documented(name).is_none() {
                names.push((name, shortened(&member.name)));
            }
        }
        members.sort_unstable();
        let identity = IDENTITY.map(|name| {
            // A deposit's own id of the merchant stands in its other name.
            let other = if name == "payout_cl_id" { "payment_cl_id" } else { name };
            let layout = &dialect.layout;
            let member = payload.get(layout.name(name)?).or_else(|| payload.get(other))?;
            Some(match &member.value {
                Value::String(text) => short(text.as_bytes()),
                _ => short(&text[member.value_span()]),
            })
        });
        let print = BodyDigest {
            whole: short(text),
            members: members.into(),
            rest: rest.finish(),
            identity,
        };
        NamedPrint { print, names, sign_field: short(dialect.sign_field().as_bytes()) }
    }

    fn name(&self, digest: Short) -> String {
        let own = || self.names.iter().find(|(known, _)| *known == digest).map(|(_, name)| &**name);
        // One that is gone, and is no documented one, has no name any more.
        documented(digest).or_else(own).unwrap_or("an undocumented field").to_owned()
    }

    /// How this body differs from an earlier one; nothing where every byte is the same.
    pub(super) fn difference(&self, first: &BodyDigest) -> Option<BodyDifference> {
        if self.print.whole == first.whole {
            return None;
        }
        let mut differing: Vec<Short> = [(&self.print, first), (first, &self.print)]
            .into_iter()
            .flat_map(|(from, other)| {
                from.members.iter().filter(|it| other.members.binary_search(it).is_err())
            })
            .map(|(name, _)| *name)
            .collect();
        differing.sort_unstable();
        differing.dedup();
        let has_rest = self.print.rest != first.rest;
        if differing.is_empty() && !has_rest {
            return Some(BodyDifference::WritingOnly);
        }
        if !has_rest && differing == [self.sign_field] {
            return Some(BodyDifference::SignatureOnly);
        }
        let mut names: Vec<String> = differing.into_iter().map(|name| self.name(name)).collect();
        names.sort_unstable();
        names.dedup();
        let untold = names.len() > MOST_NAMED || has_rest;
        names.truncate(MOST_NAMED);
        names.extend(untold.then(|| "others".to_owned()));
        Some(BodyDifference::Members(names))
    }

    pub(super) fn conflicts(
        &self,
        order: &IdentityFields,
        same_status: &IdentityFields,
    ) -> Vec<String> {
        let own = &self.print.identity;
        let differs = |index: usize| {
            own[index] != same_status[index] || (index < LASTING && own[index] != order[index])
        };
        let differing = IDENTITY.into_iter().enumerate().filter(|(index, _)| differs(*index));
        differing.map(|(_, name)| name.to_owned()).collect()
    }
}

/// At most [`LONGEST_TEXT`] characters of a text; a longer one ends in `…`.
pub(super) fn shortened(text: &str) -> Box<str> {
    match text.char_indices().nth(LONGEST_TEXT) {
        None => text.into(),
        Some(_) => text.chars().take(LONGEST_TEXT - 1).chain(['…']).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn print(json: &str) -> NamedPrint {
        NamedPrint::of(&Payload::parse(json.as_bytes()).unwrap(), Dialect::platform())
    }

    fn difference(first: &str, then: &str) -> Option<BodyDifference> {
        print(then).difference(&print(first).print)
    }

    fn members(names: &[&str]) -> Option<BodyDifference> {
        Some(BodyDifference::Members(names.iter().map(|&name| name.to_owned()).collect()))
    }

    #[test]
    fn what_a_dialect_calls_the_amount_and_the_signature_is_known() {
        let print = |id: &str, json: &str| {
            let payload = Payload::parse(json.as_bytes()).unwrap();
            NamedPrint::of(&payload, protocol::Dialect::built_in(id).unwrap())
        };
        let first = print("tokenpay", r#"{"Id":"1","ActualAmount":"1.00","Signature":"x"}"#);
        let again = print("tokenpay", r#"{"Id":"1","ActualAmount":"1.00","Signature":"y"}"#);
        assert_eq!(again.difference(&first.print), Some(BodyDifference::SignatureOnly));
        let other = print("tokenpay", r#"{"Id":"1","ActualAmount":"2.00","Signature":"x"}"#);
        assert_eq!(again.print.identity, first.print.identity);
        assert_ne!(other.print.identity, first.print.identity);
    }

    #[test]
    fn what_differs_is_named() {
        let first = r#"{"a":1,"sign":"x","fee":2}"#;
        assert_eq!(difference(first, first), None);
        assert_eq!(
            difference(first, r#"{"a": 1,"sign":"x","fee":2}"#),
            Some(BodyDifference::WritingOnly)
        );
        assert_eq!(
            difference(first, r#"{"fee":2,"sign":"x","a":1}"#),
            Some(BodyDifference::WritingOnly)
        );
        assert_eq!(
            difference(first, r#"{"a":1,"sign":"y","fee":2}"#),
            Some(BodyDifference::SignatureOnly)
        );
        assert_eq!(difference(first, r#"{"a":2,"sign":"y","fee":2}"#), members(&["a", "sign"]));
        assert_eq!(difference(first, r#"{"a":"1","sign":"x","fee":2}"#), members(&["a"]));
        assert_eq!(difference(first, r#"{"a":1,"sign":"x"}"#), members(&["fee"]));
        assert_eq!(
            difference(first, r#"{"sign":"x","fee":2}"#),
            members(&["an undocumented field"])
        );
    }

    #[test]
    fn what_is_kept_is_bounded_whatever_comes() {
        let many = |count: usize, last: &str| {
            let members: Vec<String> = (0..count).map(|at| format!("\"m{at:05}\":1")).collect();
            format!("{{{},\"z\":{last}}}", members.join(","))
        };
        let (first, then) = (many(20_000, "1"), many(20_000, "2"));
        assert_eq!(print(&first).print.members.len(), MOST_MEMBERS);
        assert_eq!(difference(&first, &then), members(&["others"]));
        let Some(BodyDifference::Members(names)) = difference("{}", &many(7, "1")) else {
            panic!()
        };
        assert_eq!((names.len(), names.contains(&"others".to_owned())), (MOST_NAMED, false));
        let Some(BodyDifference::Members(names)) = difference("{}", &many(20, "1")) else {
            panic!()
        };
        assert_eq!((names.len(), names.last().map(|it| &**it)), (MOST_NAMED + 1, Some("others")));
        let long = format!("{{\"{}\":1}}", "é".repeat(100_000));
        let Some(BodyDifference::Members(names)) = difference("{}", &long) else { panic!() };
        assert_eq!(names[0].chars().count(), LONGEST_TEXT);
    }

    #[test]
    fn identity_is_what_a_member_says_not_how() {
        let first = print(r#"{"amount":400000,"fee":1}"#).print.identity;
        let conflicts = |json| print(json).conflicts(&first, &first);
        assert!(conflicts(r#"{"fee":"1","amount":"400000"}"#).is_empty());
        assert_eq!(conflicts(r#"{"amount":400001,"fee":1}"#), ["amount"]);
        assert_eq!(conflicts(r#"{"amount":400000,"payout_cl_id":"x"}"#), ["payout_cl_id", "fee"]);
    }

    #[test]
    fn a_deposit_has_the_merchants_id_under_another_name() {
        let first = print(r#"{"payment_cl_id":"x","amount":1}"#).print.identity;
        let conflicts = |json| print(json).conflicts(&first, &first);
        assert!(conflicts(r#"{"payment_cl_id":"x","amount":1}"#).is_empty());
        assert_eq!(conflicts(r#"{"payment_cl_id":"y","amount":1}"#), ["payout_cl_id"]);
        assert_eq!(conflicts(r#"{"payment_cl_id":"x"}"#), ["amount"]);
    }

    #[test]
    fn what_was_really_paid_may_settle_with_the_status() {
        let first = print(r#"{"amount":1,"real_amount":0,"fee":0}"#).print.identity;
        let then = print(r#"{"amount":1,"real_amount":1,"fee":2}"#);
        assert!(then.conflicts(&first, &then.print.identity).is_empty());
        let other = print(r#"{"amount":2,"real_amount":0,"fee":0}"#);
        assert_eq!(other.conflicts(&first, &other.print.identity), ["amount"]);
    }
}
