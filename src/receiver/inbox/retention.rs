//! Which entries go, a few with each one that comes: no callback waits for a large deletion.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::integer;
use crate::store::Statement;

const AT_ONCE: u64 = 64;

const LOOK_EVERY: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Retention {
    keep: u64,
    keep_for: Option<Duration>,
    count: u64,
    looked_at: Option<Timestamp>,
}

#[derive(Debug, Default)]
pub(super) struct Planned {
    excess: u64,
    before: Option<Timestamp>,
}

impl Planned {
    /// What deletes them; the new entry, by its number, never goes.
    pub(super) fn statements(&self, new: u64) -> Vec<Statement> {
        let excess = (self.excess > 0).then(|| oldest(self.excess, new));
        // Only the oldest are looked at, whatever else is there: a callback waits for this. Where
        // the clock was set back, what came before that holds up what came after it for a while.
        let old = self.before.map(|before| {
            let sql = "DELETE FROM entries WHERE received_at_us < ? AND id IN
                       (SELECT id FROM entries WHERE id < ? ORDER BY id LIMIT ?)";
            let before = before.as_microsecond().into();
            Statement::new(sql, vec![before, integer(new), integer(AT_ONCE)])
        });
        excess.into_iter().chain(old).collect()
    }
}

impl Retention {
    pub(super) fn new(keep: u64, keep_for: Option<Duration>, count: u64) -> Self {
        Retention { keep: keep.max(1), keep_for, count, looked_at: None }
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn plan(&mut self, now: Timestamp) -> Planned {
        self.count += 1;
        // Some at a time is cheaper than one with each; a small inbox is exact.
        let slack = (self.keep / 16).min(AT_ONCE / 2);
        let excess = match self.count.saturating_sub(self.keep) {
            excess if excess > slack => excess.min(AT_ONCE),
            _ => 0,
        };
        self.count -= excess;
        Planned { excess, before: self.too_old(now) }
    }

    fn too_old(&mut self, now: Timestamp) -> Option<Timestamp> {
        let keep_for = self.keep_for?;
        let since = self.looked_at.map(|at| now.duration_since(at).unsigned_abs());
        if since.is_some_and(|since| since < LOOK_EVERY) {
            return None;
        }
        self.looked_at = Some(now);
        now.checked_sub(SignedDuration::try_from(keep_for).ok()?).ok()
    }

    /// Takes in how it went: the rows that changed, with the new entry; nothing where it failed.
    pub(super) fn settle(&mut self, planned: Planned, changed: Option<usize>) {
        match changed {
            Some(changed) => {
                let deleted = (changed as u64).saturating_sub(1);
                self.count = (self.count + planned.excess).saturating_sub(deleted);
            }
            None => self.count = (self.count + planned.excess).saturating_sub(1),
        }
    }

    pub(super) fn forget(&mut self, deleted: usize) {
        self.count = self.count.saturating_sub(deleted as u64);
    }
}

/// Deletes the oldest entries, so many of them, and some of those that came before a time.
pub(super) fn deletions(excess: u64, before: Option<Timestamp>) -> Vec<Statement> {
    let excess = (excess > 0).then(|| oldest(excess, i64::MAX.unsigned_abs()));
    let old = before.map(|before| {
        let sql = "DELETE FROM entries WHERE id IN
                   (SELECT id FROM entries WHERE received_at_us < ? ORDER BY id LIMIT ?)";
        Statement::new(sql, vec![before.as_microsecond().into(), integer(AT_ONCE)])
    });
    excess.into_iter().chain(old).collect()
}

/// Deletes some of the entries up to this number.
pub(super) fn deletion_through(last: u64) -> Statement {
    oldest(AT_ONCE, last.saturating_add(1))
}

fn oldest(many: u64, below: u64) -> Statement {
    let sql = "DELETE FROM entries WHERE id IN
               (SELECT id FROM entries WHERE id < ? ORDER BY id LIMIT ?)";
    Statement::new(sql, vec![integer(below), integer(many.min(AT_ONCE))])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_small_inbox_is_exact_and_a_large_one_deletes_some_at_a_time() {
        let mut small = Retention::new(2, None, 2);
        assert_eq!(small.plan(at(1)).excess, 1);
        let mut large = Retention::new(1000, None, 1000);
        let excess: Vec<u64> = (0..40).map(|_| large.plan(at(1)).excess).collect();
        assert_eq!(excess.iter().sum::<u64>(), 33);
        assert_eq!(excess.iter().filter(|excess| **excess > 0).count(), 1);
        let mut behind = Retention::new(10, None, 1_000_000);
        assert_eq!(behind.plan(at(1)).excess, AT_ONCE);
    }

    #[test]
    fn what_failed_is_not_counted() {
        let mut retention = Retention::new(5, None, 5);
        let planned = retention.plan(at(1));
        retention.settle(planned, None);
        assert_eq!(retention.count(), 5);
        let planned = retention.plan(at(1));
        retention.settle(planned, Some(2));
        assert_eq!(retention.count(), 5);
    }

    #[test]
    fn age_is_looked_at_now_and_then() {
        let mut retention = Retention::new(5, Some(Duration::from_secs(60)), 0);
        assert_eq!(retention.plan(at(100)).before, Some(at(40)));
        assert_eq!(retention.plan(at(100)).before, None);
        assert_eq!(retention.plan(at(101)).before, Some(at(41)));
        // A clock that was set back does not stop it.
        assert_eq!(retention.plan(at(50)).before, Some(at(-10)));
        let mut forever = Retention::new(5, Some(Duration::MAX), 0);
        assert_eq!(forever.plan(at(100)).before, None);
    }
}
