//! Runs the load generator with one plan.

use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use dropgate_testing_bench::plan::{Plan, Seen, Turn};

use crate::failure::{Doing, Failure};
use crate::step;

/// Beyond what a plan takes by itself: slow starts of the routes, and ends that are waited for.
const MARGIN: Duration = Duration::from_secs(180);

/// The longest that the load generator's answer may be.
const ANSWER_LIMIT: u64 = 16 << 20;

/// Carries out a plan; `what` is told on stderr first, and is in the error.
pub(super) fn run(program: &Path, what: &str, plan: &Plan) -> Result<Seen, Failure> {
    eprintln!("== {what}");
    let plan_text = serde_json::to_string(plan).doing("writing a plan")?;
    let mut child = Command::new(program)
        .arg(plan_text)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .doing(format_args!("starting {}", program.display()))?;
    let stdout = child.stdout.take();
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        stdout.map(|stdout| stdout.take(ANSWER_LIMIT).read_to_string(&mut text));
        text
    });
    let limit = duration(plan) + MARGIN;
    let Some(status) = step::wait(&mut child, Instant::now() + limit)? else {
        return Err(Failure::failed(format!(
            "{what}: not done after {} s, killed",
            limit.as_secs()
        )));
    };
    let text = reader.join().unwrap_or_default();
    if !status.success() {
        return Err(Failure::failed(format!(
            "{what}: the load generator's {status}; its reason is above"
        )));
    }
    serde_json::from_str(&text).doing(format_args!("{what}: reading what was seen"))
}

/// Runs a plan of calls.
pub(super) fn turns(program: &Path, what: &str, plan: &Plan) -> Result<Vec<Vec<Turn>>, Failure> {
    match run(program, what, plan)? {
        Seen::Calls(turns) => Ok(turns),
        Seen::Lives(_) | Seen::Memory(_) | Seen::Queue(_) | Seen::Cycles(_) => Err(unasked(what)),
    }
}

/// The failure of a load generator that tells something else than it was asked.
pub(super) fn unasked(what: &str) -> Failure {
    Failure::failed(format!("{what}: the load generator tells something else"))
}

/// What a plan takes at least, generously: a life or a cycle is given half a second.
fn duration(plan: &Plan) -> Duration {
    match plan {
        Plan::Calls {
            routes,
            rounds,
            turn_ms,
            ..
        } => {
            let turns = (routes.len() * rounds) as u64;
            Duration::from_millis(turns * turn_ms * 3)
        }
        Plan::Lives { routes, rounds } => {
            Duration::from_millis((routes.len() * rounds * 500) as u64)
        }
        Plan::Queue { .. } => Duration::from_secs(60),
        Plan::Memory { batches, .. } => Duration::from_secs(60 * batches.len() as u64),
        Plan::Cycles { count, .. } => Duration::from_millis(*count as u64 * 500),
    }
}
