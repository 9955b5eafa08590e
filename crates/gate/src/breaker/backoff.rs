//! The curve of open periods: doubling, capped, spread.

use std::time::Duration;

use super::settings::{Ratio, Settings};

/// How long the next pause lasts; each one is twice the last, up to a limit, and spread by jitter
/// so that many programs that lost the same server don't come back to it at the same moment.
///
/// The random numbers come from the seed alone: the same seed gives the same pauses.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    spread: Ratio,
    random: u64,
    doublings: u32,
}

impl Backoff {
    /// The curve of a breaker with these settings. `seed` should be random.
    #[must_use]
    pub fn new(settings: &Settings, seed: u64) -> Self {
        Self {
            first: settings.open_for,
            longest: settings.max_open_for,
            spread: settings.jitter,
            random: seed,
            doublings: 0,
        }
    }

    /// Pauses that don't grow, spread to both sides.
    pub(crate) fn steady(pause: Duration, spread: Ratio, seed: u64) -> Self {
        Self {
            first: pause,
            longest: pause,
            spread,
            random: seed,
            doublings: 0,
        }
    }

    /// The next pause. It is at most the longest one plus its spread.
    pub fn pause(&mut self) -> Duration {
        let factor = 1u32.checked_shl(self.doublings).unwrap_or(u32::MAX);
        let pause = self.first.saturating_mul(factor).min(self.longest);
        if pause < self.longest {
            self.doublings += 1;
        }
        self.jittered(pause)
    }

    /// Begins again at the first pause.
    pub fn reset(&mut self) {
        self.doublings = 0;
    }

    #[cfg(test)]
    pub(super) fn doublings(&self) -> u32 {
        self.doublings
    }

    fn jittered(&mut self, pause: Duration) -> Duration {
        let spread = self.spread.of(pause);
        let range = u64::try_from(spread.as_nanos().saturating_mul(2)).unwrap_or(u64::MAX);
        let drawn = match range.checked_add(1) {
            // The bias of the remainder is at most one in 2^23 for the longest pause there is.
            Some(range) => self.next_random() % range,
            None => self.next_random(),
        };
        (pause - spread).saturating_add(Duration::from_nanos(drawn))
    }

    /// SplitMix64: passes the usual tests, and is a few instructions.
    fn next_random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let settings = Settings {
            jitter: Ratio::new("jitter", 0.0).unwrap(),
            ..Settings::default()
        };
        let mut backoff = Backoff::new(&settings, 7);
        let seconds: Vec<u64> = (0..7).map(|_| backoff.pause().as_secs()).collect();
        assert_eq!(seconds, [5, 10, 20, 40, 80, 120, 120]);
        for _ in 0..1000 {
            assert_eq!(backoff.pause().as_secs(), 120);
        }
        backoff.reset();
        assert_eq!(backoff.pause().as_secs(), 5);
    }

    #[test]
    fn the_spread_is_used_to_both_sides() {
        let settings = Settings::default();
        let pauses: Vec<Duration> = (0..1000u64)
            .map(|seed| Backoff::new(&settings, seed).pause())
            .collect();
        let ms = Duration::from_millis;
        assert!(pauses.iter().all(|p| (ms(4000)..=ms(6000)).contains(p)));
        let below = pauses.iter().filter(|p| **p < ms(5000)).count();
        assert!((400..600).contains(&below), "{below}");
        assert!(pauses.iter().any(|p| *p < ms(4050)));
        assert!(pauses.iter().any(|p| *p > ms(5950)));
    }

    proptest! {
        #[test]
        fn no_pause_leaves_its_bounds(seed: u64, first in 1u64..3_600_000, times in 1u32..8, count in 1usize..40) {
            let settings = Settings {
                open_for: Duration::from_millis(first),
                max_open_for: Duration::from_millis(first) * times,
                ..Settings::default()
            };
            let mut backoff = Backoff::new(&settings, seed);
            for _ in 0..count {
                let pause = backoff.pause();
                prop_assert!(pause >= settings.open_for * 4 / 5);
                prop_assert!(pause <= settings.max_open_for * 6 / 5);
            }
        }
    }
}
