use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rusqlite::Connection;

use super::file::beside;
use super::*;

/// A folder that goes away with the value.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("payout-notify-test-{}-{count}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _old = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _removed = fs::remove_dir_all(&self.0);
    }
}

/// Ends what the process would end with: the file as a crash leaves it, in another folder.
pub(crate) fn copy_as_after_a_crash(from: &Path, to: &Path) {
    for end in ["", "-wal"] {
        if beside(from, end).exists() {
            fs::copy(beside(from, end), beside(to, end)).unwrap();
        }
    }
}

const NOTES: Schema = Schema {
    what: "notebook",
    application_id: 0x4e6f_7465,
    migrations: &["CREATE TABLE note (number INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT"],
    previews: &[],
    readable_from: i64::MAX,
};

fn note(number: i64, text: &str) -> Vec<Statement> {
    let sql = "INSERT INTO note (number, text) VALUES (?, ?)";
    vec![Statement::one_row(sql, vec![number.into(), text.to_owned().into()])]
}

fn open(path: &Path, presence: Presence) -> Result<Store, StoreError> {
    Store::open(
        path,
        &OpenOptions { integrity: Integrity::Whole, ..OpenOptions::new(&NOTES, presence) },
    )
}

fn trouble(path: &Path, presence: Presence) -> Trouble {
    open(path, presence).unwrap_err().trouble
}

fn numbers(store: &Store) -> Vec<i64> {
    let mut numbers = Vec::new();
    let read = store.reader().unwrap().each("SELECT number FROM note ORDER BY 1", &[], |row| {
        numbers.push(row.integer(0)?);
        Ok(())
    });
    read.unwrap();
    numbers
}

#[tokio::test]
async fn what_was_written_is_there_again() {
    let folder = Folder::new();
    let path = folder.file("notes.db");
    let plan = OpenOptions { first: &note(1, "first"), ..OpenOptions::new(&NOTES, Presence::New) };
    let store = Store::open(&path, &plan).unwrap();
    assert_eq!(store.write(note(2, "second")).await, Ok(1));
    store.write_later(note(3, "third")).await.unwrap();
    assert_eq!(store.flush().await, Ok(()));
    assert_eq!(numbers(&store), [1, 2, 3]);
    store.close().unwrap();
    assert_eq!(folder.names(), ["notes.db"], "nothing stays beside it");
    for presence in [Presence::Existing, Presence::Either] {
        assert_eq!(numbers(&open(&path, presence).unwrap()), [1, 2, 3]);
    }
}

#[tokio::test]
async fn a_crash_loses_nothing_that_was_answered() {
    let folder = Folder::new();
    let store = open(&folder.file("notes.db"), Presence::New).unwrap();
    for number in 1..=5 {
        store.write(note(number, "x")).await.unwrap();
        let copy = folder.file(&format!("crash-{number}.db"));
        copy_as_after_a_crash(&folder.file("notes.db"), &copy);
        let survived = numbers(&open(&copy, Presence::Existing).unwrap());
        assert_eq!(survived, (1..=number).collect::<Vec<_>>());
    }
}

#[test]
fn presence_is_checked_before_anything_is_made() {
    let folder = Folder::new();
    let path = folder.file("notes.db");
    assert_eq!(trouble(&path, Presence::Existing), Trouble::Missing);
    assert_eq!(folder.names(), [""; 0]);
    open(&path, Presence::Either).unwrap();
    assert_eq!(trouble(&path, Presence::New), Trouble::Exists);
    assert_eq!(trouble(&folder.0, Presence::New), Trouble::NotAFile);
    assert_eq!(trouble(Path::new(""), Presence::New), Trouble::NotAFile);
    assert_eq!(trouble(&folder.file("no/folder.db"), Presence::New), Trouble::Io);
}

#[test]
fn a_half_made_file_is_made_again() {
    let folder = Folder::new();
    for end in ["-new", "-new-journal", "-lock"] {
        fs::write(folder.file(&format!("notes.db{end}")), "rubbish").unwrap();
    }
    open(&folder.file("notes.db"), Presence::New).unwrap().close().unwrap();
    assert_eq!(folder.names(), ["notes.db"]);
}

#[test]
fn a_log_without_its_database_is_not_read_into_a_new_one() {
    let folder = Folder::new();
    fs::write(folder.file("notes.db-wal"), "rubbish").unwrap();
    assert_eq!(trouble(&folder.file("notes.db"), Presence::Either), Trouble::Leftover);
    assert_eq!(folder.names(), ["notes.db-wal"]);
}

#[test]
fn only_one_at_a_time_writes() {
    let folder = Folder::new();
    let path = folder.file("notes.db");
    let store = open(&path, Presence::New).unwrap();
    let error = open(&path, Presence::Existing).unwrap_err();
    assert_eq!(error.trouble, Trouble::InUse);
    assert!(error.to_string().ends_with("is in use by another payout-notify"), "{error}");
    #[cfg(unix)]
    {
        let link = folder.file("link.db");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert_eq!(trouble(&link, Presence::Existing), Trouble::InUse);
    }
    drop(store);
    open(&path, Presence::Existing).unwrap();
}

#[cfg(unix)]
#[test]
fn a_link_is_followed_only_to_a_file_and_only_where_it_is_the_users_own() {
    use std::os::unix::fs::{lchown, symlink};
    let folder = Folder::new();
    let (path, link) = (folder.file("notes.db"), folder.file("link.db"));
    symlink(&path, &link).unwrap();
    for presence in [Presence::New, Presence::Either] {
        assert_eq!(trouble(&link, presence), Trouble::Link);
    }
    assert_eq!((trouble(&link, Presence::Existing), path.exists()), (Trouble::Missing, false));
    drop(open(&path, Presence::New).unwrap());
    drop(open(&link, Presence::Existing).unwrap());
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    // Only a superuser can make a link somebody else's.
    if lchown(&link, Some(65_534), None).is_ok() {
        let error = open(&link, Presence::Existing).unwrap_err();
        assert_eq!(error.trouble, Trouble::Link);
        assert!(error.to_string().ends_with("(it belongs to another user)"), "{error}");
    }
}

#[cfg(unix)]
#[test]
fn a_lock_is_not_made_where_a_link_leads() {
    let folder = Folder::new();
    let elsewhere = folder.file("elsewhere");
    std::os::unix::fs::symlink(&elsewhere, folder.file("notes.db-lock")).unwrap();
    assert_eq!(trouble(&folder.file("notes.db"), Presence::New), Trouble::Io);
    assert!(!elsewhere.exists());
}

#[tokio::test]
async fn a_lock_of_another_program_is_an_error_and_passes() {
    let folder = Folder::new();
    let path = folder.file("notes.db");
    let limits = Limits { patience: Duration::from_millis(5), ..Limits::default() };
    let plan = OpenOptions { limits, ..OpenOptions::new(&NOTES, Presence::New) };
    let store = Store::open(&path, &plan).unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(store.write(note(1, "")).await.unwrap_err().trouble, Trouble::Locked);
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(store.write(note(1, "")).await, Ok(1));
}

#[test]
fn foreign_files_are_refused_and_left_alone() {
    let folder = Folder::new();
    let database = folder.file("other.db");
    Connection::open(&database).unwrap().execute_batch("CREATE TABLE t (a)").unwrap();
    let text = folder.file("text.db");
    fs::write(&text, "x".repeat(5000)).unwrap();
    let empty = folder.file("empty.db");
    fs::write(&empty, "").unwrap();
    for path in [&database, &text, &empty] {
        let before = fs::read(path).unwrap();
        assert_eq!(trouble(path, Presence::Either), Trouble::Foreign, "{}", path.display());
        assert_eq!(fs::read(path).unwrap(), before);
    }
    assert_eq!(folder.names(), ["empty.db", "other.db", "text.db"]);
}

#[test]
fn a_later_version_and_none_at_all_are_refused() {
    let folder = Folder::new();
    let path = folder.file("notes.db");
    for (version, expected) in [(2, Trouble::Newer), (0, Trouble::Corrupt), (-1, Trouble::Corrupt)]
    {
        open(&path, Presence::Either).unwrap();
        let change = Connection::open(&path).unwrap();
        change.pragma_update(None, "user_version", version).unwrap();
        drop(change);
        assert_eq!(trouble(&path, Presence::Existing), expected);
        fs::remove_file(&path).unwrap();
    }
}

#[test]
fn an_older_file_is_brought_up_to_date() {
    let folder = Folder::new();
    let path = folder.file("notes.db");
    open(&path, Presence::New).unwrap();
    let later = Schema {
        migrations: const { &[NOTES.migrations[0], "ALTER TABLE note ADD COLUMN kind TEXT"] },
        ..NOTES
    };
    drop(Store::open(&path, &OpenOptions::new(&later, Presence::Existing)).unwrap());
    drop(Store::open(&path, &OpenOptions::new(&later, Presence::Existing)).unwrap());
    assert_eq!(trouble(&path, Presence::Existing), Trouble::Newer);
}

#[tokio::test]
async fn damage_is_found_wherever_it_is() {
    let folder = Folder::new();
    let path = folder.file("notes.db");
    let store = open(&path, Presence::New).unwrap();
    for number in 0..300 {
        store.write_later(note(number, &"long ".repeat(20))).await.unwrap();
    }
    store.close().unwrap();
    let whole = fs::read(&path).unwrap();
    assert!(whole.len() > 5 * 4096);
    fs::write(&path, &whole[..99]).unwrap();
    assert_eq!(trouble(&path, Presence::Existing), Trouble::Corrupt);
    for (from, to) in [(100, 4096), (4096, 8192), (8192, 12_288), (4096, whole.len())] {
        let mut damaged = whole.clone();
        damaged[from..to].fill(0x5a);
        fs::write(&path, &damaged).unwrap();
        assert_eq!(trouble(&path, Presence::Existing), Trouble::Corrupt, "{from}..{to}");
    }
    // Cut off between two pages.
    fs::write(&path, &whole[..3 * 4096]).unwrap();
    assert_eq!(trouble(&path, Presence::Existing), Trouble::Corrupt);
    fs::write(&path, &whole).unwrap();
    open(&path, Presence::Existing).unwrap();
}

#[tokio::test]
async fn a_full_store_says_so_and_keeps_what_it_has() {
    let folder = Folder::new();
    let path = folder.file("notes.db");
    let limits = Limits { max_bytes: Some(64 * 1024), ..Limits::default() };
    let plan = OpenOptions { limits, ..OpenOptions::new(&NOTES, Presence::New) };
    let store = Store::open(&path, &plan).unwrap();
    let mut stored = 0;
    let error = loop {
        match store.write(note(stored, &"x".repeat(2000))).await {
            Ok(_) => stored += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(error.trouble, Trouble::Full);
    assert!(stored > 10);
    assert_eq!(numbers(&store).len(), usize::try_from(stored).unwrap());
    store.close().unwrap();
    assert_eq!(numbers(&open(&path, Presence::Existing).unwrap()).len() as i64, stored);
}

#[test]
fn a_read_only_file_is_refused_even_to_a_superuser() {
    let folder = Folder::new();
    let path = folder.file("notes.db");
    open(&path, Presence::New).unwrap();
    let mut permissions = fs::metadata(&path).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&path, permissions).unwrap();
    assert_eq!(trouble(&path, Presence::Existing), Trouble::ReadOnly);
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_can_read_any_of_its_files() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let store = open(&folder.file("notes.db"), Presence::New).unwrap();
    store.write(note(1, "")).await.unwrap();
    let names = folder.names();
    assert_eq!(names, ["notes.db", "notes.db-lock", "notes.db-shm", "notes.db-wal"]);
    for name in names {
        let mode = fs::metadata(folder.file(&name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[tokio::test]
async fn a_refused_request_is_written_not_at_all_and_stops_no_other() {
    let folder = Folder::new();
    let store = Arc::new(open(&folder.file("notes.db"), Presence::New).unwrap());
    store.write(note(7, "")).await.unwrap();
    // Half of them clash with the seventh, after a statement that would have gone well.
    let tasks: Vec<_> = (100..140)
        .map(|number| {
            let store = Arc::clone(&store);
            let mut request = note(number, "");
            if number % 2 == 0 {
                request.extend(note(7, ""));
            }
            tokio::spawn(async move { (number, store.write(request).await) })
        })
        .collect();
    for task in tasks {
        match task.await.unwrap() {
            (number, Err(error)) if number % 2 == 0 => assert_eq!(error.trouble, Trouble::Refused),
            (number, result) => assert_eq!(result, Ok(1), "{number}"),
        }
    }
    let expected: Vec<i64> = [7].into_iter().chain((101..140).step_by(2)).collect();
    assert_eq!(numbers(&store), expected);
    let nothing = Statement::one_row("DELETE FROM note WHERE number = ?", vec![1_i64.into()]);
    assert_eq!(store.write(vec![nothing]).await.unwrap_err().trouble, Trouble::Refused);
}

#[tokio::test]
async fn a_failure_that_nobody_waited_for_is_told_once() {
    let folder = Folder::new();
    let store = open(&folder.file("notes.db"), Presence::New).unwrap();
    store.write(note(1, "")).await.unwrap();
    store.write_later(note(1, "")).await.unwrap();
    assert_eq!(store.flush().await.unwrap_err().trouble, Trouble::Refused);
    assert_eq!(store.flush().await, Ok(()));
    store.write_later(note(1, "")).await.unwrap();
    assert_eq!(store.close().unwrap_err().trouble, Trouble::Refused);
}

#[tokio::test]
async fn the_log_does_not_grow_with_what_is_written() {
    let folder = Folder::new();
    let path = folder.file("notes.db");
    let store = open(&path, Presence::New).unwrap();
    let text = "x".repeat(64 * 1024);
    for number in 0..640 {
        store.write(note(number, &text)).await.unwrap();
    }
    let log = fs::metadata(beside(&path, "-wal")).unwrap().len();
    assert!(log < 30 << 20, "{log} bytes of log for 40 MiB of rows");
}

#[tokio::test]
async fn others_may_read_while_it_writes() {
    let folder = Folder::new();
    let path = folder.file("notes.db");
    let store = open(&path, Presence::New).unwrap();
    store.write(note(1, "")).await.unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN; SELECT * FROM note;").unwrap();
    store.write(note(2, "")).await.unwrap();
    let seen: i64 = other.query_row("SELECT count(*) FROM note", [], |row| row.get(0)).unwrap();
    assert_eq!(seen, 1, "one moment's picture");
    store.close().unwrap();
    other.execute_batch("COMMIT").unwrap();
    let seen: i64 = other.query_row("SELECT count(*) FROM note", [], |row| row.get(0)).unwrap();
    assert_eq!(seen, 2);
}

/// Changes a closed store as a person with another tool might.
pub(crate) fn change(path: &Path, sql: &str) {
    Connection::open(path).unwrap().execute_batch(sql).unwrap();
}

/// Holds the lock of whoever writes, as another program might, until it is dropped.
pub(crate) fn lock(path: &Path) -> Connection {
    let other = Connection::open(path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    other
}

#[test]
fn the_mark_waits_for_another_connection_that_moves_the_log() {
    let folder = Folder::new();
    let path = folder.file("notes.db");
    let connect = || {
        let connection = Connection::open(&path).unwrap();
        let settings =
            "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; PRAGMA synchronous = OFF;";
        connection.execute_batch(settings).unwrap();
        connection
    };
    let writer = connect();
    writer.execute_batch("CREATE TABLE page (bytes BLOB NOT NULL)").unwrap();
    let is_over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mover = connect();
            while !is_over.load(Ordering::Relaxed) {
                let _moved = mover.execute_batch("PRAGMA wal_checkpoint(PASSIVE)");
            }
        });
        let marked: Vec<_> = (0..40)
            .map(|_| {
                writer.execute_batch("INSERT INTO page VALUES (zeroblob(2000000))").unwrap();
                mark::set(&writer)
            })
            .collect();
        is_over.store(true, Ordering::Relaxed);
        assert_eq!(marked, vec![Ok(()); 40]);
    });
}

/// The lengths of a log's header, of a frame's, and of a frame.
const LOG_HEADER: usize = 32;
const FRAME_HEADER: usize = 24;
const FRAME: usize = FRAME_HEADER + 4096;

/// What a process leaves that is killed while it sets the mark, at `path`.
struct Interrupted {
    path: PathBuf,
    database: Vec<u8>,
    old_log: Vec<u8>,
    new_log: Vec<u8>,
}

impl Interrupted {
    fn with_notes(path: PathBuf, notes: i64) -> Interrupted {
        open(&path, Presence::New).unwrap().close().unwrap();
        let writer = Connection::open(&path).unwrap();
        writer.execute_batch("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0").unwrap();
        for number in 0..notes {
            writer.execute("INSERT INTO note VALUES (?, '')", [number]).unwrap();
        }
        let mark = "UPDATE log_mark SET needs_log = 1; PRAGMA wal_checkpoint(FULL)";
        writer.execute_batch(mark).unwrap();
        let old_log = fs::read(beside(&path, "-wal")).unwrap();
        writer.execute_batch("UPDATE log_mark SET needs_log = 0").unwrap();
        let new_log = fs::read(beside(&path, "-wal")).unwrap();
        let database = fs::read(&path).unwrap();
        Interrupted { path, database, old_log, new_log }
    }

    /// The old log, of which the new one has overwritten so many bytes.
    fn log(&self, overwritten: usize) -> Vec<u8> {
        [&self.new_log[..overwritten], &self.old_log[overwritten..]].concat()
    }

    fn lay(&self, log: &[u8]) {
        fs::write(&self.path, &self.database).unwrap();
        fs::write(beside(&self.path, "-wal"), log).unwrap();
        let _index = fs::remove_file(beside(&self.path, "-shm"));
    }
}

#[tokio::test]
async fn a_crash_while_the_mark_is_set_leaves_a_usable_file() {
    let folder = Folder::new();
    // With no note before it, the old log is a single frame, which the new one overwrites.
    for notes in [0, 1, 5] {
        let interrupted = Interrupted::with_notes(folder.file(&format!("notes-{notes}.db")), notes);
        let path = &interrupted.path;
        // A header is written at once, and a frame in two pieces.
        for written in [0, LOG_HEADER, LOG_HEADER + FRAME_HEADER, 1000, LOG_HEADER + FRAME] {
            let log = interrupted.log(written);
            interrupted.lay(&log);
            let read = Reader::open(path, &NOTES);
            assert!(read.is_ok(), "{notes} notes, {written} bytes: {}", read.unwrap_err());
            drop(read);
            interrupted.lay(&log);
            let store = open(path, Presence::Existing);
            assert!(store.is_ok(), "{notes} notes, {written} bytes: {}", store.unwrap_err());
            let store = store.unwrap();
            assert_eq!(numbers(&store), (0..notes).collect::<Vec<_>>());
            store.begin().await.unwrap();
            store.write(note(notes, "")).await.unwrap();
            let copy = folder.file(&format!("crash-{notes}-{written}.db"));
            copy_as_after_a_crash(path, &copy);
            let survived = numbers(&open(&copy, Presence::Existing).unwrap());
            assert_eq!(survived, (0..=notes).collect::<Vec<_>>());
        }
    }
}

#[test]
fn a_log_that_is_damaged_while_the_mark_is_set_is_refused() {
    let folder = Folder::new();
    let interrupted = Interrupted::with_notes(folder.file("notes.db"), 5);
    let damages: [fn(&mut Vec<u8>); 8] = [
        |log| log.clear(),
        |log| log.truncate(LOG_HEADER),
        |log| log[LOG_HEADER..].fill(0),
        |log| log[0] ^= 1,
        // The salts: they are what tells a frame of this log from one of the log before.
        |log| log[19] ^= 1,
        |log| log[23] ^= 1,
        |log| log[LOG_HEADER + 11] ^= 2,
        // A second frame of this log: the first was written to its end, and is damaged.
        |log| log.copy_within(LOG_HEADER - 16..LOG_HEADER - 8, LOG_HEADER + FRAME + 8),
    ];
    for (case, damage) in damages.iter().enumerate() {
        let mut log = interrupted.log(LOG_HEADER);
        damage(&mut log);
        interrupted.lay(&log);
        assert_eq!(trouble(&interrupted.path, Presence::Existing), Trouble::LogLost, "case {case}");
        interrupted.lay(&log);
        let read = Reader::open(&interrupted.path, &NOTES).unwrap_err();
        assert_eq!(read.trouble, Trouble::LogLost, "case {case}");
    }
}

#[tokio::test]
async fn a_change_elsewhere_replaces_the_file_and_its_log() {
    let (disk, folder) = (Folder::new(), Folder::new());
    let (path, crashed) = (disk.file("notes.db"), folder.file("notes.db"));
    let store = open(&path, Presence::New).unwrap();
    for number in 1..=9 {
        store.write(note(number, "text")).await.unwrap();
    }
    copy_as_after_a_crash(&path, &crashed);
    change_elsewhere(&crashed, &disk.0, &NOTES, async |copy| {
        assert_eq!(trouble(&crashed, Presence::Existing), Trouble::InUse);
        let store = open(copy, Presence::Existing)?;
        store.write(vec![Statement::new("DELETE FROM note WHERE number < 8", vec![])]).await?;
        store.close()?;
        compact(copy, &NOTES)
    })
    .await
    .unwrap();
    assert_eq!(folder.names(), ["notes.db"]);
    assert_eq!(numbers(&open(&crashed, Presence::Existing).unwrap()), [8, 9]);
    let refused =
        change_elsewhere(&crashed, &disk.0, &NOTES, async |copy| compact(&copy.join("x"), &NOTES));
    assert_ne!(refused.await, Ok(()));
    assert_eq!(numbers(&open(&crashed, Presence::Existing).unwrap()), [8, 9]);
}

#[tokio::test]
async fn a_damaged_file_without_its_log_names_it() {
    let folder = Folder::new();
    let path = folder.file("notes.db");
    let store = open(&path, Presence::New).unwrap();
    store.write(note(1, "text")).await.unwrap();
    store.close().unwrap();
    // As after a move of the log that was cut off: the first page counts pages that are not there.
    let mut bytes = fs::read(&path).unwrap();
    bytes[28..32].copy_from_slice(&900_u32.to_be_bytes());
    fs::write(&path, bytes).unwrap();
    let detail = format!("without its log {}-wal: ", path.display());
    for error in
        [open(&path, Presence::Existing).unwrap_err(), Reader::open(&path, &NOTES).unwrap_err()]
    {
        assert_eq!(error.trouble, Trouble::Corrupt);
        assert!(error.to_string().contains(&detail), "{error}");
    }
}
