//! Entries that the writer did not record, until their tickets are redeemed.

use std::collections::VecDeque;

use crate::claim::Earlier;
use crate::state::Why;

/// Why an entry was not recorded.
#[derive(Debug)]
pub(crate) enum NotRecorded {
    /// An earlier call has the idempotency key.
    Earlier(Earlier),
    Failed(Why),
}

/// More are not remembered one by one. Tickets of calls that were given up are never redeemed.
const MOST: usize = 4096;

/// By their numbers.
#[derive(Debug, Default)]
pub(crate) struct Refused {
    entries: VecDeque<(u64, NotRecorded)>,
    /// Of entries up to this one nobody knows any more whether they were recorded.
    forgotten: u64,
}

impl Refused {
    pub(crate) fn add(&mut self, nth: u64, why: NotRecorded) {
        if self.entries.len() >= MOST
            && let Some((oldest, _)) = self.entries.pop_front()
        {
            self.forgotten = self.forgotten.max(oldest);
        }
        self.entries.push_back((nth, why));
    }

    /// Why this one was not recorded, if it was not.
    pub(crate) fn take(&mut self, nth: u64) -> Option<NotRecorded> {
        let at = self.entries.iter().position(|(one, _)| *one == nth);
        match at.and_then(|at| self.entries.remove(at)) {
            Some((_, why)) => Some(why),
            None => (nth <= self.forgotten).then_some(NotRecorded::Failed(Why::NoSpace)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_forgotten_counts_as_refused() {
        let mut refused = Refused::default();
        let most = u64::try_from(MOST).expect("fits");
        for nth in 1..=most + 10 {
            refused.add(2 * nth, NotRecorded::Failed(Why::Gone));
        }
        assert!(refused.entries.len() <= MOST);
        for nth in [1, 2, 19, 20] {
            let why = refused.take(nth);
            assert!(
                matches!(why, Some(NotRecorded::Failed(Why::NoSpace))),
                "{nth}"
            );
        }
        assert!(refused.take(21).is_none());
        assert!(matches!(
            refused.take(22),
            Some(NotRecorded::Failed(Why::Gone))
        ));
        assert!(refused.take(22).is_none());
    }
}
