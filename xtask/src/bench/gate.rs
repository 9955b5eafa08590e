//! What the gate costs each call, and what calls take that nobody answers.

use dropgate_testing_bench::plan::{Payload, Placement, Plan, Route, Seen, Turn};

use super::Results;
use super::figure::{Bar, Figure, Spread};
use super::generator::{self, unasked};
use super::measured;
use super::routes::Routes;
use super::wanted::Wanted;
use crate::failure::Failure;

/// Decision, breakers and sanitiser of a small call together, microseconds.
const SMALL_CALL_US: f64 = 5.0;

/// A decision of Cedar with 1,000 policies loaded, microseconds.
const CEDAR_US: f64 = 50.0;

/// Cleaning 4 KiB, and 1 MiB, of an error, microseconds.
const CLEANING_US: [f64; 2] = [100.0, 60_000.0];

/// From a call to its refusal by an open breaker, microseconds.
const FAST_FAIL_US: f64 = 1000.0;

/// How long a turn admits calls, milliseconds.
const TURN_MS: u64 = 300;

/// Calls that the host makes while the server reads nothing.
const QUEUED: usize = 10_000;

/// What they may add to the memory of wrapper and guard, MiB: all that is bounded there, with room.
const QUEUED_MIB: f64 = 8.0;

pub(super) fn measure(
    routes: &Routes,
    wanted: &Wanted,
    results: &mut Results,
) -> Result<(), Failure> {
    let example = [
        "--release",
        "--package",
        "dropgate-gate",
        "--example",
        "admission_cost",
    ];
    let [small_call] = measured::rounds(
        &[&["build"], &example[..]].concat(),
        &[&["run"], &example[..]].concat(),
        ["small call, us by round"],
    )?;
    let mut at_most = |what: &str, measured, bar| {
        results.figures.push(Figure {
            what: what.to_owned(),
            measured,
            unit: "us",
            bar: Bar::AtMost(bar),
        });
    };
    at_most(
        "a small call: decision of the built-in policy, breakers and sanitiser",
        small_call,
        SMALL_CALL_US,
    );
    at_most(
        "a decision of Cedar, 1,000 policies loaded",
        cedar()?,
        CEDAR_US,
    );
    let [dense_small, dense_large, small, large] = cleaning()?;
    let [of_small, of_large] = CLEANING_US;
    at_most(
        "cleaning 4 KiB of dense stack traces",
        dense_small,
        of_small,
    );
    at_most("cleaning 4 KiB of validation messages", small, of_small);
    at_most(
        "cleaning 1 MiB of dense stack traces",
        dense_large,
        of_large,
    );
    at_most("cleaning 1 MiB of validation messages", large, of_large);
    at_most(
        "from a call to its refusal by an open breaker, over stdio",
        fast_fail(routes, wanted)?,
        FAST_FAIL_US,
    );
    results
        .figures
        .extend(queued(routes, routes.dropgate(), "")?);
    let recording = routes.dropgate_recording()?;
    results
        .figures
        .extend(queued(routes, recording, ", with a journal")?);
    Ok(())
}

fn cedar() -> Result<Spread, Failure> {
    let bench = [
        "bench",
        "--package",
        "dropgate-policy",
        "--bench",
        "decisions",
    ];
    let [cedar] = measured::rounds(
        &[&bench[..], &["--no-run"]].concat(),
        &bench,
        ["1000 policies, 10 of them for every tool, us by round"],
    )?;
    Ok(cedar)
}

fn cleaning() -> Result<[Spread; 4], Failure> {
    let bench = ["bench", "--package", "dropgate-gate", "--bench", "sanitize"];
    let rows = ["--", "of traces", "of validation messages"];
    measured::rounds(
        &[&bench[..], &["--no-run"]].concat(),
        &[&bench[..], &rows].concat(),
        [
            "4 KiB of traces, us by round",
            "1 MiB of traces, us by round",
            "4 KiB of validation messages, us by round",
            "1 MiB of validation messages, us by round",
        ],
    )
}

/// The median time of a call that is refused, by turn.
fn fast_fail(routes: &Routes, wanted: &Wanted) -> Result<Spread, Failure> {
    let plan = Plan::Calls {
        placement: Placement::Free,
        routes: vec![routes.dropgate_refusing()?],
        in_flight: 1,
        payload: Payload::Both(64),
        rounds: wanted.rounds,
        turn_ms: TURN_MS,
    };
    let what = "calls that an open breaker refuses";
    let turns = generator::turns(&routes.generator(), what, &plan)?;
    Ok(Spread::of(
        turns.concat().iter().map(|turn: &Turn| turn.p50_us),
    ))
}

fn queued(routes: &Routes, route: Route, how: &str) -> Result<[Figure; 2], Failure> {
    let what = format!("{QUEUED} calls, server reads nothing{how}");
    let plan = Plan::Queue {
        route,
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
