//! What is in an inbox, read while others may write it.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::path::Path;

use super::filter::{Filter, Side};
use super::{SCHEMA, integer, rows};
use crate::receiver::received::Received;
use crate::store::{Reader, StoreError};

const MOST_LISTED: u64 = 10_000;

const AHEAD: u64 = 1024;

/// What a search looks at before it asks whether to continue: less than a tenth of a second.
const MOST_LOOKED_AT: u64 = 10_000;
const MOST_BYTES_LOOKED_AT: usize = 64 * 1024 * 1024;

#[derive(Debug)]
pub struct InboxReader {
    pub(super) reader: Reader,
}

impl InboxReader {
    pub fn open(path: &Path) -> Result<InboxReader, StoreError> {
        Reader::open(path, &SCHEMA).map(InboxReader::new)
    }

    pub(super) fn new(reader: Reader) -> InboxReader {
        InboxReader { reader }
    }

    pub fn entry(&self, id: u64) -> Result<Option<Received>, StoreError> {
        let mut found = None;
        self.reader.each(rows::ENTRY, &[integer(id)], |row| {
            found = Some(rows::entry(row)?);
            Ok(())
        })?;
        Ok(found)
    }

    pub fn latest(&self) -> Result<Option<u64>, StoreError> {
        let newest = Filter { side: Side::NewestFirst, ..Filter::default() };
        Ok(self.ids(&newest, 0, 1)?.pop_front())
    }

    /// A number that changes with every change that another connection commits.
    pub fn version(&self) -> Result<u64, StoreError> {
        let mut version = 0;
        self.reader.each("PRAGMA data_version", &[], |row| {
            version = row.unsigned(0)?;
            Ok(())
        })?;
        Ok(version)
    }

    pub fn each(
        &self,
        filter: &Filter,
        mut take: impl FnMut(Received) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let mut left = filter.limit.unwrap_or(u64::MAX);
        let mut filter = filter.clone();
        let mut after = 0;
        while left > 0 {
            // Not all of them may have the text.
            let at_once = if filter.text.is_some() { AHEAD } else { left.min(AHEAD) };
            // Numbers first: a query that lasts as long as its reader would hold up the log.
            let ids = self.ids(&filter, after, at_once)?;
            let Some(last) = ids.back().copied() else { return Ok(()) };
            match filter.side {
                Side::NewestFirst => filter.before = Some(last),
                Side::OldestFirst => after = last,
            }
            for id in ids {
                let Some(entry) = self.entry(id)?.filter(|entry| filter.finds_text(entry)) else {
                    continue;
                };
                left = left.saturating_sub(1);
                if take(entry).is_break() || left == 0 {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// The numbers of the entries that fit, in the filter's order; without a limit at most 10000.
    pub fn numbers(&self, filter: &Filter) -> Result<Vec<u64>, StoreError> {
        let limit = filter.limit.unwrap_or(MOST_LISTED);
        if filter.text.is_none() {
            return Ok(self.ids(filter, 0, limit)?.into());
        }
        let mut ids = Vec::new();
        self.each(&Filter { limit: Some(limit), ..filter.clone() }, |entry| {
            ids.push(entry.id);
            ControlFlow::Continue(())
        })?;
        Ok(ids)
    }

    /// Goes through the entries that match, newest first, and looks at a bounded part of the file:
    /// an answer must not take longer the more there is. Gives the number before which nothing was
    /// looked at; `None` where all was, or `take` broke off.
    pub fn search(
        &self,
        filter: &Filter,
        mut take: impl FnMut(Received) -> ControlFlow<()>,
    ) -> Result<Option<u64>, StoreError> {
        let (mut first, mut last) = (0, 0);
        let ends = "SELECT (SELECT min(id) FROM entries), (SELECT max(id) FROM entries)";
        self.reader.each(ends, &[], |row| {
            let number = |at| Ok(row.optional_integer(at)?.unwrap_or(0).unsigned_abs());
            (first, last) = (number(0)?, number(1)?);
            Ok(())
        })?;
        let mut filter = filter.clone();
        let first = first.max(filter.after.map_or(0, |after| after.saturating_add(1)));
        let before = filter.before.unwrap_or(u64::MAX).min(last.saturating_add(1));
        // The index has all attempts of an order; else one row is as far as the next.
        let floor = if filter.order.is_some() { 0 } else { before.saturating_sub(MOST_LOOKED_AT) };
        let (mut entries, mut bytes) = (0, 0);
        filter.before = Some(before);
        loop {
            let ids = self.ids(&filter, floor.max(first).saturating_sub(1), AHEAD)?;
            if ids.is_empty() {
                return Ok((floor > first).then_some(floor));
            }
            for id in ids {
                filter.before = Some(id);
                let Some(entry) = self.entry(id)? else { continue };
                entries += 1;
                bytes += entry.callback.body.len();
                if filter.finds_text(&entry) && take(entry).is_break() {
                    return Ok(None);
                }
                if (entries >= MOST_LOOKED_AT || bytes >= MOST_BYTES_LOOKED_AT) && id > first {
                    return Ok(Some(id));
                }
            }
        }
    }

    fn ids(&self, filter: &Filter, after: u64, limit: u64) -> Result<VecDeque<u64>, StoreError> {
        let mut ids = VecDeque::new();
        let (sql, values) = filter.query(after, filter.before.unwrap_or(u64::MAX), limit);
        self.reader.each(&sql, &values, |row| {
            ids.push_back(row.unsigned(0)?);
            Ok(())
        })?;
        Ok(ids)
    }
}
