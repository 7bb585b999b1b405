//! A remark about a notification's fields, as a value.

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth a look; the notification can be used.
    Warning,
    /// The notification cannot be used.
    Error,
}

impl Severity {
    /// The name as messages and JSON carry it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

/// Something about a notification's fields that a person should know.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// How much it weighs.
    pub severity: Severity,
    /// The stable name.
    pub code: &'static str,
    /// The member it is about, where it is about one.
    pub member: Option<String>,
    /// The finding in words.
    pub message: String,
}

#[cfg(test)]
mod tests {
    use super::Severity;

    #[test]
    fn each_severity_has_its_name_and_an_error_weighs_more() {
        assert_eq!([Severity::Warning, Severity::Error].map(Severity::name), ["warning", "error"]);
        assert!(Severity::Warning < Severity::Error);
    }
}
