//! How many attempts a source gets at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// A bound on the attempts at one source, shared by all answers that ask it: a source that hangs
/// holds no more than these. Who finds it full does not wait.
#[derive(Debug)]
pub struct Bulkhead {
    max: u32,
    taken: Arc<AtomicU32>,
}

/// One attempt's place, given back by being dropped.
#[derive(Debug)]
pub(super) struct Place(Arc<AtomicU32>);

impl Bulkhead {
    /// Room for so many attempts at once.
    #[must_use]
    pub fn new(max: u32) -> Self {
        Self {
            max,
            taken: Arc::default(),
        }
    }

    /// How many attempts are under way.
    #[must_use]
    pub fn taken(&self) -> u32 {
        self.taken.load(Ordering::Relaxed)
    }

    pub(super) fn enter(&self) -> Option<Place> {
        let more = |taken| (taken < self.max).then_some(taken + 1);
        self.taken
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more)
            .ok()?;
        Some(Place(Arc::clone(&self.taken)))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
