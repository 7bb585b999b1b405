//! The README and the pages whose commands are more than this program and a shell.

use std::fs;

use crate::need::{CURL, GREP, MCP, PYTHON, SED, list};
use crate::readme::faults_of;

list! {
    the_readme_tells_the_truth [CURL, SED]
    the_merchants_tutorial_tells_the_truth [SED]
    the_pipelines_tutorial_tells_the_truth [GREP]
    the_testers_tutorial_tells_the_truth [CURL]
    the_agents_tutorial_tells_the_truth [MCP, PYTHON, GREP, SED]
}

fn assert_true(page: &str) {
    let path = format!("{}/{page}", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let faults = faults_of(&text);
    assert!(faults.is_empty(), "{} faults in {page}:\n\n{}", faults.len(), faults.join("\n\n"));
}

fn the_readme_tells_the_truth() {
    assert_true("README.md");
}

fn the_merchants_tutorial_tells_the_truth() {
    assert_true("docs/tutorial-merchant.md");
}

fn the_pipelines_tutorial_tells_the_truth() {
    assert_true("docs/tutorial-ci.md");
}

fn the_testers_tutorial_tells_the_truth() {
    assert_true("docs/tutorial-platform-qa.md");
}

fn the_agents_tutorial_tells_the_truth() {
    assert_true("docs/agents.md");
}
