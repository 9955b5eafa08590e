//! What waits for others and what is written to them: TIME-001, CB-001, RETRY-001, IO-001.

mod around;
pub(super) mod bounds;
mod breakers;
mod built;
mod by_client;
mod chosen;
mod configured;
mod escaped;
mod handed;
mod inherited;
mod later;
mod loggers;
mod methods;
pub(super) mod no_breaker;
pub(super) mod no_timeout;
mod once;
mod other_branch;
mod recurring;
mod repeated;
mod statements;
mod stdout_loggers;
pub(super) mod stdout_pollution;
pub(super) mod timers;
mod turns;
pub(super) mod unsafe_retry;
