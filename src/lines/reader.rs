//! The lines of a file or a pipe, read in bounded memory.

use std::io::{self, Read};
use std::mem;

use memchr::{memchr, memchr_iter, memrchr};
use protocol::MAX_BYTES;

use super::error::BadLine;

/// How many bytes are asked for at once; a pipe gives what it has.
const READ_BYTES: usize = 128 * 1024;

/// Whole lines, or the place of one that is too long; the memory is reused.
#[derive(Default)]
pub struct LineChunk {
    bytes: Vec<u8>,
    filled: usize,
    read: usize,
    next_line: u64,
    bad: Option<BadLine>,
}

impl LineChunk {
    /// The next line with its number from 1, without its end; a line longer than [`MAX_BYTES`] is
    /// an error in its place.
    pub fn next_line(&mut self) -> Option<(u64, Result<&[u8], BadLine>)> {
        let number = self.next_line;
        if let Some(bad) = self.bad.take() {
            return Some((number, Err(bad)));
        }
        let rest = self.bytes.get(self.read..self.filled).filter(|rest| !rest.is_empty())?;
        let length = memchr(b'\n', rest).unwrap_or(rest.len());
        self.next_line += 1;
        self.read += length + 1;
        let line = &rest[..length];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        Some((
            number,
            if line.len() > MAX_BYTES { Err(BadLine::too_long(number)) } else { Ok(line) },
        ))
    }

    fn start(&mut self, rest: &mut Vec<u8>, first_line: u64) {
        (self.next_line, self.bad) = (first_line, None);
        (self.read, self.filled) = (0, rest.len());
        self.room();
        self.bytes[..rest.len()].copy_from_slice(rest);
        rest.clear();
    }

    fn room(&mut self) -> &mut [u8] {
        let size = self.filled + READ_BYTES;
        if self.bytes.len() < size {
            self.bytes.resize(size, 0);
        }
        &mut self.bytes[self.filled..]
    }
}

#[derive(Debug, thiserror::Error)]
#[error("line {line}: cannot read on: {error}")]
pub struct ReadError {
    /// The line that was being read, from 1.
    pub line: u64,
    pub error: io::Error,
}

pub struct LineReader {
    source: Box<dyn Read + Send>,
    rest: Vec<u8>,
    next_line: u64,
    is_at_end: bool,
    max_skipped: usize,
}

impl LineReader {
    pub fn new(source: impl Read + Send + 'static) -> Self {
        LineReader {
            source: Box::new(source),
            rest: Vec::new(),
            next_line: 1,
            is_at_end: false,
            max_skipped: usize::MAX,
        }
    }

    /// Ends at a line that has no end within so many bytes: a device may have none.
    pub fn skipping_at_most(self, max_skipped: usize) -> Self {
        LineReader { max_skipped, ..self }
    }

    /// Fills the chunk with all whole lines that one read gave; `None` at the end.
    ///
    /// It waits only where not one whole line is there, so that a slow writer sees its answer.
    pub fn next(&mut self, mut chunk: LineChunk) -> Result<Option<LineChunk>, ReadError> {
        chunk.start(&mut self.rest, self.next_line);
        let mut searched = 0;
        loop {
            if let Some(last) = memrchr(b'\n', &chunk.bytes[searched..chunk.filled]) {
                let end = searched + last + 1;
                self.rest.extend_from_slice(&chunk.bytes[end..chunk.filled]);
                chunk.filled = end;
                self.next_line += memchr_iter(b'\n', &chunk.bytes[..end]).count() as u64;
                return Ok(Some(chunk));
            }
            searched = chunk.filled;
            // A carriage return is not part of the line.
            if chunk.filled > MAX_BYTES + 1 {
                self.skip_line(&mut chunk)?;
                return Ok(Some(chunk));
            }
            if self.is_at_end {
                return Ok((chunk.filled > 0).then_some(chunk));
            }
            chunk.filled += self.read(chunk.room())?;
        }
    }

    fn skip_line(&mut self, chunk: &mut LineChunk) -> Result<(), ReadError> {
        let (line, mut skipped) = (self.next_line, mem::take(&mut chunk.filled));
        self.next_line += 1;
        chunk.bad = Some(BadLine::too_long(line));
        while !self.is_at_end {
            if skipped >= self.max_skipped {
                let limit = format!("{} bytes ({} MiB)", self.max_skipped, self.max_skipped >> 20);
                let problem = format!("it has no end within {limit}; is it a file of orders?");
                chunk.bad = Some(BadLine::whole(line, problem));
                self.is_at_end = true;
                break;
            }
            let count = self.read(chunk.room())?;
            if let Some(end) = memchr(b'\n', &chunk.bytes[..count]) {
                self.rest.extend_from_slice(&chunk.bytes[end + 1..count]);
                break;
            }
            skipped += count;
        }
        Ok(())
    }

    fn read(&mut self, room: &mut [u8]) -> Result<usize, ReadError> {
        loop {
            match self.source.read(room) {
                Ok(count) => {
                    self.is_at_end = count == 0;
                    return Ok(count);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(ReadError { line: self.next_line, error }),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Pieces(Vec<Vec<u8>>);

    impl Read for Pieces {
        fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() {
                return Err(io::Error::other("unplugged"));
            }
            let piece = self.0.remove(0);
            room[..piece.len()].copy_from_slice(&piece);
            Ok(piece.len())
        }
    }

    /// The lines of each chunk; a `!` is a line that is too long.
    fn chunks(mut reader: LineReader) -> (Vec<String>, Option<ReadError>) {
        let (mut chunks, mut spare) = (Vec::new(), LineChunk::default());
        loop {
            match reader.next(spare) {
                Ok(Some(mut chunk)) => {
                    let mut text = String::new();
                    while let Some((number, line)) = chunk.next_line() {
                        let line = line.map(|line| String::from_utf8_lossy(line).into_owned());
                        let line = line.unwrap_or_else(|bad| format!("!{bad}"));
                        text += &format!("{number}:{}\n", &line[..line.len().min(50)]);
                    }
                    chunks.push(text);
                    spare = chunk;
                }
                Ok(None) => return (chunks, None),
                Err(error) => return (chunks, Some(error)),
            }
        }
    }

    #[test]
    fn lines_are_numbered_and_come_when_they_are_whole() {
        let pieces = ["a\nb", "c\r\n\n", "d"].map(|piece| piece.as_bytes().to_vec());
        let (found, error) = chunks(LineReader::new(Pieces(pieces.to_vec())));
        assert_eq!(found, ["1:a\n", "2:bc\n3:\n"]);
        let error = error.unwrap();
        assert_eq!(error.to_string(), "line 4: cannot read on: unplugged");
        let (found, error) = chunks(LineReader::new(&b"a\nb"[..]));
        assert_eq!((found, error.is_none()), (vec!["1:a\n".to_owned(), "2:b\n".to_owned()], true));
    }

    #[test]
    fn a_line_without_end_ends_the_reading_where_a_limit_is_set() {
        let reader = LineReader::new((&b"a\n"[..]).chain(io::repeat(0)));
        let (found, error) = chunks(reader.skipping_at_most(2 * MAX_BYTES));
        let told = "2:!line 2: it has no end within 2097152 bytes (2 MiB\n";
        assert_eq!((found, error.is_none()), (vec!["1:a\n".to_owned(), told.to_owned()], true));
        let text = [&vec![b'x'; 3 * MAX_BYTES][..], b"\nb\n"].concat();
        let (found, _) = chunks(LineReader::new(io::Cursor::new(text)));
        assert_eq!(found.concat(), "1:!line 1: longer than 1048576 bytes (1 MiB)\n2:b\n");
    }
}
