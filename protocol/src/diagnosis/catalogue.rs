//! Every deviation that the search knows, whatever the payload: for documents.

use std::collections::HashSet;

use super::digest::{self, Width};
use super::entry::entries;
use super::forms::{self, Form};
use super::{Deviation, fields, keys, orders, other_hashes, own_key, own_url, shapes, values};
use crate::dialect::Dialect;
use crate::payload::Payload;
use crate::scheme::{Algorithm, DigestCase};

/// Every deviation from this platform's rules by its stable name, each once, in the order of the
/// search.
///
/// Where one name covers several texts, such as other words before the key, the first is told.
#[must_use]
pub fn catalogue() -> Vec<Deviation> {
    let schemes = &Dialect::platform().schemes;
    let forms = schemes.iter().flat_map(|scheme| {
        let own = Form::of(scheme);
        let widths = [Width::Sixteen, Width::ThirtyTwo];
        widths.into_iter().flat_map(move |width| forms::forms(width, &own))
    });
    let found = own_key::all()
        .into_iter()
        .chain([own_url::deviation(&["s"])])
        .chain(keys::all())
        .chain(forms.map(|rule| rule.deviation))
        .chain([forms::other_algorithm(Algorithm::HmacSha256, Algorithm::Md5)])
        .chain(other_hashes::all())
        .chain(digest::all(DigestCase::Lower))
        .chain(fields::FIELD_RULES.iter().map(|rule| rule.deviation.clone()))
        .chain([fields::dropped("real_amount"), fields::nested("data")])
        .chain(orders::ORDER_RULES.iter().map(|rule| rule.deviation.clone()))
        .chain(values::rules().map(|rule| rule.deviation.clone()))
        .chain(shapes::SHAPE_RULES.iter().map(|rule| rule.deviation.clone()))
        .chain(whole_strings());
    let mut named = HashSet::new();
    let mut all: Vec<Deviation> = found.filter(|deviation| named.insert(deviation.code)).collect();
    all.sort_by_key(|deviation| deviation.dimension);
    all
}

fn whole_strings() -> Vec<Deviation> {
    let Ok(payload) = Payload::parse(b"{}") else { return Vec::new() };
    let scheme = Dialect::platform().first();
    let strings = shapes::whole_strings(&payload, &scheme.sign_field, &entries(&payload, scheme));
    strings.into_iter().map(|(deviation, _)| deviation).collect()
}
