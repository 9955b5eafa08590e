//! Calls in turns: every route stays open, and each gets its turn in every round, so that whatever else the machine
//! does meets all of them alike.

use std::time::{Duration, Instant};

use super::connection::Connection;
use super::{LoadError, processes};
use crate::plan::{Payload, Route, Turn};

/// Calls that each route gets first, uncounted, so that caches, buffers and compilers are warm.
const WARM_UP: usize = 200;

/// How long the calls for warming up may take.
const WARM_UP_LIMIT: Duration = Duration::from_secs(5);

pub(super) fn measure(
    routes: &[Route],
    in_flight: usize,
    payload: Payload,
    rounds: usize,
    turn_ms: u64,
) -> Result<Vec<Vec<Turn>>, LoadError> {
    let in_flight = in_flight.max(1);
    let mut lanes = Vec::new();
    for route in routes {
        let mut connection = Connection::open(route)?;
        connection.call(in_flight, payload, Instant::now() + WARM_UP_LIMIT, WARM_UP)?;
        let parts = processes::parts_of(connection.pid(), &route.server);
        let rest = [vec![processes::own_pid()], parts.server].concat();
        lanes.push((connection, [parts.relay, rest], Vec::new()));
    }
    for _ in 0..rounds {
        for (connection, [relay, rest], turns) in &mut lanes {
            let cpu_before = [&*relay, &*rest].map(|pids| processes::cpu_us(pids));
            let until = Instant::now() + Duration::from_millis(turn_ms);
            let mut seen = connection.call(in_flight, payload, until, usize::MAX)?;
            let cpu_after = [&*relay, &*rest].map(|pids| processes::cpu_us(pids));
            let calls = seen.count() as f64;
            let relay_cpu_us = (cpu_after[0] - cpu_before[0]) / calls;
            let rest_cpu_us = (cpu_after[1] - cpu_before[1]) / calls;
            turns.push(Turn {
                calls: seen.count(),
                seconds: seen.seconds,
                p50_us: seen.percentile_us(50),
                p99_us: seen.percentile_us(99),
                relay_cpu_us,
                chain_cpu_us: relay_cpu_us + rest_cpu_us,
            });
        }
    }
    let mut seen = Vec::new();
    for (connection, _, turns) in lanes {
        connection.close()?;
        seen.push(turns);
    }
    Ok(seen)
}
