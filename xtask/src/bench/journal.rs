//! What the journal costs, by tier.

use dropgate_testing_bench::plan::{Payload, Placement, Plan, Route, Turn};

use super::figure::{Bar, Figure, Spread};
use super::routes::Routes;
use super::wanted::Wanted;
use super::{Results, calls, generator, measured};
use crate::failure::Failure;

/// How long a turn admits calls, milliseconds.
const TURN_MS: u64 = 300;

/// Calls in flight.
const IN_FLIGHT: usize = 64;

/// How much longer a call may take in the `write` tier than without a journal.
const WRITE_TIER: f64 = 1.5;

/// How many times as many records the `sync` tier makes durable as one fdatasync for each does.
const SYNC_TIER: f64 = 30.0;

/// How many records a second are verified.
const VERIFIED: f64 = 500_000.0;

pub(super) fn measure(
    routes: &Routes,
    wanted: &Wanted,
    results: &mut Results,
) -> Result<(), Failure> {
    let echo = [routes.dropgate(), routes.dropgate_recording()?];
    let [off, write] = echo.clone();
    let sdk = [routes.to_sdk(off), routes.to_sdk(write)];
    for (server, compared, placement) in [
        ("", &echo, Placement::OneProcessor),
        ("", &echo, Placement::Free),
        (" to a server made with rmcp", &sdk, Placement::Free),
    ] {
        write_tier(server, compared, placement, (routes, wanted, results))?;
    }
    let bench = [
        "bench",
        "--package",
        "dropgate-journal",
        "--bench",
        "figures",
    ];
    let [sync, verify] = measured::rounds(
        &[&bench[..], &["--no-run"]].concat(),
        &bench,
        [
            "tier sync, times as many by round",
            "verify, records/s of processor time by round",
        ],
    )?;
    results.figures.push(Figure {
        what: format!(
            "journal, {IN_FLIGHT} in flight: records made durable in the sync tier, of those with one fdatasync each"
        ),
        measured: sync,
        unit: "x",
        bar: Bar::AtLeast(SYNC_TIER),
    });
    results.figures.push(Figure {
        what: "journal verify, one processor".to_owned(),
        measured: verify,
        unit: "records/s",
        bar: Bar::AtLeast(VERIFIED),
    });
    Ok(())
}

fn write_tier(
    server: &str,
    compared: &[Route; 2],
    placement: Placement,
    (routes, wanted, results): (&Routes, &Wanted, &mut Results),
) -> Result<(), Failure> {
    let payload = Payload::Both(64);
    let plan = Plan::Calls {
        placement,
        routes: compared.to_vec(),
        in_flight: IN_FLIGHT,
        payload,
        rounds: wanted.rounds,
        turn_ms: TURN_MS,
    };
    let what = format!(
        "journal{server}: {}",
        calls::what(payload, IN_FLIGHT, placement)
    );
    let turns = generator::turns(&routes.generator(), &what, &plan)?;
    let time: fn(&Turn) -> f64 = match placement {
        Placement::OneProcessor => |turn| turn.chain_cpu_us,
        Placement::Free => |turn| turn.seconds / turn.calls as f64,
    };
    if let [off, write] = turns.as_slice() {
        let times = write
            .iter()
            .zip(off)
            .map(|(own, off)| time(own) / time(off));
        results.figures.push(Figure {
            what: format!("{what}: time of a call in the write tier, of that without a journal"),
            measured: Spread::of(times),
            unit: "x",
            bar: Bar::AtMost(WRITE_TIER),
        });
    }
    results.loads.push(calls::load(what, compared, &turns));
    Ok(())
}
