//! Lines worked on one by one, a chunk of them at a time.

use std::io::Read;
use std::mem;

use protocol::MAX_BYTES;

use crate::error::CommandError;
use crate::lines::error::BadLine;
use crate::lines::reader::{LineChunk, LineReader};
use crate::report::batch::{BatchSummary, LineAnswer};
use crate::report::line::Line;

/// The most memory that an emptied output keeps, in bytes.
const MAX_KEPT_BYTES: usize = 4 * MAX_BYTES;

/// How many bad lines are shown to a person; the rest is counted.
pub(super) const MAX_REPORTED: usize = 20;

/// What lines give: text as it is written, and lines for a person.
#[derive(Default)]
pub struct LineOutput {
    pub text: String,
    pub rows: Vec<Line>,
}

pub trait LineWork: Send + Sync + 'static {
    type Scratch: Default;

    /// The answer; `None` where [`end`](LineWork::end) gives it.
    fn line(
        &self,
        number: u64,
        line: &[u8],
        scratch: &mut Self::Scratch,
        out: &mut LineOutput,
    ) -> Result<Option<LineAnswer>, BadLine>;

    /// Completes what the lines of a chunk have left open.
    fn end(&self, _: &mut Self::Scratch, _: &mut LineOutput, _: &mut BatchSummary) {}

    fn bad(&self, bad: &BadLine, out: &mut LineOutput);

    /// The head of a table for a person, where the lines give its rows; bad lines are among them.
    fn head(&self) -> Option<Line> {
        None
    }
}

#[derive(Default)]
pub(super) struct Chunk {
    lines: LineChunk,
    pub(super) output: LineOutput,
    /// The first bad lines, at most [`MAX_REPORTED`].
    pub(super) bad: Vec<BadLine>,
    pub(super) summary: BatchSummary,
}

impl Chunk {
    /// Works on each line that is not blank.
    pub(super) fn work<W: LineWork>(&mut self, work: &W, scratch: &mut W::Scratch) {
        if self.output.text.capacity() > MAX_KEPT_BYTES {
            self.output.text = String::new();
        }
        self.output.text.clear();
        self.output.rows.clear();
        self.bad.clear();
        self.summary = BatchSummary::default();
        while let Some((number, line)) = self.lines.next_line() {
            let answer = match line {
                Ok(line) if line.trim_ascii().is_empty() => continue,
                Ok(line) => work.line(number, line, scratch, &mut self.output),
                Err(bad) => Err(bad),
            };
            match answer {
                Ok(Some(answer)) => self.summary.count(answer),
                Ok(None) => {}
                Err(bad) => {
                    self.summary.bad += 1;
                    work.bad(&bad, &mut self.output);
                    if self.bad.len() < MAX_REPORTED {
                        self.bad.push(bad);
                    }
                }
            }
        }
        work.end(scratch, &mut self.output, &mut self.summary);
    }
}

pub(super) struct LineSource {
    reader: LineReader,
    name: String,
}

impl LineSource {
    pub(super) fn new(source: impl Read + Send + 'static, name: String) -> Self {
        LineSource { reader: LineReader::new(source), name }
    }

    /// Reads the next lines into the chunk; `None` at the end.
    pub(super) fn next(&mut self, mut chunk: Chunk) -> Result<Option<Chunk>, CommandError> {
        let lines = self.reader.next(mem::take(&mut chunk.lines)).map_err(|failure| {
            CommandError::input(format!("cannot read {}", self.name)).because(failure.error)
        })?;
        Ok(lines.map(|lines| Chunk { lines, ..chunk }))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::collections::VecDeque;
    use std::io;

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
            out: &mut LineOutput,
        ) -> Result<Option<LineAnswer>, BadLine> {
            match std::str::from_utf8(line) {
                Ok("bad") => Err(BadLine::whole(number, "bad")),
                Ok(text) if text.len() <= MAX_BYTES => {
                    out.text.push_str(&format!("{number}:{}\n", &text[..text.len().min(9)]));
                    Ok(Some(LineAnswer::Good))
                }
                _ => Err(BadLine::too_long(number)),
            }
        }

        fn bad(&self, bad: &BadLine, out: &mut LineOutput) {
            out.text.push_str(&format!("{}!\n", bad.number));
        }
    }

    fn outputs<T: AsRef<[u8]>>(pieces: &[T]) -> Vec<String> {
        let mut source = LineSource::new(Pieces::of(pieces), "test".into());
        let mut outputs = Vec::new();
        let mut spare = Chunk::default();
        while let Some(mut chunk) = source.next(spare).unwrap() {
            chunk.work(&Numbered, &mut ());
            outputs.push(std::mem::take(&mut chunk.output.text));
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
