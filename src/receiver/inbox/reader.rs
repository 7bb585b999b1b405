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

#[derive(Debug)]
pub struct InboxReader {
    reader: Reader,
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

    pub fn each(
        &self,
        filter: &Filter,
        mut take: impl FnMut(Received) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let mut left = filter.limit.unwrap_or(u64::MAX);
        let mut filter = filter.clone();
        let mut after = 0;
        while left > 0 {
            // Numbers first: a query that lasts as long as its reader would hold up the log.
            let ids = self.ids(&filter, after, left.min(AHEAD))?;
            let Some(last) = ids.back().copied() else { return Ok(()) };
            left -= ids.len() as u64;
            match filter.side {
                Side::NewestFirst => filter.before = Some(last),
                Side::OldestFirst => after = last,
            }
            for id in ids {
                if let Some(entry) = self.entry(id)?
                    && take(entry).is_break()
                {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// The numbers of the entries that fit, in the filter's order; without a limit at most 10000.
    pub fn numbers(&self, filter: &Filter) -> Result<Vec<u64>, StoreError> {
        Ok(self.ids(filter, 0, filter.limit.unwrap_or(MOST_LISTED))?.into())
    }

    fn ids(&self, filter: &Filter, after: u64, limit: u64) -> Result<VecDeque<u64>, StoreError> {
        let mut ids = VecDeque::new();
        self.reader.each(filter.ids(), &filter.parameters(after, limit), |row| {
            ids.push_back(row.unsigned(0)?);
            Ok(())
        })?;
        Ok(ids)
    }
}
