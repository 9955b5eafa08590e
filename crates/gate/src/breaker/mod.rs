//! Circuit breakers: a tool that keeps failing is refused at once instead of holding every caller
//! for its whole timeout.
//!
//! A breaker is **closed** (it admits, and counts), **open** (it rejects, for a while that doubles
//! each time) or **half-open** (it admits one trial at a time; enough good ones close it). An
//! operator may also force or disable it.
//!
//! - [`Circuit`] is one breaker, a pure machine: times come in, transitions come out.
//! - [`Breakers`] are those of one upstream: one for each tool and one for the upstream itself.
//!   Tools that write and have failed together, without a success in between, as often as opens a
//!   breaker are all opened: each alone would take as many failures again.
//! - [`Ended`] is what became of a call, and [`Ended::for_tool`] and [`Ended::for_upstream`] say
//!   what that counts as.
//! - [`Backoff`] is the curve of the open periods; restarts of a crashing server follow it as well.
//!
//! A call is admitted for a [`Ticket`], which is given back with a [`Verdict`]. A ticket carries
//! the generation of the state it was given in, and a result from an earlier generation changes
//! nothing: a success that comes late does not close a breaker that has opened since. A ticket
//! that is lost can't wedge a half-open breaker, because a trial is a lease that ends at the
//! call's deadline, as a failure.

mod backoff;
mod breakers;
mod circuit;
mod settings;
mod streak;
mod ticket;
mod transition;
mod verdict;
mod window;

pub use backoff::Backoff;
pub use breakers::{Breakers, Change, MAX_NAME, MAX_TOOLS, Pass, ProbePass, Scope};
pub use circuit::{Circuit, Command};
pub use settings::{Invalid, Ratio, Settings};
pub use ticket::{Admission, Attempt, Probing, Rejection, Ticket};
pub use transition::{Cause, Phase, Transition, Transitions};
pub use verdict::{Ended, FailureTexts, TextsError, Verdict};
