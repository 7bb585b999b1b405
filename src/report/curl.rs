//! A signed body as a curl command.

/// A command that sends the body byte for byte, quoted for a POSIX shell.
pub fn command(url: &str, body: &str) -> String {
    format!(
        "curl -sS -X POST {} \\\n  -H 'Content-Type: application/json;charset=utf-8' \\\n  --data-binary {}",
        shell_quote(url),
        shell_quote(body),
    )
}

/// A word that a POSIX shell reads as exactly this text.
pub fn shell_quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_in_the_body_stays_in_the_body() {
        assert_eq!(shell_quote("a'b"), r"'a'\''b'");
        assert!(command("http://h/", "{\"a\":\"it's\"}").ends_with(r#"'{"a":"it'\''s"}'"#));
    }
}
