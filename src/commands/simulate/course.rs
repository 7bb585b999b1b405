//! What decides the course of a run of many orders: given on the command line, or kept in a journal.

use std::fmt::Display;

use jiff::Timestamp;
use protocol::internal::dialect_file;
use protocol::{Dialect, Key};
use serde::{Deserialize, Serialize};

use super::{Args, Setup};
use crate::error::CommandError;
use crate::sender::fleet::{RetryAfter, RetryPlan};
use crate::sender::jitter::Jitter;
use crate::sender::journal::RunInfo;
use crate::sender::pace::{Pace, Rate};
use crate::sender::schedule::{RetrySchedule, Speed, format_duration, parse_duration};

pub(super) struct Course {
    pub(super) schedule: RetrySchedule,
    pub(super) speed: Speed,
    pub(super) seed: u64,
    pub(super) pace: Pace,
    pub(super) jitter: Option<Jitter>,
    pub(super) retry_after: RetryAfter,
    pub(super) dialect: &'static Dialect,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Settings {
    rate: Option<String>,
    ramp: Option<String>,
    jitter: Option<String>,
    honor_retry_after: bool,
}

impl Settings {
    fn of(args: &Args) -> Self {
        let many = &args.many;
        Settings {
            rate: many.rate.clone(),
            ramp: many.ramp.map(format_duration),
            jitter: many.jitter.clone(),
            honor_retry_after: many.honor_retry_after,
        }
    }

    fn pace(&self) -> Result<Pace, CommandError> {
        let rate = self.rate.as_deref().map(Rate::parse).transpose();
        let ramp = self.ramp.as_deref().map(parse_duration).transpose();
        let unusable = || CommandError::usage("the rate cannot be used");
        Ok(Pace {
            rate: rate.map_err(|error| unusable().because(error))?,
            ramp: ramp.map_err(|error| unusable().because(error))?,
        })
    }

    fn jitter(&self, seed: u64) -> Result<Option<Jitter>, CommandError> {
        let jitter = self.jitter.as_deref().map(|text| Jitter::parse(text, seed)).transpose();
        jitter.map_err(|error| CommandError::usage("the jitter cannot be used").because(error))
    }
}

impl Course {
    pub(super) fn of_arguments(setup: &Setup<'_>) -> Result<Course, CommandError> {
        Course::try_new(
            setup.schedule.clone(),
            setup.args.speed(),
            setup.seed,
            setup.dialect,
            &Settings::of(setup.args),
        )
    }

    /// The course of the run in a journal; what the command line says besides must agree with it.
    pub(super) fn of_journal(
        run: &RunInfo,
        setup: &Setup<'_>,
        key: Option<&Key>,
    ) -> Result<Course, CommandError> {
        check_key(key, &run.key_fingerprint)?;
        let damaged = |what: &str| CommandError::input(format!("the journal's {what}"));
        let schedule = run
            .retry_schedule()
            .map_err(|error| damaged("schedule cannot be used").because(error))?;
        let settings: Settings = match run.settings.as_str() {
            "" => Settings::default(),
            text => serde_json::from_str(text)
                .map_err(|error| damaged("settings cannot be read").because(error))?,
        };
        let dialect = match run.dialect.as_str() {
            "" => setup.dialect,
            text => restored(
                dialect_file::parse(text)
                    .map_err(|error| damaged("dialect cannot be read").because(error))?,
            ),
        };
        check(setup, run, &schedule, &settings, dialect)?;
        let seed = run.seed.unwrap_or(setup.seed);
        Course::try_new(schedule, run.speed, seed, dialect, &settings)
    }

    pub(super) fn plan(&self) -> RetryPlan<'_> {
        let Course { schedule, jitter, speed, retry_after, .. } = self;
        RetryPlan { schedule, jitter: *jitter, speed: *speed, retry_after: *retry_after }
    }

    fn try_new(
        schedule: RetrySchedule,
        speed: Speed,
        seed: u64,
        dialect: &'static Dialect,
        settings: &Settings,
    ) -> Result<Course, CommandError> {
        let retry_after = match settings.honor_retry_after {
            true => RetryAfter::Honored,
            false => RetryAfter::Ignored,
        };
        let (pace, jitter) = (settings.pace()?, settings.jitter(seed)?);
        Ok(Course { schedule, speed, seed, pace, jitter, retry_after, dialect })
    }
}

fn restored(dialect: Dialect) -> &'static Dialect {
    match Dialect::built_in(&dialect.id) {
        Some(known) if *known == dialect => known,
        _ => Box::leak(Box::new(dialect)),
    }
}

pub(super) fn recorded(setup: &Setup<'_>, key_fingerprint: &str, start: Timestamp) -> RunInfo {
    let args = setup.args;
    // Texts and a flag: there is nothing in it that JSON cannot hold.
    let settings = serde_json::to_string(&Settings::of(args)).unwrap_or_default();
    RunInfo {
        url: setup.target.to_string(),
        schedule: args.schedule().to_owned(),
        retries: args.retries,
        window: args.window(),
        speed: args.speed(),
        sign_type: args.sign_type.map_or(String::new(), |algorithm| algorithm.name().into()),
        dialect: dialect_file::write(setup.dialect),
        key_fingerprint: key_fingerprint.to_owned(),
        seed: Some(setup.seed),
        settings,
        started_at: start,
    }
}

/// Refuses another key than the one that signed the bodies of the run.
///
/// Nothing is signed again, but who gives another key means another merchant's run, or believes
/// that the rest will be signed anew.
fn check_key(given: Option<&Key>, kept: &str) -> Result<(), CommandError> {
    let Some(given) = given.map(Key::fingerprint).filter(|given| given != kept) else {
        return Ok(());
    };
    Err(CommandError::usage(format!(
        "the key {given} differs from the one that signed the journal's run ({kept})"
    ))
    .hint("the orders are signed already: leave out the key, or give the one of the run"))
}

fn check(
    setup: &Setup<'_>,
    run: &RunInfo,
    schedule: &RetrySchedule,
    settings: &Settings,
    dialect: &Dialect,
) -> Result<(), CommandError> {
    let (args, many) = (setup.args, &setup.args.many);
    let same_delays = |text: &String| {
        RetrySchedule::parse(text, run.retries, run.window)
            .is_ok_and(|given| given.delays() == schedule.delays())
    };
    if let Some(text) = args.schedule.as_ref().filter(|text| !same_delays(text)) {
        return Err(differs("--schedule", text, &run.schedule));
    }
    let kept = schedule.delays().len();
    if let Some(retries) = args.retries.filter(|retries| *retries != kept) {
        return Err(differs("--retries", retries, kept));
    }
    if let Some(window) = args.window.filter(|window| *window != run.window) {
        return Err(differs("--window", format_duration(window), format_duration(run.window)));
    }
    if let Some(speed) = args.speed.filter(|speed| *speed != run.speed) {
        return Err(differs("--speed", speed, run.speed));
    }
    if let (Some(seed), Some(kept)) = (many.seed.filter(|seed| Some(*seed) != run.seed), run.seed) {
        return Err(differs("--seed", seed, kept));
    }
    if let Some(algorithm) = args.sign_type.filter(|it| it.name() != run.sign_type) {
        return Err(differs("--sign-type", algorithm.name(), or_none(Some(&run.sign_type))));
    }
    if let Some(name) = args.dialect.dialect.as_ref().filter(|_| setup.dialect != dialect) {
        return Err(differs("--dialect", name, &dialect.id));
    }
    check_settings(&Settings::of(args), settings)
}

fn check_settings(given: &Settings, kept: &Settings) -> Result<(), CommandError> {
    let (given_pace, kept_pace) = (given.pace()?, kept.pace()?);
    let (given_jitter, kept_jitter) = (given.jitter(0)?, kept.jitter(0)?);
    if let Some(rate) = given.rate.as_ref().filter(|_| given_pace.rate != kept_pace.rate) {
        return Err(differs("--rate", rate, or_none(kept.rate.as_ref())));
    }
    if let Some(ramp) = given.ramp.as_ref().filter(|_| given_pace.ramp != kept_pace.ramp) {
        return Err(differs("--ramp", ramp, or_none(kept.ramp.as_ref())));
    }
    if let Some(jitter) = given.jitter.as_ref().filter(|_| given_jitter != kept_jitter) {
        return Err(differs("--jitter", jitter, or_none(kept.jitter.as_ref())));
    }
    match (given.honor_retry_after, kept.honor_retry_after) {
        (true, false) => Err(differs("--honor-retry-after", "given", "none")),
        _ => Ok(()),
    }
}

fn differs(flag: &str, given: impl Display, kept: impl Display) -> CommandError {
    CommandError::usage(format!("{flag} ({given}) differs from the journal's run ({kept})"))
        .hint(format!("leave out {flag}: a run goes on as it began; or start a new journal"))
}

fn or_none(kept: Option<&String>) -> &str {
    kept.map(String::as_str).filter(|text| !text.is_empty()).unwrap_or("none")
}
