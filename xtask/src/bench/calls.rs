//! Calls over stdio: dropgate against no relay, the limit and a typed relay.

use dropgate_testing_bench::plan::{Payload, Placement, Plan, Route, Turn};

use super::figure::{Bar, Figure, Spread};
use super::routes::Routes;
use super::wanted::Wanted;
use super::{Results, generator};
use crate::failure::Failure;

/// How long a turn admits calls, milliseconds.
const TURN_MS: u64 = 150;

/// Median time that dropgate may add to a call that is alone, microseconds.
const ADDED_US: f64 = 10.0;

/// The share of the limit's calls per second that dropgate must reach with many in flight.
const SHARE: f64 = 0.5;

/// How much longer than the limit dropgate may take for a large answer.
const LARGE: f64 = 1.5;

/// What the routes did under one load.
pub(super) struct Load {
    pub(super) what: String,
    pub(super) rows: Vec<Row>,
}

/// What one route did under one load: medians of its turns.
pub(super) struct Row {
    pub(super) route: String,
    pub(super) p50_us: f64,
    pub(super) p99_us: f64,
    pub(super) calls_per_second: f64,
    pub(super) relay_cpu_us: f64,
    pub(super) chain_cpu_us: f64,
}

/// What is compared under one load. On one processor, calls per second are those per second of processor time, and the
/// time of a large answer is processor time: what other programs take of that processor is no relay's doing.
enum Compared {
    /// The median time of a call, dropgate minus direct.
    Added(Bar),
    /// Calls per second, dropgate divided by splice.
    Share(Bar),
    /// The time of a call, dropgate divided by splice.
    Times(Bar),
}

struct Case {
    payload: Payload,
    in_flight: usize,
    placement: Placement,
    compared: Compared,
}

const KIB_64: usize = 64 << 10;
const MIB_5: usize = 5 << 20;

const CASES: &[Case] = &[
    case(Payload::Both(64), 1, Compared::Added(Bar::AtMost(ADDED_US))),
    case(Payload::Both(64), 16, Compared::Share(Bar::None)),
    case(Payload::Both(64), 64, Compared::Share(Bar::AtLeast(SHARE))),
    case(Payload::Both(KIB_64), 1, Compared::Added(Bar::None)),
    case(Payload::Both(KIB_64), 16, Compared::Share(Bar::None)),
    case(
        Payload::Answer(MIB_5),
        1,
        Compared::Times(Bar::AtMost(LARGE)),
    ),
    free(Payload::Both(64), 1, Compared::Added(Bar::None)),
    free(Payload::Both(64), 64, Compared::Share(Bar::None)),
    free(Payload::Answer(MIB_5), 1, Compared::Times(Bar::None)),
];

const fn case(payload: Payload, in_flight: usize, compared: Compared) -> Case {
    Case {
        payload,
        in_flight,
        placement: Placement::OneProcessor,
        compared,
    }
}

const fn free(payload: Payload, in_flight: usize, compared: Compared) -> Case {
    Case {
        payload,
        in_flight,
        placement: Placement::Free,
        compared,
    }
}

pub(super) fn measure(
    routes: &Routes,
    wanted: &Wanted,
    results: &mut Results,
) -> Result<(), Failure> {
    for case in CASES {
        let routes_of_case = vec![
            routes.direct(),
            routes.splice(),
            routes.dropgate(),
            routes.splice_small(),
            routes.typed(),
        ];
        let plan = Plan::Calls {
            placement: case.placement,
            routes: routes_of_case.clone(),
            in_flight: case.in_flight,
            payload: case.payload,
            rounds: wanted.rounds,
            turn_ms: TURN_MS,
        };
        let what = what(case.payload, case.in_flight, case.placement);
        let turns = generator::turns(&routes.generator(), &what, &plan)?;
        if let [direct, splice, dropgate, ..] = turns.as_slice() {
            results
                .figures
                .push(compare(&what, case, [direct, splice, dropgate]));
        }
        results.loads.push(load(what, &routes_of_case, &turns));
    }
    Ok(())
}

/// One row for each route.
pub(super) fn load(what: String, routes: &[Route], turns: &[Vec<Turn>]) -> Load {
    let rows = routes.iter().zip(turns).map(|(route, turns)| {
        let median = |of: fn(&Turn) -> f64| Spread::of(turns.iter().map(of)).median;
        Row {
            route: route.name.clone(),
            p50_us: median(|turn| turn.p50_us),
            p99_us: median(|turn| turn.p99_us),
            calls_per_second: median(calls_per_second),
            relay_cpu_us: median(|turn| turn.relay_cpu_us),
            chain_cpu_us: median(|turn| turn.chain_cpu_us),
        }
    });
    Load {
        what,
        rows: rows.collect(),
    }
}

/// A load in words.
pub(super) fn what(payload: Payload, in_flight: usize, placement: Placement) -> String {
    let payload = match payload {
        Payload::Both(size) => format!("{} each way", bytes(size)),
        Payload::Answer(size) => format!("answers of {}", bytes(size)),
    };
    let placement = match placement {
        Placement::OneProcessor => "one processor",
        Placement::Free => "any processor",
    };
    format!("{payload}, {in_flight} in flight, {placement}")
}

fn calls_per_second(turn: &Turn) -> f64 {
    turn.calls as f64 / turn.seconds
}

fn bytes(size: usize) -> String {
    match size {
        0..1024 => format!("{size} B"),
        1024..0x10_0000 => format!("{} KiB", size >> 10),
        0x10_0000.. => format!("{} MiB", size >> 20),
    }
}

fn compare(what: &str, case: &Case, [direct, splice, dropgate]: [&Vec<Turn>; 3]) -> Figure {
    let by_round = |with: &[Turn], of: &dyn Fn(&Turn, &Turn) -> f64| {
        Spread::of(dropgate.iter().zip(with).map(|(own, other)| of(own, other)))
    };
    let rate: fn(&Turn) -> f64 = match case.placement {
        Placement::OneProcessor => |turn| 1e6 / turn.chain_cpu_us,
        Placement::Free => calls_per_second,
    };
    let time: fn(&Turn) -> f64 = match case.placement {
        Placement::OneProcessor => |turn| turn.chain_cpu_us,
        Placement::Free => |turn| turn.p50_us,
    };
    let (text, unit, measured, bar) = match case.compared {
        Compared::Added(bar) => {
            let added = by_round(direct, &|own, other| own.p50_us - other.p50_us);
            ("added to the median time of a call", "us", added, bar)
        }
        Compared::Share(bar) => {
            let share = by_round(splice, &|own, other| rate(own) / rate(other));
            ("calls per second, of the splice relay's", "x", share, bar)
        }
        Compared::Times(bar) => {
            let times = by_round(splice, &|own, other| time(own) / time(other));
            ("time of a call, of the splice relay's", "x", times, bar)
        }
    };
    Figure {
        what: format!("{what}: {text}"),
        measured,
        unit,
        bar,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(calls: usize, p50_us: f64) -> Turn {
        Turn {
            calls,
            seconds: 1.0,
            p50_us,
            p99_us: p50_us,
            relay_cpu_us: 0.0,
            chain_cpu_us: 1e6 / calls as f64,
        }
    }

    #[test]
    fn rounds_are_compared_pair_by_pair() {
        let direct = vec![turn(100, 2.0), turn(10, 20.0), turn(50, 4.0)];
        let splice = vec![turn(80, 4.0), turn(8, 40.0), turn(40, 8.0)];
        let own = vec![turn(40, 8.0), turn(4, 80.0), turn(20, 16.0)];
        for placement in [Placement::Free, Placement::OneProcessor] {
            let measured = |compared| {
                let case = Case {
                    payload: Payload::Both(64),
                    in_flight: 1,
                    placement,
                    compared,
                };
                compare("", &case, [&direct, &splice, &own]).measured
            };
            assert_eq!(measured(Compared::Added(Bar::None)).median, 12.0);
            assert_eq!(measured(Compared::Share(Bar::None)), Spread::exact(0.5));
            assert_eq!(measured(Compared::Times(Bar::None)), Spread::exact(2.0));
        }
    }

    #[test]
    fn loads_are_named_by_size() {
        assert_eq!(
            what(Payload::Both(64), 1, Placement::Free),
            "64 B each way, 1 in flight, any processor"
        );
        assert_eq!(bytes(KIB_64), "64 KiB");
        assert_eq!(bytes(MIB_5), "5 MiB");
    }
}
