//! How long a route takes to its first answer, and to its end.

use std::time::{Duration, Instant};

use super::LoadError;
use super::connection::Connection;
use crate::plan::{Life, Payload, Route};

/// How long the one call of a life may take.
const CALL_LIMIT: Duration = Duration::from_secs(10);

pub(super) fn measure(routes: &[Route], rounds: usize) -> Result<Vec<Vec<Life>>, LoadError> {
    let mut seen: Vec<Vec<Life>> = routes.iter().map(|_| Vec::new()).collect();
    // The first round brings the executables into memory and is not counted.
    for round in 0..=rounds {
        for (route, lives) in routes.iter().zip(&mut seen) {
            let life = live(route)?;
            if round > 0 {
                lives.push(life);
            }
        }
    }
    Ok(seen)
}

/// One start, one call, one end.
pub(super) fn live(route: &Route) -> Result<Life, LoadError> {
    let began = Instant::now();
    let mut host = Connection::open(route)?;
    let start = began.elapsed();
    host.call(1, Payload::Both(64), Instant::now() + CALL_LIMIT, 1)?;
    let end = host.close()?;
    Ok(Life {
        start_ms: start.as_secs_f64() * 1e3,
        end_ms: end.as_secs_f64() * 1e3,
    })
}
