//! Signatures that real code makes with one mistake, and the words that the first cause must have.

use super::*;
use crate::payload::Encoding;

const KEY: &str = "ThisIsYourSecretKey123";

fn words<'v>(case: &'v serde_json::Value, name: &str) -> Vec<&'v str> {
    case[name].as_array().into_iter().flatten().filter_map(|word| word.as_str()).collect()
}

/// What is wrong with the first hit for a case; `None` where it is as expected.
fn missed(case: &serde_json::Value) -> Option<String> {
    let text = |name: &str| case[name].as_str();
    let encoding = if text("input") == Some("form") { Encoding::Form } else { Encoding::Json };
    let payload = crate::form::read(text("payload")?.as_bytes(), encoding).unwrap();
    let dialect = Dialect::built_in(text("dialect").unwrap_or("platform")).unwrap();
    let key = Key::try_new(text("key").unwrap_or(KEY).as_bytes().to_vec()).unwrap();
    let found = diagnose_fully(&payload, dialect, &key, &[], text("computed"));
    let Some(first) = found.hits.first() else { return Some("nothing found".to_owned()) };
    let mut told = first.summary("the code");
    let is_plain = !words(case, "not").iter().any(|word| told.contains(word));
    for deviation in &first.deviations {
        told.push_str(&format!("; {}; {}", deviation.cause, deviation.fix));
    }
    let missing: Vec<&str> =
        words(case, "says").into_iter().filter(|word| !told.contains(word)).collect();
    assert!(!told.contains(KEY), "{told}");
    (!is_plain || !missing.is_empty()).then(|| format!("{missing:?} {told} [{}]", first.code()))
}

#[test]
fn each_mistake_is_explained_first_in_its_own_words() {
    let cases = include_str!("../../../fixtures/vectors/mistakes.ndjson");
    let only = std::env::var("ONLY").unwrap_or_default();
    let mut wrong = Vec::new();
    for line in cases.lines().filter(|line| line.contains(&only)) {
        let case: serde_json::Value = serde_json::from_str(line).unwrap();
        if let Some(missed) = missed(&case) {
            wrong.push(format!("{} ({}): {missed}", case["what"], case["kind"]));
        }
    }
    assert!(wrong.is_empty(), "{} missed\n{}", wrong.len(), wrong.join("\n"));
}

/// The hits of one search over a case's signature, with or without the filter before it.
fn hits(case: &serde_json::Value, is_filtered: bool) -> Option<Vec<String>> {
    let text = |name: &str| case[name].as_str();
    let payload = Payload::parse(text("payload")?.as_bytes()).ok()?;
    let dialect = Dialect::built_in(text("dialect").unwrap_or("platform"))?;
    let Value::String(given) = &payload.get(dialect.sign_field())?.value else { return None };
    let target = digest::Target::readings(given).into_iter().next()?;
    let key = Key::try_new(text("key").unwrap_or(KEY).as_bytes().to_vec()).ok()?;
    let search =
        search::Search::new(&payload, dialect, &key, &[], target.width(), search::Depth::Quick);
    let search = if is_filtered { search.only_for(vec![target.clone()]) } else { search };
    let mut findings = Findings::new(target);
    search.run(&mut |candidate| findings.take(candidate));
    Some(findings.found.iter().map(|(rank, hit)| format!("{rank:?} {hit:?}")).collect())
}

#[test]
fn the_filter_lets_every_hit_through() {
    let cases = include_str!("../../../fixtures/vectors/mistakes.ndjson");
    let (mut compared, mut found) = (0, 0);
    for line in cases.lines().step_by(6) {
        let case: serde_json::Value = serde_json::from_str(line).unwrap();
        let Some(all) = hits(&case, false) else { continue };
        assert_eq!(hits(&case, true).as_ref(), Some(&all), "{}", case["what"]);
        compared += 1;
        found += usize::from(!all.is_empty());
    }
    assert!(compared > 30 && found > 15, "{compared} compared, {found} with hits");
}
