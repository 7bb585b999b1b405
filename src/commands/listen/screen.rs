//! Prints what the desk tells, and says when the server shall end.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;

use super::Args;
use super::desk::{Desk, Event, Handled, locked};
use crate::commands::args::Format;
use crate::commands::runtime::Interrupts;
use crate::error::CommandError;
use crate::listener::callback::Callback;
use crate::listener::event::ServerEvent;
use crate::listener::verdict::Verdict;
use crate::protocol::diagnosis::{Diagnosis, diagnose};
use crate::protocol::key::Key;
use crate::protocol::signature::Mismatch;
use crate::report::callback::{self, Detail, ListenSummary, ReceivedCallback};
use crate::report::listening;
use crate::terminal::Console;

/// Prints what the desk tells, and says when the server shall end.
pub(super) struct Screen<'a> {
    pub(super) args: &'a Args,
    pub(super) console: &'a mut Console,
    pub(super) received: mpsc::Receiver<Event>,
    pub(super) stop: mpsc::Sender<()>,
    pub(super) desk: Arc<Desk>,
    pub(super) others: Arc<Vec<(String, Key)>>,
    pub(super) interrupts: Interrupts,
    pub(super) diagnoses: Budget,
    pub(super) remarks: Budget,
}

impl<'a> Screen<'a> {
    pub(super) async fn run(mut self) -> Result<(ListenSummary, &'a mut Console), CommandError> {
        let end = self.args.duration;
        let mut time_is_up = Box::pin(async move {
            match end {
                Some(end) => tokio::time::sleep(end).await,
                None => std::future::pending().await,
            }
        });
        let mut stopping = false;
        loop {
            tokio::select! {
                biased;
                event = self.received.recv() => match event {
                    // The server dropped its senders: everything is answered.
                    None => return Ok((self.summary(), self.console)),
                    Some(event) => self.show(event).await?,
                },
                // The second signal ends the draining.
                () = self.interrupts.next() => {
                    let _ = self.stop.try_send(());
                }
                () = &mut time_is_up, if !stopping => {
                    stopping = true;
                    let _ = self.stop.try_send(());
                }
            }
            if !stopping && self.desk.tally.is_enough() {
                stopping = true;
                let _ = self.stop.try_send(());
            }
        }
    }

    /// What came in all, as the desk counted it.
    fn summary(&self) -> ListenSummary {
        let (callbacks, valid) = self.desk.tally.counts();
        ListenSummary { callbacks, valid, orders: locked(&self.desk.orders).len() as u64 }
    }

    async fn show(&mut self, event: Event) -> Result<(), CommandError> {
        match event {
            // The loop looks at the tally after every event.
            Event::Enough => Ok(()),
            Event::Server(event) => self.remark(&event),
            Event::NotKept(error) => {
                let hint = error.hint();
                self.console.warning(&format!(
                    "{error}; callbacks are refused with 503 until it takes them: {hint}"
                ));
                Ok(())
            }
            Event::KeptAgain(refused) => {
                self.console.warning(&format!(
                    "the inbox takes callbacks again; {refused} were refused with 503"
                ));
                Ok(())
            }
            Event::Callback(handled) => self.show_callback(*handled).await,
        }
        .map_err(CommandError::output)
    }

    /// A remark on a client or the system: an event for a program, a note for a person.
    ///
    /// Hostile clients cause many; what is too much is counted and told with the next one.
    fn remark(&mut self, event: &ServerEvent) -> std::io::Result<()> {
        match self.remarks.spend(Timestamp::now()) {
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

    async fn show_callback(&mut self, handled: Handled) -> std::io::Result<()> {
        let diagnosis = self.diagnose(&handled.callback, &handled.verdict).await;
        let masked_canonical = self.masked_canonical(&handled.callback, &handled.verdict);
        let Handled { callback, verdict, seen, replied, inbox_id, forwarded, breaches } = handled;
        let received = ReceivedCallback {
            callback,
            verdict,
            seen,
            replied,
            inbox_id,
            forwarded,
            breaches,
            masked_canonical,
            diagnosis,
        };
        if self.args.format == Format::Json {
            return self.console.answer_bytes(callback::json(&received).as_bytes());
        }
        let detail = if self.args.verbose > 0 { Detail::Whole } else { Detail::Usual };
        let lines = callback::lines(&received, detail);
        lines.iter().try_for_each(|line| self.console.answer(line))
    }

    /// The canonical string where it is shown.
    fn masked_canonical(&self, callback: &Callback, verdict: &Verdict) -> Option<String> {
        let reading = verdict.reading.as_ref()?;
        if self.args.format != Format::Json && reading.mismatch().is_none() {
            return None;
        }
        let payload = self.desk.contract.payload(callback).ok()?;
        Some(reading.masked_canonical(&payload))
    }

    /// What explains the signature, where it does not match and there is time to search.
    ///
    /// It runs on a thread of its own: a search must not delay the next reply.
    async fn diagnose(&mut self, callback: &Callback, verdict: &Verdict) -> Option<Diagnosis> {
        let reading = verdict.reading.as_ref()?;
        let worth = reading.mismatch().is_some_and(Mismatch::can_be_diagnosed);
        if !worth || self.diagnoses.spend(callback.received_at) == Spent::Over {
            return None;
        }
        let (callback, key) = (callback.clone(), Arc::clone(&self.desk.key));
        let (contract, others) = (self.desk.contract, Arc::clone(&self.others));
        let search = tokio::task::spawn_blocking(move || {
            let payload = contract.payload(&callback).ok()?;
            Some(diagnose(&payload, contract.dialect, &key, &others))
        });
        search.await.ok().flatten()
    }
}

/// How often something may be done in one second.
pub(super) struct Budget {
    most: u64,
    second: i64,
    used: u64,
}

/// Whether a budget had room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spent {
    /// It had; as many were left out in the last second that anything was done in.
    Within {
        /// How many were left out.
        untold: u64,
    },
    /// It had none.
    Over,
}

impl Budget {
    pub(super) const fn a_second(most: u64) -> Self {
        Budget { most, second: i64::MIN, used: 0 }
    }

    /// Counts one more at this time.
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

/// The longest wait for what was recorded aside to reach the disk at the end.
pub(super) const LAST_WORDS: Duration = Duration::from_secs(5);

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
