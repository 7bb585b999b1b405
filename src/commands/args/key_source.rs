//! A profile's key: from a variable, a file, or what a program of the user prints.

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::{MAX_KEY_BYTES, read_key_file};
use crate::error::CommandError;
use crate::settings::profile::{Chosen, KeySource};
use crate::settings::variable;
use crate::terminal::Console;

/// How long a key's program may take: a person may have to unlock a store.
const LONGEST: Duration = Duration::from_secs(60);

/// How often a program that has closed its output is asked whether it ended.
const PAUSE: Duration = Duration::from_millis(5);

/// Where a profile's key comes from, and which profile that is.
#[derive(Clone, Debug)]
pub struct ProfileKey {
    /// The profile's name.
    pub profile: String,
    /// Where its key comes from.
    pub source: KeySource,
}

impl ProfileKey {
    /// The key's source of a profile, where it has one.
    #[must_use]
    pub fn of(chosen: &Chosen) -> Option<ProfileKey> {
        let key = chosen.profile.key.as_ref()?;
        Some(ProfileKey { profile: chosen.name.clone(), source: key.value.clone() })
    }

    /// The key's bytes.
    ///
    /// # Errors
    /// A variable that is not set (usage), a file that cannot be read (input), a program that
    /// cannot be started, fails, says too much or does not end (environment).
    pub fn read(&self, console: &mut Console) -> Result<Zeroizing<Vec<u8>>, CommandError> {
        let profile = &self.profile;
        match &self.source {
            KeySource::Variable(name) => match variable(name) {
                Some(value) => Ok(Zeroizing::new(value.as_encoded_bytes().to_vec())),
                None => Err(CommandError::usage(format!(
                    "the profile {profile} takes the key from {name}, which is not set"
                ))
                .hint(format!("set {name}, or use --key-file FILE"))),
            },
            KeySource::File(path) => read_key_file(path, console).map(Zeroizing::new),
            KeySource::Command(argv) => printed_by(argv, LONGEST)
                .map_err(|error| error.hint(format!("it is key_command of the profile {profile}"))),
        }
    }
}

/// What a program prints, without one trailing newline.
///
/// Its stdin is empty, since the payload may stand on ours; it may speak on stderr.
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
    let read = collect(&mut child, longest);
    let Some(mut bytes) = read else {
        stop(&mut child);
        return Err(failed(&format!("printed no key within {} s", longest.as_secs())));
    };
    if bytes.len() as u64 > MAX_KEY_BYTES {
        stop(&mut child);
        return Err(failed(&format!("printed more than {MAX_KEY_BYTES} bytes")));
    }
    let Some(status) = ended(&mut child, longest) else {
        stop(&mut child);
        return Err(failed("does not end"));
    };
    if !status.success() {
        return Err(failed(&format!("failed ({status})")));
    }
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
    }
    Ok(bytes)
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

/// Ends the program; one that ended by itself meanwhile is as good.
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
