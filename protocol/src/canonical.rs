//! Payload × scheme → canonical string, with what was left out and why.

use super::payload::{Member, Payload, Value};
use super::scan::compact_into;
use super::scheme::{
    Algorithm, Composition, Empties, KeyText, Nulls, Order, Pairs, Part, Scheme, ValueText,
};

/// The string that is signed, without the key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CanonicalString {
    text: String,
    /// Where the key is, where it is not only behind the text.
    keys: Vec<(usize, KeyText)>,
}

impl CanonicalString {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The text with what follows it, the key masked: for people to compare with their own.
    #[must_use]
    pub fn masked(&self, scheme: &Scheme) -> String {
        let mut masked = String::new();
        self.pieces(|text, key| {
            masked.push_str(text);
            masked.push_str(&key.map_or("", KeyText::notation).replace("KEY", "[key]"));
        });
        masked + &scheme.masked_suffix()
    }

    /// Hands on the text up to each key, with how the key is written, and what is behind the last.
    pub(super) fn pieces(&self, mut take: impl FnMut(&str, Option<KeyText>)) {
        let mut start = 0;
        for (at, key) in &self.keys {
            take(&self.text[start..*at], Some(*key));
            start = *at;
        }
        take(&self.text[start..], None);
    }
}

/// Whether a member is signed, and why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selection {
    /// It is signed.
    Kept,
    /// The scheme never signs a field of this name.
    LeftOut,
    /// Its value is empty.
    Empty,
}

/// Each member by name, with whether the scheme signs it.
pub fn select<'p, 'a>(
    payload: &'p Payload<'a>,
    scheme: &'p Scheme,
) -> impl Iterator<Item = (&'p Member<'a>, Selection)> {
    selected(payload.members_by_name(), scheme)
}

fn selected<'p, 'a: 'p>(
    members: impl Iterator<Item = &'p Member<'a>>,
    scheme: &'p Scheme,
) -> impl Iterator<Item = (&'p Member<'a>, Selection)> {
    let signs_pairs = scheme.signs_pairs();
    members.map(
        #[inline(always)]
        move |member| {
            let is_dropped = is_dropped(&member.value, scheme);
            let is_signed = match signs_pairs {
                true => scheme.signs_pair(&member.name),
                false => scheme.signs_alone(&member.name),
            };
            let selection = if !is_signed {
                Selection::LeftOut
            } else if is_dropped {
                Selection::Empty
            } else {
                Selection::Kept
            };
            (member, selection)
        },
    )
}

#[inline(always)]
fn is_dropped(value: &Value<'_>, scheme: &Scheme) -> bool {
    match value {
        Value::Null => scheme.nulls == Nulls::Drop,
        _ if scheme.composition.drops_zeros && is_zero(value) => true,
        _ => scheme.empties == Empties::Drop && value.is_empty(),
    }
}

/// The canonical string of a payload under a scheme.
///
/// Source: the protocol's section 2.
#[must_use]
pub fn canonicalize(payload: &Payload<'_>, scheme: &Scheme) -> CanonicalString {
    let text = String::with_capacity(payload.text().len());
    let mut canonical = CanonicalString { text, keys: Vec::new() };
    canonicalize_into(payload, scheme, &mut canonical);
    canonical
}

/// Like [`canonicalize`], in place of what `canonical` held: many payloads share one allocation.
pub fn canonicalize_into(payload: &Payload<'_>, scheme: &Scheme, canonical: &mut CanonicalString) {
    let CanonicalString { text, keys } = canonical;
    text.clear();
    keys.clear();
    if scheme.composition.string.is_empty() {
        pairs_into(payload, scheme, text);
    }
    for part in scheme.composition.string.iter() {
        match part {
            Part::Text(part) => text.push_str(part),
            Part::Pairs => pairs_into(payload, scheme, text),
            Part::Key(key) => keys.push((text.len(), *key)),
            Part::Field(name) => {
                if let Some(member) = payload.get(name) {
                    encoded_into(&member.value, scheme, text);
                }
            }
        }
    }
}

/// What precedes each value in the canonical strings of payloads with the same names in the same
/// order: most of one source have the same.
#[derive(Debug, Default)]
pub struct KnownPairs {
    /// The id of the names, and the digest: a dialect has one scheme with it.
    of: Option<(u64, Algorithm)>,
    /// A separator, the name and `=` for each.
    text: String,
    /// A member's place in the order received, and where what precedes its value ends in the text.
    pairs: Vec<(usize, usize)>,
}

impl KnownPairs {
    /// Like [`canonicalize_into`], for payloads of one dialect.
    pub fn canonicalize_into(
        &mut self,
        payload: &Payload<'_>,
        scheme: &Scheme,
        canonical: &mut CanonicalString,
    ) {
        let Composition { string, pairs, values, .. } = &scheme.composition;
        let is_plain =
            string.is_empty() && *pairs == Pairs::NameValue && *values == ValueText::Plain;
        let Some(id) = payload.names_id().filter(|_| is_plain) else {
            return canonicalize_into(payload, scheme, canonical);
        };
        if self.of != Some((id, scheme.algorithm)) {
            self.learn(payload, scheme);
            self.of = Some((id, scheme.algorithm));
        }
        let CanonicalString { text, keys } = canonical;
        text.clear();
        keys.clear();
        let mut start = 0;
        for (place, end) in &self.pairs {
            let value = &payload.members()[*place].value;
            if !is_dropped(value, scheme) {
                let separator = if text.is_empty() { scheme.separator.len() } else { 0 };
                text.push_str(&self.text[start + separator..*end]);
                value_into(value, scheme.nulls, text);
            }
            start = *end;
        }
    }

    fn learn(&mut self, payload: &Payload<'_>, scheme: &Scheme) {
        self.text.clear();
        self.pairs.clear();
        let mut add = |place: usize| {
            let name = &payload.members()[place].name;
            if scheme.signs_pair(name) {
                self.text.extend([&*scheme.separator, name, "="]);
                self.pairs.push((place, self.text.len()));
            }
        };
        match scheme.composition.order {
            Order::Name => payload.places_by_name().for_each(add),
            Order::Received => (0..payload.members().len()).for_each(&mut add),
        }
    }
}

fn pairs_into(payload: &Payload<'_>, scheme: &Scheme, text: &mut String) {
    match scheme.composition.order {
        Order::Name => write_pairs(payload.members_by_name(), scheme, text),
        Order::Received => write_pairs(payload.members().iter(), scheme, text),
    }
}

fn write_pairs<'p, 'a: 'p>(
    members: impl Iterator<Item = &'p Member<'a>>,
    scheme: &'p Scheme,
    text: &mut String,
) {
    let pairs = scheme.composition.pairs;
    let mut is_first = true;
    for (member, selection) in selected(members, scheme) {
        if selection != Selection::Kept {
            continue;
        }
        if !std::mem::take(&mut is_first) {
            match *scheme.separator.as_bytes() {
                // A single character, as most have, is pushed without a call.
                [one] if one.is_ascii() => text.push(char::from(one)),
                _ => text.push_str(&scheme.separator),
            }
        }
        if pairs != Pairs::Value {
            text.push_str(&member.name);
        }
        if pairs == Pairs::NameValue {
            text.push('=');
        }
        encoded_into(&member.value, scheme, text);
    }
}

/// Whether a value counts as empty where zeros do.
pub(super) fn is_zero(value: &Value<'_>) -> bool {
    match value {
        Value::Bool(flag) => !flag,
        Value::Number(digits) => digits.parse() == Ok(0.0),
        Value::String(text) => text == "0",
        Value::Null | Value::Array(_) | Value::Object(_) => false,
    }
}

#[inline]
fn encoded_into(value: &Value<'_>, scheme: &Scheme, out: &mut String) {
    if scheme.composition.values == ValueText::Plain {
        return value_into(value, scheme.nulls, out);
    }
    let mut text = String::new();
    value_into(value, scheme.nulls, &mut text);
    out.push_str(&scheme.composition.values.encode(&text));
}

#[inline]
pub(super) fn value_into(value: &Value<'_>, nulls: Nulls, out: &mut String) {
    match value {
        Value::Null if nulls == Nulls::Text => out.push_str("null"),
        Value::Null => {}
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(digits) => out.push_str(digits),
        Value::String(text) => out.push_str(text),
        Value::Array(json) | Value::Object(json) => compact_into(json, out),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::{DIALECTS, Dialect};
    use crate::payload::sources::one_after_another;

    #[test]
    fn what_is_known_of_the_names_before_changes_no_string() {
        let names = ["b", "a", "sign", "sign_type", "amount", "amount2", "pa\\u0079", "中", "key"];
        let values = ["1", "\"\"", "null", "\"x\"", "\"\\n\"", "{\"c\":[1, 2]}", "false", "0"];
        for dialect in &DIALECTS {
            let (mut known, mut found) = (KnownPairs::default(), CanonicalString::default());
            let mut schemes = dialect.schemes.iter().flat_map(|scheme| [scheme; 20]).cycle();
            one_after_another(&names, &values, |payload, alone| {
                assert!(payload.members_by_name().map(|member| &member.name).is_sorted());
                let scheme = schemes.next().unwrap();
                known.canonicalize_into(payload, scheme, &mut found);
                assert_eq!(found, canonicalize(alone, scheme), "{} {}", dialect.id, alone.text());
            });
        }
    }

    fn canonical(json: &str) -> String {
        let payload = Payload::parse(json.as_bytes()).unwrap();
        canonicalize(&payload, Dialect::platform().first()).as_str().to_owned()
    }

    #[test]
    fn names_are_sorted_by_bytes_and_not_as_pairs() {
        assert_eq!(
            canonical(r#"{"amount1":1,"amount":2,"B":3,"a":4,"中":5,"z":6}"#),
            "B=3&a=4&amount=2&amount1=1&z=6&中=5"
        );
    }

    #[test]
    fn empties_and_the_signature_are_left_out_but_zeros_are_not() {
        assert_eq!(
            canonical(
                r#"{"s":"","n":null,"z":0,"zs":"0","f":false,"sp":" ","e":[],"sign":"x","sign_type":"MD5","Sign":1}"#
            ),
            "Sign=1&e=[]&f=false&sp= &z=0&zs=0"
        );
    }

    #[test]
    fn an_empty_name_is_a_name() {
        assert_eq!(canonical(r#"{"":"v","a":1}"#), "=v&a=1");
    }

    #[test]
    fn nothing_to_sign_gives_an_empty_string() {
        assert_eq!(canonical("{}"), "");
    }

    fn canonical_in(json: &str, dialect: &str, separator: &'static str) -> String {
        let payload = Payload::parse(json.as_bytes()).unwrap();
        let scheme = Dialect::built_in(dialect).unwrap().first();
        let scheme = Scheme { separator: separator.into(), ..scheme.clone() };
        canonicalize(&payload, &scheme).as_str().to_owned()
    }

    #[test]
    fn each_kind_of_value_has_its_text() {
        for (value, text) in [
            ("true", "true"),
            ("false", "false"),
            ("-0", "-0"),
            ("1e3", "1e3"),
            ("1.10", "1.10"),
            ("\" \\u0061\\/ \"", " a/ "),
            ("[ 1 ,\t\"\\u4e2d\\/\" ,\n{ \"a\" : null } ]", "[1,\"中/\",{\"a\":null}]"),
            ("{\t\"b\"\r:\n[ ] , \"a\": { } }", "{\"b\":[],\"a\":{}}"),
        ] {
            assert_eq!(canonical(&format!("{{\"v\":{value}}}")), format!("v={text}"), "{value}");
        }
    }

    #[test]
    fn names_are_sorted_beyond_their_first_eight_bytes() {
        assert_eq!(
            canonical(r#"{"payment_id":1,"payment_cl_name":2,"payment_cl_id":3,"payment_":4}"#),
            "payment_=4&payment_cl_id=3&payment_cl_name=2&payment_id=1"
        );
    }

    #[test]
    fn empty_members_and_the_separator_follow_the_scheme() {
        for (json, dialect, separator, expected) in [
            (r#"{"a":"","n":null,"b":1,"sign":"x","sign_type":"MD5"}"#, "platform", "&", "b=1"),
            (
                r#"{"a":"","n":null,"b":1,"sign":"x","sign_type":"MD5"}"#,
                "fork",
                "&",
                "a=&b=1&sign_type=MD5",
            ),
            (r#"{"":"","a":1}"#, "fork", "&", "=&a=1"),
            (r#"{"a":1,"b":2}"#, "platform", "", "a=1b=2"),
            (r#"{"a":1,"b":2,"c":""}"#, "platform", " | ", "a=1 | b=2"),
            (r#"{"sign":"x","a":1}"#, "epusdt", "&", "a=1&sign=x"),
        ] {
            assert_eq!(canonical_in(json, dialect, separator), expected, "{dialect} {json}");
        }
    }

    #[test]
    fn nulls_and_a_fixed_list_follow_the_scheme() {
        let json = r#"{"c":null,"b":"","a":1,"d":2,"sign":"x"}"#;
        let payload = Payload::parse(json.as_bytes()).unwrap();
        let all = || Dialect::platform().first().clone();
        let keep = Scheme { empties: Empties::Keep, ..all() };
        let listed =
            Scheme { signed: Some(vec!["d".into(), "c".into(), "a".into()].into()), ..all() };
        for (scheme, expected) in [
            (all(), "a=1&d=2"),
            (Scheme { nulls: Nulls::Keep, ..all() }, "a=1&c=&d=2"),
            (Scheme { nulls: Nulls::Text, ..all() }, "a=1&c=null&d=2"),
            (Scheme { nulls: Nulls::Drop, ..keep.clone() }, "a=1&b=&d=2"),
            (Scheme { nulls: Nulls::Text, ..keep }, "a=1&b=&c=null&d=2"),
            (Scheme { nulls: Nulls::Text, ..listed.clone() }, "a=1&c=null&d=2"),
            (Scheme { left_out: vec!["a".into()].into(), ..listed }, "d=2"),
        ] {
            assert_eq!(canonicalize(&payload, &scheme).as_str(), expected, "{scheme:?}");
        }
    }

    #[test]
    fn another_payload_replaces_what_was_there() {
        let scheme = Dialect::platform().first();
        let mut canonical = CanonicalString::default();
        for (json, expected) in [(r#"{"a":1,"b":2}"#, "a=1&b=2"), ("{}", ""), (r#"{"c":3}"#, "c=3")]
        {
            let payload = Payload::parse(json.as_bytes()).unwrap();
            canonicalize_into(&payload, scheme, &mut canonical);
            assert_eq!(canonical.as_str(), expected);
            assert_eq!(canonical.masked(scheme), format!("{expected}&[key]"));
        }
    }
}
