use std::ops::ControlFlow;
use std::path::PathBuf;

use super::*;
use crate::receiver::callback::{Bytes, Callback};
use crate::receiver::received::{AppReply, Judged, Match};
use crate::store::Trouble;
use crate::store::tests::{Folder, change, copy_as_after_a_crash, lock};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn new(order: &str, second: i64) -> Received {
    let body = format!("{{\"payout_id\":\"{order}\",\"memo\":\"中\"}}");
    Received {
        id: 0,
        callback: Callback {
            number: 7,
            received_at: at(second),
            remote: "[::1]:4000".parse().unwrap(),
            method: "POST".into(),
            path: "/notify?a=%20".into(),
            headers: vec![
                ("host".to_owned(), b"h".to_vec()),
                ("x-a".to_owned(), b"\xff: b".to_vec()),
                ("x-empty".to_owned(), Vec::new()),
            ],
            body: Bytes::from(body),
        },
        judged: Judged {
            code: "0004".to_owned(),
            signature: Some(Match::Mismatched),
            explanation: Some("why".to_owned()),
            order_id: Some(order.into()),
            status: Some(3),
            amount_cents: Some(-1),
            delivery: Some(2),
        },
        replied: Replied {
            status: Some(200),
            headers: vec![("Content-Type".to_owned(), b"a/b".to_vec())],
            body: Bytes::from_static(b"{}"),
            action: None,
        },
        forwarded: None,
        live: None,
    }
}

fn valid(order: &str, second: i64) -> Received {
    let mut entry = new(order, second);
    entry.judged.code = "0000".to_owned();
    entry.judged.signature = Some(Match::Matched);
    entry
}

fn quick() -> InboxSettings {
    let (patience, pause) = (Duration::from_millis(5), Duration::ZERO);
    InboxSettings { patience, pause, ..InboxSettings::default() }
}

fn ids(inbox: &Inbox, filter: &Filter) -> Vec<u64> {
    let mut ids = Vec::new();
    let take = |entry: Received| {
        ids.push(entry.id);
        ControlFlow::Continue(())
    };
    inbox.reader().unwrap().each(filter, take).unwrap();
    ids
}

fn all(inbox: &Inbox) -> Vec<u64> {
    ids(inbox, &Filter::default())
}

#[tokio::test]
async fn an_entry_is_read_as_it_was_kept() {
    let folder = Folder::new();
    let path = folder.file("new/folder/inbox.db");
    let inbox = Inbox::open(&path, quick()).unwrap();
    let new = new("A", 5);
    assert_eq!(inbox.keep(&new).await, Ok(1));
    let mut expected = Received { id: 1, ..new };
    let reader = InboxReader::open(&path).unwrap();
    assert_eq!(reader.entry(1).unwrap().as_ref(), Some(&expected));
    expected.replied = Replied { action: Some("hang 35s".to_owned()), ..Replied::default() };
    inbox.record_reply(1, &expected.replied).await.unwrap();
    for result in [
        Err("refused".to_owned()),
        Ok(AppReply {
            status: 500,
            headers: vec![("a".to_owned(), b"b".to_vec())],
            body: Bytes::from_static(b"oops"),
            acknowledges: false,
            remark: Some("no".to_owned()),
        }),
    ] {
        let elapsed = Duration::from_micros(1500);
        let forwarded = Forwarded { url: "http://x/".into(), elapsed, result };
        inbox.record_forward(1, &forwarded).await.unwrap();
        inbox.flush().await.unwrap();
        expected.forwarded = Some(forwarded);
        assert_eq!(reader.entry(1).unwrap().as_ref(), Some(&expected));
    }
    assert_eq!((reader.entry(2).unwrap(), reader.latest().unwrap()), (None, Some(1)));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: PathBuf| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(folder.file("new")), mode(folder.file("new/folder"))), (0o700, 0o700));
        assert_eq!(mode(path), 0o600);
    }
}

#[tokio::test]
async fn a_number_is_never_used_again() {
    let folder = Folder::new();
    let path = folder.file("inbox.db");
    let inbox = Inbox::open(&path, quick()).unwrap();
    for expected in 1..=3 {
        assert_eq!(inbox.keep(&new("A", 5)).await, Ok(expected));
    }
    assert_eq!(inbox.delete(&[2, 3, 3, 99]).await, Ok(2));
    inbox.close().unwrap();
    let inbox = Inbox::open_existing(&path, quick()).unwrap();
    assert_eq!(inbox.keep(&new("A", 5)).await, Ok(4));
    assert_eq!(all(&inbox), [1, 4]);
    assert_eq!(inbox.prune(0, None).await, Ok(2));
    drop(inbox);
    let inbox = Inbox::open(&path, quick()).unwrap();
    assert_eq!(inbox.keep(&new("A", 5)).await, Ok(5));
}

#[tokio::test]
async fn an_inbox_of_an_earlier_version_goes_on() {
    let versions: [&'static [&'static str]; 2] = [
        const { &[SCHEMA.migrations[0]] },
        const { &[SCHEMA.migrations[0], SCHEMA.migrations[1]] },
    ];
    for migrations in versions {
        let folder = Folder::new();
        let path = folder.file("inbox.db");
        let earlier = Schema { migrations, ..SCHEMA };
        let store = Store::open(&path, &OpenOptions::new(&earlier, Presence::New)).unwrap();
        let added = (1..=5).map(|id| rows::insertion(id, 9, &new("A", 5)));
        let gone = Statement::new("DELETE FROM entries WHERE id IN (2, 5)", vec![]);
        store.write(added.chain([gone]).collect()).await.unwrap();
        store.close().unwrap();
        let order = Filter { order: Some("A".to_owned()), ..Filter::default() };
        let reader = InboxReader::open(&path).unwrap();
        assert_eq!(reader.numbers(&order).unwrap(), [1, 3, 4]);
        drop(reader);
        let inbox = Inbox::open(&path, quick()).unwrap();
        let expected = Received { id: 4, ..new("A", 5) };
        assert_eq!(inbox.reader().unwrap().entry(4).unwrap(), Some(expected));
        let next = if migrations.len() == 1 { 6 } else { 5 };
        assert_eq!(inbox.keep(&new("B", 6)).await, Ok(next));
        assert_eq!(all(&inbox), [1, 3, 4, next]);
        assert_eq!(ids(&inbox, &order), [1, 3, 4]);
    }
}

#[tokio::test]
async fn a_search_looks_at_a_bounded_part_and_says_how_far() {
    let folder = Folder::new();
    let path = folder.file("inbox.db");
    let store = Store::open(&path, &OpenOptions::new(&SCHEMA, Presence::New)).unwrap();
    let orders = [(3, "A"), (4, "B"), (10_003, "A"), (10_050, "A"), (25_000, "C")];
    let entries = orders.map(|(id, order)| rows::insertion(id, 9, &new(order, 5)));
    store.write(entries.into()).await.unwrap();
    store.close().unwrap();
    let reader = InboxReader::open(&path).unwrap();
    let search = |filter: &Filter| {
        let mut found = Vec::new();
        let next = reader.search(filter, |entry| {
            found.push(entry.id);
            ControlFlow::Continue(())
        });
        (found, next.unwrap())
    };
    let newest = Filter { side: Side::NewestFirst, ..Filter::default() };
    let before = |before| Filter { before: Some(before), ..newest.clone() };
    assert_eq!(search(&newest), (vec![25_000], Some(15_001)));
    assert_eq!(search(&before(15_001)), (vec![10_050, 10_003], Some(5_001)));
    assert_eq!(search(&before(5_001)), (vec![4, 3], None));
    assert_eq!(search(&before(10_003)), (vec![4, 3], None));
    assert_eq!(search(&before(3)), (vec![], None));
    let order = Filter { order: Some("A".to_owned()), ..newest.clone() };
    assert_eq!(search(&order), (vec![10_050, 10_003, 3], None));
    // What is not asked for need not be looked at.
    let after = |after| Filter { after: Some(after), ..newest.clone() };
    assert_eq!(search(&after(24_000)), (vec![25_000], None));
    assert_eq!(search(&after(10_050)), (vec![25_000], Some(15_001)));
    assert_eq!(search(&after(u64::MAX)), (vec![], None));
    let text = |text: &str| Filter { text: Some(text.to_owned()), ..newest.clone() };
    assert_eq!(search(&text("nowhere")), (vec![], Some(15_001)));
    assert_eq!(search(&text("WHY")), (vec![25_000], Some(15_001)));
    let stopped = reader.search(&order, |_| ControlFlow::Break(()));
    assert_eq!(stopped.unwrap(), None);
    let (sql, values) = order.query(0, u64::MAX, 1);
    let mut plan = String::new();
    reader
        .reader
        .each(&format!("EXPLAIN QUERY PLAN {sql}"), &values, |row| {
            plan.push_str(row.text(3)?);
            Ok(())
        })
        .unwrap();
    assert!(plan.contains("entries_by_order") && !plan.contains("SCAN"), "{plan}");
}

#[tokio::test]
async fn a_crash_loses_nothing_that_was_kept() {
    let folder = Folder::new();
    let path = folder.file("inbox.db");
    let inbox = Inbox::open(&path, quick()).unwrap();
    for id in 1..=3 {
        inbox.keep(&new("A", 5)).await.unwrap();
        let copy = folder.file(&format!("crash-{id}.db"));
        copy_as_after_a_crash(&path, &copy);
        let reader = InboxReader::open(&copy).unwrap();
        assert_eq!(reader.numbers(&Filter::default()).unwrap().len() as u64, id);
        assert_eq!(all(&Inbox::open(&copy, quick()).unwrap()).len() as u64, id);
    }
}

#[tokio::test]
async fn filters_choose() {
    let folder = Folder::new();
    let inbox = Inbox::open(&folder.file("inbox.db"), quick()).unwrap();
    for (order, second) in [("A", 10), ("B", 20), ("A", 30)] {
        inbox.keep(&new(order, second)).await.unwrap();
    }
    let mut other = valid("C", 40);
    (other.judged.status, other.callback.path) = (None, "/n?memo=héllo".into());
    inbox.keep(&other).await.unwrap();
    let none = Filter::default();
    for (filter, expected) in [
        (none.clone(), &[1, 2, 3, 4][..]),
        (Filter { order: Some("A".to_owned()), ..none.clone() }, &[1, 3]),
        (Filter { status: Some(3), ..none.clone() }, &[1, 2, 3]),
        (Filter { validity: Some(Validity::Valid), ..none.clone() }, &[4]),
        (Filter { validity: Some(Validity::Invalid), ..none.clone() }, &[1, 2, 3]),
        (Filter { since: Some(at(20)), until: Some(at(30)), ..none.clone() }, &[2, 3]),
        (Filter { text: Some("id\":\"A".to_owned()), ..none.clone() }, &[1, 3]),
        (Filter { text: Some("hél".to_owned()), ..none.clone() }, &[4]),
        (Filter { text: Some("中".to_owned()), limit: Some(1), ..none.clone() }, &[1]),
        // In either case, and in the code and the explanation too.
        (Filter { text: Some("ID\":\"a".to_owned()), ..none.clone() }, &[1, 3]),
        (Filter { text: Some("Why".to_owned()), limit: Some(2), ..none.clone() }, &[1, 2]),
        (Filter { text: Some("0004".to_owned()), after: Some(1), ..none.clone() }, &[2, 3]),
        (
            Filter {
                text: Some("0004".to_owned()),
                side: Side::NewestFirst,
                limit: Some(2),
                ..none.clone()
            },
            &[3, 2],
        ),
        (Filter { after: Some(2), ..none.clone() }, &[3, 4]),
        (Filter { after: Some(1), before: Some(3), ..none.clone() }, &[2]),
        (Filter { after: Some(u64::MAX), ..none.clone() }, &[]),
        (Filter { side: Side::NewestFirst, ..none.clone() }, &[4, 3, 2, 1]),
        (Filter { side: Side::NewestFirst, limit: Some(2), ..none.clone() }, &[4, 3]),
        (Filter { side: Side::NewestFirst, before: Some(3), limit: Some(1), ..none.clone() }, &[2]),
        (Filter { limit: Some(0), ..none }, &[]),
    ] {
        assert_eq!(ids(&inbox, &filter), expected, "{filter:?}");
        assert_eq!(inbox.reader().unwrap().numbers(&filter).unwrap(), expected, "{filter:?}");
    }
}

#[tokio::test]
async fn those_up_to_a_number_are_deleted_and_their_numbers_do_not_come_again() {
    let folder = Folder::new();
    let path = folder.file("inbox.db");
    let inbox = Inbox::open(&path, InboxSettings { keep: 100, ..quick() }).unwrap();
    for _ in 0..90 {
        inbox.keep(&new("A", 5)).await.unwrap();
    }
    let reader = InboxReader::open(&path).unwrap();
    let version = reader.version().unwrap();
    assert_eq!(reader.version(), Ok(version));
    assert_eq!(inbox.delete_through(Some(70)).await, Ok(70));
    assert_ne!(reader.version(), Ok(version));
    assert_eq!(inbox.delete_through(Some(70)).await, Ok(0));
    assert_eq!(all(&inbox), (71..=90).collect::<Vec<_>>());
    assert_eq!(inbox.delete_through(None).await, Ok(20));
    assert_eq!(inbox.delete_through(Some(u64::MAX)).await, Ok(0));
    inbox.close().unwrap();
    let inbox = Inbox::open(&path, quick()).unwrap();
    assert_eq!(inbox.keep(&new("A", 5)).await, Ok(91));
}

#[tokio::test]
async fn many_are_streamed_in_order_from_both_sides() {
    let folder = Folder::new();
    let inbox = Inbox::open(&folder.file("inbox.db"), quick()).unwrap();
    let entry = new("A", 5);
    let kept = futures_util::future::join_all((0..2100).map(|_| inbox.keep(&entry))).await;
    assert!(kept.iter().all(Result::is_ok));
    let reader = inbox.reader().unwrap();
    for side in [Side::OldestFirst, Side::NewestFirst] {
        let mut seen = Vec::new();
        let filter = Filter { side, limit: Some(2099), ..Filter::default() };
        reader
            .each(&filter, |entry| {
                seen.push(entry.id);
                std::ops::ControlFlow::Continue(())
            })
            .unwrap();
        let expected: Vec<u64> = match side {
            Side::OldestFirst => (1..=2099).collect(),
            Side::NewestFirst => (2..=2100).rev().collect(),
        };
        assert_eq!(seen, expected);
    }
}

#[tokio::test]
async fn the_oldest_go_and_their_room_is_used_again() {
    let folder = Folder::new();
    let path = folder.file("inbox.db");
    let inbox = Inbox::open(&path, InboxSettings { keep: 20, ..quick() }).unwrap();
    let mut entry = new("A", 5);
    entry.callback.body = Bytes::from(vec![b'x'; 20_000]);
    for _ in 0..30 {
        inbox.keep(&entry).await.unwrap();
    }
    inbox.close().unwrap();
    let after_30 = std::fs::metadata(&path).unwrap().len();
    let inbox = Inbox::open(&path, InboxSettings { keep: 20, ..quick() }).unwrap();
    for _ in 0..200 {
        inbox.keep(&entry).await.unwrap();
    }
    let left = all(&inbox);
    assert!((20..=21).contains(&left.len()), "{left:?}");
    assert_eq!(left.last(), Some(&230));
    inbox.close().unwrap();
    let after_230 = std::fs::metadata(&path).unwrap().len();
    assert!(after_230 <= after_30 * 5 / 4, "{after_30} then {after_230}");
    let inbox = Inbox::open(&path, quick()).unwrap();
    assert_eq!(inbox.prune(1, None).await, Ok(left.len() as u64 - 1));
    inbox.close().unwrap();
    compact(&path).unwrap();
    assert!(std::fs::metadata(&path).unwrap().len() < 80_000);
    assert_eq!(all(&Inbox::open(&path, quick()).unwrap()), [230]);
}

#[tokio::test]
async fn the_old_go() {
    let folder = Folder::new();
    let settings = InboxSettings { keep_for: Some(Duration::from_secs(60)), ..quick() };
    let inbox = Inbox::open(&folder.file("inbox.db"), settings).unwrap();
    for second in [100, 130, 159, 161] {
        inbox.keep(&new("A", second)).await.unwrap();
    }
    assert_eq!(all(&inbox), [2, 3, 4]);
    assert_eq!(inbox.prune(u64::MAX, Some(at(159))).await, Ok(1));
    assert_eq!(all(&inbox), [3, 4]);
    // One that came with the clock set back is found wherever it is.
    inbox.keep(&new("A", 99)).await.unwrap();
    assert_eq!(inbox.prune(u64::MAX, Some(at(100))).await, Ok(1));
    assert_eq!(all(&inbox), [3, 4]);
}

#[test]
fn a_second_writer_is_told_what_to_do() {
    let folder = Folder::new();
    let path = folder.file("inbox.db");
    let _inbox = Inbox::open(&path, quick()).unwrap();
    let error = Inbox::open(&path, quick()).unwrap_err();
    assert_eq!(error.trouble, Trouble::InUse);
    assert!(error.to_string().starts_with("the inbox "), "{error}");
    assert!(error.hint().contains("--inbox FILE or --no-inbox"), "{}", error.hint());
    assert_eq!(compact(&path).unwrap_err().trouble, Trouble::InUse);
    InboxReader::open(&path).unwrap();
    let missing = folder.file("none.db");
    assert_eq!(InboxReader::open(&missing).unwrap_err().trouble, Trouble::Missing);
    let missing = Inbox::open_existing(&missing, quick()).unwrap_err();
    assert!(missing.hint().contains("listen"), "{}", missing.hint());
}

#[test]
fn a_reader_refuses_what_is_no_inbox() {
    let folder = Folder::new();
    let path = folder.file("x.db");
    for (bytes, detail) in [(vec![], "empty"), (vec![b'x'; 5000], "not an SQLite")] {
        std::fs::write(&path, &bytes).unwrap();
        let error = InboxReader::open(&path).unwrap_err();
        assert_eq!(error.trouble, Trouble::Foreign);
        assert!(error.to_string().contains(detail), "{error}");
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
    }
    std::fs::remove_file(&path).unwrap();
    change(&path, "CREATE TABLE t (a)");
    assert_eq!(InboxReader::open(&path).unwrap_err().trouble, Trouble::Foreign);
    let inbox = folder.file("inbox.db");
    drop(Inbox::open(&inbox, quick()).unwrap());
    change(&inbox, "PRAGMA user_version = 9");
    assert_eq!(InboxReader::open(&inbox).unwrap_err().trouble, Trouble::Newer);
}

#[tokio::test]
async fn a_lock_fails_one_callback_and_passes() {
    let folder = Folder::new();
    let path = folder.file("inbox.db");
    let inbox = Inbox::open(&path, quick()).unwrap();
    let other = lock(&path);
    assert_eq!(inbox.keep(&new("A", 5)).await.unwrap_err().trouble, Trouble::Locked);
    assert_eq!(inbox.keep(&new("A", 5)).await.unwrap_err().trouble, Trouble::Locked);
    drop(other);
    let id = inbox.keep(&new("A", 5)).await.unwrap();
    assert_eq!(all(&inbox), [id]);
}

#[tokio::test]
async fn a_full_inbox_keeps_again_once_there_is_room() {
    let folder = Folder::new();
    let path = folder.file("inbox.db");
    let settings = InboxSettings { max_bytes: Some(256 * 1024), ..quick() };
    let inbox = Inbox::open(&path, settings).unwrap();
    let mut entry = new("A", 5);
    entry.callback.body = Bytes::from(vec![b'x'; 20_000]);
    let mut kept = 0;
    let error = loop {
        match inbox.keep(&entry).await {
            Ok(_) => kept += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(error.trouble, Trouble::Full);
    assert!(error.hint().contains("prune"), "{}", error.hint());
    assert_eq!(inbox.keep(&entry).await.unwrap_err().trouble, Trouble::Full);
    assert_eq!(inbox.prune(kept - 2, None).await, Ok(2));
    inbox.keep(&entry).await.unwrap();
    assert_eq!(all(&inbox).len() as u64, kept - 1);
    drop(inbox);
    let inbox = Inbox::open(&path, quick()).unwrap();
    for _ in 0..5 {
        inbox.keep(&entry).await.unwrap();
    }
}

#[cfg(unix)]
#[tokio::test]
async fn nothing_is_kept_in_a_file_without_a_name() {
    let folder = Folder::new();
    let path = folder.file("inbox.db");
    let inbox = Inbox::open(&path, quick()).unwrap();
    inbox.keep(&new("A", 5)).await.unwrap();
    let away = folder.file("away.db");
    std::fs::rename(&path, &away).unwrap();
    for _ in 0..2 {
        let error = inbox.keep(&new("B", 5)).await.unwrap_err();
        assert_eq!(error.trouble, Trouble::Gone, "{error}");
    }
    // Another file in its place is not taken for it.
    std::fs::copy(&away, &path).unwrap();
    assert_eq!(inbox.keep(&new("C", 5)).await.unwrap_err().trouble, Trouble::Gone);
    std::fs::rename(&away, &path).unwrap();
    let id = inbox.keep(&new("D", 5)).await.unwrap();
    assert!(all(&inbox).contains(&id) && all(&inbox).contains(&1));
}

#[cfg(unix)]
#[tokio::test]
async fn a_removed_log_fails_one_callback_and_is_made_again() {
    for end in ["-wal", "-shm"] {
        let folder = Folder::new();
        let path = folder.file("inbox.db");
        let inbox = Inbox::open(&path, quick()).unwrap();
        inbox.keep(&new("A", 5)).await.unwrap();
        std::fs::remove_file(folder.file(&format!("inbox.db{end}"))).unwrap();
        let error = inbox.keep(&new("B", 5)).await.unwrap_err();
        assert_eq!(error.trouble, Trouble::Gone, "{error}");
        let id = inbox.keep(&new("C", 5)).await.unwrap();
        inbox.close().unwrap();
        let kept = all(&Inbox::open(&path, quick()).unwrap());
        assert!(kept.contains(&1) && kept.contains(&id), "{end}: {kept:?}");
    }
}

#[tokio::test]
async fn a_damaged_inbox_keeps_again_once_it_is_whole() {
    let folder = Folder::new();
    let path = folder.file("inbox.db");
    let inbox = Inbox::open(&path, quick()).unwrap();
    inbox.keep(&new("A", 5)).await.unwrap();
    change(&path, "ALTER TABLE entries RENAME TO hidden");
    for _ in 0..2 {
        let error = inbox.keep(&new("B", 5)).await.unwrap_err();
        assert_eq!(error.trouble, Trouble::Corrupt, "{error}");
    }
    change(&path, "ALTER TABLE hidden RENAME TO entries");
    let id = inbox.keep(&new("C", 5)).await.unwrap();
    assert_eq!(all(&inbox), [1, id]);
}

#[tokio::test]
async fn a_record_that_fails_fails_no_callback() {
    let folder = Folder::new();
    let path = folder.file("inbox.db");
    let inbox = Inbox::open(&path, quick()).unwrap();
    let id = inbox.keep(&new("A", 5)).await.unwrap();
    let other = lock(&path);
    inbox.record_reply(id, &Replied::default()).await.unwrap();
    // An entry that is gone is no failure.
    inbox.record_reply(99, &Replied::default()).await.unwrap();
    assert_eq!(inbox.keep(&new("A", 5)).await.unwrap_err().trouble, Trouble::Locked);
    drop(other);
    inbox.keep(&new("B", 5)).await.unwrap();
    assert_eq!(inbox.late().unwrap_err().trouble, Trouble::Locked);
    assert_eq!(inbox.flush().await, Ok(()));
}
