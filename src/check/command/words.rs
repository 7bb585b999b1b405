//! A command line in one text, split into words without a shell.

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WordsError {
    #[error("the command is empty")]
    Empty,
    /// A quotation mark without its partner, or a backslash at the end.
    #[error("a quotation mark is not closed, or a backslash stands at the end")]
    Open,
}

/// Splits at blanks; quotation marks of either kind hold blanks, a backslash makes what follows
/// plain, except within single quotation marks. Nothing is expanded.
pub fn split(text: &str) -> Result<Vec<String>, WordsError> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match (quote, character) {
            (Some(mark), _) if character == mark => quote = None,
            (Some('\''), _) => word.get_or_insert_default().push(character),
            (_, '\\') => {
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
            assert_eq!(split(text).unwrap(), words, "{text}");
        }
        assert_eq!(split("  "), Err(WordsError::Empty));
        for text in ["\"a", "'a", "a\\"] {
            assert_eq!(split(text), Err(WordsError::Open), "{text}");
        }
    }
}
