//! A program in the path of a URL, for a quick try.

use super::error::{ErrorPlace, ProgramError, ProgramProblem};
use super::{MAX_PROGRAM_BYTES, ReplyProgram};

const PREFIX: &str = "/reply/";

/// The program that a request's path asks for, such as `/reply/503` or `/reply/hang%2035s`. The
/// path is percent-decoded once, and its query is not part of the program.
pub fn path_program(path: &str) -> Option<Result<ReplyProgram, ProgramError>> {
    let encoded = path.strip_prefix(PREFIX)?;
    let encoded = encoded.split(['?', '#']).next().unwrap_or(encoded);
    // Three characters may stand for one byte.
    if encoded.len() > 3 * MAX_PROGRAM_BYTES {
        return Some(Err(ErrorPlace { text: encoded, byte: 0 }.wrong(ProgramProblem::TooLong)));
    }
    Some(decode(encoded).and_then(|text| ReplyProgram::parse(&text)))
}

fn decode(encoded: &str) -> Result<String, ProgramError> {
    let bytes = encoded.as_bytes();
    let digit = |at: usize| {
        let digit = char::from(*bytes.get(at)?).to_digit(16)?;
        u8::try_from(digit).ok()
    };
    let wrong = |byte| ErrorPlace { text: encoded, byte }.wrong(ProgramProblem::Path);
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        if *byte == b'%' {
            let (Some(high), Some(low)) = (digit(at + 1), digit(at + 2)) else {
                return Err(wrong(at));
            };
            decoded.push(high * 16 + low);
            at += 3;
        } else {
            decoded.push(*byte);
            at += 1;
        }
    }
    String::from_utf8(decoded).map_err(|_| wrong(0))
}
