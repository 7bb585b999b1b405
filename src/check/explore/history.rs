//! A history: what a platform sends of some orders, in which order, and what happens to the merchant
//! meanwhile. Pure data, which a generator draws, a shrinker cuts, and a case file holds.

use std::time::Duration;

use crate::check::case::{Case, Effect, Expect, Manner, Severity, StepPlan, Work};
use crate::check::fault::Fault;
use crate::check::recipe::Recipe;

/// The group of the cases that an exploration writes.
pub const GROUP: &str = "explore";

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    pub steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Which order it is about, from 0.
    pub order: u8,
    pub send: Send,
    /// It was made a minute before the others, so it arrives late.
    pub is_old: bool,
    pub is_reply_lost: bool,
    pub at_once: u8,
    /// It is sent together with the next step.
    pub with_next: bool,
    /// The pause before it, in milliseconds.
    pub wait: u16,
    pub fault: Option<Fault>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Send {
    /// A notification of its own; where the order had that status before, it is signed again.
    Status(Status),
    /// The bytes of the order's last sound notification with a final status.
    Again,
    /// Signed with another key, with another amount.
    Forged(Status),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    Processing,
    Success,
    Cancelled,
    Failed,
}

impl Status {
    pub const ALL: [Status; 4] =
        [Status::Processing, Status::Success, Status::Cancelled, Status::Failed];

    pub fn name(self) -> &'static str {
        ["processing", "success", "cancelled", "failed"][self as usize]
    }

    pub fn is_final(self) -> bool {
        self != Status::Processing
    }
}

impl Step {
    pub fn plain(order: u8, send: Send) -> Step {
        Step {
            order,
            send,
            is_old: false,
            is_reply_lost: false,
            at_once: 1,
            with_next: false,
            wait: 0,
            fault: None,
        }
    }
}

/// What a step is, given the steps before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    First,
    SignedAgain,
    SameBytes,
    Contradiction,
    Forged,
}

impl Role {
    #[cfg(test)]
    pub const ALL: [Role; 5] =
        [Role::First, Role::SignedAgain, Role::SameBytes, Role::Contradiction, Role::Forged];

    pub fn name(self) -> &'static str {
        ["first", "signed again", "same bytes", "contradiction", "forged"][self as usize]
    }
}

impl History {
    /// The role of a step and the status that it carries.
    pub fn role(&self, index: usize) -> (Role, Status) {
        let step = &self.steps[index];
        let before = || self.steps[..index].iter().filter(|one| one.order == step.order).rev();
        let finals = || {
            before().filter_map(|one| match one.send {
                Send::Status(status) if status.is_final() => Some(status),
                _ => None,
            })
        };
        match step.send {
            Send::Forged(status) => (Role::Forged, status),
            // What it would repeat may have been cut.
            Send::Again => match finals().next() {
                Some(status) => (Role::SameBytes, status),
                None => (Role::First, Status::Success),
            },
            Send::Status(status) if before().any(|one| one.send == step.send) => {
                (Role::SignedAgain, status)
            }
            Send::Status(status) if status.is_final() && finals().next().is_some() => {
                (Role::Contradiction, status)
            }
            Send::Status(status) => (Role::First, status),
        }
    }

    /// The same history with what the cut steps left behind put in order.
    #[must_use]
    pub fn tidy(mut self) -> History {
        for index in 0..self.steps.len() {
            if let (Send::Again, (Role::First, status)) = (self.steps[index].send, self.role(index))
            {
                self.steps[index].send = Send::Status(status);
            }
        }
        if let Some(last) = self.steps.last_mut() {
            last.with_next = false;
        }
        let mut known: Vec<u8> = Vec::new();
        for step in &mut self.steps {
            let at = known.iter().position(|one| *one == step.order).unwrap_or_else(|| {
                known.push(step.order);
                known.len() - 1
            });
            step.order = u8::try_from(at).unwrap_or(u8::MAX);
        }
        self
    }

    /// Both, one after the other, with orders of their own.
    #[must_use]
    pub fn then(mut self, next: &History) -> History {
        let first = self.orders();
        self.steps.extend(
            next.steps
                .iter()
                .cloned()
                .map(|step| Step { order: step.order.saturating_add(first), ..step }),
        );
        self
    }

    /// Each final status, twice: it shows which the merchant takes, and how long it takes.
    pub fn warm_up() -> History {
        let finals = Status::ALL.into_iter().filter(|status| status.is_final());
        let all = finals.clone().chain(finals).zip(0..);
        let steps = all.map(|(status, order)| Step::plain(order, Send::Status(status)));
        History { steps: steps.collect() }
    }

    pub fn orders(&self) -> u8 {
        self.steps.iter().map(|step| step.order.saturating_add(1)).max().unwrap_or(0)
    }

    pub fn faults(&self) -> usize {
        self.steps.iter().filter(|step| step.fault.is_some()).count()
    }

    /// How it is made and sent, in the form of a case.
    pub fn plans(&self) -> Vec<StepPlan> {
        (0..self.steps.len()).map(|index| self.plan(index)).collect()
    }

    fn plan(&self, index: usize) -> StepPlan {
        let step = &self.steps[index];
        let (role, status) = self.role(index);
        StepPlan {
            label: self.label(index),
            recipe: Recipe { operations: self.operations(index) },
            manner: if step.is_reply_lost { Manner::ReplyLost } else { Manner::Plain },
            at_once: step.at_once.into(),
            with_next: step.with_next && index + 1 < self.steps.len(),
            is_company: false,
            after: Duration::from_millis(step.wait.into()),
            expect: match role {
                Role::Forged => Expect::NotAcknowledged,
                Role::Contradiction => Expect::Anything,
                _ if status == Status::Processing => Expect::Anything,
                _ => Expect::Acknowledged,
            },
            fault: step.fault,
        }
    }

    fn operations(&self, index: usize) -> Vec<String> {
        let step = &self.steps[index];
        let (role, status) = self.role(index);
        // Messages are numbered from 1.
        let last = |fits: &dyn Fn(&Step) -> bool| {
            let mut earlier = self.steps[..index].iter().enumerate().rev();
            let found = earlier.find(|(_, one)| one.order == step.order && fits(one));
            found.map(|(at, _)| at + 1)
        };
        let is_final = |one: &Step| matches!(one.send, Send::Status(it) if it.is_final());
        let base = last(&|_| true);
        if let (Role::SameBytes, Some(number)) = (role, last(&is_final)) {
            return vec![format!("again {number}")];
        }
        let mut lines = vec![match base {
            Some(number) => format!("same-order {} {number}", status.name()),
            None => status.name().to_owned(),
        }];
        let mut set = |name: &str, value: &str| lines.push(format!("set {name} {value}"));
        if role == Role::Forged {
            set("amount", "{other_amount}");
            set("real_amount", "{other_amount}");
        }
        if step.is_old {
            set("update_time", "{now-60}");
        } else if role == Role::SignedAgain {
            let copies = self.steps[..index].iter().filter(|one| one.order == step.order).count();
            set("update_time", &format!("{{now+{copies}}}"));
        }
        lines.push(if role == Role::Forged { "sign wrong-key" } else { "sign" }.to_owned());
        lines
    }

    /// What a person reads of a step.
    fn label(&self, index: usize) -> String {
        let step = &self.steps[index];
        let (role, status) = self.role(index);
        let name = char::from(b'A' + step.order % 26);
        let what = match role {
            Role::First => status.name().to_owned(),
            Role::SignedAgain => format!("{}, signed again", status.name()),
            Role::SameBytes => format!("{}, the same bytes again", status.name()),
            Role::Contradiction => format!("{}, which contradicts", status.name()),
            Role::Forged => format!("{}, forged, with another amount", status.name()),
        };
        let late = if step.is_old { ", late" } else { "" };
        let times = match step.at_once {
            1 => String::new(),
            times => format!(", {times} at once"),
        };
        format!("order {name}: {what}{late}{times}")
    }

    /// The case that plays it again.
    pub fn case(&self, id: &str, (title, why, fix): (&str, &str, &str)) -> Case {
        Case {
            id: id.to_owned(),
            group: GROUP.to_owned(),
            title: title.to_owned(),
            why: why.to_owned(),
            fix: fix.to_owned(),
            severity: Severity::Fail,
            needs: Vec::new(),
            effect: Effect::Once,
            after: None,
            work: Work::Send(self.plans()),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use protocol::{Algorithm, Dialect, Key, StatusTable};

    use super::super::generate::{Grammar, draw};
    use super::*;
    use crate::check::case_file;
    use crate::check::demand::Outcome;
    use crate::check::recipe::Workshop;
    use crate::check::trial::pack;

    fn workshop() -> Workshop {
        let key = Key::try_new(b"ThisIsYourSecretKey123".to_vec()).unwrap();
        let dialect = Dialect::platform();
        Workshop::try_new(key, dialect, Algorithm::Md5, 7, StatusTable::default()).unwrap()
    }

    #[test]
    fn every_history_is_a_case_file_that_is_read_back() {
        for number in 0..300 {
            let history = draw(5, number, Grammar { has_signals: true, has_disk: true });
            let case = history.case("booked-once", ("a title", "why \"it\"", "fix\\it"));
            let text = case_file::write(&case);
            assert_eq!(case_file::parse("x.toml", &text), Ok(vec![case]), "{text}");
        }
    }

    #[test]
    fn every_step_becomes_the_message_that_its_label_names() {
        let workshop = workshop();
        let now = Timestamp::from_second(1_567_614_111).unwrap();
        for number in 0..300 {
            let history = draw(6, number, Grammar::default());
            let (parcels, orders) = pack(&workshop, &history.plans(), "x", now).unwrap();
            assert_eq!(orders.len(), usize::from(history.orders()));
            let mut ids: Vec<Option<&str>> = vec![None; orders.len()];
            for (index, (parcel, step)) in parcels.iter().zip(&history.steps).enumerate() {
                let id = ids[usize::from(step.order)].get_or_insert(&parcel.message.order_id);
                assert_eq!(*id, parcel.message.order_id, "{history:?}");
                let (role, status) = history.role(index);
                let books = match status {
                    Status::Processing => Outcome::Open,
                    Status::Success => Outcome::Success,
                    Status::Cancelled | Status::Failed => Outcome::Failure,
                };
                assert_eq!((parcel.books, parcel.is_bad()), (books, role == Role::Forged));
                let is_repeated =
                    parcels[..index].iter().any(|one| one.message.body == parcel.message.body);
                if role == Role::SameBytes {
                    assert!(is_repeated, "{history:?}");
                } else if role == Role::First || role == Role::Contradiction {
                    assert!(!is_repeated, "{history:?}");
                }
            }
        }
    }

    #[test]
    fn what_repeated_a_cut_step_is_a_first_notification() {
        let again = Step { with_next: true, ..Step::plain(4, Send::Again) };
        let tidy = History { steps: vec![again] }.tidy();
        assert_eq!(tidy.steps, [Step::plain(0, Send::Status(Status::Success))]);
    }
}
