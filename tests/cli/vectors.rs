//! The signature vectors, in both directions, through the program.

use serde_json::Value;

use crate::harness::{fixture_json, payout_notify};

/// A vector's own name of a signature's kind, and the program's.
const KINDS: [(&str, &str); 2] = [("md5", "md5"), ("hmac_sha256", "hmac-sha256")];

fn text<'a>(vector: &'a Value, member: &str) -> &'a str {
    vector[member].as_str().unwrap_or_else(|| panic!("{member} of {vector}"))
}

fn vectors() -> Vec<Value> {
    let vectors = fixture_json("vectors/signatures.json");
    let vectors = vectors.as_array().expect("a list of vectors").clone();
    assert!(vectors.len() >= 15, "only {} vectors", vectors.len());
    vectors
}

/// What `sign` prints for a vector's payload.
fn printed(vector: &Value, kind: &str, what: &str) -> String {
    payout_notify(&["sign", "--sign-type", kind, "--print", what])
        .key(text(vector, "key"))
        .stdin(text(vector, "payload"))
        .run()
        .exits(0)
        .hides(text(vector, "key"))
        .stdout
}

#[test]
fn every_vector_is_signed_with_its_digest() {
    for vector in vectors() {
        for (member, kind) in KINDS {
            let digest = printed(&vector, kind, "sign");
            assert_eq!(digest, format!("{}\n", text(&vector, member)), "{kind} of {vector}");
        }
    }
}

#[test]
fn every_vector_has_its_canonical_string_and_the_key_is_masked() {
    for vector in vectors() {
        for ((_, kind), mask) in KINDS.into_iter().zip(["&[key]", ""]) {
            let canonical = printed(&vector, kind, "canonical");
            let expected = format!("{}{mask}\n", text(&vector, "canonical"));
            assert_eq!(canonical, expected, "{kind} of {vector}");
        }
    }
}

#[test]
fn every_signed_vector_verifies_and_binds_its_kind() {
    for vector in vectors() {
        for ((_, kind), (_, other)) in KINDS.into_iter().zip(KINDS.into_iter().rev()) {
            let body = printed(&vector, kind, "body");
            let verified = |required: &str| {
                payout_notify(&["verify", "--require", required])
                    .key(text(&vector, "key"))
                    .stdin(&body)
                    .run()
            };
            verified(kind).exits(0).says(&["signature matches"]);
            verified(other).exits(1).says(&["is required"]);
        }
    }
}

#[test]
fn a_payload_with_its_own_sign_type_is_signed_as_it_says() {
    let vectors = vectors();
    let special = vectors.iter().find(|vector| vector["id"] == "C5").expect("the vector C5");
    let output = payout_notify(&["sign", "--print", "sign"])
        .key(text(special, "key"))
        .stdin(text(special, "payload"))
        .run()
        .exits(0);
    assert_eq!(output.stdout.trim_end(), text(special, "hmac_sha256"));
}

#[test]
fn only_the_right_digests_of_the_near_misses_verify() {
    let misses = fixture_json("vectors/near-misses.json");
    let (payload, cases) = (text(&misses, "payload"), misses["cases"].as_array().expect("cases"));
    assert!(cases.len() > 10, "only {} cases", cases.len());
    let as_md5 = payload.replace("\"sign_type\":\"HMAC-SHA256\"", "\"sign_type\":\"MD5\"");
    let open = payload.strip_suffix('}').expect("an object");
    let open_md5 = as_md5.strip_suffix('}').expect("an object");
    for case in cases {
        let (code, digest) = (text(case, "code"), text(case, "digest"));
        let answer = |open: &str| {
            payout_notify(&["verify"])
                .key(text(&misses, "key"))
                .stdin(format!("{open},\"sign\":\"{digest}\"}}"))
                .run()
                .code
        };
        let answers = (answer(open_md5), answer(open));
        let expected = match code {
            "OK-MD5" => (0, 1),
            "OK-HMAC" => (1, 0),
            _ => (1, 1),
        };
        assert_eq!(answers, expected, "{code} as MD5 and as HMAC-SHA256");
    }
}

#[test]
fn every_near_miss_is_explained() {
    let misses = fixture_json("vectors/near-misses.json");
    let open = text(&misses, "payload").strip_suffix('}').expect("an object");
    for case in misses["cases"].as_array().expect("cases") {
        let body = format!("{open},\"sign\":\"{}\"}}", text(case, "digest"));
        let answer = payout_notify(&["verify", "--format", "json"])
            .key(text(&misses, "key"))
            .stdin(&body)
            .run()
            .hides(text(&misses, "key"))
            .json();
        let hits = answer["diagnosis"].as_array().expect("a list of hits");
        assert_eq!(hits.is_empty(), answer["signature"] == "match", "{case}: {answer}");
    }
}

#[test]
fn a_person_is_told_how_to_mend_a_near_miss() {
    let misses = fixture_json("vectors/near-misses.json");
    let as_md5 = text(&misses, "payload").replace("HMAC-SHA256", "MD5");
    let prefixed = as_md5.replace('}', ",\"sign\":\"8a6c1807a4559151a8bbb15b3859b8c3\"}");
    payout_notify(&["verify"])
        .key(text(&misses, "key"))
        .stdin(prefixed)
        .run()
        .exits(1)
        .hides(text(&misses, "key"))
        .says(&["likely cause: ", "&key=", "  rule ", "  fix "]);
}
