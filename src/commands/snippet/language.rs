//! The languages, and how each writes a literal.

use std::fmt::Write;

use clap::ValueEnum;

/// A language that there is a snippet for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// PHP 8.1 or later.
    Php,
    /// Node 18 or later.
    #[value(aliases = ["js", "javascript"])]
    Node,
    /// Python 3.8 or later.
    #[value(aliases = ["py", "python3"])]
    Python,
    /// Go 1.19 or later.
    #[value(alias = "golang")]
    Go,
    /// Java 17 or later.
    Java,
    /// C#, .NET 6 or later.
    #[value(aliases = ["cs", "c#", "dotnet"])]
    Csharp,
}

impl Language {
    /// Its file, what it needs, and the file's template.
    const fn file(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Language::Php => ("notify.php", "PHP 8.1 or later", include_str!("notify.php")),
            Language::Node => ("notify.mjs", "Node 18 or later", include_str!("notify.mjs")),
            Language::Python => ("notify.py", "Python 3.8 or later", include_str!("notify.py")),
            Language::Go => ("notify.go", "Go 1.19 or later", include_str!("notify.go")),
            Language::Java => ("Notify.java", "Java 17 or later", include_str!("Notify.java")),
            Language::Csharp => ("Notify.cs", ".NET 6 or later", include_str!("Notify.cs")),
        }
    }

    pub(super) const fn template(self) -> &'static str {
        self.file().2
    }

    /// A text as a literal, in printable ASCII whatever the text holds.
    ///
    /// A dialect can come from a file: nothing in it may end the literal, and no sign in it may
    /// turn the text around where people read it.
    pub fn literal(self, text: &str) -> String {
        let is_plain = text.chars().all(|c| matches!(c, ' '..='~'));
        let single = match self {
            Language::Php => is_plain,
            Language::Node | Language::Python => true,
            Language::Go | Language::Java | Language::Csharp => false,
        };
        let quote = if single { '\'' } else { '"' };
        let mut out = String::from(quote);
        for character in text.chars() {
            match character {
                '\\' => out.push_str("\\\\"),
                _ if character == quote => out.extend(['\\', quote]),
                '$' if self == Language::Php && !single => out.push_str("\\$"),
                ' '..='~' => out.push(character),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                _ => self.escape(character, &mut out),
            }
        }
        out.push(quote);
        out
    }

    fn escape(self, character: char, out: &mut String) {
        let code = u32::from(character);
        // Writing to a string cannot fail.
        let _ = match self {
            Language::Php => write!(out, "\\u{{{code:x}}}"),
            Language::Go | Language::Python if code > 0xFFFF => write!(out, "\\U{code:08x}"),
            _ => {
                let mut units = [0; 2];
                let units = character.encode_utf16(&mut units);
                units.iter().try_for_each(|unit| write!(out, "\\u{unit:04x}"))
            }
        };
    }

    pub(super) const fn boolean(self, value: bool) -> &'static str {
        match (self, value) {
            (Language::Python, true) => "True",
            (Language::Python, false) => "False",
            (_, true) => "true",
            (_, false) => "false",
        }
    }
}

pub(super) fn list() -> String {
    let mut out = String::new();
    for language in Language::value_variants() {
        let name = language.to_possible_value();
        let name = name.as_ref().map_or("", |name| name.get_name());
        let (file, needs, _) = language.file();
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{name:<8} {file:<12} {needs}");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_is_ascii_and_cannot_be_left() {
        let text = "a'\"\\$\n\u{202e}\u{1f600}\u{2028}";
        for (language, wanted) in [
            (Language::Php, r#""a'\"\\\$\n\u{202e}\u{1f600}\u{2028}""#),
            (Language::Node, r#"'a\'"\\$\n\u202e\ud83d\ude00\u2028'"#),
            (Language::Python, r#"'a\'"\\$\n\u202e\U0001f600\u2028'"#),
            (Language::Go, r#""a'\"\\$\n\u202e\U0001f600\u2028""#),
            (Language::Java, r#""a'\"\\$\n\u202e\ud83d\ude00\u2028""#),
            (Language::Csharp, r#""a'\"\\$\n\u202e\ud83d\ude00\u2028""#),
        ] {
            assert_eq!(language.literal(text), wanted);
        }
        assert_eq!(Language::Php.literal("it's $5"), r"'it\'s $5'");
    }

    #[test]
    fn the_listing_names_what_the_command_line_takes() {
        let list = list();
        for (line, language) in list.lines().zip(Language::value_variants()) {
            let value = language.to_possible_value().unwrap();
            assert_eq!(line.split(' ').next(), Some(value.get_name()));
        }
    }
}
