//! What is tried with a string: at once, or together with others.

use std::rc::Rc;

use super::super::candidate::{Breadth, Candidate, Candidates, Name};
use super::super::compose::{Composer, Plan, Text};
use super::super::digest::Target;
use super::super::forms::FormRule;
use super::super::hashing::{Hasher, SHORT};
use super::super::keys::KeyRule;
use super::super::queue::{Queue, Queued};
use super::{Fit, Search, Seen};
use crate::batch::are_in_lanes;

/// A form besides the rule's own, and a key besides the right one, by their places.
pub(super) type Attempt = (Option<usize>, Option<usize>);

/// How many bytes that are hashed side by side take the time of one that is hashed alone.
const IN_LANES: usize = 10;

/// What is tried with a string.
fn attempts(forms: &[FormRule], keys: &[KeyRule], breadth: Breadth) -> Rc<[Attempt]> {
    let chosen = |rule: &FormRule| match breadth {
        Breadth::Frequent => rule.is_frequent,
        Breadth::Rest => !rule.is_frequent,
        Breadth::Common | Breadth::KeysAndCommon => rule.is_common,
        Breadth::Few => rule.is_of_few,
        Breadth::Keyless => rule.is_keyless,
        Breadth::KeysAndForms => true,
    };
    let forms = || (0..).zip(forms).filter(|(_, rule)| chosen(rule)).map(|(at, _)| Some(at));
    let has_own = !matches!(breadth, Breadth::Rest | Breadth::KeysAndForms);
    let all = || has_own.then_some(None).into_iter().chain(forms());
    let keys = || (0..keys.len()).map(Some);
    match breadth {
        Breadth::KeysAndCommon | Breadth::KeysAndForms => {
            keys().flat_map(|key| all().map(move |form| (form, key))).collect()
        }
        Breadth::Rest => {
            all().map(|form| (form, None)).chain(keys().map(|key| (None, key))).collect()
        }
        _ => all().map(|form| (form, None)).collect(),
    }
}

impl Search<'_> {
    fn attempts(&mut self, breadth: Breadth) -> Rc<[Attempt]> {
        let new = || attempts(&self.forms, &self.keys, breadth);
        Rc::clone(self.attempts.entry(breadth).or_insert_with(new))
    }

    pub(super) fn attempt(
        &mut self,
        string: &Candidates<'_>,
        breadth: Breadth,
        visit: &mut dyn FnMut(&Candidate<'_>) -> Fit,
    ) {
        let attempts = self.attempts(breadth);
        let right = self.key.expose();
        let mut hasher = Hasher::new(&string.text.bytes, string.text.change, right);
        for (form, key) in attempts.iter() {
            if self.work + hasher.work > self.most_work {
                break;
            }
            let form = form.map(|at| (at, &self.forms[at]));
            let key = key.map(|at| (at, &self.keys[at]));
            let used = form.map_or(&self.base.own, |(_, rule)| &rule.form);
            let Some(digest) = hasher.digest(used, key.map_or(right, |(_, rule)| &rule.key)) else {
                continue;
            };
            // The rule's own digest by a detour, such as a NUL behind an HMAC key, is no deviation.
            let is_detour =
                *digest == *self.base.digest && (form.is_some() || key.is_some() || !string.is_own);
            if !is_detour {
                self.tried.digests += 1;
                let (base, entries) = (&self.base, self.composer.entries());
                let candidate = Candidate { digest: &digest, string, form, key, base, entries };
                if visit(&candidate) == Fit::Yes {
                    self.fit = Fit::Yes;
                }
            }
        }
        self.work += hasher.work;
    }

    /// Has the string's digests computed with those of others.
    pub(super) fn wait<T>(&mut self, queue: &mut Queue<T>, what: T, text: &Text, breadth: Breadth) {
        queue.push(what, breadth, self.targets.is_none());
        let attempts = self.attempts(breadth);
        let Some(targets) = &self.targets else { return };
        let (right, own) = (self.key.expose(), &*self.base.digest);
        self.work += text.bytes.len();
        let mut hasher = Hasher::new(&text.bytes, text.change, right);
        for (form, key) in attempts.iter() {
            if self.work + hasher.work > self.most_work {
                break;
            }
            let work = hasher.work;
            let used = form.map_or(&self.base.own, |at| &self.forms[at].form);
            let key = key.map_or(right, |at| &self.keys[at].key);
            let together = used.hash.algorithm(key == right && text.change.is_none());
            match together.filter(|algorithm| are_in_lanes(*algorithm)) {
                Some(algorithm) => queue.digest(algorithm, |out| text.write(used, key, out)),
                None => {
                    if let (Some(digest), Some(string)) = (hasher.digest(used, key), queue.last()) {
                        compare(&digest, targets, own, string);
                    }
                }
            }
            if together.is_some() {
                // The same on every processor, so that each finds the same.
                hasher.work = work + SHORT + text.bytes.len() / IN_LANES;
            }
            if queue.has_many_digests() {
                queue.compute(right, |digest, string| compare(digest, targets, own, string));
            }
        }
        self.work += hasher.work;
    }

    /// The strings that waited, each with whether it may fit.
    fn settle<T>(&self, queue: &mut Queue<T>) -> Vec<Queued<T>> {
        let (targets, own) = (self.targets.as_deref().unwrap_or_default(), &*self.base.digest);
        queue.compute(self.key.expose(), |digest, string| compare(digest, targets, own, string));
        queue.take()
    }

    /// Attempts a string where it may fit; `string` makes it again.
    fn look_at<'c, T>(
        &mut self,
        waiting: Queued<T>,
        string: &dyn Fn(&Composer, T) -> Candidates<'c>,
        visit: &mut dyn FnMut(&Candidate<'_>) -> Fit,
    ) {
        match waiting.may_fit {
            true => {
                let string = string(&self.composer, waiting.what);
                let work = self.work;
                if self.targets.is_some() {
                    // Its digests are within the bound already.
                    self.work = 0;
                }
                self.attempt(&string, waiting.breadth, visit);
                if self.targets.is_some() {
                    self.work = work;
                }
            }
            false => self.tried.digests += waiting.digests,
        }
    }

    /// Attempts the strings that may fit, however many do.
    pub(super) fn attempt_all<'c, T>(
        &mut self,
        queue: &mut Queue<T>,
        string: &dyn Fn(&Composer, T) -> Candidates<'c>,
        visit: &mut dyn FnMut(&Candidate<'_>) -> Fit,
    ) {
        for waiting in self.settle(queue) {
            self.look_at(waiting, string, visit);
        }
    }

    /// Attempts the strings that may fit, up to the first that does.
    pub(super) fn attempt_waiting<'c, T>(
        &mut self,
        queue: &mut Queue<T>,
        string: &dyn Fn(&Composer, T) -> Candidates<'c>,
        visit: &mut dyn FnMut(&Candidate<'_>) -> Fit,
    ) {
        for waiting in self.settle(queue) {
            if self.fit == Fit::Yes {
                return;
            }
            self.tried.strings += 1;
            self.look_at(waiting, string, visit);
        }
    }

    pub(super) fn attempt_alone(
        &mut self,
        string: &Candidates<'_>,
        breadth: Breadth,
        visit: &mut dyn FnMut(&Candidate<'_>) -> Fit,
    ) {
        let mut queue = Queue::default();
        self.wait(&mut queue, (), &string.text, breadth);
        self.attempt_all(&mut queue, &|_, ()| string.clone(), visit);
    }

    pub(super) fn attempt_plans<'c>(
        &mut self,
        queue: &mut Queue<Plan<'c>>,
        visit: &mut dyn FnMut(&Candidate<'_>) -> Fit,
    ) {
        let string = |composer: &Composer, plan: Plan<'c>| {
            Candidates::new(composer.compose(plan), Name::of_plan(plan, 0))
        };
        self.attempt_waiting(queue, &string, visit);
    }

    /// Tries a string that was not tried before, together with those that wait.
    pub(super) fn attempt_new<'c>(
        &mut self,
        (plan, breadth): (Plan<'c>, Breadth),
        queue: &mut Queue<Plan<'c>>,
        (seen, visit): (&mut Seen, &mut dyn FnMut(&Candidate<'_>) -> Fit),
    ) {
        if self.work > self.most_work || self.fit == Fit::Yes {
            return;
        }
        let text = self.composer.compose(plan);
        self.work += text.bytes.len();
        if seen.note(&text, usize::MAX).is_some() {
            return;
        }
        let breadth = if text.holds_key { Breadth::Keyless } else { breadth };
        self.wait(queue, plan, &text, breadth);
        if queue.is_full() {
            self.attempt_plans(queue, visit);
        }
    }
}

/// Notes a digest of a string, which may fit or is the rule's own by a detour.
fn compare<T>(digest: &[u8], targets: &[Target], own: &[u8], string: &mut Queued<T>) {
    string.may_fit |= targets.iter().any(|target| target.fits(digest));
    string.digests += usize::from(digest != own);
}
