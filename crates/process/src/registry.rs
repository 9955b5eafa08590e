//! The guards that this process has started and not yet reaped, so that
//! emptying one tree never touches another's guard.

use std::sync::{Mutex, PoisonError};

static GUARDS: Mutex<Vec<(String, i32)>> = Mutex::new(Vec::new());

pub(crate) fn enter(cookie: &str, guard: i32) {
    GUARDS
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push((cookie.to_owned(), guard));
}

pub(crate) fn leave(cookie: &str) {
    GUARDS
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .retain(|(known, _)| known != cookie);
}

pub(crate) fn guards_except(cookie: &str) -> Vec<i32> {
    let guards = GUARDS.lock().unwrap_or_else(PoisonError::into_inner);
    guards
        .iter()
        .filter(|(known, _)| known != cookie)
        .map(|(_, guard)| *guard)
        .collect()
}
