//! Where a key comes from: a file, a variable, or what a program of the user prints.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use crate::commands::private_file::warn_if_others_can_read;
use crate::error::CommandError;
use crate::files;
use crate::mask::Untrusted;
use crate::report::line::Line;
use crate::settings::profile::{Chosen, KeySource};
use crate::settings::variable;
use crate::terminal::Console;

const MAX_KEY_BYTES: u64 = 64 * 1024;

/// How long a key's program may take: a person may have to unlock a store.
const LONGEST: Duration = Duration::from_secs(60);

const PAUSE: Duration = Duration::from_millis(5);

#[derive(Clone, Debug)]
pub struct ProfileKey {
    pub profile: String,
    pub source: KeySource,
}

impl ProfileKey {
    pub fn of(chosen: &Chosen) -> Option<ProfileKey> {
        let key = chosen.profile.key.as_ref()?;
        Some(ProfileKey { profile: chosen.name.clone(), source: key.value.clone() })
    }

    /// The key, as far as it can be read without a word to anyone: no program is started.
    pub fn peek(&self) -> Option<Zeroizing<Vec<u8>>> {
        match &self.source {
            KeySource::Variable(name) => {
                variable(name).map(|value| Zeroizing::new(value.into_encoded_bytes()))
            }
            KeySource::Files(paths) => {
                let path = paths.first()?;
                let mut bytes = Zeroizing::new(Vec::new());
                let is_file = path.metadata().is_ok_and(|found| found.is_file());
                let file = is_file.then(|| File::open(path).ok()).flatten()?;
                file.take(MAX_KEY_BYTES).read_to_end(&mut bytes).ok()?;
                Some(bytes)
            }
            KeySource::Command(_) => None,
        }
    }

    /// The files, where the keys are in files.
    pub fn files(&self) -> &[PathBuf] {
        match &self.source {
            KeySource::Files(paths) => paths,
            KeySource::Variable(_) | KeySource::Command(_) => &[],
        }
    }

    /// The current key.
    pub fn read(&self, console: &mut Console) -> Result<Zeroizing<Vec<u8>>, CommandError> {
        let profile = &self.profile;
        match &self.source {
            KeySource::Variable(name) => match variable(name) {
                Some(value) => Ok(Zeroizing::new(value.as_encoded_bytes().to_vec())),
                // The name is not repeated: it may be the key itself, given in the wrong place.
                None => Err(CommandError::usage(format!(
                    "key_env of the profile {} names a variable that is not set",
                    Untrusted::new(&profile)
                ))
                .hint("set that variable, or use --key-file FILE")),
            },
            KeySource::Files(paths) => {
                let path = paths.first().map(PathBuf::as_path).unwrap_or(Path::new(""));
                let named_by = format!("key_file of the profile {}", Untrusted::new(&profile));
                read_key_file(path, &named_by, console).map(Zeroizing::new)
            }
            KeySource::Command(argv) => printed_by(argv, LONGEST).map_err(|error| {
                error.hint(format!("it is key_command of the profile {}", Untrusted::new(&profile)))
            }),
        }
    }
}

/// What may be a key in raw arguments that could not be read: the value of `--key`, and that of a
/// key file's flag that names no file.
pub fn typed_keys(arguments: &[OsString]) -> impl Iterator<Item = OsString> {
    let followers = arguments.iter().skip(1).map(Some).chain([None]);
    arguments.iter().zip(followers).filter_map(|(argument, next)| {
        let text = argument.to_string_lossy();
        let (flag, value) = match text.split_once('=') {
            Some((flag, value)) => (flag, OsString::from(value)),
            None => (&*text, next?.clone()),
        };
        match flag {
            "--key" => Some(value),
            "--key-file" | "--other-key-file" | "--retired-key-file" => {
                Path::new(&value).symlink_metadata().is_err().then_some(value)
            }
            _ => None,
        }
    })
}

/// A path that leads nowhere may be the key itself, given in the wrong place: it is not repeated.
pub(super) fn read_key_file(
    path: &Path,
    named_by: &str,
    console: &mut Console,
) -> Result<Vec<u8>, CommandError> {
    let cannot = |error: io::Error| {
        match path.symlink_metadata() {
            Ok(_) => {
                CommandError::input(format!("cannot read the key file {}", Untrusted::path(&path)))
            }
            Err(_) => {
                CommandError::input(format!("cannot read the key file that {named_by} names"))
                    .hint(format!("check the path after {named_by}"))
                    .hint("if it is the key itself: put it into PAYOUT_NOTIFY_KEY or into a file")
            }
        }
        .because(error)
    };
    let file = files::open(path).map_err(cannot)?;
    warn_if_others_can_read("key file", path, file.metadata(), console);
    let mut bytes = Vec::new();
    file.take(MAX_KEY_BYTES + 1).read_to_end(&mut bytes).map_err(cannot)?;
    if bytes.len() as u64 > MAX_KEY_BYTES {
        return Err(CommandError::input(format!(
            "the key file {} is longer than {MAX_KEY_BYTES} bytes",
            Untrusted::path(&path)
        ))
        .hint("is this the right file?"));
    }
    if drop_line_end(&mut bytes) {
        console.note(&Line::new().dim("note: one trailing newline of the key file was dropped"));
    }
    Ok(bytes)
}

/// What a program prints, without one trailing newline.
///
/// Its stdin is empty, since the payload may be on ours; it may speak on stderr.
fn printed_by(argv: &[String], longest: Duration) -> Result<Zeroizing<Vec<u8>>, CommandError> {
    let [program, arguments @ ..] = argv else {
        return Err(CommandError::usage("the key's program is missing"));
    };
    let failed =
        |why: &str| CommandError::environment(format!("the key's program {program} {why}"));
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| failed("cannot be started").because(error))?;
    let key = output_of(&mut child, longest);
    // Also after an ordinary end: it reaps the process.
    stop(&mut child);
    let mut bytes = key.map_err(|why| failed(&why))?;
    drop_line_end(&mut bytes);
    Ok(bytes)
}

/// Drops one newline at the end, if there is one.
fn drop_line_end(bytes: &mut Vec<u8>) -> bool {
    let Some(line) = bytes.strip_suffix(b"\n") else { return false };
    let length = line.strip_suffix(b"\r").unwrap_or(line).len();
    bytes.truncate(length);
    true
}

/// What it prints, if it does not print too much and ends well in time; else what it did.
fn output_of(child: &mut Child, longest: Duration) -> Result<Zeroizing<Vec<u8>>, String> {
    let bytes = collect(child, longest)
        .ok_or_else(|| format!("printed no key within {} s", longest.as_secs()))?;
    if bytes.len() as u64 > MAX_KEY_BYTES {
        return Err(format!("printed more than {MAX_KEY_BYTES} bytes"));
    }
    let status = ended(child, longest).ok_or("does not end")?;
    if status.success() { Ok(bytes) } else { Err(format!("failed ({status})")) }
}

/// The bounded output, or nothing where it does not end in time.
fn collect(child: &mut Child, longest: Duration) -> Option<Zeroizing<Vec<u8>>> {
    let output = child.stdout.take()?;
    let (sender, received) = mpsc::channel();
    // A program that left its output open to another one keeps only this thread.
    thread::spawn(move || {
        let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_KEY_BYTES as usize + 1));
        let read = output.take(MAX_KEY_BYTES + 1).read_to_end(&mut bytes);
        // Nobody waits any more where the time is up.
        let _ = sender.send(read.map(|_| bytes));
    });
    received.recv_timeout(longest).ok()?.ok()
}

fn ended(child: &mut Child, longest: Duration) -> Option<std::process::ExitStatus> {
    let start = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if start.elapsed() < longest => thread::sleep(PAUSE),
            Ok(None) | Err(_) => return None,
        }
    }
}

fn stop(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn printed(script: &str, longest: Duration) -> Result<Vec<u8>, CommandError> {
        let argv = ["/bin/sh", "-c", script].map(str::to_owned);
        printed_by(&argv, longest).map(|bytes| bytes.to_vec())
    }

    #[test]
    fn the_output_without_its_last_newline_is_the_key() {
        assert_eq!(printed("echo ' k '", LONGEST).unwrap(), b" k ");
        assert_eq!(printed("printf 'k\\n\\n'", LONGEST).unwrap(), b"k\n");
        assert_eq!(printed("cat", LONGEST).unwrap(), b"");
    }

    #[test]
    fn a_program_that_fails_says_too_much_or_hangs_is_refused() {
        for (script, wanted) in [
            ("echo k; exit 3", "failed"),
            ("exec cat /dev/zero", "more than"),
            ("exec sleep 60", "no key within"),
        ] {
            let longest = match script.contains("sleep") {
                true => Duration::from_millis(20),
                false => LONGEST,
            };
            let error = printed(script, longest).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Environment);
            assert!(error.to_string().contains(wanted), "{error}");
        }
        let missing = printed_by(&["/nonexistent/program".to_owned()], LONGEST).unwrap_err();
        assert!(missing.to_string().contains("cannot be started"), "{missing}");
    }
}
