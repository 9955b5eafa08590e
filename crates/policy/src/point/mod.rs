//! A remote decision point that speaks AuthZEN 1.0.
//!
//! One POST a question, bounded in time, size and number; no redirect is followed, no proxy of the
//! environment is used, nothing is asked twice and nothing is remembered. What comes back is read
//! by [`PointAnswer::from_reply`], and everything that is not a plain yes is a denial.

mod exchange;
mod rest;
mod written;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use dropgate_gate::decision::{PointAnswer, PointFailure};
use dropgate_gate::pins::ToolDefinition;

use crate::question::Question;
use rest::{Entry, Rest};

pub use rest::RestSettings;

/// The longest that an answer may take.
pub const MAX_TIMEOUT: Duration = Duration::from_secs(2);

/// The longest arguments that are judged, in bytes. Longer ones are denied, never cut.
pub const MAX_ARGUMENTS: usize = 1024 * 1024;

/// The most questions that are open at a time; one more is denied.
pub const MAX_OPEN: usize = 64;

/// Where and how to ask.
#[derive(Debug, Clone)]
pub struct PointSettings {
    /// The evaluation endpoint, for example `https://pdp.internal/access/v1/evaluation`.
    pub url: String,
    /// How long connecting, asking and reading may take together; [`MAX_TIMEOUT`] at most.
    pub timeout: Duration,
    /// Certificates in PEM that are trusted besides the system's.
    pub extra_roots: Vec<Vec<u8>>,
    /// When a failing decision point is left alone.
    pub rest: RestSettings,
    /// The server that is asked about, as the decision point sees it.
    pub server: String,
}

/// Why a decision point can't be used.
#[derive(Debug, thiserror::Error)]
pub enum PointRefused {
    /// No address.
    #[error("{url:?} is not an http or https address of a decision point: {why}")]
    Url {
        /// What was given.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// Not a bounded time.
    #[error("the decision point's timeout is {0:?}; give more than 0 and at most 2s")]
    Timeout(Duration),
    /// A certificate that is none.
    #[error("a root certificate for the decision point is not PEM: {0}")]
    Root(String),
    /// No trust store, or something else of the system's.
    #[error("can't prepare to ask the decision point: {0}")]
    System(String),
}

/// A decision point.
#[derive(Debug, Clone)]
pub struct DecisionPoint(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    client: reqwest::Client,
    url: reqwest::Url,
    timeout: Duration,
    server: Box<str>,
    open: AtomicUsize,
    rest: Mutex<Rest>,
    origin: Instant,
}

impl DecisionPoint {
    /// Prepares to ask; nothing is sent yet.
    ///
    /// # Errors
    /// The settings can't be used.
    pub fn new(settings: &PointSettings) -> Result<Self, PointRefused> {
        if settings.timeout.is_zero() || settings.timeout > MAX_TIMEOUT {
            return Err(PointRefused::Timeout(settings.timeout));
        }
        let (client, url) = exchange::client(settings)?;
        Ok(Self(Arc::new(Inner {
            client,
            url,
            timeout: settings.timeout,
            server: settings.server.as_str().into(),
            open: AtomicUsize::new(0),
            rest: Mutex::new(Rest::new(settings.rest)),
            origin: Instant::now(),
        })))
    }

    /// Asks. `tool` is the definition that the server listed, if the question is about a tool.
    ///
    /// The future owns all it needs and ends within the timeout. Dropping it takes the question
    /// back.
    pub fn evaluate(
        &self,
        question: &Question<'_>,
        tool: Option<&ToolDefinition>,
    ) -> impl Future<Output = PointAnswer> + Send + use<> {
        let inner = Arc::clone(&self.0);
        let body = written::body(question, tool, &self.0.server);
        async move {
            match body {
                Ok(body) => inner.ask(body).await,
                Err(refused) => refused,
            }
        }
    }
}

impl Inner {
    async fn ask(&self, body: Vec<u8>) -> PointAnswer {
        let Some(_slot) = Slot::take(&self.open) else {
            return PointAnswer::failed(PointFailure::Busy);
        };
        let Some(trial) = Trial::begin(self) else {
            return PointAnswer::failed(PointFailure::Resting);
        };
        let asked = exchange::exchange(&self.client, self.url.clone(), body);
        let exchanged = match tokio::time::timeout(self.timeout, asked).await {
            Ok(exchanged) => exchanged,
            Err(_elapsed) => exchange::Exchanged::Failed(
                PointAnswer::failed(PointFailure::TimedOut)
                    .because(format_args!("no whole answer within {:?}", self.timeout)),
            ),
        };
        match exchanged {
            exchange::Exchanged::Decided(answer) => {
                trial.end(rest::Ending::Answered);
                answer
            }
            exchange::Exchanged::Failed(answer) => {
                trial.end(rest::Ending::Failed);
                answer
            }
        }
    }

    /// A poisoned lock means that a thread panicked in there; then nothing is asked any more.
    fn with_rest<T>(&self, step: impl FnOnce(&mut Rest, Duration) -> T) -> Option<T> {
        let mut rest = self.rest.lock().ok()?;
        Some(step(&mut rest, self.origin.elapsed()))
    }
}

/// One of the questions that may be open at a time.
struct Slot<'a>(&'a AtomicUsize);

impl<'a> Slot<'a> {
    fn take(open: &'a AtomicUsize) -> Option<Self> {
        let one_more = |open: usize| (open < MAX_OPEN).then_some(open + 1);
        open.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more)
            .ok()
            .map(|_before| Self(open))
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A question that was let through and whose ending has to be told, even if it is dropped.
struct Trial<'a> {
    inner: &'a Inner,
    entry: Entry,
}

impl<'a> Trial<'a> {
    fn begin(inner: &'a Inner) -> Option<Self> {
        let entry = inner.with_rest(Rest::enter)??;
        Some(Self { inner, entry })
    }

    fn end(self, ending: rest::Ending) {
        let entry = self.entry;
        let _told = self
            .inner
            .with_rest(|rest, now| rest.leave(entry, ending, now));
        std::mem::forget(self);
    }
}

impl Drop for Trial<'_> {
    fn drop(&mut self) {
        let entry = self.entry;
        let taken_back = rest::Ending::TakenBack;
        let _told = self
            .inner
            .with_rest(|rest, now| rest.leave(entry, taken_back, now));
    }
}
