//! Plans with several deviations of different dimensions.

use super::compose::{FieldChoice, Plan};
use super::values::Writing;

/// The plans with one deviation that change the string, by dimension.
pub(super) struct Effective<'c> {
    pub(super) fields: Vec<Plan<'c>>,
    pub(super) orders: Vec<Plan<'c>>,
    pub(super) values: Vec<Plan<'c>>,
    pub(super) shapes: Vec<Plan<'c>>,
}

pub(super) fn pairs<'c>(found: &Effective<'c>) -> Vec<Plan<'c>> {
    let Effective { fields, orders, values, shapes } = found;
    // Where a value is several pairs, or none, a shape has nothing to join.
    let is_single = |plan: &&Plan<'_>| !matches!(plan.writing(), Some(Writing::Pairs(_)));
    let single: Vec<Plan<'_>> = values.iter().filter(is_single).copied().collect();
    let after_fields = [&**orders, values, shapes].concat();
    let after_orders = [&**values, shapes].concat();
    [crossed(fields, &after_fields), crossed(orders, &after_orders), crossed(&single, shapes)]
        .concat()
}

fn crossed<'c>(firsts: &[Plan<'c>], seconds: &[Plan<'c>]) -> Vec<Plan<'c>> {
    firsts.iter().flat_map(|first| seconds.iter().map(|second| first.and(second))).collect()
}

const FREQUENT_FIELDS: [&str; 5] =
    ["drop-zero", "drop-falsy", "keep-empty", "keep-empty-string", "include-sign_type"];

/// The frequent choices of members in received order, with each way to write values.
pub(super) fn triples<'c>(found: &Effective<'c>) -> Vec<Plan<'c>> {
    let is_frequent = |choice: &FieldChoice| {
        choice.deviations.iter().all(|deviation| FREQUENT_FIELDS.contains(&deviation.code))
    };
    let fields = found.fields.iter().filter(|plan| plan.fields.is_some_and(is_frequent));
    let fields: Vec<Plan<'_>> = fields.copied().collect();
    let is_unsorted = |plan: &&Plan<'_>| plan.order.is_some_and(|rule| rule.code == "doc-order");
    let unsorted: Vec<Plan<'_>> = found.orders.iter().filter(is_unsorted).copied().collect();
    crossed(&crossed(&unsorted, &fields), &found.values)
}
