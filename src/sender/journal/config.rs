//! What decides the course of a run, as the command line gives it and a journal keeps it.

use jiff::Timestamp;
use protocol::internal::dialect_file;
use protocol::{Algorithm, Dialect};
use serde::{Deserialize, Serialize};

use super::recorded::time;
use crate::sender::decide::RetryPlan;
use crate::sender::jitter::Jitter;
use crate::sender::orders::plan::OrderPlan;
use crate::sender::pace::Pace;
use crate::sender::schedule::{RetrySchedule, Speed, format_duration, parse_duration};
use crate::store::{Row, Statement, StoreError, Value};
use crate::units::percent::Percent;
use crate::units::rate::Rate;

#[derive(Clone, Debug, PartialEq)]
pub struct RunConfig {
    pub url: String,
    pub schedule: RetrySchedule,
    pub speed: Speed,
    pub pace: Pace,
    pub jitter: Option<Jitter>,
    pub honors_retry_after: bool,
    /// How the bodies are signed; `None` where they may differ.
    pub sign_type: Option<Algorithm>,
    /// `None` in journals of version 0.1 that do not say.
    pub dialect: Option<Dialect>,
    /// The key's fingerprint, never the key.
    pub key_fingerprint: String,
    /// The seed of ids, values and jitter.
    pub seed: Option<u64>,
    pub started_at: Timestamp,
    /// The orders, begun or not; `None` where the journal itself holds all of them.
    pub orders: Option<OrderPlan>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Settings {
    rate: Option<Rate>,
    ramp: Option<String>,
    jitter: Option<Percent>,
    honor_retry_after: bool,
}

pub(super) const COLUMNS: &str = "SELECT url, schedule, retries, window, speed, sign_type,
    key_fingerprint, seed, settings, started_at_us, dialect, order_plan, sealed_at_us FROM run";

impl RunConfig {
    pub fn retry_plan(&self) -> RetryPlan<'_> {
        let RunConfig { ref schedule, jitter, speed, honors_retry_after, .. } = *self;
        RetryPlan { schedule, jitter, speed, honors_retry_after }
    }

    pub(super) fn insertion(&self) -> Statement {
        let settings = Settings {
            rate: self.pace.rate,
            ramp: self.pace.ramp.map(format_duration),
            jitter: self.jitter.map(|jitter| jitter.share),
            honor_retry_after: self.honors_retry_after,
        };
        let started_at: Value = self.started_at.as_microsecond().into();
        let retries = i64::try_from(self.schedule.delays().len()).unwrap_or(i64::MAX);
        Statement::one_row(
            "INSERT INTO run (only, url, schedule, retries, window, speed, sign_type,
             key_fingerprint, seed, settings, started_at_us, sealed_at_us, dialect, order_plan)
             VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            vec![
                self.url.clone().into(),
                self.schedule.name().to_owned().into(),
                retries.into(),
                format_duration(self.schedule.window()).into(),
                self.speed.to_string().into(),
                self.sign_type.map_or("", Algorithm::name).into(),
                self.key_fingerprint.clone().into(),
                // Its bits: SQLite has no unsigned numbers.
                self.seed.map(u64::cast_signed).into(),
                json(&settings).into(),
                started_at.clone(),
                started_at,
                self.dialect.as_ref().map(dialect_file::write).unwrap_or_default().into(),
                self.orders.as_ref().map(json).unwrap_or_default().into(),
            ],
        )
    }

    pub(super) fn read(row: &Row<'_>) -> Result<RunConfig, StoreError> {
        let invalid = |column| row.corrupt(column, "is not valid");
        let settings: Settings = match row.text(8)? {
            "" => Settings::default(),
            text => serde_json::from_str(text).map_err(|_| invalid(8))?,
        };
        let ramp = settings.ramp.as_deref().map(parse_duration).transpose();
        let retries = row.optional_integer(2)?.map(usize::try_from).transpose();
        let window = parse_duration(row.text(3)?).map_err(|_| invalid(3))?;
        let schedule = RetrySchedule::parse(row.text(1)?, retries.map_err(|_| invalid(2))?, window)
            .map_err(|error| row.corrupt(1, &format!("is not valid: {error}")))?;
        let seed = row.optional_integer(7)?.map(i64::cast_unsigned);
        let some = |text: &str| if text.is_empty() { None } else { Some(text.to_owned()) };
        let dialect = some(row.text(10)?).map(|text| dialect_file::parse(&text)).transpose();
        let sign_type = some(row.text(5)?).map(|text| text.parse()).transpose();
        let orders = some(row.text(11)?).map(|text| serde_json::from_str(&text)).transpose();
        Ok(RunConfig {
            url: row.text(0)?.to_owned(),
            schedule,
            speed: Speed::parse(row.text(4)?).map_err(|_| invalid(4))?,
            pace: Pace { rate: settings.rate, ramp: ramp.map_err(|_| invalid(8))? },
            jitter: settings.jitter.map(|share| Jitter { share, seed: seed.unwrap_or_default() }),
            honors_retry_after: settings.honor_retry_after,
            sign_type: sign_type.map_err(|_| invalid(5))?,
            dialect: dialect.map_err(|_| invalid(10))?,
            key_fingerprint: row.text(6)?.to_owned(),
            seed,
            started_at: time(row, 9)?,
            orders: orders.map_err(|_| invalid(11))?,
        })
    }
}

fn json(value: &impl Serialize) -> String {
    // Numbers, texts and lists of them: there is nothing in it that JSON cannot hold.
    serde_json::to_string(value).unwrap_or_default()
}
