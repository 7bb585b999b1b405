//! The only errors that a person sees: what failed, why, and what to try.

use std::error::Error;
use std::fmt;
use std::io;

use crate::exit::Exit;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    Usage,
    Input,
    Environment,
    Interrupted,
    BrokenPipe,
}

/// Where in its input an error is, as far as that is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ErrorPlace {
    /// The line, from 1.
    pub line: Option<u64>,
    /// The column in characters, from 1.
    pub column: Option<usize>,
    /// The member of the payload.
    pub member: Option<String>,
}

#[derive(Debug)]
pub struct CommandError {
    pub kind: ErrorKind,
    /// What could not be done, as one sentence without a full stop.
    pub message: String,
    pub source: Option<Box<dyn Error + Send + Sync>>,
    pub hints: Vec<String>,
    /// In a box, so that a result with this error stays small.
    pub place: Option<Box<ErrorPlace>>,
}

impl CommandError {
    fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        CommandError { kind, message: message.into(), source: None, hints: Vec::new(), place: None }
    }

    /// The command line or the settings are wrong (exit 2).
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Usage, message)
    }

    /// The input cannot be read or understood (exit 3).
    pub fn input(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Input, message)
    }

    /// The machine refuses (exit 4).
    pub fn environment(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Environment, message)
    }

    /// Interrupted before the answer was known (exit 130).
    pub fn interrupted(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Interrupted, message)
    }

    /// An output could not be written: a broken pipe is no failure, anything else is exit 4.
    pub fn output(error: io::Error) -> Self {
        let kind = match error.kind() {
            io::ErrorKind::BrokenPipe => ErrorKind::BrokenPipe,
            _ => ErrorKind::Environment,
        };
        Self::new(kind, "cannot write the output").because(error)
    }

    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    #[must_use]
    pub fn at(mut self, place: ErrorPlace) -> Self {
        self.place = Some(Box::new(place));
        self
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Leaves a hint out where a better one is known.
    #[must_use]
    pub fn without(mut self, hint: &str) -> Self {
        self.hints.retain(|known| known != hint);
        self
    }

    #[must_use]
    pub fn exit(&self) -> Exit {
        match self.kind {
            ErrorKind::Usage => Exit::Usage,
            ErrorKind::Input => Exit::Input,
            ErrorKind::Environment => Exit::Environment,
            ErrorKind::Interrupted => Exit::Interrupted,
            ErrorKind::BrokenPipe => Exit::Yes,
        }
    }

    pub fn chain(&self) -> Vec<String> {
        let mut chain = vec![self.message.clone()];
        let mut next = self.source.as_deref().map(|source| source as &dyn Error);
        while let Some(error) = next {
            chain.push(error.to_string());
            next = error.source();
        }
        chain
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.chain().join(": "))
    }
}

impl Error for CommandError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}
