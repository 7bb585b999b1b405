//! The files that `--report` asks for.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use super::super::output_file::{Readers, cannot_write, empty, open};
use super::many::ManyArgs;
use crate::error::CommandError;
use crate::mask::Untrusted;
use crate::report::summary::{self, DeliverySummary, RunReport, json};
use crate::report::target::{ReportFormat, ReportTarget, shared_path};
use crate::sender::record::EngineEvent;

pub(super) struct Reports<'a> {
    files: Vec<(&'a ReportTarget, BufWriter<File>)>,
}

impl<'a> Reports<'a> {
    pub(super) fn open(many: &'a ManyArgs) -> Result<Self, CommandError> {
        if let Some(path) = shared_path(&many.report) {
            return Err(CommandError::usage(format!(
                "two reports go to {}",
                Untrusted::path(&path)
            )));
        }
        // A report replaces its file, so it must be none that the run lives on.
        for needed in many.from.iter().chain(&many.journal) {
            if many.report.iter().any(|target| is_same_file(&target.path, needed)) {
                let path = Untrusted::path(&needed);
                return Err(CommandError::usage(format!("a report would replace {path}"))
                    .hint("name another file in --report"));
            }
        }
        let opened = |target: &'a ReportTarget| {
            open(&target.path, Readers::Owner).map(|file| (target, BufWriter::new(file)))
        };
        Ok(Reports { files: many.report.iter().map(opened).collect::<Result<_, _>>()? })
    }

    pub(super) fn begin(&self) -> Result<(), CommandError> {
        for (target, file) in &self.files {
            empty(file.get_ref()).map_err(|error| cannot_write(&target.path, error))?;
        }
        Ok(())
    }

    pub(super) fn event(
        &mut self,
        event: &EngineEvent,
        summary: &DeliverySummary,
    ) -> Result<(), CommandError> {
        let EngineEvent::Attempt(attempt) = event else { return Ok(()) };
        for index in 0..self.files.len() {
            let (target, file) = &mut self.files[index];
            if target.format != ReportFormat::Ndjson {
                continue;
            }
            let line = json::attempt(attempt, summary.place(attempt.order));
            if let Err(error) = file.write_all(line.as_bytes()) {
                // It is told once, and not tried again at the end.
                let (target, file) = self.files.remove(index);
                drop(file.into_parts());
                return Err(cannot_write(&target.path, error));
            }
        }
        Ok(())
    }

    /// Writes what is written at the end; one that cannot be written keeps no other from it.
    pub(super) fn finish(self, report: &RunReport) -> Result<(), CommandError> {
        let mut all = Ok(());
        for (target, mut file) in self.files {
            let text = match target.format {
                ReportFormat::Json => summary::json::summary(report),
                ReportFormat::Junit => summary::junit::xml(report),
                ReportFormat::Html => summary::html::page(report),
                ReportFormat::Ndjson => String::new(),
            };
            let written = file.write_all(text.as_bytes()).and_then(|()| file.flush());
            all = all.and(written.map_err(|error| cannot_write(&target.path, error)));
        }
        all
    }
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    let resolved = |path: &Path| path.canonicalize().ok();
    one == other || resolved(one).is_some_and(|path| Some(path) == resolved(other))
}
