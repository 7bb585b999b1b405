//! Plans with several deviations of different dimensions.

use super::compose::{FieldChoice, Plan};
use super::shapes::SHAPE_RULES;
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
    let (shapes, rare_shapes): (Vec<Plan<'_>>, Vec<Plan<'_>>) =
        shapes.iter().partition(|plan| plan.shape.is_none_or(|rule| is_usual_shape(rule.code)));
    let (names, orders): (Vec<Plan<'_>>, Vec<Plan<'_>>) = orders
        .iter()
        .partition(|plan| plan.order.is_some_and(|rule| rule.code.starts_with("names-")));
    let after_fields = [&*orders, values, &*shapes].concat();
    let after_orders = [&**values, &*shapes].concat();
    let frequent: Vec<Plan<'_>> = frequent_fields(found).chain(unsorted(found)).collect();
    [
        crossed(fields, &after_fields),
        crossed(&orders, &after_orders),
        crossed(&single, &shapes),
        crossed(&frequent, &rare_shapes),
        crossed(fields, &names),
    ]
    .concat()
}

/// The first shapes of the table are combined with everything, the others with frequent mistakes.
fn is_usual_shape(code: &str) -> bool {
    SHAPE_RULES.iter().take(USUAL_SHAPES).any(|rule| rule.code == code)
}

const USUAL_SHAPES: usize = 20;

fn crossed<'c>(firsts: &[Plan<'c>], seconds: &[Plan<'c>]) -> Vec<Plan<'c>> {
    firsts.iter().flat_map(|first| seconds.iter().map(|second| first.and(second))).collect()
}

const FREQUENT_FIELDS: [&str; 5] =
    ["drop-zero", "drop-falsy", "keep-empty", "keep-empty-string", "include-sign_type"];

fn frequent_fields<'c>(found: &Effective<'c>) -> impl Iterator<Item = Plan<'c>> {
    let is_frequent = |choice: &FieldChoice| {
        choice.deviations.iter().all(|deviation| FREQUENT_FIELDS.contains(&deviation.code))
    };
    found.fields.iter().filter(move |plan| plan.fields.is_some_and(is_frequent)).copied()
}

fn unsorted<'c>(found: &Effective<'c>) -> impl Iterator<Item = Plan<'c>> {
    let is_unsorted = |plan: &&Plan<'_>| plan.order.is_some_and(|rule| rule.code == "doc-order");
    found.orders.iter().filter(is_unsorted).copied()
}

/// The frequent choices of members in received order, with each way to write values.
pub(super) fn triples<'c>(found: &Effective<'c>) -> Vec<Plan<'c>> {
    let fields: Vec<Plan<'_>> = frequent_fields(found).collect();
    let unsorted: Vec<Plan<'_>> = unsorted(found).collect();
    crossed(&crossed(&unsorted, &fields), &found.values)
}
