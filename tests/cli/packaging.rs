//! What `packaging/`, the workflows and the pages repeat: versions, descriptions, paths.

use std::fs;
use std::path::Path;

use serde_json::Value;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const VERSION: &str = env!("CARGO_PKG_VERSION");

fn read(path: &str) -> String {
    fs::read_to_string(format!("{ROOT}/{path}")).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn every_package_has_the_version_of_cargo_toml() {
    let cargo: toml::Table = toml::from_str(&read("Cargo.toml")).unwrap();
    assert_eq!(cargo["workspace"]["package"]["version"].as_str(), Some(VERSION));
    let protocol = &cargo["dependencies"]["payout-notify-protocol"];
    assert_eq!(protocol["version"].as_str(), Some(VERSION));
    // Those that are made for a release have none before.
    let wheel: toml::Table = toml::from_str(&read("packaging/pyproject.toml")).unwrap();
    let project = wheel["project"].as_table().unwrap();
    assert!(project.get("version").is_none());
    let dynamic: Vec<_> = project["dynamic"].as_array().unwrap().iter().collect();
    assert_eq!(dynamic, ["version", "description", "readme"].map(toml::Value::from).each_ref());
    let npm: Value = serde_json::from_str(&read("packaging/npm/package.json")).unwrap();
    assert_eq!(npm["version"], Value::Null);
    assert_eq!(npm["description"], cargo["package"]["description"].as_str().unwrap());
    for template in ["payout-notify.rb.in", "payout-notify.json.in"] {
        let text = read(&format!("packaging/{template}"));
        assert!(text.contains("\"@VERSION@\"") && !text.contains(VERSION), "{template}");
    }
    let license = cargo["workspace"]["package"]["license"].as_str().unwrap();
    assert_eq!(project["license"].as_str(), Some(license));
    assert_eq!(npm["license"], license);
}

#[test]
fn every_package_has_the_server_for_agents() {
    let wheel: toml::Table = toml::from_str(&read("packaging/pyproject.toml")).unwrap();
    let features = wheel["tool"]["maturin"]["features"].as_array().unwrap();
    assert_eq!(features[..], [toml::Value::from("mcp")]);
    for (file, text) in [
        ("packaging/musl.sh", "cargo build --locked --profile dist --features mcp "),
        ("packaging/check-deb.sh", "--features mcp "),
        // The licences and the bill of materials.
        ("packaging/tree.py", "FEATURES = \"mcp\""),
    ] {
        assert!(read(file).contains(text), "{file}");
    }
}

#[test]
fn every_script_that_is_named_exists() {
    let mut files = vec!["README.md".to_owned(), "Cargo.toml".to_owned()];
    for folder in ["docs", ".github/workflows", "packaging"] {
        let entries = fs::read_dir(format!("{ROOT}/{folder}")).unwrap().flatten();
        let entries = entries.filter(|entry| entry.path().is_file());
        files.extend(entries.map(|entry| format!("{folder}/{}", entry.file_name().display())));
    }
    let mut named = 0;
    for file in files.iter().filter(|file| !file.ends_with(".cast")) {
        let Ok(text) = fs::read_to_string(format!("{ROOT}/{file}")) else { continue };
        for (at, _) in text.match_indices("packaging/") {
            let is_path = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
            let path: String = text[at..].chars().take_while(|c| is_path(*c)).collect();
            let path = path.trim_end_matches('.');
            assert!(Path::new(ROOT).join(path).exists(), "{file} names {path}");
            named += 1;
        }
    }
    assert!(named > 20, "{named}");
}

#[test]
fn the_release_builds_for_every_system_of_the_packages() {
    let tree = read("packaging/tree.py");
    let (_, table) = tree.split_once("TARGETS = {").unwrap();
    let (table, _) = table.split_once('}').unwrap();
    let targets: Vec<&str> =
        table.split('"').filter(|text| text.matches('-').count() >= 2).collect();
    assert_eq!(targets.len(), 7, "{targets:?}");
    let workflow = read(".github/workflows/release.yml");
    for target in targets {
        assert!(workflow.contains(&format!("target: {target},")), "{target}");
    }
}
