//! One answer out of several sources, by a deadline, with what came.
//!
//! A tool that asks a database, an API and a cache should not fail because the cache is down, and
//! should not wait for ever because the API hangs. [`gather`] asks all sources at once and says of
//! each how much it matters:
//!
//! - **required**: without it there is no answer; [`RequiredMissing`] comes back at once.
//! - **important**: without it the answer carries a warning.
//! - **optional**: without it nothing is said, unless it refused the credentials, which somebody
//!   has to know.
//!
//! A source has its own timeout or the time that is left less a reserve for writing the answer,
//! whichever is shorter. What has not answered by then is cancelled: its future is dropped. A
//! [`Bulkhead`] bounds how many callers a source has at once, and a [`Hedge`] asks a source that
//! only reads a second time when it is slower than usual.
//!
//! There is no clock and no runtime here: the caller supplies a [`Timer`]. No text of an error
//! enters the answer: a source says by [`Fault`] what kind of failure it had.
//!
//! ```
//! # use dropgate_gate::gather::{Fault, Limits, Source, Timer, gather};
//! # use std::time::Duration;
//! # async fn answer(timer: &impl Timer) -> Result<(), Box<dyn std::error::Error>> {
//! let limits = Limits::within(Duration::from_secs(2), timer.now());
//! let gathered = gather(timer, limits)
//!     .required(Source::new("projects", async { Ok("dropgate") }))
//!     .important(Source::new("metrics", std::future::pending()))
//!     .optional(Source::new("cache", async { Err(Fault::Failed) }))
//!     .await?;
//! assert_eq!(gathered.get("projects"), Some(&"dropgate"));
//! assert_eq!(gathered.warnings().count(), 1);
//! # Ok(()) }
//! ```

mod bulkhead;
mod gathered;
mod hedge;
mod run;
mod source;

use std::future::Future;
use std::time::Duration;

use serde_json::Value;

pub use bulkhead::Bulkhead;
pub use gathered::{Gathered, Missing, PARTIAL_META, RequiredMissing};
pub use hedge::{HEDGE_SHARE, Hedge, MIN_SAMPLES};
pub use run::{Asking, Gather};
pub use source::{Fault, Level, Reason, Source};

/// The most sources of one answer. One more is not asked, and is missing as overloaded.
pub const MAX_SOURCES: usize = 32;

/// The key under `_meta` by which a caller says how long it will wait, in milliseconds from now.
pub const DEADLINE_META: &str = "dev.dropgate/deadlineMs";

/// The caller's clock: where time comes from, and how to wait.
pub trait Timer {
    /// A future that is ready when a time has come.
    type Wait: Future<Output = ()> + Send;

    /// The time, counted from an origin that stays the same. It never runs backwards.
    fn now(&self) -> Duration;

    /// Waits until this time.
    fn wait_until(&self, at: Duration) -> Self::Wait;
}

/// How long an answer may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Limits {
    /// When the answer has to be out, by the timer's clock.
    pub deadline: Duration,
    /// How much of the time before that is kept for writing the answer.
    pub reserve: Duration,
}

impl Limits {
    /// So much time from `now`, of which a twentieth, and at most 50 ms, is kept in reserve.
    #[must_use]
    pub fn within(time: Duration, now: Duration) -> Self {
        Self {
            deadline: now.saturating_add(time),
            reserve: (time / 20).min(Duration::from_millis(50)),
        }
    }

    /// The same, for a caller that may have said in `_meta` how long it will wait. That only
    /// shortens the time: a deadline is never extended on its way.
    #[must_use]
    pub fn asked(meta: Option<&Value>, time: Duration, now: Duration) -> Self {
        let asked = meta
            .and_then(|meta| meta.get(DEADLINE_META))
            .and_then(Value::as_u64)
            .map_or(Duration::MAX, Duration::from_millis);
        Self::within(time.min(asked), now)
    }

    /// When the sources have to be done.
    fn sources_end(&self) -> Duration {
        self.deadline.saturating_sub(self.reserve)
    }
}

/// Begins an answer: add sources, then await it.
pub fn gather<T, C: Timer>(timer: &C, limits: Limits) -> Gather<'_, T, C> {
    Gather::new(timer, limits)
}
