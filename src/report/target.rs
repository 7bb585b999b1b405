//! Which reports are written where: `--report html=run.html`.

use std::path::{Path, PathBuf};

use crate::mask::Untrusted;
use protocol::internal::nearest::did_you_mean;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReportFormat {
    Json,
    Junit,
    Html,
    Ndjson,
}

const FORMATS: [(&str, ReportFormat); 4] = [
    ("json", ReportFormat::Json),
    ("junit", ReportFormat::Junit),
    ("html", ReportFormat::Html),
    ("ndjson", ReportFormat::Ndjson),
];

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportTarget {
    pub format: ReportFormat,
    pub path: PathBuf,
}

impl ReportTarget {
    pub fn parse(text: &str) -> Result<Self, ReportTargetError> {
        let (name, path) = text.split_once('=').ok_or(ReportTargetError::NoPath)?;
        let format = FORMATS.iter().find(|(known, _)| *known == name);
        let (_, format) = format.ok_or_else(|| ReportTargetError::Format(name.to_owned()))?;
        match path {
            "" => Err(ReportTargetError::NoPath),
            "-" => Err(ReportTargetError::Stdout),
            _ => Ok(ReportTarget { format: *format, path: PathBuf::from(path) }),
        }
    }
}

pub fn shared_path(targets: &[ReportTarget]) -> Option<&Path> {
    let repeated = |(index, target): (usize, &ReportTarget)| {
        targets.iter().take(index).any(|earlier| earlier.path == target.path)
    };
    let at = targets.iter().enumerate().position(|(index, target)| repeated((index, target)))?;
    targets.get(at).map(|target| target.path.as_path())
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReportTargetError {
    #[error("expected FORMAT=PATH, such as html=run.html")]
    NoPath,
    #[error(
        "\"{}\" is no report; there are json, junit, html and ndjson{near}", Untrusted::new(.0), near = did_you_mean(.0, ["json", "junit", "html", "ndjson"]))]
    Format(String),
    #[error("a report goes to a file; stdout carries the answer, in JSON with --format json")]
    Stdout,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_has_a_form_and_a_file() {
        let html = ReportTarget::parse("html=a=b.html").unwrap();
        assert_eq!((html.format, html.path.to_str()), (ReportFormat::Html, Some("a=b.html")));
        assert_eq!(ReportTarget::parse("html"), Err(ReportTargetError::NoPath));
        assert_eq!(ReportTarget::parse("json="), Err(ReportTargetError::NoPath));
        assert_eq!(ReportTarget::parse("json=-"), Err(ReportTargetError::Stdout));
        assert_eq!(ReportTarget::parse("xml=a"), Err(ReportTargetError::Format("xml".to_owned())));
    }

    #[test]
    fn one_file_for_two_reports_is_found() {
        let targets = |texts: &[&str]| -> Vec<ReportTarget> {
            texts.iter().map(|text| ReportTarget::parse(text).unwrap()).collect()
        };
        assert_eq!(shared_path(&targets(&["json=a", "junit=b", "html=a"])), Some(Path::new("a")));
        assert_eq!(shared_path(&targets(&["json=a", "junit=b"])), None);
    }
}
