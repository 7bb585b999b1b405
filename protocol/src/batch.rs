//! Digests of many short messages at once, a message in each lane of the processor's vectors.

use std::sync::OnceLock;

use fearless_simd::{Level, dispatch};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Sha256, Sha384, Sha512};
use zeroize::Zeroizing;

use self::functions::{Block, Function};
use super::scheme::Algorithm;

mod functions;

/// A digest, filled up with zeros.
pub(super) type Digest = [u8; 64];

/// How many messages are digested side by side. Shorter vectors than of sixteen words take a few
/// turns for them, which hides how long an instruction takes.
const LANES: usize = 16;

/// A word of each lane.
type Words = [u32; LANES];

/// In bytes.
const BLOCK: usize = 64;

/// The digest of each message; `key` is that of an HMAC.
pub(super) fn digests(algorithm: Algorithm, key: &[u8], messages: &[&[u8]]) -> Vec<Digest> {
    let level = level();
    let in_lanes = beats_the_processors_own(level);
    match algorithm {
        Algorithm::Md5 => plain::<functions::Md5>(level, messages),
        Algorithm::HmacMd5 => keyed::<functions::Md5>(level, key, messages),
        Algorithm::Sha1 if in_lanes => plain::<functions::Sha1>(level, messages),
        Algorithm::HmacSha1 if in_lanes => keyed::<functions::Sha1>(level, key, messages),
        Algorithm::Sha256 if in_lanes => plain::<functions::Sha256>(level, messages),
        Algorithm::HmacSha256 if in_lanes => keyed::<functions::Sha256>(level, key, messages),
        Algorithm::Sha1 => one_by_one::<Sha1>(messages),
        Algorithm::Sha256 => one_by_one::<Sha256>(messages),
        Algorithm::Sha384 => one_by_one::<Sha384>(messages),
        Algorithm::Sha512 => one_by_one::<Sha512>(messages),
        Algorithm::HmacSha1 => keyed_one_by_one::<Hmac<Sha1>>(key, messages),
        Algorithm::HmacSha256 => keyed_one_by_one::<Hmac<Sha256>>(key, messages),
        Algorithm::HmacSha384 => keyed_one_by_one::<Hmac<Sha384>>(key, messages),
        Algorithm::HmacSha512 => keyed_one_by_one::<Hmac<Sha512>>(key, messages),
    }
}

/// Whether [`digests`] computes many of this digest side by side, which is faster then.
#[cfg(feature = "diagnosis")]
pub(super) fn are_in_lanes(algorithm: Algorithm) -> bool {
    use Algorithm::{HmacMd5, HmacSha1, HmacSha256, Md5, Sha1, Sha256};
    match algorithm {
        Md5 | HmacMd5 => !level().is_fallback(),
        Sha1 | HmacSha1 | Sha256 | HmacSha256 => beats_the_processors_own(level()),
        _ => false,
    }
}

static LEVEL: OnceLock<Level> = OnceLock::new();

/// The vectors of this processor, or those that were chosen.
fn level() -> Level {
    *LEVEL.get_or_init(Level::new)
}

/// Takes shorter vectors than the processor has, for a measurement, where nothing was digested yet;
/// the names are those of [`has_vectors`].
pub fn choose_vectors(name: &str) {
    if let Some(level) = named(name) {
        let _ = LEVEL.set(level);
    }
}

/// Whether the processor has these vectors: `sse2`, `avx2` or `avx512`.
#[must_use]
pub fn has_vectors(name: &str) -> bool {
    named(name).is_some()
}

#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
fn named(name: &str) -> Option<Level> {
    let level = Level::new();
    match name {
        "sse2" => level.as_sse2().map(Level::Sse2),
        "avx2" => level.as_avx2().map(Level::Avx2),
        "avx512" => level.as_avx512().map(Level::Avx512),
        _ => None,
    }
}

#[cfg(not(any(target_arch = "x86", target_arch = "x86_64")))]
fn named(_: &str) -> Option<Level> {
    None
}

/// Whether lanes are faster than instructions for SHA, which digest one message, where the
/// processor has them: `protocol/benches/functions.rs`
/// measures it (`digests/…`).
fn beats_the_processors_own(level: Level) -> bool {
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    let (has_own, is_wide) = (is_x86_feature_detected!("sha"), level.as_avx512().is_some());
    #[cfg(target_arch = "aarch64")]
    let (has_own, is_wide) = (std::arch::is_aarch64_feature_detected!("sha2"), false);
    #[cfg(not(any(target_arch = "x86", target_arch = "x86_64", target_arch = "aarch64")))]
    let (has_own, is_wide) = (false, false);
    !level.is_fallback() && (is_wide || !has_own)
}

fn one_by_one<D: sha2::Digest>(messages: &[&[u8]]) -> Vec<Digest> {
    messages.iter().map(|message| filled(&D::digest(message))).collect()
}

fn keyed_one_by_one<M: Mac + KeyInit + Clone>(key: &[u8], messages: &[&[u8]]) -> Vec<Digest> {
    let mac = <M as KeyInit>::new_from_slice(key).expect("HMAC takes a key of any length");
    let digest =
        |message: &&[u8]| filled(&mac.clone().chain_update(message).finalize().into_bytes());
    messages.iter().map(digest).collect()
}

fn filled(bytes: &[u8]) -> Digest {
    let mut digest = [0; size_of::<Digest>()];
    digest[..bytes.len()].copy_from_slice(bytes);
    digest
}

fn plain<F: Function>(level: Level, messages: &[&[u8]]) -> Vec<Digest> {
    in_lanes::<F>(level, F::START, 0, messages.iter().copied())
}

/// HMAC. Source: RFC 2104.
fn keyed<F: Function>(level: Level, key: &[u8], messages: &[&[u8]]) -> Vec<Digest> {
    let length = size_of_val(F::START);
    let mut padded = Zeroizing::new([0; BLOCK]);
    match padded.get_mut(..key.len()) {
        Some(start) => start.copy_from_slice(key),
        None => padded[..length].copy_from_slice(&plain::<F>(level, &[key])[0][..length]),
    }
    let after = |pad: u8| {
        let mut lanes = Lanes::default();
        let block = Zeroizing::new(padded.map(|byte| byte ^ pad));
        lanes.start(0, F::START);
        put::<F>(&block, 0, &mut lanes.block);
        lanes.compress::<F>(level);
        lanes.state.map(|row| row[0])
    };
    let inner = in_lanes::<F>(level, &after(0x36), BLOCK, messages.iter().copied());
    in_lanes::<F>(level, &after(0x5c), BLOCK, inner.iter().map(|digest| &digest[..length]))
}

/// The digests of messages, each behind `before` bytes after which the state was `start`.
fn in_lanes<'a, F: Function>(
    level: Level,
    start: &[u32],
    before: usize,
    messages: impl ExactSizeIterator<Item = &'a [u8]>,
) -> Vec<Digest> {
    let mut digests = vec![[0; size_of::<Digest>()]; messages.len()];
    let mut lanes = Lanes::default();
    let mut next = messages.enumerate();
    while lanes.fill::<F>(start, before, &mut next) {
        lanes.compress::<F>(level);
        lanes.take::<F>(&mut digests);
    }
    digests
}

#[derive(Default)]
struct Lanes<'a> {
    lanes: [Lane<'a>; LANES],
    state: [Words; 8],
    block: Block,
}

#[derive(Clone, Copy, Default)]
struct Lane<'a> {
    message: &'a [u8],
    /// What follows the last whole block that was taken.
    rest: &'a [u8],
    /// The message's place among all.
    index: usize,
    step: LaneState,
}

#[derive(Clone, Copy, Default, PartialEq)]
enum LaneState {
    #[default]
    Free,
    Message,
    /// The message and the mark behind it are taken; its length needs a block of its own.
    Length,
    Done,
}

impl<'a> Lanes<'a> {
    /// Puts the next block of each lane in place, a new message where one is free. Says whether
    /// there is a block.
    // Apart from the vectors' code: within it, the compiler moves loads over these stores.
    #[inline(never)]
    fn fill<F: Function>(
        &mut self,
        start: &[u32],
        before: usize,
        next: &mut impl Iterator<Item = (usize, &'a [u8])>,
    ) -> bool {
        let mut is_any = false;
        for at in 0..LANES {
            if self.lanes[at].step == LaneState::Free {
                let Some((index, message)) = next.next() else { continue };
                self.lanes[at] = Lane { message, rest: message, index, step: LaneState::Message };
                self.start(at, start);
            }
            is_any = true;
            let lane = &mut self.lanes[at];
            match lane.rest.split_first_chunk() {
                Some((whole, rest)) => {
                    lane.rest = rest;
                    put::<F>(whole, at, &mut self.block);
                }
                None => put::<F>(&lane.end::<F>(before), at, &mut self.block),
            }
        }
        is_any
    }

    fn start(&mut self, at: usize, start: &[u32]) {
        for (row, word) in self.state.iter_mut().zip(start) {
            row[at] = *word;
        }
    }

    fn compress<F: Function>(&mut self, level: Level) {
        let Lanes { state, block, .. } = self;
        dispatch!(level, simd => F::compress(simd, state, block));
    }

    /// Takes the digests of the lanes that are done.
    #[inline(never)]
    fn take<F: Function>(&mut self, digests: &mut [Digest]) {
        let done =
            self.lanes.iter_mut().enumerate().filter(|(_, lane)| lane.step == LaneState::Done);
        for (at, lane) in done {
            lane.step = LaneState::Free;
            let words = digests[lane.index].as_chunks_mut().0;
            for (bytes, row) in words.iter_mut().zip(&self.state[..F::START.len()]) {
                *bytes = match F::IS_BIG_ENDIAN {
                    true => row[at].to_be_bytes(),
                    false => row[at].to_le_bytes(),
                };
            }
        }
    }
}

impl Lane<'_> {
    /// The message's last block, or the one before it.
    fn end<F: Function>(&mut self, before: usize) -> [u8; BLOCK] {
        let mut block = [0; BLOCK];
        let (text, behind) = block.split_at_mut(self.rest.len());
        text.copy_from_slice(self.rest);
        if self.step == LaneState::Message {
            behind[0] = 0x80;
        }
        match behind.len() > size_of::<u64>() {
            true => {
                let bits = ((before + self.message.len()) as u64) << 3;
                let at = BLOCK - size_of::<u64>();
                block[at..].copy_from_slice(&match F::IS_BIG_ENDIAN {
                    true => bits.to_be_bytes(),
                    false => bits.to_le_bytes(),
                });
                self.step = LaneState::Done;
            }
            false => {
                self.rest = &[];
                self.step = LaneState::Length;
            }
        }
        block
    }
}

#[inline(always)]
fn put<F: Function>(bytes: &[u8; BLOCK], lane: usize, block: &mut Block) {
    for (row, word) in block.iter_mut().zip(bytes.as_chunks().0) {
        row[lane] = match F::IS_BIG_ENDIAN {
            true => u32::from_be_bytes(*word),
            false => u32::from_le_bytes(*word),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use md5::Md5;

    fn random(longest: usize) -> Vec<u8> {
        (0..fastrand::usize(..=longest)).map(|_| fastrand::u8(..)).collect()
    }

    fn levels() -> Vec<Level> {
        let level = Level::new();
        let mut levels = vec![level];
        #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
        levels.extend(
            [level.as_avx2().map(Level::Avx2), level.as_sse2().map(Level::Sse2)]
                .into_iter()
                .flatten(),
        );
        levels
    }

    fn one<D: sha2::Digest>(messages: &[&[u8]]) -> Vec<Digest> {
        one_by_one::<D>(messages)
    }

    #[test]
    fn each_digest_is_that_of_its_message_alone() {
        let levels = levels();
        for round in 0..300 {
            let longest = if round % 10 == 0 { 4096 } else { 200 };
            let messages: Vec<_> = (0..fastrand::usize(..70)).map(|_| random(longest)).collect();
            let messages: Vec<&[u8]> = messages.iter().map(Vec::as_slice).collect();
            let key = random(150);
            let level = levels[round % levels.len()];
            assert_eq!(plain::<functions::Md5>(level, &messages), one::<Md5>(&messages));
            assert_eq!(plain::<functions::Sha1>(level, &messages), one::<Sha1>(&messages));
            assert_eq!(plain::<functions::Sha256>(level, &messages), one::<Sha256>(&messages));
            let keyed_md5 = keyed_one_by_one::<Hmac<Md5>>(&key, &messages);
            assert_eq!(keyed::<functions::Md5>(level, &key, &messages), keyed_md5);
            let keyed_sha1 = keyed_one_by_one::<Hmac<Sha1>>(&key, &messages);
            assert_eq!(keyed::<functions::Sha1>(level, &key, &messages), keyed_sha1);
            let keyed_sha256 = keyed_one_by_one::<Hmac<Sha256>>(&key, &messages);
            assert_eq!(keyed::<functions::Sha256>(level, &key, &messages), keyed_sha256);
        }
    }

    #[test]
    fn messages_about_as_long_as_a_block_have_their_own_digests() {
        let text = random(300).into_iter().chain([7; 300]).collect::<Vec<u8>>();
        let messages: Vec<&[u8]> = (0..260).map(|length| &text[..length]).collect();
        assert_eq!(digests(Algorithm::Md5, b"", &messages), one::<Md5>(&messages));
        assert_eq!(digests(Algorithm::Sha256, b"", &messages), one::<Sha256>(&messages));
        for length in 50..80 {
            let key = &text[..length];
            let alone = keyed_one_by_one::<Hmac<Sha256>>(key, &messages);
            assert_eq!(digests(Algorithm::HmacSha256, key, &messages), alone, "{length}");
        }
    }

    #[test]
    fn no_message_has_no_digest() {
        for algorithm in [Algorithm::Md5, Algorithm::HmacMd5, Algorithm::Sha512] {
            assert_eq!(digests(algorithm, b"key", &[]), Vec::<Digest>::new());
        }
    }
}
