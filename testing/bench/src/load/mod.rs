//! The load generator.

mod connection;
mod cycles;
mod http;
mod latency;
mod lives;
mod memory;
mod processes;
mod queue;
mod started;
mod stdio;
mod turns;

use std::fmt;

use crate::plan::{Plan, Seen};

/// Carries out a plan.
///
/// # Errors
/// A route could not be started, ended early, or answered something else than its calls.
pub fn carry_out(plan: &Plan) -> Result<Seen, LoadError> {
    match plan {
        Plan::Calls {
            placement,
            routes,
            in_flight,
            payload,
            rounds,
            turn_ms,
        } => {
            processes::place(*placement)?;
            turns::measure(routes, *in_flight, *payload, *rounds, *turn_ms).map(Seen::Calls)
        }
        Plan::Lives { routes, rounds } => lives::measure(routes, *rounds).map(Seen::Lives),
        Plan::Memory { route, batches } => memory::measure(route, batches).map(Seen::Memory),
        Plan::Queue { route, count } => queue::measure(route, *count).map(Seen::Queue),
        Plan::Cycles {
            route,
            count,
            relay,
            ledger,
        } => cycles::measure(route, *count, relay, ledger).map(Seen::Cycles),
    }
}

/// Why a measurement has no result.
#[derive(Debug)]
pub struct LoadError(String);

impl LoadError {
    fn new(text: impl Into<String>) -> LoadError {
        LoadError(text.into())
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for LoadError {}

/// Adds what was being done to an error.
trait Doing<T> {
    fn doing(self, what: impl fmt::Display) -> Result<T, LoadError>;
}

impl<T, E: fmt::Display> Doing<T> for Result<T, E> {
    fn doing(self, what: impl fmt::Display) -> Result<T, LoadError> {
        self.map_err(|error| LoadError(format!("{what}: {error}")))
    }
}
