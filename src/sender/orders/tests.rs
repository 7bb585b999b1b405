//! What orders are made, from each kind of source.

mod file;
mod lives;
mod pipe;
mod resume;

use std::collections::HashSet;

use protocol::internal::signature::{Answer, verify};
use protocol::{Algorithm, Dialect, Key, Layout, Payload, Value};

use super::mix::Mix;
use super::template::{Change, Template};
use super::*;

fn key() -> Key {
    Key::try_new(b"ThisIsYourSecretKey123".to_vec()).unwrap()
}

fn signer_of(dialect: &str) -> BodySigner {
    // With this platform's layout: how a dialect lays a notification out is tested apart.
    let dialect = Dialect::built_in(dialect).unwrap().clone();
    let dialect = Dialect { layout: Layout::PLATFORM, ..dialect };
    BodySigner::try_new(&dialect, None, key()).unwrap()
}

fn signer() -> BodySigner {
    signer_of("platform")
}

fn settings(seed: u64) -> OrderSettings {
    OrderSettings { seed, failed: 5, ..OrderSettings::default() }
}

fn successes(seed: u64) -> OrderSettings {
    OrderSettings { mix: Some(Mix::only(3)), ..settings(seed) }
}

fn at() -> Timestamp {
    Timestamp::from_second(1_567_614_111).unwrap()
}

fn next(orders: &mut Orders) -> Option<Result<Order, OrderError>> {
    match orders.next(at()) {
        Poll::Ready(order) => order,
        Poll::Pending => panic!("a pipe"),
    }
}

fn all(orders: &mut Orders) -> Vec<Order> {
    std::iter::from_fn(|| next(orders)).map(Result::unwrap).collect()
}

fn set(name: &str, value: &str) -> Change {
    Change::Put { name: name.to_owned(), template: Template::parse(value).unwrap() }
}

#[test]
fn generated_orders_verify_and_follow_the_seed() {
    let orders = all(&mut Orders::generate(50, successes(1), signer()));
    assert_eq!(orders, all(&mut Orders::generate(50, successes(1), signer())));
    assert_ne!(orders, all(&mut Orders::generate(50, successes(2), signer())));
    for (order, number) in orders.iter().zip(1..) {
        let payload = Payload::parse(&order.body).unwrap();
        assert_eq!(verify(&payload, &key(), Dialect::platform(), None).answer, Answer::Match);
        assert_eq!(order.number, number);
        assert!(order.id.starts_with("POT"), "{}", order.id);
    }
}

#[test]
fn changes_differ_from_order_to_order_and_a_chosen_digest_is_said() {
    let signer =
        BodySigner::try_new(Dialect::platform(), Some(Algorithm::HmacSha256), key()).unwrap();
    let changes = vec![set("memo", "order {n}"), set("amount", "{100..500}"), set("x", "1")];
    let orders = all(&mut Orders::generate(3, OrderSettings { changes, ..successes(1) }, signer));
    let body = String::from_utf8(orders[2].body.to_vec()).unwrap();
    let payload = Payload::parse(body.as_bytes()).unwrap();
    assert_eq!(payload.get("memo").unwrap().value, Value::String("order 3".into()));
    assert!(matches!(payload.get("amount").unwrap().value, Value::Number(n) if n.len() == 3));
    assert!(body.contains("\"sign_type\":\"HMAC-SHA256\""), "{body}");
    assert_eq!(verify(&payload, &key(), Dialect::platform(), None).answer, Answer::Match);
    assert!(
        BodySigner::try_new(Dialect::platform(), Some(Algorithm::Sha256), key()).is_err(),
        "the platform has no SHA256"
    );
}

#[test]
fn no_two_orders_share_an_id() {
    let mut orders = Orders::generate(10_000, successes(4), signer());
    let (mut ids, mut merchant) = (HashSet::new(), HashSet::new());
    while let Some(order) = next(&mut orders) {
        let order = order.unwrap();
        let payload = Payload::parse(&order.body).unwrap();
        let Value::String(of_merchant) = &payload.get("payout_cl_id").unwrap().value else {
            panic!("the merchant's id is a string");
        };
        assert_eq!((order.id.len(), of_merchant.len()), (11, 32));
        assert!(merchant.insert(of_merchant.to_string()), "{of_merchant}");
        assert!(ids.insert(Arc::clone(&order.id)), "{}", order.id);
    }
    assert_eq!(ids.len(), 10_000);
}

#[test]
fn duplicates_repeat_the_bytes_under_a_number_of_their_own() {
    let duplicates = "50%".parse().unwrap();
    let settings = OrderSettings { duplicates, mix: Some(Mix::only(5)), ..settings(1) };
    let mut source = Orders::generate(4, settings, signer());
    assert_eq!(source.remaining(), Some(6));
    next(&mut source).unwrap().unwrap();
    assert_eq!(source.remaining(), Some(5));
    let orders = all(&mut source);
    let repeats: Vec<_> = orders.iter().map(|o| (o.number, o.duplicate_of)).collect();
    assert_eq!(repeats, [(2, None), (3, Some(2)), (4, None), (5, None), (6, Some(5))]);
    assert_eq!((&orders[0].body, &orders[0].id), (&orders[1].body, &orders[1].id));
    assert!(orders.iter().all(|order| order.body.windows(10).any(|w| w == b"\"status\":5")));
    assert_eq!(source.remaining(), Some(0));
}

#[test]
fn an_order_without_an_id_is_called_by_its_number() {
    let changes = vec![Change::Remove { name: "payout_id".to_owned() }];
    let orders = all(&mut Orders::generate(2, OrderSettings { changes, ..successes(1) }, signer()));
    assert_eq!(&*orders[1].id, "#2");
}
