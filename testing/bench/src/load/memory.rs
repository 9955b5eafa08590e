//! Memory of a relay that has worked and is idle.

use std::time::{Duration, Instant};

use super::connection::Connection;
use super::{LoadError, processes};
use crate::plan::{Memory, Payload, Route};

/// Calls in flight meanwhile.
const IN_FLIGHT: usize = 16;

/// How long the calls of one batch may take.
const BATCH_LIMIT: Duration = Duration::from_secs(60);

/// How long it is left idle before it is looked at.
const IDLE: Duration = Duration::from_secs(2);

pub(super) fn measure(
    route: &Route,
    batches: &[(Payload, usize)],
) -> Result<Vec<Memory>, LoadError> {
    let mut connection = Connection::open(route)?;
    for (payload, count) in batches {
        let until = Instant::now() + BATCH_LIMIT;
        let seen = connection.call(IN_FLIGHT, *payload, until, *count)?;
        if seen.count() < *count {
            let limit = BATCH_LIMIT.as_secs();
            return Err(LoadError::new(format!(
                "{}: {} of {count} calls in {limit} s",
                route.name,
                seen.count()
            )));
        }
    }
    std::thread::sleep(IDLE);
    let relay = processes::parts_of(connection.pid(), &route.server).relay;
    let memory = relay.iter().filter_map(|pid| processes::memory(*pid));
    let memory = memory.collect();
    connection.close()?;
    Ok(memory)
}
