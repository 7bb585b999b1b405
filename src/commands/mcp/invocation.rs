//! A tool's call as a run of this program: in a process of its own, which a time limit, a
//! cancellation or the end of the server can stop, and whose stdin is not the agent's.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use protocol::Key;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;
use tokio::time::timeout;

use super::McpArgs;
use crate::error::CommandError;
use crate::keyring::Keyring;
use crate::mask::{Untrusted, is_word};
use crate::net::target::Target;
use crate::settings::{self, Environment, KEY_VARIABLE};
use crate::terminal::Console;

/// The most that a command may print; a whole check with every case is a twentieth of it.
const MOST_OUTPUT: u64 = 4 * 1024 * 1024;

/// The most remarks that are kept; the rest is read and dropped.
const MOST_REMARKS: u64 = 64 * 1024;

/// The longest single argument.
const LONGEST_ARGUMENT: usize = 16 * 1024;

/// What a command needs of the environment: where settings, state and certificates are, and the
/// proxy.
const KEPT_VARIABLES: [&str; 23] = [
    "ALL_PROXY",
    "APPDATA",
    "HOME",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "LOCALAPPDATA",
    "NO_PROXY",
    "PATH",
    "PATHEXT",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "SYSTEMROOT",
    "TEMP",
    "TMP",
    "TMPDIR",
    "TZ",
    "USERPROFILE",
    "XDG_CONFIG_HOME",
    "XDG_STATE_HOME",
    "all_proxy",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];

/// What was decided when the server started, and no tool can change.
pub struct Rules {
    program: PathBuf,
    /// Given to each command as `PAYOUT_NOTIFY_KEY`.
    key: Option<Key>,
    /// The files of several keys, for what verifies.
    key_files: Vec<PathBuf>,
    profile: Option<String>,
    inbox: Option<PathBuf>,
    hosts: Vec<String>,
    is_remote_allowed: bool,
    pub observe: Option<String>,
}

/// Which keys a command gets. One that needs none gets the first too: it hides what it knows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum KeyUse {
    First,
    All,
}

/// How a command's stdout is read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Stdout {
    /// One JSON object per line.
    Objects,
    /// The same of a check, without the cases that passed or were skipped.
    Failures,
    /// Text that is signed: it is returned as it is, or not at all.
    Signed,
    Text,
}

/// A command that a tool runs.
pub struct Invocation {
    pub arguments: Vec<OsString>,
    pub stdin: Option<String>,
    pub key: KeyUse,
    pub stdout: Stdout,
    pub longest: Duration,
}

/// What a command printed.
pub struct Printed {
    pub exit: u8,
    pub stdout: Vec<u8>,
    pub remarks: Vec<u8>,
}

/// Most commands get the first key alone. What they print is searched for the others, which finds no
/// key that may be one of the program's own words.
fn refuse_words(keys: &Keyring) -> Result<(), CommandError> {
    let others = 1..=keys.other_fingerprints().count();
    let Some(at) = others.into_iter().find(|at| is_word(keys.key(*at).expose())) else {
        return Ok(());
    };
    Err(CommandError::usage(format!(
        "key {} of several could not be hidden in every result",
        at + 1
    ))
    .because("it has at most 16 characters, all letters or all digits, as words have")
    .hint("give it first, or alone"))
}

impl Rules {
    pub fn resolve(
        args: &McpArgs,
        profile: Option<&str>,
        environment: &Environment,
        console: &mut Console,
    ) -> Result<Rules, CommandError> {
        let key = match args.key.is_absent(environment) {
            true => None,
            false => {
                let keys = args.key.resolve_all(environment, console)?;
                refuse_words(&keys)?;
                Some(keys.first().clone())
            }
        };
        let is_typed = args.key.key.is_some() || environment.key.is_some();
        let key_files = match &args.key.profile {
            _ if !args.key.key_file.is_empty() => args.key.key_file.clone(),
            Some(profile) if !is_typed => profile.files().to_vec(),
            _ => Vec::new(),
        };
        let program = settings::program().map_err(|error| {
            CommandError::environment("cannot find this program").because(error)
        })?;
        Ok(Rules {
            program,
            key,
            key_files: if key_files.len() > 1 { key_files } else { Vec::new() },
            profile: profile.map(str::to_owned).or_else(|| environment.profile.clone()),
            inbox: args.inbox.inbox.clone(),
            hosts: args.allow_host.iter().map(|host| host.to_ascii_lowercase()).collect(),
            is_remote_allowed: args.allow_remote,
            observe: args.observe.clone(),
        })
    }

    /// Refuses a URL that the server may not send to.
    pub fn check_target(&self, url: &str) -> Result<(), CommandError> {
        let target = Target::parse(url)
            .map_err(|error| CommandError::usage("the URL cannot be used").because(error))?;
        let host = target.host();
        if target.is_loopback() || self.is_remote_allowed || self.hosts.iter().any(|it| it == host)
        {
            return Ok(());
        }
        let host = Untrusted::new(host);
        Err(CommandError::usage(format!("{host} is not on this machine, and is not allowed"))
            .hint("the person who started the server can allow it: --allow-host HOST"))
    }

    pub fn inbox_flag(&self) -> Option<OsString> {
        self.inbox.as_ref().map(|path| flag("--inbox", path.as_os_str()))
    }

    pub async fn run(&self, invocation: Invocation) -> Result<Printed, CommandError> {
        let longest = invocation.longest;
        match timeout(longest, self.run_unlimited(invocation)).await {
            Ok(result) => result,
            // The process was ended with its future.
            Err(_) => Err(CommandError::environment(format!(
                "the command did not end within {} s, and was stopped",
                longest.as_secs()
            ))),
        }
    }

    async fn run_unlimited(&self, invocation: Invocation) -> Result<Printed, CommandError> {
        let cannot = |error| CommandError::environment("cannot run the command").because(error);
        if invocation.arguments.iter().any(|argument| argument.len() > LONGEST_ARGUMENT) {
            let message = format!("an argument is longer than {LONGEST_ARGUMENT} bytes");
            return Err(CommandError::usage(message));
        }
        let mut child = self.command(&invocation).spawn().map_err(cannot)?;
        let (input, text) = (child.stdin.take(), invocation.stdin);
        let write = async move {
            // A command that does not read its input to the end has its own reason.
            if let (Some(mut input), Some(text)) = (input, text) {
                let _ = input.write_all(text.as_bytes()).await;
                let _ = input.shutdown().await;
            }
        };
        let stdout = read(child.stdout.take(), MOST_OUTPUT);
        let stderr = read(child.stderr.take(), MOST_REMARKS);
        let ((), stdout, remarks) = tokio::join!(write, stdout, stderr);
        let status = child.wait().await.map_err(cannot)?;
        let (stdout, is_whole) = stdout.map_err(cannot)?;
        if !is_whole {
            let message = format!("the command printed more than {MOST_OUTPUT} bytes");
            return Err(CommandError::environment(message).hint("ask for less"));
        }
        let code = status.code().and_then(|code| u8::try_from(code).ok());
        let Some(exit) = code else {
            return Err(CommandError::environment(format!("the command was ended: {status}")));
        };
        Ok(Printed { exit, stdout, remarks: remarks.map_err(cannot)?.0 })
    }

    fn command(&self, invocation: &Invocation) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&invocation.arguments).arg("--color=never");
        if let Some(profile) = &self.profile {
            command.arg(flag("--profile", profile.as_ref()));
        }
        command.env_clear();
        for name in KEPT_VARIABLES {
            if let Some(value) = settings::variable(name) {
                command.env(name, value);
            }
        }
        match (&self.key, invocation.key) {
            (None, _) => {}
            (Some(_), KeyUse::All) if !self.key_files.is_empty() => {
                let files = self.key_files.iter().map(|path| flag("--key-file", path.as_os_str()));
                command.args(files);
            }
            (Some(key), _) => {
                command.env(KEY_VARIABLE, as_variable(key));
            }
        }
        let stdin = if invocation.stdin.is_some() { Stdio::piped() } else { Stdio::null() };
        command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    }
}

/// One argument, so that a value which begins with a hyphen stays a value.
pub fn flag(name: &str, value: &std::ffi::OsStr) -> OsString {
    let mut flag = OsString::from(name);
    flag.push("=");
    flag.push(value);
    flag
}

#[cfg(unix)]
fn as_variable(key: &Key) -> &std::ffi::OsStr {
    std::os::unix::ffi::OsStrExt::from_bytes(key.expose())
}

/// A key that is not UTF-8 cannot be in a variable there, and the command refuses it.
#[cfg(not(unix))]
fn as_variable(key: &Key) -> String {
    String::from_utf8_lossy(key.expose()).into_owned()
}

/// The first `most` bytes of a stream that is read to its end, and whether that is all.
async fn read(stream: Option<impl AsyncRead + Unpin>, most: u64) -> io::Result<(Vec<u8>, bool)> {
    let (mut bytes, Some(mut stream)) = (Vec::new(), stream) else { return Ok((Vec::new(), true)) };
    (&mut stream).take(most).read_to_end(&mut bytes).await?;
    let dropped = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await?;
    Ok((bytes, dropped == 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_key_that_may_be_a_word_is_refused() {
        let key = |text: &str| (Key::try_new(text.as_bytes().to_vec()).unwrap(), String::new());
        let refused = |keys: [&str; 3]| {
            let [first, others @ ..] = keys.map(key);
            refuse_words(&Keyring::named(first, others)).is_err()
        };
        let (long, word) = ("ThisIsYourSecretKey123", "payout");
        assert!(!refused([word, long, "a-key-with-digits-2"]));
        assert!(refused([long, word, long]) && refused([long, long, "1234567"]));
    }
}
