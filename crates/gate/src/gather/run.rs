//! The future that asks the sources.

use std::future::{Future, IntoFuture};
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use super::bulkhead::{Bulkhead, Place};
use super::gathered::{Gathered, Missing, RequiredMissing};
use super::hedge::Hedge;
use super::source::{Attempt, Fault, Level, Reason, Source, Way};
use super::{Limits, MAX_SOURCES, Timer};

/// An answer that is being put together. Add sources, then await it; dropping it cancels all.
#[must_use = "nothing is asked before it is awaited"]
pub struct Gather<'a, T, C: Timer> {
    timer: &'a C,
    limits: Limits,
    sources: Vec<(Level, Source<'a, T>)>,
    missing: Vec<Missing>,
}

impl<'a, T, C: Timer> Gather<'a, T, C> {
    pub(super) fn new(timer: &'a C, limits: Limits) -> Self {
        Self {
            timer,
            limits,
            sources: Vec::new(),
            missing: Vec::new(),
        }
    }

    /// Without this source there is no answer.
    pub fn required(self, source: Source<'a, T>) -> Self {
        self.with(Level::Required, source)
    }

    /// Without this source the answer carries a warning.
    pub fn important(self, source: Source<'a, T>) -> Self {
        self.with(Level::Important, source)
    }

    /// Without this source nothing is said, unless it refused the credentials.
    pub fn optional(self, source: Source<'a, T>) -> Self {
        self.with(Level::Optional, source)
    }

    fn with(mut self, level: Level, source: Source<'a, T>) -> Self {
        if self.sources.len() < MAX_SOURCES {
            self.sources.push((level, source));
        } else if self.missing.len() < MAX_SOURCES {
            self.missing.push(overloaded(source.name, level));
        }
        self
    }
}

impl<'a, T, C: Timer> IntoFuture for Gather<'a, T, C> {
    type Output = Result<Gathered<T>, RequiredMissing>;
    type IntoFuture = Asking<'a, T, C>;

    fn into_future(self) -> Asking<'a, T, C> {
        let now = self.timer.now();
        let end = self.limits.sources_end();
        let mut missing = self.missing;
        let sources = self
            .sources
            .into_iter()
            .filter_map(|(level, source)| {
                let name = source.name;
                let asked = Asked::begin(level, source, now, end);
                if asked.is_none() {
                    missing.push(overloaded(name, level));
                }
                asked
            })
            .collect();
        Asking {
            timer: self.timer,
            sources,
            missing,
            alarm: None,
        }
    }
}

/// An answer whose sources are being asked.
#[must_use = "nothing is asked before it is awaited"]
pub struct Asking<'a, T, C: Timer> {
    timer: &'a C,
    sources: Vec<Asked<'a, T>>,
    missing: Vec<Missing>,
    /// Wakes for the next thing that time alone brings, and when that is.
    alarm: Option<(Duration, Pin<Box<C::Wait>>)>,
}

/// Nothing in it is pinned in place: the futures are boxed.
impl<T, C: Timer> Unpin for Asking<'_, T, C> {}

impl<T, C: Timer> Future for Asking<'_, T, C> {
    type Output = Result<Gathered<T>, RequiredMissing>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let mut now = this.timer.now();
        loop {
            this.step(now, cx);
            if let Some(answer) = this.answer() {
                return Poll::Ready(answer);
            }
            let Some(due) = this.sources.iter().filter_map(Asked::due).min() else {
                return Poll::Pending;
            };
            let mut alarm = match this.alarm.take() {
                Some((at, alarm)) if at == due => alarm,
                Some(_) | None => Box::pin(this.timer.wait_until(due)),
            };
            match alarm.as_mut().poll(cx) {
                Poll::Pending => {
                    this.alarm = Some((due, alarm));
                    return Poll::Pending;
                }
                // A timer that is early by its own clock is believed, or this would spin.
                Poll::Ready(()) => now = this.timer.now().max(due),
            }
        }
    }
}

impl<T, C: Timer> Asking<'_, T, C> {
    fn step(&mut self, now: Duration, cx: &mut Context<'_>) {
        for source in &mut self.sources {
            if let Some(missing) = source.step(now, cx) {
                self.missing.push(missing);
            }
        }
    }

    /// The answer, if it can be given. Everything that is still asked is cancelled with it.
    fn answer(&mut self) -> Option<Result<Gathered<T>, RequiredMissing>> {
        let given_up = self.missing.iter().any(|it| it.level == Level::Required);
        if !given_up && self.sources.iter().any(|it| it.due().is_some()) {
            return None;
        }
        self.alarm = None;
        let sources = mem::take(&mut self.sources);
        let missing = mem::take(&mut self.missing);
        if given_up {
            return Some(Err(RequiredMissing { missing }));
        }
        let values = sources.into_iter().filter_map(Asked::value).collect();
        Some(Ok(Gathered { values, missing }))
    }
}

/// A source that has been asked.
struct Asked<'a, T> {
    name: &'static str,
    level: Level,
    state: State<'a, T>,
}

enum State<'a, T> {
    Open(Open<'a, T>),
    Came(T),
    Missing,
}

/// A source that has not answered.
struct Open<'a, T> {
    first: Running<'a, T>,
    second: Second<'a, T>,
    bulkhead: Option<&'a Bulkhead>,
    hedge: Option<&'a Hedge>,
    began: Duration,
    end: Duration,
}

/// One attempt: under way, or failed while the other one is.
enum Running<'a, T> {
    Attempt {
        attempt: Attempt<'a, T>,
        _place: Option<Place>,
    },
    Failed(Fault),
}

/// The second attempt of a hedged source.
enum Second<'a, T> {
    /// There is none.
    Never,
    /// It begins at this time, if the first has not answered.
    At(Duration, Box<dyn FnMut() -> Attempt<'a, T> + Send + 'a>),
    /// It is under way.
    Begun(Running<'a, T>),
}

impl<'a, T> Asked<'a, T> {
    /// Asks a source, unless it has all the callers that it may have.
    fn begin(
        level: Level,
        source: Source<'a, T>,
        now: Duration,
        answer_end: Duration,
    ) -> Option<Self> {
        let place = match source.bulkhead {
            Some(bulkhead) => Some(bulkhead.enter()?),
            None => None,
        };
        let (first, second, hedge) = match source.way {
            Way::Once(attempt) => (attempt, Second::Never, None),
            Way::Hedged { mut ask, hedge } => {
                let first = ask();
                let second = match hedge.begin() {
                    Some(usual) => Second::At(now.saturating_add(usual), ask),
                    None => Second::Never,
                };
                (first, second, Some(hedge))
            }
        };
        let own_end = source
            .timeout
            .map_or(Duration::MAX, |timeout| now.saturating_add(timeout));
        Some(Self {
            name: source.name,
            level,
            state: State::Open(Open {
                first: Running::Attempt {
                    attempt: first,
                    _place: place,
                },
                second,
                bulkhead: source.bulkhead,
                hedge,
                began: now,
                end: own_end.min(answer_end),
            }),
        })
    }

    /// Goes on with the source, and tells if it turns out to be missing.
    fn step(&mut self, now: Duration, cx: &mut Context<'_>) -> Option<Missing> {
        let State::Open(open) = &mut self.state else {
            return None;
        };
        let (reason, retry_after) = match open.step(now, cx) {
            Poll::Pending => return None,
            Poll::Ready(Ok(value)) => {
                self.state = State::Came(value);
                return None;
            }
            Poll::Ready(Err(missing)) => missing,
        };
        self.state = State::Missing;
        Some(Missing {
            source: self.name,
            level: self.level,
            reason,
            retry_after,
        })
    }

    /// When time alone brings something, if the source is still open.
    fn due(&self) -> Option<Duration> {
        match &self.state {
            State::Open(open) => Some(match &open.second {
                Second::At(at, _) => open.end.min(*at),
                Second::Never | Second::Begun(_) => open.end,
            }),
            State::Came(_) | State::Missing => None,
        }
    }

    fn value(self) -> Option<(&'static str, T)> {
        match self.state {
            State::Came(value) => Some((self.name, value)),
            State::Open(_) | State::Missing => None,
        }
    }
}

/// Why a source is missing, and when to ask again.
type Gone = (Reason, Option<Duration>);

impl<T> Open<'_, T> {
    fn step(&mut self, now: Duration, cx: &mut Context<'_>) -> Poll<Result<T, Gone>> {
        if let Poll::Ready(value) = self.first.poll(cx) {
            return self.came(value, now);
        }
        self.begin_second(now);
        if let Second::Begun(second) = &mut self.second
            && let Poll::Ready(value) = second.poll(cx)
        {
            return self.came(value, now);
        }
        match (&self.first, &self.second) {
            (
                Running::Failed(fault),
                Second::Never | Second::At(..) | Second::Begun(Running::Failed(_)),
            ) => Poll::Ready(Err(gone(*fault))),
            (Running::Failed(_), Second::Begun(Running::Attempt { .. }))
            | (Running::Attempt { .. }, _) => {
                if now >= self.end {
                    Poll::Ready(Err((Reason::TimedOut, None)))
                } else {
                    Poll::Pending
                }
            }
        }
    }

    fn came(&mut self, value: T, now: Duration) -> Poll<Result<T, Gone>> {
        if let Some(hedge) = self.hedge {
            hedge.record(now.saturating_sub(self.began));
        }
        Poll::Ready(Ok(value))
    }

    /// Begins the second attempt if it is time, the first is under way, and budget and bulkhead
    /// allow it. If they don't, there is none.
    fn begin_second(&mut self, now: Duration) {
        let Second::At(at, ask) = &mut self.second else {
            return;
        };
        if now < *at || now >= self.end || matches!(self.first, Running::Failed(_)) {
            return;
        }
        let place = match self.bulkhead.map(Bulkhead::enter) {
            Some(None) => {
                self.second = Second::Never;
                return;
            }
            Some(Some(place)) => Some(place),
            None => None,
        };
        self.second = match self.hedge.and_then(Hedge::spend) {
            Some(_) => Second::Begun(Running::Attempt {
                attempt: ask(),
                _place: place,
            }),
            None => Second::Never,
        };
    }
}

impl<T> Running<'_, T> {
    /// Ready with a value only: a fault is kept, since the other attempt may do better.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<T> {
        let Self::Attempt { attempt, .. } = self else {
            return Poll::Pending;
        };
        match attempt.as_mut().poll(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(value)) => Poll::Ready(value),
            Poll::Ready(Err(fault)) => {
                *self = Self::Failed(fault);
                Poll::Pending
            }
        }
    }
}

fn gone(fault: Fault) -> Gone {
    match fault {
        Fault::Failed => (Reason::Failed, None),
        Fault::Unauthorized => (Reason::Unauthorized, None),
        Fault::Unavailable { retry_after } => (Reason::Unavailable, retry_after),
    }
}

fn overloaded(source: &'static str, level: Level) -> Missing {
    Missing {
        source,
        level,
        reason: Reason::Overloaded,
        retry_after: None,
    }
}
