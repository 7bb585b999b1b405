//! Whole lines in bounded chunks: read from a source, worked on one by one.

use std::io::{self, Read};

use memchr::{memchr, memchr_iter, memrchr};
use protocol::MAX_BYTES;

use crate::error::CommandError;
use crate::lines::error::BadLine;
use crate::report::batch::{BatchSummary, LineAnswer};

/// How many bytes are asked for at once; a pipe gives what it has.
const READ_BYTES: usize = 128 * 1024;

const KEPT_BYTES: usize = 4 << 20;

/// How many bad lines are told to a person; the rest is counted.
pub(super) const MOST_REPORTED: usize = 20;

pub trait LineWork: Send + Sync + 'static {
    type Scratch: Default;

    fn line(
        &self,
        number: u64,
        line: &[u8],
        scratch: &mut Self::Scratch,
        out: &mut String,
    ) -> Result<LineAnswer, BadLine>;

    fn bad(&self, bad: &BadLine, out: &mut String);
}

#[derive(Default)]
pub(super) struct Chunk {
    input: Vec<u8>,
    filled: usize,
    /// It stands for one line that was longer than [`MAX_BYTES`], whose bytes were thrown away.
    is_too_long: bool,
    first_line: u64,
    pub(super) output: String,
    /// The first bad lines, at most [`MOST_REPORTED`].
    pub(super) bad: Vec<BadLine>,
    pub(super) summary: BatchSummary,
}

impl Chunk {
    fn start(&mut self, rest: &mut Vec<u8>, first_line: u64) {
        if self.output.capacity() > KEPT_BYTES {
            self.output = String::new();
        }
        self.output.clear();
        self.bad.clear();
        self.summary = BatchSummary::default();
        self.is_too_long = false;
        self.first_line = first_line;
        self.filled = rest.len();
        self.room();
        self.input[..rest.len()].copy_from_slice(rest);
        rest.clear();
    }

    fn room(&mut self) -> &mut [u8] {
        let wanted = self.filled + READ_BYTES;
        if self.input.len() < wanted {
            self.input.resize(wanted, 0);
        }
        &mut self.input[self.filled..]
    }

    pub(super) fn work<W: LineWork>(&mut self, work: &W, scratch: &mut W::Scratch) {
        if self.is_too_long {
            return self.refuse(work, BadLine::too_long(self.first_line));
        }
        let (mut number, mut start) = (self.first_line, 0);
        while start < self.filled {
            let rest = &self.input[start..self.filled];
            let length = memchr(b'\n', rest).unwrap_or(rest.len());
            let line = rest[..length].strip_suffix(b"\r").unwrap_or(&rest[..length]);
            if !line.trim_ascii().is_empty() {
                match work.line(number, line, scratch, &mut self.output) {
                    Ok(answer) => self.summary.count(answer),
                    Err(bad) => self.refuse(work, bad),
                }
            }
            number += 1;
            start += length + 1;
        }
    }

    fn refuse(&mut self, work: &impl LineWork, bad: BadLine) {
        self.summary.bad += 1;
        work.bad(&bad, &mut self.output);
        if self.bad.len() < MOST_REPORTED {
            self.bad.push(bad);
        }
    }
}

pub(super) struct LineSource {
    source: Box<dyn Read + Send>,
    name: String,
    rest: Vec<u8>,
    next_line: u64,
    at_end: bool,
}

impl LineSource {
    pub(super) fn new(source: impl Read + Send + 'static, name: String) -> Self {
        LineSource { source: Box::new(source), name, rest: Vec::new(), next_line: 1, at_end: false }
    }

    /// Fills the chunk with all whole lines that one read gave; `None` at the end.
    ///
    /// It waits only where not one whole line is there, so that a slow writer sees its answer.
    pub(super) fn next(&mut self, mut chunk: Chunk) -> Result<Option<Chunk>, CommandError> {
        chunk.start(&mut self.rest, self.next_line);
        let mut searched = 0;
        loop {
            if let Some(last) = memrchr(b'\n', &chunk.input[searched..chunk.filled]) {
                let end = searched + last + 1;
                self.rest.extend_from_slice(&chunk.input[end..chunk.filled]);
                chunk.filled = end;
                self.next_line += memchr_iter(b'\n', &chunk.input[..end]).count() as u64;
                return Ok(Some(chunk));
            }
            searched = chunk.filled;
            // A carriage return is no part of the line.
            if chunk.filled > MAX_BYTES + 1 {
                self.skip_line(&mut chunk)?;
                return Ok(Some(chunk));
            }
            if self.at_end {
                return Ok((chunk.filled > 0).then_some(chunk));
            }
            chunk.filled += self.read(chunk.room())?;
        }
    }

    fn skip_line(&mut self, chunk: &mut Chunk) -> Result<(), CommandError> {
        chunk.is_too_long = true;
        chunk.filled = 0;
        self.next_line += 1;
        while !self.at_end {
            let count = self.read(chunk.room())?;
            if let Some(end) = memchr(b'\n', &chunk.input[..count]) {
                self.rest.extend_from_slice(&chunk.input[end + 1..count]);
                break;
            }
        }
        Ok(())
    }

    fn read(&mut self, room: &mut [u8]) -> Result<usize, CommandError> {
        loop {
            match self.source.read(room) {
                Ok(count) => {
                    self.at_end = count == 0;
                    return Ok(count);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    let message = format!("cannot read {}", self.name);
                    return Err(CommandError::input(message).because(error));
                }
            }
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::collections::VecDeque;

    pub(in crate::commands::lines) struct Pieces(pub VecDeque<Vec<u8>>);

    impl Pieces {
        pub(in crate::commands::lines) fn of<T: AsRef<[u8]>>(pieces: &[T]) -> Self {
            Pieces(pieces.iter().map(|piece| piece.as_ref().to_vec()).collect())
        }
    }

    impl Read for Pieces {
        fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
            let Some(mut piece) = self.0.pop_front() else { return Ok(0) };
            let count = piece.len().min(room.len());
            room[..count].copy_from_slice(&piece[..count]);
            if count < piece.len() {
                self.0.push_front(piece.split_off(count));
            }
            Ok(count)
        }
    }

    pub(in crate::commands::lines) struct Numbered;

    impl LineWork for Numbered {
        type Scratch = ();

        fn line(
            &self,
            number: u64,
            line: &[u8],
            (): &mut (),
            out: &mut String,
        ) -> Result<LineAnswer, BadLine> {
            match std::str::from_utf8(line) {
                Ok("bad") => Err(BadLine::whole(number, "bad")),
                Ok(text) if text.len() <= MAX_BYTES => {
                    out.push_str(&format!("{number}:{}\n", &text[..text.len().min(9)]));
                    Ok(LineAnswer::Good)
                }
                _ => Err(BadLine::too_long(number)),
            }
        }

        fn bad(&self, bad: &BadLine, out: &mut String) {
            out.push_str(&format!("{}!\n", bad.number));
        }
    }

    fn outputs<T: AsRef<[u8]>>(pieces: &[T]) -> Vec<String> {
        let mut source = LineSource::new(Pieces::of(pieces), "test".into());
        let mut outputs = Vec::new();
        let mut spare = Chunk::default();
        while let Some(mut chunk) = source.next(spare).unwrap() {
            chunk.work(&Numbered, &mut ());
            outputs.push(std::mem::take(&mut chunk.output));
            spare = chunk;
        }
        outputs
    }

    #[test]
    fn blank_lines_count_and_give_nothing() {
        assert_eq!(outputs(&["a\n\n \r\nb\r\nc"]).concat(), "1:a\n4:b\n5:c\n");
        assert_eq!(outputs(&["", "x"]), [""; 0]);
        assert_eq!(outputs(&["\n"]).concat(), "");
    }

    #[test]
    fn a_line_comes_out_when_it_is_whole() {
        assert_eq!(outputs(&["a\nb", "c\n", "d", "e"]), ["1:a\n", "2:bc\n", "3:de\n"]);
    }

    #[test]
    fn an_endless_line_is_thrown_away_and_the_next_one_is_not() {
        let long = vec![b'x'; MAX_BYTES + 2];
        assert_eq!(
            outputs(&[b"a\n", &long[..], &long[..], b"x\nbad\nb\n", b"c\n"]).concat(),
            "1:a\n2!\n3!\n4:b\n5:c\n"
        );
        assert_eq!(outputs(&[&long[..]]).concat(), "1!\n");
    }

    #[test]
    fn the_limit_leaves_room_for_the_line_end() {
        let mut longest = vec![b'x'; MAX_BYTES];
        longest.extend(b"\r\nb");
        assert_eq!(outputs(&[&longest[..]]).concat(), "1:xxxxxxxxx\n2:b\n");
        longest.insert(0, b'x');
        assert_eq!(outputs(&[&longest[..]]).concat(), "1!\n2:b\n");
    }
}
