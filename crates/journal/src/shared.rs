//! What the relay's thread and the writer's thread share: the queue toward the
//! disk, and how far the disk has come.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::entry::{Entry, Tier};
use crate::line::hash::Head;
use crate::lookup::Account;
use crate::refused::{NotRecorded, Refused};
use crate::state::Why;

/// An entry on its way.
pub(crate) struct Queued {
    pub(crate) nth: u64,
    pub(crate) tier: Tier,
    pub(crate) entry: Entry,
}

/// The bounds of the queue.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) entries: usize,
    pub(crate) weight: usize,
}

#[derive(Default)]
pub(crate) struct Shared {
    queue: Mutex<Queue>,
    arrived: Condvar,
    /// Whether the writer was told something since it last took what there was.
    told: AtomicBool,
    /// Every entry up to this one is in the kernel's hands.
    written: AtomicU64,
    /// Every entry up to this one is as durable as its tier asks.
    safe: AtomicU64,
    /// Every entry up to this one is in the required copy.
    copied: Copied,
    /// The last entry that was not recorded.
    last_refused: AtomicU64,
    /// How many answers the disk did not take, while it took their records.
    dropped: AtomicU64,
    news: Mutex<News>,
    ended: Condvar,
}

/// How far a required copy is; without one it never lacks anything.
struct Copied(AtomicU64);

impl Default for Copied {
    fn default() -> Self {
        Self(AtomicU64::new(u64::MAX))
    }
}

#[derive(Default)]
struct Queue {
    entries: Vec<Queued>,
    weight: usize,
    closing: Closing,
    turn: Turn,
    writer: Doing,
}

/// Whether the owner has more to enter before it waits for anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Perhaps: what comes may go to the disk with what is there.
    #[default]
    Open,
    Over,
}

/// What the writer is told with what it takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told {
    pub(crate) closing: Closing,
    pub(crate) turn: Turn,
}

/// So many entries are worth waking the writer before the owner's turn is over: it renders them
/// while the rest arrives.
const AHEAD: usize = 16;

/// Whether the writer has been told to come to an end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Closing {
    #[default]
    No,
    Seal,
    /// The journal was dropped: leave without a seal, as a crash would.
    Leave,
}

#[derive(Default, PartialEq, Eq)]
enum Doing {
    #[default]
    Work,
    Wait,
}

/// What changes seldom.
#[derive(Default)]
pub(crate) struct News {
    pub(crate) failing: Option<Why>,
    pub(crate) sealed: Option<Head>,
    /// The last record that was synced.
    pub(crate) durable: Option<Head>,
    /// Why the copy of the journal is away, if it is.
    pub(crate) copy_away: Option<Arc<str>>,
    /// Whether the required copy has the seal as well.
    pub(crate) copy_sealed: bool,
    pub(crate) gone: bool,
    /// Entries that were not recorded.
    pub(crate) refused: Refused,
    /// What look-ups found, by their number.
    pub(crate) fetched: Vec<(u64, Find)>,
}

/// What a look-up comes to.
pub(crate) type Find = Result<Option<Box<Account>>, Why>;

/// Whether the writer has come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    No,
    Yes,
}

/// Why an entry was not taken.
pub(crate) enum NotTaken {
    Full,
    Closing,
}

impl Shared {
    /// Puts an entry into the queue, if it fits into this share of the bounds. The writer is told
    /// once there are many: of the rest [`Self::rouse`] tells it.
    pub(crate) fn put(&self, queued: Queued, bounds: Bounds) -> Result<(), NotTaken> {
        let weight = queued.entry.weight();
        let mut queue = lock(&self.queue);
        if queue.closing != Closing::No {
            return Err(NotTaken::Closing);
        }
        let fits = queue.entries.len() < bounds.entries
            && (queue.weight + weight <= bounds.weight || queue.entries.is_empty());
        if !fits {
            return Err(NotTaken::Full);
        }
        queue.weight += weight;
        queue.entries.push(queued);
        if queue.entries.len() >= AHEAD {
            self.wake(queue);
        }
        Ok(())
    }

    /// Tells the writer to come to an end after all that is queued.
    pub(crate) fn close(&self, closing: Closing) {
        let mut queue = lock(&self.queue);
        if queue.closing != Closing::Leave {
            queue.closing = closing;
        }
        self.wake(queue);
        self.arrived.notify_one();
    }

    /// Tells the writer that nothing more is to come at present.
    pub(crate) fn rouse(&self) {
        let mut queue = lock(&self.queue);
        queue.turn = Turn::Over;
        self.wake(queue);
    }

    fn wake(&self, mut queue: MutexGuard<'_, Queue>) {
        self.told.store(true, Ordering::Release);
        if queue.writer == Doing::Wait {
            queue.writer = Doing::Work;
            drop(queue);
            self.arrived.notify_one();
        }
    }

    /// Stays awake until the writer is told something, at most this long, and lets everybody else
    /// have the processor meanwhile.
    pub(crate) fn stay_awake(&self, at_most: Duration) {
        let begin = Instant::now();
        while !self.told.load(Ordering::Acquire) && begin.elapsed() < at_most {
            std::thread::yield_now();
        }
    }

    /// Takes everything that is queued into `batch`, which is empty; waits for many entries or the
    /// end of a turn, at most this long. A wait that was long enough ends a turn as well.
    pub(crate) fn take(&self, batch: &mut Vec<Queued>, at_most: Duration) -> Told {
        let mut queue = lock(&self.queue);
        let waits = queue.entries.is_empty() && queue.turn == Turn::Open;
        if waits && queue.closing == Closing::No {
            queue.writer = Doing::Wait;
            let (woken, waited) = self
                .arrived
                .wait_timeout_while(queue, at_most, |queue| queue.writer == Doing::Wait)
                .unwrap_or_else(PoisonError::into_inner);
            queue = woken;
            queue.writer = Doing::Work;
            if waited.timed_out() {
                queue.turn = Turn::Over;
            }
        }
        self.told.store(false, Ordering::Release);
        std::mem::swap(&mut queue.entries, batch);
        queue.weight = 0;
        Told {
            closing: queue.closing,
            turn: std::mem::take(&mut queue.turn),
        }
    }

    /// Waits while the disk is out of order, unless what `seen` says of closing changes meanwhile.
    pub(crate) fn pause(&self, at_most: Duration, seen: Closing) -> Closing {
        let queue = lock(&self.queue);
        let (queue, _) = self
            .arrived
            .wait_timeout_while(queue, at_most, |queue| queue.closing == seen)
            .unwrap_or_else(PoisonError::into_inner);
        queue.closing
    }

    pub(crate) fn written(&self) -> u64 {
        self.written.load(Ordering::Acquire)
    }

    pub(crate) fn safe(&self) -> u64 {
        self.safe.load(Ordering::Acquire)
    }

    pub(crate) fn publish_written(&self, nth: u64) {
        self.written.store(nth, Ordering::Release);
    }

    pub(crate) fn publish_safe(&self, nth: u64) {
        self.written.store(nth, Ordering::Release);
        self.safe.store(nth, Ordering::Release);
    }

    /// From now on nothing counts as recorded before it is in the copy.
    pub(crate) fn require_copy(&self) {
        self.copied.0.store(0, Ordering::Release);
    }

    pub(crate) fn publish_copied(&self, nth: u64) {
        self.copied.0.store(nth, Ordering::Release);
    }

    pub(crate) fn copied(&self) -> u64 {
        self.copied.0.load(Ordering::Acquire)
    }

    /// Entries that are not recorded, before anything after them is published.
    pub(crate) fn refuse(&self, entries: impl IntoIterator<Item = (u64, NotRecorded)>) {
        let mut news = self.news();
        for (nth, why) in entries {
            news.refused.add(nth, why);
            self.last_refused.fetch_max(nth, Ordering::AcqRel);
        }
    }

    /// Why an entry that the writer is done with was not recorded, if it was not.
    pub(crate) fn refusal(&self, nth: u64) -> Option<NotRecorded> {
        if self.last_refused.load(Ordering::Acquire) < nth {
            return None;
        }
        self.news().refused.take(nth)
    }

    pub(crate) fn count_dropped(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// The writer's last word.
    pub(crate) fn end(&self) {
        self.news().gone = true;
        self.ended.notify_all();
    }

    /// Waits for the writer to end.
    pub(crate) fn wait_for_end(&self, at_most: Duration) -> Ended {
        let (news, _) = self
            .ended
            .wait_timeout_while(self.news(), at_most, |news| !news.gone)
            .unwrap_or_else(PoisonError::into_inner);
        if news.gone { Ended::Yes } else { Ended::No }
    }

    pub(crate) fn news(&self) -> MutexGuard<'_, News> {
        lock(&self.news)
    }
}

/// A thread that panicked while it held the lock has left nothing half done: all steps are single assignments.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
