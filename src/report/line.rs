//! A line of text for a person, whose parts have a role instead of a colour: the terminal decides
//! how it looks. A literal is this program's own text. Whatever was computed may have come from
//! outside, so the terminal looks for keys in it.

use std::fmt::Display;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Plain,
    Dim,
    Strong,
    Good,
    Bad,
    Warn,
    Accent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    Columns(usize),
    Endless,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    pub role: Role,
    pub text: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    pub spans: Vec<Span>,
}

impl Line {
    pub fn new() -> Self {
        Line::default()
    }

    #[must_use]
    pub fn with(mut self, role: Role, text: impl Display) -> Self {
        self.spans.push(Span { role, text: text.to_string() });
        self
    }

    /// Adds `, 2 bad` where the count is not zero.
    #[must_use]
    pub fn count_bad(self, count: u64, what: &'static str) -> Self {
        match count {
            0 => self,
            count => self.plain(", ").bad(format!("{count} ")).bad(what),
        }
    }

    #[must_use]
    pub fn with_some<T>(self, value: Option<T>, add: impl FnOnce(Self, T) -> Self) -> Self {
        match value {
            Some(value) => add(self, value),
            None => self,
        }
    }

    #[must_use]
    pub fn plain(self, text: impl Display) -> Self {
        self.with(Role::Plain, text)
    }

    #[must_use]
    pub fn dim(self, text: impl Display) -> Self {
        self.with(Role::Dim, text)
    }

    #[must_use]
    pub fn strong(self, text: impl Display) -> Self {
        self.with(Role::Strong, text)
    }

    #[must_use]
    pub fn good(self, text: impl Display) -> Self {
        self.with(Role::Good, text)
    }

    #[must_use]
    pub fn bad(self, text: impl Display) -> Self {
        self.with(Role::Bad, text)
    }

    #[must_use]
    pub fn warn(self, text: impl Display) -> Self {
        self.with(Role::Warn, text)
    }

    #[must_use]
    pub fn accent(self, text: impl Display) -> Self {
        self.with(Role::Accent, text)
    }
}
