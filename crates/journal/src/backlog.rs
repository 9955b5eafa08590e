//! What was entered and is not yet safe, and since when the writer knows of it.

use std::collections::VecDeque;
use std::time::Instant;

use crate::entry::Tier;

/// In the order of the entries' numbers.
#[derive(Debug, Default)]
pub(crate) struct Backlog {
    entries: VecDeque<(u64, Tier)>,
    /// When the writer was told, and of all entries up to which.
    told: VecDeque<(u64, Instant)>,
    last: u64,
    last_told: u64,
}

/// Whether the writer has to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum News {
    None,
    Some,
}

impl Backlog {
    /// The number of the next entry.
    pub(crate) fn next(&self) -> u64 {
        self.last + 1
    }

    /// It was entered.
    pub(crate) fn add(&mut self, tier: Tier) {
        self.last += 1;
        self.entries.push_back((self.last, tier));
    }

    /// The writer is about to be told of all there is.
    pub(crate) fn tell(&mut self, now: Instant) -> News {
        if self.last_told == self.last {
            return News::None;
        }
        self.last_told = self.last;
        self.told.push_back((self.last, now));
        News::Some
    }

    /// Forgets what is safe by now.
    pub(crate) fn forget(&mut self, written: u64, safe: u64) {
        while self
            .entries
            .pop_front_if(|(nth, tier)| {
                *nth <= match tier {
                    Tier::Sync => safe,
                    Tier::Write => written,
                }
            })
            .is_some()
        {}
        let first = self.entries.front().map_or(u64::MAX, |(nth, _)| *nth);
        while self
            .told
            .pop_front_if(|(up_to, _)| *up_to < first)
            .is_some()
        {}
    }

    /// Since when the writer knows of the first entry that is not safe.
    pub(crate) fn since(&self) -> Option<Instant> {
        self.told.front().map(|(_, at)| *at)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn time_runs_from_when_the_writer_was_told() {
        let begin = Instant::now();
        let after = |seconds| begin + Duration::from_secs(seconds);
        let mut backlog = Backlog::default();
        assert_eq!((backlog.tell(begin), backlog.since()), (News::None, None));
        for tier in [Tier::Sync, Tier::Write] {
            backlog.add(tier);
        }
        assert_eq!(backlog.since(), None, "nobody was asked yet");
        assert_eq!(backlog.tell(after(1)), News::Some);
        backlog.add(Tier::Sync);
        assert_eq!(backlog.tell(after(2)), News::Some);
        assert_eq!(backlog.tell(after(3)), News::None);
        backlog.forget(3, 0);
        assert_eq!(
            backlog.since(),
            Some(after(1)),
            "the first is not on the disk"
        );
        backlog.forget(3, 1);
        assert_eq!(
            backlog.since(),
            Some(after(2)),
            "the second is in the kernel's hands"
        );
        backlog.forget(3, 3);
        assert_eq!(backlog.since(), None);
        assert!(backlog.entries.is_empty() && backlog.told.is_empty());
    }
}
