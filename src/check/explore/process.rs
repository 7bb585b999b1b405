//! The merchant's process: started in a group of its own, kept track of, and ended whatever happens.

use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

use crate::check::sender::Wiring;
use crate::net::probing::takes_connections;
use crate::process::command::{RunError, UserCommand};
use crate::process::signals::{Signal, is_group_alive, signal_group};
use crate::process::{Mark, Tail, start_group};

const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// How long a process may take to end on a signal that it can catch.
const GRACE: Duration = Duration::from_secs(5);

/// How long the kernel may take to clear up after a kill.
const CLEARING: Duration = Duration::from_secs(3);

/// A start that ends so early is tried again: the port may not be free yet.
const BEFORE_START_AGAIN: Duration = Duration::from_millis(200);

/// How long a merchant that ends at once is started again and again.
const DYING: Duration = Duration::from_secs(3);

/// So many times longer may a start take that is not the first one.
const AGAIN: u32 = 3;

/// How long the last output of a process may take to be read.
const LAST_WORDS: Duration = Duration::from_millis(50);

const MARK: &str = "PAYOUT_NOTIFY_EXPLORE";

/// How a merchant is started and stopped.
#[derive(Clone, Debug)]
pub struct Launch {
    pub start: Option<UserCommand>,
    /// They stand in for a signal where somebody else keeps the merchant's process.
    pub stop: Option<UserCommand>,
    pub restart: Option<UserCommand>,
    /// Empties the merchant's data; it runs while the merchant is down.
    pub fresh: Option<UserCommand>,
    pub stop_signal: Signal,
    /// How long it may take until it takes connections.
    pub wait: Duration,
}

impl Launch {
    /// Whether there is a process that signals reach.
    pub fn has_process(&self) -> bool {
        self.start.is_some() && self.stop.is_none()
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProcessError {
    #[error("{what} {error}")]
    Command { what: &'static str, error: RunError },
    #[error("{0}")]
    NeverUp(String),
    /// Something answers at the merchant's address that is not the merchant.
    #[error("{0}")]
    Occupied(String),
}

impl ProcessError {
    /// Whether the merchant said that its port is not free.
    pub fn is_port_taken(&self) -> bool {
        let ProcessError::NeverUp(why) = self else { return false };
        let why = why.to_ascii_lowercase();
        ["in use", "eaddrinuse", "only one usage"].iter().any(|text| why.contains(text))
    }
}

pub struct MerchantProcess<'a> {
    launch: &'a Launch,
    wiring: &'a Wiring,
    child: Option<Child>,
    /// It came up once, so it can.
    was_up: bool,
    mark: Mark,
    tail: Tail,
}

impl<'a> MerchantProcess<'a> {
    pub fn new(launch: &'a Launch, wiring: &'a Wiring) -> Self {
        let (mark, tail) = (Mark::new(MARK), Tail::default());
        MerchantProcess { launch, wiring, child: None, was_up: false, mark, tail }
    }

    async fn is_reachable(&self) -> bool {
        let limit = self.wiring.options.timeout;
        takes_connections(&self.wiring.target, &self.wiring.client.config().resolve, limit).await
    }

    /// Starts it for the first time.
    pub async fn open(&mut self) -> Result<(), ProcessError> {
        if self.launch.start.is_some() && self.is_reachable().await {
            return Err(ProcessError::Occupied(format!(
                "something takes connections at {} before the merchant was started",
                self.wiring.target
            )));
        }
        match &self.launch.start {
            Some(_) => self.start_own().await,
            None => self.wait_until_up(Instant::now()).await.map_err(|error| match error {
                ProcessError::NeverUp(why) => ProcessError::NeverUp(format!(
                    "{why}; without --start it must be running already"
                )),
                other => other,
            }),
        }
    }

    /// Starts it after a stop and waits until it takes connections.
    pub async fn start(&mut self) -> Result<(), ProcessError> {
        let Some(restart) = &self.launch.restart else { return self.start_own().await };
        self.wait_until_down().await;
        let began = Instant::now();
        // What is started where --start began is ended with it.
        let mark = self.launch.start.as_ref().map(|_| (MARK, self.mark.value.clone()));
        run(restart, "--restart", mark.into_iter().collect()).await?;
        self.wait_until_up(began).await
    }

    /// Starts it again, whatever became of it.
    pub async fn start_again(&mut self) -> Result<(), ProcessError> {
        // What does not run cannot be stopped.
        let _ = self.stop(Signal::Kill).await;
        self.start().await
    }

    /// A start that fails at once is tried again.
    async fn start_own(&mut self) -> Result<(), ProcessError> {
        self.wait_until_down().await;
        let began = Instant::now();
        loop {
            self.spawn()?;
            match self.wait_until_up(began).await {
                Ok(()) => {
                    self.was_up = true;
                    return Ok(());
                }
                Err(error) if !self.was_up || began.elapsed() >= self.patience(&error) => {
                    return Err(error);
                }
                Err(_) => {
                    self.end().await;
                    tokio::time::sleep(BEFORE_START_AGAIN).await;
                }
            }
        }
    }

    /// How long a start that fails is repeated: the system may keep the port for a while.
    fn patience(&self, error: &ProcessError) -> Duration {
        match error.is_port_taken() {
            true => self.launch.wait,
            false => self.launch.wait.min(DYING),
        }
    }

    /// A process that is being ended may take a connection that it never answers.
    async fn wait_until_down(&self) {
        let began = Instant::now();
        while self.launch.start.is_some() && began.elapsed() < CLEARING && self.is_reachable().await
        {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    pub fn can_renew(&self) -> bool {
        self.launch.fresh.is_some()
    }

    fn spawn(&mut self) -> Result<(), ProcessError> {
        let failed = |error| ProcessError::Command { what: "the --start command", error };
        let Some(start) = &self.launch.start else { return Ok(()) };
        let command = start.prepared().map_err(failed)?;
        let started = start_group(command, &self.mark).map_err(|error| failed(error.into()))?;
        let (child, tail) = started;
        self.tail = tail;
        self.child = Some(child);
        Ok(())
    }

    /// Up is who takes connections. A leader that has ended may have left the work to another process.
    async fn wait_until_up(&mut self, began: Instant) -> Result<(), ProcessError> {
        // It came up in time before, so a machine under load may be the reason.
        let limit = self.launch.wait.saturating_mul(if self.was_up { AGAIN } else { 1 });
        loop {
            if self.is_reachable().await {
                return Ok(());
            }
            let ended = self.ended();
            if ended.is_some() && !self.is_anything_alive() || began.elapsed() >= limit {
                // It may have come up just before.
                if self.is_reachable().await {
                    return Ok(());
                }
                let how = match ended {
                    Some(status) => {
                        // Its last words are read by another thread.
                        tokio::time::sleep(LAST_WORDS).await;
                        format!("it ended with {}", in_words(status))
                    }
                    None => format!("it took no connection within {limit:?}"),
                };
                return Err(ProcessError::NeverUp(format!("{how}{}", self.last_lines())));
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    fn ended(&mut self) -> Option<ExitStatus> {
        self.child.as_mut().and_then(|child| child.try_wait().ok().flatten())
    }

    fn is_anything_alive(&self) -> bool {
        self.child.as_ref().is_some_and(|child| is_group_alive(child.id()))
            || self.mark.signal(Signal::Continue)
    }

    /// How it ended although nothing was done to it; `None` while it is up.
    pub async fn death(&mut self) -> Option<String> {
        if self.child.is_none() {
            let began = Instant::now();
            while !self.is_reachable().await {
                if began.elapsed() >= CLEARING {
                    return Some("it takes no connections any more".to_owned());
                }
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        }
        let status = self.ended()?;
        match self.is_reachable().await {
            true => None,
            false => Some(format!("it ended with {}{}", in_words(status), self.last_lines())),
        }
    }

    pub fn stop_signal(&self) -> Signal {
        self.launch.stop_signal
    }

    pub fn signal(&self, signal: Signal) {
        if let Some(child) = &self.child {
            signal_group(child.id(), signal);
        }
    }

    /// Sends the signal of `--stop-signal`, or runs the command in its place, and waits for the end.
    pub async fn stop(&mut self, signal: Signal) -> Result<(), ProcessError> {
        if let Some(stop) = &self.launch.stop {
            run(stop, "--stop", Vec::new()).await?;
            // What --start began is gone by then, or must go.
            self.end().await;
            return Ok(());
        }
        self.signal(signal);
        if signal != Signal::Kill {
            let began = Instant::now();
            while self.ended().is_none() && began.elapsed() < GRACE {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        }
        self.end().await;
        Ok(())
    }

    /// Ends every process of it, after `--stop` where there is one.
    pub async fn close(&mut self) {
        if self.launch.start.is_some() {
            let _ = self.stop(Signal::Kill).await;
        }
    }

    /// Ends every process of it; one that was not started here keeps running.
    async fn end(&mut self) {
        if self.launch.start.is_none() {
            return;
        }
        let mut child = self.child.take();
        child.iter().for_each(|child| signal_group(child.id(), Signal::Kill));
        let began = Instant::now();
        while began.elapsed() < CLEARING {
            let reaped = child.as_mut().map(|child| child.try_wait());
            let is_reaped = reaped.is_none_or(|it| it.is_ok_and(|status| status.is_some()));
            let is_left = self.mark.signal(Signal::Kill);
            if is_reaped && !is_left {
                return;
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Stops it, empties its data and starts it again.
    pub async fn renew(&mut self) -> Result<(), ProcessError> {
        let Some(fresh) = &self.launch.fresh else { return Ok(()) };
        let _ = self.stop(Signal::Kill).await;
        run(fresh, "--fresh", Vec::new()).await?;
        self.start().await
    }

    /// The last lines that it wrote, to follow a sentence.
    pub fn last_lines(&self) -> String {
        self.tail.last_lines()
    }
}

impl Drop for MerchantProcess<'_> {
    fn drop(&mut self) {
        if self.launch.start.is_none() {
            return;
        }
        if let Some(child) = &mut self.child {
            signal_group(child.id(), Signal::Kill);
            let _ = child.kill();
            let _ = child.wait();
        }
        self.mark.kill_all();
    }
}

async fn run(
    command: &UserCommand,
    what: &'static str,
    variables: Vec<(&str, String)>,
) -> Result<(), ProcessError> {
    let failed = |error| ProcessError::Command { what, error };
    let output = command.run(variables).await.map_err(failed)?;
    match output.code {
        Some(0) => Ok(()),
        _ => Err(failed(RunError::Failed(output.end()))),
    }
}

fn in_words(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("exit code {code}"),
        None => "a signal".to_owned(),
    }
}
