use super::*;
use crate::receiver::callback::{Bytes, Callback};
use crate::receiver::verify::Contract;

mod missing;

/// When the orders of these tests are completed, in Unix seconds.
const DONE: i64 = 1_567_614_111;

/// The page's example, with its status and more members.
fn body(order: &str, status: i64, more: &str) -> String {
    format!(
        "{{\"payout_id\":\"{order}\",\"payout_cl_id\":\"c\",\"platform_id\":\"PF0014\",\
         \"amount\":400000,\"real_amount\":400000,\"fee\":3200,\"status\":{status},\
         \"create_time\":1567614049,\"update_time\":{DONE},\"sign\":\"00\"{more}}}"
    )
}

/// A sender under test: times are in milliseconds after the order's completion.
struct SenderModel {
    referee: Referee,
    number: u64,
}

fn at(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(DONE * 1000 + milliseconds).unwrap()
}

fn callback(number: u64, received_at: Timestamp, method: &str, kind: &str, body: &str) -> Callback {
    Callback {
        number,
        received_at,
        remote: ([127, 0, 0, 1], 1).into(),
        method: method.into(),
        path: "/notify".into(),
        headers: vec![("content-type".to_owned(), kind.as_bytes().to_vec())],
        body: Bytes::copy_from_slice(body.as_bytes()),
    }
}

fn observation(callback: &Callback) -> Observation {
    let contract = Contract::default();
    Observation::of(callback, &contract.payload(callback), &contract)
}

const JSON: &str = "application/json;charset=utf-8";

impl SenderModel {
    fn new() -> SenderModel {
        SenderModel::with(Rules::default())
    }

    fn with(rules: Rules) -> SenderModel {
        SenderModel { referee: Referee::new(rules), number: 0 }
    }

    fn observe(&mut self, callback: &Callback) -> Vec<Breach> {
        self.referee.observe(&observation(callback))
    }

    /// A delivery that is not told to have ended; gives the codes of what it breaks.
    fn opened(&mut self, milliseconds: i64, body: &str) -> Vec<&'static str> {
        self.number += 1;
        let callback = callback(self.number, at(milliseconds), "POST", JSON, body);
        codes(&self.observe(&callback))
    }

    /// A delivery that is refused at once.
    fn refused(&mut self, milliseconds: i64, body: &str) -> Vec<&'static str> {
        let found = self.opened(milliseconds, body);
        self.referee.ended(self.number, at(milliseconds));
        found
    }

    /// A delivery that is acknowledged at once.
    fn acknowledged(&mut self, milliseconds: i64, body: &str) -> Vec<&'static str> {
        let found = self.opened(milliseconds, body);
        assert!(self.referee.acknowledged(self.number, at(milliseconds)).is_empty());
        found
    }

    /// What is told of a second delivery of an order with this first body.
    fn after(first: &str, second: &str) -> Vec<&'static str> {
        let mut game = SenderModel::new();
        assert_eq!(game.refused(0, first), [""; 0]);
        game.refused(15_000, second)
    }
}

fn codes(breaches: &[Breach]) -> Vec<&'static str> {
    breaches.iter().map(|breach| breach.kind.code()).collect()
}

fn success() -> String {
    body("POT1", 3, "")
}

const NONE: [&str; 0] = [];

#[test]
fn a_sender_that_keeps_its_contract_breaks_nothing() {
    let mut game = SenderModel::new();
    for delivery in 0..11 {
        assert_eq!(game.refused(delivery * 360_000, &success()), NONE);
    }
    let mut game = SenderModel::new();
    game.refused(0, &success());
    assert_eq!(game.acknowledged(15_000, &success()), NONE);
    let report = game.referee.verdict();
    assert!(report.is_kept() && report.breaches.is_empty());
    let [order] = &report.orders[..] else { panic!() };
    assert_eq!((&**order.order_id.raw(), order.deliveries, order.status), ("POT1", 2, Some(3)));
    assert_eq!((order.span, order.acknowledged_at), (Duration::from_secs(15), Some(at(15_000))));
    assert_eq!(order.listed[1].gap, Some(Duration::from_secs(15)));
}

#[test]
fn one_delivery_more_than_ten_retries_is_too_many() {
    for (max_retries, allowed) in [(10, 11), (9, 10), (0, 1)] {
        let mut game = SenderModel::with(Rules { max_retries, ..Rules::default() });
        for delivery in 0..allowed {
            assert_eq!(game.refused(delivery * 10_000, &success()), NONE);
        }
        assert_eq!(game.refused(allowed * 10_000, &success()), ["too-many-deliveries"]);
    }
}

#[test]
fn the_window_ends_an_hour_and_the_slack_after_completion() {
    for (first, last, expected) in [
        // From update_time, which is 100 s before the first delivery.
        (100_000, 3_605_000, &[][..]),
        (100_000, 3_605_001, &["outside-window"]),
        // update_time is in the future: the clocks differ.
        (-100_000, 3_505_000, &[]),
        (-100_000, 3_505_001, &["outside-window"]),
        // It is a day old, so it is believed; it is older, so it is not.
        (24 * 3_600_000 + 1, 27 * 3_600_000, &["outside-window"]),
        (25 * 3_600_000, 26 * 3_600_000 + 5_000, &[]),
        (25 * 3_600_000, 26 * 3_600_000 + 5_001, &["outside-window"]),
    ] {
        let mut game = SenderModel::new();
        assert_eq!(game.refused(first, &success()), NONE);
        assert_eq!(game.refused(last, &success()), expected, "{first} to {last}");
    }
    assert_eq!(SenderModel::new().refused(3_605_001, &success()), ["outside-window"]);
    assert_eq!(SenderModel::new().refused(3_605_000, &success()), NONE);
}

#[test]
fn an_update_time_that_is_no_time_is_not_counted_from() {
    for time in ["\"2019-09-04T16:21:51Z\"", "0", "-1", "9223372036854775807", "1e9", "null"] {
        let body = success().replace(&DONE.to_string(), time);
        let mut game = SenderModel::new();
        assert_eq!(game.refused(7_200_000, &body), NONE, "{time}");
        assert_eq!(game.refused(7_200_000 + 3_605_001, &body), ["outside-window"], "{time}");
    }
}

#[test]
fn after_the_acknowledgement_there_is_silence() {
    let mut game = SenderModel::new();
    game.acknowledged(0, &success());
    assert_eq!(game.refused(1, &success()), ["after-acknowledgement"]);
    assert_eq!(game.refused(60_000, &success()), ["after-acknowledgement"]);
    let report = game.referee.verdict();
    assert_eq!((report.errors, report.is_kept()), (2, false));
    assert_eq!((report.orders[0].errors, report.orders[0].warnings), (2, 0));
}

#[test]
fn warnings_alone_break_no_contract() {
    let mut game = SenderModel::new();
    game.refused(0, &success());
    assert_eq!(game.refused(999, &success()), ["too-soon"]);
    let report = game.referee.verdict();
    assert_eq!((report.warnings, report.errors, report.is_kept()), (1, 0, true));
    assert_eq!((report.orders[0].errors, report.orders[0].warnings), (0, 1));
}

#[test]
fn what_was_under_way_at_the_acknowledgement_is_no_breach() {
    let mut game = SenderModel::new();
    game.opened(0, &success());
    assert_eq!(game.opened(10_000, &success()), NONE);
    assert!(game.referee.acknowledged(2, at(12_000)).is_empty());
    assert_eq!(game.opened(12_000, &success()), NONE);
    // The first one is acknowledged late: the earlier acknowledgement counts.
    assert!(game.referee.acknowledged(1, at(20_000)).is_empty());
    game.referee.ended(3, at(12_000));
    assert_eq!(game.opened(12_001, &success()), ["after-acknowledgement"]);
}

#[test]
fn a_delivery_in_flight_at_the_acknowledgement_may_be_close_to_the_one_before() {
    for (acknowledged, expected) in [(Some(500), &[][..]), (None, &["too-soon"])] {
        let mut game = SenderModel::new();
        game.opened(0, &success());
        match acknowledged {
            Some(time) => assert!(game.referee.acknowledged(1, at(time)).is_empty()),
            None => game.referee.ended(1, at(0)),
        }
        assert_eq!(game.refused(500, &success()), expected, "{acknowledged:?}");
    }
}

#[test]
fn an_acknowledgement_that_is_told_late_is_held_against_what_came_since() {
    let mut game = SenderModel::new();
    game.opened(0, &success());
    game.refused(10_000, &success());
    game.refused(20_000, &success());
    let late = game.referee.acknowledged(1, at(15_000));
    assert_eq!(codes(&late), ["after-acknowledgement"]);
    assert_eq!((late[0].number, late[0].delivery), (3, Some(3)));
    assert!(game.referee.acknowledged(1, at(15_000)).is_empty());
    let report = game.referee.verdict();
    assert_eq!((report.errors, report.orders[0].errors), (1, 1));
}

#[test]
fn a_further_status_is_a_notification_of_its_own() {
    let mut game = SenderModel::new();
    assert_eq!(game.acknowledged(0, &body("POT1", 2, "")), NONE);
    let success = success().replace("\"fee\":3200", "\"fee\":3300");
    assert_eq!(game.refused(100, &success), NONE);
    assert_eq!(game.refused(15_000, &success), NONE);
    assert_eq!(game.referee.verdict().orders[0].notifications, 2);
}

#[test]
fn a_retry_repeats_the_notification() {
    let first = success();
    assert_eq!(SenderModel::after(&first, &first), NONE);
    assert_eq!(SenderModel::after(&first, &first.replace(",", ", ")), ["body-reformatted"]);
    assert_eq!(
        SenderModel::after(&first, &first.replace("\"00\"", "\"01\"")),
        ["signature-changed"]
    );
    let memo = first.replace("\"00\"", "\"01\",\"memo\":1");
    assert_eq!(SenderModel::after(&first, &memo), ["body-changed"]);
    let mut game = SenderModel::new();
    game.refused(0, &first);
    game.refused(15_000, &memo);
    let said = game.referee.verdict().breaches[0].kind.to_string();
    assert_eq!(said, "differs from its first delivery in memo, sign");
}

#[test]
fn an_order_keeps_its_amounts_and_its_owner() {
    let first = success();
    for (from, to) in [
        ("\"amount\":400000", "\"amount\":400001"),
        ("\"real_amount\":400000", "\"real_amount\":1"),
        ("\"fee\":3200", "\"fee\":0"),
        ("PF0014", "PF0015"),
        ("\"payout_cl_id\":\"c\"", "\"payout_cl_id\":\"d\""),
    ] {
        assert_eq!(SenderModel::after(&first, &first.replace(from, to)), ["conflicting-duplicate"]);
    }
    let pending = body("POT1", 2, "").replace("\"amount\":400000", "\"amount\":5");
    assert_eq!(SenderModel::after(&pending, &first), ["conflicting-duplicate"]);
}

#[test]
fn a_status_goes_forward_and_a_final_one_stays() {
    for (from, to, expected) in [
        (0, 1, &[][..]),
        (2, 3, &[]),
        (2, 6, &[]),
        (6, 1, &[]),
        (2, 99, &[]),
        (99, 1, &[]),
        (2, 1, &["status-backwards"]),
        (3, 2, &["status-after-final"]),
        (3, 4, &["status-after-final"]),
        (5, 3, &["status-after-final"]),
        (3, 99, &["status-after-final"]),
    ] {
        assert_eq!(
            SenderModel::after(&body("P", from, ""), &body("P", to, "")),
            expected,
            "{from} {to}"
        );
    }
    // A deposit's 2 is success, its 1 is not final.
    let deposit = |status| body("P", status, "").replace("payout_", "payment_");
    assert_eq!(SenderModel::after(&deposit(1), &deposit(2)), NONE);
    assert_eq!(SenderModel::after(&deposit(2), &deposit(1)), ["status-after-final"]);
}

#[test]
fn a_deposit_and_a_payout_of_one_id_are_two_orders() {
    let deposit = body("P", 4, "").replace("payout_", "payment_");
    assert_eq!(SenderModel::after(&body("P", 3, ""), &deposit), NONE);
}

#[test]
fn method_and_content_type_are_held_to_the_contract() {
    let good = success();
    for (method, kind, expected) in [
        ("POST", "application/json", &[][..]),
        ("PUT", JSON, &["wrong-method"]),
        ("POST", "text/plain", &["wrong-content-type"]),
    ] {
        let mut game = SenderModel::new();
        let found = game.observe(&callback(1, at(0), method, kind, &good));
        assert_eq!(codes(&found), expected, "{method} {kind}");
        // It is a delivery of its order all the same.
        let report = game.referee.verdict();
        assert_eq!((report.orders[0].deliveries, report.orders[0].errors), (1, report.errors));
    }
    let mut game = SenderModel::new();
    let mut bare = callback(1, at(0), "POST", JSON, &good);
    bare.headers.clear();
    let found = game.observe(&bare);
    assert_eq!(found[0].kind.to_string(), "there was no content type");
    assert_eq!(found[0].order_id.as_deref(), Some("POT1"));
}

#[test]
fn what_names_no_order_is_counted_and_no_more() {
    let mut game = SenderModel::new();
    for body in ["", "[]", "{}", "\0", "{\"payout_id\":\"\"}", "{\"payout_id\":[1]}"] {
        assert_eq!(game.refused(0, body), NONE);
    }
    let get = Callback { path: "/?a=%zz".into(), ..callback(9, at(0), "GET", "", "") };
    assert_eq!(codes(&game.observe(&get)), ["wrong-method"]);
    let report = game.referee.verdict();
    assert_eq!((report.callbacks, report.without_order, report.orders.len()), (7, 7, 0));
}

#[test]
fn retries_within_a_second_are_too_soon() {
    for (gap, expected) in [(999, &["too-soon"][..]), (1_000, &[]), (0, &["too-soon"])] {
        let mut game = SenderModel::new();
        game.refused(0, &success());
        assert_eq!(game.refused(gap, &success()), expected, "{gap}");
    }
    let mut game = SenderModel::new();
    game.refused(5_000, &success());
    assert_eq!(game.refused(0, &success()), NONE, "the clock was set back");
}

#[test]
fn a_given_schedule_is_kept_within_a_fifth_and_a_second() {
    let delays = [15, 30].map(Duration::from_secs).to_vec();
    let rules = Rules { expected_delays: Some(delays), ..Rules::default() };
    for (second, third, expected) in [
        (15_000, 45_000, &[][..]),
        (11_000, 41_000, &[]),
        (19_000, 56_000, &[]),
        (10_999, 40_000, &["off-schedule"]),
        (19_001, 45_000, &["off-schedule"]),
        // Late, and then at its planned time after the first delivery.
        (19_000, 39_000, &[]),
        (15_000, 52_001, &["off-schedule"]),
        (15_000, 37_999, &["off-schedule"]),
    ] {
        let mut game = SenderModel::with(rules.clone());
        game.refused(0, &success());
        let mut found = game.refused(second, &success());
        found.extend(game.refused(third, &success()));
        assert_eq!(found, expected, "{second} {third}");
    }
    let mut game = SenderModel::with(rules);
    game.refused(0, &success());
    game.refused(15_000, &success());
    game.refused(45_000, &success());
    assert_eq!(game.refused(90_000, &success()), ["off-schedule"], "none was planned");
}

#[test]
fn a_sender_that_waits_from_the_end_of_an_attempt_keeps_its_schedule() {
    let rules = Rules { expected_delays: Some(vec![Duration::from_secs(15)]), ..Rules::default() };
    for (end, expected) in [(10_000, &[][..]), (5_000, &["off-schedule"])] {
        let mut game = SenderModel::with(rules.clone());
        game.opened(0, &success());
        game.referee.ended(1, at(end));
        assert_eq!(game.refused(26_000, &success()), expected);
    }
}

#[test]
fn a_delivery_while_another_is_under_way_is_concurrent() {
    for (gap, expected) in [(500, &["concurrent"][..]), (9_999, &["concurrent"]), (10_000, &[])] {
        let mut game = SenderModel::new();
        game.opened(0, &success());
        assert_eq!(game.opened(gap, &success()), expected, "{gap}");
    }
    let mut game = SenderModel::new();
    game.opened(0, &success());
    assert_eq!(game.opened(1, &body("POT2", 3, "")), NONE);
    let found = game.referee.verdict();
    assert!(found.is_kept() && found.breaches.is_empty());
}

#[test]
fn memory_is_bounded_whatever_comes() {
    let mut game = SenderModel::with(Rules { capacity: 1000, ..Rules::default() });
    let callback = callback(0, at(0), "POST", JSON, &success());
    let mut observation = observation(&callback);
    for number in 0..200_000_u64 {
        observation.number = number;
        let facts = observation.order.as_mut().unwrap();
        facts.key[..8].copy_from_slice(&number.to_be_bytes());
        facts.label = number.to_string().into();
        game.referee.observe(&observation);
    }
    let referee = &game.referee;
    assert_eq!(referee.orders.len(), 1000);
    assert_eq!(referee.pending.len(), MOST_PENDING);
    let report = referee.verdict();
    assert_eq!((report.callbacks, report.orders_forgotten), (200_000, 199_000));
    assert_eq!((report.orders.len(), &**report.orders[0].order_id.raw()), (1000, "199000"));
}

#[test]
fn one_order_is_bounded_whatever_comes() {
    let mut game = SenderModel::with(Rules { capacity: 0, ..Rules::default() });
    for turn in 0..1_500 {
        game.opened(turn, &body(&"x".repeat(1_000), turn % 50, &format!(",\"m{turn}\":{turn}")));
    }
    let report = game.referee.verdict();
    let order = &report.orders[0];
    assert_eq!((order.listed.len(), order.notifications, order.deliveries), (32, 8, 1_500));
    assert_eq!(report.breaches.len(), MOST_BREACHES);
    assert_eq!(report.breaches_unlisted() + MOST_BREACHES as u64, report.errors + report.warnings);
    assert!(order.order_id.raw().chars().count() <= 64);
}

#[test]
fn times_at_the_ends_of_the_world_are_taken() {
    let delays = vec![Duration::MAX; 3];
    for expected_delays in [None, Some(delays)] {
        let most = Duration::MAX;
        let rules = Rules { expected_delays, window: most, slack: most, ..Rules::default() };
        let mut game = SenderModel::with(rules);
        for time in [Timestamp::MIN, Timestamp::MAX, Timestamp::MIN, Timestamp::MAX] {
            game.number += 1;
            game.observe(&callback(game.number, time, "POST", JSON, &success()));
            game.referee.acknowledged(game.number, Timestamp::MIN);
        }
        assert_eq!(game.referee.verdict().orders[0].deliveries, 4);
    }
}

#[test]
fn an_update_time_is_believed_up_to_a_day() {
    let day = 24 * 3_600_000;
    assert_eq!(SenderModel::new().refused(day, &success()), ["outside-window"]);
    assert_eq!(SenderModel::new().refused(day + 1, &success()), NONE);
}

#[test]
fn the_end_of_an_earlier_delivery_does_not_move_the_next_one() {
    let delays = Some(vec![Duration::from_secs(15); 2]);
    let mut game = SenderModel::with(Rules { expected_delays: delays, ..Rules::default() });
    assert_eq!(game.opened(0, &success()), NONE);
    assert_eq!(game.opened(15_000, &success()), NONE);
    game.referee.ended(1, at(20_000));
    assert_eq!(game.opened(36_000, &success()), ["off-schedule"]);
}

#[test]
fn a_delivery_does_not_follow_its_own_acknowledgement() {
    let mut game = SenderModel::new();
    assert_eq!(game.opened(5_000, &success()), NONE);
    // The clock was set back before the reply was written.
    assert!(game.referee.acknowledged(1, at(0)).is_empty());
    assert!(game.referee.verdict().is_kept());
}

#[test]
fn each_status_is_compared_with_the_furthest_before_it() {
    for (statuses, expected) in [
        (&[1, 0][..], &["status-backwards"][..]),
        (&[2, 0], &["status-backwards"]),
        (&[0, 1, 2, 3], &[]),
        (&[0, 2, 1], &["status-backwards"]),
        (&[2, 1, 2], &["status-backwards"]),
        (&[1, 1], &[]),
        (&[0, 3, 2], &["status-after-final"]),
    ] {
        let mut game = SenderModel::new();
        let found: Vec<_> = (0..)
            .zip(statuses)
            .flat_map(|(turn, status)| game.refused(turn * 15_000, &body("P", *status, "")))
            .collect();
        assert_eq!(found, expected, "{statuses:?}");
    }
    // A body without a status contradicts nothing.
    let without = success().replace("\"status\":3,", "");
    assert_eq!(SenderModel::after(&success(), &without), NONE);
}

#[test]
fn an_order_keeps_its_owner_from_status_to_status() {
    let pending = body("POT1", 2, "");
    for (from, to, expected) in [
        ("PF0014", "PF0015", &["conflicting-duplicate"][..]),
        ("\"payout_cl_id\":\"c\"", "\"payout_cl_id\":\"d\"", &["conflicting-duplicate"]),
        // What was really paid, and for which fee, is known at the end.
        ("\"real_amount\":400000", "\"real_amount\":1", &[]),
        ("\"fee\":3200", "\"fee\":0", &[]),
    ] {
        assert_eq!(SenderModel::after(&pending, &success().replace(from, to)), expected, "{to}");
    }
}
