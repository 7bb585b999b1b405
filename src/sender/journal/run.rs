//! What a run was started with, as its journal keeps it.

use std::time::Duration;

use jiff::Timestamp;

use super::{integer, time};
use crate::sender::schedule::{
    RetrySchedule, ScheduleError, Speed, SpeedError, format_duration, parse_duration,
};
use crate::store::{Row, Statement, StoreError};

#[derive(Clone, Debug, PartialEq)]
pub struct RunInfo {
    pub url: String,
    pub schedule: String,
    pub retries: Option<usize>,
    pub window: Duration,
    pub speed: Speed,
    /// How the bodies are signed, such as `MD5`; empty where they differ.
    pub sign_type: String,
    /// The dialect, as a file that [`parse`](protocol::internal::dialect_file::parse) reads; empty in
    /// journals that do not say.
    pub dialect: String,
    /// The key's fingerprint, never the key.
    pub key_fingerprint: String,
    /// The seed of ids, values and jitter, where one was given.
    pub seed: Option<u64>,
    pub settings: String,
    pub started_at: Timestamp,
}

impl RunInfo {
    pub fn retry_schedule(&self) -> Result<RetrySchedule, ScheduleError> {
        RetrySchedule::parse(&self.schedule, self.retries, self.window)
    }

    pub(super) fn insertion(&self) -> Statement {
        Statement::one_row(
            "INSERT INTO run (only, url, schedule, retries, window, speed, sign_type,
             key_fingerprint, seed, settings, started_at_us, dialect)
             VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            vec![
                self.url.clone().into(),
                self.schedule.clone().into(),
                self.retries.map(|retries| integer(retries as u64)).into(),
                format_duration(self.window).into(),
                self.speed.to_string().into(),
                self.sign_type.clone().into(),
                self.key_fingerprint.clone().into(),
                // Its bits: SQLite has no unsigned numbers.
                self.seed.map(u64::cast_signed).into(),
                self.settings.clone().into(),
                self.started_at.as_microsecond().into(),
                self.dialect.clone().into(),
            ],
        )
    }

    pub(super) fn read(row: &Row<'_>) -> Result<RunInfo, StoreError> {
        let window = parse_duration(row.text(3)?).map_err(|_| row.corrupt(3, "is no duration"))?;
        let speed = |_: SpeedError| row.corrupt(4, "is no speed");
        let retries = match row.optional_integer(2)? {
            None => None,
            Some(number) => Some(
                usize::try_from(number).map_err(|_| row.corrupt(2, "is no number of retries"))?,
            ),
        };
        Ok(RunInfo {
            url: row.text(0)?.to_owned(),
            schedule: row.text(1)?.to_owned(),
            retries,
            window,
            speed: Speed::parse(row.text(4)?).map_err(speed)?,
            sign_type: row.text(5)?.to_owned(),
            dialect: row.text(11)?.to_owned(),
            key_fingerprint: row.text(6)?.to_owned(),
            seed: row.optional_integer(7)?.map(i64::cast_unsigned),
            settings: row.text(8)?.to_owned(),
            started_at: time(row, 9)?,
        })
    }
}
