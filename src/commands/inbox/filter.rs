//! Which callbacks are asked for.

use std::time::Duration;

use clap::ValueEnum;
use jiff::Timestamp;
use protocol::StatusTable;

use crate::receiver::inbox::{Filter, Validity};
use crate::sender::orders::example::StatusWord;
use crate::sender::schedule::parse_duration;

/// Which callbacks are asked for.
#[derive(clap::Args)]
#[command(next_help_heading = "Which callbacks")]
pub struct FilterArgs {
    /// Those of this order.
    #[arg(long, value_name = "ID")]
    pub order: Option<String>,
    /// Those with this status: success, cancelled, failed or a number.
    #[arg(long, value_name = "STATUS", value_parser = StatusWord::parse, allow_hyphen_values = true)]
    pub status: Option<StatusWord>,
    /// Those that were valid when they came, or those that were not.
    #[arg(long, value_name = "VERDICT")]
    pub verdict: Option<Verdict>,
    /// Those that came since: a time such as 2026-01-31T12:00:00Z, a day, or how long ago (10m).
    #[arg(long, value_name = "TIME", value_parser = Moment::parse)]
    pub since: Option<Moment>,
    /// Those that came until then.
    #[arg(long, value_name = "TIME", value_parser = Moment::parse)]
    pub until: Option<Moment>,
    /// Those whose body or path contains this text.
    #[arg(long, value_name = "TEXT")]
    pub grep: Option<String>,
    /// The numbers of statuses, where a profile has other ones.
    #[arg(skip)]
    pub statuses: StatusTable,
}

/// What a callback was held for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Verdict {
    /// Signed rightly, and all there.
    Valid,
    /// Anything else.
    Invalid,
}

impl FilterArgs {
    pub fn filter(&self, now: Timestamp) -> Filter {
        Filter {
            order: self.order.clone(),
            status: self.status.map(|status| status.number(&self.statuses)),
            validity: self.verdict.map(|verdict| match verdict {
                Verdict::Valid => Validity::Valid,
                Verdict::Invalid => Validity::Invalid,
            }),
            since: self.since.map(|moment| moment.at(now)),
            until: self.until.map(|moment| moment.at(now)),
            text: self.grep.clone(),
            ..Filter::default()
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    At(Timestamp),
    Ago(Duration),
}

impl Moment {
    fn parse(text: &str) -> Result<Moment, String> {
        if let Ok(ago) = parse_duration(text) {
            return Ok(Moment::Ago(ago));
        }
        // A day begins at midnight in UTC, as all times are shown.
        let whole = if text.contains(['T', 't', ' ']) {
            text.to_owned()
        } else {
            format!("{text}T00:00:00Z")
        };
        whole.parse().map(Moment::At).map_err(|_| {
            "expected 2026-01-31T12:00:00Z, 2026-01-31 or a duration such as 10m".to_owned()
        })
    }

    fn at(self, now: Timestamp) -> Timestamp {
        match self {
            Moment::At(at) => at,
            Moment::Ago(ago) => now.checked_sub(ago).unwrap_or(Timestamp::MIN),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_time_a_day_or_a_while_ago() {
        let now = Timestamp::from_second(1_000_000).unwrap();
        let at = |text| Moment::parse(text).map(|moment| moment.at(now).to_string());
        assert_eq!(at("10m").unwrap(), "1970-01-12T13:36:40Z");
        assert_eq!(at("2026-01-31").unwrap(), "2026-01-31T00:00:00Z");
        assert_eq!(at("2026-01-31T12:00:00+02:00").unwrap(), "2026-01-31T10:00:00Z");
        for text in ["", "yesterday", "2026-13-01", "10w"] {
            assert!(at(text).is_err(), "{text}");
        }
    }
}
