//! Deviations in which members are signed.

use super::Deviation;
use super::deviations::{Rule, of_payload, rule, that_does};
use super::entry::{Entry, Tree};
use super::generated::list;
use crate::canonical::Selection;
use crate::notification::{self, DEPOSIT_IDS};
use crate::status::Kind;

/// Whether a member is signed.
pub(super) type FieldRule = Rule<fn(&Entry) -> bool>;

pub(super) fn kept(entry: &Entry) -> bool {
    entry.selection == Selection::Kept
}

/// The documented names of both notifications, in the page's order.
pub(super) fn documented() -> impl Iterator<Item = &'static str> {
    notification::fields(Kind::Payout).chain(&DEPOSIT_IDS).map(|field| field.name)
}

pub(super) fn is_documented(entry: &Entry) -> bool {
    documented().any(|name| name == entry.name)
}

fn is_zero_text(text: &str) -> bool {
    text.parse::<f64>().is_ok_and(|number| number == 0.0)
}

fn is_number_zero(entry: &Entry) -> bool {
    entry.number().is_some_and(is_zero_text)
}

fn is_false(entry: &Entry) -> bool {
    entry.tree == Tree::Bool(false)
}

fn is_empty_list(entry: &Entry) -> bool {
    matches!(&entry.tree, Tree::List(items) if items.is_empty())
}

fn is_empty_container(entry: &Entry) -> bool {
    is_empty_list(entry) || matches!(&entry.tree, Tree::Map(members) if members.is_empty())
}

fn is_blank(entry: &Entry) -> bool {
    entry.string().is_some_and(|text| text.trim().is_empty())
}

/// The rules that look at a value's type only.
pub(super) const BY_TYPE: [&str; 4] =
    ["drop-nested", "scalars-as-text", "drop-booleans", "strings-only"];

/// Zero, in quotes or not, or false.
pub(super) fn is_falsy(entry: &Entry) -> bool {
    is_false(entry) || entry.digits().is_some_and(is_zero_text)
}

/// Those that say more of the members that are missing come first.
pub(super) static FIELD_RULES: [FieldRule; 21] = [
    rule("drop-empty-containers", |e| kept(e) && !is_empty_container(e)),
    rule("drop-nested", |e| kept(e) && e.nested().is_none()),
    rule("scalars-as-text", |e| kept(e) && e.digits().is_some()),
    rule("drop-booleans", |e| kept(e) && !matches!(e.tree, Tree::Bool(_))),
    rule("drop-unknown", |e| kept(e) && is_documented(e) && e.name != "error_msg"),
    rule("drop-undocumented", |e| kept(e) && is_documented(e)),
    rule("drop-zero", |e| {
        kept(e)
            && !is_number_zero(e)
            && !is_false(e)
            && e.string() != Some("0")
            && !is_empty_container(e)
    }),
    rule("drop-falsy", |e| kept(e) && !is_number_zero(e) && !is_false(e)),
    rule("drop-falsy-containers", |e| {
        kept(e) && !is_number_zero(e) && !is_false(e) && !is_empty_container(e)
    }),
    rule("drop-zero-number", |e| kept(e) && !e.digits().is_some_and(is_zero_text) && !is_false(e)),
    rule("drop-loose", |e| kept(e) && !is_number_zero(e) && !is_false(e) && !is_empty_list(e)),
    rule("drop-false", |e| kept(e) && !is_false(e)),
    rule("keep-empty", |e| e.selection != Selection::LeftOut),
    rule("keep-empty-string", |e| {
        kept(e) || (e.selection == Selection::Empty && e.tree != Tree::Null)
    }),
    rule("include-sign_type", |e| kept(e) || (e.name == "sign_type" && !e.text.is_empty())),
    rule("include-sign-empty", |e| kept(e) || e.is_signature),
    rule("drop-sign_type", |e| kept(e) && e.name != "sign_type"),
    rule("drop-blank", |e| kept(e) && !is_blank(e)),
    rule("drop-blank-or-false", |e| kept(e) && !is_blank(e) && !is_false(e)),
    rule("strings-only", |e| kept(e) && e.string().is_some()),
    rule("nothing", |_| false),
];

pub(super) fn nested(name: &str) -> Deviation {
    that_does("nested-only", format!("signs only the fields of {}", of_payload(name)))
}

pub(super) fn dropped(name: &str) -> Deviation {
    that_does("field-dropped", format!("does not sign {}", of_payload(name)))
}

/// A list of members that the code signs or does not sign; whichever is shorter is named.
pub(super) fn listed(signed: &[&str], missing: &[&str]) -> Deviation {
    let does = match missing.len() <= signed.len() {
        true => format!("signs a fixed list of fields, without {}", list(missing)),
        false => format!("signs a fixed list of fields: only {}", list(signed)),
    };
    that_does("field-list", does)
}
