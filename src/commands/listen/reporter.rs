//! Prints what the pipeline reports.

use std::io;
use std::sync::Arc;

use jiff::Timestamp;
use protocol::{Diagnosis, Key, diagnose};
use tokio::sync::mpsc;

use super::ListenArgs;
use crate::clock::wall_time;
use crate::commands::args::Format;
use crate::keyring::Keyring;
use crate::receiver::events::{Event, ListenCounters, ListenInfo};
use crate::receiver::forward::Forwarder;
use crate::receiver::received::{Live, Received};
use crate::receiver::server::event::ServerEvent;
use crate::receiver::verify::Contract;
use crate::report::callback::{self, Detail};
use crate::report::line::Line;
use crate::report::{forwarding, listening};
use crate::terminal::Console;

pub(super) struct ListenReporter<'a> {
    pub(super) args: &'a ListenArgs,
    pub(super) console: &'a mut Console,
    pub(super) received: mpsc::Receiver<Event>,
    pub(super) stop: mpsc::Sender<()>,
    pub(super) contract: Contract,
    pub(super) keys: Arc<Keyring>,
    pub(super) others: Arc<Vec<(String, Key)>>,
    pub(super) counters: Arc<ListenCounters>,
    pub(super) forwarder: Option<Arc<Forwarder>>,
    pub(super) diagnoses: Budget,
    pub(super) remarks: Budget,
}

impl ListenReporter<'_> {
    pub(super) fn run(mut self) -> io::Result<()> {
        // The server dropped its ends: everything is answered.
        while let Some(event) = self.received.blocking_recv() {
            if let Err(error) = self.show(event).and_then(|()| self.tell_left_out()) {
                let _ = self.stop.try_send(());
                return Err(error);
            }
        }
        Ok(())
    }

    fn show(&mut self, event: Event) -> io::Result<()> {
        match event {
            Event::Ready(info) => self.announce(&info),
            Event::Server(event) => self.remark(&event),
            Event::NotStored(error) => {
                let hint = error.hint();
                self.console.warning(&format!(
                    "{error}; callbacks are refused with 503 until it takes them: {hint}"
                ));
                Ok(())
            }
            Event::NotRecorded(error) => {
                let hint = error.hint();
                self.console.warning(&format!(
                    "what the application answered is not kept: {error}: {hint}"
                ));
                Ok(())
            }
            Event::StoredAgain { refused } => {
                self.console.warning(&format!(
                    "the inbox takes callbacks again; {refused} were refused with 503"
                ));
                Ok(())
            }
            Event::Changed(what) => {
                self.console.note(&Line::new().plain(what));
                Ok(())
            }
            Event::Callback(received, _room) => self.show_callback(&received),
        }
    }

    fn announce(&mut self, ready: &ListenInfo) -> io::Result<()> {
        if self.args.format == Format::Json {
            return self.console.answer_bytes(listening::json(ready).as_bytes());
        }
        let lines = listening::lines(ready);
        let target = self.forwarder.as_deref().map(forwarding::target_line);
        lines.iter().chain(&target).try_for_each(|line| self.console.answer(line))
    }

    fn tell_left_out(&mut self) -> io::Result<()> {
        let left_out = self.counters.take_left_out();
        if left_out > 0 {
            self.console.warning(&format!(
                "{left_out} callbacks came faster than they could be printed; they are in the inbox"
            ));
        }
        Ok(())
    }

    /// Hostile clients cause many; what is too much is counted and told with the next one.
    fn remark(&mut self, event: &ServerEvent) -> io::Result<()> {
        match self.remarks.spend(wall_time()) {
            Spent::Over => return Ok(()),
            Spent::Within { untold: 0 } => {}
            Spent::Within { untold } => {
                self.console.warning(&format!("{untold} more remarks on clients were left out"));
            }
        }
        if self.args.format == Format::Json {
            return self.console.answer_bytes(listening::server_event_json(event).as_bytes());
        }
        self.console.note(&listening::server_event(event));
        Ok(())
    }

    fn show_callback(&mut self, received: &Received) -> io::Result<()> {
        let Some(live) = &received.live else { return Ok(()) };
        let diagnosis = self.diagnose(received, live);
        if self.args.format == Format::Json {
            let line = callback::json(received, live, diagnosis.as_ref());
            return self.console.answer_bytes(line.as_bytes());
        }
        let detail = if self.args.verbose { Detail::Whole } else { Detail::Usual };
        let lines = callback::lines(received, live, diagnosis.as_ref(), detail);
        lines.iter().try_for_each(|line| self.console.answer(line))
    }

    /// Searches for the sender's mistake; the search reads the body itself, far from the server's
    /// thread, and costs a thousand times more than that.
    fn diagnose(&mut self, received: &Received, live: &Live) -> Option<Diagnosis> {
        let (callback, reading) = (&received.callback, live.verdict.reading.as_ref()?);
        if !reading.verification.can_be_diagnosed()
            || self.diagnoses.spend(callback.received_at) == Spent::Over
        {
            return None;
        }
        let payload = self.contract.payload(callback).ok()?;
        let search = |key: &Key| diagnose(&payload, self.contract.dialect, key, &self.others);
        Some(self.keys.diagnose(&reading.verification, search).1)
    }
}

pub(super) struct Budget {
    most: u64,
    second: i64,
    used: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spent {
    /// It had; as many were left out in the last second that anything was done in.
    Within {
        untold: u64,
    },
    Over,
}

impl Budget {
    pub(super) const fn a_second(most: u64) -> Self {
        Budget { most, second: i64::MIN, used: 0 }
    }

    fn spend(&mut self, at: Timestamp) -> Spent {
        let mut untold = 0;
        if at.as_second() != self.second {
            untold = self.used.saturating_sub(self.most);
            (self.second, self.used) = (at.as_second(), 0);
        }
        self.used += 1;
        if self.used > self.most { Spent::Over } else { Spent::Within { untold } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_tells_later_what_it_left_out() {
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        let mut budget = Budget::a_second(2);
        let spent: Vec<Spent> =
            [5, 5, 5, 5, 7, 8].into_iter().map(|second| budget.spend(at(second))).collect();
        let within = |untold| Spent::Within { untold };
        assert_eq!(spent, [within(0), within(0), Spent::Over, Spent::Over, within(2), within(0)]);
    }
}
