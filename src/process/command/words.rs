//! A command line in one text, split into words without a shell.

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WordsError {
    #[error("the command is empty")]
    Empty,
    /// A quotation mark without its partner, or a backslash at the end.
    #[error("a quotation mark is not closed, or a backslash stands at the end")]
    Open,
}

/// What a backslash makes plain, outside single quotation marks.
#[derive(Clone, Copy)]
enum Escapes {
    Everything,
    /// Before anything else it separates the folders of a path.
    DoubleQuotes,
}

/// Splits at blanks; quotation marks of either kind hold blanks, a backslash makes what follows plain
/// (on Windows a double quotation mark only). Nothing is expanded.
pub fn split(text: &str) -> Result<Vec<String>, WordsError> {
    split_with(text, if cfg!(windows) { Escapes::DoubleQuotes } else { Escapes::Everything })
}

fn split_with(text: &str, escapes: Escapes) -> Result<Vec<String>, WordsError> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match (quote, character) {
            (Some(mark), _) if character == mark => quote = None,
            (Some('\''), _) => word.get_or_insert_default().push(character),
            (_, '\\')
                if matches!(escapes, Escapes::Everything) || characters.peek() == Some(&'"') =>
            {
                let plain = characters.next().ok_or(WordsError::Open)?;
                word.get_or_insert_default().push(plain);
            }
            (Some(_), _) => word.get_or_insert_default().push(character),
            (None, '\'' | '"') => {
                word.get_or_insert_default();
                quote = Some(character);
            }
            (None, _) if character.is_whitespace() => words.extend(word.take()),
            (None, _) => word.get_or_insert_default().push(character),
        }
    }
    if quote.is_some() {
        return Err(WordsError::Open);
    }
    words.extend(word);
    if words.is_empty() { Err(WordsError::Empty) } else { Ok(words) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_as_a_person_means_them() {
        for (text, words) in [
            ("a b  c", &["a", "b", "c"][..]),
            (r#"sql "select 1" 'it''s' x\ y"#, &["sql", "select 1", "its", "x y"]),
            (r#"a "" b"#, &["a", "", "b"]),
            (r#""a\"b\\" '\n' $X *"#, &["a\"b\\", "\\n", "$X", "*"]),
        ] {
            assert_eq!(split_with(text, Escapes::Everything).unwrap(), words, "{text}");
        }
        assert_eq!(split("  "), Err(WordsError::Empty));
        for text in ["\"a", "'a", "a\\"] {
            assert_eq!(split_with(text, Escapes::Everything), Err(WordsError::Open), "{text}");
        }
    }

    #[test]
    fn a_path_of_windows_keeps_its_backslashes() {
        for (text, words) in [
            (r"C:\tools\credits.exe --db D:\x", &[r"C:\tools\credits.exe", "--db", r"D:\x"][..]),
            (r#""C:\Program Files\a.exe" "say \"x\"""#, &[r"C:\Program Files\a.exe", r#"say "x""#]),
            (r"'C:\a b\c.exe' \\host\share b\", &[r"C:\a b\c.exe", r"\\host\share", r"b\"]),
        ] {
            assert_eq!(split_with(text, Escapes::DoubleQuotes).unwrap(), words, "{text}");
        }
        assert_eq!(split_with(r#""a\""#, Escapes::DoubleQuotes), Err(WordsError::Open));
    }
}
