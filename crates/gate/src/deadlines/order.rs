//! What is due next: a queue that is kept sorted. Calls with one timeout are due in the order in
//! which they came, so that a new one nearly always goes to the end.

use std::collections::VecDeque;
use std::time::Duration;

/// So many empty places may always stay.
const FEW: usize = 64;

/// Calls by when they are due, earliest first.
#[derive(Debug)]
pub(super) struct Order<K> {
    /// The first is never empty.
    places: VecDeque<Place<K>>,
    empty: usize,
}

/// When a call is due; the number tells calls apart that are due at the same time.
pub(super) type Due = (Duration, u64);

/// It stays where it is, empty, when its call ends before those ahead of it.
#[derive(Debug)]
struct Place<K> {
    due: Due,
    call: Option<K>,
}

impl<K> Order<K> {
    pub(super) fn new() -> Self {
        Self {
            places: VecDeque::new(),
            empty: 0,
        }
    }

    /// The first call and when it is due.
    pub(super) fn first(&self) -> Option<(Duration, &K)> {
        let first = self.places.front()?;
        Some((first.due.0, first.call.as_ref()?))
    }

    pub(super) fn insert(&mut self, due: Due, call: K) {
        let place = Place {
            due,
            call: Some(call),
        };
        match self.places.back() {
            Some(last) if last.due > due => {
                let at = self.places.partition_point(|place| place.due < due);
                self.places.insert(at, place);
            }
            Some(_) | None => self.places.push_back(place),
        }
    }

    pub(super) fn remove(&mut self, due: Due) -> Option<K> {
        let at = match self.places.front() {
            Some(first) if first.due == due => 0,
            Some(_) | None => self
                .places
                .binary_search_by(|place| place.due.cmp(&due))
                .ok()?,
        };
        let call = self.places.get_mut(at)?.call.take()?;
        self.empty += 1;
        while self
            .places
            .front()
            .is_some_and(|place| place.call.is_none())
        {
            self.places.pop_front();
            self.empty -= 1;
        }
        if self.empty > FEW && self.empty > self.places.len() / 2 {
            self.places.retain(|place| place.call.is_some());
            self.empty = 0;
        }
        Some(call)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_places_do_not_gather_behind_a_call_that_stays() {
        let mut order = Order::new();
        order.insert((Duration::ZERO, 0), 0);
        for number in 1..10_000 {
            let due = (Duration::from_secs(number), number);
            order.insert(due, number);
            assert_eq!(order.remove(due), Some(number));
            assert!(order.places.len() <= 2 * FEW, "{}", order.places.len());
        }
        assert_eq!(order.first(), Some((Duration::ZERO, &0)));
        assert_eq!(order.remove((Duration::ZERO, 0)), Some(0));
        assert_eq!((order.first(), order.places.len()), (None, 0));
    }
}
