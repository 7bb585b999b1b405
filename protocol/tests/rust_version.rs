//! The minimum Rust version: the highest that a dependency declares, and not higher.
#![allow(clippy::unwrap_used, reason = "a test that cannot continue has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

const PACKAGE: &str = "payout-notify-protocol";

/// The workspace with every feature, for this platform: for others cargo would have to download
/// what no build here needs.
fn metadata() -> Value {
    let rustc = Command::new("rustc").arg("-vV").output().unwrap();
    let version = String::from_utf8(rustc.stdout).unwrap();
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let cargo = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--all-features"])
        .args(["--filter-platform", host])
        .args(["--manifest-path", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")])
        .output()
        .unwrap();
    assert!(
        cargo.status.success(),
        "cargo metadata failed; download the dependencies with `cargo fetch --locked` first:\n{}",
        String::from_utf8_lossy(&cargo.stderr)
    );
    serde_json::from_slice(&cargo.stdout).unwrap()
}

fn by_id(entries: &Value) -> BTreeMap<&str, &Value> {
    let entries = entries.as_array().unwrap();
    entries.iter().map(|entry| (entry["id"].as_str().unwrap(), entry)).collect()
}

/// Whether a resolved dependency is compiled into a user of this package: every one but those for
/// its own tests.
fn is_compiled(dependency: &Value) -> bool {
    dependency["dep_kinds"].as_array().unwrap().iter().any(|kind| kind["kind"] != "dev")
}

/// A version such as `1.88` or `1.88.0` as numbers that compare.
fn parse(version: &str) -> [u32; 3] {
    let mut parts = [0; 3];
    for (part, number) in parts.iter_mut().zip(version.split('.')) {
        *part = number.parse().unwrap_or_else(|_| panic!("the rust-version {version:?}"));
    }
    parts
}

#[test]
fn the_rust_version_is_the_highest_of_the_dependencies() {
    let metadata = metadata();
    let packages = by_id(&metadata["packages"]);
    let nodes = by_id(&metadata["resolve"]["nodes"]);
    let own = packages.iter().find(|(_, package)| package["name"] == PACKAGE).unwrap();
    let (mut pending, mut found) = (vec![*own.0], BTreeSet::new());
    while let Some(id) = pending.pop() {
        if found.insert(id) {
            let dependencies = nodes[id]["deps"].as_array().unwrap();
            let compiled = dependencies.iter().filter(|dependency| is_compiled(dependency));
            pending.extend(compiled.map(|dependency| dependency["pkg"].as_str().unwrap()));
        }
    }
    found.remove(own.0);
    let names: Vec<&str> = found.iter().map(|id| packages[id]["name"].as_str().unwrap()).collect();
    for expected in ["sha2", "encoding_rs", "toml", "quick-xml"] {
        assert!(names.contains(&expected), "{expected} is not in {names:?}");
    }
    assert!(!names.contains(&"proptest"), "{names:?}");
    let declared = parse(own.1["rust_version"].as_str().unwrap());
    let versions = found.iter().filter_map(|id| {
        let package = packages[id];
        let version = parse(package["rust_version"].as_str()?);
        Some((version, package["name"].as_str().unwrap()))
    });
    let (highest, name) = versions.max().unwrap();
    assert_eq!(declared, highest, "rust-version of {PACKAGE} (left) and of {name} (right)");
}
