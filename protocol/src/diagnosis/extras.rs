//! Pairs in the string that the payload does not have, and lists of fields.

use super::Deviation;
use super::compose::{Composer, FieldChoice};
use super::deviations::{deviation, of_payload, that_does};
use super::entry::Entry;
use super::fields::{kept, listed};
use super::forms::LABELS;
use super::generated::{absent, list, signed_twice};
use super::own_url::is_platform_payload;

/// The names under which code puts the key among the fields, besides those of [`LABELS`].
const KEY_NAMES: &str = "\
    key secret Password Secret SecretKey secretkey Token passphrase salt hash sign_key access_key \
    accessKey pay_key payKey paykey app_id_key md5_key partner_key partnerKey signature_key \
    hash_key hashKey HashKey api_secret apiSecret client_secret clientSecret shared_secret \
    secret_word merchant_secret merchantSecret Key_ ~key zkey";

/// The key as one more field.
pub(super) fn key_fields(composer: &Composer, key: &[u8]) -> Vec<FieldChoice> {
    let Ok(key) = std::str::from_utf8(key) else { return Vec::new() };
    let field = |name: &str| {
        let does = format!("puts the key among the fields, as {name}, and sorts it in");
        let extra = vec![(name.to_owned(), key.to_owned())];
        let choice = composer.with_extra(extra, that_does("key-as-field", does));
        FieldChoice { holds_key: true, ..choice }
    };
    KEY_NAMES.split(' ').chain(LABELS.split(' ')).map(field).collect()
}

/// Optional fields, the likeliest to be missing first, and whether they are numbers.
const ABSENT: [(&str, bool); 12] = [
    ("real_amount", true),
    ("error_msg", false),
    ("sign_type", false),
    ("memo", false),
    ("currency", false),
    ("platform_channel_id", false),
    ("fee", true),
    ("update_time", true),
    ("create_time", true),
    ("amount", true),
    ("status", true),
    ("platform_id", false),
];

/// Further names of optional fields, each tried alone.
const RARELY_ABSENT: [&str; 8] =
    ["remark", "attach", "extra", "description", "note", "message", "reason", "msg"];

/// How many of them are tried together.
const MAX_ABSENT: usize = 6;

/// What a number that is not there is written as, what a text, and where from.
const EMPTY: [(&str, &str, &str); 18] = [
    ("0", "", "a struct's zero values: Go, C#, Rust or a column's default"),
    ("null", "null", "a Java, C# or JavaScript object whose fields are null, in string + value"),
    ("None", "None", "a Python object whose fields are None, in an f-string"),
    (
        "undefined",
        "undefined",
        "a list of names in JavaScript: o[name] of a field that is not there",
    ),
    ("nil", "nil", "a Ruby or Lua object whose fields are nil"),
    ("<nil>", "<nil>", "Go: a nil pointer or interface, printed"),
    ("NULL", "NULL", "a database's NULL"),
    ("", "", "a list of names with empty values: $data[$name] ?? ''"),
    ("0", "null", "a Java object with a primitive number and null texts"),
    ("0", "None", "a Python object with defaults"),
    ("0", "0", "a column's or a form's default"),
    ("0.0", "null", "a Java object with a primitive double"),
    ("0.0", "", "a Python or Java object with a float"),
    ("0.00", "", "a DECIMAL column's default"),
    ("0.0000", "", "a DECIMAL column's default"),
    ("false", "false", "a default of the wrong type"),
    ("-", "-", "a template's mark for an empty value"),
    ("N/A", "N/A", "a template's mark for an empty value"),
];

/// Fields that the body does not have, as an object that has them prints them.
pub(super) fn absent_fields(
    composer: &Composer,
    sign_field: &str,
    own_digest: &str,
) -> Vec<FieldChoice> {
    let entries = composer.entries();
    let mut found = Vec::new();
    let mut push = |extra: Vec<(String, String)>, cause: &'static str| {
        let pairs: Vec<String> =
            extra.iter().map(|(name, text)| format!("{name}={text}")).collect();
        let does =
            format!("signs {}, which the body does not have", of_payload(&pairs.join(" and ")));
        found.push(composer.with_extra(extra, absent(does, cause)));
    };
    let is_here = |name: &str| entries.iter().any(|entry| entry.name == name);
    let missing: Vec<(&str, bool)> =
        ABSENT.into_iter().filter(|(name, _)| !is_here(name)).take(MAX_ABSENT).collect();
    if is_platform_payload(entries) {
        let mut masks: Vec<usize> = (1..1 << missing.len()).collect();
        masks.sort_by_key(|mask| mask.count_ones());
        for (number, text, cause) in EMPTY {
            for mask in &masks {
                let chosen = missing.iter().enumerate().filter(|(at, _)| mask >> at & 1 == 1);
                let pair = |(_, (name, is_number)): (usize, &(&str, bool))| {
                    let text = if *is_number { number } else { text };
                    ((*name).to_owned(), text.to_owned())
                };
                push(chosen.map(pair).collect(), cause);
            }
            for name in RARELY_ABSENT.iter().filter(|name| !is_here(name)) {
                push(vec![((*name).to_owned(), text.to_owned())], cause);
            }
        }
    }
    let mut pair =
        |name: &str, text: &str, cause| push(vec![(name.to_owned(), text.to_owned())], cause);
    if !is_here("sign_type") {
        for text in ["MD5", "HMAC-SHA256", "md5", "hmac-sha256", "SHA256", "RSA", "RSA2"] {
            pair("sign_type", text, "a client that adds sign_type before it signs");
        }
    }
    for text in ["null", "None", "undefined", "nil", "<nil>", "NULL", "0"] {
        pair(sign_field, text, "an object whose signature is not set when the string is made");
    }
    for digest in [own_digest.to_owned(), own_digest.to_uppercase()] {
        found.push(composer.with_extra(vec![(sign_field.to_owned(), digest)], signed_twice()));
    }
    found
}

/// The received signature as a field: possible only where another digest is explained.
pub(super) fn received_signature(
    composer: &Composer,
    sign_field: &str,
    given: &str,
) -> FieldChoice {
    let does = format!("signs {} too, as it was received", of_payload(sign_field));
    let extra = vec![(sign_field.to_owned(), given.to_owned())];
    composer.with_extra(extra, that_does("include-sign", does))
}

/// The most fields of which two or three are left out together.
const MAX_FEW: usize = 24;

/// Two or three fields left out together.
pub(super) fn without_few(composer: &Composer) -> Vec<FieldChoice> {
    let entries: Vec<&Entry> = composer.entries().iter().filter(|entry| kept(entry)).collect();
    let names: Vec<&str> = entries.iter().map(|entry| &*entry.name).collect();
    let mut found = Vec::new();
    if names.len() > MAX_FEW || names.len() < 4 {
        return found;
    }
    let mut push = |missing: &[&str]| {
        let signed: Vec<&str> =
            names.iter().filter(|name| !missing.contains(name)).copied().collect();
        found.push(composer.without(missing, listed(&signed, missing)));
    };
    for (at, first) in names.iter().enumerate() {
        for (next, second) in names.iter().enumerate().skip(at + 1) {
            push(&[first, second]);
            if names.len() <= MAX_FEW / 2 + 2 {
                names.iter().skip(next + 1).for_each(|third| push(&[first, second, third]));
            }
        }
    }
    found
}

/// The most fields of which every selection is tried.
const MAX_SUBSETS: usize = 16;

/// Every selection of fields, as bits.
pub(super) fn subsets(entries: &[Entry]) -> (Vec<usize>, Vec<u32>) {
    let of = |is_chosen: fn(&Entry) -> bool| -> Vec<usize> {
        let chosen = entries.iter().enumerate().filter(|(_, entry)| is_chosen(entry));
        chosen.map(|(at, _)| at).collect()
    };
    let all = of(|entry| !entry.is_signature);
    let members = if all.len() <= MAX_SUBSETS { all } else { of(kept) };
    if members.len() > MAX_SUBSETS {
        return (members, Vec::new());
    }
    let count = 1_u32 << members.len();
    (members, (1..count).collect())
}

/// The description of a selection.
pub(super) fn subset(entries: &[Entry], members: &[usize], mask: u32) -> Deviation {
    let name = |(at, _): (usize, &usize)| {
        members.get(at).and_then(|at| entries.get(*at)).map(|e| &*e.name)
    };
    let chosen = |wanted: u32| -> Vec<&str> {
        let chosen = members.iter().enumerate().filter(|(at, _)| mask >> at & 1 == wanted);
        chosen.filter_map(name).collect()
    };
    listed(&chosen(1), &chosen(0))
}

/// One way to put a selection of fields together.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Arrangement {
    is_received: bool,
    /// What is between the values, which have no names then.
    values: Option<&'static str>,
    /// Whether only selections of few fields are tried.
    is_rare: bool,
}

const fn values(is_received: bool, separator: &'static str, is_rare: bool) -> Arrangement {
    Arrangement { is_received, values: Some(separator), is_rare }
}

const fn pairs(is_received: bool) -> Arrangement {
    Arrangement { is_received, values: None, is_rare: false }
}

pub(super) const ARRANGEMENTS: [Arrangement; 12] = [
    pairs(false),
    pairs(true),
    values(false, "", false),
    values(true, "", false),
    values(false, "|", false),
    values(true, "|", true),
    values(false, "&", true),
    values(true, "&", true),
    values(false, ",", true),
    values(true, ",", true),
    values(true, ":", true),
    values(true, "-", true),
];

/// The most fields of a selection that is arranged in a rare way.
const FEW: u32 = 5;

/// The text of each member in its place, with its bit.
pub(super) struct Arranged {
    texts: Vec<(u32, String)>,
    separator: String,
}

impl Arranged {
    /// The string of a selection.
    pub(super) fn joined(&self, mask: u32) -> Vec<u8> {
        let mut out = Vec::with_capacity(512);
        for (_, text) in self.texts.iter().filter(|(bit, _)| mask & bit != 0) {
            if !out.is_empty() {
                out.extend_from_slice(self.separator.as_bytes());
            }
            out.extend_from_slice(text.as_bytes());
        }
        out
    }
}

impl Arrangement {
    pub(super) fn has(self, mask: u32) -> bool {
        !self.is_rare || mask.count_ones() <= FEW
    }

    pub(super) fn deviation(self) -> Option<Deviation> {
        match self.values {
            Some(separator) => Some(deviation(of_separator(separator))),
            None => self.is_received.then(|| deviation("doc-order")),
        }
    }

    pub(super) fn texts(self, entries: &[Entry], members: &[usize], separator: &str) -> Arranged {
        let mut chosen: Vec<(u32, &Entry)> = members
            .iter()
            .enumerate()
            .filter_map(|(at, index)| Some((1 << at, entries.get(*index)?)))
            .collect();
        if self.is_received {
            chosen.sort_by_key(|(_, entry)| entry.received);
        }
        let text = |entry: &Entry| match self.values {
            None => format!("{}={}", entry.name, entry.text),
            Some(_) => entry.text.clone(),
        };
        let texts = chosen.into_iter().map(|(bit, entry)| (bit, text(entry))).collect();
        Arranged { texts, separator: self.values.unwrap_or(separator).to_owned() }
    }
}

fn of_separator(separator: &str) -> &'static str {
    match separator {
        "|" => "values-pipe",
        "&" => "values-joined",
        "," => "values-comma",
        ":" => "values-colon",
        "-" => "values-dash",
        _ => "values-only",
    }
}

/// The values of two or three fields in any order: `payout_id|amount|status`.
pub(super) struct Ordered {
    fields: Vec<usize>,
    separator: &'static str,
}

impl Ordered {
    fn entries<'e>(&self, entries: &'e [Entry]) -> impl Iterator<Item = &'e Entry> {
        self.fields.iter().filter_map(|at| entries.get(*at))
    }

    pub(super) fn text(&self, entries: &[Entry]) -> Vec<u8> {
        let texts: Vec<&str> = self.entries(entries).map(|entry| &*entry.text).collect();
        texts.join(self.separator).into_bytes()
    }

    pub(super) fn deviations(&self, entries: &[Entry]) -> Vec<Deviation> {
        let names: Vec<&str> = self.entries(entries).map(|entry| &*entry.name).collect();
        let does =
            format!("signs a fixed list of fields in an order of its own: only {}", list(&names));
        vec![that_does("field-list", does), deviation(of_separator(self.separator))]
    }
}

/// The most fields of which three are taken in any order.
const MAX_ORDERED: usize = 14;

pub(super) fn ordered(entries: &[Entry]) -> Vec<Ordered> {
    let is_text = |entry: &Entry| !entry.is_signature && !entry.text.is_empty();
    let members: Vec<usize> =
        entries.iter().enumerate().filter(|(_, entry)| is_text(entry)).map(|(at, _)| at).collect();
    let mut found = Vec::new();
    if members.len() > MAX_ORDERED {
        return found;
    }
    let mut push = |fields: &[usize]| {
        for separator in ["", "|", "&", ","] {
            found.push(Ordered { fields: fields.to_vec(), separator });
        }
    };
    for first in members.iter().copied() {
        for second in members.iter().copied().filter(|at| *at != first) {
            push(&[first, second]);
            for third in members.iter().copied().filter(|at| ![first, second].contains(at)) {
                push(&[first, second, third]);
            }
        }
    }
    found
}
