//! What the gate costs each call, and what calls take that nobody answers.

use dropgate_testing_bench::plan::{Plan, Seen};

use super::Results;
use super::figure::{Bar, Figure, Spread};
use super::generator::{self, unasked};
use super::measured;
use super::routes::Routes;
use crate::failure::Failure;

/// Decision, breakers and sanitiser of a small call together, microseconds.
const SMALL_CALL_US: f64 = 5.0;

/// Calls that the host makes while the server reads nothing.
const QUEUED: usize = 10_000;

/// What they may add to the memory of wrapper and guard, MiB: all that is bounded there, with room.
const QUEUED_MIB: f64 = 8.0;

pub(super) fn measure(routes: &Routes, results: &mut Results) -> Result<(), Failure> {
    let example = [
        "--release",
        "--package",
        "dropgate-gate",
        "--example",
        "admission_cost",
    ];
    let small_call = measured::rounds(
        &[&["build"], &example[..]].concat(),
        &[&["run"], &example[..]].concat(),
        "small call, us by round",
    )?;
    results.figures.push(Figure {
        what: "a small call: decision of the built-in policy, breakers and sanitiser".to_owned(),
        measured: small_call,
        unit: "us",
        bar: Bar::AtMost(SMALL_CALL_US),
    });
    results.figures.extend(queued(routes)?);
    Ok(())
}

fn queued(routes: &Routes) -> Result<[Figure; 2], Failure> {
    let what = format!("{QUEUED} calls, server reads nothing");
    let plan = Plan::Queue {
        route: routes.dropgate(),
        count: QUEUED,
    };
    let seen = match generator::run(&routes.generator(), &what, &plan)? {
        Seen::Queue(queue) => queue,
        Seen::Calls(_) | Seen::Lives(_) | Seen::Memory(_) | Seen::Cycles(_) => {
            return Err(unasked(&what));
        }
    };
    let grown = seen.peak_after_kib.saturating_sub(seen.peak_before_kib);
    Ok([
        Figure {
            what: format!("{what}: added to the most memory of wrapper and guard"),
            measured: Spread::exact(grown as f64 / 1024.0),
            unit: "MiB",
            bar: Bar::AtMost(QUEUED_MIB),
        },
        Figure {
            what: format!("{what}: refused at once"),
            measured: Spread::exact(seen.answered as f64),
            unit: "calls",
            bar: Bar::None,
        },
    ])
}
