//! A source: how it is asked, for how long, and how it can fail.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use super::bulkhead::Bulkhead;
use super::hedge::Hedge;

/// One attempt at a source.
pub(super) type Attempt<'a, T> = Pin<Box<dyn Future<Output = Result<T, Fault>> + Send + 'a>>;

/// How much a source matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    /// Without it there is no answer.
    Required,
    /// Without it the answer carries a warning.
    Important,
    /// Without it nothing is said, unless it refused the credentials.
    Optional,
}

impl Level {
    /// The name used in warnings.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Important => "important",
            Self::Optional => "optional",
        }
    }
}

/// How a source failed, in as much as the caller is told. The text of the error stays in the
/// author's own log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// It failed.
    Failed,
    /// It refused the credentials.
    Unauthorized,
    /// It is not to be had, and may be again after a while: an open breaker, a rate limit.
    Unavailable {
        /// After how long, if that is known.
        retry_after: Option<Duration>,
    },
}

/// Why a source is missing from an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// It did not answer in time, and was cancelled.
    TimedOut,
    /// It failed.
    Failed,
    /// It refused the credentials.
    Unauthorized,
    /// It is not to be had at present.
    Unavailable,
    /// It was not asked: it has as many callers as it may have, or the answer too many sources.
    Overloaded,
}

impl Reason {
    /// The name used in warnings.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::TimedOut => "timed_out",
            Self::Failed => "failed",
            Self::Unauthorized => "unauthorized",
            Self::Unavailable => "unavailable",
            Self::Overloaded => "overloaded",
        }
    }
}

/// Something to ask. The name is told to the caller, so it is fixed in the program.
pub struct Source<'a, T> {
    pub(super) name: &'static str,
    pub(super) timeout: Option<Duration>,
    pub(super) bulkhead: Option<&'a Bulkhead>,
    pub(super) way: Way<'a, T>,
}

/// How a source is asked.
pub(super) enum Way<'a, T> {
    Once(Attempt<'a, T>),
    Hedged {
        ask: Box<dyn FnMut() -> Attempt<'a, T> + Send + 'a>,
        hedge: &'a Hedge,
    },
}

impl<'a, T> Source<'a, T> {
    /// A source that is asked once.
    pub fn new(
        name: &'static str,
        answer: impl Future<Output = Result<T, Fault>> + Send + 'a,
    ) -> Self {
        Self {
            name,
            timeout: None,
            bulkhead: None,
            way: Way::Once(Box::pin(answer)),
        }
    }

    /// A source that only reads, and may be asked a second time when it is slower than usual.
    /// The first good answer counts, and the other attempt is cancelled.
    pub fn hedged<F>(
        name: &'static str,
        hedge: &'a Hedge,
        mut ask: impl FnMut() -> F + Send + 'a,
    ) -> Self
    where
        F: Future<Output = Result<T, Fault>> + Send + 'a,
    {
        Self {
            name,
            timeout: None,
            bulkhead: None,
            way: Way::Hedged {
                ask: Box::new(move || Box::pin(ask())),
                hedge,
            },
        }
    }

    /// The longest that this source may take. Without it, it has all the time there is.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        Self {
            timeout: Some(timeout),
            ..self
        }
    }

    /// Bounds how many attempts this source gets at once, over all answers that share it.
    #[must_use]
    pub fn bulkhead(self, bulkhead: &'a Bulkhead) -> Self {
        Self {
            bulkhead: Some(bulkhead),
            ..self
        }
    }
}
