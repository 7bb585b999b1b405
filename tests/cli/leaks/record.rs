//! What was read of a run's outputs, and the kinds that there are.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::LazyLock;

use clap::Command;
use serde_json::Value;

use super::{forms, markup};
use crate::harness::{Output, Program, payout_notify};

/// The arguments that choose what is written: each of their values is a kind of its own.
const SHAPING: [&str; 5] = ["format", "print", "to", "lang", "shell"];

/// One text that the program put out.
pub(super) struct Text {
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) text: String,
}

/// The outputs of all runs under one key.
pub(super) struct Record {
    pub(super) key: &'static str,
    pub(super) texts: Vec<Text>,
}

impl Record {
    pub(super) fn add(&mut self, kind: &str, name: &str, text: &str) {
        let text = checked(kind, name, text);
        self.texts.push(Text { kind: kind.to_owned(), name: name.to_owned(), text });
    }

    /// Runs a command line under the key.
    pub(super) fn run(&mut self, arguments: &[&str], change: impl FnOnce(Program) -> Program) {
        let program = change(payout_notify(arguments).key(self.key));
        self.output(arguments, &program.run());
    }

    pub(super) fn output(&mut self, arguments: &[&str], output: &Output) {
        let kind = kind(arguments);
        // The key is in the name too: it must be the same under each.
        let name =
            arguments.join(" ").replace(self.key, "K").replace(&forms::in_url(self.key), "U");
        assert!(output.code != 101 && output.code < 130, "{name}: {output}");
        self.add(&format!("{kind} > stdout"), &name, &output.stdout);
        self.add(&format!("{kind} > stderr"), &name, &output.stderr);
    }

    /// The report files of a folder, by the beginning of their names.
    pub(super) fn files(&mut self, command: &str, folder: &Path) {
        for file in std::fs::read_dir(folder).unwrap().flatten() {
            let name = file.file_name().into_string().unwrap_or_default();
            if let Some(format) = name.strip_prefix("report.") {
                let text = std::fs::read_to_string(file.path()).unwrap();
                self.add(&format!("{command} --report={format}"), "", &text);
            }
        }
    }
}

/// Fails where the text is not what it claims to be; gives it without the bodies that are passed on.
#[track_caller]
fn checked(kind: &str, name: &str, text: &str) -> String {
    let is_markup = kind.ends_with("html") || kind.ends_with("junit") || kind == "page /";
    if is_markup && let Err(fault) = markup::check(text) {
        panic!("{kind} {name}: {fault}");
    }
    let is_lines = kind.contains("=json > stdout") || kind.ends_with("=ndjson > stdout");
    let is_json = is_lines || ["=json", "=ndjson", "=sarif"].iter().any(|end| kind.ends_with(end));
    if kind == "sign --print=body > stdout" {
        // It is to be sent as it is.
        return String::new();
    }
    if !is_json {
        return text.to_owned();
    }
    let whole: Result<Value, _> = serde_json::from_str(text);
    if whole.is_ok() && !is_lines {
        return text.to_owned();
    }
    let mut shown = String::new();
    for line in text.lines() {
        let mut value: Value = serde_json::from_str(line)
            .unwrap_or_else(|error| panic!("{kind} {name}: {error}: {line:?}"));
        shown += &match value["type"].as_str() {
            Some("callback" | "inbox-entry") => {
                value["body"].take();
                value["body_base64"].take();
                value.to_string()
            }
            _ => line.to_owned(),
        };
        shown.push('\n');
    }
    shown
}

fn commands() -> &'static [(String, Command)] {
    static FOUND: LazyLock<Vec<(String, Command)>> = LazyLock::new(defined_commands);
    &FOUND
}

fn defined_commands() -> Vec<(String, Command)> {
    let mut root = payout_notify::command().disable_help_subcommand(true);
    root.build();
    let mut found = Vec::new();
    leaves("", &root, &mut found);
    found
}

fn leaves(path: &str, command: &Command, found: &mut Vec<(String, Command)>) {
    for child in command.get_subcommands() {
        let path = format!("{path} {}", child.get_name()).trim_start().to_owned();
        if child.has_subcommands() {
            leaves(&path, child, found);
        } else {
            found.push((path, child.clone()));
        }
    }
}

/// The flag of an argument, or nothing for one by place, and the names of its values.
type Argument = (Option<String>, String);

/// Each command with its arguments.
pub(super) fn arguments() -> Vec<(String, Vec<Argument>)> {
    let of = |command: &Command| {
        let values = command.get_arguments().filter(|it| it.get_action().takes_values());
        values
            .map(|it| {
                let names = it.get_value_names().unwrap_or_default();
                let names: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
                (it.get_long().map(str::to_owned), names.join(" "))
            })
            .collect()
    };
    commands().iter().map(|(path, command)| (path.clone(), of(command))).collect()
}

/// The values of an argument that shape an output, and its default.
fn shapes(command: &Command) -> Option<(String, Vec<String>, Option<String>)> {
    let mut arguments = command.get_arguments();
    let argument = arguments.find(|it| {
        SHAPING.contains(&it.get_long().unwrap_or(it.get_id().as_str()))
            && !it.get_possible_values().is_empty()
    })?;
    let values = argument.get_possible_values();
    let values = values.iter().map(|value| value.get_name().to_owned()).collect();
    let default = argument.get_default_values().first();
    let default = default.map(|it| it.to_string_lossy().into_owned());
    let name = argument.get_long().unwrap_or(argument.get_id().as_str());
    Some((name.to_owned(), values, default))
}

/// What a command line writes: the command, and the choice of its output.
fn kind(arguments: &[&str]) -> String {
    let commands = commands();
    let line = arguments.join(" ");
    let is_prefix = |path: &str| line == path || line.starts_with(&format!("{path} "));
    let Some((path, command)) = commands.iter().find(|(path, _)| is_prefix(path)) else {
        return "usage".to_owned();
    };
    let Some((name, values, default)) = shapes(command) else { return path.clone() };
    let is_flag = arguments.iter().any(|it| *it == format!("--{name}"));
    let mut chosen = arguments
        .iter()
        .zip(arguments.iter().skip(1))
        .filter(|(flag, _)| !is_flag || **flag == format!("--{name}"));
    let value = chosen.find_map(|(_, value)| values.iter().find(|it| it == value)).cloned();
    match value.or(default) {
        Some(value) => format!("{path} --{name}={value}"),
        None => path.clone(),
    }
}

/// Each kind of output that the program's own definition of its command line has.
pub(super) fn kinds() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (path, command) in commands() {
        let mut choices = Vec::new();
        let shapes = shapes(command);
        if let Some((name, values, _)) = &shapes {
            choices.extend(values.iter().map(|value| format!("{path} --{name}={value}")));
        }
        // Nothing, or a wrong value, is chosen where there is no default.
        if shapes.is_none_or(|(.., default)| default.is_none()) {
            choices.push(path.clone());
        }
        for kind in choices {
            found.insert(format!("{kind} > stdout"));
            found.insert(format!("{kind} > stderr"));
        }
        if command.get_arguments().any(|it| it.get_id() == "report") {
            let words: Vec<&str> =
                path.split(' ').chain(["http://h/", "--report", "x=y"]).collect();
            let refused = payout_notify(&words).run();
            let (_, list) = refused.stderr.split_once("there are ").expect("the known reports");
            let names = list.lines().next().unwrap_or_default().replace(" and ", ", ");
            found.extend(names.split(", ").map(|name| format!("{path} --report={name}")));
        }
    }
    found
}
