//! The life of a call and of a shutdown as pure values: no I/O, no clock.
//!
//! Times come in as a [`std::time::Duration`] since some origin that the caller keeps for the
//! whole process. Everything here decides; the relay carries out what was decided.
//!
//! - [`call`]: a call that is received, admitted and finished, each step consuming the last.
//! - [`outcome`]: the one thing that became of a call.
//! - [`refusal`]: the answers that dropgate gives in a server's place.
//! - [`in_flight`]: the bounded table of calls that are owed an outcome.
//! - [`decision`]: whether a call may pass; only every configured source's yes is a permit.
//! - [`pins`]: tool definitions against those that were accepted.
//! - [`strict_json`]: JSON in which no key stands twice.
//! - [`breaker`]: a tool that keeps failing is refused at once.
//! - [`deadlines`]: when each call in flight is due.
//! - [`load`]: how much an upstream is given at once, and how fast.
//! - [`gather`]: one answer out of several sources, by a deadline.
//! - [`mode`]: what may run while the write path is down.
//! - [`latency`] and [`doomed`]: which calls can't finish before a shutdown would cut them.
//! - [`shutdown`]: the table of phases, the plan of deadlines, the counting of signals.
//! - [`sanitize`]: errors in words that leak nothing.
//! - [`exit`]: the exit code of `dropgate run`.
#![forbid(unsafe_code)]

pub mod breaker;
pub mod call;
pub mod checks;
pub mod deadlines;
pub mod decision;
pub mod doomed;
pub mod exit;
pub mod gather;
pub mod in_flight;
pub mod kind;
pub mod latency;
pub mod load;
pub mod mode;
pub mod outcome;
pub mod pins;
pub mod refusal;
pub mod sanitize;
pub mod shutdown;
pub mod strict_json;
