//! A run's sessions, replayed end to end.

use super::*;

/// What the earlier sessions did, in words.
fn earlier(path: &Path, second: i64) -> (Vec<String>, EarlierSessions) {
    let (journal, _) = Journal::resume(path, at(second)).unwrap();
    let mut told = Vec::new();
    let earlier = journal.replay(|event, times| {
        if let EngineEvent::Attempt(it) = event {
            assert_eq!(it.code == ACKNOWLEDGED, it.explanation.is_none(), "{it:?}");
        }
        told.push(match event {
            EngineEvent::Attempt(it) if times == Times::Unknown => {
                format!("{} #{} untimed {}", it.order_id, it.attempt, it.code)
            }
            EngineEvent::Attempt(it) => format!(
                "{} #{} {} {:?}-{:?}-{:?}",
                it.order_id,
                it.attempt,
                it.explanation.as_deref().unwrap_or(&it.code),
                it.intended,
                it.sent,
                it.finished
            ),
            EngineEvent::Order(it) => {
                format!("{} {} {:?}", it.order_id, it.result.code(), it.finished)
            }
            EngineEvent::UnknownOutcome { order_id, attempt, .. } => {
                format!("{order_id} #{attempt} unknown")
            }
            EngineEvent::Throttled { at, in_flight } => format!("throttled {at:?} {in_flight}"),
            other => format!("{other:?}"),
        });
    });
    (told, earlier.unwrap())
}

#[tokio::test]
async fn the_sessions_of_a_run_are_told_end_to_end() {
    let mut bench = Bench::new();
    bench.intend(&[intention(1, 1), intention(2, 1), intention(3, 1)]).await;
    let throttled = EngineEvent::Throttled { at: Duration::from_millis(5), in_flight: 3 };
    let retry = outcome(1, 1, Then::Retry);
    bench.happened(&[&[throttled], &retry[..], &outcome(2, 1, Then::Acknowledged)].concat()).await;
    let crash = bench.crash();
    let (journal, _) = Journal::resume(&crash, at(1000)).unwrap();
    journal.record(at(999), &[], &[intention(1, 2), intention(3, 2)]).await.unwrap();
    let mut lost = outcome(1, 2, Then::Exhausted);
    if let EngineEvent::Attempt(attempt) = &mut lost[0] {
        (attempt.sent, attempt.finished) = (Duration::from_secs(3), Duration::from_secs(4));
    }
    journal.record(at(999), &lost, &[]).await.unwrap();
    journal.close().unwrap();
    let (told, earlier) = earlier(&crash, 1010);
    assert_eq!(
        told,
        [
            "throttled 5ms 3",
            "POT1 #1 why 1 0ns-0ns-1s",
            "POT1 #2 why 1 1s-3s-4s",
            "POT1 exhausted 4s",
            "POT2 #1 acknowledged 0ns-0ns-1s",
            "POT2 acknowledged 1s",
            "POT3 #1 unknown",
        ]
    );
    let length = Duration::from_secs(4);
    assert_eq!(earlier, EarlierSessions { sessions: 2, length, duplicates: 1 });
}

#[tokio::test]
async fn what_a_stop_ended_is_left_to_the_session_that_finds_it() {
    let mut bench = Bench::new();
    bench.intend(&[intention(1, 1), intention(2, 1)]).await;
    bench.happened(&outcome(2, 1, Then::Retry)).await;
    // That one reports order 1's unknown attempt, too.
    let (told, earlier) = earlier(&bench.crash(), 9999);
    assert_eq!((told, earlier.duplicates), (vec!["POT2 #1 why 2 0ns-0ns-1s".to_owned()], 1));
}

#[tokio::test]
async fn a_journal_of_the_first_version_continues_without_the_times_that_it_lacks() {
    let mut bench = Bench::new();
    bench.intend(&[intention(1, 1)]).await;
    bench.happened(&outcome(1, 1, Then::Acknowledged)).await;
    let path = bench.crash();
    change(&path, TO_VERSION_2);
    change(&path, TO_VERSION_1);
    let (told, earlier) = earlier(&path, 5);
    assert_eq!(told, ["POT1 #1 untimed acknowledged", "POT1 acknowledged 1s"]);
    assert_eq!(earlier.sessions, 1);
}

#[tokio::test]
async fn outcomes_that_are_too_many_or_too_long_are_told_as_others() {
    let mut bench = Bench::new();
    let orders = 1..=70_u64;
    bench.intend(&orders.clone().map(|order| intention(order, 1)).collect::<Vec<_>>()).await;
    bench
        .happened(&orders.flat_map(|order| outcome(order, 1, Then::Retry)).collect::<Vec<_>>())
        .await;
    let known = |sql: &str, path: &Path| {
        change(path, sql);
        let others = |line: &String| line.split(' ').nth(2) == Some("other");
        70 - earlier(path, 5).0.iter().filter(|line| others(line)).count()
    };
    let path = bench.crash();
    assert_eq!(known("UPDATE attempts SET outcome = 'code-' || order_number", &path), 64);
    let long = "UPDATE attempts SET outcome = substr(hex(zeroblob(33)), 1, LENGTH)";
    assert_eq!(known(&long.replace("LENGTH", "64"), &path), 70);
    assert_eq!(known(&long.replace("LENGTH", "65"), &path), 0);
}
