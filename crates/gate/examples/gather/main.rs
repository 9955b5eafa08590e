//! A project's status from a database, an HTTP API and a cache, one of which hangs.
//!
//! ```text
//! cargo run -p dropgate-gate --example gather
//! ```
//!
//! The API accepts the request and never answers. The status still comes, at its deadline, with a
//! warning that names the API; and the API sees its connection close, since the hung request was
//! cancelled. The database is a file, or PostgreSQL if `DROPGATE_EXAMPLE_POSTGRES` holds the
//! address of one that trusts the user `postgres`, such as `127.0.0.1:5432`.

pub(crate) mod api;
mod database;
mod postgres;

use std::collections::HashMap;
use std::error::Error;
use std::future::{Future, pending};
use std::pin::Pin;
use std::process::ExitCode;
use std::time::Duration;

use dropgate_gate::gather::{Bulkhead, Fault, Gathered, Limits, Source, Timer, gather};
use tokio::time::{Instant, timeout_at};

use api::Api;
use database::Database;

/// How long a caller waits for the status.
pub(crate) const TIME: Duration = Duration::from_millis(300);

/// What came of it, for whoever looks at the example from outside.
#[derive(Debug)]
pub(crate) struct Shown {
    /// The status, as far as it came.
    pub(crate) status: Gathered<String>,
    /// How long it took.
    pub(crate) took: Duration,
    /// What the API saw of the request.
    pub(crate) request: api::Fate,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let shown = match show().await {
        Ok(shown) => shown,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    for (source, value) in shown.status.values() {
        eprintln!("{source}: {value}");
    }
    if let Some(warning) = shown.status.warning_text() {
        eprintln!("{warning}");
    }
    if let Some(partial) = shown.status.partial_meta() {
        eprintln!("_meta[\"dev.dropgate/partial\"] = {partial}");
    }
    let (took, time) = (shown.took.as_millis(), TIME.as_millis());
    eprintln!("after {took} ms of {time} ms");
    eprintln!("the API saw: {:?}", shown.request);
    ExitCode::SUCCESS
}

/// Asks for the status once.
pub(crate) async fn show() -> Result<Shown, Box<dyn Error>> {
    let database = Database::open().await?;
    let mut api = Api::hanging().await?;
    let cache = Cache::filled();
    let callers = Bulkhead::new(8);

    let timer = Clock::starting_now();
    let began = Instant::now();
    let status = gather(&timer, Limits::within(TIME, timer.now()))
        .required(Source::new("project", database.project("dropgate")))
        .important(Source::new("metrics", api.metrics("dropgate")).bulkhead(&callers))
        .optional(Source::new("recent activity", cache.recent("dropgate")))
        .await?;
    let took = began.elapsed();
    Ok(Shown {
        status,
        took,
        request: api.fate().await?,
    })
}

/// The runtime's clock.
struct Clock {
    origin: Instant,
}

impl Clock {
    fn starting_now() -> Self {
        Self {
            origin: Instant::now(),
        }
    }
}

impl Timer for Clock {
    type Wait = Pin<Box<dyn Future<Output = ()> + Send>>;

    fn now(&self) -> Duration {
        self.origin.elapsed()
    }

    fn wait_until(&self, at: Duration) -> Self::Wait {
        let at = self.origin + at;
        Box::pin(async move {
            // What never comes is over at the time that was asked for.
            let _ = timeout_at(at, pending::<()>()).await;
        })
    }
}

/// A cache in this process. Not to have something is no failure of it.
struct Cache {
    recent: HashMap<&'static str, &'static str>,
}

impl Cache {
    fn filled() -> Self {
        Self {
            recent: HashMap::from([("dropgate", "3 merges today")]),
        }
    }

    async fn recent(&self, project: &str) -> Result<String, Fault> {
        match self.recent.get(project) {
            Some(recent) => Ok((*recent).to_owned()),
            None => Ok("nothing".to_owned()),
        }
    }
}
