//! The asynchronous runtime, set up only by the commands that use the network.

use std::future::{Future, poll_fn};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;

use crate::error::CommandError;
use crate::net::transport::{Shortage, Transport};

/// The most open files that are asked for: programs that this one starts inherit the limit, and some
/// of them close every number below it.
#[cfg(unix)]
const MOST_DESCRIPTORS: u64 = if cfg!(target_os = "macos") { OPEN_MAX } else { 65_536 };

/// What macOS refuses to go beyond (`man setrlimit` there).
#[cfg(unix)]
const OPEN_MAX: u64 = 10_240;

const END_OF_THREADS: Duration = Duration::from_millis(100);

pub fn block_on<T>(
    future: impl Future<Output = Result<T, CommandError>>,
) -> Result<T, CommandError> {
    raise_descriptor_limit();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CommandError::environment("cannot set up the network").because(error))?;
    let result = runtime.block_on(future);
    // A look-up of a host name cannot be cancelled, and its answer is not needed.
    // Threads that have nothing to do are joined, so that none ends while the process does.
    runtime.shutdown_timeout(END_OF_THREADS);
    result
}

#[cfg(unix)]
fn raise_descriptor_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let most = maximum.unwrap_or(MOST_DESCRIPTORS).min(MOST_DESCRIPTORS);
    if current.is_some_and(|current| current < most) {
        // Where it is refused, the limit holds attempts back, and nothing worse.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(most), maximum });
    }
}

/// Windows has no such limit.
#[cfg(not(unix))]
fn raise_descriptor_limit() {}

/// How many files this process may have open, and how many more it can open; `None` where the
/// system does not say.
pub fn descriptors() -> Option<(usize, usize)> {
    #[cfg(unix)]
    {
        let folder = if cfg!(target_os = "linux") { "/proc/self/fd" } else { "/dev/fd" };
        let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let open = std::fs::read_dir(folder).ok()?.count();
        Some((limit, limit.saturating_sub(open)))
    }
    #[cfg(not(unix))]
    None
}

/// The error of a run that this machine kept from sending; `None` where it did not.
#[must_use]
pub fn not_sent(transport: &impl Transport) -> Option<CommandError> {
    let why = transport.shortage().and_then(Shortage::gave_up)?;
    Some(
        CommandError::environment("the rest was not sent")
            .because(std::io::Error::other(why.to_owned()))
            .hint("see how many files a process may have open with `ulimit -n`, and raise it"),
    )
}

pub fn held_back(transport: &impl Transport) -> Option<String> {
    let why = transport.shortage().and_then(Shortage::why)?;
    Some(format!(
        "{why}; a request that is held back is sent when there is room, and does not count as an \
         attempt"
    ))
}

/// The requests of the person or the system that the process end.
///
/// They are caught from the moment that this value is made: make it before anything is promised.
/// A thread of its own hears them, because the others may wait for a terminal that takes nothing:
/// it ends the process where a second request, or the first while nobody reads, leads to no end.
pub struct Interrupts {
    /// `None` where none can be caught: the default action ends the process.
    requests: Option<UnboundedReceiver<()>>,
}

impl Interrupts {
    pub fn catch() -> Self {
        Interrupts { requests: signals::listen() }
    }

    pub async fn next(&mut self) {
        poll_fn(|context| self.poll_next(context)).await;
    }

    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<()> {
        // Who sends lives as long as the process.
        match self.requests.as_mut().map(|requests| requests.poll_recv(context)) {
            Some(Poll::Ready(Some(()))) => Poll::Ready(()),
            _ => Poll::Pending,
        }
    }
}

mod signals {
    use std::sync::mpsc::{Sender, channel};
    use std::thread;
    use std::time::Duration;

    use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
    use tokio::time::{Instant, sleep};

    use crate::exit::Exit;
    use crate::terminal::stall;

    use system::Signals;

    const LAST_WORDS: Duration = Duration::from_millis(500);

    /// How long stdout or stderr may take nothing after the first signal: longer than the replies in
    /// flight have.
    const PATIENCE: Duration = Duration::from_secs(3);

    const LOOK: Duration = Duration::from_millis(50);

    /// Catches signals and passes them on; `None` where none can be caught.
    pub(super) fn listen() -> Option<UnboundedReceiver<()>> {
        let (requests, heard) = unbounded_channel();
        let (ready, is_ready) = channel();
        let thread = thread::Builder::new().name("signals".to_owned());
        thread.spawn(move || hear(&requests, ready)).ok()?;
        is_ready.recv().ok()?;
        Some(heard)
    }

    fn hear(requests: &UnboundedSender<()>, ready: Sender<()>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let Ok(runtime) = runtime else { return };
        runtime.block_on(async {
            let Ok(mut signals) = Signals::catch() else { return };
            let _ = ready.send(());
            signals.next().await;
            let _ = requests.send(());
            let (first, mut last) = (Instant::now(), None);
            loop {
                tokio::select! {
                    () = signals.next() => {
                        let _ = requests.send(());
                        last.get_or_insert(Instant::now() + LAST_WORDS);
                    }
                    () = sleep(LOOK) => {}
                }
                let stuck = stall::blocked_for().min(first.elapsed());
                if last.is_some_and(|last| Instant::now() >= last) || stuck >= PATIENCE {
                    std::process::exit(Exit::Interrupted.code().into());
                }
            }
        });
    }

    #[cfg(unix)]
    mod system {
        use std::io;

        use tokio::signal::unix::{Signal, SignalKind, signal};

        pub(super) struct Signals {
            interrupt: Signal,
            terminate: Signal,
            hangup: Option<Signal>,
        }

        impl Signals {
            pub(super) fn catch() -> io::Result<Self> {
                Ok(Signals {
                    interrupt: signal(SignalKind::interrupt())?,
                    terminate: signal(SignalKind::terminate())?,
                    hangup: match catches_hangup() {
                        true => Some(signal(SignalKind::hangup())?),
                        false => None,
                    },
                })
            }

            pub(super) async fn next(&mut self) {
                let hangup = async {
                    match &mut self.hangup {
                        Some(hangup) => hangup.recv().await,
                        None => std::future::pending().await,
                    }
                };
                tokio::select! {
                    _ = self.interrupt.recv() => {}
                    _ = self.terminate.recv() => {}
                    _ = hangup => {}
                }
            }
        }

        /// Whether SIGHUP is known not to be ignored. Where it is not known, the signal keeps the
        /// action that it began with: it ends the process, or `nohup` has it ignored.
        fn catches_hangup() -> bool {
            let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
            let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
            let mask = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
            // The lowest bit is signal 1, SIGHUP.
            mask.is_some_and(|mask| mask & 1 == 0)
        }
    }

    #[cfg(windows)]
    mod system {
        use std::io;

        use tokio::signal::windows::{
            CtrlBreak, CtrlC, CtrlClose, CtrlShutdown, ctrl_break, ctrl_c, ctrl_close,
            ctrl_shutdown,
        };

        /// After the window was closed and at the end of the session, Windows ends the process by itself
        /// some seconds later.
        pub(super) struct Signals {
            interrupt: CtrlC,
            stop: CtrlBreak,
            close: CtrlClose,
            shutdown: CtrlShutdown,
        }

        impl Signals {
            pub(super) fn catch() -> io::Result<Self> {
                Ok(Signals {
                    interrupt: ctrl_c()?,
                    stop: ctrl_break()?,
                    close: ctrl_close()?,
                    shutdown: ctrl_shutdown()?,
                })
            }

            pub(super) async fn next(&mut self) {
                tokio::select! {
                    _ = self.interrupt.recv() => {}
                    _ = self.stop.recv() => {}
                    _ = self.close.recv() => {}
                    _ = self.shutdown.recv() => {}
                }
            }
        }
    }
}
