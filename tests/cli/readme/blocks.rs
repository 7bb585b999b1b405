//! The commands of a Markdown text, with the output that it promises.

/// How a block's commands are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// One after the other.
    Foreground,
    /// One command that starts before the next block.
    Background,
}

/// A command with its promised output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// The line in the text, from 1.
    pub(super) line: usize,
    /// What the shell gets.
    pub(super) command: String,
    /// The lines below it, without blank lines at the end.
    pub(super) expected: Vec<String>,
}

/// A fenced block of commands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Block {
    /// How it is run.
    pub(super) mode: Mode,
    /// Its commands, at least one.
    pub(super) steps: Vec<Step>,
}

/// Every block of commands; a text without any is an error, for it would prove nothing.
pub(super) fn parse(text: &str) -> Result<Vec<Block>, String> {
    let mut lines = (1..).zip(text.lines());
    let mut blocks = Vec::new();
    while let Some((line, text)) = lines.next() {
        let Some((fence, tag)) = opening(text) else { continue };
        let mut body = Vec::new();
        loop {
            let (line, text) = lines.next().ok_or(format!("line {line}: a fence without end"))?;
            if text.trim() == fence {
                break;
            }
            body.push((line, text));
        }
        let mode = match tag.split_whitespace().collect::<Vec<_>>()[..] {
            ["console"] => Mode::Foreground,
            ["console", "background"] => Mode::Background,
            ["console", ..] => return Err(format!("line {line}: the tag {tag:?} is unknown")),
            _ => continue,
        };
        blocks.push(Block { mode, steps: steps(line, &body)? });
    }
    check(&blocks)?;
    Ok(blocks)
}

/// The fence and the tag of a line that opens a fenced block, however deep in a list it stands.
fn opening(line: &str) -> Option<(String, &str)> {
    let line = line.trim();
    let length = line.len() - line.trim_start_matches('`').len();
    (length >= 3 && !line[length..].contains('`'))
        .then(|| ("`".repeat(length), line[length..].trim()))
}

fn steps(line: usize, body: &[(usize, &str)]) -> Result<Vec<Step>, String> {
    let mut steps: Vec<Step> = Vec::new();
    let mut continued = false;
    for (line, text) in body {
        if let Some(step) = steps.last_mut().filter(|_| continued) {
            let text = text.strip_prefix("> ").unwrap_or(text);
            step.command = format!("{}\n{text}", step.command);
            continued = text.ends_with('\\');
        } else if let Some(command) = text.strip_prefix("$ ") {
            steps.push(Step { line: *line, command: command.to_owned(), expected: Vec::new() });
            continued = command.ends_with('\\');
        } else if let Some(step) = steps.last_mut() {
            step.expected.push((*text).to_owned());
        } else if !text.trim().is_empty() {
            return Err(format!("line {line}: output before any command"));
        }
    }
    for step in &mut steps {
        while step.expected.last().is_some_and(|text| text.trim().is_empty()) {
            step.expected.pop();
        }
    }
    if steps.is_empty() {
        Err(format!("line {line}: a block without a command"))
    } else {
        Ok(steps)
    }
}

fn check(blocks: &[Block]) -> Result<(), String> {
    if blocks.is_empty() {
        return Err("no command was found".to_owned());
    }
    for (index, block) in blocks.iter().enumerate() {
        let line = block.steps.first().map_or(0, |step| step.line);
        if block.mode == Mode::Background {
            if block.steps.len() != 1 {
                return Err(format!("line {line}: expected one command in the background"));
            }
            if blocks.get(index + 1).is_none_or(|next| next.mode == Mode::Background) {
                return Err(format!("line {line}: no block follows the one in the background"));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(line: usize, command: &str, expected: &[&str]) -> Step {
        let expected = expected.iter().map(|text| (*text).to_owned()).collect();
        Step { line, command: command.to_owned(), expected }
    }

    #[test]
    fn commands_have_their_output() {
        let text = "x\n```console\n$ a\none\n\ntwo\n\n$ b\n```\n\
                    ```json\n$ no\n```\n- item\n\n   ```console background\n$ c \\\n> d\n   ```\n\
                    ````console\n$ e\n```\n````\n";
        let blocks = parse(text).unwrap();
        assert_eq!(blocks.len(), 3);
        assert_eq!(blocks[0].steps, [step(3, "a", &["one", "", "two"]), step(8, "b", &[])]);
        assert_eq!((blocks[1].mode, blocks[0].mode), (Mode::Background, Mode::Foreground));
        assert_eq!(blocks[1].steps, [step(16, "c \\\nd", &[])]);
        assert_eq!(blocks[2].steps, [step(20, "e", &["```"])]);
    }

    #[test]
    fn what_cannot_be_run_is_an_error() {
        for (text, why) in [
            ("", "no command"),
            ("```sh\n$ a\n```", "no command"),
            ("```console\n$ a\n", "without end"),
            ("```console\nout\n$ a\n```", "line 2: output before"),
            ("```console\n```", "without a command"),
            ("```console backgroud\n$ a\n```", "unknown"),
            ("```console background\n$ a\n$ b\n```\n```console\n$ c\n```", "one command"),
            ("```console background\n$ a\n```", "no block follows"),
            ("```console background\n$ a\n```\n```console background\n$ b\n```", "no block"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
