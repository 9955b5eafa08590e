//! A sign of life on a terminal while the source is read.

use std::io::{self, IsTerminal as _};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use indicatif::ProgressBar;

/// Work that takes less shows nothing.
const AFTER: Duration = Duration::from_secs(1);

const TICK: Duration = Duration::from_millis(100);

/// Does the work, and shows that it goes on once it has taken a while.
pub(super) fn with_patience<T>(work: impl FnOnce() -> T) -> T {
    if !io::stderr().is_terminal() {
        return work();
    }
    let (working, over) = channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            if over.recv_timeout(AFTER) == Err(RecvTimeoutError::Timeout) {
                let bar = ProgressBar::new_spinner().with_message("reading the source");
                bar.enable_steady_tick(TICK);
                // Nothing is ever sent: it ends when the work is done.
                let _over = over.recv();
                bar.finish_and_clear();
            }
        });
        let done = work();
        drop(working);
        done
    })
}
