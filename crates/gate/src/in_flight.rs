//! The bounded table of calls that were sent and are owed an outcome.

use std::collections::HashMap;
use std::collections::hash_map::Entry as MapEntry;
use std::hash::Hash;

use foldhash::fast::RandomState;

use crate::call::{self, Call, Finished, Slot, Standing, Withheld};
use crate::checks::Pass;
use crate::kind::Kind;
use crate::outcome::Outcome;
use crate::refusal::Refusal;

/// The most calls that are in flight at once; the next one is [`Refusal::overloaded`].
pub const MAX_IN_FLIGHT: usize = 1024;

/// The most of them that have no deadline; they may stay for as long as the server does, and must
/// leave room for those that end.
pub const MAX_UNTIMED: usize = MAX_IN_FLIGHT / 2;

/// What a shutdown still has to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Open {
    /// At least one call is waiting.
    Waiting,
    /// No call is waiting, but the server may still confirm one that dropgate cancelled.
    OnlyCancelled,
    /// Nothing that anybody waits for.
    Settled,
}

/// Why a call was not put into the table. The call comes back, for it is owed an outcome.
#[derive(Debug, thiserror::Error)]
pub enum NotInserted {
    /// A call under the same key is still in flight.
    #[error("a call with this id is still in flight; use a fresh id for every request")]
    Duplicate(Box<Call<Withheld>>),
    /// [`MAX_IN_FLIGHT`] calls are in flight, or [`MAX_UNTIMED`] that have no deadline; the answer
    /// is [`Refusal::overloaded`].
    #[error("too many calls are in flight; wait until some have finished")]
    Full(Box<Call<Withheld>>),
}

/// A call that left the table without an answer of the server's.
#[derive(Debug)]
#[must_use = "the host waits for the answer"]
pub struct Unanswered {
    /// The call with its outcome.
    pub finished: Finished,
    /// The answer that the host is owed; none for a call that the host itself cancelled.
    pub answer: Option<Refusal>,
}

/// Calls in flight, by a key of the caller's choice (the JSON-RPC id, as a rule).
#[derive(Debug)]
pub struct InFlight<K> {
    calls: HashMap<K, Entry, RandomState>,
    next_turn: u64,
    waiting: usize,
    cancel_sent: usize,
}

impl<K> Default for InFlight<K> {
    fn default() -> Self {
        Self {
            calls: HashMap::default(),
            next_turn: 0,
            waiting: 0,
            cancel_sent: 0,
        }
    }
}

impl<K: Eq + Hash + Clone> InFlight<K> {
    /// An empty table.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a call into the table; this has to happen before its first byte is sent.
    ///
    /// A server need not answer what the host has cancelled, so such calls may stay for ever.
    /// When the table is full, the oldest of them leaves and is returned.
    ///
    /// # Errors
    /// The key is taken, or the table is full of calls that somebody waits for, or holds
    /// [`MAX_UNTIMED`] calls like this one that have no deadline.
    pub fn insert(
        &mut self,
        key: K,
        call: Call<call::InFlight>,
    ) -> Result<Option<Finished>, NotInserted> {
        let mut evicted = None;
        if call.kind() == Kind::Other && self.untimed() >= MAX_UNTIMED {
            return Err(NotInserted::Full(Box::new(call.withhold())));
        }
        if self.calls.len() >= MAX_IN_FLIGHT && !self.calls.contains_key(&key) {
            match self.evict_cancelled_by_host() {
                Some(finished) => evicted = Some(finished),
                None => return Err(NotInserted::Full(Box::new(call.withhold()))),
            }
        }
        match self.calls.entry(key) {
            MapEntry::Occupied(_) => {
                return Err(NotInserted::Duplicate(Box::new(call.withhold())));
            }
            MapEntry::Vacant(place) => place.insert(Entry {
                call,
                standing: Standing::Waiting,
                turn: self.next_turn,
            }),
        };
        self.next_turn += 1;
        self.waiting += 1;
        Ok(evicted)
    }

    fn untimed(&self) -> usize {
        let calls = self.calls.values();
        calls
            .filter(|entry| entry.call.kind() == Kind::Other)
            .count()
    }

    /// The server answered: `reply` is [`Outcome::Completed`], [`Outcome::ToolError`] or
    /// [`Outcome::RpcError`]. An error for a cancelled call confirms the cancellation and counts
    /// as [`Outcome::Cancelled`]; a result means that the call ran all the same.
    ///
    /// None if no such call is in flight.
    pub fn reply(&mut self, key: &K, reply: Outcome) -> Option<Finished> {
        let entry = self.remove(key)?;
        let outcome = match (entry.standing, reply) {
            (Standing::CancelledByHost | Standing::CancelSent, Outcome::RpcError) => {
                Outcome::Cancelled
            }
            (Standing::Waiting, Outcome::RpcError)
            | (
                Standing::Waiting | Standing::CancelledByHost | Standing::CancelSent,
                Outcome::Completed
                | Outcome::ToolError
                | Outcome::Cancelled
                | Outcome::TimedOut
                | Outcome::Denied
                | Outcome::NotExecuted
                | Outcome::Unknown
                | Outcome::Shed,
            ) => reply,
        };
        Some(entry.finish(outcome))
    }

    /// The server will not answer, or not in time: the host is owed `answer` in its place, unless
    /// it has cancelled the call itself, which then ends as [`Outcome::Cancelled`].
    ///
    /// None if no such call is in flight.
    pub fn give_up(&mut self, key: &K, answer: &Refusal) -> Option<Unanswered> {
        Some(self.remove(key)?.give_up(answer))
    }

    /// The host cancelled the call: drain no longer waits for it, and it needs no answer.
    ///
    /// Returns how the call stood before; none if no such call is in flight.
    pub fn host_cancelled(&mut self, key: &K) -> Option<Standing> {
        let entry = self.calls.get_mut(key)?;
        let before = entry.standing;
        entry.standing = Standing::CancelledByHost;
        match before {
            Standing::Waiting => self.waiting -= 1,
            Standing::CancelSent => self.cancel_sent -= 1,
            Standing::CancelledByHost => {}
        }
        Some(before)
    }

    /// Dropgate told the server to cancel the call. A call that the host has cancelled stays so.
    ///
    /// Returns how the call stood before; none if no such call is in flight.
    pub fn mark_cancel_sent(&mut self, key: &K) -> Option<Standing> {
        let entry = self.calls.get_mut(key)?;
        let before = entry.standing;
        match before {
            Standing::Waiting => {
                entry.standing = Standing::CancelSent;
                self.waiting -= 1;
                self.cancel_sent += 1;
            }
            Standing::CancelSent | Standing::CancelledByHost => {}
        }
        Some(before)
    }

    /// Whether a call is in flight under this key.
    #[must_use]
    pub fn holds(&self, key: &K) -> bool {
        self.calls.contains_key(key)
    }

    /// The slot of the call in flight under this key.
    #[must_use]
    pub fn slot(&self, key: &K) -> Option<Slot> {
        self.calls.get(key).map(|entry| entry.call.slot())
    }

    /// What the call under this key holds of the checks.
    #[must_use]
    pub fn pass(&self, key: &K) -> Option<&Pass> {
        self.calls.get(key)?.call.pass()
    }

    /// How many calls nobody has cancelled: those that drain waits for.
    #[must_use]
    pub fn waiting_count(&self) -> usize {
        self.waiting
    }

    /// What a shutdown still has to wait for.
    #[must_use]
    pub fn open(&self) -> Open {
        match (self.waiting, self.cancel_sent) {
            (0, 0) => Open::Settled,
            (0, _) => Open::OnlyCancelled,
            (_, _) => Open::Waiting,
        }
    }

    /// How many calls the table holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.calls.len()
    }

    /// Whether the table holds no call.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// Every call in flight, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &Call<call::InFlight>, Standing)> {
        let mut calls: Vec<_> = self.calls.iter().collect();
        calls.sort_unstable_by_key(|(_, entry)| entry.turn);
        calls
            .into_iter()
            .map(|(key, entry)| (key, &entry.call, entry.standing))
    }

    /// Empties the table at the end, oldest first, as [`Self::give_up`] does one by one.
    pub fn drain_all(&mut self, answer: &Refusal) -> Vec<Unanswered> {
        let mut calls: Vec<_> = self.calls.drain().map(|(_, entry)| entry).collect();
        self.waiting = 0;
        self.cancel_sent = 0;
        calls.sort_unstable_by_key(|entry| entry.turn);
        calls
            .into_iter()
            .map(|entry| entry.give_up(answer))
            .collect()
    }

    fn evict_cancelled_by_host(&mut self) -> Option<Finished> {
        let key = self
            .calls
            .iter()
            .filter(|(_, entry)| entry.standing == Standing::CancelledByHost)
            .min_by_key(|(_, entry)| entry.turn)
            .map(|(key, _)| key.clone())?;
        Some(self.remove(&key)?.finish(Outcome::Cancelled))
    }

    fn remove(&mut self, key: &K) -> Option<Entry> {
        let entry = self.calls.remove(key)?;
        match entry.standing {
            Standing::Waiting => self.waiting -= 1,
            Standing::CancelSent => self.cancel_sent -= 1,
            Standing::CancelledByHost => {}
        }
        Some(entry)
    }
}

#[derive(Debug)]
struct Entry {
    call: Call<call::InFlight>,
    standing: Standing,
    turn: u64,
}

impl Entry {
    fn give_up(self, answer: &Refusal) -> Unanswered {
        let (outcome, answer) = match self.standing {
            Standing::Waiting | Standing::CancelSent => (answer.outcome(), Some(answer.clone())),
            Standing::CancelledByHost => (Outcome::Cancelled, None),
        };
        Unanswered {
            finished: self.finish(outcome),
            answer,
        }
    }

    fn finish(self, outcome: Outcome) -> Finished {
        Finished {
            standing: self.standing,
            ..self.call.finish(outcome)
        }
    }
}
