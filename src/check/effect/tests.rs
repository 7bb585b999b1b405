//! What follows from numbers, without an observer.

use super::*;
use crate::check::case::{Expect, Manner};

fn parcel(order: &str, expect: Expect) -> Parcel {
    Parcel {
        label: String::new(),
        message: Message {
            method: "POST".to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
            order_id: order.to_owned(),
            amount_cents: Some(12_345),
        },
        manner: Manner::Plain,
        at_once: 1,
        after: Duration::ZERO,
        expect,
        may_book: true,
    }
}

fn bounds(effect: Effect, parcels: &[Parcel]) -> Vec<(u32, Option<u32>)> {
    let acknowledged = vec![true; parcels.len()];
    demands(effect, parcels, &acknowledged).iter().map(|one| (one.least, one.most)).collect()
}

#[test]
fn what_must_be_booked_follows_from_effect_and_expectations() {
    let (good, bad) = (Expect::Acknowledged, Expect::NotAcknowledged);
    let one = [parcel("a", good)];
    assert_eq!(bounds(Effect::Any, &one), []);
    assert_eq!(bounds(Effect::Once, &one), [(1, Some(1))]);
    assert_eq!(bounds(Effect::None, &one), [(0, Some(0))]);
    assert_eq!(bounds(Effect::AtMostOnce, &one), [(0, Some(1))]);
    let again = [parcel("a", good), parcel("a", good)];
    assert_eq!(bounds(Effect::Once, &again), [(1, Some(1))]);
    let mixed = [parcel("a", good), parcel("b", bad)];
    assert_eq!(bounds(Effect::None, &mixed), [(0, None), (0, Some(0))]);
    assert_eq!(bounds(Effect::Once, &mixed), [(1, Some(1)), (0, Some(0))]);
}

#[test]
fn the_unit_is_learnt_from_one_order() {
    let unit = |delta| unit_of(delta, Some(12_345));
    assert_eq!(unit(12_345.0), Some(Unit::Cents));
    assert_eq!(unit(123.45), Some(Unit::Whole));
    assert_eq!(unit(1.0), Some(Unit::Count));
    assert_eq!(unit(24_690.0), Some(Unit::Cents));
    assert_eq!(unit(0.0), None);
    assert_eq!(unit(777.0), None);
}

#[test]
fn each_order_and_the_total_are_held_against_the_demands() {
    let twice = demands(Effect::Once, &[parcel("a", Expect::Acknowledged)], &[true]);
    let each = |delta| held_each(Unit::Cents, &twice, &[delta]);
    assert_eq!(each(12_345.0), Booked::Right);
    let lost = |told: &str| Booked::Lost(lost_in_words(told.to_owned()));
    assert_eq!(each(0.0), lost("the order a was not credited"));
    assert_eq!(each(24_690.0), Booked::Wrong("the order a was credited twice".to_owned()));
    assert_eq!(each(100.0), lost("the order a was credited with 100; expected 12345"));
    let total = |delta| held_in_total(Unit::Count, &twice, delta);
    assert_eq!(total(1.0), Booked::Right);
    assert!(matches!(total(2.0), Booked::Wrong(_)));
    let mixed = demands(
        Effect::None,
        &[parcel("a", Expect::Acknowledged), parcel("b", Expect::NotAcknowledged)],
        &[true, false],
    );
    assert!(matches!(held_in_total(Unit::Count, &mixed, 1.0), Booked::Unseen(_)));
    assert_eq!(held_each(Unit::Count, &mixed, &[1.0, 0.0]), Booked::Right);
}
