//! Deliveries that did not come.

use super::*;

/// What is found when listening ends this long after the order's completion.
fn found_at_the_end(mut game: SenderModel, milliseconds: i64) -> Vec<(String, Option<u64>)> {
    let before = game.referee.verdict().breaches.len();
    game.referee.close(at(milliseconds));
    let report = game.referee.verdict();
    assert_eq!(report.errors + report.warnings, report.breaches.len() as u64);
    let of_orders: u64 = report.orders.iter().map(|order| order.errors + order.warnings).sum();
    assert_eq!(of_orders, report.errors + report.warnings);
    let found = report.breaches.iter().skip(before);
    found.map(|breach| (breach.kind.to_string(), breach.delivery)).collect()
}

fn planned(seconds: &[u64]) -> Rules {
    let delays = seconds.iter().map(|second| Duration::from_secs(*second)).collect();
    Rules { expected_delays: Some(delays), ..Rules::default() }
}

#[test]
fn planned_deliveries_that_did_not_come_are_a_breach_once_they_were_due() {
    let text = |sent: u64, planned: u64, silence: &str| {
        let text = format!(
            "gave up after {sent} of {planned} deliveries, without an acknowledgement; \
             silent for {silence}"
        );
        vec![(text, Some(sent))]
    };
    // Due 30 s after the second one, and 7 s late at most.
    for (end, found) in
        [(52_000, vec![]), (53_000, text(2, 4, "38 s")), (120_000, text(2, 4, "105 s"))]
    {
        let mut game = SenderModel::with(planned(&[15, 30, 60]));
        game.refused(0, &success());
        game.refused(15_000, &success());
        assert_eq!(found_at_the_end(game, end), found, "{end}");
    }
    let mut game = SenderModel::with(planned(&[15, 30]));
    game.refused(0, &success());
    assert_eq!(found_at_the_end(game, 3_000_000), text(1, 3, "3000 s"));
    // A delivery without an end is waited for as long as a sender waits.
    for (end, found) in [(28_900, vec![]), (29_100, text(1, 2, "29.1 s"))] {
        let mut game = SenderModel::with(planned(&[15]));
        game.opened(0, &success());
        assert_eq!(found_at_the_end(game, end), found, "{end}");
    }
}

#[test]
fn a_sender_that_has_done_its_part_did_not_give_up() {
    let end = 10_000_000;
    let with = |delays: &[u64]| SenderModel::with(planned(delays));
    let mut whole = with(&[15, 30]);
    for time in [0, 15_000, 45_000] {
        whole.refused(time, &success());
    }
    assert_eq!(found_at_the_end(whole, end), []);
    let mut acknowledged = with(&[15, 30]);
    acknowledged.acknowledged(0, &success());
    assert_eq!(found_at_the_end(acknowledged, end), []);
    let mut late = with(&[15, 30]);
    late.opened(0, &success());
    late.referee.acknowledged_late(1, at(12_000));
    assert_eq!(found_at_the_end(late, end), []);
    // What is planned after the window does not come.
    let mut long = with(&[1800, 1800, 1800]);
    long.refused(0, &success());
    long.refused(1_800_000, &success());
    assert_eq!(found_at_the_end(long, end), []);
    let mut slow = with(&[15, 3570]);
    slow.refused(0, &success());
    slow.opened(15_000, &success());
    slow.referee.ended(2, at(40_000));
    assert_eq!(found_at_the_end(slow, end), []);
    // A status that has passed is not sent again.
    let mut passed = with(&[15, 30]);
    passed.refused(0, &body("POT1", 2, ""));
    passed.acknowledged(5_000, &success());
    assert_eq!(found_at_the_end(passed, end), []);
    let few = Rules { max_retries: 1, ..planned(&[15, 30, 60]) };
    let mut few = SenderModel::with(few);
    few.refused(0, &success());
    few.refused(15_000, &success());
    assert_eq!(found_at_the_end(few, end), []);
}

#[test]
fn silence_without_a_schedule_is_a_warning() {
    let mut game = SenderModel::new();
    game.refused(0, &success());
    game.refused(10_000, &success());
    game.refused(0, &body("POT2", 3, ""));
    game.referee.close(at(23_100));
    let report = game.referee.verdict();
    assert!(report.is_kept());
    assert!(report.breaches.iter().all(|breach| breach.kind.code() == "silent"));
    assert_eq!(report.breaches[0].order_id.as_deref(), Some("POT2"));
    let text = report.breaches[0].kind.to_string();
    let said = "silent for 23.1 s after 1 of at most 11 deliveries, without an acknowledgement";
    assert_eq!(text, said);
    assert_eq!(report.warnings, 2);
}
