//! `snippet` without an interpreter; `tests/interpreters` runs what it prints.

use crate::harness::payout_notify;

#[test]
fn the_languages_are_listed_and_a_wrong_one_is_a_matter_of_usage() {
    let list = payout_notify(&["snippet"]).run().exits(0);
    list.says(&["php", "node", "python", "go", "java", "csharp"]);
    payout_notify(&["snippet", "cobol"]).run().exits(2).remarks(&["csharp"]);
    payout_notify(&["snippet", "go", "--dialect", "epay", "--require", "sha256"]).run().exits(2);
}

#[test]
fn a_key_is_never_in_a_snippet() {
    for language in ["php", "node", "python", "go", "java", "csharp"] {
        let shown = payout_notify(&["snippet", language]).key("SecretOfTheShop").run().exits(0);
        shown.says(&["PAYOUT_NOTIFY_KEY"]).hides("SecretOfTheShop");
    }
}
