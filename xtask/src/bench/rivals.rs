//! Calls through installed wrappers, which serve HTTP, beside dropgate.

use dropgate_testing_bench::plan::{Payload, Placement, Plan};

use super::routes::Routes;
use super::wanted::Wanted;
use super::{Results, calls, generator};
use crate::failure::Failure;

/// How long a turn admits calls, milliseconds: some of these take tens of them for one call.
const TURN_MS: u64 = 1500;

/// The most turns of each route.
const MOST_ROUNDS: usize = 7;

pub(super) fn measure(
    routes: &Routes,
    wanted: &Wanted,
    results: &mut Results,
) -> Result<(), Failure> {
    for in_flight in [1, 16] {
        let compared = vec![
            routes.dropgate(),
            routes.mcp_proxy()?,
            routes.supergateway()?,
        ];
        let payload = Payload::Both(64);
        let plan = Plan::Calls {
            placement: Placement::Free,
            routes: compared.clone(),
            in_flight,
            payload,
            rounds: wanted.rounds.min(MOST_ROUNDS),
            turn_ms: TURN_MS,
        };
        let what = format!(
            "wrappers that serve HTTP: {}",
            calls::what(payload, in_flight, Placement::Free)
        );
        let turns = generator::turns(&routes.generator(), &what, &plan)?;
        results.loads.push(calls::load(what, &compared, &turns));
    }
    Ok(())
}
