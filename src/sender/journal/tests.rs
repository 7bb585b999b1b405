use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::*;
use crate::sender::record::FleetEvent;
use crate::sender::schedule::Speed;
use crate::store::Trouble;
use crate::store::tests::{Folder, copy_as_after_a_crash};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn run() -> RunInfo {
    RunInfo {
        url: "http://127.0.0.1:9/notify".to_owned(),
        schedule: "15s,30s".to_owned(),
        retries: None,
        window: Duration::from_secs(3600),
        speed: Speed::REAL,
        sign_type: "MD5".to_owned(),
        dialect: protocol::internal::dialect_file::write(protocol::Dialect::platform()),
        key_fingerprint: "01234567".to_owned(),
        seed: Some(u64::MAX - 1),
        settings: "{\"jitter\":\"10%\"}".to_owned(),
        started_at: at(0),
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

fn intention(order: u64, attempt: u32) -> Intention {
    Intention { order, attempt, intended_at: at(1) }
}

fn settlement(order: u64, attempt: u32, then: Settled) -> Settlement {
    let code = if then == Settled::Acknowledged { "acknowledged" } else { "timeout" };
    let explanation = (code != "acknowledged").then(|| format!("why {order}"));
    Settlement { order, attempt, code, explanation, sent_at: Some(at(1)), finished_at: at(2), then }
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

    async fn with_orders(count: u64) -> Self {
        let bench = Bench::new();
        let orders: Vec<_> = (1..=count).map(order).collect();
        bench.journal().enqueue(&orders).await.unwrap();
        bench
    }

    fn journal(&self) -> &Journal {
        self.journal.as_ref().unwrap()
    }

    fn crash(&mut self) -> PathBuf {
        self.crashes += 1;
        let copy = self.folder.file(&format!("crash-{}.db", self.crashes));
        copy_as_after_a_crash(&self.folder.file("run.db"), &copy);
        copy
    }

    /// How a run killed now would go on after `second`.
    fn resumed(&mut self, second: i64) -> Resumed {
        Journal::resume(&self.crash(), at(second)).unwrap().1
    }

    /// Number, next attempt, planned second and unknown attempt of what the run goes on with.
    fn next(&mut self, second: i64) -> Vec<(u64, u32, u64, Option<u32>)> {
        let unfinished = self.resumed(second).unfinished.into_iter();
        unfinished
            .map(|one| {
                let unknown = one.attempted.and_then(|made| made.unknown());
                (one.order.number, one.next_attempt, one.offset.as_secs(), unknown)
            })
            .collect()
    }
}

#[tokio::test]
async fn what_a_run_was_started_with_is_there_again() {
    let mut bench = Bench::new();
    let resumed = bench.resumed(1);
    assert_eq!((resumed.run, resumed.intake), (run(), Intake::Cut));
    assert_eq!(resumed.counts, Counts::default());
    let orders = [order(1), order(2)];
    bench.journal().enqueue(&orders).await.unwrap();
    assert_eq!(bench.resumed(1).intake, Intake::Cut);
    bench.journal().seal(at(1)).await.unwrap();
    let resumed = bench.resumed(1);
    assert_eq!(resumed.intake, Intake::Complete);
    let found: Vec<_> = resumed.unfinished.into_iter().map(|one| one.order).collect();
    assert_eq!(found, orders);
}

#[tokio::test]
async fn every_half_state_is_resumed_rightly() {
    let mut bench = Bench::with_orders(1).await;
    assert_eq!(bench.next(5), [(1, 1, 0, None)]);
    bench.journal().intend(&[intention(1, 1)]).await.unwrap();
    assert_eq!(bench.next(5), [(1, 2, 15, Some(1))]);
    bench.journal().settle(&[settlement(1, 1, Settled::Retry)]).await.unwrap();
    bench.journal().flush().await.unwrap();
    assert_eq!(bench.next(5), [(1, 2, 15, None)]);
    bench.journal().intend(&[intention(1, 2)]).await.unwrap();
    bench.journal().settle(&[settlement(1, 2, Settled::Retry)]).await.unwrap();
    bench.journal().intend(&[intention(1, 3)]).await.unwrap();
    // The last one of the schedule; one more is owed.
    assert_eq!(bench.next(50), [(1, 4, 0, Some(3))]);
    bench.journal().settle(&[settlement(1, 3, Settled::Acknowledged)]).await.unwrap();
    let resumed = bench.resumed(50);
    assert_eq!((resumed.unfinished, resumed.expired), (vec![], vec![]));
    let counts =
        Counts { orders: 1, acknowledged: 1, exhausted: 0, unfinished: 0, attempts: 3, unknown: 0 };
    assert_eq!(resumed.counts, counts);
}

#[tokio::test]
async fn the_window_counts_from_the_first_sending_and_not_from_the_restart() {
    let mut bench = Bench::with_orders(4).await;
    // All were taken in at 0 s; these three were intended at 1 s.
    bench.journal().intend(&[intention(2, 1), intention(3, 1), intention(4, 1)]).await.unwrap();
    let settled = [settlement(3, 1, Settled::Retry), settlement(4, 1, Settled::Retry)];
    bench.journal().settle(&settled).await.unwrap();
    let second = Intention { intended_at: at(16), ..intention(4, 2) };
    bench.journal().intend(&[second]).await.unwrap();
    bench.journal().flush().await.unwrap();
    assert_eq!(bench.next(3601).len(), 4);
    let crash = bench.crash();
    let (journal, resumed) = Journal::resume(&crash, at(3602)).unwrap();
    let ended = resumed.expired.iter().map(|one| {
        (one.order.number, one.attempted.attempt, one.attempted.unknown(), one.attempted.elapsed)
    });
    let over = Duration::from_secs(3601);
    assert_eq!(ended.collect::<Vec<_>>(), [(3, 1, None, over), (4, 2, Some(2), over)]);
    // Order 1 was never sent, and nothing proves that order 2 was.
    let left = resumed.unfinished.iter().map(|one| (one.order.number, one.next_attempt));
    assert_eq!(left.collect::<Vec<_>>(), [(1, 1), (2, 2)]);
    assert_eq!((resumed.counts.exhausted, resumed.counts.unfinished), (2, 2));
    journal.begin().await.unwrap();
    journal.close().unwrap();
    // It is not recorded: with a clock that is right again all of them continue.
    let again = Journal::resume(&crash, at(5)).unwrap().1;
    assert_eq!((again.unfinished.len(), again.expired.len()), (4, 0));
    assert_eq!((again.counts.exhausted, again.counts.unknown), (0, 2));
}

#[tokio::test]
async fn orders_that_an_earlier_version_gave_up_without_an_attempt_continue() {
    let mut bench = Bench::with_orders(4).await;
    bench.journal().intend(&[intention(2, 1), intention(3, 1)]).await.unwrap();
    bench.journal().settle(&[settlement(3, 1, Settled::Retry)]).await.unwrap();
    bench.journal().exhaust(&[1, 2, 3]).await.unwrap();
    bench.journal().seal(at(1)).await.unwrap();
    let crash = bench.crash();
    crate::store::tests::change(&crash, "DROP TABLE log_mark");
    let (journal, resumed) = Journal::resume(&crash, at(9999)).unwrap();
    let left = resumed.unfinished.iter().map(|one| (one.order.number, one.next_attempt));
    assert_eq!(left.collect::<Vec<_>>(), [(1, 1), (2, 2), (4, 1)]);
    assert_eq!((resumed.counts.exhausted, resumed.counts.unfinished), (1, 3));
    journal.begin().await.unwrap();
    let later = |order, attempt| Intention { intended_at: at(9999), ..intention(order, attempt) };
    journal.intend(&[later(1, 1), later(2, 2), later(4, 1)]).await.unwrap();
    let proven = journal.intend(&[later(3, 2)]).await;
    assert_eq!(proven.unwrap_err().trouble, Trouble::Refused);
}

/// The database and its log, as bytes.
fn bytes(path: &std::path::Path) -> (Vec<u8>, Option<Vec<u8>>) {
    let log = format!("{}-wal", path.display());
    (std::fs::read(path).unwrap(), std::fs::read(log).ok())
}

#[tokio::test]
async fn a_resume_that_is_refused_changes_nothing() {
    let mut bench = Bench::with_orders(3).await;
    bench.journal().seal(at(0)).await.unwrap();
    bench.journal().begin().await.unwrap();
    bench.journal().intend(&[intention(1, 1), intention(2, 1)]).await.unwrap();
    bench.journal().settle(&[settlement(1, 1, Settled::Retry)]).await.unwrap();
    bench.journal().flush().await.unwrap();
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
}

#[tokio::test]
async fn a_journal_without_its_log_never_claims_that_nothing_was_sent() {
    let bench = Bench::with_orders(300).await;
    let (path, copy) = (bench.folder.file("run.db"), bench.folder.file("copy.db"));
    let log = bench.folder.file("copy.db-wal");
    let resume = || Journal::resume(&copy, at(5)).map(|(_, found)| (found.intake, found.counts));
    // Before it begins to send: nothing was sent, with its log and without it.
    copy_as_after_a_crash(&path, &copy);
    assert_eq!(resume().unwrap().0, Intake::Cut);
    std::fs::remove_file(&log).unwrap();
    assert_eq!(resume().unwrap().0, Intake::Cut);
    bench.journal().seal(at(0)).await.unwrap();
    bench.journal().begin().await.unwrap();
    copy_as_after_a_crash(&path, &copy);
    assert_eq!(resume().unwrap().1.unfinished, 300);
    for order in 1..=41 {
        bench.journal().intend(&[intention(order, 1)]).await.unwrap();
        bench.journal().settle(&[settlement(order, 1, Settled::Acknowledged)]).await.unwrap();
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
    crate::store::tests::change(&copy, "SELECT count(*) FROM orders");
    assert!(!log.exists());
    assert_eq!(resume().unwrap().1.acknowledged, 41);
}

#[tokio::test]
async fn a_journal_of_an_earlier_version_that_lacks_orders_leaves_it_open_what_was_sent() {
    let mut bench = Bench::with_orders(2).await;
    let crash = bench.crash();
    crate::store::tests::change(&crash, "DROP TABLE log_mark");
    assert_eq!(Journal::resume(&crash, at(5)).unwrap().1.intake, Intake::Unclear);
}

#[tokio::test]
async fn a_clock_that_was_set_back_is_no_error() {
    let mut bench = Bench::with_orders(1).await;
    assert_eq!(bench.next(-100_000), [(1, 1, 0, None)]);
}

#[tokio::test]
async fn a_run_that_crashed_twice_goes_on_twice() {
    let mut bench = Bench::with_orders(1).await;
    bench.journal().intend(&[intention(1, 1)]).await.unwrap();
    let path = bench.crash();
    let (journal, resumed) = Journal::resume(&path, at(1)).unwrap();
    assert_eq!(resumed.unfinished[0].next_attempt, 2);
    journal.intend(&[intention(1, 2)]).await.unwrap();
    drop(journal);
    let (journal, resumed) = Journal::resume(&path, at(1)).unwrap();
    assert_eq!(resumed.unfinished[0].next_attempt, 3);
    assert_eq!(resumed.counts.unknown, 2);
    journal.intend(&[intention(1, 3)]).await.unwrap();
    journal.settle(&[settlement(1, 3, Settled::Exhausted)]).await.unwrap();
    drop(journal);
    assert_eq!(Journal::resume(&path, at(1)).unwrap().1.counts.exhausted, 1);
}

#[tokio::test]
async fn nothing_is_intended_that_must_not_be_sent() {
    let bench = Bench::with_orders(3).await;
    let journal = bench.journal();
    journal.intend(&[intention(1, 1), intention(2, 1)]).await.unwrap();
    journal.settle(&[settlement(1, 1, Settled::Acknowledged)]).await.unwrap();
    let refused = async |intentions: &[Intention]| {
        journal.intend(intentions).await.unwrap_err().trouble == Trouble::Refused
    };
    assert!(refused(&[intention(1, 2)]).await, "acknowledged");
    assert!(refused(&[intention(2, 1)]).await, "intended before");
    assert!(refused(&[intention(9, 1)]).await, "unknown order");
    assert!(refused(&[intention(3, 1), intention(1, 2)]).await);
    journal.intend(&[intention(3, 1)]).await.unwrap();
    let twice = journal.settle(&[settlement(1, 1, Settled::Acknowledged)]).await;
    assert_eq!(twice.unwrap_err().trouble, Trouble::Refused);
    let taken = journal.enqueue(&[order(1)]).await;
    assert_eq!(taken.unwrap_err().trouble, Trouble::Refused);
    journal.exhaust(&[2]).await.unwrap();
    journal.flush().await.unwrap();
    assert!(refused(&[intention(2, 2)]).await, "exhausted");
}

/// After any prefix of any run the journal says what a plain model says.
#[tokio::test]
async fn any_moment_of_a_run_is_resumed_like_the_model_says() {
    let mut random = fastrand::Rng::with_seed(7);
    let mut bench = Bench::with_orders(8).await;
    // For each order that is not done: its last attempt, and whether its outcome is known.
    let mut model: BTreeMap<u64, (u32, bool)> = (1..=8).map(|order| (order, (0, true))).collect();
    for step in 0..60 {
        let number = random.u64(1..=8);
        let Some((attempt, known)) = model.get(&number).copied() else { continue };
        let journal = bench.journal();
        if known {
            journal.intend(&[intention(number, attempt + 1)]).await.unwrap();
            model.insert(number, (attempt + 1, false));
        } else {
            let then = if attempt >= 3 {
                Settled::Exhausted
            } else if random.u32(0..4) == 0 {
                Settled::Acknowledged
            } else {
                Settled::Retry
            };
            journal.settle(&[settlement(number, attempt, then)]).await.unwrap();
            match then {
                Settled::Retry => drop(model.insert(number, (attempt, true))),
                _ => drop(model.remove(&number)),
            }
        }
        bench.journal().flush().await.unwrap();
        if step % 3 == 0 {
            let expected: Vec<_> = model
                .iter()
                .map(|(number, (attempt, known))| {
                    (*number, attempt + 1, (!known).then_some(*attempt))
                })
                .collect();
            let found = bench.next(50).into_iter().map(|(a, b, _, d)| (a, b, d));
            assert_eq!(found.collect::<Vec<_>>(), expected, "step {step}");
        }
    }
}

/// What the earlier parts did, in words.
async fn past(path: &std::path::Path, second: i64) -> (Vec<String>, Past) {
    let (journal, _) = Journal::resume(path, at(second)).unwrap();
    let mut told = Vec::new();
    let past = journal.replay(|event| {
        told.push(match event {
            PastEvent::Told(FleetEvent::Attempt(it)) => format!(
                "{} #{} {} {:?}-{:?}-{:?}",
                it.order_id,
                it.attempt,
                it.explanation.as_deref().unwrap_or(it.code),
                it.intended,
                it.sent,
                it.finished
            ),
            PastEvent::Untimed(it) => {
                format!("{} #{} untimed {}", it.order_id, it.attempt, it.code)
            }
            PastEvent::Told(FleetEvent::Order(it)) => {
                format!("{} {} {:?}", it.order_id, it.result.code(), it.finished)
            }
            PastEvent::Told(FleetEvent::UnknownOutcome { order_id, attempt, .. }) => {
                format!("{order_id} #{attempt} unknown")
            }
            PastEvent::Told(FleetEvent::Throttled { at, in_flight }) => {
                format!("throttled {at:?} {in_flight}")
            }
            PastEvent::Duplicate => "duplicate".to_owned(),
        });
    });
    let past = past.await.unwrap();
    (told, past)
}

#[tokio::test]
async fn the_parts_of_a_run_are_told_end_to_end() {
    let mut bench = Bench::with_orders(4).await;
    let journal = bench.journal();
    journal.intend(&[intention(1, 1), intention(2, 1), intention(3, 1)]).await.unwrap();
    journal.throttled(&[Throttle { at: Duration::from_millis(5), in_flight: 3 }]).await.unwrap();
    let settled = [settlement(1, 1, Settled::Retry), settlement(2, 1, Settled::Acknowledged)];
    journal.settle(&settled).await.unwrap();
    let crash = bench.crash();
    let (journal, _) = Journal::resume(&crash, at(1000)).unwrap();
    let later = |order, attempt| Intention { intended_at: at(1000), ..intention(order, attempt) };
    journal.intend(&[later(1, 2), later(3, 2)]).await.unwrap();
    let (sent_at, finished_at) = (Some(at(1002)), at(1003));
    let lost = Settlement { sent_at, finished_at, ..settlement(1, 2, Settled::Exhausted) };
    journal.settle(&[lost]).await.unwrap();
    journal.close().unwrap();
    let (told, past) = past(&crash, 1010).await;
    assert_eq!(
        told,
        [
            "throttled 5ms 3",
            "POT1 #1 why 1 0ns-0ns-1s",
            "POT1 #2 why 1 1s-3s-4s",
            "POT1 exhausted 4s",
            "POT2 #1 acknowledged 0ns-0ns-1s",
            "duplicate",
            "POT2 acknowledged 1s",
            "POT3 #1 unknown",
        ]
    );
    assert_eq!(past, Past { parts: 2, length: Duration::from_secs(4) });
}

#[tokio::test]
async fn what_a_stop_ended_is_not_of_the_past() {
    let mut bench = Bench::with_orders(2).await;
    bench.journal().intend(&[intention(1, 1), intention(2, 1)]).await.unwrap();
    bench.journal().settle(&[settlement(2, 1, Settled::Retry)]).await.unwrap();
    bench.journal().flush().await.unwrap();
    // The part that finds it out tells it, order 1's unknown attempt too.
    let (told, _) = past(&bench.crash(), 9999).await;
    assert_eq!(told, ["POT2 #1 why 2 0ns-0ns-1s", "duplicate"]);
}

#[tokio::test]
async fn a_journal_of_the_first_version_goes_on_without_the_times_that_it_lacks() {
    let mut bench = Bench::with_orders(1).await;
    bench.journal().intend(&[intention(1, 1)]).await.unwrap();
    bench.journal().settle(&[settlement(1, 1, Settled::Acknowledged)]).await.unwrap();
    let path = bench.crash();
    let back = "DROP TABLE reasons; DROP TABLE throttles; ALTER TABLE run DROP COLUMN dialect;
                ALTER TABLE attempts DROP COLUMN part; ALTER TABLE attempts DROP COLUMN sent_at_us;
                PRAGMA user_version = 1";
    crate::store::tests::change(&path, back);
    let (told, past) = past(&path, 5).await;
    assert_eq!(told, ["POT1 #1 untimed acknowledged", "POT1 acknowledged 1s"]);
    assert_eq!(past.parts, 1);
}

#[tokio::test]
async fn a_journal_that_cannot_be_used_says_why() {
    let bench = Bench::with_orders(1).await;
    let path = bench.folder.file("run.db");
    let trouble = |result: Result<(Journal, Resumed), StoreError>| result.unwrap_err().trouble;
    assert_eq!(trouble(Journal::resume(&path, at(0))), Trouble::InUse);
    assert_eq!(Journal::create(&path, &run()).unwrap_err().trouble, Trouble::Exists);
    let missing = bench.folder.file("other.db");
    assert_eq!(trouble(Journal::resume(&missing, at(0))), Trouble::Missing);
    assert!(!missing.exists());
}

#[tokio::test]
async fn a_journal_changed_by_hand_is_damaged_and_no_panic() {
    let changes = [
        "DELETE FROM run",
        "UPDATE run SET schedule = 'often'",
        "UPDATE run SET window = 'long'",
        "UPDATE run SET speed = 'fast'",
        "UPDATE run SET retries = -1",
        "UPDATE run SET started_at_us = 9223372036854775807",
        "UPDATE orders SET completed_at_us = -9223372036854775807",
        "UPDATE orders SET number = -1",
        "UPDATE orders SET duplicate_of = -1",
        "UPDATE orders SET id = CAST(x'ff' AS TEXT)",
        "INSERT INTO attempts VALUES (1, -1, 0, NULL, NULL, 1, NULL)",
        "INSERT INTO attempts VALUES (1, 4294967296, 0, NULL, NULL, 1, NULL)",
        "INSERT INTO attempts VALUES (1, 1, 0, NULL, NULL, 4294967295, NULL)",
        "DROP TABLE attempts",
        "DROP TABLE run; CREATE VIEW run AS SELECT 1",
    ];
    for change in changes {
        let bench = Bench::with_orders(1).await;
        let path = bench.folder.file("run.db");
        drop(bench.journal);
        crate::store::tests::change(&path, change);
        let error = Journal::resume(&path, at(0)).unwrap_err();
        assert_eq!(error.trouble, Trouble::Corrupt, "{change}: {error}");
    }
}
