//! Whether what was booked behind an endpoint is what should have been.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::books::{Amounts, Booked, Books, LearnError, Step, differ, difference, is_same};
use super::control::{Control, Controls, send_control};
use super::demand::{Demand, OrderRef};
use super::observer::{Observer, ObserverError, Reading};
use super::report::Exchange;
use super::trial::Parcel;

const LOOK_AGAIN: Duration = Duration::from_millis(50);

const WATCH_TOTAL: Duration = Duration::from_millis(500);

pub(super) struct Before {
    pub(super) demands: Vec<Demand>,
    repeats: bool,
    /// When its last notification was sent.
    sent: Instant,
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
    pub(super) books: Books,
    /// The observer prints the total of all orders, not a number for each.
    pub(super) is_total: bool,
    late: Mutex<Vec<Late>>,
    last: Mutex<Instant>,
    /// How long after its acknowledgement an order is booked.
    lag: Duration,
    /// How long after that one total may still move; nothing where each order has its number.
    quiet: Duration,
    /// A new order has the number 0, so that it need not be read.
    is_new_zero: bool,
}

/// A case whose orders are read at the end of the check.
pub(super) struct Late {
    pub(super) case: String,
    pub(super) exchanges: Vec<Exchange>,
    before: Before,
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
        let lag = if looks > 1 { took * 2 } else { Duration::ZERO };
        let mut failed = made(controls.failure().await)?;
        let mut failed_order = OrderRef::from(&failed);
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
        let mut start = Instant::now();
        if send_control(controls.sender, &failed).await.verdict.is_some() {
            // That order may be refused, and others not.
            failed = made(controls.failure().await)?;
            failed_order = OrderRef::from(&failed);
            idle = observer.read(&failed_order).await?;
            start = Instant::now();
            send_control(controls.sender, &failed).await;
        }
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
        Ok(Some(Effects { observer, books, is_total, late, last, lag, quiet, is_new_zero }))
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
            false => {
                let readings: Result<Vec<Reading>, _> =
                    self.values(&demands).await.into_iter().collect();
                let readings = readings.map_err(|why| why.to_string())?;
                readings.into_iter().map(|reading| reading.amounts).collect()
            }
        };
        let reached = vec![[0.0; 2]; values.len()];
        let messages: u64 = parcels.iter().map(|parcel| u64::from(parcel.at_once)).sum();
        let repeats = messages > demands.len() as u64;
        Ok(Before { repeats, sent: Instant::now(), is_old, demands, values, reached })
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

    /// Leaves the books of a case to [`Effects::settle`].
    ///
    /// One total shows later bookings of other cases too, so it is not read again.
    pub(super) fn keep(&self, case: &str, exchanges: &[Exchange], before: Before) {
        if !self.is_total {
            let (case, exchanges) = (case.to_owned(), exchanges.to_vec());
            let before = Before { sent: Instant::now(), ..before };
            let mut late = self.late.lock().unwrap_or_else(PoisonError::into_inner);
            late.push(Late { case, exchanges, before });
        }
    }

    /// Reads the orders of all cases, and names the cases whose orders are booked wrongly, or not.
    ///
    /// What is not booked yet is read until the merchant has had its time. An order that was sent
    /// several times may be booked again as late, so it is read when that time is over.
    pub(super) async fn settle(&self) -> Vec<(Late, Booked)> {
        let late = std::mem::take(&mut *self.late.lock().unwrap_or_else(PoisonError::into_inner));
        self.wait(self.lag).await;
        let end =
            |late: &[Late]| late.iter().map(|one| one.before.sent + self.observer.within).max();
        let (repeated, mut open): (Vec<Late>, Vec<Late>) =
            late.into_iter().partition(|one| one.before.repeats);
        let mut found = Vec::new();
        while let Some(until) = end(&open) {
            let is_over = Instant::now() >= until;
            let now = self.compare_all(open).await;
            let (lost, settled): (Vec<_>, Vec<_>) = now
                .into_iter()
                .partition(|(_, booked)| !is_over && matches!(booked, Booked::Lost(_)));
            found.extend(settled);
            open = lost.into_iter().map(|(late, _)| late).collect();
            if !open.is_empty() {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        }
        if let Some(until) = end(&repeated) {
            tokio::time::sleep_until(until.into()).await;
            found.extend(self.compare_all(repeated).await);
        }
        found
    }

    async fn compare_all(&self, late: Vec<Late>) -> Vec<(Late, Booked)> {
        let demands = late.iter().flat_map(|one| &one.before.demands);
        let orders: Vec<&OrderRef> = demands.map(|demand| &demand.order).collect();
        let mut readings = self.observer.read_all(&orders).await.into_iter();
        let booked: Vec<Booked> = late
            .iter()
            .map(|one| {
                let own = readings.by_ref().take(one.before.demands.len());
                let (booked, reached) = self.judge(&one.before, own.collect());
                match booked {
                    Booked::Lost(what) => {
                        let back = self.taken_back(&one.before, &reached);
                        back.map_or(Booked::Lost(what), Booked::Wrong)
                    }
                    booked => booked,
                }
            })
            .collect();
        late.into_iter().zip(booked).collect()
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

    /// What orders show before anything of them is sent; one number where the total alone is known.
    pub(super) async fn base(&self, orders: &[OrderRef]) -> Result<Vec<Amounts>, ObserverError> {
        match self.is_new_zero {
            true => Ok(vec![[0.0; 2]; orders.len()]),
            false => self.amounts(&orders.iter().collect::<Vec<_>>()).await,
        }
    }

    /// What orders show, or the total of all.
    pub(super) async fn amounts(
        &self,
        orders: &[&OrderRef],
    ) -> Result<Vec<Amounts>, ObserverError> {
        let count = if self.is_total { orders.len().min(1) } else { orders.len() };
        let readings = self.observer.read_all(&orders[..count]).await;
        readings.into_iter().map(|one| one.map(|reading| reading.amounts)).collect()
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

    async fn values(&self, demands: &[Demand]) -> Vec<Result<Reading, ObserverError>> {
        let count = if self.is_total { 1 } else { demands.len() };
        let orders: Vec<&OrderRef> = demands.iter().take(count).map(|one| &one.order).collect();
        self.observer.read_all(&orders).await
    }

    async fn compare(&self, before: &Before) -> (Booked, Vec<Amounts>) {
        self.judge(before, self.values(&before.demands).await.into_iter().collect())
    }

    /// What the readings of a case's orders show, and how far each order has moved.
    fn judge(
        &self,
        before: &Before,
        readings: Result<Vec<Reading>, ObserverError>,
    ) -> (Booked, Vec<Amounts>) {
        let now = match readings {
            Ok(now) => now,
            Err(why) => return (Booked::Unseen(why.to_string()), Vec::new()),
        };
        let minus =
            |(now, old): (&Reading, &Amounts)| [now.amounts[0] - old[0], now.amounts[1] - old[1]];
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
