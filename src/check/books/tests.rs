use super::*;
use crate::check::demand::OrderRef;

const AMOUNT: Option<i64> = Some(12_345);
const A: f64 = 12_345.0;

fn learn(success: Amounts, failure: Amounts, is_named: bool) -> Result<Books, LearnError> {
    let step = |delta| Step { delta, amount: AMOUNT };
    Books::learn(step(success), step(failure), is_named)
}

fn demand(letters: &str) -> Demand {
    let has = |letter| letters.contains(letter);
    let order = OrderRef { id: "a".to_owned(), client_id: String::new(), amount: AMOUNT };
    let allowed = Allowed { nothing: has('-'), success: has('s'), failure: has('f') };
    Demand { order, allowed, is_company: false }
}

/// What is found of an order that moved the books so: `right`, or the sentence.
fn each(books: &Books, letters: &str, delta: Amounts) -> String {
    match books.compare_each(&[demand(letters)], &[delta]) {
        Booked::Right => "right".to_owned(),
        Booked::Lost(what) => format!("lost: {}", what.split(',').next().unwrap_or_default()),
        Booked::Wrong(what) | Booked::Unseen(what) => what,
    }
}

#[test]
fn the_unit_is_learnt_from_one_order() {
    let unit = |delta| movement(delta, AMOUNT).map(|by| (by.unit, by.sign));
    assert_eq!(unit(12_345.0), Some((Unit::Cents, 1.0)));
    assert_eq!(unit(123.45), Some((Unit::Whole, 1.0)));
    assert_eq!(unit(1.0), Some((Unit::Count, 1.0)));
    assert_eq!(unit(24_690.0), Some((Unit::Cents, 1.0)));
    assert_eq!(unit(-123.45), Some((Unit::Whole, -1.0)));
    assert_eq!(unit(0.0), None);
    assert_eq!(unit(777.0), None);
    assert_eq!(
        learn([777.0, 0.0], [0.0; 2], false),
        Err(LearnError::Odd { amount: 12_345, delta: 777.0 })
    );
    assert_eq!(learn([0.0; 2], [0.0; 2], false), Err(LearnError::Nothing));
}

#[test]
fn a_merchant_that_credits_successes_is_understood() {
    let books = learn([A, 0.0], [0.0; 2], false).unwrap();
    assert_eq!(each(&books, "s", [A, 0.0]), "right");
    assert_eq!(each(&books, "s", [0.0; 2]), "lost: the order a was not credited");
    assert_eq!(each(&books, "s", [2.0 * A, 0.0]), "the order a was credited twice");
    assert_eq!(
        each(&books, "s", [100.0, 0.0]),
        "lost: the order a was credited with 100; expected 12345"
    );
    assert_eq!(
        each(&books, "-s", [100.0, 0.0]),
        "the order a was credited with 100; expected 12345"
    );
    assert_eq!(each(&books, "-s", [0.0; 2]), "right");
    assert_eq!(each(&books, "-", [A, 0.0]), "the order a was credited once");
    assert_eq!(each(&books, "f", [0.0; 2]), "right");
    assert!(
        each(&books, "f", [A, 0.0]).starts_with("the order a was credited once, as a success is")
    );
    assert!(each(&books, "s", [-A, 0.0]).starts_with("the order a was credited with -12345"));
}

#[test]
fn a_merchant_that_gives_failures_back_is_understood() {
    let books = learn([0.0; 2], [1.0, 0.0], false).unwrap();
    assert_eq!(each(&books, "f", [1.0, 0.0]), "right");
    assert_eq!(each(&books, "f", [0.0; 2]), "lost: the order a was not refunded");
    assert_eq!(each(&books, "f", [2.0, 0.0]), "the order a was refunded twice");
    assert_eq!(each(&books, "s", [0.0; 2]), "right");
    assert_eq!(each(&books, "s", [1.0, 0.0]), "the order a was refunded once");
    assert_eq!(each(&books, "-", [1.0, 0.0]), "the order a was refunded once");
}

#[test]
fn a_merchant_that_books_both_is_understood() {
    let named = learn([A, 0.0], [0.0, 123.45], true).unwrap();
    assert_eq!(each(&named, "s", [A, 0.0]), "right");
    assert_eq!(each(&named, "f", [0.0, 123.45]), "right");
    assert_eq!(each(&named, "f", [0.0, 246.9]), "the order a was refunded twice");
    assert_eq!(each(&named, "f", [A, 123.45]), "the order a was credited once and refunded once");
    assert_eq!(each(&named, "s", [A, 123.45]), "the order a was credited once and refunded once");
    assert_eq!(each(&named, "s", [0.0, 123.45]), "the order a was not credited");
    // A balance goes down with a success and up with a failure.
    let balance = learn([-A, 0.0], [A, 0.0], false).unwrap();
    assert_eq!(each(&balance, "s", [-A, 0.0]), "right");
    assert_eq!(each(&balance, "f", [A, 0.0]), "right");
    assert_eq!(each(&balance, "s", [-2.0 * A, 0.0]), "the order a was credited twice");
    assert_eq!(each(&balance, "s", [0.0; 2]), "lost: the order a was not credited");
}

#[test]
fn a_failure_that_is_booked_as_a_success_is_not_learnt() {
    for is_named in [false, true] {
        let books = learn([A, 0.0], [A, 0.0], is_named).unwrap();
        assert!(each(&books, "f", [A, 0.0]).starts_with("the order a was credited once"));
        assert_eq!(each(&books, "f", [0.0; 2]), "right");
    }
    // Statuses the wrong way round: what is credited by name alone is not a refund.
    let swapped = learn([0.0; 2], [A, 0.0], true).unwrap();
    assert_eq!(each(&swapped, "f", [A, 0.0]), "the order a was credited once");
}

#[test]
fn the_total_of_all_orders_is_compared_with_what_they_may_come_to() {
    let books = learn([1.0, 0.0], [0.0; 2], false).unwrap();
    let total = |letters: &[&str], delta| {
        let demands: Vec<Demand> = letters.iter().map(|one| demand(one)).collect();
        match books.compare_total(&demands, &[delta, 0.0]) {
            Booked::Right => "right".to_owned(),
            Booked::Lost(what) => format!("lost: {what}"),
            Booked::Wrong(what) | Booked::Unseen(what) => what,
        }
    };
    assert_eq!(total(&["s"], 1.0), "right");
    assert_eq!(total(&["s"], 2.0), "the order a was credited twice");
    assert_eq!(total(&["s", "-"], 1.0), "right");
    assert_eq!(total(&["s", "-"], 2.0), "2 orders changed the total by 2");
    assert_eq!(total(&["s", "-s"], 2.0), "right");
    assert!(total(&["s", "s"], 1.0).starts_with("lost: 2 orders changed the total by 1, although"));
    assert_eq!(total(&["f", "-"], -1.0), "2 orders changed the total by -1");
}
