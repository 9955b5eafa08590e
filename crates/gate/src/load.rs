//! How much an upstream is given at once, and how fast.
//!
//! What is too much is shed at once: a call that waits in a queue holds its caller, and may be
//! answered when nobody wants it any more. The answer says when to try again.

use std::cell::Cell;
use std::num::NonZeroU32;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

/// What is allowed of an upstream, or of the tools that one table of the configuration names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Limits {
    /// The most calls in flight at once.
    pub max_in_flight: u32,
    /// How fast calls may come; any speed if none.
    pub rate: Option<Rate>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_in_flight: 64,
            rate: None,
        }
    }
}

/// A rate: so many calls at once, and one more each time a period has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rate {
    period: Duration,
    burst: NonZeroU32,
}

/// The longest time in which a used-up burst comes back.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

impl Rate {
    /// `burst` calls at once, and one more each `period`.
    ///
    /// # Errors
    /// If the period or the burst is zero, or a burst takes more than a day to come back.
    pub fn new(period: Duration, burst: u32) -> Result<Self, Invalid> {
        let invalid = Invalid { period, burst };
        let burst = NonZeroU32::new(burst).ok_or(invalid)?;
        let whole = period.checked_mul(burst.get()).ok_or(invalid)?;
        if period.is_zero() || whole > LONGEST {
            return Err(invalid);
        }
        Ok(Self { period, burst })
    }

    /// `calls` calls per second, all of them at once if need be.
    ///
    /// # Errors
    /// If `calls` is zero or over a billion.
    pub fn per_second(calls: u32) -> Result<Self, Invalid> {
        let period = Duration::from_secs(1)
            .checked_div(calls)
            .unwrap_or_default();
        Self::new(period, calls)
    }
}

/// A rate that can't be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "rate: {burst} calls at once and one more each {period:?} can't be kept; write at least 1 call and 1ns, and no more than a day for all of them"
)]
pub struct Invalid {
    period: Duration,
    burst: u32,
}

/// The load of one upstream.
///
/// Limits of tools are kept by the table of the configuration that states them, so all tools that
/// one table matches share them; names that a model makes up add nothing to it.
#[derive(Debug)]
pub struct Load {
    upstream: Gauge,
    tables: Vec<Gauge>,
}

/// Whether a call may go on.
#[derive(Debug)]
#[must_use = "dropping the slot ends the call's share"]
pub enum Answer {
    /// It may; the slot is kept for as long as the call is in flight.
    Admit(Slot),
    /// It may not.
    Shed(Shed),
}

/// Why a call is shed, and when to try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shed {
    /// Too many calls are in flight.
    InFlight {
        /// A guess, since nobody knows when one ends: a second.
        retry_after: Duration,
    },
    /// Calls come too fast.
    Rate {
        /// When the next one would be in time.
        retry_after: Duration,
    },
}

impl Shed {
    /// How long to wait before the next attempt.
    #[must_use]
    pub fn retry_after(self) -> Duration {
        match self {
            Self::InFlight { retry_after } | Self::Rate { retry_after } => retry_after,
        }
    }
}

/// A call's share of the load, given back by being dropped.
#[derive(Debug)]
#[must_use = "dropping the slot ends the call's share"]
pub struct Slot {
    _upstream: Share,
    _table: Option<Share>,
}

/// How long to wait for one of the calls in flight to end.
const A_WHILE: Duration = Duration::from_secs(1);

impl Load {
    /// Nothing is in flight. `tables` are the limits of tools, which a call names by their place.
    #[must_use]
    pub fn new(upstream: &Limits, tables: &[Limits]) -> Self {
        Self {
            upstream: Gauge::new(upstream),
            tables: tables.iter().map(Gauge::new).collect(),
        }
    }

    /// Admits or sheds a call. `table` is the place of the limits that the tool has of its own; a
    /// place that there is not is shed as if its limit were zero.
    pub fn admit(&mut self, table: Option<usize>, now: Duration) -> Answer {
        let Some(upstream) = self.upstream.share() else {
            return full();
        };
        let mut held = None;
        if let Some(place) = table {
            let Some(gauge) = self.tables.get(place) else {
                return full();
            };
            held = gauge.share();
            if held.is_none() {
                return full();
            }
            // The narrower rate is asked first, so that calls over it use up nothing of the wider.
            if let Some(shed) = gauge.too_fast(now) {
                return Answer::Shed(shed);
            }
        }
        match self.upstream.too_fast(now) {
            Some(shed) => Answer::Shed(shed),
            None => Answer::Admit(Slot {
                _upstream: upstream,
                _table: held,
            }),
        }
    }

    /// How many calls are in flight.
    #[must_use]
    pub fn in_flight(&self) -> u32 {
        self.upstream.in_flight.get()
    }
}

fn full() -> Answer {
    Answer::Shed(Shed::InFlight {
        retry_after: A_WHILE,
    })
}

/// One set of limits, with what is used of them.
#[derive(Debug)]
struct Gauge {
    max: u32,
    in_flight: Rc<Cell<u32>>,
    rate: Option<RateLimiter<NotKeyed, InMemoryState, HandFed, NoOpMiddleware<Nanos>>>,
}

impl Gauge {
    fn new(limits: &Limits) -> Self {
        let rate = limits.rate.and_then(|rate| {
            let quota = Quota::with_period(rate.period)?.allow_burst(rate.burst);
            Some(RateLimiter::direct_with_clock(quota, HandFed::default()))
        });
        Self {
            max: limits.max_in_flight,
            in_flight: Rc::default(),
            rate,
        }
    }

    fn share(&self) -> Option<Share> {
        let in_flight = self.in_flight.get();
        if in_flight >= self.max {
            return None;
        }
        self.in_flight.set(in_flight + 1);
        Some(Share(Rc::clone(&self.in_flight)))
    }

    fn too_fast(&self, now: Duration) -> Option<Shed> {
        let rate = self.rate.as_ref()?;
        let now = nanos(now);
        rate.clock().now.store(now.as_u64(), Ordering::Relaxed);
        let refused = rate.check().err()?;
        Some(Shed::Rate {
            retry_after: refused.wait_time_from(now),
        })
    }
}

/// One call's part of a gauge.
#[derive(Debug)]
struct Share(Rc<Cell<u32>>);

impl Drop for Share {
    fn drop(&mut self) {
        self.0.set(self.0.get().saturating_sub(1));
    }
}

/// A clock that shows the time it was last told.
#[derive(Debug, Default)]
struct HandFed {
    now: AtomicU64,
}

impl Clock for HandFed {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        self.now.load(Ordering::Relaxed).into()
    }
}

/// Half of the numbers is left, about 290 years, so that no sum of a time and a rate overflows.
fn nanos(now: Duration) -> Nanos {
    u64::try_from(now.as_nanos())
        .unwrap_or(u64::MAX)
        .min(u64::MAX / 2)
        .into()
}
