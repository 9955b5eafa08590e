//! Signals without effect, in safe code.
//!
//! A handler that only sets a flag takes the place of `SIG_IGN`: the process is as hard to end,
//! and its children start with the default effect, as they do under servers that install handlers.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::FORBIDDEN;

/// Highest signal number of Linux.
const LAST: i32 = 64;

/// The two real-time signals that the C library keeps for itself.
const RESERVED: [i32; 2] = [32, 33];

/// Makes the given signals have no effect on this process.
///
/// # Errors
/// A number that is no signal, or one that can't be caught.
pub fn ignore(signals: &[i32]) -> io::Result<()> {
    if let Some(signal) = signals.iter().find(|signal| FORBIDDEN.contains(signal)) {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("signal {signal} can't be caught"),
        ));
    }
    let seen = Arc::new(AtomicBool::new(false));
    for &signal in signals {
        signal_hook::flag::register(signal, Arc::clone(&seen))?;
    }
    Ok(())
}

/// Every signal that a program can catch without giving up its memory safety.
#[must_use]
pub fn catchable() -> Vec<i32> {
    (1..=LAST)
        .filter(|signal| !FORBIDDEN.contains(signal) && !RESERVED.contains(signal))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use signal_hook::consts::{SIGKILL, SIGSTOP, SIGTERM, SIGTSTP};

    #[test]
    fn kill_and_stop_are_refused() {
        for signal in [SIGKILL, SIGSTOP] {
            assert_eq!(
                ignore(&[signal]).unwrap_err().kind(),
                io::ErrorKind::InvalidInput
            );
            assert!(!catchable().contains(&signal));
        }
        assert!(catchable().contains(&SIGTERM) && catchable().contains(&SIGTSTP));
    }
}
