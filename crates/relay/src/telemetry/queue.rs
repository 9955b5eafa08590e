//! What the loop leaves for the exporter, with a limit. The loop never waits for it.

use std::collections::{HashMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::histogram::Histogram;
use super::record::{Operation, Record};
use super::refusals::Refusals;

/// The most kinds of operations that are counted each by itself.
const MAX_OPERATIONS: usize = 256;
/// The most records that are sent in one go.
pub(crate) const BATCH: usize = 256;
/// How long a record waits for others to go with it.
const BATCHED_WITHIN: Duration = Duration::from_secs(1);
/// How often durations are sent.
const MEASURED_EVERY: Duration = Duration::from_secs(15);

/// Shared between the loop and the exporter.
#[derive(Debug)]
pub(crate) struct Queue {
    limit: usize,
    state: Mutex<State>,
    news: Condvar,
}

#[derive(Debug)]
struct State {
    records: VecDeque<Record>,
    /// Records that are being sent.
    under_way: u64,
    measured: Measured,
    /// When the first record waits no longer.
    due: Option<Instant>,
    measured_due: Instant,
    order: Order,
    tally: Tally,
    trouble: Option<Trouble>,
}

/// Until when the exporter works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    GoOn,
    /// Everything is to be sent by then, and that is the end.
    FlushBy(Instant),
}

/// What became of spans and measurements.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// The collector has taken them.
    pub(crate) exported: u64,
    /// They went nowhere.
    pub(crate) lost: u64,
    /// Whether the collector has taken the last measurements.
    pub(crate) measured: Delivered,
}

/// Whether something arrived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Delivered {
    /// It did, or there was nothing.
    #[default]
    Yes,
    No,
}

/// A change that the log is told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    Began(String),
    Over,
}

/// How long operations took, by kind.
#[derive(Clone, Debug, Default)]
pub(crate) struct Measured {
    pub(crate) operations: HashMap<Operation, Durations, foldhash::fast::RandomState>,
    /// Those of too many kinds.
    pub(crate) others: Durations,
    pub(crate) refusals: Refusals,
    /// How long the session has lasted, once it is over.
    pub(crate) session: Option<Duration>,
}

/// As seen by the host, and as seen by dropgate toward the server.
#[derive(Clone, Debug, Default)]
pub(crate) struct Durations {
    pub(crate) server: Histogram,
    pub(crate) client: Histogram,
}

/// What there is to do.
#[derive(Debug)]
pub(crate) enum Work {
    Spans(Vec<Record>),
    Measured(Box<Measured>),
    Done,
}

impl Queue {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit,
            state: Mutex::new(State {
                records: VecDeque::new(),
                under_way: 0,
                measured: Measured::default(),
                due: None,
                measured_due: Instant::now() + MEASURED_EVERY,
                order: Order::GoOn,
                tally: Tally::default(),
                trouble: None,
            }),
            news: Condvar::new(),
        }
    }

    /// Counts a call, and leaves its record to be sent; one for which there is no room is lost.
    pub(crate) fn add(&self, record: Record) {
        let mut state = self.lock();
        state.measured.add(&record);
        state.tally.measured = Delivered::No;
        if !record.trace.is_sampled() {
            return;
        }
        if state.records.len() >= self.limit {
            state.tally.lost += record.spans();
            return;
        }
        state.records.push_back(record);
        // A wake-up costs the loop a system call, so there is one for many records.
        if state.due.is_none() {
            state.due = Some(Instant::now() + BATCHED_WITHIN);
            self.news.notify_one();
        } else if state.records.len() == BATCH {
            self.news.notify_one();
        }
    }

    /// Counts something about calls that are not let through.
    pub(crate) fn count(&self, count: impl FnOnce(&mut Refusals)) {
        let mut state = self.lock();
        count(&mut state.measured.refusals);
        state.tally.measured = Delivered::No;
    }

    /// Waits for something to do.
    pub(crate) fn next(&self) -> Work {
        let mut state = self.lock();
        loop {
            if let Some(work) = state.work() {
                return work;
            }
            let wake = state
                .due
                .map_or(state.measured_due, |due| due.min(state.measured_due));
            let left = wake.saturating_duration_since(Instant::now());
            state = self
                .news
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Until when the exporter may wait for a collector that fails, or has failed, before it tries
    /// again: what was ordered meanwhile ends that.
    pub(crate) fn pause(&self, until: Instant) {
        let mut state = self.lock();
        while state.order == Order::GoOn {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            state = self
                .news
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    pub(crate) fn order(&self) -> Order {
        self.lock().order
    }

    /// So many of the spans that were under way arrived, and so many did not.
    pub(crate) fn sent(&self, exported: u64, lost: u64) {
        let mut state = self.lock();
        state.under_way = 0;
        state.tally.exported += exported;
        state.tally.lost += lost;
    }

    pub(crate) fn measurements_arrived(&self) {
        self.lock().tally.measured = Delivered::Yes;
    }

    pub(crate) fn note(&self, trouble: Trouble) {
        self.lock().trouble = Some(trouble);
    }

    pub(crate) fn take_trouble(&self) -> Option<Trouble> {
        self.lock().trouble.take()
    }

    /// Orders all to be sent by then.
    pub(crate) fn flush(&self, session: Duration, until: Instant) {
        let mut state = self.lock();
        state.measured.session = Some(session);
        state.tally.measured = Delivered::No;
        state.order = Order::FlushBy(until);
        self.news.notify_one();
    }

    /// What became of everything. What is not known to have arrived is lost.
    pub(crate) fn tally(&self) -> Tally {
        let state = self.lock();
        let waiting: u64 = state.records.iter().map(Record::spans).sum();
        Tally {
            lost: state.tally.lost + state.under_way + waiting,
            ..state.tally
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn work(&mut self) -> Option<Work> {
        let now = Instant::now();
        let flushing = self.order != Order::GoOn;
        let full = self.records.len() >= BATCH;
        let ripe = self.due.is_some_and(|due| due <= now);
        if !self.records.is_empty() && (full || ripe || flushing) {
            let count = self.records.len().min(BATCH);
            let batch: Vec<Record> = self.records.drain(..count).collect();
            self.under_way = batch.iter().map(Record::spans).sum();
            self.due = (!self.records.is_empty()).then_some(now + BATCHED_WITHIN);
            return Some(Work::Spans(batch));
        }
        if self.records.is_empty() {
            self.due = None;
        }
        let unsent = self.tally.measured == Delivered::No;
        if self.measured_due <= now || (flushing && unsent) {
            self.measured_due = now + MEASURED_EVERY;
            if unsent {
                return Some(Work::Measured(Box::new(self.measured.clone())));
            }
        }
        flushing.then_some(Work::Done)
    }
}

impl Measured {
    fn add(&mut self, record: &Record) {
        let known = self.operations.contains_key(&record.operation);
        let durations = if known || self.operations.len() < MAX_OPERATIONS {
            self.operations.entry(record.operation.clone()).or_default()
        } else {
            &mut self.others
        };
        let took = |since: Duration| record.ended.saturating_sub(since);
        durations.server.add(took(record.received));
        if let Some(sent) = record.trace.sent {
            durations.client.add(took(sent));
        }
    }
}
