//! Bytes to members in order, with every literal as it was written.
//!
//! A general JSON value would turn `1.10` into `1.1` and keep the last of two equal members; both
//! change what is signed. This parser borrows from its input, keeps the text of numbers, and
//! refuses a duplicate field, at any depth. What else it accepts is RFC 8259.

use std::borrow::Cow;
use std::ops::Range;

use super::bytes::rank;
use super::scan::{KnownNames, Scanner};
use crate::untrusted::Untrusted;

/// The longest payload that is read, in bytes (1 MiB).
pub const MAX_BYTES: usize = 1 << 20;

/// The deepest nesting that is read: the outermost object is level 1.
pub const MAX_DEPTH: usize = 127;

/// How a payload is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Encoding {
    /// A JSON object: what the platform sends.
    Json,
    /// `application/x-www-form-urlencoded` pairs.
    Form,
    /// The same pairs behind a `?`, alone or in a URL.
    Query,
    /// One XML element with an element for each member, as WeChat Pay v2 sends them.
    Xml,
}

/// A JSON object, or a list of pairs, whose members keep their order and their text.
#[derive(Clone, Debug)]
pub struct Payload<'a> {
    text: &'a str,
    encoding: Encoding,
    members: Vec<Member<'a>>,
    by_name: Vec<ByName>,
    braces: Range<usize>,
    known: KnownNames,
}

/// Memory that one payload leaves to the next, and its names.
#[derive(Debug, Default)]
pub struct PayloadMemory {
    members: Vec<Member<'static>>,
    by_name: Vec<ByName>,
    known: KnownNames,
}

const KEPT_MEMBERS: usize = 1024;

#[derive(Clone, Copy, Debug)]
struct ByName {
    rank: u64,
    /// The member's place in the order received. It fits: every member takes more than one of at
    /// most [`MAX_BYTES`] bytes.
    index: u32,
}

/// A name to search for; they sort as their text does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RankedName {
    rank: u64,
    name: &'static str,
}

impl RankedName {
    pub(super) fn new(name: &'static str) -> Self {
        RankedName { rank: rank(name), name }
    }
}

/// One member of a payload.
#[derive(Clone, Debug)]
pub struct Member<'a> {
    /// The name, escapes resolved.
    pub name: Cow<'a, str>,
    /// The value.
    pub value: Value<'a>,
    pub(super) name_at: (u32, u32),
    pub(super) value_at: (u32, u32),
}

impl Member<'_> {
    pub(super) const EMPTY: Self =
        Member { name: Cow::Borrowed(""), value: Value::Null, name_at: (0, 0), value_at: (0, 0) };

    /// Where the name is in the text, quotes included.
    #[must_use]
    pub fn name_span(&self) -> Range<usize> {
        self.name_at.0 as usize..self.name_at.1 as usize
    }

    /// Where the value is in the text.
    #[must_use]
    pub fn value_span(&self) -> Range<usize> {
        self.value_at.0 as usize..self.value_at.1 as usize
    }
}

/// A member's value; numbers and nested values keep their text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// The digits exactly as written.
    Number(&'a str),
    /// The text, escapes resolved.
    String(Cow<'a, str>),
    /// The array's text as written.
    Array(&'a str),
    /// The object's text as written.
    Object(&'a str),
}

impl Value<'_> {
    /// What the value is, with its article: for messages.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "a string",
            Value::Array(_) => "an array",
            Value::Object(_) => "an object",
        }
    }

    /// Whether the signing rule drops the value as empty: `""` and (ours) `null`.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Value::Null => true,
            Value::String(text) => text.is_empty(),
            _ => false,
        }
    }
}

/// Why bytes are not a valid payload.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PayloadProblem {
    /// More than [`MAX_BYTES`].
    #[error("{0} bytes are more than the limit of {MAX_BYTES}")]
    TooLarge(usize),
    /// Not UTF-8.
    #[error("invalid UTF-8")]
    InvalidUtf8,
    /// It begins with a byte order mark.
    #[error("a byte order mark precedes the JSON")]
    ByteOrderMark,
    /// Nothing but white space.
    #[error("the input is empty")]
    Empty,
    /// JSON, but not an object.
    #[error("expected a JSON object, found {0}")]
    NotAnObject(&'static str),
    /// Two members of one object have this name.
    #[error("duplicate field {:?}", Untrusted::new(.0))]
    DuplicateMember(String),
    /// Something follows the object.
    #[error("data follows the JSON object")]
    TrailingData,
    /// Nested deeper than [`MAX_DEPTH`].
    #[error("nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// Half of a surrogate pair.
    #[error("half of a surrogate pair")]
    LoneSurrogate,
    /// A control character inside a string.
    #[error("the control character U+{0:04X} must be escaped in a string")]
    ControlCharacter(u8),
    /// A backslash sequence that JSON does not know.
    #[error("an escape that JSON does not know")]
    InvalidEscape,
    /// A number that JSON does not know, such as `01` or `1.`.
    #[error("a number that JSON does not know")]
    InvalidNumber,
    /// A `%` without two hexadecimal digits, in pairs.
    #[error("expected two hexadecimal digits after %")]
    InvalidPercent,
    /// Percent escapes that are not UTF-8, in pairs.
    #[error("the percent escapes are not UTF-8")]
    PercentNotUtf8,
    /// XML that is not one element with plain elements in it.
    #[error("invalid XML: {0}")]
    InvalidXml(&'static str),
    /// A URL without a query string.
    #[error("the URL has no query string")]
    NoQuery,
    /// The text ends too early.
    #[error("the input ends too early")]
    UnexpectedEnd,
    /// Another character than JSON allows here.
    #[error("expected {expected}, found {found:?}")]
    Unexpected {
        /// What is there.
        found: char,
        /// What JSON expects.
        expected: &'static str,
    },
}

/// Why and where bytes are not a valid payload.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}{}: {problem}", self.in_member())]
#[non_exhaustive]
pub struct PayloadError {
    /// What is wrong.
    pub problem: PayloadProblem,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The member in which it is wrong, as a path such as `o.list[2]`.
    pub member: Option<String>,
}

impl PayloadError {
    pub(super) fn at(bytes: &[u8], offset: usize, problem: PayloadProblem) -> Self {
        let before = &bytes[..offset.min(bytes.len())];
        let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        // A continuation byte of UTF-8 is no character of its own.
        let column = before[line_start..].iter().filter(|byte| **byte & 0xC0 != 0x80).count() + 1;
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        PayloadError { problem, line, column, member: None }
    }

    fn in_member(&self) -> String {
        self.member
            .as_ref()
            .map(|member| format!(", member {:?}", Untrusted::new(member)))
            .unwrap_or_default()
    }
}

impl<'a> Payload<'a> {
    /// Reads a JSON object.
    ///
    /// # Errors
    /// What is not a JSON object by RFC 8259, has a member twice at any depth, is nested deeper than
    /// [`MAX_DEPTH`], is longer than [`MAX_BYTES`], or is not UTF-8; with the place.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, PayloadError> {
        Payload::parse_in(bytes, PayloadMemory::default())
    }

    /// Like [`Payload::parse`], in memory that another payload left: for many, one after another.
    ///
    /// # Errors
    /// As [`Payload::parse`]; the memory is given up.
    pub fn parse_in(bytes: &'a [u8], memory: PayloadMemory) -> Result<Self, PayloadError> {
        let text = bounded_text(bytes)?;
        let PayloadMemory { members, mut by_name, mut known } = memory;
        let mut members = emptied(members);
        let scanned = Scanner::new(text).document(&mut members, &mut known);
        let braces = scanned.map_err(|error| *error)?;
        let are_known = known.are_all(members.len());
        if !(are_known && known.are_ordered) {
            order_by_name(text, &members, &mut by_name)?;
            known.are_ordered = are_known;
        }
        Ok(Payload { text, encoding: Encoding::Json, members, by_name, braces, known })
    }

    /// A payload of members that were found in `text`; a duplicate member is refused.
    pub(super) fn try_new(
        text: &'a str,
        encoding: Encoding,
        members: Vec<Member<'a>>,
        braces: Range<usize>,
    ) -> Result<Self, PayloadError> {
        let mut by_name = Vec::new();
        order_by_name(text, &members, &mut by_name)?;
        Ok(Payload { text, encoding, members, by_name, braces, known: KnownNames::default() })
    }

    /// What the payload leaves to the next one; memory for very many members is given up.
    #[must_use]
    pub fn into_memory(self) -> PayloadMemory {
        let Payload { text, members, by_name, mut known, .. } = self;
        if members.capacity() > KEPT_MEMBERS {
            return PayloadMemory::default();
        }
        known.learn(text, &members);
        PayloadMemory { members: emptied(members), by_name, known }
    }

    /// How it is written.
    #[must_use]
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// The whole text that was read.
    #[must_use]
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// The members in the order received.
    #[must_use]
    pub fn members(&self) -> &[Member<'a>] {
        &self.members
    }

    /// The members by name, in ascending byte order.
    pub fn members_by_name(&self) -> impl Iterator<Item = &Member<'a>> + '_ {
        self.by_name.iter().map(|place| &self.members[place.index as usize])
    }

    /// The places of the members by name, in ascending byte order.
    pub(super) fn places_by_name(&self) -> impl Iterator<Item = usize> + '_ {
        self.by_name.iter().map(|place| place.index as usize)
    }

    /// A number that no other names, or names in another order, have within this process; only where
    /// they are those of an earlier payload in the same memory.
    pub(super) fn names_id(&self) -> Option<u64> {
        self.known.id(self.members.len())
    }

    /// The member of this name.
    #[must_use]
    #[inline]
    pub fn get(&self, name: &str) -> Option<&Member<'a>> {
        let rank = rank(name);
        let start = self.by_name.partition_point(|place| place.rank < rank);
        self.by_name[start..]
            .iter()
            .take_while(|place| place.rank == rank)
            .map(|place| &self.members[place.index as usize])
            .find(|member| member.name == name)
    }

    /// The place of the member of each of these names, which must ascend.
    pub(super) fn places_of<const N: usize>(&self, names: &[RankedName; N]) -> [Option<u32>; N] {
        let mut rest = &*self.by_name;
        names.each_ref().map(|RankedName { rank, name }| {
            while let [first, more @ ..] = rest
                && first.rank < *rank
            {
                rest = more;
            }
            rest.iter()
                .take_while(|place| place.rank == *rank)
                .map(|place| place.index)
                .find(|index| self.members[*index as usize].name == *name)
        })
    }

    /// Where the outermost braces are in the text, from `{` to behind `}`; or where the pairs do.
    #[must_use]
    pub fn braces(&self) -> Range<usize> {
        self.braces.clone()
    }
}

/// The bytes as text, where they are not too many.
pub(super) fn bounded_text(bytes: &[u8]) -> Result<&str, PayloadError> {
    if bytes.len() > MAX_BYTES {
        return Err(PayloadError::at(&[], 0, PayloadProblem::TooLarge(bytes.len())));
    }
    std::str::from_utf8(bytes)
        .map_err(|error| PayloadError::at(bytes, error.valid_up_to(), PayloadProblem::InvalidUtf8))
}

fn emptied<'b>(mut members: Vec<Member<'_>>) -> Vec<Member<'b>> {
    members.clear();
    // Nothing is left to map, and a vector is collected in its own memory.
    members.into_iter().map_while(|_| None).collect()
}

fn order_by_name(
    text: &str,
    members: &[Member<'_>],
    by_name: &mut Vec<ByName>,
) -> Result<(), PayloadError> {
    if by_name.len() != members.len() {
        by_name.clear();
        by_name.extend((0..).zip(members).map(|(index, _)| ByName { rank: 0, index }));
    }
    // Else the last payload's order stands: where the next one has its names in the same places,
    // and from one source most have, there is little left to sort.
    for place in by_name.iter_mut() {
        place.rank = rank(&members[place.index as usize].name);
    }
    by_name.sort_unstable_by_key(|place| place.rank);
    if by_name.windows(2).all(|pair| pair[0].rank != pair[1].rank) {
        return Ok(());
    }
    let name = |place: &ByName| &*members[place.index as usize].name;
    by_name.sort_unstable_by(|a, b| {
        a.rank.cmp(&b.rank).then_with(|| name(a).cmp(name(b))).then(a.index.cmp(&b.index))
    });
    let duplicate = by_name
        .windows(2)
        .filter(|pair| pair[0].rank == pair[1].rank && name(&pair[0]) == name(&pair[1]))
        .map(|pair| pair[1].index)
        .min();
    match duplicate {
        None => Ok(()),
        Some(index) => {
            let member = &members[index as usize];
            let problem = PayloadProblem::DuplicateMember(member.name.to_string());
            let mut error = PayloadError::at(text.as_bytes(), member.name_span().start, problem);
            error.member = Some(member.name.to_string());
            Err(error)
        }
    }
}

#[cfg(test)]
pub(super) mod sources;

#[cfg(test)]
mod edge_tests;

#[cfg(test)]
mod tests {
    use super::*;
    use std::mem;

    fn problem(bytes: &[u8]) -> PayloadProblem {
        Payload::parse(bytes).expect_err("must be refused").problem
    }

    #[test]
    fn literals_keep_their_text_and_members_their_order() {
        let payload = Payload::parse(
            r#" {"b":1.10,"a":"\u4e2d\n\ud83d\ude00","n":null,"t":true,"l":[1, 2],"o":{ }} "#
                .as_bytes(),
        )
        .unwrap();
        let names: Vec<_> = payload.members().iter().map(|m| m.name.as_ref()).collect();
        assert_eq!(names, ["b", "a", "n", "t", "l", "o"]);
        let sorted: Vec<_> = payload.members_by_name().map(|m| m.name.as_ref()).collect();
        assert_eq!(sorted, ["a", "b", "l", "n", "o", "t"]);
        assert_eq!(payload.get("b").unwrap().value, Value::Number("1.10"));
        assert_eq!(payload.get("a").unwrap().value, Value::String("中\n😀".into()));
        assert_eq!(payload.get("l").unwrap().value, Value::Array("[1, 2]"));
        assert!(payload.get("x").is_none());
    }

    #[test]
    fn any_memory_of_any_payload_changes_nothing() {
        let mut random = fastrand::Rng::with_seed(7);
        let mut memory = PayloadMemory::default();
        let (mut good, mut bad) = (0, 0);
        for _ in 0..20_000 {
            let names = ["a", "b", "aa", "", "payment_id", "payment_cl_id", "\\u0061", "a\\n"];
            let member = |random: &mut fastrand::Rng| {
                let space = ["", "", "", " "][random.usize(..4)];
                format!("\"{}\"{space}:{}", names[random.usize(..names.len())], random.u8(..20))
            };
            let members: Vec<String> =
                (0..random.usize(..4)).map(|_| member(&mut random)).collect();
            let json = format!("{{{}}}", members.join(","));
            let fresh = Payload::parse(json.as_bytes());
            let payload = Payload::parse_in(json.as_bytes(), mem::take(&mut memory));
            match (fresh, payload) {
                (Ok(fresh), Ok(payload)) => {
                    let of = |payload: &Payload<'_>| {
                        let by_name: Vec<_> = payload.members_by_name().cloned().collect();
                        format!("{:?} {by_name:?}", payload.members())
                    };
                    assert_eq!(of(&payload), of(&fresh), "{json}");
                    memory = payload.into_memory();
                    good += 1;
                }
                (fresh, payload) => {
                    assert_eq!(payload.unwrap_err(), fresh.unwrap_err(), "{json}");
                    bad += 1;
                }
            }
        }
        assert!(good > 10_000 && bad > 1_000, "{good} and {bad}");
    }

    #[test]
    fn memory_of_another_payload_changes_nothing() {
        let mut memory = PayloadMemory::default();
        for json in [
            r#"{"b":1,"a":"\u4e2d","payment_id":2,"payment_cl_id":3}"#,
            r#"{"payment_cl_id":1,"b":2,"payment_id":3,"a":4}"#,
            r#"{"payment_cl_id":1,"b":2,"payment_id":3,"a":4}"#,
            r#"{"z":[1],"a":null}"#,
            "{}",
            r#"{"a":1}"#,
        ] {
            let fresh = Payload::parse(json.as_bytes()).unwrap();
            let payload = Payload::parse_in(json.as_bytes(), memory).unwrap();
            let members = |payload: &Payload<'_>| {
                let by_name = payload.members_by_name().cloned().collect::<Vec<_>>();
                format!("{:?} {by_name:?}", payload.members())
            };
            assert_eq!(members(&payload), members(&fresh), "{json}");
            assert_eq!(payload.get("a").is_some(), fresh.get("a").is_some());
            memory = payload.into_memory();
            assert!(memory.members.is_empty() && memory.members.capacity() > 0);
        }
        let used = Payload::parse(br#"{"b":1,"a":2}"#).unwrap().into_memory();
        let twice = br#"{"a":1,"a":2}"#;
        let error = Payload::parse(twice).unwrap_err();
        assert_eq!(Payload::parse_in(twice, used).unwrap_err(), error);
        let many = (0..2000).map(|n| format!("\"{n}\":1")).collect::<Vec<_>>().join(",");
        let many = format!("{{{many}}}");
        let memory = Payload::parse(many.as_bytes()).unwrap().into_memory();
        assert_eq!(memory.members.capacity(), 0);
        for (capacity, is_kept) in [(1024, true), (1025, false)] {
            let members = Vec::with_capacity(capacity);
            let memory = PayloadMemory { members, ..PayloadMemory::default() };
            let memory = Payload::parse_in(b"{}", memory).unwrap().into_memory();
            assert_eq!(memory.members.capacity() == capacity, is_kept, "{capacity}");
        }
    }

    #[test]
    fn what_is_no_payload_is_refused_by_name() {
        use PayloadProblem as P;
        assert_eq!(problem(b""), P::Empty);
        assert_eq!(problem(b" \n"), P::Empty);
        assert_eq!(problem(b"[]"), P::NotAnObject("an array"));
        assert_eq!(problem(b"\"x\""), P::NotAnObject("a string"));
        assert_eq!(problem(b"1"), P::NotAnObject("a number"));
        assert_eq!(problem(b"{} x"), P::TrailingData);
        assert_eq!(problem(b"{}{}"), P::TrailingData);
        assert_eq!(problem(b"{\"a\":1"), P::UnexpectedEnd);
        assert_eq!(problem(b"{\"a\":\"\xff\"}"), P::InvalidUtf8);
        assert_eq!(problem(b"\xef\xbb\xbf{}"), P::ByteOrderMark);
        assert_eq!(problem(b"{\"a\":1,\"\\u0061\":2}"), P::DuplicateMember("a".into()));
        assert_eq!(problem(b"{\"o\":{\"a\":1,\"a\":2}}"), P::DuplicateMember("a".into()));
        assert_eq!(problem(b"{\"a\":\"\\ud800\"}"), P::LoneSurrogate);
        assert_eq!(problem(b"{\"a\":\"\\ud800\\u0041\"}"), P::LoneSurrogate);
        assert_eq!(problem(b"{\"a\":\"\\udc00\"}"), P::LoneSurrogate);
        assert_eq!(problem(b"{\"a\":\"\t\"}"), P::ControlCharacter(9));
        assert_eq!(problem(b"{\"a\":\"\\x\"}"), P::InvalidEscape);
        for number in ["01", "1.", ".5", "+1", "-", "1e", "0x1", "NaN", "Infinity", "1.e3"] {
            assert!(Payload::parse(format!("{{\"a\":{number}}}").as_bytes()).is_err(), "{number}");
        }
        assert!(matches!(problem(b"{\"a\":1,}"), P::Unexpected { found: '}', .. }));
        assert!(matches!(problem(b"{'a':1}"), P::Unexpected { found: '\'', .. }));
    }

    #[test]
    fn depth_and_size_are_bounded() {
        let nested = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        assert!(Payload::parse(nested(MAX_DEPTH - 1).as_bytes()).is_ok());
        assert_eq!(problem(nested(MAX_DEPTH).as_bytes()), PayloadProblem::TooDeep);
        assert_eq!(problem("[".repeat(MAX_BYTES).as_bytes()), PayloadProblem::TooDeep);
        let long = |bytes: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(bytes - 8));
        assert!(Payload::parse(long(MAX_BYTES).as_bytes()).is_ok());
        assert_eq!(
            problem(long(MAX_BYTES + 1).as_bytes()),
            PayloadProblem::TooLarge(MAX_BYTES + 1)
        );
    }

    #[test]
    fn errors_name_line_column_and_member() {
        let error =
            Payload::parse("{\n \"a\": 1,\n \"王\": [1, {\"x\": 01}]}".as_bytes()).unwrap_err();
        assert_eq!((error.line, error.column), (3, 17));
        assert_eq!(error.member.as_deref(), Some("王[1].x"));
        let error = Payload::parse(b"{\"a\":1,\n\"a\":2}").unwrap_err();
        assert_eq!((error.line, error.column), (2, 1));
        assert_eq!(error.to_string(), "line 2, column 1, member \"a\": duplicate field \"a\"");
    }
}
