//! Whether what was booked behind an endpoint is what should have been.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::join_all;

use super::books::{Amounts, Booked, Books, LearnError, Step, differ, difference, is_same};
use super::control::{Control, Controls, send_control};
use super::demand::{Demand, OrderRef};
use super::observer::{Observer, ObserverError, Reading};
use super::report::Finding;
use super::trial::Parcel;

const LOOK_AGAIN: Duration = Duration::from_millis(50);

const WATCH_TOTAL: Duration = Duration::from_millis(500);

pub(super) struct Before {
    pub(super) demands: Vec<Demand>,
    repeats: bool,
    /// Its order was booked before.
    is_old: bool,
    values: Vec<Amounts>,
    reached: Vec<Amounts>,
}

#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(super) enum CalibrationError {
    #[error(transparent)]
    Observer(#[from] ObserverError),
    #[error("{why}; it printed {printed}")]
    Books {
        why: LearnError,
        /// What was printed before and after each notification, in order.
        printed: String,
    },
    #[error("{0}")]
    Unmade(String),
}

impl CalibrationError {
    /// Whether nothing moves although notifications are acknowledged.
    pub(super) fn is_unmoved(&self) -> bool {
        matches!(self, CalibrationError::Books { why: LearnError::Nothing, .. })
    }
}

/// Reads until the numbers move, as long as a booking may take; with how often they were read.
async fn moved(
    observer: &Observer,
    order: &OrderRef,
    before: &Reading,
) -> Result<(Reading, u32), ObserverError> {
    let start = Instant::now();
    let mut looks = 0;
    loop {
        looks += 1;
        let now = observer.read(order).await?;
        if !is_same(&now.amounts, &before.amounts) || start.elapsed() >= observer.within {
            return Ok((now, looks));
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

pub(super) struct Effects<'a> {
    observer: &'a Observer,
    books: Books,
    /// The observer prints the total of all orders, not a number for each.
    pub(super) is_total: bool,
    late: Mutex<Vec<(String, Before)>>,
    last: Mutex<Instant>,
    /// How long after that one total may still move; nothing where each order has its number.
    quiet: Duration,
    /// A new order has the number 0, so that it need not be read.
    is_new_zero: bool,
}

/// A calibration: the control that opened it, and what came of it.
pub(super) type Calibrated<'a> = (Option<Control>, Result<Option<Effects<'a>>, CalibrationError>);

impl<'a> Effects<'a> {
    /// Sends one successful and one failed order, and learns how each moves the books.
    pub(super) async fn calibrate(
        observer: &'a Observer,
        controls: &Controls<'_>,
    ) -> Calibrated<'a> {
        let mut opening = None;
        let effects = Self::learn(observer, controls, &mut opening).await;
        (opening, effects)
    }

    async fn learn(
        observer: &'a Observer,
        controls: &Controls<'_>,
        opening: &mut Option<Control>,
    ) -> Result<Option<Effects<'a>>, CalibrationError> {
        let made = |message: Result<_, String>| message.map_err(CalibrationError::Unmade);
        let message = made(controls.message().await)?;
        let order = OrderRef::from(&message);
        let before = observer.read(&order).await?;
        let control = opening.insert(send_control(controls.sender, &message).await);
        if control.verdict.is_some() {
            return Ok(None);
        }
        let start = Instant::now();
        let (mut after, looks) = moved(observer, &order, &before).await?;
        let took = start.elapsed();
        let failed = made(controls.failure().await)?;
        let failed_order = OrderRef::from(&failed);
        let mut idle = observer.read(&failed_order).await?;
        let is_moved = !is_same(&after.amounts, &before.amounts);
        let mut is_total = is_moved && after.may_be_total && is_same(&idle.amounts, &after.amounts);
        let mut quiet = Duration::ZERO;
        if is_total && looks > 1 {
            // What comes late comes late again: one total shows it only where it is waited for.
            tokio::time::sleep(took).await;
            after = observer.read(&order).await?;
            idle = after.clone();
            quiet = (took * 2 + LOOK_AGAIN * 2).min(observer.within);
        }
        send_control(controls.sender, &failed).await;
        let start = Instant::now();
        let (refunded, looks) = moved(observer, &failed_order, &idle).await?;
        if !is_moved && refunded.may_be_total && !is_same(&refunded.amounts, &idle.amounts) {
            // Only failures move it: whether another order has the same number shows the total.
            let other = observer.read(&order).await?;
            is_total = is_same(&other.amounts, &refunded.amounts);
            if is_total && looks > 1 {
                quiet = (start.elapsed() * 2 + LOOK_AGAIN * 2).min(observer.within);
            }
        }
        let step = |after, before, order: &OrderRef| Step {
            delta: difference(after, before),
            amount: order.amount,
        };
        let success = step(&after, &before, &order);
        let failure = step(&refunded, &idle, &failed_order);
        let is_named = after.is_named || refunded.is_named;
        let books = Books::learn(success, failure, is_named).map_err(|why| {
            let printed = format!(
                "{:?} before a success and {:?} after it, {:?} before a failure and {:?} after it",
                before.text, after.text, idle.text, refunded.text
            );
            CalibrationError::Books { why, printed }
        })?;
        let last = Mutex::new(Instant::now());
        let is_new_zero =
            !is_total && is_same(&before.amounts, &[0.0; 2]) && is_same(&idle.amounts, &[0.0; 2]);
        let late = Mutex::default();
        Ok(Some(Effects { observer, books, is_total, late, last, quiet, is_new_zero }))
    }

    pub(super) async fn before(
        &self,
        demands: Vec<Demand>,
        parcels: &[Parcel],
        is_old: bool,
    ) -> Result<Before, String> {
        self.wait(self.quiet).await;
        let values = match self.is_new_zero && !is_old {
            true => vec![[0.0; 2]; demands.len()],
            false => self.values(&demands).await?,
        };
        let reached = vec![[0.0; 2]; values.len()];
        let messages: u64 = parcels.iter().map(|parcel| u64::from(parcel.at_once)).sum();
        let repeats = messages > demands.len() as u64;
        Ok(Before { repeats, is_old, demands, values, reached })
    }

    pub(super) async fn look(&self, before: &mut Before) -> Booked {
        let start = Instant::now();
        let is_open = |demand: &Demand| demand.allowed.success || demand.allowed.failure;
        let may_be_booked = before.demands.iter().any(is_open);
        if may_be_booked {
            self.sent();
        }
        if self.is_total && may_be_booked {
            let repeats = before.repeats && self.observer.within > WATCH_TOTAL;
            self.wait(if repeats { self.quiet.max(WATCH_TOTAL) } else { self.quiet }).await;
        }
        loop {
            let (booked, reached) = self.compare(before).await;
            match booked {
                Booked::Lost(_) if start.elapsed() < self.observer.within => {
                    tokio::time::sleep(LOOK_AGAIN).await;
                }
                Booked::Right => {
                    before.reached = reached;
                    return Booked::Right;
                }
                Booked::Lost(what) => {
                    let back = self.taken_back(before, &reached);
                    return back.map_or(Booked::Lost(what), Booked::Wrong);
                }
                wrong => return wrong,
            }
        }
    }

    /// Looks once more at the end of the check, see [`Effects::settle`].
    ///
    /// One total shows later bookings of other cases too, so it is not looked at again.
    pub(super) fn keep(&self, case: &str, before: Before) {
        if !self.is_total {
            let mut late = self.late.lock().unwrap_or_else(PoisonError::into_inner);
            late.push((case.to_owned(), before));
        }
    }

    /// Waits until the merchant has had its time, and names the cases whose orders are booked
    /// wrongly, or still not booked, by then.
    pub(super) async fn settle(&self) -> Vec<(String, Finding, String)> {
        let late = std::mem::take(&mut *self.late.lock().unwrap_or_else(PoisonError::into_inner));
        if late.is_empty() {
            return Vec::new();
        }
        self.wait(self.observer.within).await;
        let mut wrong = Vec::new();
        let found = join_all(late.iter().map(|(_, before)| self.compare(before))).await;
        for ((case, before), (booked, reached)) in late.into_iter().zip(found) {
            match booked {
                Booked::Wrong(what) => {
                    wrong.push((case, Finding::Misbooked, format!("{what}, later than the reply")));
                }
                Booked::Lost(what) => match self.taken_back(&before, &reached) {
                    Some(back) => wrong.push((case, Finding::Misbooked, back)),
                    None => wrong.push((case, Finding::NotBooked, what)),
                },
                Booked::Right | Booked::Unseen(_) => {}
            }
        }
        wrong
    }

    fn taken_back(&self, before: &Before, reached: &[Amounts]) -> Option<String> {
        let mut orders = before.demands.iter().zip(before.reached.iter().zip(reached));
        let fell = |then: &Amounts, now: &Amounts| {
            // A refund may be a number that goes down, so both directions count.
            (0..2).any(|at| now[at].abs() < then[at].abs() && differ(now[at], then[at]))
        };
        let (demand, (then, _)) = orders.find(|(_, (then, now))| fell(then, now))?;
        Some(format!("{}, and then taken back", self.books.describe_reached(demand, then)))
    }

    pub(super) fn sent(&self) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    async fn wait(&self, time: Duration) {
        let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        tokio::time::sleep(time.saturating_sub(last.elapsed())).await;
    }

    /// Waits until a control is booked, so that it does not count for the case after it.
    pub(super) async fn absorb(&self, before: Option<Reading>, order: &OrderRef) {
        if let Some(before) = before {
            // Where it cannot be seen, there is nothing to wait for.
            let _ = moved(self.observer, order, &before).await;
        }
    }

    pub(super) async fn total(&self, order: &OrderRef) -> Option<Reading> {
        if !self.is_total {
            return None;
        }
        self.observer.read(order).await.ok()
    }

    /// The demands that this observer is asked about: where each order has its number, what only
    /// keeps a case's own order company costs nothing.
    pub(super) fn subject(&self, mut demands: Vec<Demand>) -> Vec<Demand> {
        demands.retain(|demand| self.is_total || !demand.is_company);
        demands
    }

    async fn values(&self, demands: &[Demand]) -> Result<Vec<Amounts>, String> {
        let count = if self.is_total { 1 } else { demands.len() };
        let orders: Vec<&OrderRef> = demands.iter().take(count).map(|one| &one.order).collect();
        let readings = self.observer.read_all(&orders).await.map_err(|error| error.to_string())?;
        Ok(readings.into_iter().map(|reading| reading.amounts).collect())
    }

    async fn compare(&self, before: &Before) -> (Booked, Vec<Amounts>) {
        let now = match self.values(&before.demands).await {
            Ok(now) => now,
            Err(why) => return (Booked::Unseen(why), Vec::new()),
        };
        let minus = |(now, old): (&Amounts, &Amounts)| [now[0] - old[0], now[1] - old[1]];
        let deltas: Vec<Amounts> = now.iter().zip(&before.values).map(minus).collect();
        let booked = match deltas[..] {
            [delta] if self.is_total => self.books.compare_total(&before.demands, &delta),
            _ => self.books.compare_each(&before.demands, &deltas),
        };
        match booked {
            Booked::Wrong(what) if before.is_old => {
                (Booked::Wrong(what.replace(" once", " once more")), deltas)
            }
            booked => (booked, deltas),
        }
    }
}
