//! The last of what a process wrote.

use std::collections::VecDeque;
use std::io::Read;
use std::process::Child;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crate::mask::outside;

/// How much is kept, in bytes.
const MAX_TAIL: usize = 16 * 1024;
const LAST_LINES: usize = 10;
const MAX_LINE: usize = 200;

#[derive(Clone, Debug, Default)]
pub struct Tail(Arc<Mutex<VecDeque<u8>>>);

impl Tail {
    /// Reads what a process writes to its pipes.
    pub fn of(child: &mut Child) -> Tail {
        let tail = Tail::default();
        if let Some(stdout) = child.stdout.take() {
            tail.keep(stdout);
        }
        if let Some(stderr) = child.stderr.take() {
            tail.keep(stderr);
        }
        tail
    }

    /// Reads a pipe to its end in a thread of its own: a full one would stop the process.
    fn keep(&self, mut pipe: impl Read + Send + 'static) {
        let Tail(tail) = self.clone();
        thread::spawn(move || {
            let mut buffer = [0; 8192];
            while let Ok(count @ 1..) = pipe.read(&mut buffer) {
                let mut tail = tail.lock().unwrap_or_else(PoisonError::into_inner);
                tail.extend(&buffer[..count]);
                let surplus = tail.len().saturating_sub(MAX_TAIL);
                tail.drain(..surplus);
            }
        });
    }

    pub fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect()
    }

    /// The last lines, to follow a sentence.
    pub fn last_lines(&self) -> String {
        last_lines(&self.bytes())
    }
}

fn last_lines(tail: &[u8]) -> String {
    // What was cut off at its beginning may begin with a part of a key, which no search would find.
    let whole = match tail.len() < MAX_TAIL {
        true => tail,
        false => tail.iter().position(|byte| *byte == b'\n').map_or(&b""[..], |end| &tail[end..]),
    };
    let text = String::from_utf8_lossy(whole);
    let cut = |line: &str| outside(line).chars().take(MAX_LINE).collect::<String>();
    let lines: Vec<String> = text.lines().filter(|line| !line.trim().is_empty()).map(cut).collect();
    match &lines[lines.len().saturating_sub(LAST_LINES)..] {
        [] if tail.is_empty() => " and wrote nothing".to_owned(),
        [] => " and wrote no whole line".to_owned(),
        last => format!("; its last lines: {}", last.join(" | ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_was_cut_off_at_its_beginning_is_not_shown() {
        assert_eq!(last_lines(b""), " and wrote nothing");
        assert_eq!(last_lines(b"a\n\nb"), "; its last lines: a | b");
        let endless = vec![b'x'; MAX_TAIL];
        assert_eq!(last_lines(&endless), " and wrote no whole line");
        let mut cut = b"half-a-key\n".to_vec();
        cut.extend(b"y\n".repeat(MAX_TAIL));
        cut.truncate(MAX_TAIL);
        let shown = last_lines(&cut);
        assert!(shown.ends_with("y | y") && !shown.contains("half"), "{shown}");
    }
}
