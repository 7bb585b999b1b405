//! What a check of an endpoint found, in every form: for a person and for machines.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use protocol::internal::nearest::nearest;

use crate::check::report::CheckReport;

pub mod github;
pub mod html;
pub mod json;
pub mod junit;
#[cfg(test)]
mod sample;
pub mod sarif;
mod shown;
pub mod standing;
pub mod tap;
#[cfg(test)]
mod tests;
pub mod text;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReportKind {
    Json,
    Junit,
    /// The Test Anything Protocol, version 14.
    Tap,
    /// Findings for code scanning, SARIF 2.1.0.
    Sarif,
    Html,
    Github,
}

impl ReportKind {
    pub const ALL: [ReportKind; 6] = [
        ReportKind::Json,
        ReportKind::Junit,
        ReportKind::Tap,
        ReportKind::Sarif,
        ReportKind::Html,
        ReportKind::Github,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            ReportKind::Json => "json",
            ReportKind::Junit => "junit",
            ReportKind::Tap => "tap",
            ReportKind::Sarif => "sarif",
            ReportKind::Html => "html",
            ReportKind::Github => "github",
        }
    }

    pub fn parse(name: &str) -> Result<Self, UnknownReport> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name() == name)
            .ok_or_else(|| UnknownReport(name.to_owned()))
    }
}

impl FromStr for ReportKind {
    type Err = UnknownReport;

    fn from_str(name: &str) -> Result<Self, UnknownReport> {
        ReportKind::parse(name)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownReport(pub String);

impl fmt::Display for UnknownReport {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "\"{}\" is no report; there are json, junit, tap, sarif, html and github",
            self.0
        )?;
        match nearest(&self.0, ReportKind::ALL.map(ReportKind::name)) {
            Some(near) => write!(out, " (did you mean {near}?)"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for UnknownReport {}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckFacts {
    /// The endpoint, without credentials.
    pub url: String,
    pub started_at: Timestamp,
    pub cases: u64,
    pub bound: u64,
    pub seed: u64,
}

pub fn render(report: &CheckReport, kind: ReportKind) -> String {
    match kind {
        ReportKind::Json => json::check(report),
        ReportKind::Junit => junit::xml(report),
        ReportKind::Tap => tap::text(report),
        ReportKind::Sarif => sarif::log(report),
        ReportKind::Html => html::page(report),
        ReportKind::Github => github::annotations(report),
    }
}
