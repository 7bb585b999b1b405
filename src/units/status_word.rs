//! A status as people write it: its name, or its number.

use protocol::internal::nearest::did_you_mean;
use protocol::{Status, StatusTable};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusWord {
    Number(i64),
    Name(&'static str),
}

impl StatusWord {
    pub fn parse(text: &str) -> Result<StatusWord, String> {
        let number = || text.parse().ok().map(StatusWord::Number);
        let name = || Status::payout_by_name(text).map(|status| StatusWord::Name(status.name));
        number().or_else(name).ok_or_else(|| {
            let near = did_you_mean(text, ["success", "cancelled", "failed"]);
            format!("expected success, cancelled, failed or a number{near}")
        })
    }

    pub fn number(self, statuses: &StatusTable) -> i64 {
        match self {
            StatusWord::Number(number) => number,
            StatusWord::Name(name) => statuses
                .payouts()
                .find(|status| status.name == name)
                .map_or_else(|| statuses.success(), |status| i64::from(status.code)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_has_a_name_or_a_number() {
        let number = |text, statuses| StatusWord::parse(text).map(|word| word.number(statuses));
        let platform = StatusTable::PLATFORM;
        assert_eq!(number("success", &platform), Ok(3));
        assert_eq!(number("Cancelled", &platform), Ok(4));
        assert_eq!(number("under review", &platform), Ok(6));
        let swapped = StatusTable::try_new([(4, "failed"), (5, "cancelled")]).unwrap();
        assert_eq!(number("Cancelled", &swapped), Ok(5));
        assert_eq!(number("2", &swapped), Ok(2));
        assert!(number("done", &swapped).is_err());
    }
}
