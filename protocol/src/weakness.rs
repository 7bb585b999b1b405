//! What a signature does not protect, where a payload shows it.
//!
//! Source: the end of the protocol's section 2. None of this makes a signature wrong: it says what
//! else would carry the same signature, or how the next one could be forged.

use super::canonical::{Selection, select, value_into};
use super::dialect::Dialect;
use super::notification::whole_number;
use super::payload::Payload;
use super::scheme::{Algorithm, Composition, Scheme};
use crate::untrusted::Untrusted;

/// The first second after 2026-03-31 in UTC, when the platform retired MD5 by its announcement.
const MD5_RETIRED_AT: i64 = 1_775_001_600;

const MAX_NAMES: usize = 8;

/// Something that a signature does not protect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Weakness {
    /// Nothing is signed but the key.
    EmptyCanonical,
    /// Pairs run together without a separator.
    NoSeparator,
    /// A value holds what reads as another pair: a payload with that member signs alike.
    PairInValue {
        /// The member whose value it is.
        member: String,
        /// The member that a twin would have.
        twin: String,
    },
    /// A name holds `=`: a payload with a shorter name signs alike.
    PairInName {
        /// The member.
        member: String,
        /// The member that a twin would have.
        twin: String,
    },
    /// Members that are there but empty: they could be added or removed unseen.
    EmptyMembers {
        /// The first of them, by name.
        names: Vec<String>,
        /// How many there are.
        count: usize,
    },
    /// A member that is there and never signed, beside the signature itself.
    UnsignedMember(String),
    /// The sender may fall back to the weaker digest.
    Downgrade {
        /// The digest that could be demanded.
        stronger: Algorithm,
    },
    /// MD5 after its retirement.
    RetiredMd5,
}

impl Weakness {
    /// The stable name, as JSON output carries it.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Weakness::EmptyCanonical => "empty-canonical",
            Weakness::NoSeparator => "no-separator",
            Weakness::PairInValue { .. } => "pair-in-value",
            Weakness::PairInName { .. } => "pair-in-name",
            Weakness::EmptyMembers { .. } => "empty-members",
            Weakness::UnsignedMember(_) => "unsigned-member",
            Weakness::Downgrade { .. } => "downgrade",
            Weakness::RetiredMd5 => "retired-md5",
        }
    }

    /// The member it is about, where it is about one.
    #[must_use]
    pub fn member(&self) -> Option<&str> {
        match self {
            Weakness::PairInValue { member, .. }
            | Weakness::PairInName { member, .. }
            | Weakness::UnsignedMember(member) => Some(member),
            _ => None,
        }
    }

    /// The weakness in words.
    #[must_use]
    pub fn explanation(&self) -> String {
        match self {
            Weakness::EmptyCanonical => {
                "nothing is signed: every payload without fields has this signature".to_owned()
            }
            Weakness::NoSeparator => {
                "pairs run together: where one ends and the next begins is not signed".to_owned()
            }
            Weakness::PairInValue { member, twin } => {
                let (member, twin) = (Untrusted::new(member), Untrusted::new(twin));
                format!(
                    "the value of {member:?} holds what reads as {twin}=…: values are not escaped, \
                     so a payload with a field {twin:?} has this signature too"
                )
            }
            Weakness::PairInName { member, twin } => format!(
                "the name {:?} holds '=': a payload with a field {:?} has this signature too",
                Untrusted::new(member),
                Untrusted::new(twin)
            ),
            Weakness::EmptyMembers { names, count } => {
                let more = if *count > names.len() { ", …" } else { "" };
                format!(
                    "{}{more}: empty fields are not signed, so they can be added or removed unseen",
                    Untrusted::new(names.join(", "))
                )
            }
            Weakness::UnsignedMember(name) => {
                format!(
                    "{} is here and not signed: anyone on the way can change it",
                    Untrusted::new(name)
                )
            }
            Weakness::Downgrade { stronger } => format!(
                "MD5 is accepted because nothing demands {stronger}; demand it with --require {}",
                stronger.id()
            ),
            Weakness::RetiredMd5 => {
                "MD5 after 2026-03-31, when the platform announced its retirement".to_owned()
            }
        }
    }
}

/// What a verification stands on beside the payload.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances<'a> {
    /// The scheme by which it was verified.
    pub scheme: &'a Scheme,
    /// The dialect that the scheme is from.
    pub dialect: &'a Dialect,
    /// The digest that was demanded.
    pub required: Option<Algorithm>,
    /// The time, in Unix seconds, where the payload has none.
    pub now: i64,
}

/// The weaknesses that a payload shows under these circumstances.
#[must_use]
pub fn weaknesses(payload: &Payload<'_>, circumstances: &Circumstances<'_>) -> Vec<Weakness> {
    let scheme = circumstances.scheme;
    let mut found = Vec::new();
    let kept = || select(payload, scheme).filter(|(_, selection)| *selection == Selection::Kept);
    if kept().next().is_none() {
        found.push(Weakness::EmptyCanonical);
    }
    if scheme.runs_together() {
        found.push(Weakness::NoSeparator);
    } else if scheme.composition == Composition::PLAIN {
        find_twins(payload, scheme, &mut found);
    }
    find_unsigned(payload, scheme, &mut found);
    find_weak_digest(payload, circumstances, &mut found);
    found
}

/// Finds names and values that a verifier of another payload would read as pairs of their own.
///
/// Only exact twins count: the twin's names must be in order and must be signed themselves, so
/// a URL with a query is no false alarm.
fn find_twins(payload: &Payload<'_>, scheme: &Scheme, found: &mut Vec<Weakness>) {
    let mut kept = select(payload, scheme)
        .filter(|(_, selection)| *selection == Selection::Kept)
        .map(|(member, _)| member)
        .peekable();
    let is_signed = |name: &str| scheme.signs(name);
    let mut previous: Option<&str> = None;
    let mut text = String::new();
    while let Some(member) = kept.next() {
        let name: &str = &member.name;
        if let Some((twin, _)) = name.split_once('=')
            && previous.is_none_or(|previous| previous < twin)
            && is_signed(twin)
        {
            found.push(Weakness::PairInName { member: name.to_owned(), twin: twin.to_owned() });
        }
        text.clear();
        value_into(&member.value, scheme.nulls, &mut text);
        let next = kept.peek().map(|next| &*next.name);
        if let Some(twin) = pair_in(&text, scheme, |twin| {
            twin > name && next.is_none_or(|next| twin < next) && is_signed(twin)
        }) {
            let twin = twin.to_owned();
            found.push(Weakness::PairInValue { member: name.to_owned(), twin });
        }
        previous = Some(name);
    }
}

fn pair_in<'t>(text: &'t str, scheme: &Scheme, fits: impl Fn(&str) -> bool) -> Option<&'t str> {
    let drops = scheme.empties == super::scheme::Empties::Drop;
    text.match_indices(&*scheme.separator).find_map(|(at, separator)| {
        // The rest of the value is one piece; a later split of it is another twin.
        let piece = text[at + separator.len()..].split(&*scheme.separator).next()?;
        let (twin, value) = piece.split_once('=')?;
        let is_last = at + separator.len() + piece.len() == text.len();
        // An empty member would be dropped, and the twin's string would lack it.
        let is_dropped = drops && (at == 0 || (is_last && value.is_empty()));
        (!is_dropped && fits(twin)).then_some(twin)
    })
}

fn find_unsigned(payload: &Payload<'_>, scheme: &Scheme, found: &mut Vec<Weakness>) {
    let mut names = Vec::new();
    let mut count = 0;
    for (member, selection) in select(payload, scheme) {
        match selection {
            Selection::Kept => {}
            Selection::Empty => {
                count += 1;
                if names.len() < MAX_NAMES {
                    names.push(member.name.to_string());
                }
            }
            Selection::LeftOut if member.name == scheme.sign_field => {}
            Selection::LeftOut => found.push(Weakness::UnsignedMember(member.name.to_string())),
        }
    }
    if count > 0 {
        found.push(Weakness::EmptyMembers { names, count });
    }
}

fn find_weak_digest(
    payload: &Payload<'_>,
    circumstances: &Circumstances<'_>,
    found: &mut Vec<Weakness>,
) {
    let Circumstances { scheme, dialect, required, now } = circumstances;
    if scheme.algorithm != Algorithm::Md5 {
        return;
    }
    let stronger = [Algorithm::HmacSha256, Algorithm::Sha256]
        .into_iter()
        .find(|algorithm| dialect.scheme(*algorithm).is_some());
    if let Some(stronger) = stronger
        && required.is_none_or(|required| required == Algorithm::Md5)
    {
        found.push(Weakness::Downgrade { stronger });
    }
    let time = |name| whole_number(&payload.get(name)?.value);
    let updated = time("update_time").or_else(|| time("create_time")).unwrap_or(*now);
    // The announcement was this platform's; the siblings live on with MD5.
    if dialect.id == Dialect::platform().id && updated >= MD5_RETIRED_AT {
        found.push(Weakness::RetiredMd5);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::canonicalize;
    use crate::scheme::Part;

    const LONG_AGO: i64 = 1_567_614_049;

    fn found(json: &str, id: &str, required: Option<Algorithm>, now: i64) -> Vec<Weakness> {
        let payload = Payload::parse(json.as_bytes()).unwrap();
        let dialect = Dialect::built_in(id).unwrap();
        let circumstances = Circumstances { scheme: dialect.first(), dialect, required, now };
        weaknesses(&payload, &circumstances)
    }

    fn codes(json: &str) -> Vec<&'static str> {
        // Demanding the stronger digest would be a mismatch; here only the payload counts.
        let found = found(json, "epay", None, LONG_AGO);
        found.iter().map(Weakness::code).collect()
    }

    #[test]
    fn a_sound_payload_shows_none() {
        assert_eq!(codes(r#"{"amount":1,"error_msg":"x","sign":"y"}"#), [""; 0]);
    }

    #[test]
    fn a_pair_in_a_value_is_found_where_a_twin_signs_alike() {
        let first = r#"{"error_msg":"x&fee=0","amount":1}"#;
        let found = found(first, "epay", None, LONG_AGO);
        let twin = Weakness::PairInValue { member: "error_msg".into(), twin: "fee".into() };
        assert_eq!(found, [twin]);
        let canonical = |json: &str| {
            let payload = Payload::parse(json.as_bytes()).unwrap();
            canonicalize(&payload, Dialect::built_in("epay").unwrap().first()).as_str().to_owned()
        };
        assert_eq!(canonical(first), canonical(r#"{"error_msg":"x","fee":0,"amount":1}"#));
    }

    #[test]
    fn a_pair_that_no_twin_could_have_is_no_alarm() {
        for json in [
            // Out of order, in both directions.
            r#"{"notify_url":"http://h/?x=1&b=2"}"#,
            r#"{"error_msg":"x&zz=0","fee":1}"#,
            // The twin's member would be dropped, or would not be signed.
            r#"{"error_msg":"x&fee="}"#,
            r#"{"error_msg":"&fee=0"}"#,
            r#"{"error_msg":"x&sign=0"}"#,
            r#"{"error_msg":"x&fee"}"#,
        ] {
            assert_eq!(codes(json), [""; 0], "{json}");
        }
        assert_eq!(codes(r#"{"error_msg":"x&fee=&y"}"#), ["pair-in-value"]);
        assert_eq!(codes(r#"{"a":["x&b=1"]}"#), ["pair-in-value"]);
        assert_eq!(codes(r#"{"a=b":"c"}"#), ["pair-in-name"]);
        assert_eq!(codes(r#"{"a":1,"a=b":"c"}"#), [""; 0]);
    }

    #[test]
    fn what_is_not_signed_is_named() {
        assert_eq!(codes("{}"), ["empty-canonical"]);
        assert_eq!(
            codes(r#"{"memo":"","n":null,"sign":"x"}"#),
            ["empty-canonical", "empty-members"]
        );
        assert_eq!(codes(r#"{"a":1,"sign_type":"MD5"}"#), ["unsigned-member"]);
        let many: Vec<String> = (0..100).map(|n| format!("\"m{n}\":\"\"")).collect();
        let found = found(&format!("{{\"a\":1,{}}}", many.join(",")), "epay", None, LONG_AGO);
        let text = found[0].explanation();
        assert!(text.starts_with("m0, m1, ") && text.contains(", …: empty"), "{text}");
    }

    #[test]
    fn md5_is_weak_where_better_can_be_demanded_and_after_its_retirement() {
        let codes = |json: &str, required, now| -> Vec<&'static str> {
            found(json, "platform", required, now).iter().map(Weakness::code).collect()
        };
        assert_eq!(codes("{\"a\":1}", None, LONG_AGO), ["downgrade"]);
        assert_eq!(codes("{\"a\":1}", None, MD5_RETIRED_AT), ["downgrade", "retired-md5"]);
        assert_eq!(codes("{\"a\":1}", Some(Algorithm::HmacSha256), LONG_AGO), [""; 0]);
        let told = r#"{"update_time":1567614049}"#;
        assert_eq!(codes(told, Some(Algorithm::HmacSha256), MD5_RETIRED_AT), [""; 0]);
        let late = r#"{"update_time":1775001600}"#;
        assert_eq!(codes(late, Some(Algorithm::HmacSha256), LONG_AGO), ["retired-md5"]);
    }

    #[test]
    fn a_long_value_of_separators_takes_linear_time() {
        let json = format!("{{\"a\":\"{}\"}}", "&".repeat(900_000));
        assert_eq!(codes(&json), [""; 0]);
        let json = format!("{{\"a\":\"{}\"}}", "&x".repeat(400_000));
        assert_eq!(codes(&json), [""; 0]);
    }

    #[test]
    fn a_twin_sorts_strictly_between_its_neighbours() {
        for (json, expected) in [
            (r#"{"b":"x&b=1"}"#, &[][..]),
            (r#"{"b":"x&a=1"}"#, &[]),
            (r#"{"b":"x&c=1"}"#, &["pair-in-value"]),
            (r#"{"b":"x&c=1","c":2}"#, &[]),
            (r#"{"b":"x&c=1","ca":2}"#, &["pair-in-value"]),
            (r#"{"a":1,"b=c":2}"#, &["pair-in-name"]),
            (r#"{"b":1,"b=c":2}"#, &[]),
            (r#"{"a":"x","c":1,"b=c":2}"#, &["pair-in-name"]),
            (r#"{"sign=c":2}"#, &[]),
            (r#"{"sign_type=c":2}"#, &[]),
        ] {
            assert_eq!(codes(json), expected, "{json}");
        }
        // Where empty members are signed, a twin may have one.
        for json in [r#"{"b":"&c=1"}"#, r#"{"b":"x&c="}"#] {
            assert_eq!(codes(json), [""; 0], "{json}");
            let kept = found(json, "fork", None, LONG_AGO);
            assert_eq!(kept.iter().map(Weakness::code).collect::<Vec<_>>(), ["pair-in-value"]);
        }
    }

    #[test]
    fn a_missing_separator_is_the_only_weakness_reported() {
        let payload = Payload::parse(br#"{"b":"x&c=1","a=b":1}"#).unwrap();
        let dialect = Dialect::built_in("epay").unwrap();
        let scheme = Scheme { separator: "".into(), ..dialect.first().clone() };
        let circumstances =
            Circumstances { scheme: &scheme, dialect, required: None, now: LONG_AGO };
        assert_eq!(weaknesses(&payload, &circumstances), [Weakness::NoSeparator]);
        let field = |name: &str| Part::Field(name.to_owned().into());
        let between = Part::Text(":".into());
        for (string, runs_together) in [
            (vec![field("a"), field("b")], true),
            (vec![field("a"), between.clone(), field("b")], false),
            (vec![field("a"), Part::Pairs], true),
        ] {
            let composition = Composition { string: string.into(), ..Composition::PLAIN };
            let scheme = Scheme { composition, ..dialect.first().clone() };
            assert_eq!(scheme.runs_together(), runs_together, "{scheme:?}");
        }
    }

    #[test]
    fn eight_empty_members_are_named_and_more_are_counted() {
        for (count, is_cut) in [(1, false), (7, false), (8, false), (9, true)] {
            let members: Vec<String> = (0..count).map(|n| format!("\"m{n}\":\"\"")).collect();
            let found =
                found(&format!("{{\"a\":1,{}}}", members.join(",")), "epay", None, LONG_AGO);
            let [weakness @ Weakness::EmptyMembers { names, count: counted }] = &*found else {
                panic!("{found:?}")
            };
            assert_eq!((names.len(), *counted), (count.min(8), count));
            assert_eq!(weakness.explanation().contains('…'), is_cut, "{count}");
        }
    }

    #[test]
    fn the_retirement_of_md5_is_judged_by_update_time_first() {
        let md5 = Some(Algorithm::Md5);
        let hmac = Some(Algorithm::HmacSha256);
        let late = MD5_RETIRED_AT;
        for (json, id, required, now, expected) in [
            (r#"{"update_time":1775001599}"#, "platform", hmac, late, &[][..]),
            (r#"{"update_time":1775001600}"#, "platform", hmac, LONG_AGO, &["retired-md5"]),
            (r#"{"update_time":"1775001600"}"#, "platform", hmac, LONG_AGO, &["retired-md5"]),
            (r#"{"update_time":1,"create_time":1775001600}"#, "platform", hmac, late, &[]),
            (
                r#"{"create_time":1,"update_time":1775001600}"#,
                "platform",
                hmac,
                0,
                &["retired-md5"],
            ),
            (r#"{"update_time":"x","create_time":1}"#, "platform", hmac, late, &[]),
            (
                r#"{"update_time":null}"#,
                "platform",
                hmac,
                late - 1,
                &["empty-canonical", "empty-members"],
            ),
            (r#"{"a":1}"#, "platform", hmac, 1_775_001_599, &[]),
            (r#"{"a":1}"#, "platform", hmac, 1_775_001_600, &["retired-md5"]),
            (r#"{"a":1}"#, "platform", md5, LONG_AGO, &["downgrade"]),
            (r#"{"a":1}"#, "wechat-v2", None, late, &["downgrade"]),
            (r#"{"a":1}"#, "jeepay", None, late, &[]),
        ] {
            let found = found(json, id, required, now);
            let codes: Vec<&str> = found.iter().map(Weakness::code).collect();
            assert_eq!(codes, expected, "{json} {id}");
        }
    }

    #[test]
    fn the_digest_to_demand_is_one_that_the_dialect_has() {
        let payload = Payload::parse(br#"{"a":1}"#).unwrap();
        let md5 = Dialect::built_in("epay").unwrap().first().clone();
        for (others, stronger) in [
            (&[][..], None),
            (&[Algorithm::Sha256], Some(Algorithm::Sha256)),
            (&[Algorithm::Sha256, Algorithm::HmacSha256], Some(Algorithm::HmacSha256)),
        ] {
            let more =
                others.iter().map(|algorithm| Scheme { algorithm: *algorithm, ..md5.clone() });
            let schemes: Vec<Scheme> = [md5.clone()].into_iter().chain(more).collect();
            let dialect =
                Dialect { schemes: schemes.into(), ..Dialect::built_in("epay").unwrap().clone() };
            for scheme in dialect.schemes.iter() {
                let circumstances =
                    Circumstances { scheme, dialect: &dialect, required: None, now: LONG_AGO };
                let expected = stronger.filter(|_| scheme.algorithm == Algorithm::Md5);
                let expected = expected.map(|stronger| Weakness::Downgrade { stronger });
                assert_eq!(weaknesses(&payload, &circumstances), Vec::from_iter(expected));
            }
        }
    }

    #[test]
    fn each_weakness_has_its_code_and_names_its_member() {
        let (member, twin) = ("memo".to_owned(), "fee".to_owned());
        let names = vec!["memo".to_owned()];
        for (weakness, code, named, parts) in [
            (Weakness::EmptyCanonical, "empty-canonical", None, ["nothing is signed", ""]),
            (Weakness::NoSeparator, "no-separator", None, ["pairs", ""]),
            (
                Weakness::PairInValue { member: member.clone(), twin: twin.clone() },
                "pair-in-value",
                Some("memo"),
                ["\"memo\"", "fee="],
            ),
            (
                Weakness::PairInName { member, twin },
                "pair-in-name",
                Some("memo"),
                ["\"memo\"", "\"fee\""],
            ),
            (Weakness::EmptyMembers { names, count: 1 }, "empty-members", None, ["memo", "empty"]),
            (
                Weakness::UnsignedMember("sign_type".to_owned()),
                "unsigned-member",
                Some("sign_type"),
                ["sign_type", "not signed"],
            ),
            (
                Weakness::Downgrade { stronger: Algorithm::HmacSha256 },
                "downgrade",
                None,
                ["MD5", "--require hmac-sha256"],
            ),
            (Weakness::RetiredMd5, "retired-md5", None, ["MD5", "2026-03-31"]),
        ] {
            assert_eq!((weakness.code(), weakness.member()), (code, named));
            let said = weakness.explanation();
            assert!(parts.into_iter().all(|part| said.contains(part)), "{said}");
        }
    }
}
