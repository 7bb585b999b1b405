//! `schema` without the validators of other ecosystems; `tests/schemas.py` runs those.

use serde_json::Value;

use crate::harness::{KEY, payout_notify};

const DOCUMENTS: [&str; 4] = ["notification", "reply", "openapi", "postman"];

fn document(arguments: &[&str]) -> Value {
    let output = payout_notify(&[&["schema"], arguments].concat()).run().exits(0);
    serde_json::from_str(&output.stdout).expect("JSON")
}

#[test]
fn every_document_is_json_and_needs_no_key() {
    for what in DOCUMENTS {
        assert!(document(&[what]).is_object(), "{what}");
    }
    let openapi = document(&["openapi", "--dialect", "epay"]);
    assert_eq!(openapi["openapi"], "3.1.0");
    assert!(openapi["webhooks"]["payoutNotification"]["get"].is_object(), "{openapi}");
    let postman = document(&["postman", "--sign-type", "hmac-sha256"]).to_string();
    assert!(postman.contains("HMAC-SHA256") && !postman.contains(KEY), "{postman}");
}

#[test]
fn what_cannot_be_described_is_a_matter_of_usage() {
    payout_notify(&["schema"]).run().exits(2);
    payout_notify(&["schema", "swagger"]).run().exits(2).remarks(&["openapi"]);
    payout_notify(&["schema", "reply", "--sign-type", "md5"])
        .run()
        .exits(2)
        .remarks(&["--sign-type is for the collection", "payout-notify schema postman"]);
    payout_notify(&["schema", "postman", "--dialect", "epay", "--sign-type", "sha256"])
        .run()
        .exits(2)
        .remarks(&["the dialect epay has no SHA256"]);
    let own = "id = \"own\"\n[[scheme]]\nalgorithm = \"sha1\"\n";
    let own = |what: &str| {
        payout_notify(&["schema", what, "--dialect", "own.toml"]).file("own.toml", own).run()
    };
    own("postman").exits(2).remarks(&["algorithm = \"sha1\""]);
    own("notification").exits(0).says(&["^([0-9a-f]{40})$"]);
}

#[test]
fn a_dialect_with_the_key_in_it_is_refused() {
    let own = format!("id = \"own\"\nsuccess_reply = \"{KEY}\"\n[[scheme]]\nalgorithm = \"md5\"\n");
    for what in ["reply", "postman", "openapi"] {
        let output = payout_notify(&["schema", what, "--dialect", "own.toml"]);
        let output = output.key(KEY).file("own.toml", &own).run().exits(2);
        output.hides(KEY).remarks(&["the dialect holds the key"]);
    }
}

#[test]
fn a_profiles_dialect_and_statuses_apply() {
    let profile =
        "default_profile = \"p\"\n[profile.p]\nstatuses = { 4 = \"failed\", 5 = \"cancelled\" }\n";
    let output = payout_notify(&["schema", "notification"]).file("payout-notify.toml", profile);
    let output = output.run().exits(0);
    let schema: Value = serde_json::from_str(&output.stdout).expect("JSON");
    let statuses = schema["properties"]["status"]["oneOf"].as_array().expect("statuses");
    let four = statuses.iter().find(|status| status["const"] == 4).expect("4");
    assert_eq!(four["title"], "failed");
}
