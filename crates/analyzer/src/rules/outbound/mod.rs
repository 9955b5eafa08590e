//! What waits for others and what is written to them: TIME-001, CB-001, RETRY-001, IO-001.

mod around;
pub(super) mod bounds;
mod breakers;
mod chosen;
mod escaped;
mod handed;
mod inherited;
mod later;
mod loggers;
pub(super) mod no_breaker;
pub(super) mod no_timeout;
mod other_branch;
mod repeated;
mod statements;
mod stdout_loggers;
pub(super) mod stdout_pollution;
pub(super) mod unsafe_retry;
