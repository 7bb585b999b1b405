//! The lives of orders: the statuses that an order has one after the other, and the pauses between
//! them. Each status is a notification of its own.
//!
//! A platform sends a notification when the status changes, whether or not the one before was
//! acknowledged. So pauses count from the order's start and not from a reply. Only a status that
//! follows another without a pause waits for the reply to the first attempt of that one: without a
//! time of its own, nothing else would decide which of the two reaches the merchant first.

use std::collections::HashSet;
use std::fmt::{self, Display};
use std::time::Duration;

use jiff::Timestamp;
use protocol::internal::nearest::did_you_mean;
use protocol::{Status, StatusTable};
use serde::{Deserialize, Serialize};

use super::ids::mixed;
use super::mix::drawn;
use crate::mask::Untrusted;
use crate::sender::record::{FollowingOrder, Order};
use crate::units::duration::{DurationError, format_duration, parse_duration};
use crate::units::percent::Percent;
use crate::units::status_word::StatusWord;

const MAX_WEIGHT: u64 = 1_000_000_000;

const MAX_LIVES: usize = 100;

pub const MAX_STEPS: usize = 16;

/// How long a life may last in all: 30 days.
const MAX_LENGTH: Duration = Duration::from_secs(30 * 24 * 3600);

const EXAMPLE: &str = "processing, 2s, success";

/// One status of a life, which is a number or a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LifeStep<S> {
    pub status: S,
    /// The time after the step before it; `None` for the first, and where there is no pause.
    pub pause: Option<Duration>,
}

/// A life and its weight, as it is given: the numbers of its statuses are not known yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LifeWords {
    steps: Vec<LifeStep<StatusWord>>,
    weight: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Life(Vec<LifeStep<i64>>);

/// Lives with their weights. Each order's life is drawn from the seeded generator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<(String, u64)>", into = "Vec<(String, u64)>")]
pub struct Lives(Vec<(Life, u64)>);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LifeError {
    #[error("expected statuses and the pauses between them, such as '{EXAMPLE}'")]
    Empty,
    #[error("place {0} is empty: expected a status or a pause, as in '{EXAMPLE}'")]
    Missing(usize),
    #[error("place {place}, {:?}: expected a status ({}, or a number) or a pause such as 2s, between commas{near}", Untrusted::new(.text), Status::payout_names().join(", "))]
    Unknown { place: usize, text: String, near: String },
    #[error("place {place}, {:?}: {error}", Untrusted::new(.text))]
    Pause { place: usize, text: String, error: DurationError },
    #[error("place {0} is a pause: a life begins and ends with a status")]
    PauseAtAnEnd(usize),
    #[error("place {0} is a pause after a pause: write one for both")]
    TwoPauses(usize),
    #[error("a life has at most {MAX_STEPS} statuses")]
    Steps,
    #[error("the pauses of a life add up to 30 days at most")]
    Length,
    #[error("{:?}: a weight is a whole number from 1 to {MAX_WEIGHT}, as in '{EXAMPLE}=80'", Untrusted::new(.0))]
    Weight(String),
    #[error("duplicate life '{0}' (its statuses as numbers)")]
    Twice(Life),
    #[error("expected from 1 to {MAX_LIVES} lives")]
    Count,
}

impl LifeWords {
    /// Reads a life such as `processing, 2s, success`, with its weight after a `=` at the end. A
    /// number without a unit is a status.
    pub fn parse(text: &str) -> Result<Self, LifeError> {
        let (list, weight) = match text.rsplit_once('=') {
            None => (text, 1),
            Some((list, weight)) => (list, parse_weight(weight)?),
        };
        if list.trim().is_empty() {
            return Err(LifeError::Empty);
        }
        let (mut steps, mut pause, mut length) = (Vec::new(), None, Duration::ZERO);
        let mut last = 0;
        for (place, item) in (1..).zip(list.split(',').map(str::trim)) {
            last = place;
            match LifeItem::parse(place, item)? {
                LifeItem::Pause(_) if steps.is_empty() => {
                    return Err(LifeError::PauseAtAnEnd(place));
                }
                LifeItem::Pause(_) if pause.is_some() => return Err(LifeError::TwoPauses(place)),
                LifeItem::Pause(time) => {
                    length = length.saturating_add(time);
                    pause = Some(time);
                }
                LifeItem::Status(_) if steps.len() == MAX_STEPS => return Err(LifeError::Steps),
                LifeItem::Status(status) => steps.push(LifeStep { status, pause: pause.take() }),
            }
        }
        if pause.is_some() {
            return Err(LifeError::PauseAtAnEnd(last));
        }
        if length > MAX_LENGTH { Err(LifeError::Length) } else { Ok(LifeWords { steps, weight }) }
    }

    fn numbered(&self, statuses: &StatusTable) -> Life {
        let number = |step: &LifeStep<StatusWord>| LifeStep {
            status: step.status.number(statuses),
            pause: step.pause,
        };
        Life(self.steps.iter().map(number).collect())
    }
}

enum LifeItem {
    Status(StatusWord),
    Pause(Duration),
}

impl LifeItem {
    fn parse(place: usize, text: &str) -> Result<LifeItem, LifeError> {
        if text.is_empty() {
            return Err(LifeError::Missing(place));
        }
        if let Ok(status) = StatusWord::parse(text) {
            return Ok(LifeItem::Status(status));
        }
        if text.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
            return parse_duration(text).map(LifeItem::Pause).map_err(|error| LifeError::Pause {
                place,
                text: text.to_owned(),
                error,
            });
        }
        let near = did_you_mean(text, Status::payout_names());
        Err(LifeError::Unknown { place, text: text.to_owned(), near })
    }
}

fn parse_weight(text: &str) -> Result<u64, LifeError> {
    let weight = text.trim().parse().ok().filter(|weight| (1..=MAX_WEIGHT).contains(weight));
    weight.ok_or_else(|| LifeError::Weight(text.trim().to_owned()))
}

impl Life {
    pub fn steps(&self) -> &[LifeStep<i64>] {
        &self.0
    }

    /// Each step with the time at which it happens after the order's start.
    pub fn timeline(&self) -> impl Iterator<Item = (&LifeStep<i64>, Duration)> {
        self.0.iter().scan(Duration::ZERO, |at, step| {
            *at = at.saturating_add(step.pause.unwrap_or_default());
            Some((step, *at))
        })
    }
}

/// As [`LifeWords::parse`] reads it, with numbers for statuses.
impl Display for Life {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, LifeStep { status, pause }) in self.0.iter().enumerate() {
            f.write_str(if index == 0 { "" } else { ", " })?;
            if let Some(pause) = pause {
                write!(f, "{}, ", format_duration(*pause))?;
            }
            write!(f, "{status}")?;
        }
        Ok(())
    }
}

impl Lives {
    pub fn try_new(words: &[LifeWords], statuses: &StatusTable) -> Result<Lives, LifeError> {
        if !(1..=MAX_LIVES).contains(&words.len()) {
            return Err(LifeError::Count);
        }
        let mut lives: Vec<(Life, u64)> = Vec::with_capacity(words.len());
        for word in words {
            let life = word.numbered(statuses);
            if lives.iter().any(|(known, _)| *known == life) {
                return Err(LifeError::Twice(life));
            }
            lives.push((life, word.weight));
        }
        Ok(Lives(lives))
    }

    /// The numbers of all statuses, each as often as it is there.
    pub fn statuses(&self) -> impl Iterator<Item = i64> {
        self.0.iter().flat_map(|(life, _)| life.0.iter().map(|step| step.status))
    }

    fn longest(&self) -> usize {
        self.0.iter().map(|(life, _)| life.0.len()).max().unwrap_or(1)
    }
}

impl TryFrom<Vec<(String, u64)>> for Lives {
    type Error = LifeError;

    fn try_from(lives: Vec<(String, u64)>) -> Result<Self, LifeError> {
        let words =
            lives.iter().map(|(life, weight)| LifeWords::parse(&format!("{life}={weight}")));
        Lives::try_new(&words.collect::<Result<Vec<_>, _>>()?, &StatusTable::PLATFORM)
    }
}

impl From<Lives> for Vec<(String, u64)> {
    fn from(lives: Lives) -> Self {
        lives.0.into_iter().map(|(life, weight)| (life.to_string(), weight)).collect()
    }
}

/// Which life each order of a run has, and which number each of its notifications.
///
/// Every order has as many numbers as the longest life needs, so that a number alone identifies which
/// order and step it belongs to; those that a shorter life does not use are left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LifePlan {
    lives: Lives,
    /// The key of the random stream from which lives are drawn.
    key: u64,
    duplicates: Percent,
}

/// Which notification of which order it is; both count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub order: u64,
    pub step: u32,
}

impl LifePlan {
    pub(super) fn new(lives: Lives, key: u64, duplicates: Percent) -> Self {
        LifePlan { lives, key, duplicates }
    }

    /// The life of the order with this index, from 0.
    pub fn life(&self, index: u64) -> Option<&Life> {
        let mut random = fastrand::Rng::with_seed(mixed(index, self.key));
        drawn(&self.lives.0, &mut random)
    }

    /// Whether every notification of the order with this index, from 0, is sent twice.
    pub fn is_repeated(&self, index: u64) -> bool {
        self.duplicates.of(index.saturating_add(1)) > self.duplicates.of(index)
    }

    /// How many notifications an order has; orders count from 1.
    pub fn notifications(&self, order: u64) -> u64 {
        let index = order.saturating_sub(1);
        let steps = self.life(index).map_or(0, |life| life.0.len() as u64);
        steps * (1 + u64::from(self.is_repeated(index)))
    }

    pub fn place(&self, number: u64) -> Place {
        let index = number.saturating_sub(1);
        let within = index % self.stride();
        let step = u32::try_from(within / self.copies()).unwrap_or(u32::MAX).saturating_add(1);
        Place { order: index / self.stride() + 1, step }
    }

    /// What an earlier session of the run, which began these orders, did not send: each notification
    /// is due at the time that it had, and where that has passed at once, but after the one before.
    pub fn left(&self, orders: Vec<Order>, now: Timestamp) -> Vec<FollowingOrder> {
        let left: HashSet<u64> = orders.iter().map(|order| order.number).collect();
        let following = orders.into_iter().map(|order| {
            let due = Duration::try_from(order.completed_at.duration_since(now));
            let due = due.unwrap_or_default();
            let before = self.before(order.number).filter(|(_, pause)| due.is_zero() || !pause);
            let waits_for = before.map(|(number, _)| number).filter(|it| left.contains(it));
            FollowingOrder { order, due, waits_for }
        });
        following.collect()
    }

    /// The number of the notification that this one follows, and whether there is a pause.
    fn before(&self, number: u64) -> Option<(u64, bool)> {
        let Place { order, step } = self.place(number);
        let (index, before) = (order.checked_sub(1)?, usize::try_from(step).ok()?.checked_sub(2)?);
        let step = *self.life(index)?.0.get(before + 1)?;
        Some((self.number(index, before), step.pause.is_some()))
    }

    /// Whether it is the notification with which its order begins.
    pub fn begins_order(&self, number: u64) -> bool {
        number.saturating_sub(1).is_multiple_of(self.stride())
    }

    /// The number of a step's notification, given both from 0; the duplicate's is the one after it.
    pub(super) fn number(&self, index: u64, step: usize) -> u64 {
        let within = self.copies().saturating_mul(step as u64);
        index.saturating_mul(self.stride()).saturating_add(within).saturating_add(1)
    }

    fn stride(&self) -> u64 {
        self.copies().saturating_mul(self.lives.longest() as u64).max(1)
    }

    fn copies(&self) -> u64 {
        1 + u64::from(self.duplicates != Percent::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn life(text: &str) -> Result<Life, LifeError> {
        LifeWords::parse(text).map(|words| words.numbered(&StatusTable::PLATFORM))
    }

    fn plan(lives: &[&str], duplicates: &str) -> LifePlan {
        let words: Vec<_> = lives.iter().map(|life| LifeWords::parse(life).unwrap()).collect();
        let lives = Lives::try_new(&words, &StatusTable::PLATFORM).unwrap();
        LifePlan::new(lives, 7, duplicates.parse().unwrap())
    }

    #[test]
    fn a_life_is_a_list_of_statuses_with_pauses() {
        for (text, expected) in [
            ("processing, 2s, success", "2, 2s, 3"),
            ("success", "3"),
            (" Under Review ,1m30s,3,  250ms ,failed=80", "6, 1m30s, 3, 250ms, 5"),
            ("success,processing", "3, 2"),
            ("success, 0s, success", "3, 0s, 3"),
            ("-1, 7", "-1, 7"),
        ] {
            let life = life(text).unwrap();
            assert_eq!(life.to_string(), expected, "{text}");
            assert_eq!(super::tests::life(&life.to_string()), Ok(life));
        }
        assert_eq!(LifeWords::parse("success = 80 ").unwrap().weight, 80);
        let times: Vec<_> = life("2, 1m, 3, 5, 1m, 6").unwrap().timeline().map(|it| it.1).collect();
        assert_eq!(times, [Duration::ZERO, MINUTE, MINUTE, 2 * MINUTE]);
    }

    #[test]
    fn what_is_not_a_life_is_refused_with_its_place() {
        let told = |text: &str| life(text).unwrap_err().to_string();
        for text in ["", " ", "=80"] {
            assert_eq!(life(text), Err(LifeError::Empty), "{text:?}");
        }
        for (text, place) in [("processing,,success", 2), (",success", 1), ("success,", 2)] {
            assert_eq!(life(text), Err(LifeError::Missing(place)), "{text}");
        }
        for (text, place) in [("2s, success", 1), ("success, 2s", 2), ("2s", 1)] {
            assert_eq!(life(text), Err(LifeError::PauseAtAnEnd(place)), "{text}");
        }
        assert_eq!(life("processing, 1s, 2s, success"), Err(LifeError::TwoPauses(3)));
        let unknown = told("processing, sucess");
        for part in ["place 2, \"sucess\"", "under review", "a number", "did you mean success?"] {
            assert!(unknown.contains(part), "{unknown}");
        }
        assert!(told("processing, 2x, success").starts_with("place 2, \"2x\": "));
        assert!(told("processing, 367d, success").contains("longer than 366 days"));
        assert_eq!(life("processing, 31d, success"), Err(LifeError::Length));
        assert_eq!(life("1, 20d, 2, 11d, 3"), Err(LifeError::Length));
        assert!(life("1, 20d, 2, 10d, 3").is_ok());
        assert!(life(&["success"; 16].join(",")).is_ok());
        assert_eq!(life(&["success"; 17].join(",")), Err(LifeError::Steps));
        for weight in ["0", "-1", "1.5", "", "x", "1000000001"] {
            let text = format!("success={weight}");
            assert_eq!(life(&text), Err(LifeError::Weight(weight.to_owned())));
        }
    }

    #[test]
    fn lives_come_back_from_their_texts() {
        let lives = plan(&["processing, 2s, success=80", "failed=20"], "0%").lives;
        let json = serde_json::to_string(&lives).unwrap();
        assert_eq!(json, r#"[["2, 2s, 3",80],["5",20]]"#);
        assert_eq!(serde_json::from_str::<Lives>(&json).unwrap(), lives);
        for json in ["[]", r#"[["",1]]"#, r#"[["3",0]]"#, r#"[["3",1],["3",2]]"#, r#"[["3=1",1]]"#]
        {
            assert!(serde_json::from_str::<Lives>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn lives_are_drawn_by_weight_and_seed() {
        let plan = plan(&["processing, success=80", "failed=20"], "0%");
        let drawn: Vec<_> = (0..10_000).map(|index| plan.life(index).unwrap()).collect();
        let long = drawn.iter().filter(|life| life.steps().len() == 2).count();
        assert!((7_800..8_200).contains(&long), "{long}");
        assert_eq!(drawn, (0..10_000).map(|index| plan.life(index).unwrap()).collect::<Vec<_>>());
        let other = LifePlan { key: 8, ..plan.clone() };
        assert!((0..100).any(|index| plan.life(index) != other.life(index)));
    }

    #[test]
    fn a_number_says_which_order_and_step_it_is() {
        for duplicates in ["0%", "50%", "100%"] {
            let plan = plan(&["1, 2, 3=2", "failed=1"], duplicates);
            let mut last = 0;
            for index in 0..200 {
                let steps = plan.life(index).unwrap().steps().len();
                let copies = 1 + u64::from(plan.is_repeated(index));
                assert_eq!(plan.notifications(index + 1), steps as u64 * copies);
                for (step, place) in (0..steps).zip(1..) {
                    for copy in 0..copies {
                        let number = plan.number(index, step) + copy;
                        assert!(number > last, "{number} after {last}");
                        last = number;
                        assert_eq!(plan.place(number), Place { order: index + 1, step: place });
                    }
                }
            }
            let _ = (plan.place(u64::MAX), plan.place(0), plan.number(u64::MAX, 2));
        }
    }
}
