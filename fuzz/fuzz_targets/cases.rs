//! Case files, recipes and bundles of `check`: what was read can be made, and reads back.
#![no_main]

use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use payout_notify::fuzzing::{Bundle, Case, History, StepPlan, Work, Workshop, case_file};
use payout_notify_protocol::{Dialect, Key, StatusTable};

fuzz_target!(|text: &str| {
    if let Ok(bundle) = Bundle::parse(text.as_bytes()) {
        let again = bundle.to_json();
        let read = Bundle::parse(again.as_bytes()).map(|bundle| bundle.to_json());
        assert_eq!(read.ok().as_ref(), Some(&again));
    }
    match case_file::parse("fuzz.toml", text) {
        // A recipe may ask for megabytes; making them tells nothing more and takes time.
        Ok(cases) if !asks_for_much(text) => cases.iter().for_each(make),
        Ok(_) => {}
        Err(case_file::CaseFileError { error, .. }) => {
            let line = text.split('\n').nth(error.line.wrapping_sub(1));
            let columns = line.map_or(0, |line| line.chars().count() + 1);
            assert!((1..=columns).contains(&error.column), "{error}");
        }
    }
});

fn asks_for_much(text: &str) -> bool {
    text.split(|c: char| !c.is_ascii_digit()).any(|digits| digits.len() > 4)
}

fn steps(work: &Work) -> &[StepPlan] {
    match work {
        Work::Send(steps) => steps,
        Work::Retry(step) => std::slice::from_ref(step),
        Work::Probe(_) => &[],
    }
}

fn make(case: &Case) {
    let (Ok(key), dialect) = (Key::try_new(b"key".to_vec()), Dialect::platform()) else { return };
    let workshop =
        Workshop::try_new(key, dialect, dialect.first().algorithm, 7, StatusTable::PLATFORM);
    let (Ok(workshop), steps) = (workshop, steps(&case.work)) else { return };
    let mut history = History::new(&case.id);
    for step in steps {
        // A recipe that reads well may still not be carried out, and says so.
        let Ok(message) = workshop.message(&step.recipe, Timestamp::UNIX_EPOCH, &mut history)
        else {
            return;
        };
        for (name, value) in &message.headers {
            assert!(!name.contains(['\r', '\n', ':']) && !value.contains(['\r', '\n']));
        }
    }
}
