//! The files that a check writes and reads: reports and bundles.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::check::bundle::{Bundle, MAX_BUNDLE_BYTES};
use crate::check::case_file;
use crate::check::report::{CheckReport, RunOption};
use crate::commands::output_file::{self, Readers, cannot_write, empty};
use crate::error::CommandError;
use crate::files;
use crate::mask::Untrusted;
use crate::report::check::standing::replay;
use crate::report::check::{ReportKind, report_kind};
use crate::report::line::Line;
use crate::terminal::Console;

const REPLAY_HINT: &str = "--replay takes a file that check --bundle FOLDER wrote";

#[derive(Clone, Debug)]
pub struct ReportFile {
    pub kind: ReportKind,
    pub path: PathBuf,
}

impl ReportFile {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (name, path) = text.split_once('=').ok_or("expected FORMAT=FILE")?;
        let kind = report_kind(name)?;
        if path.is_empty() {
            return Err("expected FORMAT=FILE".to_owned());
        }
        Ok(ReportFile { kind, path: PathBuf::from(path) })
    }
}

pub(super) struct ReportFiles<'a>(Vec<(&'a ReportFile, File)>);

impl<'a> ReportFiles<'a> {
    pub(super) fn open(wanted: &'a [ReportFile]) -> Result<Self, CommandError> {
        for (at, one) in wanted.iter().enumerate() {
            if wanted.iter().skip(at + 1).any(|other| other.path == one.path) {
                let path = Untrusted::path(&one.path);
                return Err(CommandError::usage(format!("two reports go to {path}")));
            }
        }
        let open = |one: &'a ReportFile| {
            output_file::open(&one.path, Readers::Owner).map(|file| (one, file))
        };
        Ok(ReportFiles(wanted.iter().map(open).collect::<Result<_, _>>()?))
    }

    pub(super) fn write(self, report: &CheckReport) -> Result<(), CommandError> {
        for (one, mut file) in self.0 {
            let (_, render) = one.kind;
            let text = render(report);
            empty(&file)
                .and_then(|()| file.write_all(text.as_bytes()))
                .and_then(|()| file.flush())
                .map_err(|error| cannot_write(&one.path, error))?;
        }
        Ok(())
    }
}

pub(super) fn write_bundles(
    folder: Option<&Path>,
    bundles: &[Bundle],
    options: &[RunOption],
    console: &mut Console,
) -> Result<(), CommandError> {
    let Some(folder) = folder.filter(|_| !bundles.is_empty()) else { return Ok(()) };
    fs::create_dir_all(folder).map_err(|error| cannot_write(folder, error))?;
    for bundle in bundles {
        let path = folder.join(format!("{}.json", file_name(&bundle.id)));
        output_file::write(&path, Readers::Owner, bundle.to_json().as_bytes())?;
        let again = replay(&Untrusted::path(&path).to_string(), options);
        console.note(&Line::new().dim("sends it again: ").accent(again));
    }
    Ok(())
}

/// Writes the failing history of an exploration as a case file, which plays it again.
pub(super) fn write_case(
    folder: Option<&Path>,
    report: &CheckReport,
    console: &mut Console,
) -> Result<(), CommandError> {
    let found = report.explored.as_ref().and_then(|explored| explored.found.as_ref());
    let (Some(folder), Some(found)) = (folder, found) else { return Ok(()) };
    fs::create_dir_all(folder).map_err(|error| cannot_write(folder, error))?;
    let path = folder.join(format!("{}.toml", file_name(&found.case.id)));
    let text = output_file::sealed(&case_file::write(&found.case), "#");
    output_file::write(&path, Readers::Owner, text.as_bytes())?;
    let suite = format!("--suite {}", Untrusted::path(&folder));
    console.note(&Line::new().dim("plays it again, with the same options: ").accent(suite));
    Ok(())
}

/// A case's name without anything that a path could take for its own.
fn file_name(id: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '_' };
    id.chars().take(100).map(plain).collect()
}

pub(super) fn read_bundle(path: &Path) -> Result<Bundle, CommandError> {
    let bytes = files::read_bounded(path, MAX_BUNDLE_BYTES as u64).map_err(|error| {
        let message = format!("cannot read the failed case {}", Untrusted::path(&path));
        CommandError::input(message).because(error).hint(REPLAY_HINT)
    })?;
    Bundle::parse(&bytes).map_err(|error| {
        CommandError::input(format!("{} is no failed case", Untrusted::path(&path)))
            .because(error)
            .hint(REPLAY_HINT)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_has_a_form_and_a_file() {
        let file = ReportFile::parse("junit=a=b.xml").unwrap();
        assert_eq!((file.kind.0, file.path), ("junit", PathBuf::from("a=b.xml")));
        for text in ["junit", "junit=", "pdf=x", "=x"] {
            assert!(ReportFile::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_case_cannot_choose_its_folder() {
        assert_eq!(file_name("../a/b c"), "___a_b_c");
    }
}
