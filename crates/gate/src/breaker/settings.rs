//! When a breaker opens, for how long, and what closes it.

use std::time::Duration;

/// The settings of a breaker; `[breaker]` in the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Settings {
    /// This many failures in a row, all inside the window, open the breaker.
    pub failures: u32,
    /// This share of failures among the calls of the window opens it.
    pub failure_ratio: Ratio,
    /// This share of slow calls among the calls of the window opens it.
    pub slow_ratio: Ratio,
    /// A call that takes this share of its timeout, or more, is slow.
    pub slow_share: Ratio,
    /// The two shares mean nothing in a window of fewer calls than this.
    pub min_calls: u32,
    /// How far back calls count. It moves in tenths.
    pub window: Duration,
    /// How long the breaker stays open the first time.
    pub open_for: Duration,
    /// What the open time doubles up to, before jitter.
    pub max_open_for: Duration,
    /// How far the open time is spread, to either side.
    pub jitter: Ratio,
    /// This many good trials in a row close a half-open breaker.
    pub successes: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            failures: 5,
            failure_ratio: Ratio(500),
            slow_ratio: Ratio(800),
            slow_share: Ratio(800),
            min_calls: 5,
            window: Duration::from_secs(30),
            open_for: Duration::from_secs(5),
            max_open_for: Duration::from_secs(120),
            jitter: Ratio(200),
            successes: 2,
        }
    }
}

impl Settings {
    /// The same settings, if a breaker can work with them.
    ///
    /// # Errors
    /// Names the setting, the value and the range.
    pub fn checked(self) -> Result<Self, Invalid> {
        count("failures", self.failures)?;
        count("min_calls", self.min_calls)?;
        count("successes", self.successes)?;
        duration("window", self.window)?;
        duration("open_for", self.open_for)?;
        duration("max_open_for", self.max_open_for)?;
        if self.max_open_for < self.open_for {
            return Err(Invalid::Order {
                max_open_for: self.max_open_for,
                open_for: self.open_for,
            });
        }
        let positive = [
            ("failure_ratio", self.failure_ratio),
            ("slow_ratio", self.slow_ratio),
            ("slow_share", self.slow_share),
        ];
        match positive.iter().find(|(_, ratio)| ratio.0 == 0) {
            Some((name, _)) => Err(Invalid::Ratio { name, value: 0.0 }),
            None => Ok(self),
        }
    }
}

/// A share from 0 to 1, in thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ratio(u32);

impl Ratio {
    /// A twentieth.
    pub(crate) const TWENTIETH: Self = Self(50);
    /// Three quarters.
    pub(crate) const THREE_QUARTERS: Self = Self(750);

    /// A share from 0 to 1; `name` is the setting, for the error. It is rounded to a thousandth.
    ///
    /// # Errors
    /// If the value is below 0, above 1 or no number.
    pub fn new(name: &'static str, value: f64) -> Result<Self, Invalid> {
        if !(0.0..=1.0).contains(&value) {
            return Err(Invalid::Ratio { name, value });
        }
        Ok(Self((value * 1000.0).round() as u32))
    }

    /// The share in thousandths, 0 to 1000.
    #[must_use]
    pub fn thousandths(self) -> u32 {
        self.0
    }

    /// Whether `part` of `whole` is this share or more.
    pub(super) fn reached(self, part: u32, whole: u32) -> bool {
        u64::from(part) * 1000 >= u64::from(self.0) * u64::from(whole)
    }

    /// This share of a duration.
    pub(crate) fn of(self, whole: Duration) -> Duration {
        let short = u64::try_from(whole.as_nanos()).ok();
        if let Some(product) = short.and_then(|nanos| nanos.checked_mul(u64::from(self.0))) {
            // Numbers of 128 bits are divided by a function that takes a while.
            return Duration::from_nanos(product / 1000);
        }
        // Both factors are bounded, so the product fits: the ratio by 1000, the duration by u64 nanoseconds.
        let nanos = whole.as_nanos().min(u128::from(u64::MAX)) * u128::from(self.0) / 1000;
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

/// A setting that a breaker can't work with.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Invalid {
    /// A share outside its range.
    #[error("breaker: {name} is {value}; write a share above 0 and up to 1, such as 0.5")]
    Ratio {
        /// The setting.
        name: &'static str,
        /// What it was set to.
        value: f64,
    },
    /// A count outside its range.
    #[error("breaker: {name} is {value}; write a number from 1 to {MAX_COUNT}")]
    Count {
        /// The setting.
        name: &'static str,
        /// What it was set to.
        value: u32,
    },
    /// A duration outside its range.
    #[error("breaker: {name} is {value:?}; write a duration from 10ms to 1h")]
    Duration {
        /// The setting.
        name: &'static str,
        /// What it was set to.
        value: Duration,
    },
    /// The longest open time is under the first one.
    #[error(
        "breaker: max_open_for is {max_open_for:?}, which is less than open_for ({open_for:?}); raise the one or lower the other"
    )]
    Order {
        /// What the longest open time was set to.
        max_open_for: Duration,
        /// What the first open time was set to.
        open_for: Duration,
    },
}

const MAX_COUNT: u32 = 10_000;
const MIN_DURATION: Duration = Duration::from_millis(10);
const MAX_DURATION: Duration = Duration::from_secs(3600);

fn count(name: &'static str, value: u32) -> Result<(), Invalid> {
    if (1..=MAX_COUNT).contains(&value) {
        Ok(())
    } else {
        Err(Invalid::Count { name, value })
    }
}

fn duration(name: &'static str, value: Duration) -> Result<(), Invalid> {
    if (MIN_DURATION..=MAX_DURATION).contains(&value) {
        Ok(())
    } else {
        Err(Invalid::Duration { name, value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_hold() {
        assert_eq!(Settings::default().checked(), Ok(Settings::default()));
    }

    #[test]
    fn a_bad_setting_is_named_with_its_range() {
        let good = Settings::default();
        let zero = Ratio::new("x", 0.0).unwrap();
        let rows = [
            (
                Settings {
                    failures: 0,
                    ..good
                },
                "breaker: failures is 0; write a number from 1 to 10000",
            ),
            (
                Settings {
                    successes: 10_001,
                    ..good
                },
                "breaker: successes is 10001; write a number from 1 to 10000",
            ),
            (
                Settings {
                    window: Duration::from_millis(9),
                    ..good
                },
                "breaker: window is 9ms; write a duration from 10ms to 1h",
            ),
            (
                Settings {
                    open_for: Duration::from_secs(3601),
                    ..good
                },
                "breaker: open_for is 3601s; write a duration from 10ms to 1h",
            ),
            (
                Settings {
                    max_open_for: Duration::from_secs(1),
                    ..good
                },
                "breaker: max_open_for is 1s, which is less than open_for (5s); raise the one or lower the other",
            ),
            (
                Settings {
                    slow_ratio: zero,
                    ..good
                },
                "breaker: slow_ratio is 0; write a share above 0 and up to 1, such as 0.5",
            ),
        ];
        for (settings, text) in rows {
            assert_eq!(settings.checked().unwrap_err().to_string(), text);
        }
        for value in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
            assert!(Ratio::new("failure_ratio", value).is_err(), "{value}");
        }
    }

    #[test]
    fn a_ratio_is_kept_to_the_thousandth() {
        for n in 0..=1000u32 {
            let ratio = Ratio::new("x", f64::from(n) / 1000.0).unwrap();
            assert_eq!(ratio.thousandths(), n);
        }
        let half = Ratio::new("x", 0.5).unwrap();
        assert!(half.reached(3, 6) && !half.reached(2, 5));
        assert_eq!(half.of(Duration::from_secs(3)), Duration::from_millis(1500));
        assert_eq!(half.of(Duration::MAX), Duration::from_nanos(u64::MAX / 2));
    }
}
