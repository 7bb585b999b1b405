//! Plans with several deviations of different dimensions.

use super::compose::{FieldChoice, Plan, ValueChoice};
use super::orders::OrderRule;
use super::shapes::ShapeRule;
use super::values::Writing;

#[derive(Default)]
pub(super) struct Effective<'c> {
    pub(super) fields: Vec<&'c FieldChoice>,
    pub(super) orders: Vec<&'static OrderRule>,
    pub(super) values: Vec<&'c ValueChoice>,
    pub(super) shapes: Vec<&'static ShapeRule>,
}

pub(super) fn pairs<'c>(found: &Effective<'c>) -> impl Iterator<Item = Plan<'c>> {
    let fields = found.fields.iter().flat_map(|fields| {
        let plan = Plan { fields: Some(fields), ..Plan::default() };
        let orders = found.orders.iter().map(move |order| Plan { order: Some(order), ..plan });
        orders.chain(values(found, plan)).chain(shapes(found, plan))
    });
    let orders = found.orders.iter().flat_map(|order| {
        let plan = Plan { order: Some(order), ..Plan::default() };
        values(found, plan).chain(shapes(found, plan))
    });
    // Where a value is several pairs, or none, a shape has nothing to join.
    let single = found.values.iter().filter(|v| !matches!(v.rule.writing, Writing::Pairs(_)));
    let values_and_shapes =
        single.flat_map(|values| shapes(found, Plan { values: Some(values), ..Plan::default() }));
    fields.chain(orders).chain(values_and_shapes)
}

fn values<'c>(found: &Effective<'c>, plan: Plan<'c>) -> impl Iterator<Item = Plan<'c>> {
    found.values.iter().map(move |values| Plan { values: Some(values), ..plan })
}

fn shapes<'c>(found: &Effective<'c>, plan: Plan<'c>) -> impl Iterator<Item = Plan<'c>> {
    found.shapes.iter().map(move |shape| Plan { shape: Some(shape), ..plan })
}

const FREQUENT_FIELDS: [&str; 5] =
    ["drop-zero", "drop-falsy", "keep-empty", "keep-empty-string", "include-sign_type"];

pub(super) fn triples<'c>(found: &Effective<'c>) -> impl Iterator<Item = Plan<'c>> {
    let is_frequent = |choice: &&&FieldChoice| {
        choice.deviations.iter().all(|deviation| FREQUENT_FIELDS.contains(&deviation.code))
    };
    let unsorted = found.orders.iter().filter(|rule| rule.deviation.code == "doc-order");
    unsorted.flat_map(move |order| {
        found.fields.iter().filter(is_frequent).flat_map(move |fields| {
            let plan = Plan { fields: Some(fields), order: Some(order), ..Plan::default() };
            values(found, plan)
        })
    })
}
