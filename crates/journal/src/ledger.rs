//! Which calls repeat earlier ones: a decision over what is in memory.
//!
//! An idempotency key says that a call is the same as an earlier one. Equal
//! arguments alone never do, except for orphans: calls that nobody knows the
//! outcome of, or whose result did not reach its caller.

use std::collections::HashMap;
use std::time::Duration;

use crate::CallRef;
use crate::claim::Earlier;
use crate::entry::{Fate, Retry, What};
use crate::keys::{Fingerprint, Prints};
use crate::line::time::Stamp;

/// Whether a call repeats an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Considered {
    /// As far as this process knows it is new. A key can still be
    /// [held](crate::Redeemed::Held) by another process.
    Fresh,
    /// Its idempotency key was used before.
    Repeats(Earlier),
    /// It has no key, and is like an orphan.
    Orphan {
        /// The earlier call.
        call: CallRef,
        /// [`What::Unknown`], or [`What::Completed`] but not delivered.
        what: What,
    },
}

/// An orphan.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Orphan {
    pub(crate) call: CallRef,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) what: What,
    pub(crate) at: Stamp,
}

pub(crate) struct Ledger {
    keys: HashMap<[u8; 16], Known>,
    /// Calls in flight, to find what their outcome settles.
    open: HashMap<CallRef, (Fingerprint, Option<[u8; 16]>)>,
    /// Equal calls can be orphans side by side, the oldest first.
    orphans: HashMap<Fingerprint, Vec<Orphan>>,
    /// How many orphans there are.
    count: usize,
    key_ttl: Duration,
    orphan_window: Duration,
}

struct Known {
    call: CallRef,
    fingerprint: Fingerprint,
    at: Stamp,
    ended: Option<(What, Retry)>,
}

/// The most keys that are kept in memory. What is forgotten here is still claimed in the folder.
const MOST_KEYS: usize = 16_384;
/// The most orphans. More than that would be a server that answers nothing at all.
const MOST_ORPHANS: usize = 4096;
/// The most calls in flight.
const MOST_OPEN: usize = 65_536;

impl Ledger {
    pub(crate) fn new(key_ttl: Duration, orphan_window: Duration, orphans: Vec<Orphan>) -> Self {
        let mut ledger = Self {
            keys: HashMap::new(),
            open: HashMap::new(),
            orphans: HashMap::new(),
            count: 0,
            key_ttl,
            orphan_window,
        };
        for orphan in orphans {
            ledger.adopt(orphan);
        }
        ledger
    }

    /// Whether there is anything that a call without a key could repeat.
    pub(crate) fn has_orphans(&self) -> bool {
        !self.orphans.is_empty()
    }

    pub(crate) fn of_key(&self, key: &[u8; 16], print: Fingerprint, now: Stamp) -> Considered {
        match self.keys.get(key) {
            Some(known) if known.at > now.before(self.key_ttl) => {
                let call = known.call;
                match known.ended {
                    Some((what, _)) if what.fate() == Fate::NeverRan => Considered::Fresh,
                    _ if known.fingerprint != print => {
                        Considered::Repeats(Earlier::OtherArguments { call })
                    }
                    // The next round of the same call.
                    Some((what, _)) if what.fate() == Fate::Asked => Considered::Fresh,
                    None => Considered::Repeats(Earlier::InProgress { call }),
                    Some((what, retry)) => {
                        Considered::Repeats(Earlier::Ended { call, what, retry })
                    }
                }
            }
            Some(_) | None => Considered::Fresh,
        }
    }

    pub(crate) fn of_arguments(&self, print: Fingerprint, now: Stamp) -> Considered {
        let oldest = now.before(self.orphan_window);
        let alike = self.orphans.get(&print).into_iter().flatten();
        alike
            .into_iter()
            .find(|orphan| orphan.at > oldest)
            .map_or(Considered::Fresh, |orphan| Considered::Orphan {
                call: orphan.call,
                what: orphan.what,
            })
    }

    pub(crate) fn begin(
        &mut self,
        call: CallRef,
        prints: Prints,
        key: Option<[u8; 16]>,
        now: Stamp,
    ) {
        if self.open.len() < MOST_OPEN {
            self.open.insert(call, (prints.of_call, key));
        }
        let Some(key) = key else { return };
        if self.keys.len() >= MOST_KEYS {
            let oldest = now.before(self.key_ttl);
            self.keys.retain(|_, known| known.at > oldest);
        }
        if self.keys.len() < MOST_KEYS {
            self.keys.insert(
                key,
                Known {
                    call,
                    fingerprint: prints.of_key,
                    at: now,
                    ended: None,
                },
            );
        }
    }

    /// A call has an outcome; one that is unknown makes an orphan.
    pub(crate) fn settle(&mut self, call: CallRef, what: What, retry: Retry) {
        let Some((fingerprint, key)) = self.open.remove(&call) else {
            return;
        };
        if let Some(known) = key.and_then(|key| self.keys.get_mut(&key))
            && known.call == call
        {
            known.ended = Some((what, retry));
        }
        if what == What::Unknown && key.is_none() {
            self.adopt(Orphan {
                call,
                fingerprint,
                what,
                at: Stamp::now(),
            });
        }
    }

    /// The claim of this call was another's; it never began.
    pub(crate) fn withdraw(&mut self, call: CallRef) {
        if let Some((_, Some(key))) = self.open.remove(&call)
            && self.keys.get(&key).is_some_and(|known| known.call == call)
        {
            self.keys.remove(&key);
        }
    }

    pub(crate) fn adopt(&mut self, orphan: Orphan) {
        if self.count >= MOST_ORPHANS {
            let oldest = Stamp::now().before(self.orphan_window);
            self.keep_orphans(|orphan| orphan.at > oldest);
        }
        if self.count < MOST_ORPHANS {
            let alike = self.orphans.entry(orphan.fingerprint).or_default();
            alike.push(orphan);
            alike.sort_by_key(|orphan| orphan.at);
            self.count += 1;
        }
    }

    pub(crate) fn forget_orphan(&mut self, call: CallRef) {
        self.keep_orphans(|orphan| orphan.call != call);
    }

    /// The next call like this one, or with its key, is a new one.
    pub(crate) fn forget(&mut self, call: CallRef) {
        self.forget_orphan(call);
        self.keys.retain(|_, known| known.call != call);
    }

    fn keep_orphans(&mut self, kept: impl Fn(&Orphan) -> bool) {
        self.orphans.retain(|_, alike| {
            alike.retain(&kept);
            !alike.is_empty()
        });
        self.count = self.orphans.values().map(Vec::len).sum();
    }
}
