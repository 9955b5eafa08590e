//! How much one rule may look at because of one file.
//!
//! A rule asks about calls, and each question walks over a function: on source that is written for it, that is the square of its length
//! and more. So the walks are counted, in units that depend on nothing but the source, and a file for which a rule spends more than
//! [`MOST`] is given up: it counts as not analysed. The count is kept per thread, since one thread runs one rule from end to end.

use std::cell::{Cell, RefCell};

/// Units that a rule may spend on one file: a statement, call, function or value that is looked at is one unit.
///
/// The most that a rule spends on a file of the servers that the tests install is a fifth of it.
pub(crate) const MOST: u64 = 6_000_000;

/// Lookups that cost as much as one unit: comparing places is cheap.
const PLACES: usize = 16;

thread_local! {
    /// What is left for the current file; without an end while nothing is counted.
    static LEFT: Cell<u64> = const { Cell::new(u64::MAX) };
    /// The current file, by its place in the project.
    static FILE: Cell<Option<u32>> = const { Cell::new(None) };
    /// What is left for each file.
    static FILES: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

#[cfg(test)]
thread_local! {
    /// What was asked for after all was spent.
    static PAST: Cell<u64> = const { Cell::new(0) };
}

/// Whether there is anything left to spend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Left {
    /// Go on.
    Some,
    /// Look at nothing more: the file is given up.
    Nothing,
}

/// Runs a rule over so many files, and gives those on which it spent more than `most`, by their places.
pub(crate) fn counted<T>(files: usize, most: u64, rule: impl FnOnce() -> T) -> (T, Vec<u32>) {
    FILES.with_borrow_mut(|all| {
        all.clear();
        all.resize(files, most);
    });
    FILE.set(Some(0));
    LEFT.set(most);
    let result = rule();
    keep();
    FILE.set(None);
    LEFT.set(u64::MAX);
    let over = FILES.with_borrow(|all| {
        let places = all.iter().zip(0u32..);
        let over = places.filter(|(left, _)| **left == 0);
        over.map(|(_, place)| place).collect()
    });
    (result, over)
}

/// How many units some work over so many files takes.
#[cfg(test)]
pub(crate) fn spent(files: usize, work: impl FnOnce()) -> u64 {
    const ENOUGH: u64 = u64::MAX / 2;
    counted(files, ENOUGH, work);
    FILES.with_borrow(|all| all.iter().map(|left| ENOUGH - left).sum())
}

/// How many units some work over so many files asks for after it has spent `most` on a file.
#[cfg(test)]
pub(crate) fn past(files: usize, most: u64, work: impl FnOnce()) -> u64 {
    PAST.set(0);
    counted(files, most, work);
    PAST.get()
}

/// Does what is done once for all rules, so that the rule that happens to be first does not pay for it.
///
/// Only for work that looks at each part of the project once: nothing ends it.
pub(crate) fn apart<T>(work: impl FnOnce() -> T) -> T {
    let (left, file) = (LEFT.get(), FILE.get());
    LEFT.set(u64::MAX);
    FILE.set(None);
    let result = work();
    LEFT.set(left);
    FILE.set(file);
    result
}

/// Says on which file is spent from here.
pub(crate) fn on(file: u32) {
    if FILE.get().is_some_and(|current| current != file) {
        keep();
        let left = FILES.with_borrow(|all| all.get(place(file)).copied());
        FILE.set(Some(file));
        LEFT.set(left.unwrap_or(u64::MAX));
    }
}

/// Spends units on the current file.
pub(crate) fn spend(units: usize) -> Left {
    let units = u64::try_from(units).unwrap_or(u64::MAX);
    let left = LEFT.get().saturating_sub(units);
    #[cfg(test)]
    if left == 0 {
        PAST.set(PAST.get() + units);
    }
    LEFT.set(left);
    if left == 0 { Left::Nothing } else { Left::Some }
}

/// Spends what a look through so many places costs.
pub(crate) fn spend_on_places(places: usize) -> Left {
    spend(places / PLACES + 1)
}

fn keep() {
    if let Some(file) = FILE.get() {
        FILES.with_borrow_mut(|all| {
            if let Some(left) = all.get_mut(place(file)) {
                *left = LEFT.get();
            }
        });
    }
}

fn place(file: u32) -> usize {
    usize::try_from(file).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_the_last_that_may_be_spent() {
        let within = counted(2, 10, || {
            on(1);
            assert_eq!(spend(9), Left::Some);
            on(0);
            assert_eq!(spend(9), Left::Some);
        });
        assert_eq!(within.1, Vec::<u32>::new());
        let over = counted(2, 10, || {
            on(1);
            assert_eq!(spend(9), Left::Some);
            on(0);
            on(1);
            assert_eq!(spend(1), Left::Nothing);
            on(0);
            assert_eq!(spend(1), Left::Some, "another file has its own");
        });
        assert_eq!(over.1, [1]);
    }

    #[test]
    fn what_is_done_once_for_all_is_paid_by_none() {
        let over = counted(1, 10, || {
            assert_eq!(apart(|| spend(20)), Left::Some);
            assert_eq!(spend(9), Left::Some);
        });
        assert_eq!(over.1, Vec::<u32>::new());
        assert_eq!(past(1, 10, || assert_eq!(spend(12), Left::Nothing)), 12);
    }

    #[test]
    fn outside_of_a_rule_nothing_is_counted() {
        on(3);
        assert_eq!(spend(usize::MAX / 2), Left::Some);
        assert_eq!(counted(1, 10, || ()).1, Vec::<u32>::new());
    }
}
