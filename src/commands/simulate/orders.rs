//! The orders of a run: made, read from a file or a pipe, or listed in a journal.

use std::fs::File;
use std::future::{Future, poll_fn};
use std::io::{self, Read};
use std::num::NonZeroU64;
use std::path::Path;
use std::pin::pin;
use std::task::{Context, Poll};

use jiff::Timestamp;
use protocol::Key;
use protocol::internal::signing::BodySigner;

use super::super::args::numbered;
use super::Setup;
use super::many::{Halt, ManyArgs};
use crate::error::CommandError;
use crate::report::figures::counted;
use crate::sender::fleet::Supply;
use crate::sender::mix::Mix;
use crate::sender::orders::{
    Change, FileFormat, FromFile, FromPipe, Generated, OrderError, OrderRecipe, OrderSource,
};
use crate::sender::pace::Pace;
use crate::sender::record::Order;

/// How many orders are taken in before the runtime, and with it the signal to stop, has its turn.
const BATCH: usize = 256;

pub(super) enum Orders {
    Source(Box<dyn OrderSource + Send>),
    Piped(Box<FromPipe>),
    Listed(std::vec::IntoIter<Order>),
}

impl Orders {
    pub(super) fn of_arguments(setup: &Setup<'_>, key: Key) -> Result<Self, CommandError> {
        let many = &setup.args.many;
        let recipe = recipe(setup, key)?;
        let Some(path) = &many.from else {
            let count = many.count.map_or(1, NonZeroU64::get);
            return Ok(Orders::Source(Box::new(Generated::new(recipe, count))));
        };
        let cannot = || CommandError::input(format!("cannot read {}", path.display()));
        let format = many.from_format.unwrap_or_else(|| FileFormat::of(path));
        let reader: Box<dyn Read + Send> = if is_stdin(path) {
            Box::new(io::stdin())
        } else {
            if path.is_dir() {
                return Err(cannot().because(io::Error::from(io::ErrorKind::IsADirectory)));
            }
            Box::new(File::open(path).map_err(|error| cannot().because(error))?)
        };
        if is_regular(path) {
            return Ok(Orders::Source(Box::new(FromFile::new(reader, format, recipe))));
        }
        let piped = FromPipe::try_new(reader, format, recipe);
        let piped = piped.map_err(|error| {
            CommandError::environment("cannot start the reader of the orders").because(error)
        })?;
        Ok(Orders::Piped(Box::new(piped)))
    }

    pub(super) fn count(&self) -> Option<u64> {
        match self {
            Orders::Listed(orders) => u64::try_from(orders.len()).ok(),
            Orders::Source(source) => source.size_hint(),
            Orders::Piped(_) => None,
        }
    }

    pub(super) fn skipped(&self) -> u64 {
        match self {
            Orders::Listed(_) => 0,
            Orders::Source(source) => source.skipped(),
            Orders::Piped(piped) => piped.skipped(),
        }
    }

    fn next(&mut self, completed_at: Timestamp) -> Poll<Option<Result<Order, OrderError>>> {
        match self {
            Orders::Listed(orders) => Poll::Ready(orders.next().map(Ok)),
            Orders::Source(source) => Poll::Ready(source.next_order(completed_at)),
            Orders::Piped(piped) => piped.next_order(completed_at),
        }
    }

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<()> {
        match self {
            Orders::Listed(_) | Orders::Source(_) => Poll::Ready(()),
            Orders::Piped(piped) => piped.poll_ready(context),
        }
    }

    pub(super) async fn take_in(
        &mut self,
        many: &ManyArgs,
        pace: &Pace,
        start: Timestamp,
        interrupt: impl Future<Output = ()>,
    ) -> Result<Vec<Order>, CommandError> {
        let (mut taken, mut interrupt) = (Vec::new(), pin!(interrupt));
        poll_fn(|context| {
            if interrupt.as_mut().poll(context).is_ready() {
                let told = "interrupted while the orders were taken in; nothing was sent";
                return Poll::Ready(Err(CommandError::interrupted(told)));
            }
            for _ in 0..BATCH {
                let offset = pace.intended(taken.len() as u64).unwrap_or_default();
                let completed = start.checked_add(offset).unwrap_or(Timestamp::MAX);
                match self.next(completed) {
                    Poll::Ready(None) => return Poll::Ready(Ok(())),
                    Poll::Ready(Some(Ok(order))) => taken.push(order),
                    Poll::Ready(Some(Err(error))) => {
                        return Poll::Ready(Err(bad_row(many, error)));
                    }
                    Poll::Pending => std::task::ready!(self.poll_ready(context)),
                }
            }
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await?;
        Ok(taken)
    }
}

fn recipe(setup: &Setup<'_>, key: Key) -> Result<OrderRecipe, CommandError> {
    let many = &setup.args.many;
    let signer = BodySigner::try_new(setup.dialect, setup.args.sign_type, key)
        .map_err(|error| CommandError::usage("the orders cannot be signed").because(error))?;
    let statuses = setup.args.statuses;
    let mix = match (setup.args.status(), &many.mix) {
        (Some(status), _) => Some(Mix::only(status)),
        (None, Some(words)) => Some(numbered(words, &statuses)?),
        (None, None) => None,
    };
    let changes: Result<Vec<Change>, _> = setup.args.edits.changes().collect();
    let changes =
        changes.map_err(|error| CommandError::usage("a change cannot be read").because(error))?;
    let duplicates = many.duplicates.unwrap_or_default();
    Ok(OrderRecipe { signer, changes, mix, statuses, duplicates, seed: setup.seed })
}

/// Makes every order of a file once, so that a bad row is told before anything is sent, and counts
/// them; `None` of what can be read only once, such as a pipe.
pub(super) fn rehearse(setup: &Setup<'_>, key: &Key) -> Result<Option<u64>, CommandError> {
    let many = &setup.args.many;
    if !many.from.as_deref().is_some_and(is_regular) {
        return Ok(None);
    }
    let mut orders = Orders::of_arguments(setup, key.clone())?;
    let mut count = 0;
    while let Poll::Ready(Some(order)) = orders.next(Timestamp::UNIX_EPOCH) {
        order.map_err(|error| bad_row(many, error))?;
        count += 1;
    }
    match count {
        0 => Err(no_orders(many, orders.skipped())),
        count => Ok(Some(count)),
    }
}

pub(super) struct Counted<'a> {
    pub(super) many: &'a ManyArgs,
    pub(super) orders: Orders,
    pub(super) duplicates: u64,
}

impl Supply<Halt> for Counted<'_> {
    fn next(&mut self, completed_at: Timestamp) -> Poll<Option<Result<Order, Halt>>> {
        let order = self.orders.next(completed_at);
        if let Poll::Ready(Some(Ok(Order { duplicate_of: Some(_), .. }))) = &order {
            self.duplicates += 1;
        }
        order.map_err(|error| Halt::BadRow(bad_row(self.many, error)))
    }

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.orders.poll_ready(context)
    }
}

fn bad_row(many: &ManyArgs, error: OrderError) -> CommandError {
    let what = match source_name(many) {
        None => "an order cannot be sent".to_owned(),
        Some(name) => format!("an order of {name} cannot be sent"),
    };
    let hint = match &error {
        OrderError::Header { hint, .. } => *hint,
        _ => None,
    };
    let told = CommandError::input(what).because(error);
    match hint {
        Some(hint) => told.hint(hint),
        None => told,
    }
}

/// Nothing was sent, so nothing was acknowledged: a pipeline must not take that for a yes.
pub(super) fn no_orders(many: &ManyArgs, skipped: u64) -> CommandError {
    let name = source_name(many).unwrap_or_default();
    let error = CommandError::input(format!("{name} has no orders"));
    match skipped_rows(many, skipped) {
        Some(skipped) => error.because(skipped),
        None => error,
    }
}

/// What a person is told of empty rows; nothing where there were none.
pub(super) fn skipped_rows(many: &ManyArgs, skipped: u64) -> Option<String> {
    let name = source_name(many).unwrap_or_default();
    let was = if skipped == 1 { "was" } else { "were" };
    (skipped > 0).then(|| format!("{} of {name} {was} skipped", counted(skipped, "empty row")))
}

fn source_name(many: &ManyArgs) -> Option<String> {
    let path = many.from.as_deref()?;
    Some(if is_stdin(path) { "stdin".to_owned() } else { path.display().to_string() })
}

fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

fn is_regular(path: &Path) -> bool {
    !is_stdin(path) && path.metadata().is_ok_and(|found| found.is_file())
}
