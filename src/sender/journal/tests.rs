use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::*;
use crate::net::phases::Phases;
use crate::sender::decide::{Decision, Exhaustion, LastOutcome};
use crate::sender::jitter::Jitter;
use crate::sender::orders::plan::{OrderPlan, OrderSettings, OrderSource};
use crate::sender::pace::Pace;
use crate::sender::record::OrderEnd;
use crate::sender::schedule::{RetrySchedule, Speed};
use crate::store::Trouble;
use crate::store::tests::{Folder, change, copy_as_after_a_crash};
use crate::units::rate::Rate;

mod damaged;
mod sessions;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

pub(in crate::sender) fn run() -> RunConfig {
    let hour = Duration::from_secs(3600);
    RunConfig {
        url: "http://127.0.0.1:9/notify".to_owned(),
        schedule: RetrySchedule::parse("15s,30s", None, hour).unwrap(),
        speed: Speed::REAL,
        pace: Pace {
            rate: Some(Rate::parse("2.5/m").unwrap()),
            ramp: Some(Duration::from_millis(1500)),
        },
        jitter: Some(Jitter { share: "10%".parse().unwrap(), seed: u64::MAX - 1 }),
        honors_retry_after: true,
        sign_type: Some(protocol::Algorithm::HmacSha256),
        dialect: Some(protocol::Dialect::platform().clone()),
        key_fingerprint: "01234567".to_owned(),
        seed: Some(u64::MAX - 1),
        started_at: at(0),
        orders: Some(OrderPlan {
            source: OrderSource::Generated(8),
            settings: OrderSettings { seed: u64::MAX - 1, ..OrderSettings::default() },
        }),
    }
}

fn order(number: u64) -> Order {
    Order {
        number,
        id: format!("POT{number}").into(),
        body: format!("{{\"payout_id\":\"POT{number}\"}}").into_bytes().into(),
        completed_at: at(0),
        duplicate_of: (number == 2).then_some(1),
    }
}

/// An intention, so many seconds after the start of the session.
fn after(second: u64, order: u64, attempt: u32) -> InFlight {
    let (intended, offset) = (Duration::from_secs(second), Duration::ZERO);
    InFlight { order: self::order(order), attempt, intended, offset, is_owed: false }
}

fn intention(order: u64, attempt: u32) -> InFlight {
    after(1, order, attempt)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    Retry,
    Acknowledged,
    Exhausted,
}

/// What came of an attempt, and the end of its order.
fn outcome(order: u64, attempt: u32, then: Then) -> Vec<EngineEvent> {
    let order_id: Arc<str> = format!("POT{order}").into();
    let code = if then == Then::Acknowledged { "acknowledged" } else { "timeout" };
    let (sent, finished) = (Duration::from_secs(1), Duration::from_secs(2));
    let made = EngineEvent::Attempt(Attempt {
        order,
        order_id: Arc::clone(&order_id),
        attempt,
        intended: sent,
        sent,
        finished,
        phases: Phases::default(),
        status: None,
        code: code.into(),
        explanation: (then != Then::Acknowledged).then(|| format!("why {order}")),
    });
    let result = match then {
        Then::Retry => return vec![made],
        Then::Acknowledged => OrderResult::Acknowledged,
        Then::Exhausted => OrderResult::Exhausted(Exhaustion::NoRetriesLeft),
    };
    vec![
        made,
        EngineEvent::Order(OrderEnd { order, order_id, result, attempts: attempt, finished }),
    ]
}

/// A journal, and what a crash at this moment would leave behind.
struct Bench {
    folder: Folder,
    journal: Option<Journal>,
    crashes: u32,
}

impl Bench {
    fn new() -> Self {
        let folder = Folder::new();
        let journal = Journal::create(&folder.file("run.db"), &run()).unwrap();
        Bench { folder, journal: Some(journal), crashes: 0 }
    }

    /// As version 0.1 began: with all orders, none of them sent.
    fn of_an_earlier_version(orders: u64) -> Self {
        let bench = Bench::new();
        let look = rusqlite::Connection::open(bench.folder.file("run.db")).unwrap();
        look.execute_batch("BEGIN").unwrap();
        for number in 1..=orders {
            let Order { id, body, completed_at, duplicate_of, .. } = order(number);
            let (number, duplicate_of) = (number as i64, duplicate_of.map(u64::cast_signed));
            let values = (number, &*id, &*body, completed_at.as_microsecond(), duplicate_of);
            let sql = "INSERT INTO orders (number, id, body, completed_at_us, duplicate_of)
                       VALUES (?, ?, ?, ?, ?)";
            look.execute(sql, values).unwrap();
        }
        look.execute("UPDATE run SET order_plan = '', sealed_at_us = NULL", []).unwrap();
        look.execute_batch("COMMIT").unwrap();
        bench
    }

    fn seal(&self) {
        let look = rusqlite::Connection::open(self.folder.file("run.db")).unwrap();
        look.execute("UPDATE run SET sealed_at_us = started_at_us", []).unwrap();
    }

    fn journal(&self) -> &Journal {
        self.journal.as_ref().unwrap()
    }

    async fn intend(&self, next: &[InFlight]) {
        self.journal().record(at(0), &[], next).await.unwrap();
    }

    async fn happened(&self, events: &[EngineEvent]) {
        self.journal().record(at(0), events, &[]).await.unwrap();
        self.journal().flush().await.unwrap();
    }

    fn crash(&mut self) -> PathBuf {
        self.crashes += 1;
        let copy = self.folder.file(&format!("crash-{}.db", self.crashes));
        copy_as_after_a_crash(&self.folder.file("run.db"), &copy);
        copy
    }

    /// How a run killed now would continue after `second`.
    fn resumed(&mut self, second: i64) -> Resumable {
        Journal::resume(&self.crash(), at(second)).unwrap().1
    }

    /// Number, next attempt, planned second and unknown attempt of what the run continues with.
    fn next(&mut self, second: i64) -> Vec<(u64, u32, u64, Option<u32>)> {
        let (journal, found) = Journal::resume(&self.crash(), at(second)).unwrap();
        let schedule = found.run.schedule.clone();
        let plan = crate::sender::decide::RetryPlan::new(&schedule, Speed::REAL);
        let mut next: Vec<_> = waiting(&journal).into_iter().map(|it| (it, 1, 0, None)).collect();
        for one in found.begun {
            let unknown = (one.last != LastOutcome::Known).then_some(one.attempts);
            match plan.resume((one.order.number, one.attempts), one.last, one.elapsed) {
                Decision::Retry(retry) => {
                    next.push((one.order.number, retry.attempt, retry.planned.as_secs(), unknown));
                }
                over => assert!(matches!(over, Decision::Exhausted(_)), "{over:?}"),
            }
        }
        next.sort_unstable();
        next
    }
}

/// The numbers of the orders without an attempt.
fn waiting(journal: &Journal) -> Vec<u64> {
    journal.waiting().unwrap().map(|order| order.unwrap().number).collect()
}

#[tokio::test]
async fn what_a_run_was_started_with_is_there_again() {
    let mut bench = Bench::new();
    let resumed = bench.resumed(1);
    assert_eq!((resumed.run, resumed.intake, resumed.last), (run(), OrderSupply::Complete, None));
    assert_eq!(resumed.counts, Counts::default());
    bench.intend(&[intention(1, 1), intention(2, 1)]).await;
    let resumed = bench.resumed(1);
    let found: Vec<_> = resumed.begun.into_iter().map(|one| one.order).collect();
    assert_eq!(found, [order(1), order(2)]);
    assert_eq!(resumed.last, Some(order(2)));
}

#[tokio::test]
async fn settings_of_earlier_versions_are_read() {
    let mut bench = Bench::new();
    let path = bench.crash();
    let texts = r#"UPDATE run SET order_plan = '', settings =
        '{"rate":"2.5/m","ramp":"1.5s","jitter":"10%","honor_retry_after":true}'"#;
    change(&path, texts);
    let found = Journal::resume(&path, at(0)).unwrap().1.run;
    assert_eq!(found, RunConfig { orders: None, ..run() });
    change(&path, "UPDATE run SET settings = '', retries = NULL, dialect = '', sign_type = ''");
    let found = Journal::resume(&path, at(0)).unwrap().1.run;
    let (jitter, honors_retry_after) = (None, false);
    let bare = RunConfig { pace: Pace::default(), jitter, honors_retry_after, ..run() };
    assert_eq!(found, RunConfig { orders: None, dialect: None, sign_type: None, ..bare });
}

#[tokio::test]
async fn a_journal_that_took_all_orders_in_first_is_resumed_once_it_has_them() {
    let mut bench = Bench::of_an_earlier_version(600);
    assert_eq!(bench.resumed(1).intake, OrderSupply::Cut);
    bench.seal();
    let path = bench.crash();
    let (journal, resumed) = Journal::resume(&path, at(1)).unwrap();
    assert_eq!((resumed.intake, resumed.counts.waiting), (OrderSupply::Complete, 600));
    assert_eq!(waiting(&journal), (1..=600).collect::<Vec<_>>());
    journal.begin().await.unwrap();
    journal.record(at(1), &[], &[intention(1, 1), intention(300, 1)]).await.unwrap();
    let mut left = (1..=600).collect::<Vec<_>>();
    left.retain(|number| ![1, 300].contains(number));
    assert_eq!(waiting(&journal), left);
}

#[tokio::test]
async fn every_half_state_is_resumed_rightly() {
    let mut bench = Bench::new();
    assert_eq!(bench.next(5), []);
    bench.intend(&[intention(1, 1)]).await;
    assert_eq!(bench.next(5), [(1, 2, 15, Some(1))]);
    bench.happened(&outcome(1, 1, Then::Retry)).await;
    assert_eq!(bench.next(5), [(1, 2, 15, None)]);
    bench.intend(&[intention(1, 2)]).await;
    bench.journal().record(at(0), &outcome(1, 2, Then::Retry), &[intention(1, 3)]).await.unwrap();
    // The last one of the schedule; one more is owed.
    let owed = bench.next(50).remove(0);
    assert_eq!((owed.0, owed.1, owed.3), (1, 4, Some(3)));
    bench.happened(&outcome(1, 3, Then::Acknowledged)).await;
    let resumed = bench.resumed(50);
    assert_eq!(resumed.begun, []);
    assert_eq!(resumed.counts, Counts { orders: 1, acknowledged: 1, exhausted: 0, waiting: 0 });
}

/// The acknowledgement is on the disk, and the run was killed before the end of its order was.
#[tokio::test]
async fn an_order_whose_attempt_was_acknowledged_is_done() {
    let mut bench = Bench::new();
    bench.intend(&[intention(1, 1), intention(2, 1), intention(3, 1)]).await;
    bench.happened(&outcome(1, 1, Then::Acknowledged)[..1]).await;
    bench.happened(&outcome(2, 1, Then::Acknowledged)).await;
    assert_eq!(bench.next(5), [(3, 2, 15, Some(1))]);
    let crash = bench.crash();
    let (journal, resumed) = Journal::resume(&crash, at(5)).unwrap();
    let counts = Counts { orders: 3, acknowledged: 2, exhausted: 0, waiting: 0 };
    assert_eq!((resumed.counts, resumed.begun.len()), (counts, 1));
    journal.begin().await.unwrap();
    let again = journal.record(at(5), &[], &[intention(1, 2)]).await;
    assert_eq!(again.unwrap_err().trouble, Trouble::Refused);
}

#[tokio::test]
async fn an_attempt_that_was_not_sent_is_not_unknown() {
    let mut bench = Bench::new();
    bench.intend(&[intention(1, 1), intention(2, 1)]).await;
    bench.happened(&outcome(2, 1, Then::Retry)).await;
    bench.intend(&[intention(2, 2)]).await;
    let not_sent = |order, attempt| EngineEvent::NotSent { order, attempt };
    bench.happened(&[not_sent(1, 1), not_sent(2, 2)]).await;
    assert_eq!(bench.next(5), [(1, 1, 0, None), (2, 2, 15, None)]);
    assert_eq!(bench.resumed(5).counts.waiting, 1);
}

#[tokio::test]
async fn the_window_counts_from_the_first_sending_and_not_from_the_restart() {
    let mut bench = Bench::of_an_earlier_version(4);
    bench.seal();
    // All were taken in at 0 s; these three were intended at 1 s.
    bench.intend(&[intention(2, 1), intention(3, 1), intention(4, 1)]).await;
    bench.happened(&outcome(3, 1, Then::Retry)).await;
    bench.happened(&outcome(4, 1, Then::Retry)).await;
    bench.intend(&[after(16, 4, 2)]).await;
    assert_eq!(bench.next(3601).len(), 4);
    // Order 1 was never sent, and nothing proves that order 2 was.
    assert_eq!(bench.next(3602), [(1, 1, 0, None), (2, 2, 15, Some(1))]);
    let crash = bench.crash();
    let (journal, resumed) = Journal::resume(&crash, at(3602)).unwrap();
    let begun = resumed.begun.iter().map(|it| (it.order.number, it.attempts, it.last, it.elapsed));
    let over = Duration::from_secs(3601);
    let expected = [
        (2, 1, LastOutcome::Unproven, over),
        (3, 1, LastOutcome::Known, over),
        (4, 2, LastOutcome::Unknown, over),
    ];
    assert_eq!(begun.collect::<Vec<_>>(), expected);
    journal.begin().await.unwrap();
    journal.close().unwrap();
    // It is not recorded: with a clock that is right again all of them continue.
    let again = Journal::resume(&crash, at(5)).unwrap().1;
    assert_eq!((again.begun.len(), again.counts.waiting, again.counts.exhausted), (3, 1, 0));
}

#[tokio::test]
async fn orders_that_an_earlier_version_gave_up_without_an_attempt_continue() {
    let mut bench = Bench::of_an_earlier_version(4);
    bench.seal();
    bench.intend(&[intention(2, 1), intention(3, 1)]).await;
    bench.happened(&outcome(3, 1, Then::Retry)).await;
    let crash = bench.crash();
    change(&crash, "UPDATE orders SET state = 'exhausted' WHERE number < 4; DROP TABLE log_mark");
    let (journal, resumed) = Journal::resume(&crash, at(9999)).unwrap();
    let begun = resumed.begun.iter().map(|one| (one.order.number, one.attempts));
    assert_eq!(begun.collect::<Vec<_>>(), [(2, 1)]);
    assert_eq!((resumed.counts.exhausted, resumed.counts.waiting), (1, 2));
    journal.begin().await.unwrap();
    assert_eq!(waiting(&journal), [1, 4]);
    let next = [intention(1, 1), intention(2, 2), intention(4, 1)];
    journal.record(at(9999), &[], &next).await.unwrap();
    let proven = journal.record(at(9999), &[], &[intention(3, 2)]).await;
    assert_eq!(proven.unwrap_err().trouble, Trouble::Refused);
}

/// The database and its log, as bytes.
fn bytes(path: &std::path::Path) -> (Vec<u8>, Option<Vec<u8>>) {
    let log = format!("{}-wal", path.display());
    (std::fs::read(path).unwrap(), std::fs::read(log).ok())
}

#[tokio::test]
async fn a_resume_that_is_refused_changes_nothing() {
    let mut bench = Bench::new();
    bench.journal().begin().await.unwrap();
    bench.intend(&[intention(1, 1), intention(2, 1)]).await;
    bench.happened(&outcome(1, 1, Then::Retry)).await;
    let crash = bench.crash();
    let before = bytes(&crash);
    assert!(before.1.is_some());
    for second in [5, 9_999, 9_999_999, -5] {
        drop(Journal::resume(&crash, at(second)).unwrap());
        assert!(bytes(&crash) == before, "{second}");
    }
    // One that was closed has no log, and gets none.
    let (journal, _) = Journal::resume(&crash, at(5)).unwrap();
    journal.close().unwrap();
    let before = bytes(&crash);
    assert_eq!(before.1, None);
    drop(Journal::resume(&crash, at(9_999_999)).unwrap());
    assert!(bytes(&crash) == before);
    // Nor is one of an earlier version migrated before it is used.
    for sql in [TO_VERSION_2, TO_VERSION_1] {
        change(&crash, sql);
        let before = bytes(&crash);
        let (journal, found) = Journal::resume(&crash, at(5)).unwrap();
        assert_eq!((found.begun.len(), waiting(&journal)), (2, vec![]));
        drop(journal);
        assert!(bytes(&crash) == before, "{sql}");
    }
    let (journal, found) = Journal::resume(&crash, at(5)).unwrap();
    assert_eq!((found.run.dialect, found.run.orders), (None, None));
    journal.begin().await.unwrap();
    journal.record(at(5), &[], &[intention(1, 2)]).await.unwrap();
    journal.close().unwrap();
    let (_, found) = Journal::resume(&crash, at(6)).unwrap();
    assert_eq!(found.begun[0].attempts, 2);
}

const TO_VERSION_2: &str = "ALTER TABLE run DROP COLUMN order_plan; PRAGMA user_version = 2";

const TO_VERSION_1: &str = "DROP TABLE reasons; DROP TABLE throttles;
    ALTER TABLE run DROP COLUMN dialect; ALTER TABLE attempts DROP COLUMN part;
    ALTER TABLE attempts DROP COLUMN sent_at_us; PRAGMA user_version = 1";

#[tokio::test]
async fn a_journal_without_its_log_never_claims_that_nothing_was_sent() {
    let bench = Bench::of_an_earlier_version(300);
    let (path, copy) = (bench.folder.file("run.db"), bench.folder.file("copy.db"));
    let log = bench.folder.file("copy.db-wal");
    let resume = || Journal::resume(&copy, at(5)).map(|(_, found)| (found.intake, found.counts));
    // Before it begins to send: nothing was sent.
    copy_as_after_a_crash(&path, &copy);
    assert_eq!(resume().unwrap().0, OrderSupply::Cut);
    bench.seal();
    bench.journal().begin().await.unwrap();
    copy_as_after_a_crash(&path, &copy);
    assert_eq!(resume().unwrap().1.waiting, 300);
    for order in 1..=41 {
        bench.intend(&[intention(order, 1)]).await;
        bench.happened(&outcome(order, 1, Then::Acknowledged)).await;
    }
    copy_as_after_a_crash(&path, &copy);
    assert_eq!(resume().unwrap().1.acknowledged, 41);
    let whole = std::fs::read(&log).unwrap();
    let damaged: [fn(&mut Vec<u8>); 6] = [
        |log| log.clear(),
        |log| log.truncate(20),
        |log| log.fill(0),
        |log| log[3] ^= 1,
        |log| log[100] ^= 1,
        |log| {
            let middle = log.len() / 2;
            log[middle..middle + 8192].fill(7);
        },
    ];
    for (case, damage) in damaged.iter().enumerate() {
        let mut bytes = whole.clone();
        damage(&mut bytes);
        std::fs::write(&log, &bytes).unwrap();
        let error = resume().unwrap_err();
        assert_eq!(error.trouble, Trouble::LogLost, "case {case}: {error}");
        assert!(error.to_string().contains("copy.db-wal is damaged"), "{error}");
        assert!(std::fs::read(&log).unwrap() == bytes, "case {case}: the log was changed");
    }
    std::fs::remove_file(&log).unwrap();
    let error = resume().unwrap_err();
    assert!(error.to_string().contains("copy.db-wal is missing"), "{error}");
    assert!(error.hint().contains("do not start the run again"), "{}", error.hint());
    // Another program that opens the file moves the log into it: then nothing is lost.
    std::fs::write(&log, &whole).unwrap();
    change(&copy, "SELECT count(*) FROM orders");
    assert!(!log.exists());
    assert_eq!(resume().unwrap().1.acknowledged, 41);
}

#[tokio::test]
async fn a_journal_of_an_earlier_version_that_lacks_orders_leaves_it_open_what_was_sent() {
    let mut bench = Bench::of_an_earlier_version(2);
    let crash = bench.crash();
    change(&crash, "DROP TABLE log_mark");
    assert_eq!(Journal::resume(&crash, at(5)).unwrap().1.intake, OrderSupply::Unclear);
}

#[tokio::test]
async fn a_clock_that_was_set_back_is_no_error() {
    let mut bench = Bench::new();
    bench.intend(&[intention(1, 1)]).await;
    assert_eq!(bench.next(-100_000), [(1, 2, 15, Some(1))]);
}

#[tokio::test]
async fn a_run_that_crashed_twice_continues_twice() {
    let mut bench = Bench::new();
    bench.intend(&[intention(1, 1)]).await;
    let path = bench.crash();
    let (journal, resumed) = Journal::resume(&path, at(1)).unwrap();
    assert_eq!((resumed.begun[0].attempts, resumed.begun[0].last), (1, LastOutcome::Unproven));
    journal.record(at(1), &[], &[intention(1, 2)]).await.unwrap();
    drop(journal);
    let (journal, resumed) = Journal::resume(&path, at(1)).unwrap();
    assert_eq!((resumed.begun[0].attempts, resumed.begun[0].last), (2, LastOutcome::Unproven));
    journal.record(at(1), &[], &[intention(1, 3)]).await.unwrap();
    journal.record(at(1), &outcome(1, 3, Then::Exhausted), &[]).await.unwrap();
    drop(journal);
    assert_eq!(Journal::resume(&path, at(1)).unwrap().1.counts.exhausted, 1);
}

#[tokio::test]
async fn nothing_is_intended_that_must_not_be_sent() {
    let bench = Bench::new();
    bench.intend(&[intention(1, 1), intention(2, 1)]).await;
    bench.happened(&outcome(1, 1, Then::Acknowledged)).await;
    let refused = async |next: &[InFlight]| {
        let recorded = bench.journal().record(at(0), &[], next).await;
        recorded.unwrap_err().trouble == Trouble::Refused
    };
    assert!(refused(&[intention(1, 2)]).await, "acknowledged");
    assert!(refused(&[intention(1, 1)]).await, "acknowledged, as if it were new");
    assert!(refused(&[intention(2, 1)]).await, "intended before");
    assert!(refused(&[intention(9, 2)]).await, "unknown order");
    assert!(refused(&[intention(3, 1), intention(1, 2)]).await);
    bench.intend(&[intention(3, 1)]).await;
    let twice = bench.journal().record(at(0), &outcome(1, 1, Then::Acknowledged), &[]).await;
    assert_eq!(twice.unwrap_err().trouble, Trouble::Refused);
    bench.happened(&outcome(2, 1, Then::Exhausted)).await;
    assert!(refused(&[intention(2, 2)]).await, "exhausted");
    let not_sent = EngineEvent::NotSent { order: 2, attempt: 1 };
    bench.journal().record(at(0), &[not_sent], &[]).await.unwrap();
    let known = bench.journal().flush().await;
    assert_eq!(known.unwrap_err().trouble, Trouble::Refused, "its outcome is known");
}

/// After any prefix of any run the journal says what a plain model says.
#[tokio::test]
async fn any_moment_of_a_run_is_resumed_like_the_model_says() {
    let mut random = fastrand::Rng::with_seed(7);
    let mut bench = Bench::new();
    // For each order that is not done: its last attempt, and whether its outcome is known.
    let mut model: BTreeMap<u64, (u32, bool)> = (1..=8).map(|order| (order, (0, true))).collect();
    for step in 0..80 {
        let number = random.u64(1..=8);
        let Some((attempt, known)) = model.get(&number).copied() else { continue };
        if known {
            bench.intend(&[intention(number, attempt + 1)]).await;
            model.insert(number, (attempt + 1, false));
        } else if random.u32(0..5) == 0 {
            bench.happened(&[EngineEvent::NotSent { order: number, attempt }]).await;
            model.insert(number, (attempt - 1, true));
        } else {
            let then = if attempt >= 3 {
                Then::Exhausted
            } else if random.u32(0..4) == 0 {
                Then::Acknowledged
            } else {
                Then::Retry
            };
            bench.happened(&outcome(number, attempt, then)).await;
            match then {
                Then::Retry => drop(model.insert(number, (attempt, true))),
                _ => drop(model.remove(&number)),
            }
        }
        if step % 3 == 0 {
            let taken = bench.resumed(50).last.map_or(0, |last| last.number);
            let known: Vec<_> = numbers(&bench.crash());
            let expected: Vec<_> = model
                .iter()
                .filter(|(number, _)| known.contains(number))
                .map(|(number, (attempt, known))| {
                    (*number, attempt + 1, (!known).then_some(*attempt))
                })
                .collect();
            assert!(taken >= expected.last().map_or(0, |last| last.0));
            let found = bench.next(50).into_iter().map(|(a, b, _, d)| (a, b, d));
            assert_eq!(found.collect::<Vec<_>>(), expected, "step {step}");
        }
    }
}

/// The orders that are in a journal.
#[tokio::test]
async fn a_journal_that_cannot_be_used_says_why() {
    let bench = Bench::new();
    let path = bench.folder.file("run.db");
    let trouble = |path: &Path| Journal::resume(path, at(0)).unwrap_err().trouble;
    assert_eq!(trouble(&path), Trouble::InUse);
    assert_eq!(Journal::create(&path, &run()).unwrap_err().trouble, Trouble::Exists);
    let missing = bench.folder.file("other.db");
    assert_eq!(trouble(&missing), Trouble::Missing);
    assert!(!missing.exists());
    let newer = bench.folder.file("newer.db");
    copy_as_after_a_crash(&path, &newer);
    change(&newer, "PRAGMA user_version = 4");
    let before = bytes(&newer);
    assert_eq!(trouble(&newer), Trouble::Newer);
    assert!(bytes(&newer) == before);
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn a_journal_in_use_is_refused_by_its_other_names_too() {
    let bench = Bench::new();
    bench.journal().begin().await.unwrap();
    bench.intend(&[intention(1, 1)]).await;
    let (path, link) = (bench.folder.file("run.db"), bench.folder.file("link.db"));
    std::fs::hard_link(&path, &link).unwrap();
    assert_eq!(Journal::resume(&link, at(0)).unwrap_err().trouble, Trouble::InUse);
    assert!(bytes(&link).1.is_none(), "a log of its own");
    bench.happened(&outcome(1, 1, Then::Acknowledged)).await;
    bench.journal.unwrap().close().unwrap();
    assert_eq!(Journal::resume(&link, at(0)).unwrap().1.counts.acknowledged, 1);
}

fn numbers(path: &Path) -> Vec<u64> {
    let look = rusqlite::Connection::open(path).unwrap();
    let mut found = look.prepare("SELECT number FROM orders").unwrap();
    let numbers = found.query_map([], |row| row.get::<_, i64>(0)).unwrap();
    numbers.map(|number| number.unwrap() as u64).collect()
}
