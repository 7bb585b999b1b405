//! Orders with several notifications.

use std::time::Duration;

use super::*;
use crate::sender::orders::life::{LifeWords, Lives};
use crate::sender::record::FollowingOrder;
use crate::sender::schedule::Speed;
use protocol::StatusTable;

fn lives(texts: &[&str]) -> Lives {
    let words: Vec<_> = texts.iter().map(|text| LifeWords::parse(text).unwrap()).collect();
    Lives::try_new(&words, &StatusTable::PLATFORM).unwrap()
}

fn lived(texts: &[&str], count: u64, settings: OrderSettings) -> Orders {
    Orders::with_lives(count, lives(texts), settings, signer())
}

/// The notifications of the next order; the first is due at once.
fn next_life(orders: &mut Orders) -> Option<Vec<FollowingOrder>> {
    let order = next(orders)?.unwrap();
    let first = FollowingOrder { order, due: Duration::ZERO, waits_for: None };
    Some([vec![first], orders.following()].concat())
}

/// A field of each notification, as it is written.
fn field(notifications: &[FollowingOrder], name: &str) -> Vec<String> {
    let value = |one: &FollowingOrder| {
        let payload = Payload::parse(&one.order.body).unwrap();
        match payload.get(name).map(|member| &member.value) {
            Some(Value::Number(number)) => (*number).to_owned(),
            Some(Value::String(text)) => text.to_string(),
            _ => String::new(),
        }
    };
    notifications.iter().map(value).collect()
}

#[test]
fn an_order_has_one_signed_notification_for_each_status() {
    let changes = vec![set("memo", "{n}-{uuid}-{hex:4}-{1..999}"), set("seen_at", "{now}")];
    let settings = OrderSettings { changes, ..settings(3) };
    let mut orders = lived(&["processing, 90s, success, failed"], 2, settings);
    assert_eq!(orders.remaining(), Some(2));
    let first = next_life(&mut orders).unwrap();
    for one in &first {
        let payload = Payload::parse(&one.order.body).unwrap();
        assert_eq!(verify(&payload, &key(), Dialect::platform(), None).answer, Answer::Match);
    }
    assert_eq!(field(&first, "status"), ["2", "3", "5"]);
    assert_eq!(field(&first, "error_msg"), ["", "", "beneficiary account rejected"]);
    let begun = at().as_second();
    let times = [begun, begun + 90, begun + 90].map(|at| at.to_string());
    assert_eq!(field(&first, "update_time"), times);
    assert_eq!(field(&first, "seen_at"), times);
    for same in ["payout_id", "payout_cl_id", "amount", "fee", "create_time", "memo"] {
        let values = field(&first, same);
        assert!(!values[0].is_empty() && values.iter().all(|it| *it == values[0]), "{same}");
    }
    assert!(field(&first, "memo")[0].starts_with("1-"));
    let due: Vec<_> = first.iter().map(|one| (one.due.as_secs(), one.waits_for)).collect();
    assert_eq!(due, [(0, None), (90, None), (90, Some(2))]);
    let second = next_life(&mut orders).unwrap();
    assert_ne!(field(&first, "payout_id"), field(&second, "payout_id"));
    assert_eq!(second.iter().map(|one| one.order.number).collect::<Vec<_>>(), [4, 5, 6]);
    assert!(next_life(&mut orders).is_none());
    assert_eq!(orders.remaining(), Some(0));
}

#[test]
fn a_speed_shortens_pauses_and_leaves_the_times_in_the_payload() {
    let life = ["processing, 90s, success"];
    let real = next_life(&mut lived(&life, 1, settings(3))).unwrap();
    let fast = lived(&life, 1, settings(3)).at_speed(Speed::parse("60x").unwrap());
    let fast = next_life(&mut { fast }).unwrap();
    assert_eq!((real[1].due.as_secs(), fast[1].due), (90, Duration::from_millis(1_500)));
    let body = |life: &[FollowingOrder]| life[1].order.body.clone();
    assert_eq!(body(&real), body(&fast));
    let due = at() + jiff::SignedDuration::from_millis(1_500);
    assert_eq!(fast[1].order.completed_at, due);
}

#[test]
fn a_duplicated_order_has_each_notification_twice() {
    let duplicates = "50%".parse().unwrap();
    let settings = OrderSettings { duplicates, ..settings(3) };
    let mut orders = lived(&["processing, success"], 2, settings);
    let (once, twice) = (next_life(&mut orders).unwrap(), next_life(&mut orders).unwrap());
    let numbers = |life: &[FollowingOrder]| -> Vec<(u64, Option<u64>, Option<u64>)> {
        life.iter().map(|it| (it.order.number, it.order.duplicate_of, it.waits_for)).collect()
    };
    assert_eq!(numbers(&once), [(1, None, None), (3, None, Some(1))]);
    let all = [(5, None, None), (6, Some(5), None), (7, None, Some(5)), (8, Some(7), Some(5))];
    assert_eq!(numbers(&twice), all);
    assert!(
        twice[0].order.body == twice[1].order.body && twice[2].order.body == twice[3].order.body
    );
    assert_eq!(orders.duplicates(), 2);
}

#[test]
fn orders_continue_after_any_order() {
    for share in ["0%", "30%", "100%"] {
        let settings = || OrderSettings { duplicates: share.parse().unwrap(), ..settings(3) };
        let texts = ["processing, 2s, success=3", "failed", "success, 0s, success, failed"];
        let all = |orders: &mut Orders| -> Vec<Vec<FollowingOrder>> {
            std::iter::from_fn(|| next_life(orders)).collect()
        };
        let whole = all(&mut lived(&texts, 12, settings()));
        assert_eq!(whole.len(), 12);
        let plan = lived(&texts, 12, settings()).plan().clone();
        let kept = serde_json::to_string(&plan).unwrap();
        assert_eq!(serde_json::from_str::<plan::OrderPlan>(&kept).unwrap(), plan);
        for begun in 1..=12 {
            let last =
                whole[begun - 1].iter().map(|it| it.order.clone()).max_by_key(|it| it.number);
            let mut rest = Orders::resume(plan.clone(), Some(signer()), last).unwrap();
            assert_eq!(rest.remaining(), Some(12 - begun as u64));
            assert_eq!(all(&mut rest), whole[begun..], "{share}, after {begun}");
        }
    }
}

#[test]
fn what_is_left_is_due_at_its_time_and_after_what_it_follows() {
    let settings = OrderSettings { duplicates: "100%".parse().unwrap(), ..settings(3) };
    let mut orders = lived(&["processing, success, 90s, failed"], 1, settings);
    let lives = orders.plan().lives().unwrap();
    let all: Vec<Order> = next_life(&mut orders).unwrap().into_iter().map(|it| it.order).collect();
    let now = at() + jiff::SignedDuration::from_secs(30);
    let left = |from: usize| -> Vec<(u64, u64, Option<u64>)> {
        let left = lives.left(all[from..].to_vec(), now);
        left.iter().map(|it| (it.order.number, it.due.as_secs(), it.waits_for)).collect()
    };
    let last = [(5, 60, None), (6, 60, None)];
    assert_eq!(left(4), last);
    // Nothing is left to wait for once the first was sent, whatever became of it.
    assert_eq!(left(1)[..3], [(2, 0, None), (3, 0, None), (4, 0, None)]);
    assert_eq!(left(0)[..4], [(1, 0, None), (2, 0, None), (3, 0, Some(1)), (4, 0, Some(1))]);
    assert_eq!(left(0)[4..], last);
    let late = lives.left(all[2..].to_vec(), at() + jiff::SignedDuration::from_secs(100));
    let late: Vec<_> =
        late.iter().map(|it| (it.order.number, it.due.as_secs(), it.waits_for)).collect();
    assert_eq!(late, [(3, 0, None), (4, 0, None), (5, 0, Some(3)), (6, 0, Some(3))]);
}
