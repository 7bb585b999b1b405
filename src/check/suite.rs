//! Suites: the built-in one, a person's own files, and what is chosen of them.

use std::collections::BTreeSet;

use protocol::internal::nearest::did_you_mean;

use super::case::{Case, Work};
use super::case_file::{self, CaseFileError};
use crate::mask::Untrusted;
use protocol::internal::toml_span::PlacedError;

const BUILT_IN: [(&str, &str); 7] = [
    ("reachability.toml", include_str!("cases/reachability.toml")),
    ("acknowledgement.toml", include_str!("cases/acknowledgement.toml")),
    ("authenticity.toml", include_str!("cases/authenticity.toml")),
    ("interoperability.toml", include_str!("cases/interoperability.toml")),
    ("idempotency.toml", include_str!("cases/idempotency.toml")),
    ("robustness.toml", include_str!("cases/robustness.toml")),
    ("retry.toml", include_str!("cases/retry.toml")),
];

pub const MAX_CASES: usize = 10_000;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Suite {
    pub cases: Vec<Case>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SuiteError {
    /// With the name that was probably meant.
    #[error("there is no case or group {:?}{}", Untrusted::new(.0), Untrusted::new(.1))]
    UnknownName(String, String),
    #[error("two cases are called {:?}", Untrusted::new(.0))]
    SameName(String),
    #[error("there are more than {MAX_CASES} cases")]
    TooMany,
}

impl Suite {
    pub fn built_in() -> Suite {
        // A test reads every file, so none is left out.
        let files = BUILT_IN.iter().filter_map(|(name, text)| case_file::parse(name, text).ok());
        Suite { cases: files.flatten().collect() }
    }

    pub fn read_folder(files: &[(String, String)]) -> Result<Suite, CaseFileError> {
        let mut suite = Suite::default();
        for (name, text) in files {
            for mut case in case_file::parse(name, text)? {
                let steps = match &mut case.work {
                    Work::Send(steps) => steps.as_mut_slice(),
                    Work::Retry(step) => std::slice::from_mut(step),
                    Work::Probe(_) => &mut [],
                };
                let labels = steps.iter_mut().map(|step| &mut step.label);
                // They are shown only.
                for text in labels.chain([&mut case.title, &mut case.why, &mut case.fix]) {
                    *text = Untrusted::new(&*text).to_string();
                }
                suite.push(case).map_err(|error| {
                    let error = PlacedError { problem: error.to_string(), line: 1, column: 1 };
                    CaseFileError { file: name.clone(), error }
                })?;
            }
        }
        Ok(suite)
    }

    pub fn joined(mut self, other: Suite) -> Result<Suite, SuiteError> {
        for case in other.cases {
            self.push(case)?;
        }
        Ok(self)
    }

    fn push(&mut self, case: Case) -> Result<(), SuiteError> {
        if self.cases.iter().any(|known| known.id == case.id) {
            return Err(SuiteError::SameName(case.id));
        }
        if self.cases.len() >= MAX_CASES {
            return Err(SuiteError::TooMany);
        }
        self.cases.push(case);
        Ok(())
    }

    pub fn groups(&self) -> Vec<&str> {
        let mut known = BTreeSet::new();
        self.cases
            .iter()
            .map(|case| case.group.as_str())
            .filter(|group| known.insert(*group))
            .collect()
    }

    /// The cases that `only` names, all where it names none, without those that `skip` names.
    pub fn select(&self, only: &[String], skip: &[String]) -> Result<Suite, SuiteError> {
        for text in only.iter().chain(skip) {
            if !self.cases.iter().any(|case| fits(case, text)) {
                let groups = self.cases.iter().map(|case| case.group.as_str());
                let known = self.cases.iter().map(|case| case.id.as_str()).chain(groups);
                let near = did_you_mean(text.trim_end_matches('*'), known);
                return Err(SuiteError::UnknownName(text.clone(), near));
            }
        }
        let is_wanted = |case: &&Case| {
            (only.is_empty() || only.iter().any(|text| fits(case, text)))
                && !skip.iter().any(|text| fits(case, text))
        };
        Ok(Suite { cases: self.cases.iter().filter(is_wanted).cloned().collect() })
    }
}

fn fits(case: &Case, text: &str) -> bool {
    match text.strip_suffix('*') {
        Some(start) => case.id.starts_with(start) || case.group.starts_with(start),
        None => case.id == text || case.group == text,
    }
}

impl Case {
    pub fn requests(&self) -> u64 {
        match &self.work {
            Work::Send(steps) => steps.iter().map(|step| u64::from(step.at_once)).sum(),
            Work::Probe(_) => 0,
            Work::Retry(_) => 1,
        }
    }
}

#[cfg(test)]
mod tests;
