//! Which reply of a program is next.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::action::Action;
use super::render::Given;
use super::{ReplyProgram, Step};
use crate::mask::Untrusted;
use crate::receiver::lru_map::LruMap;
use crate::receiver::received::Replied;
use crate::receiver::reply::Reply;
use crate::receiver::server::handler_output::Answer;
use crate::units::percent::Percent;

const MAX_TARGET_BYTES: usize = 8 * 1024;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Per {
    /// Those of one order; requests without an order id count together.
    #[default]
    Order,
    Connection,
    All,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{:?} is not known; replies are counted per order, connection or all", Untrusted::new(.0))]
pub struct UnknownPer(pub String);

impl std::str::FromStr for Per {
    type Err = UnknownPer;

    fn from_str(text: &str) -> Result<Self, UnknownPer> {
        let all = [Per::Order, Per::Connection, Per::All];
        all.into_iter().find(|per| per.name() == text).ok_or_else(|| UnknownPer(text.to_owned()))
    }
}

impl Per {
    pub const fn name(self) -> &'static str {
        match self {
            Per::Order => "order",
            Per::Connection => "connection",
            Per::All => "all",
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub struct RequestContext<'p> {
    pub order: Option<&'p str>,
    pub connection: SocketAddr,
    /// The path and the query as sent, for `redirect`.
    pub target: &'p str,
}

/// A running program: it counts the replies, for a bounded number of orders or connections. The
/// counts not used for longest are forgotten first and start again; a port that a client uses again
/// counts on.
#[derive(Clone, Debug)]
pub struct Runner {
    program: ReplyProgram,
    per: Per,
    seed: u64,
    shared: u64,
    begun: u64,
    counters: LruMap<Counter>,
}

#[derive(Clone, Copy, Debug)]
struct Counter {
    ordinal: u64,
    replies: u64,
}

impl Runner {
    /// A program from its beginning, which remembers at most `capacity` orders or connections.
    /// Chances come from the seed: that of an order's n-th reply depends on the seed, the order's
    /// id and n alone; on a connection, and for requests without an id, on the order in which they
    /// came.
    pub fn new(program: ReplyProgram, per: Per, seed: u64, capacity: usize) -> Self {
        let counters = LruMap::with_capacity(capacity);
        Runner { program, per, seed, shared: 0, begun: 0, counters }
    }

    pub fn program(&self) -> &ReplyProgram {
        &self.program
    }

    pub fn per(&self) -> Per {
        self.per
    }

    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Counts from the first step again, for all orders and connections.
    pub fn restart(&mut self) {
        self.counters.clear();
        (self.shared, self.begun) = (0, 0);
    }

    pub fn next(&mut self, place: RequestContext<'_>) -> Chosen {
        let (stream, number) = self.count(place);
        let action = self.program.step(number).and_then(|step| {
            let draw = || draw(self.seed, &stream, number);
            choose(step, draw)
        });
        let action = action.unwrap_or_default();
        Chosen {
            delay: action.delay,
            #[cfg(test)]
            number,
            target: safe_target(place.target).to_owned(),
            action,
        }
    }

    /// The stream of chances that the next reply draws from, and its number there, from 1.
    fn count(&mut self, place: RequestContext<'_>) -> (RngSeed, u64) {
        let name = match (self.per, place.order) {
            (Per::All, _) | (Per::Order, None) => None,
            (Per::Order, Some(order)) => Some(Cow::Borrowed(order)),
            (Per::Connection, _) => Some(Cow::Owned(place.connection.to_string())),
        };
        let Some(name) = name else {
            self.shared = self.shared.saturating_add(1);
            return (RngSeed::default(), self.shared);
        };
        let ordinal = self.begun;
        let counter = self.counters.value(name.as_bytes(), || Counter { ordinal, replies: 0 });
        counter.replies = counter.replies.saturating_add(1);
        let counter = *counter;
        if counter.replies == 1 {
            self.begun += 1;
        }
        match self.per {
            // A client's port differs from run to run; what came when does not.
            Per::Connection => (stream(&counter.ordinal.to_le_bytes()), counter.replies),
            Per::Order | Per::All => (stream(name.as_bytes()), counter.replies),
        }
    }
}

fn choose(step: &Step, draw: impl Fn() -> u32) -> Option<Arc<Action>> {
    let mut drawn = None;
    let mut sum = 0;
    for alternative in &step.alternatives {
        let Some(chance) = alternative.chance else {
            return Some(Arc::clone(&alternative.action));
        };
        sum += chance.millionths();
        if *drawn.get_or_insert_with(&draw) < sum {
            return Some(Arc::clone(&alternative.action));
        }
    }
    None
}

type RngSeed = [u8; 32];

fn stream(name: &[u8]) -> RngSeed {
    Sha256::digest(name).into()
}

fn draw(seed: u64, stream: &RngSeed, number: u64) -> u32 {
    let mut digest = Sha256::new();
    digest.update(seed.to_le_bytes());
    digest.update(stream);
    digest.update(number.to_le_bytes());
    let digest = digest.finalize();
    let bits = digest.iter().take(8).fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
    // Below ALL by construction: the upper half of a product of 64 bits and ALL.
    u32::try_from((u128::from(bits) * u128::from(Percent::ALL.millionths())) >> 64)
        .unwrap_or_default()
}

fn safe_target(target: &str) -> &str {
    let is_safe = !target.is_empty()
        && target.len() <= MAX_TARGET_BYTES
        && target.bytes().all(|byte| byte.is_ascii_graphic());
    if is_safe { target } else { "/" }
}

#[derive(Clone, Debug)]
pub struct Chosen {
    /// How long to wait before it is given; the handler waits, so that the client may leave.
    pub delay: Duration,
    /// Which reply of its order, connection or run it is, from 1.
    #[cfg(test)]
    pub number: u64,
    target: String,
    action: Arc<Action>,
}

impl Chosen {
    #[must_use]
    pub fn with_waits_up_to(mut self, most: Duration) -> Self {
        self.delay = self.delay.min(most);
        Arc::make_mut(&mut self.action).limit_waits(most);
        self
    }

    /// What the server does, and what the inbox keeps of it. `auto` is what would be answered
    /// without a program, `success_text` what acknowledges in the dialect. The kept `action` is
    /// `None` where the reply is `auto` itself.
    pub fn answer(&self, auto: Reply, success_text: &str) -> (Answer, Replied) {
        self.action.answer(Given { usual: auto, success_text, target: &self.target })
    }
}
