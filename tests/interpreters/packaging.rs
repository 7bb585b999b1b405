//! What `packaging/` makes: npm's launcher, and the scripts that need no build.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use rustix::process::Signal;
use serde_json::Value;

use crate::harness::{DEADLINE, Group, Sandbox};
use crate::need::{NODE, PYTHON, PYTHON_TOML, list};

list! {
    npm_starts_the_program_and_ends_with_its_code [NODE]
    npm_passes_signals_on_and_ends_by_those_of_the_program [NODE]
    npm_starts_the_other_program_of_linux_where_the_first_cannot_be [NODE]
    npm_says_what_is_missing [NODE]
    a_release_needs_its_tag_its_repository_and_its_changes [PYTHON]
    templates_are_filled_with_the_version_and_the_checksums [PYTHON]
    a_package_without_a_licence_text_fails [PYTHON]
    the_bill_of_materials_and_the_licences_name_what_is_compiled_in [PYTHON_TOML]
}

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const VERSION: &str = env!("CARGO_PKG_VERSION");
const LINUX: &str = "x86_64-unknown-linux-gnu";

/// npm's package as it is installed, with programs for a system that need not be this one.
struct Installed {
    sandbox: Sandbox,
}

impl Installed {
    fn new(system: &'static str) -> Installed {
        let installed = Installed { sandbox: Sandbox::new() };
        let main = installed.folder("payout-notify");
        fs::copy(format!("{ROOT}/packaging/npm/payout-notify.js"), main.join("payout-notify.js"))
            .unwrap();
        let manifest = r#"{"optionalDependencies": {"payout-notify-linux-x64": "0"}}"#;
        fs::write(main.join("package.json"), manifest).unwrap();
        // What the launcher takes for its system.
        let (platform, arch) = system.split_once('-').unwrap();
        let set = format!(
            "for (const [name, value] of [['platform', '{platform}'], ['arch', '{arch}']])
               Object.defineProperty(process, name, {{ value }});"
        );
        fs::write(installed.sandbox.work().join("system.js"), set).unwrap();
        installed
    }

    fn folder(&self, package: &str) -> PathBuf {
        let folder = self.sandbox.work().join("node_modules").join(package);
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn program(self, package: &str, script: &str) -> Installed {
        let path = self.folder(package).join("payout-notify");
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        self
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("node");
        command.current_dir(self.sandbox.work()).stdin(Stdio::null());
        command.args(["--require", "./system.js", "node_modules/payout-notify/payout-notify.js"]);
        command.args(arguments);
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn npm_starts_the_program_and_ends_with_its_code() {
    let script = "#!/bin/sh\nprintf '<%s>' \"$@\"; echo remark >&2; exit \"$1\"\n";
    let installed = Installed::new("linux-x64").program("payout-notify-linux-x64", script);
    for (code, other) in [("0", "a b"), ("1", ""), ("3", "--x=\"y\" $HOME *"), ("130", "\n")] {
        let output = installed.run(&[code, other]);
        assert_eq!(output.status.code(), Some(code.parse().unwrap()));
        assert_eq!(text(&output.stdout), format!("<{code}><{other}>"));
        assert_eq!(text(&output.stderr), "remark\n");
    }
}

fn npm_passes_signals_on_and_ends_by_those_of_the_program() {
    let signals = [(Signal::INT, "INT"), (Signal::TERM, "TERM"), (Signal::HUP, "HUP")];
    for (signal, name) in signals {
        let waits = |end: &str| {
            let script = format!(
                "#!/bin/sh\ntrap '{end}' {name}\necho ready\nwhile :; do sleep 0.05; done\n"
            );
            let installed = Installed::new("linux-x64").program("payout-notify-linux-x64", &script);
            let mut group = Group::start(installed.command(&[]).stdout(Stdio::piped())).unwrap();
            let mut line = String::new();
            let stdout = group.leader().stdout.take().unwrap();
            BufReader::new(stdout).read_line(&mut line).unwrap();
            assert_eq!(line, "ready\n");
            group.signal(signal);
            group.ends_within(DEADLINE)
        };
        assert_eq!(waits("exit 42"), Some(42), "{name}");
        let by_signal = waits(&format!("trap - {name}; kill -s {name} $$"));
        assert_eq!(by_signal, Some(128 + signal.as_raw()), "{name}");
    }
    // Node.js itself ignores this one.
    let script = "#!/bin/sh\nkill -s PIPE $$\n";
    let installed = Installed::new("linux-x64").program("payout-notify-linux-x64", script);
    assert_eq!(installed.run(&[]).status.code(), Some(128 + Signal::PIPE.as_raw()));
}

fn npm_starts_the_other_program_of_linux_where_the_first_cannot_be() {
    let foreign = "#!/nonexistent/loader\n";
    let installed = Installed::new("linux-x64")
        .program("payout-notify-linux-x64", foreign)
        .program("payout-notify-linux-x64-musl", "#!/bin/sh\nexit 7\n");
    assert_eq!(installed.run(&[]).status.code(), Some(7));
    let installed = Installed::new("linux-arm64")
        .program("payout-notify-linux-arm64-musl", "#!/bin/sh\nexit 8\n");
    assert_eq!(installed.run(&[]).status.code(), Some(8));
    let installed = Installed::new("linux-x64").program("payout-notify-linux-x64", foreign);
    let output = installed.run(&[]);
    assert_eq!(output.status.code(), Some(4));
    assert!(text(&output.stderr).starts_with("error: cannot start "), "{output:?}");
}

fn npm_says_what_is_missing() {
    for (system, error, hint) in [
        (
            "linux-x64",
            "the package payout-notify-linux-x64 is not installed",
            "npm install --include=optional payout-notify",
        ),
        ("sunos-x64", "there is no program for sunos on x64", "cargo install payout-notify"),
        ("linux-s390x", "there is no program for linux on s390x", "cargo install payout-notify"),
    ] {
        let output = Installed::new(system).run(&["demo"]);
        assert_eq!(output.status.code(), Some(4), "{system}");
        assert_eq!(text(&output.stderr), format!("error: {error}\n  hint: {hint}\n"));
        assert!(output.stdout.is_empty());
    }
}

fn script(name: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new("python3");
    command.arg(format!("{ROOT}/packaging/{name}")).args(arguments).stdin(Stdio::null());
    command.env("PYTHONDONTWRITEBYTECODE", "1").output().unwrap()
}

fn a_release_needs_its_tag_its_repository_and_its_changes() {
    let output = script("check-release.py", &["v99.0.0", "https://code.example/o/payout-notify"]);
    assert_eq!(output.status.code(), Some(1));
    let stderr = text(&output.stderr);
    assert!(stderr.contains(&format!("the tag is v99.0.0, the version in Cargo.toml {VERSION}\n")));
    assert!(stderr.contains("needs `repository = \"https://code.example/o/payout-notify\"`"));
}

fn templates_are_filled_with_the_version_and_the_checksums() {
    let sandbox = Sandbox::new();
    let folder = sandbox.work();
    let ends = [
        "x86_64-unknown-linux-musl.tar.gz",
        "aarch64-unknown-linux-musl.tar.gz",
        "x86_64-apple-darwin.tar.gz",
        "aarch64-apple-darwin.tar.gz",
        "x86_64-pc-windows-msvc.zip",
    ];
    let arguments = [folder.to_str().unwrap(), "https://code.example/o/payout-notify/"];
    for end in ends {
        let output = script("release.py", &arguments);
        assert_eq!(output.status.code(), Some(1), "{end}");
        assert!(text(&output.stderr).ends_with(" is missing\n"), "{output:?}");
        fs::write(folder.join(format!("payout-notify-{VERSION}-{end}")), end).unwrap();
    }
    // Twice: the checksums do not name their own file.
    for _ in 0..2 {
        let output = script("release.py", &arguments);
        assert!(output.status.success(), "{output:?}");
    }
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    let (formula, scoop, sums) =
        (read("payout-notify.rb"), read("payout-notify.json"), read("SHA256SUMS"));
    let downloads = format!("https://code.example/o/payout-notify/releases/download/v{VERSION}");
    for end in ends {
        let url = format!("\"{downloads}/payout-notify-{VERSION}-{end}\"");
        let (_, after) = [&formula, &scoop].iter().find_map(|text| text.split_once(&url)).unwrap();
        let checksum = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(end));
        let next = after.lines().nth(1).unwrap();
        assert!(next.contains(&checksum), "{end}: {next}");
        assert!(sums.contains(&format!("{checksum}  payout-notify-{VERSION}-{end}\n")));
    }
    assert!(!formula.contains('@') && !scoop.contains('@'));
    assert_eq!(sums.lines().count(), ends.len() + 2);
    assert_eq!(serde_json::from_str::<Value>(&scoop).unwrap()["version"], VERSION);
}

fn the_bill_of_materials_and_the_licences_name_what_is_compiled_in() {
    let output = script("sbom.py", &[LINUX]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let components = document["components"].as_array().unwrap();
    let is_there = |name: &str| components.iter().any(|component| component["name"] == name);
    for name in ["payout-notify-protocol", "ring", "rmcp", "rustls", "libsqlite3-sys", "sqlite"] {
        assert!(is_there(name), "{name}");
    }
    // What only tests, build scripts or other systems need is not compiled in.
    for name in ["proptest", "clap_mangen", "cc", "windows-sys"] {
        assert!(!is_there(name), "{name}");
    }
    let refs = |value: &Value| value["bom-ref"].as_str().unwrap().to_owned();
    let mut known: Vec<String> = components.iter().map(refs).collect();
    known.push(refs(&document["metadata"]["component"]));
    for dependency in document["dependencies"].as_array().unwrap() {
        for used in dependency["dependsOn"].as_array().unwrap() {
            assert!(known.iter().any(|one| one == used), "{used}");
        }
    }
    let output = script("licences.py", &[LINUX]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let licences = text(&output.stdout);
    for component in components.iter().filter(|component| component["name"] != "sqlite") {
        let (name, version) = (&component["name"], &component["version"]);
        let heading = format!("\n{} {}: ", name.as_str().unwrap(), version.as_str().unwrap());
        let is_own = name == "payout-notify-protocol";
        assert!(is_own || licences.contains(&heading), "{heading}");
    }
    assert!(licences.contains("The Rust Standard Library is dual-licensed"));
}

fn a_package_without_a_licence_text_fails() {
    let code = format!(
        "import licences\n\
         texts = licences.texts\n\
         licences.texts = lambda one: [] if one['name'] in ('ring', 'asn1-rs') else texts(one)\n\
         licences.collect('{LINUX}')"
    );
    let mut command = Command::new("python3");
    command.args(["-c", &code]).current_dir(format!("{ROOT}/packaging")).stdin(Stdio::null());
    let output = command.env("PYTHONDONTWRITEBYTECODE", "1").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let stderr = text(&output.stderr);
    // The text of asn1-rs is that of another package from its repository.
    assert!(stderr.starts_with("licences: no text for ring 0."), "{stderr}");
    assert!(stderr.ends_with(" (Apache-2.0 AND ISC)\n"), "{stderr}");
}
