//! What the samples leave open: for each other rule that fits, a payload that decides.

use std::collections::BTreeMap;

use super::fitting::bytes;
use super::samples::object;
use crate::canonical::canonicalize;
use crate::key::Key;
use crate::layout::Transport;
use crate::payload::Payload;
use crate::scheme::{Nulls, Scheme};

/// A request whose signature decides between the printed rule and others that fit too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// What is changed in a sample, such as `amount is empty`.
    pub change: String,
    /// The fields to send, as JSON and without the signature.
    pub request: String,
    /// What the printed rule signs for it, the key masked.
    pub printed: String,
    /// What another rule signs, the key masked.
    pub other: String,
    /// How many rules differ from the printed one there.
    pub rules: usize,
}

/// The questions that tell the first rule from all others.
pub(super) fn questions(
    rules: &[Scheme],
    sample: &Payload<'_>,
    absent: &[String],
    transport: Transport,
    key: &Key,
) -> Vec<Question> {
    let Some((printed, others)) = rules.split_first() else { return Vec::new() };
    let probes = probes(sample, &printed.sign_field, absent, transport);
    let payloads: Vec<Payload<'_>> =
        probes.iter().filter_map(|(_, text)| Payload::parse(text.as_bytes()).ok()).collect();
    let own: Vec<Vec<u8>> = payloads.iter().map(|payload| bytes(payload, printed, key)).collect();
    let differs = |at: usize, other: &Scheme| bytes(&payloads[at], other, key) != own[at];
    // By the probe: a rule that differs there, and how many do.
    let mut chosen: BTreeMap<usize, (&Scheme, usize)> = BTreeMap::new();
    for other in others {
        if let Some(at) = chosen.keys().copied().find(|at| differs(*at, other)) {
            chosen.entry(at).and_modify(|(_, count)| *count += 1);
        } else if let Some(at) = (0..payloads.len()).find(|at| differs(*at, other)) {
            chosen.insert(at, (other, 1));
        }
    }
    chosen
        .into_iter()
        .map(|(at, (other, rules))| {
            let string = |scheme| canonicalize(&payloads[at], scheme).masked(scheme);
            Question {
                change: probes[at].0.clone(),
                request: probes[at].1.clone(),
                printed: string(printed),
                other: string(other),
                rules,
            }
        })
        .collect()
}

/// Payloads that differ from a sample in one respect each, with what that is.
fn probes(
    sample: &Payload<'_>,
    sign_field: &str,
    absent: &[String],
    transport: Transport,
) -> Vec<(String, String)> {
    let members = sample.members().iter().filter(|member| member.name != sign_field);
    let text = sample.text();
    let fields: Vec<(&str, String)> = members
        .map(|member| {
            let json = match transport {
                Transport::Json => text[member.value_span()].to_owned(),
                _ => {
                    let mut plain = String::new();
                    crate::canonical::value_into(&member.value, Nulls::Keep, &mut plain);
                    crate::edit::json_string(&plain)
                }
            };
            (&*member.name, json)
        })
        .collect();
    let pairs = || fields.iter().map(|(name, json)| (*name, &**json));
    let with = |name: &str, value: &str| {
        let is_there = fields.iter().any(|(other, _)| *other == name);
        let changed =
            pairs().map(|(other, json)| (other, if other == name { value } else { json }));
        object(changed.chain((!is_there).then_some((name, value))).collect::<Vec<_>>())
    };
    let names: Vec<&str> =
        pairs().map(|(name, _)| name).chain(absent.iter().map(|it| &**it)).collect();
    let values: &[(&str, &str)] = match transport {
        Transport::Json => &[
            ("is empty", "\"\""),
            ("is null", "null"),
            ("is zero", "0"),
            ("is the text 0", "\"0\""),
            ("is false", "false"),
            ("has a space and other characters", "\"a b/\\u00fc~*\""),
            ("is there", "\"x1\""),
        ],
        _ => &[
            ("is empty", "\"\""),
            ("is zero", "\"0\""),
            ("has a space and other characters", "\"a b/\\u00fc~*\""),
            ("is there", "\"x1\""),
        ],
    };
    let mut probes = Vec::new();
    // In front, and the later name first: only by name do they come in another order.
    let new = [("zz_new", "\"x1\""), ("aa_new", "\"x2\"")];
    let new = new.into_iter().filter(|(name, _)| !names.contains(name));
    let change = "zz_new and aa_new, fields that no sample has, are there".to_owned();
    probes.push((change, object(new.chain(pairs()))));
    probes.push(("the fields come in another order".to_owned(), object(pairs().rev())));
    let mut all = names.clone();
    all.sort_unstable_by(|one, other| other.cmp(one));
    let change = "each field of any sample is there and has a text".to_owned();
    probes.push((change, object(all.into_iter().map(|name| (name, "\"x1\"")))));
    for (change, value) in values {
        probes.extend(names.iter().map(|name| (format!("{name} {change}"), with(name, value))));
    }
    for absent in &names {
        let rest = pairs().filter(|(name, _)| name != absent);
        probes.push((format!("{absent} is absent"), object(rest)));
    }
    probes
}
