//! The strings near the rule's: one deviation in each dimension at most.

use std::rc::Rc;

use super::Deviation;
use super::deviations::{Rule, deviation, of_payload};
use super::entry::{Entry, Tree, entries};
use super::fields::{BY_TYPE, FIELD_RULES, dropped, is_falsy, kept};
use super::forms::Form;
use super::orders::{OrderRule, Pair};
use super::own_url;
use super::printing::MAX_TEXT;
use super::shapes::{ShapeRule, written};
use super::values::{self, Change, Scope, Writing};
use crate::canonical::Selection;
use crate::payload::{Encoding, Payload};
use crate::scheme::Scheme;

#[derive(Clone, Default)]
pub(super) struct FieldChoice {
    /// Shared by the many choices that are made of two.
    pub(super) deviations: Vec<Rc<Deviation>>,
    pub(super) keep: Vec<bool>,
    /// Names and texts that the payload does not have.
    pub(super) extra: Vec<(String, String)>,
    /// Whether the key is one of the texts, so that no form need bring it.
    pub(super) holds_key: bool,
}

pub(super) struct ValueChoice {
    pub(super) deviation: Deviation,
    pub(super) writing: Writing,
    pub(super) scope: Scope,
    /// For each member its text; `None` where the rule's own stands.
    pub(super) texts: Vec<Option<String>>,
}

/// How much of a written value a description shows, in characters.
const MAX_EXAMPLE: usize = 48;

impl ValueChoice {
    /// The deviation, with the first value that it changes and what is written instead.
    fn described(&self, entries: &[Entry]) -> Deviation {
        let mut deviation = self.deviation.clone();
        let is_shown = !matches!(deviation.code, "time-format" | "altered-value" | "text-cut");
        let changed = entries.iter().zip(&self.texts).filter(|_| is_shown);
        let first = changed.filter_map(|(entry, text)| Some((entry, text.as_deref()?))).next();
        let Some((entry, text)) = first.filter(|(_, text)| !text.is_empty()) else {
            return deviation;
        };
        let mut shown: String = text.chars().take(MAX_EXAMPLE).collect();
        if shown.len() < text.len() {
            shown.push('…');
        }
        let shown = of_payload(&shown);
        deviation.does.to_mut().push_str(&match self.writing {
            Writing::Pairs(_) => format!(", here {shown}"),
            _ => format!(", here {} as {shown}", of_payload(&entry.name)),
        });
        deviation
    }
}

#[derive(Clone, Copy, Default)]
pub(super) struct Plan<'s> {
    pub(super) fields: Option<&'s FieldChoice>,
    pub(super) order: Option<&'static OrderRule>,
    pub(super) values: Option<&'s ValueChoice>,
    pub(super) shape: Option<&'static ShapeRule>,
}

impl<'s> Plan<'s> {
    /// Both plans, which are about different dimensions.
    pub(super) fn and(&self, other: &Plan<'s>) -> Plan<'s> {
        Plan {
            fields: self.fields.or(other.fields),
            order: self.order.or(other.order),
            values: self.values.or(other.values),
            shape: self.shape.or(other.shape),
        }
    }

    pub(super) fn deviations(&self, entries: &[Entry]) -> Vec<Deviation> {
        let of_fields = self.fields.map(|choice| choice.deviations.as_slice()).unwrap_or_default();
        let mut all: Vec<Deviation> = of_fields.iter().map(|one| (**one).clone()).collect();
        if let (Some(place), Some(first)) = (self.place_of_key(entries), all.first_mut()) {
            first.does = place.into();
        }
        all.extend(self.order.map(Rule::deviation));
        all.extend(self.values.map(|choice| choice.described(entries)));
        all.extend(self.shape.map(Rule::deviation));
        all
    }

    /// Where the key is among values without names: its own name is not in the string.
    fn place_of_key(&self, entries: &[Entry]) -> Option<String> {
        let choice = self.fields.filter(|choice| choice.holds_key)?;
        self.shape.filter(|shape| shape.code.starts_with("values"))?;
        let (name, _) = choice.extra.first()?;
        let kept = entries.iter().zip(&choice.keep).filter(|(_, keep)| **keep);
        let (before, after): (Vec<&Entry>, Vec<&Entry>) =
            kept.map(|(entry, _)| entry).partition(|entry| entry.name < *name);
        let named = |entry: &&Entry| of_payload(&entry.name);
        let place = match (before.last().map(named), after.first().map(named)) {
            (Some(before), Some(after)) => format!("between {before} and {after}"),
            (Some(before), None) => format!("after {before}"),
            (None, Some(after)) => format!("before {after}"),
            (None, None) => return None,
        };
        Some(format!(
            "puts the key among the fields, {place}, under a name that sorts there, such as {name}"
        ))
    }

    /// The first of the deviations, as the table has it.
    pub(super) fn first(&self) -> Option<Deviation> {
        let of_fields = self.fields.and_then(|choice| Some((**choice.deviations.first()?).clone()));
        let of_order = || self.order.map(Rule::deviation);
        let of_values = || self.values.map(|choice| choice.deviation.clone());
        let of_shape = || self.shape.map(Rule::deviation);
        of_fields.or_else(of_order).or_else(of_values).or_else(of_shape)
    }

    /// Whether it is a single mistake rather than a language's whole way of printing.
    pub(super) fn scope(&self) -> Scope {
        self.values.map_or(Scope::Single, |choice| choice.scope)
    }

    pub(super) fn writing(&self) -> Option<Writing> {
        self.values.map(|choice| choice.writing)
    }
}

#[derive(Clone, Hash)]
pub(super) struct Text {
    pub(super) bytes: Vec<u8>,
    pub(super) change: Option<Change>,
    pub(super) holds_key: bool,
}

impl Text {
    pub(super) fn plain(bytes: Vec<u8>) -> Text {
        Text { bytes, change: None, holds_key: false }
    }

    /// Writes what a form digests behind what `out` holds; returns whether it can be.
    pub(super) fn write(&self, form: &Form, key: &[u8], out: &mut Vec<u8>) -> bool {
        let Some(change) = self.change else {
            form.write(&self.bytes, key, out);
            return true;
        };
        let changed = String::from_utf8(form.text(&self.bytes, key)).map(|text| change(&text));
        changed.map(|text| out.extend_from_slice(&text)).is_ok()
    }
}

pub(super) struct Composer {
    entries: Vec<Entry>,
    separator: String,
    encoding: Encoding,
}

impl Composer {
    pub(super) fn new(payload: &Payload<'_>, scheme: &Scheme) -> Composer {
        let separator = scheme.separator.to_string();
        Composer { entries: entries(payload, scheme), separator, encoding: payload.encoding() }
    }

    /// The members, sorted by name.
    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The choices of members: without the receiver's own, the rules, then each member missing.
    pub(super) fn field_choices(&self) -> Vec<FieldChoice> {
        let mut choices = self.without_own_url();
        let own_keeps: Vec<Vec<bool>> = choices.iter().map(|choice| choice.keep.clone()).collect();
        let mut by_rule: Vec<FieldChoice> = FIELD_RULES
            .iter()
            .map(|rule| FieldChoice {
                deviations: vec![Rc::new(rule.deviation())],
                keep: self.entries.iter().map(rule.apply).collect(),
                ..FieldChoice::default()
            })
            .collect();
        // Where only zeros and false are missing, their type is not the reason.
        by_rule.sort_by_key(|choice| {
            let dropped =
                self.entries.iter().zip(&choice.keep).filter(|(e, keep)| kept(e) && !**keep);
            let is_by_type = choice.deviations.iter().any(|one| BY_TYPE.contains(&one.code));
            is_by_type && dropped.map(|(entry, _)| entry).all(is_falsy)
        });
        let missing = self.entries.iter().filter(|entry| kept(entry));
        let missing = missing.map(|missing| self.without(&[&missing.name], dropped(&missing.name)));
        // To sign every received member is the opposite advice, and wrong for the receiver's own.
        let sign_all = deviation("field-dropped").fix;
        choices.extend(by_rule.into_iter().chain(missing).filter(|choice| {
            let signs_all = choice.deviations.iter().any(|deviation| deviation.fix == sign_all);
            !signs_all || !own_keeps.contains(&choice.keep)
        }));
        choices
    }

    pub(super) fn without(&self, names: &[&str], deviation: Deviation) -> FieldChoice {
        FieldChoice {
            deviations: vec![Rc::new(deviation)],
            keep: self.entries.iter().map(|e| kept(e) && !names.contains(&&*e.name)).collect(),
            ..FieldChoice::default()
        }
    }

    /// Both choices: a member that the rule signs must be kept by both, another one by either.
    pub(super) fn both(&self, first: &FieldChoice, second: &FieldChoice) -> FieldChoice {
        let keeps = first.keep.iter().zip(&second.keep).zip(&self.entries);
        FieldChoice {
            deviations: [&*first.deviations, &*second.deviations].concat(),
            keep: keeps.map(|((a, b), e)| if kept(e) { *a && *b } else { *a || *b }).collect(),
            extra: [&*first.extra, &*second.extra].concat(),
            holds_key: first.holds_key || second.holds_key,
        }
    }

    /// The rule's own members, and some that the payload does not have.
    pub(super) fn with_extra(
        &self,
        extra: Vec<(String, String)>,
        deviation: Deviation,
    ) -> FieldChoice {
        FieldChoice {
            deviations: vec![Rc::new(deviation)],
            keep: self.entries.iter().map(kept).collect(),
            extra,
            holds_key: false,
        }
    }

    fn without_own_url(&self) -> Vec<FieldChoice> {
        let name = |at: &usize| self.entries.get(*at).map(|entry| entry.name.as_str());
        let field_choice = |choice: own_url::Choice| {
            let own: Vec<&str> = choice.own.iter().filter_map(name).collect();
            let unsigned = choice.unsigned.iter().filter_map(name).map(dropped);
            let is_left_out = |at| choice.own.contains(&at) || choice.unsigned.contains(&at);
            let entries = self.entries.iter().enumerate();
            FieldChoice {
                keep: entries.map(|(at, entry)| kept(entry) && !is_left_out(at)).collect(),
                deviations: std::iter::once(own_url::deviation(&own))
                    .chain(unsigned)
                    .map(Rc::new)
                    .collect(),
                ..FieldChoice::default()
            }
        };
        own_url::choices(&self.entries, self.encoding).into_iter().map(field_choice).collect()
    }

    pub(super) fn value_choices(&self) -> Vec<ValueChoice> {
        values::rules()
            .map(|(rule, scope)| ValueChoice {
                deviation: rule.deviation(),
                writing: rule.apply,
                scope,
                texts: self.texts(rule.apply),
            })
            .filter(|choice| {
                matches!(choice.writing, Writing::Whole(_) | Writing::WithKey(_))
                    || choice.texts.iter().any(Option::is_some)
            })
            .collect()
    }

    fn texts(&self, writing: Writing) -> Vec<Option<String>> {
        let text = |entry: &Entry| {
            let (write, own) = match writing {
                _ if entry.is_signature => return None,
                Writing::Member(write) | Writing::WithNulls(write) => (write, entry.text.clone()),
                Writing::Pairs(write) => (write, format!("{}={}", entry.name, entry.text)),
                Writing::Whole(_) | Writing::WithKey(_) => return None,
            };
            write(entry).filter(|text| *text != own && text.len() <= MAX_TEXT)
        };
        self.entries.iter().map(text).collect()
    }

    /// The string of a plan.
    pub(super) fn compose(&self, plan: Plan<'_>) -> Text {
        let kept = self.entries.iter().enumerate().filter(|(at, entry)| is_kept(plan, *at, entry));
        let extra = plan.fields.map(|choice| choice.extra.as_slice()).unwrap_or_default();
        let mut pairs: Vec<(usize, Pair<'_>)> = kept
            .map(|(index, entry)| (entry.received, pair(plan, index, entry)))
            .filter(|(_, pair)| !(pair.is_whole && pair.text.is_empty()))
            .chain(extra.iter().map(extra_pair))
            .collect();
        if plan.order.is_some() {
            pairs.sort_by_key(|(received, _)| *received);
        } else if !extra.is_empty() {
            pairs.sort_by(|(_, a), (_, b)| a.name.cmp(&b.name));
        }
        let mut pairs: Vec<Pair<'_>> = pairs.into_iter().map(|(_, pair)| pair).collect();
        if let Some(order) = plan.order {
            (order.apply)(&mut pairs);
        }
        let text = match plan.shape {
            Some(shape) => (shape.apply)(&pairs),
            None => written(&pairs, &self.separator),
        };
        let holds_key = plan.fields.is_some_and(|choice| choice.holds_key);
        let (bytes, change) = match plan.writing() {
            Some(Writing::Whole(change)) => (change(&text), None),
            Some(Writing::WithKey(change)) => (text.into_bytes(), Some(change)),
            _ => (text.into_bytes(), None),
        };
        Text { bytes, change, holds_key }
    }
}

fn is_kept(plan: Plan<'_>, index: usize, entry: &Entry) -> bool {
    let null_is_written = matches!(plan.writing(), Some(Writing::WithNulls(_)))
        && entry.tree == Tree::Null
        && entry.selection == Selection::Empty;
    null_is_written
        || match plan.fields {
            Some(choice) => choice.keep.get(index).copied().unwrap_or_default(),
            None => kept(entry),
        }
}

fn extra_pair((name, text): &(String, String)) -> (usize, Pair<'_>) {
    (usize::MAX, Pair { name: name.into(), text: text.into(), is_whole: false })
}

fn pair<'p>(plan: Plan<'p>, index: usize, entry: &'p Entry) -> Pair<'p> {
    let changed = plan.values.and_then(|choice| choice.texts.get(index)?.as_deref());
    let is_whole = changed.is_some() && matches!(plan.writing(), Some(Writing::Pairs(_)));
    Pair { name: (&*entry.name).into(), text: changed.unwrap_or(&entry.text).into(), is_whole }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::Dialect;

    #[test]
    fn a_choice_of_values_has_only_texts_that_differ_and_are_short() {
        let long = "é".repeat(MAX_TEXT / 2);
        let json =
            format!(r#"{{"a":"x y","b":true,"amount":5000,"l":["1"],"long":"{long}","sign":"s"}}"#);
        let payload = Payload::parse(json.as_bytes()).unwrap();
        let composer = Composer::new(&payload, Dialect::platform().first());
        let mut changed = 0;
        for choice in composer.value_choices() {
            for (entry, text) in composer.entries().iter().zip(&choice.texts) {
                let Some(text) = text else { continue };
                let own = match choice.writing {
                    Writing::Pairs(_) => format!("{}={}", entry.name, entry.text),
                    _ => entry.text.clone(),
                };
                let code = choice.deviation.code;
                assert!(*text != own && text.len() <= MAX_TEXT, "{code} of {}", entry.name);
                assert!(!entry.is_signature, "{code}");
                changed += 1;
            }
        }
        assert!(changed > 20, "{changed}");
    }
}
