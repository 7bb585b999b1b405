//! A file that another program, or a failing disk, changed.

use super::*;

#[tokio::test]
async fn a_journal_is_checked_as_a_whole_before_it_is_resumed() {
    let bench = Bench::new();
    bench.intend(&[intention(1, 1)]).await;
    let path = bench.folder.file("run.db");
    bench.journal.unwrap().close().unwrap();
    let look = rusqlite::Connection::open(&path).unwrap();
    let number = |sql| look.query_row(sql, [], |row| row.get::<_, u32>(0)).unwrap() as usize;
    let page = number("SELECT rootpage FROM sqlite_schema WHERE name = 'throttles'") - 1;
    let size = number("PRAGMA page_size");
    drop(look);
    assert!(Journal::resume(&path, at(5)).is_ok());
    let mut bytes = std::fs::read(&path).unwrap();
    // No resume reads this table; what a report takes from it comes later.
    bytes[page * size..(page + 1) * size].fill(7);
    std::fs::write(&path, bytes).unwrap();
    assert_eq!(Journal::resume(&path, at(5)).unwrap_err().trouble, Trouble::Corrupt);
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
        "UPDATE run SET settings = '{'",
        "UPDATE run SET settings = '{\"rate\":\"0/s\"}'",
        "UPDATE run SET settings = '{\"ramp\":\"long\"}'",
        "UPDATE run SET settings = '{\"jitter\":\"101%\"}'",
        "UPDATE run SET sign_type = 'ROT13'",
        "UPDATE run SET dialect = '[['",
        "UPDATE run SET order_plan = '{}'",
        "UPDATE orders SET completed_at_us = -9223372036854775807",
        "UPDATE orders SET number = -1",
        "UPDATE orders SET duplicate_of = -1",
        "UPDATE orders SET id = CAST(x'ff' AS TEXT)",
        "UPDATE attempts SET attempt = -1",
        "UPDATE attempts SET attempt = 4294967296",
        "UPDATE attempts SET part = 4294967295",
        "DROP TABLE attempts",
        "DROP TABLE run; CREATE VIEW run AS SELECT 1",
    ];
    for sql in changes {
        let bench = Bench::new();
        bench.intend(&[intention(1, 1)]).await;
        let path = bench.folder.file("run.db");
        drop(bench.journal);
        change(&path, sql);
        let error = Journal::resume(&path, at(0)).unwrap_err();
        assert_eq!(error.trouble, Trouble::Corrupt, "{sql}: {error}");
    }
}
