//! The only room that prints: the answer to stdout, everything else to stderr.

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};
use std::panic;
use std::time::Duration;

use crate::error::{CommandError, ErrorKind};
use crate::mask;
use crate::report::line::{Line, Role, Width};
use crate::report::summary::DeliverySummary;
use crate::report::text::sanitize;
use crate::settings::{ColorMode, Environment};

pub mod progress;
pub mod sanitize;
pub mod stall;
pub mod theme;
pub mod width;
mod wrap;

use progress::Progress;
use sanitize::abridge;
use stall::Watched;
use theme::{Device, Theme};

/// The most characters of one span that a line shows; a longer one loses its middle.
///
/// A callback may carry megabytes in one field, and no person reads them.
pub const LONGEST_SPAN: usize = 4096;

/// The most characters of a line that passes, so that it needs one line of a terminal.
const STATUS_WIDTH: usize = 76;

const CLEAR_LINE: &str = "\r\x1b[2K";

/// The two streams of a run: the answer, and remarks about it.
///
/// Every line for a person is cleaned on its way out: keys become `[key]`, hidden characters become
/// escapes, endless spans lose their middle. One line is one write, so lines of several processes
/// do not mix.
pub struct Console {
    answers: OutputStream,
    remarks: OutputStream,
    canvas: Device,
    progress: Option<Progress>,
    has_status: bool,
}

struct OutputStream {
    sink: Box<dyn Write + Send>,
    device: Device,
    theme: Theme,
}

impl Console {
    pub fn new(mode: ColorMode, environment: &Environment) -> Self {
        let (stdout, stderr) = (io::stdout(), io::stderr());
        let takes_sequences = theme::takes_sequences();
        let device = |is_terminal| match is_terminal && takes_sequences {
            true => Device::Terminal,
            false => Device::Other,
        };
        let (answers, remarks) = (device(stdout.is_terminal()), device(stderr.is_terminal()));
        let stream = |sink: Box<dyn Write + Send>, device| OutputStream {
            sink,
            device,
            theme: Theme::choose(mode, device, environment),
        };
        Console {
            answers: stream(Box::new(Watched(stdout)), answers),
            remarks: stream(Box::new(Watched(stderr)), remarks),
            canvas: if environment.dumb_terminal { Device::Other } else { remarks },
            progress: None,
            has_status: false,
        }
    }

    #[cfg(any(test, fuzzing))]
    pub fn over(
        answers: impl Write + Send + 'static,
        remarks: impl Write + Send + 'static,
        mode: ColorMode,
    ) -> Self {
        let theme = Theme::choose(mode, Device::Other, &Environment::default());
        Console {
            answers: OutputStream { sink: Box::new(answers), device: Device::Other, theme },
            remarks: OutputStream { sink: Box::new(remarks), device: Device::Other, theme },
            canvas: Device::Other,
            progress: None,
            has_status: false,
        }
    }

    pub fn answers_a_terminal(&self) -> bool {
        self.answers.device == Device::Terminal
    }

    pub fn answer_width(&self) -> Width {
        width::of_stdout(self.answers.device)
    }

    pub fn answer(&mut self, line: &Line) -> io::Result<()> {
        let text = render(self.answers.theme, line, self.answer_width());
        self.answer_bytes(text.as_bytes())
    }

    /// Writes bytes for a machine to stdout, exactly as they are, at once.
    pub fn answer_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        let answers = &mut self.answers;
        let mut write = || {
            answers.sink.write_all(bytes)?;
            answers.sink.flush()
        };
        // A bar shares its line with stdout only where both lead to the terminal.
        match &self.progress {
            Some(progress) if answers.device == Device::Terminal => progress.suspend(write),
            _ => write(),
        }
    }

    /// Writes text that a person or a machine may read to stdout, with a newline at its end.
    ///
    /// A pipe gets every byte; a terminal gets each line sanitized, and nothing abridged.
    pub fn answer_text(&mut self, text: &str) -> io::Result<()> {
        if self.answers.device == Device::Other && text.ends_with('\n') {
            return self.answer_bytes(text.as_bytes());
        }
        let text = text.strip_suffix('\n').unwrap_or(text);
        let shown: String = match self.answers.device {
            Device::Other => format!("{text}\n"),
            Device::Terminal => text.lines().map(|line| format!("{}\n", sanitize(line))).collect(),
        };
        self.answer_bytes(shown.as_bytes())
    }

    /// Writes one line about the run to stderr; a stderr that cannot be written is ignored.
    pub fn note(&mut self, line: &Line) {
        let text = render(self.remarks.theme, line, width::of_stderr(self.remarks.device));
        let sink = &mut self.remarks.sink;
        match &self.progress {
            Some(progress) => progress.suspend(|| put(sink, &text)),
            None => put(sink, &text),
        }
    }

    /// Writes blocks of dim lines to stderr, from any task at any time; a bar would be in the way, so
    /// there is none from then on.
    pub fn tracer(&mut self) -> impl Fn(&[String]) + Send + Sync + use<> {
        self.canvas = Device::Other;
        let theme = self.remarks.theme;
        move |lines| {
            let lines =
                lines.iter().map(|line| render(theme, &Line::new().dim(line), Width::Endless));
            // Nobody could be told of a failure here, and the answer does not depend on it.
            let _ = Watched(io::stderr()).write_all(lines.collect::<String>().as_bytes());
        }
    }

    pub fn can_ask(&self) -> bool {
        self.remarks.device == Device::Terminal
    }

    pub fn question(&mut self, line: &Line) {
        let text = render(self.remarks.theme, line, width::of_stderr(self.remarks.device));
        put(&mut self.remarks.sink, &format!("{} ", text.trim_end_matches('\n')));
    }

    /// Shows on stderr how far a run is, `elapsed` after its start; it may be called at any time.
    ///
    /// A terminal gets a live line, which makes way for every other until [`Console::end_progress`];
    /// anything else gets a line of text every ten seconds.
    pub fn progress(&mut self, summary: &DeliverySummary, elapsed: Duration) {
        let canvas = self.canvas;
        let progress = self.progress.get_or_insert_with(|| Progress::new(canvas));
        if let Some(line) = progress.update(summary, elapsed) {
            self.note(&line);
        }
    }

    /// Whether progress is a line that is drawn again and again, and not a log.
    pub fn has_live_line(&self) -> bool {
        self.canvas == Device::Terminal
    }

    pub fn end_progress(&mut self) {
        self.progress = None;
    }

    pub fn status(&mut self, text: &str) {
        if self.canvas != Device::Terminal {
            return;
        }
        let line = Line::new().dim(text.chars().take(STATUS_WIDTH).collect::<String>());
        let text = render(self.remarks.theme, &line, Width::Endless);
        self.has_status = true;
        put(&mut self.remarks.sink, &format!("{CLEAR_LINE}{}", text.trim_end_matches('\n')));
    }

    pub fn end_status(&mut self) {
        if std::mem::take(&mut self.has_status) {
            put(&mut self.remarks.sink, CLEAR_LINE);
        }
    }

    pub fn warning(&mut self, text: &str) {
        self.note(&Line::new().warn("warning:").plain(" ").plain(text.to_owned()));
    }

    /// Writes an error to stderr: `error: …`, then each cause, then each hint.
    ///
    /// A broken pipe is no failure, so nothing is written for it.
    pub fn error(&mut self, error: &CommandError) {
        if error.kind == ErrorKind::BrokenPipe {
            return;
        }
        self.note(&Line::new().bad("error:").plain(" ").plain(&error.message));
        let mut chain = error.chain();
        // A wrapper that adds nothing repeats the message below it.
        chain.dedup();
        for cause in chain.into_iter().skip(1) {
            self.note(&Line::new().plain("  ").dim("caused by:").plain(" ").plain(cause));
        }
        for hint in &error.hints {
            self.note(&Line::new().plain("  ").accent("hint:").plain(" ").plain(hint));
        }
    }
}

/// Shows what a panic says without the keys that the process knows.
pub fn hide_keys_in_panics() {
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |info| match mask::outside(&info.to_string()) {
        // Nobody could be told of a failure here.
        Cow::Owned(masked) => drop(writeln!(io::stderr(), "{masked}")),
        Cow::Borrowed(_) => usual(info),
    }));
}

/// Writes to stderr at once. Nobody could be told of a failure, and the answer does not depend on it.
fn put(sink: &mut impl Write, text: &str) {
    let _ = sink.write_all(text.as_bytes());
    let _ = sink.flush();
}

fn render(theme: Theme, line: &Line, width: Width) -> String {
    let mut texts: Vec<String> = line.spans.iter().map(|span| span.text.clone()).collect();
    mask::in_pieces(&mut texts);
    for text in &mut texts {
        *text = sanitize(text).into_owned();
    }
    // Escaping can spell a key that holds such an escape, and cutting could halve one: so the
    // search comes again, and before the cut.
    mask::in_pieces(&mut texts);
    let shown: Vec<_> = texts.iter().map(|text| abridge(text, LONGEST_SPAN)).collect();
    let roles = line.spans.iter().map(|span| span.role);
    let spans: Vec<(Role, &str)> = roles.zip(shown.iter().map(|text| &**text)).collect();
    let mut out = String::new();
    for line in wrap::wrap(&spans, width) {
        for (role, text) in line {
            theme.paint(role_of(role, &text), &text, &mut out);
        }
        out.push('\n');
    }
    out
}

fn role_of(role: Role, text: &str) -> Role {
    if text.trim_start_matches(' ').is_empty() { Role::Plain } else { role }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::Untrusted;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Captured {
        bytes: Arc<Mutex<Vec<u8>>>,
        writes: Arc<Mutex<usize>>,
        broken: Option<io::ErrorKind>,
    }

    impl Captured {
        fn text(&self) -> String {
            String::from_utf8(self.bytes.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Captured {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if let Some(kind) = self.broken {
                return Err(kind.into());
            }
            *self.writes.lock().unwrap() += 1;
            self.bytes.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn console(mode: ColorMode) -> (Console, Captured, Captured) {
        let (answers, remarks) = (Captured::default(), Captured::default());
        (Console::over(answers.clone(), remarks.clone(), mode), answers, remarks)
    }

    #[test]
    fn an_answer_is_one_sanitized_line_in_one_write() {
        let (mut console, answers, remarks) = console(ColorMode::Auto);
        console.answer(&Line::new().good("yes").plain(" a\nb\u{1b}[2J\u{202e}")).unwrap();
        assert_eq!(answers.text(), "yes a\\nb\\u{1b}[2J\\u{202e}\n");
        assert_eq!(*answers.writes.lock().unwrap(), 1);
        assert_eq!(remarks.text(), "");
    }

    #[test]
    fn an_answer_reaches_its_reader_through_a_buffer_at_once() {
        let answers = Captured::default();
        let buffered = io::BufWriter::new(answers.clone());
        let mut console = Console::over(buffered, io::sink(), ColorMode::Auto);
        console.answer(&Line::new().plain("ready")).unwrap();
        assert_eq!(answers.text(), "ready\n");
        console.answer_bytes(b"{}\n").unwrap();
        assert_eq!(answers.text(), "ready\n{}\n");
    }

    #[test]
    fn colours_surround_the_sanitized_text() {
        let (mut console, answers, _) = console(ColorMode::Always);
        console.answer(&Line::new().bad("no\x1b[0m").dim("  ").plain(" why")).unwrap();
        assert_eq!(answers.text(), "\x1b[1;31mno\\u{1b}[0m\x1b[0m   why\n");
    }

    #[test]
    fn bytes_for_a_machine_stay_as_they_are() {
        let (mut console, answers, _) = console(ColorMode::Always);
        mask::remember(b"secret-of-a-console");
        console.answer_bytes(b"\x1b\xff secret-of-a-console").unwrap();
        assert_eq!(*answers.bytes.lock().unwrap(), b"\x1b\xff secret-of-a-console");
    }

    #[test]
    fn the_key_never_reaches_a_line() {
        let (mut console, answers, remarks) = console(ColorMode::Never);
        mask::remember(b"sec\x1bret");
        let outside = |text: &str| text.to_owned();
        let split = Line::new()
            .plain(outside("S&sec"))
            .strong(outside("\x1bret"))
            .plain(outside(" sec\\u{1b}ret"));
        console.answer(&split).unwrap();
        console.note(&split);
        console.warning("sec\x1bret");
        console.error(
            &CommandError::input("bad sec\x1bret")
                .because(io::Error::other("sec\x1bret"))
                .hint("not sec\x1bret"),
        );
        assert_eq!(answers.text(), "S&[key] [key]\n");
        let (lines, shown) = (remarks.text(), answers.text());
        assert_eq!(lines.matches("[key]").count(), 6, "{lines}");
        assert!(!lines.contains("ret") && !shown.contains("ret"), "{lines}");
    }

    #[test]
    fn a_key_spelled_as_an_escape_is_found_after_sanitizing() {
        let (mut console, answers, _) = console(ColorMode::Never);
        mask::remember(b"a\\u{1b}b");
        console.answer(&Line::new().plain("a\x1bb".to_owned())).unwrap();
        assert_eq!(answers.text(), "[key]\n");
    }

    #[test]
    fn a_word_of_ours_stays_and_the_same_word_from_outside_does_not() {
        let (mut console, answers, _) = console(ColorMode::Never);
        mask::remember(b"ordinary");
        let line = Line::new().good("ordinary").plain(format!(" {}", "ordinary"));
        console.answer(&line.plain(Untrusted::new(" memo=ordinary"))).unwrap();
        assert_eq!(answers.text(), "ordinary ordinary memo=[key]\n");
    }

    #[test]
    fn an_endless_span_loses_its_middle() {
        let (mut console, answers, _) = console(ColorMode::Never);
        console.answer(&Line::new().plain("memo=").plain("\u{1}".repeat(1_000_000))).unwrap();
        let shown = answers.text();
        assert!(shown.chars().count() <= LONGEST_SPAN + "memo=\n".len());
        assert!(shown.contains(" characters)…"));
    }

    #[test]
    fn an_error_names_its_causes_and_then_its_hints() {
        let (mut console, _, remarks) = console(ColorMode::Never);
        let cause = CommandError::input("line 1\nline 2").because(io::Error::other("no space"));
        let error = CommandError::environment("cannot write")
            .because(cause)
            .hint("Use --output.")
            .hint("Or free some space.");
        console.error(&error);
        assert_eq!(
            remarks.text(),
            "error: cannot write\n  caused by: line 1\\nline 2: no space\n  caused by: no space\n  \
             hint: Use --output.\n  hint: Or free some space.\n"
        );
    }

    #[test]
    fn a_broken_pipe_is_no_error_to_speak_of() {
        let (mut console, _, remarks) = console(ColorMode::Never);
        console.error(&CommandError::output(io::ErrorKind::BrokenPipe.into()));
        console.warning("late");
        assert_eq!(remarks.text(), "warning: late\n");
    }

    #[test]
    fn progress_is_a_remark_and_never_an_answer() {
        let (mut console, answers, remarks) = console(ColorMode::Never);
        let summary = crate::report::summary::sample::summary(50);
        for second in 0..25 {
            console.progress(&summary, Duration::from_secs(second));
        }
        console.answer(&Line::new().plain("between")).unwrap();
        console.end_progress();
        assert_eq!((answers.text().as_str(), remarks.text().lines().count()), ("between\n", 2));
        assert!(remarks.text().starts_with("progress, 10.0 s: 50 of 50 orders ended"));
    }

    #[test]
    fn text_is_sanitized_for_a_terminal_only() {
        for (device, text, shown) in [
            (Device::Other, "a\x1b[2J\u{202e}", "a\x1b[2J\u{202e}\n"),
            (Device::Other, "a\tb\n\n", "a\tb\n\n"),
            (Device::Terminal, "a\x1b[2J\n\tb", "a\\u{1b}[2J\n\\tb\n"),
            (Device::Terminal, "a\u{202e}\nb\n", "a\\u{202e}\nb\n"),
        ] {
            let (mut console, answers, _) = console(ColorMode::Never);
            console.answers.device = device;
            console.answer_text(text).unwrap();
            assert_eq!(answers.text(), shown);
        }
    }

    #[test]
    fn a_question_is_asked_where_stderr_is_a_terminal() {
        for (device, can_ask) in [(Device::Other, false), (Device::Terminal, true)] {
            let (mut console, answers, remarks) = console(ColorMode::Never);
            console.remarks.device = device;
            assert_eq!(console.can_ask(), can_ask);
            console.question(&Line::new().plain("Write it? [y/N]"));
            assert_eq!((answers.text(), remarks.text().as_str()), ("".into(), "Write it? [y/N] "));
        }
    }

    #[test]
    fn a_status_takes_one_line_of_a_terminal_and_leaves_nothing_behind() {
        for (canvas, shown) in [(Device::Other, ""), (Device::Terminal, "\r\x1b[2Kcase 1")] {
            let (mut console, _, remarks) = console(ColorMode::Never);
            console.canvas = canvas;
            console.end_status();
            console.status("case 1");
            assert_eq!(remarks.text(), shown);
            console.end_status();
            console.end_status();
            let cleared = if shown.is_empty() { "" } else { CLEAR_LINE };
            assert_eq!(remarks.text(), format!("{shown}{cleared}"));
        }
        let (mut console, _, remarks) = console(ColorMode::Never);
        console.canvas = Device::Terminal;
        console.status(&"é\n".repeat(60));
        assert_eq!(remarks.text(), format!("{CLEAR_LINE}{}", "é\\n".repeat(38)));
    }

    #[test]
    fn progress_that_ended_begins_again() {
        let (mut console, _, remarks) = console(ColorMode::Never);
        let summary = crate::report::summary::sample::summary(50);
        for (second, lines) in [(9, 0), (10, 1), (15, 1)] {
            console.progress(&summary, Duration::from_secs(second));
            assert_eq!(remarks.text().lines().count(), lines);
        }
        console.end_progress();
        console.progress(&summary, Duration::from_secs(15));
        assert_eq!(remarks.text().lines().count(), 2);
    }

    #[cfg(unix)]
    #[test]
    fn a_bar_makes_way_for_what_shares_its_terminal() {
        use std::io::Read;
        use std::os::unix::net::UnixStream;
        let summary = crate::report::summary::sample::summary(50);
        for (device, makes_way) in [(Device::Terminal, true), (Device::Other, false)] {
            let (screen, mut shown) = UnixStream::pair().unwrap();
            let mut console =
                Console::over(screen.try_clone().unwrap(), io::sink(), ColorMode::Never);
            console.answers.device = device;
            console.progress = Some(Progress::on(screen));
            console.progress(&summary, Duration::from_secs(1));
            console.answer(&Line::new().plain("between")).unwrap();
            let mut bytes = [0; 4096];
            let length = shown.read(&mut bytes).unwrap();
            let text = String::from_utf8_lossy(&bytes[..length]);
            let (before, after) = text.split_once("between\n").unwrap();
            assert_eq!((before.ends_with("\r\x1b[2K"), !after.is_empty()), (makes_way, makes_way));
        }
    }

    #[test]
    fn a_panic_shows_no_key() {
        // A hook is the whole process's, so the panic happens in another.
        const CHILD: &str = "PAYOUT_NOTIFY_TEST_PANICS";
        if std::env::var_os(CHILD).is_some() {
            mask::remember(b"key-in-a-panic");
            hide_keys_in_panics();
            panic!("it holds key-in-a-panic");
        }
        let name = "terminal::tests::a_panic_shows_no_key";
        let mut child = std::process::Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "--nocapture", name]).env(CHILD, "1");
        let output = child.output().unwrap();
        let shown = String::from_utf8_lossy(&output.stderr);
        assert!(shown.contains("it holds [key]") && !shown.contains("key-in-a-panic"), "{shown}");
        assert!(!output.status.success());
    }

    #[test]
    fn only_a_broken_stdout_is_reported() {
        let broken = Captured { broken: Some(io::ErrorKind::BrokenPipe), ..Captured::default() };
        let mut console = Console::over(broken.clone(), broken, ColorMode::Never);
        console.note(&Line::new().plain("lost"));
        let refused = console.answer(&Line::new().plain("lost")).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::BrokenPipe);
    }
}
