//! What a test needs of the machine, and the list of a module's tests.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use libtest_mimic::{Completion, Trial};

/// A program, from a version on.
pub(crate) struct Need {
    program: &'static str,
    /// The arguments with which it prints its version, and fails where it is of no use.
    probe: &'static [&'static str],
    least: (u32, u32),
    /// Why it cannot be used; looked up once.
    lack: OnceLock<Option<String>>,
}

/// Any version: as POSIX has it.
const ANY: (u32, u32) = (0, 0);

const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");

pub(crate) static AWK: Need = Need::new("awk", &["BEGIN { exit 0 }"], ANY);
pub(crate) static BASH: Need = Need::new("bash", &["--version"], (3, 2));
pub(crate) static CURL: Need = Need::new("curl", &["--version"], (7, 0));
pub(crate) static DASH: Need = Need::new("dash", &["-c", ":"], ANY);
// --no-config.
pub(crate) static FISH: Need = Need::new("fish", &["--version"], (3, 3));
pub(crate) static GO: Need = Need::new("go", &["version"], (1, 19));
pub(crate) static GREP: Need = Need::new("grep", &["-c", "", README], ANY);
pub(crate) static JAVA: Need = Need::new("java", &["-version"], (17, 0));
pub(crate) static JAVAC: Need = Need::new("javac", &["-version"], (17, 0));
/// The console of JUnit 5, from the jars in CLASSPATH.
pub(crate) static JUNIT: Need =
    Need::new("java", &["org.junit.platform.console.ConsoleLauncher", "--help"], ANY);
pub(crate) static MAKE: Need = Need::new("make", &["--version"], (3, 81));
/// This program with the server for agents: at the end of stdin that ends well.
pub(crate) static MCP: Need = Need::new(env!("CARGO_BIN_EXE_payout-notify"), &["mcp"], ANY);
// Mono's compiler takes a lone file; dotnet wants a project around it, and a place to restore from.
pub(crate) static MCS: Need = Need::new("mcs", &["--version"], (6, 0));
pub(crate) static MONO: Need = Need::new("mono", &["--version"], (6, 0));
pub(crate) static NEWMAN: Need = Need::new("newman", &["--version"], (6, 0));
pub(crate) static NODE: Need = Need::new("node", &["--version"], (18, 0));
pub(crate) static PHP: Need = Need::new("php", &["--version"], (8, 1));
/// PHP that can turn itself into its server.
pub(crate) static PHP_PCNTL: Need = Need::new(
    "php",
    &["-r", "echo PHP_VERSION; exit(function_exists('pcntl_exec') ? 0 : 1);"],
    (8, 1),
);
pub(crate) static PHPUNIT: Need = Need::new("phpunit", &["--version"], (9, 0));
pub(crate) static PYTEST: Need =
    Need::new("python3", &["-c", "import pytest; print(pytest.__version__)"], (7, 0));
pub(crate) static PYTHON: Need = Need::new("python3", &["--version"], (3, 8));
/// Python that opens terminals.
pub(crate) static PYTHON_PTY: Need =
    Need::new("python3", &["-c", "import platform, pty; print(platform.python_version())"], (3, 9));
/// Python that validates XML by the schema whose path `JUNIT_SCHEMA` holds.
pub(crate) static PYTHON_LXML: Need = Need::new(
    "python3",
    &["-c", "import lxml, os; open(os.environ['JUNIT_SCHEMA']); print(lxml.__version__)"],
    (4, 0),
);
/// Python with a client for the Model Context Protocol.
pub(crate) static PYTHON_MCP: Need = Need::new(
    "python3",
    &["-c", "import jsonschema, mcp, platform; print(platform.python_version())"],
    (3, 10),
);
/// Python that validates JSON by a schema, and OpenAPI documents.
pub(crate) static PYTHON_SCHEMAS: Need = Need::new(
    "python3",
    &["-c", "import jsonschema, openapi_spec_validator as it; print(it.__version__)"],
    (0, 7),
);
/// Python that reads TOML.
pub(crate) static PYTHON_TOML: Need = Need::new(
    "python3",
    &["-c", "import platform, tomllib; print(platform.python_version())"],
    (3, 11),
);
/// Python that reads YAML.
pub(crate) static PYTHON_YAML: Need =
    Need::new("python3", &["-c", "import yaml; print(yaml.__version__)"], (3, 0));
pub(crate) static SED: Need = Need::new("sed", &["-n", "1p", README], ANY);
pub(crate) static VITEST: Need = Need::new("vitest", &["--version"], (1, 0));
/// Zsh that opens terminals.
pub(crate) static ZSH: Need =
    Need::new("zsh", &["-f", "-c", "zmodload zsh/zpty && print $ZSH_VERSION"], (5, 0));

impl Need {
    const fn new(program: &'static str, probe: &'static [&'static str], least: (u32, u32)) -> Need {
        Need { program, probe, least, lack: OnceLock::new() }
    }

    /// Why a test cannot have it.
    fn lack(&self) -> Option<&str> {
        self.lack.get_or_init(|| self.look()).as_deref()
    }

    fn look(&self) -> Option<String> {
        let Need { program, probe, least: (major, minor), .. } = self;
        let shown = || format!("{program} {}", probe.join(" "));
        let output = Command::new(program).args(*probe).stdin(Stdio::null()).output();
        let Ok(output) = output else { return Some(format!("{program} is not installed")) };
        if !output.status.success() {
            return Some(format!("`{}` fails", shown()));
        }
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text);
        match version(&text) {
            _ if self.least == ANY => None,
            Some(found) if found >= self.least => None,
            None => Some(format!("`{}` prints no version: {text:?}", shown())),
            Some((old, older)) => {
                Some(format!("{program} {major}.{minor} or later needed, found {old}.{older}"))
            }
        }
    }
}

/// The first number in a text, and the one after its point.
fn version(text: &str) -> Option<(u32, u32)> {
    let start = text.find(|c: char| c.is_ascii_digit())?;
    let number = |text: &str| {
        let digits = text.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
        Some((digits.parse().ok()?, text[digits.len()..].to_owned()))
    };
    let (major, rest) = number(&text[start..])?;
    let minor = rest.strip_prefix('.').and_then(|rest| Some(number(rest)?.0));
    Some((major, minor.unwrap_or(0)))
}

/// A test that is ignored where it cannot have what it needs.
pub(crate) fn trial(module: &str, name: &str, needs: Vec<&'static Need>, run: fn()) -> Trial {
    let (_, module) = module.split_once("::").expect("a module of this crate");
    Trial::ignorable_test(format!("{module}::{name}"), move || {
        if let Some(why) = needs.iter().find_map(|need| need.lack()) {
            return Ok(Completion::ignored_with(why));
        }
        run();
        Ok(Completion::Completed)
    })
}

/// The tests of a module, each with what it needs besides a POSIX shell: `name [NEED, NEED]`.
macro_rules! list {
    ($($name:ident [$($need:ident),*])*) => {
        pub(crate) fn tests() -> Vec<libtest_mimic::Trial> {
            vec![$(crate::need::trial(
                module_path!(),
                stringify!($name),
                vec![$(&$need),*],
                $name,
            )),*]
        }
    };
}
pub(crate) use list;

list! {
    a_version_is_the_first_number_and_the_one_after_its_point []
    what_is_missing_or_too_old_is_said []
    every_test_is_in_a_list []
}

fn a_version_is_the_first_number_and_the_one_after_its_point() {
    for (text, found) in [
        ("go version go1.19.8 linux/amd64", Some((1, 19))),
        ("openjdk version \"17\" 2021-09-14", Some((17, 0))),
        ("javac 1.8.0_362", Some((1, 8))),
        ("v22.4.1\n", Some((22, 4))),
        ("fish, version 3.6.0", Some((3, 6))),
        ("Mono C# compiler version 6.8.0.105", Some((6, 8))),
        ("version 5.", Some((5, 0))),
        ("no number", None),
        ("99999999999", None),
        ("", None),
    ] {
        assert_eq!(version(text), found, "{text}");
    }
}

fn what_is_missing_or_too_old_is_said() {
    let lack = |program, probe, least| Need::new(program, probe, least).look();
    assert_eq!(lack("sh", &["-c", "echo sh 1.19.8"], (1, 19)), None);
    for (program, probe, least, why) in [
        ("no-such-program", &["--version"][..], (0, 0), "no-such-program is not installed"),
        ("sh", &["-c", "exit 1"], (0, 0), "`sh -c exit 1` fails"),
        ("sh", &["-c", "echo sh 1.18"], (1, 19), "sh 1.19 or later needed, found 1.18"),
        ("sh", &["-c", "echo 9.9 >&2"], (10, 0), "sh 10.0 or later needed, found 9.9"),
        ("sh", &["-c", "echo hello"], (1, 0), "`sh -c echo hello` prints no version: \"hello\\n\""),
    ] {
        assert_eq!(lack(program, probe, least).as_deref(), Some(why));
    }
}

/// The compiler drops a function with Rust's own attribute without a word.
fn every_test_is_in_a_list() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interpreters");
    let attribute = ["#[", "test]"].concat();
    let mut folders = vec![folder];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                assert!(!text.contains(&attribute), "{} has {attribute}", path.display());
            }
        }
    }
}
