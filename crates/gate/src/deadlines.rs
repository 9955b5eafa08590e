//! When each call in flight is due, and how progress moves that.
//!
//! A call has a timeout, which every sign of progress starts again, and a longest time, which
//! nothing extends: a server that reports progress for ever still holds nobody for ever.

mod order;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::time::Duration;

use foldhash::fast::RandomState;

use self::order::Order;
use crate::in_flight::MAX_IN_FLIGHT;

/// How long a call may take; `[calls]` in the configuration, or the table of its tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Limits {
    /// From the call, or from its last sign of progress.
    pub timeout: Duration,
    /// From the call, whatever it reports. The shorter of the two holds.
    pub max_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            max_timeout: Duration::from_secs(300),
        }
    }
}

/// The deadlines of all calls in flight: `K` names a call, `T` is a progress token.
///
/// Where all calls have one timeout, a step costs the same however many there are; where timeouts
/// differ or progress is reported, it may move others within the bounded order.
#[derive(Debug)]
pub struct Deadlines<K, T> {
    calls: HashMap<K, Timed<T>, RandomState>,
    order: Order<K>,
    tokens: HashMap<T, K, RandomState>,
    last_number: u64,
}

#[derive(Debug)]
struct Timed<T> {
    number: u64,
    timeout: Duration,
    due: Duration,
    latest: Duration,
    token: Option<T>,
}

/// A call that got no deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotTimed {
    /// The table is full.
    #[error("{MAX_IN_FLIGHT} calls have a deadline, which is the limit; refuse the call")]
    Full,
    /// The key has a deadline already.
    #[error("the call has a deadline already; give each call in flight a key of its own")]
    Taken,
}

/// What a sign of progress did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress<'a, K> {
    /// The call is now due at this time.
    Extended {
        /// The call.
        key: &'a K,
        /// When it is due, since the caller's origin.
        due: Duration,
    },
    /// The call has no more time to get.
    AtMaximum {
        /// The call.
        key: &'a K,
        /// When it is due, since the caller's origin.
        due: Duration,
    },
    /// No call in flight has this token.
    Unclaimed,
}

impl<K: Eq + Hash + Clone, T: Eq + Hash + Clone> Deadlines<K, T> {
    /// No call is in flight.
    #[must_use]
    pub fn new() -> Self {
        Self {
            calls: HashMap::default(),
            order: Order::new(),
            tokens: HashMap::default(),
            last_number: 0,
        }
    }

    /// Begins the time of a call and tells when it is due. `token` is the progress token that the
    /// call carries; one that another call in flight has already stays that call's alone, so that
    /// progress of one never extends two.
    ///
    /// # Errors
    /// If the table is full or the key is in it; then nothing changed.
    pub fn insert(
        &mut self,
        key: K,
        token: Option<T>,
        limits: &Limits,
        now: Duration,
    ) -> Result<Duration, NotTimed> {
        let is_full = self.calls.len() >= MAX_IN_FLIGHT;
        let place = match self.calls.entry(key.clone()) {
            Entry::Occupied(_) => return Err(NotTimed::Taken),
            Entry::Vacant(_) if is_full => return Err(NotTimed::Full),
            Entry::Vacant(place) => place,
        };
        let token = token.filter(|token| !self.tokens.contains_key(token));
        if let Some(token) = &token {
            self.tokens.insert(token.clone(), key.clone());
        }
        self.last_number += 1;
        let latest = now.saturating_add(limits.max_timeout);
        let timed = Timed {
            number: self.last_number,
            timeout: limits.timeout,
            due: now.saturating_add(limits.timeout).min(latest),
            latest,
            token,
        };
        let due = timed.due;
        self.order.insert((due, timed.number), key);
        place.insert(timed);
        Ok(due)
    }

    /// The server reported progress under this token. A deadline never moves back.
    pub fn progress(&mut self, token: &T, now: Duration) -> Progress<'_, K> {
        let Some(key) = self.tokens.get(token) else {
            return Progress::Unclaimed;
        };
        let Some(call) = self.calls.get_mut(key) else {
            return Progress::Unclaimed;
        };
        let due = now.saturating_add(call.timeout).min(call.latest);
        if due <= call.due {
            return if call.due >= call.latest {
                Progress::AtMaximum { key, due: call.due }
            } else {
                Progress::Extended { key, due: call.due }
            };
        }
        if let Some(ordered) = self.order.remove((call.due, call.number)) {
            self.order.insert((due, call.number), ordered);
        }
        call.due = due;
        Progress::Extended { key, due }
    }

    /// The call has its outcome. Tells when it was due.
    pub fn remove(&mut self, key: &K) -> Option<Duration> {
        let call = self.calls.remove(key)?;
        self.order.remove((call.due, call.number));
        if let Some(token) = &call.token {
            self.tokens.remove(token);
        }
        Some(call.due)
    }

    /// When the next call is due, since the caller's origin.
    #[must_use]
    pub fn next_due(&self) -> Option<Duration> {
        self.order.first().map(|(due, _)| due)
    }

    /// Takes out all calls whose deadline is over at `now`, longest overdue first.
    pub fn expired(&mut self, now: Duration) -> Vec<K> {
        let mut expired = Vec::new();
        while let Some(key) = self.first_due(now) {
            self.remove(&key);
            expired.push(key);
        }
        expired
    }

    /// When this call is due, since the caller's origin.
    #[must_use]
    pub fn due(&self, key: &K) -> Option<Duration> {
        self.calls.get(key).map(|call| call.due)
    }

    /// How many calls have a deadline.
    #[must_use]
    pub fn len(&self) -> usize {
        self.calls.len()
    }

    /// Whether no call has a deadline.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    fn first_due(&self, now: Duration) -> Option<K> {
        let (due, key) = self.order.first()?;
        (due <= now).then(|| key.clone())
    }
}

impl<K: Eq + Hash + Clone, T: Eq + Hash + Clone> Default for Deadlines<K, T> {
    fn default() -> Self {
        Self::new()
    }
}
