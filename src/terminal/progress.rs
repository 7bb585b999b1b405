//! How a run's progress is shown on stderr; the only file that names the progress library.

use std::io;
use std::time::Duration;

use console::Term;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};

use super::stall;
use super::theme::Device;
use crate::report::line::Line;
use crate::report::progress::{LiveLine, ProgressFigures, ProgressMeter};
use crate::report::summary::DeliverySummary;

const BAR_EVERY: Duration = Duration::from_millis(100);

const BAR_HERTZ: u8 = 20;

/// The columns at the end of the live line that are left free: a terminal echoes `^C` there, twice at
/// most. In a full line the echo would take the next one, and the bar would not find its own again.
const ECHO_COLUMNS: u16 = 4;

/// How often a line appears where there is no terminal, at most: a log should stay a log.
const LINE_EVERY: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub struct Progress {
    look: Look,
    meter: ProgressMeter,
    next: Duration,
}

#[derive(Debug)]
enum Look {
    Bar(Bar),
    Lines,
}

#[derive(Debug)]
struct Bar {
    bar: ProgressBar,
    screen: Narrow,
    /// The columns of the bar itself, as the style has them.
    columns: usize,
}

impl Progress {
    pub fn new(device: Device) -> Self {
        match device {
            Device::Terminal => Self::with(Look::Bar(Bar::on(Term::buffered_stderr()))),
            Device::Other => Self::with(Look::Lines),
        }
    }

    fn with(look: Look) -> Self {
        let next = match look {
            Look::Bar(_) => Duration::ZERO,
            Look::Lines => LINE_EVERY,
        };
        Progress { look, meter: ProgressMeter::default(), next }
    }

    /// Shows how far the run is; `Some` is a line that is due. Between two moments at which
    /// something is due it does nothing, so it may be called for every event.
    pub fn update(&mut self, summary: &DeliverySummary, elapsed: Duration) -> Option<Line> {
        if elapsed < self.next {
            return None;
        }
        let figures = self.meter.read(summary, elapsed);
        match &mut self.look {
            Look::Bar(bar) => {
                self.next = elapsed.saturating_add(BAR_EVERY);
                bar.draw(&figures);
                None
            }
            Look::Lines => {
                self.next = elapsed.saturating_add(LINE_EVERY);
                Some(figures.line())
            }
        }
    }

    pub fn suspend<R>(&self, write: impl FnOnce() -> R) -> R {
        match &self.look {
            Look::Bar(bar) => bar.bar.suspend(write),
            Look::Lines => write(),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Look::Bar(bar) = &self.look {
            bar.bar.finish_and_clear();
        }
    }
}

impl Bar {
    fn on(screen: Term) -> Self {
        let narrow = Box::new(Narrow(screen.clone()));
        Bar::with(ProgressDrawTarget::term_like_with_hz(narrow, BAR_HERTZ), screen)
    }

    fn with(target: ProgressDrawTarget, screen: Term) -> Self {
        let bar = ProgressBar::with_draw_target(None, target);
        bar.set_style(style(0));
        Bar { bar, screen: Narrow(screen), columns: 0 }
    }

    fn draw(&mut self, figures: &ProgressFigures) {
        let LiveLine { bar, text } = figures.live_line(self.screen.width().into());
        if bar != self.columns {
            self.bar.set_style(style(bar));
            self.columns = bar;
        }
        if let Some(orders) = figures.orders {
            self.bar.set_length(orders);
        }
        self.bar.set_message(text);
        self.bar.set_position(figures.ended);
    }
}

/// A bar of so many columns, and the text beside it. Where the number of orders is unknown the bar
/// would stay empty, so it is left out.
fn style(columns: usize) -> ProgressStyle {
    let template = match columns {
        0 => "{wide_msg}".to_owned(),
        columns => format!("{{bar:{columns}}} {{wide_msg}}"),
    };
    let style = ProgressStyle::with_template(&template);
    style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("█▉▊▋▌▍▎▏░")
}

#[derive(Debug)]
struct Narrow(Term);

impl TermLike for Narrow {
    fn width(&self) -> u16 {
        left_for_a_bar(self.0.size().1)
    }

    fn height(&self) -> u16 {
        self.0.size().0
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_up(n)
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_down(n)
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_right(n)
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_left(n)
    }

    fn write_line(&self, line: &str) -> io::Result<()> {
        self.0.write_line(line)
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.0.write_str(text)
    }

    fn clear_line(&self) -> io::Result<()> {
        self.0.clear_line()
    }

    fn flush(&self) -> io::Result<()> {
        // The stream is buffered: this alone waits for the terminal.
        stall::watch(|| self.0.flush())
    }
}

fn left_for_a_bar(columns: u16) -> u16 {
    columns.saturating_sub(ECHO_COLUMNS).max(1)
}

#[cfg(test)]
#[cfg(unix)]
impl Progress {
    /// A bar on a terminal that `screen` stands for.
    pub(super) fn on(screen: std::os::unix::net::UnixStream) -> Self {
        let screen = Term::read_write_pair(screen.try_clone().unwrap(), screen);
        let narrow = Box::new(Narrow(screen.clone()));
        Self::with(Look::Bar(Bar::with(ProgressDrawTarget::term_like(narrow), screen)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::summary::sample;

    #[test]
    fn a_log_gets_a_line_every_ten_seconds_and_no_more() {
        let summary = sample::summary(100);
        let mut progress = Progress::new(Device::Other);
        let seconds = (0..600).map(|tenth| Duration::from_millis(tenth * 100));
        let due: Vec<Duration> =
            seconds.filter(|at| progress.update(&summary, *at).is_some()).collect();
        assert_eq!(due, [10, 20, 30, 40, 50].map(Duration::from_secs));
        assert_eq!(progress.suspend(|| 7), 7);
    }

    #[test]
    fn a_bar_leaves_room_for_the_echo_of_a_key() {
        assert_eq!([80, 20, 5, 0].map(left_for_a_bar), [76, 16, 1, 1]);
    }

    #[test]
    fn a_bar_shows_the_figures_and_prints_no_lines() {
        let summary = sample::summary(100);
        let shown = Bar::with(ProgressDrawTarget::hidden(), Term::stderr());
        let bar = shown.bar.clone();
        let mut progress = Progress::with(Look::Bar(shown));
        assert!(progress.update(&summary, Duration::from_secs(1)).is_none());
        assert_eq!((bar.position(), bar.length()), (100, Some(100)));
        assert!(bar.message().contains("100/100") || bar.message().contains("100%"));
        assert!(bar.message().contains("p99 "), "{}", bar.message());
        drop(progress);
        assert!(bar.is_finished());
    }
}
