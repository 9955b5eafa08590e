//! When each call in flight is due, and how progress moves that.
//!
//! A call has a timeout, which every sign of progress starts again, and a longest time, which
//! nothing extends: a server that reports progress for ever still holds nobody for ever.

mod order;

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use foldhash::fast::RandomState;

use self::order::Order;
use crate::call::Slot;
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

/// The highest place that a call with a deadline may have, plus one: calls that wait for a decision
/// or a record take places too.
const MAX_PLACES: usize = 4 * MAX_IN_FLIGHT;

/// The deadlines of all calls in flight, by their slots; `T` is a progress token.
///
/// Where all calls have one timeout, a step costs the same however many there are; where timeouts
/// differ or progress is reported, it may move others within the bounded order.
#[derive(Debug)]
pub struct Deadlines<T> {
    /// Each call in the place that its slot names.
    places: Vec<Option<Timed<T>>>,
    timed: usize,
    order: Order<Slot>,
    tokens: HashMap<T, Slot, RandomState>,
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
    /// The table is full, or the slot lies beyond it.
    #[error("{MAX_IN_FLIGHT} calls have a deadline, which is the limit; refuse the call")]
    Full,
    /// The slot has a deadline already.
    #[error("the call has a deadline already; give each call in flight a slot of its own")]
    Taken,
}

/// What a sign of progress did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// The call is now due at this time.
    Extended {
        /// The call.
        slot: Slot,
        /// When it is due, since the caller's origin.
        due: Duration,
    },
    /// The call has no more time to get.
    AtMaximum {
        /// The call.
        slot: Slot,
        /// When it is due, since the caller's origin.
        due: Duration,
    },
    /// No call in flight has this token.
    Unclaimed,
}

impl<T: Eq + Hash + Clone> Deadlines<T> {
    /// No call is in flight.
    #[must_use]
    pub fn new() -> Self {
        Self {
            places: Vec::new(),
            timed: 0,
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
    /// If the table is full or the slot is in it; then nothing changed.
    pub fn insert(
        &mut self,
        slot: Slot,
        token: Option<T>,
        limits: &Limits,
        now: Duration,
    ) -> Result<Duration, NotTimed> {
        let place = match self.places.get(slot.0) {
            Some(Some(_)) => return Err(NotTimed::Taken),
            Some(None) | None if self.timed >= MAX_IN_FLIGHT => return Err(NotTimed::Full),
            Some(None) | None => self.place(slot).ok_or(NotTimed::Full)?,
        };
        let token = token.filter(|token| !self.tokens.contains_key(token));
        if let Some(token) = &token {
            self.tokens.insert(token.clone(), slot);
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
        self.order.insert((due, timed.number), slot);
        if let Some(place) = self.places.get_mut(place) {
            *place = Some(timed);
            self.timed += 1;
        }
        Ok(due)
    }

    /// The server reported progress under this token. A deadline never moves back.
    pub fn progress(&mut self, token: &T, now: Duration) -> Progress {
        let Some(slot) = self.tokens.get(token).copied() else {
            return Progress::Unclaimed;
        };
        let Some(Some(call)) = self.places.get_mut(slot.0) else {
            return Progress::Unclaimed;
        };
        let due = now.saturating_add(call.timeout).min(call.latest);
        if due <= call.due {
            return if call.due >= call.latest {
                Progress::AtMaximum {
                    slot,
                    due: call.due,
                }
            } else {
                Progress::Extended {
                    slot,
                    due: call.due,
                }
            };
        }
        if let Some(ordered) = self.order.remove((call.due, call.number)) {
            self.order.insert((due, call.number), ordered);
        }
        call.due = due;
        Progress::Extended { slot, due }
    }

    /// The call has its outcome. Tells when it was due.
    pub fn remove(&mut self, slot: Slot) -> Option<Duration> {
        let call = self.places.get_mut(slot.0)?.take()?;
        self.timed -= 1;
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
    pub fn expired(&mut self, now: Duration) -> Vec<Slot> {
        let mut expired = Vec::new();
        while let Some(slot) = self.first_due(now) {
            self.remove(slot);
            expired.push(slot);
        }
        expired
    }

    /// When this call is due, since the caller's origin.
    #[must_use]
    pub fn due(&self, slot: Slot) -> Option<Duration> {
        let call = self.places.get(slot.0)?.as_ref()?;
        Some(call.due)
    }

    /// How many calls have a deadline.
    #[must_use]
    pub fn len(&self) -> usize {
        self.timed
    }

    /// Whether no call has a deadline.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.timed == 0
    }

    /// The place of a slot, which is made if the table may have it.
    fn place(&mut self, slot: Slot) -> Option<usize> {
        if slot.0 >= MAX_PLACES {
            return None;
        }
        if self.places.len() <= slot.0 {
            self.places.resize_with(slot.0 + 1, || None);
        }
        Some(slot.0)
    }

    fn first_due(&self, now: Duration) -> Option<Slot> {
        let (due, slot) = self.order.first()?;
        (due <= now).then_some(*slot)
    }
}

impl<T: Eq + Hash + Clone> Default for Deadlines<T> {
    fn default() -> Self {
        Self::new()
    }
}
