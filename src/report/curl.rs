//! A signed body as a curl command.

pub fn command(url: &str, body: &str) -> String {
    format!(
        "curl -sS -X POST {} \\\n  -H 'Content-Type: application/json;charset=utf-8' \\\n  --data-binary {}",
        shell_quote(url),
        shell_quote(body),
    )
}

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
