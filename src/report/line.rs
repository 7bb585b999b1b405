//! A line of text for a person, whose parts have a role instead of a colour.
//!
//! Reports are pure: they say what a word *is*; the terminal decides how it looks.
//!
//! A literal is this program's own text. Whatever was computed may have come from outside, so the
//! terminal looks for keys in it.

use std::borrow::Cow;

/// What a part of a line means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Ordinary text.
    Plain,
    /// Less important: times, explanations.
    Dim,
    /// A heading, or the word that matters.
    Strong,
    /// A good result.
    Good,
    /// A bad result.
    Bad,
    /// Something to look at.
    Warn,
    /// A name, a URL, a command to type.
    Accent,
}

/// How wide a line may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// So many columns: a terminal's.
    Columns(usize),
    /// As wide as it is: a file or a pipe has no columns.
    Endless,
}

/// A text with where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    text: String,
    origin: Origin,
}

/// Where a text comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It is a literal of this program.
    Own,
    /// It was computed, so it may have parts of what was received, read or typed.
    Outside,
}

impl From<&'static str> for Text {
    fn from(text: &'static str) -> Self {
        Text { text: text.to_owned(), origin: Origin::Own }
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Text { text, origin: Origin::Outside }
    }
}

impl From<&String> for Text {
    fn from(text: &String) -> Self {
        text.clone().into()
    }
}

impl From<Cow<'_, str>> for Text {
    fn from(text: Cow<'_, str>) -> Self {
        text.into_owned().into()
    }
}

/// A run of text with one role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// What the text means.
    pub role: Role,
    /// The text, as received; the terminal masks and sanitizes it.
    pub text: String,
    /// Where it comes from.
    pub origin: Origin,
}

/// One line for a person, without its newline.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// The parts, in order.
    pub spans: Vec<Span>,
}

impl Line {
    /// An empty line.
    pub fn new() -> Self {
        Line::default()
    }

    /// The same line with one more part.
    #[must_use]
    pub fn with(mut self, role: Role, text: impl Into<Text>) -> Self {
        let Text { text, origin } = text.into();
        self.spans.push(Span { role, text, origin });
        self
    }

    /// The same line with ordinary text added.
    #[must_use]
    pub fn plain(self, text: impl Into<Text>) -> Self {
        self.with(Role::Plain, text)
    }

    /// The same line with less important text added.
    #[must_use]
    pub fn dim(self, text: impl Into<Text>) -> Self {
        self.with(Role::Dim, text)
    }

    /// The same line with a heading or a strong word added.
    #[must_use]
    pub fn strong(self, text: impl Into<Text>) -> Self {
        self.with(Role::Strong, text)
    }

    /// The same line with a good result added.
    #[must_use]
    pub fn good(self, text: impl Into<Text>) -> Self {
        self.with(Role::Good, text)
    }

    /// The same line with a bad result added.
    #[must_use]
    pub fn bad(self, text: impl Into<Text>) -> Self {
        self.with(Role::Bad, text)
    }

    /// The same line with a warning added.
    #[must_use]
    pub fn warn(self, text: impl Into<Text>) -> Self {
        self.with(Role::Warn, text)
    }

    /// The same line with a name, a URL or a command added.
    #[must_use]
    pub fn accent(self, text: impl Into<Text>) -> Self {
        self.with(Role::Accent, text)
    }
}
