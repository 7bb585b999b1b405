//! From a text to a program.

use std::sync::Arc;
use std::time::Duration;

use protocol::internal::nearest::nearest;

use super::action::{Action, ActionKind, Content, Crafted, LONGEST_WAIT, Manner};
use super::error::{ErrorPlace, ProgramError, ProgramProblem, shown};
use super::near_miss::{self, SAMPLES};
use super::render::FRAMING;
use super::token::{Token, tokens, unquote};
use super::{Alternative, MAX_PROGRAM_BYTES, MAX_REPEAT, MAX_STEPS, ReplyProgram, Step};
use crate::receiver::server::handler_output::WireEnd;
use crate::units::duration::parse_duration;
use crate::units::percent::Percent;

const WORDS: &[&str] = &[
    "auto",
    "ok",
    "fail",
    "refuse",
    "code:",
    "body:",
    "header:",
    "redirect",
    "delay",
    "drip",
    "hang",
    "close",
    "reset",
    "length",
    "truncated",
];

const MAX_LENGTH_DIFFERENCE: i64 = 1_000_000_000_000;

pub(super) fn program(text: &str) -> Result<ReplyProgram, ProgramError> {
    if text.len() > MAX_PROGRAM_BYTES {
        return Err(ErrorPlace { text, byte: 0 }.wrong(ProgramProblem::TooLong));
    }
    let mut parser = Parser { text, tokens: tokens(text)?, next: 0 };
    let mut steps = Vec::new();
    loop {
        if steps.len() == MAX_STEPS {
            return Err(parser.here(ProgramProblem::TooMany));
        }
        steps.push(parser.step()?);
        match parser.take() {
            None => return Ok(ReplyProgram { steps }),
            Some(Token::Comma) => (),
            Some(_) => return Err(parser.before(ProgramProblem::AfterRepeat)),
        }
    }
}

struct Parser<'t> {
    text: &'t str,
    tokens: Vec<(usize, Token<'t>)>,
    next: usize,
}

impl<'t> Parser<'t> {
    fn peek(&self) -> Option<Token<'t>> {
        self.tokens.get(self.next).map(|(_, token)| *token)
    }

    fn take(&mut self) -> Option<Token<'t>> {
        let token = self.peek();
        self.next += usize::from(token.is_some());
        token
    }

    fn take_word(&mut self, fits: impl FnOnce(&str) -> bool) -> Option<&'t str> {
        let word = match self.peek()? {
            Token::Word(word) if fits(word) => word,
            _ => return None,
        };
        self.next += 1;
        Some(word)
    }

    fn at(&self, token: usize, problem: ProgramProblem) -> ProgramError {
        let end = self.text.trim_end().len();
        let byte = self.tokens.get(token).map_or(end, |(byte, _)| *byte);
        ErrorPlace { text: self.text, byte }.wrong(problem)
    }

    fn here(&self, problem: ProgramProblem) -> ProgramError {
        self.at(self.next, problem)
    }

    fn before(&self, problem: ProgramProblem) -> ProgramError {
        self.at(self.next.saturating_sub(1), problem)
    }

    fn step(&mut self) -> Result<Step, ProgramError> {
        let mut alternatives: Vec<Alternative> = Vec::new();
        let mut sum = 0;
        loop {
            if alternatives.len() == MAX_STEPS {
                return Err(self.here(ProgramProblem::TooMany));
            }
            if alternatives.last().is_some_and(|last| last.chance.is_none()) {
                return Err(self.here(ProgramProblem::Unreachable));
            }
            let start = self.next;
            let alternative = self.alternative()?;
            sum += alternative.chance.map_or(0, |chance| chance.millionths());
            if sum > Percent::ALL.millionths() {
                return Err(self.at(start, ProgramProblem::ChanceSum));
            }
            alternatives.push(alternative);
            if self.peek() != Some(Token::Bar) {
                break;
            }
            self.next += 1;
        }
        Ok(Step { alternatives, repeat: self.repeat()? })
    }

    fn repeat(&mut self) -> Result<u64, ProgramError> {
        if self.peek() != Some(Token::Star) {
            return Ok(1);
        }
        self.next += 1;
        let is_number = |word: &&str| word.bytes().all(|byte| byte.is_ascii_digit());
        let count = self.take_word(|_| true).filter(is_number).and_then(|word| word.parse().ok());
        count
            .filter(|count| (1..=MAX_REPEAT).contains(count))
            .ok_or_else(|| self.before(ProgramProblem::Repeat))
    }

    fn alternative(&mut self) -> Result<Alternative, ProgramError> {
        let chance = match self.take_word(|word| word.ends_with('%') && !word.contains(':')) {
            Some(word) => {
                let wrong = || self.before(ProgramProblem::Chance(shown(word)));
                Some(word.parse::<Percent>().map_err(|_| wrong())?)
            }
            None => None,
        };
        let mut draft = Draft::default();
        let start = self.next;
        while let Some(word) = self.take_word(|_| true) {
            self.word(word, &mut draft)?;
        }
        if self.next == start {
            return Err(self.here(ProgramProblem::Missing));
        }
        Ok(Alternative { chance, action: Arc::new(draft.action(self)?) })
    }

    fn word(&mut self, word: &str, draft: &mut Draft) -> Result<(), ProgramError> {
        let at = self.next - 1;
        let problem = match word {
            "auto" => draft.content(Content::Usual),
            "ok" => draft.content(Content::Success),
            "refuse" => draft.content(Content::Code("0004".to_owned())),
            "redirect" => draft.content(Content::Redirect),
            "fail" => draft.status(500),
            "truncated" => draft.manner(Manner::Cut(WireEnd::Close)),
            "delay" => {
                let time = self.duration("delay")?;
                set(&mut draft.delay, time, "delay")
            }
            "drip" => {
                let pace = self.duration("drip")?;
                draft.manner(Manner::Drip(pace))
            }
            "length" => {
                let by = self.difference()?;
                draft.manner(Manner::Length(by))
            }
            "hang" => {
                let is_timed = matches!(self.peek(), Some(Token::Word(next))
                    if next.starts_with(|first: char| first.is_ascii_digit() || first == '.'));
                let time = if is_timed { Some(self.duration("hang")?) } else { None };
                draft.silence(ActionKind::Hang(time), "hang", at)
            }
            "close" => self.end(WireEnd::Close, "close", draft),
            "reset" => self.end(WireEnd::Reset, "reset", draft),
            _ if word.bytes().all(|byte| byte.is_ascii_digit()) => status(word, draft),
            _ => valued(word, draft),
        };
        problem.map_err(|problem| self.at(at, problem))
    }

    fn end(&mut self, end: WireEnd, word: &'static str, draft: &mut Draft) -> Set {
        let at = self.next - 1;
        match self.take_word(|next| next == "mid") {
            Some(_) => draft.manner(Manner::Cut(end)),
            None => draft.silence(ActionKind::End(end), word, at),
        }
    }

    fn duration(&mut self, of: &'static str) -> Result<Duration, ProgramError> {
        let Some(word) = self.take_word(|_| true) else {
            return Err(self.before(ProgramProblem::NoDuration(of)));
        };
        let is_time = word.starts_with(|first: char| first.is_ascii_digit() || first == '.');
        if !is_time {
            return Err(self.before(ProgramProblem::NoDuration(of)));
        }
        // Its own errors repeat the text.
        let time = parse_duration(&shown(word))
            .map_err(|error| self.before(ProgramProblem::Duration(error)))?;
        if !(Duration::from_millis(1)..=LONGEST_WAIT).contains(&time) {
            return Err(self.before(ProgramProblem::DurationRange(of)));
        }
        Ok(time)
    }

    fn difference(&mut self) -> Result<i64, ProgramError> {
        let word = self.take_word(|word| word.starts_with(['+', '-']));
        word.and_then(|word| word.parse::<i64>().ok())
            .filter(|by| *by != 0 && (-MAX_LENGTH_DIFFERENCE..=MAX_LENGTH_DIFFERENCE).contains(by))
            .ok_or_else(|| self.before(ProgramProblem::Length))
    }
}

type Set = Result<(), ProgramProblem>;

#[derive(Default)]
struct Draft {
    delay: Option<Duration>,
    status: Option<u16>,
    headers: Vec<(String, String)>,
    content: Option<Content>,
    manner: Option<Manner>,
    silence: Option<(ActionKind, &'static str, usize)>,
}

fn set<T>(slot: &mut Option<T>, value: T, what: &'static str) -> Set {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(ProgramProblem::Twice(what)),
    }
}

impl Draft {
    fn content(&mut self, content: Content) -> Set {
        set(&mut self.content, content, "what is answered")
    }

    fn status(&mut self, status: u16) -> Set {
        set(&mut self.status, status, "a status")
    }

    fn manner(&mut self, manner: Manner) -> Set {
        set(&mut self.manner, manner, "how the reply is sent")
    }

    fn silence(&mut self, kind: ActionKind, word: &'static str, at: usize) -> Set {
        set(&mut self.silence, (kind, word, at), "what is done instead of a reply")
    }

    fn action(self, parser: &Parser<'_>) -> Result<Action, ProgramError> {
        let delay = self.delay.unwrap_or_default();
        if let Some((kind, word, at)) = self.silence {
            let has_reply = self.status.is_some()
                || !self.headers.is_empty()
                || self.content.is_some()
                || self.manner.is_some();
            if has_reply {
                return Err(parser.at(at, ProgramProblem::Silent(word)));
            }
            return Ok(Action { delay, kind });
        }
        let content = self.content.unwrap_or(match self.status {
            Some(_) => Content::Plain,
            None => Content::Usual,
        });
        let manner = self.manner.unwrap_or_default();
        let reply = Crafted { status: self.status, headers: self.headers, content, manner };
        Ok(Action { delay, kind: ActionKind::Reply(reply) })
    }
}

fn status(word: &str, draft: &mut Draft) -> Set {
    let status = word.parse().ok().filter(|status| word.len() == 3 && (200..=999).contains(status));
    draft.status(status.ok_or_else(|| ProgramProblem::Status(shown(word)))?)
}

fn valued(word: &str, draft: &mut Draft) -> Set {
    match word.split_once(':') {
        Some(("body", "")) => Err(ProgramProblem::NoBody),
        Some(("body", value)) => {
            let text = unquote(value).map_err(ProgramProblem::Quoted)?;
            draft.content(Content::Text(text))
        }
        Some(("code", code)) => {
            let is_code =
                (1..=16).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_alphanumeric());
            if !is_code {
                return Err(ProgramProblem::Code);
            }
            draft.content(Content::Code(code.to_owned()))
        }
        Some(("header", header)) => {
            draft.headers.push(self::header(header)?);
            Ok(())
        }
        _ => match near_miss::named(word) {
            Some(sample) => draft.content(Content::Sample(sample)),
            None => Err(unknown(word)),
        },
    }
}

fn header(text: &str) -> Result<(String, String), ProgramProblem> {
    let (name, value) = text.split_once('=').ok_or(ProgramProblem::Header)?;
    let value = unquote(value).map_err(ProgramProblem::Quoted)?;
    let is_name = !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.!#$%&'+^`~".contains(&b));
    let is_value = value.bytes().all(|byte| byte == b'\t' || !byte.is_ascii_control());
    if !is_name || !is_value {
        return Err(ProgramProblem::Header);
    }
    if FRAMING.contains(&name.to_ascii_lowercase().as_str()) {
        return Err(ProgramProblem::Framing(name.to_owned()));
    }
    Ok((name.to_owned(), value))
}

fn unknown(word: &str) -> ProgramProblem {
    if word.ends_with('%') {
        return ProgramProblem::ChanceNotFirst;
    }
    // Of a word with a value only the name can be misspelled.
    let name = word.find(':').map_or(word, |colon| &word[..=colon]);
    let known = WORDS.iter().copied().chain(SAMPLES.iter().map(|sample| sample.name));
    ProgramProblem::Unknown { word: shown(word), nearest: nearest(name, known) }
}
