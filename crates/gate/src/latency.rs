//! How long each tool takes, estimated in bounded memory.

use std::collections::HashMap;
use std::time::Duration;

use foldhash::fast::RandomState;

/// The most tools that are remembered; the one unused for longest leaves.
pub const MAX_TOOLS: usize = 256;

/// The longest tool name that is remembered, in bytes. Longer ones have no estimate.
pub const MAX_NAME: usize = 256;

/// The fewest samples that make an estimate.
pub const MIN_SAMPLES: u32 = 20;

/// When a tool has this many samples all counts are halved, so that old calls fade.
const FULL: u32 = 256;

/// Buckets of one octave: an estimate is at most an eighth too high.
const PER_OCTAVE: u32 = 8;

/// Octaves from 8 ms on: the last bucket ends at 2^21 ms, about 35 minutes.
const OCTAVES: u32 = 18;

const BUCKETS: usize = ((OCTAVES + 1) * PER_OCTAVE) as usize;

/// Latency of each tool.
#[derive(Debug, Default)]
pub struct Latencies {
    tools: HashMap<Box<str>, Tool, RandomState>,
    clock: u64,
}

impl Latencies {
    /// No tool is known yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A call of `tool` took `elapsed`.
    pub fn record(&mut self, tool: &str, elapsed: Duration) {
        if tool.len() > MAX_NAME {
            return;
        }
        self.clock += 1;
        if let Some(known) = self.tools.get_mut(tool) {
            known.record(elapsed, self.clock);
            return;
        }
        if self.tools.len() >= MAX_TOOLS {
            self.forget_oldest();
        }
        let mut fresh = Tool::new();
        fresh.record(elapsed, self.clock);
        self.tools.insert(tool.into(), fresh);
    }

    /// The time that 99 of 100 recent calls of `tool` stay under, rounded up by at most an eighth;
    /// none while fewer than [`MIN_SAMPLES`] calls are known.
    #[must_use]
    pub fn p99(&self, tool: &str) -> Option<Duration> {
        self.tools.get(tool)?.p99()
    }

    /// How many tools are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tools.len()
    }

    /// Whether no tool is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tools.is_empty()
    }

    fn forget_oldest(&mut self) {
        let oldest = self
            .tools
            .iter()
            .min_by_key(|(_, tool)| tool.last_used)
            .map(|(name, _)| name.clone());
        if let Some(name) = oldest {
            self.tools.remove(&name);
        }
    }
}

#[derive(Debug)]
struct Tool {
    counts: Box<[u16; BUCKETS]>,
    samples: u32,
    last_used: u64,
}

impl Tool {
    fn new() -> Self {
        Self {
            counts: Box::new([0; BUCKETS]),
            samples: 0,
            last_used: 0,
        }
    }

    fn record(&mut self, elapsed: Duration, now: u64) {
        self.last_used = now;
        if let Some(count) = self.counts.get_mut(bucket(elapsed)) {
            *count += 1;
            self.samples += 1;
        }
        if self.samples >= FULL {
            self.counts.iter_mut().for_each(|count| *count /= 2);
            self.samples = self.counts.iter().map(|&count| u32::from(count)).sum();
        }
    }

    fn p99(&self) -> Option<Duration> {
        if self.samples < MIN_SAMPLES {
            return None;
        }
        let rank = (self.samples * 99).div_ceil(100);
        let mut seen = 0;
        let last = self.counts.iter().position(|&count| {
            seen += u32::from(count);
            seen >= rank
        })?;
        Some(upper_bound(last))
    }
}

/// The bucket of a duration: one each for 0 to 7 ms, then eight for every octave.
fn bucket(elapsed: Duration) -> usize {
    let begun = u64::from(elapsed.subsec_nanos().div_ceil(1_000_000));
    let ms = elapsed.as_secs().saturating_mul(1000).saturating_add(begun);
    let ms = u32::try_from(ms).unwrap_or(u32::MAX);
    if ms < PER_OCTAVE {
        return ms as usize;
    }
    let octave = ms.ilog2() - 3;
    let index = (octave + 1) * PER_OCTAVE + (ms >> octave) - PER_OCTAVE;
    (index as usize).min(BUCKETS - 1)
}

/// The longest duration that falls into a bucket, in whole milliseconds.
fn upper_bound(index: usize) -> Duration {
    let index = index as u64;
    let per_octave = u64::from(PER_OCTAVE);
    if index < per_octave {
        return Duration::from_millis(index);
    }
    let octave = index / per_octave - 1;
    let step = index % per_octave + per_octave;
    Duration::from_millis(((step + 1) << octave) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn under_twenty_samples_there_is_no_estimate() {
        let mut latencies = Latencies::new();
        for _ in 1..MIN_SAMPLES {
            latencies.record("read", ms(5));
            assert_eq!(latencies.p99("read"), None);
        }
        latencies.record("read", ms(5));
        assert_eq!(latencies.p99("read"), Some(ms(5)));
        assert_eq!(latencies.p99("write"), None);
    }

    #[test]
    fn old_calls_fade() {
        let mut latencies = Latencies::new();
        for _ in 0..FULL {
            latencies.record("build", ms(60_000));
        }
        assert!(latencies.p99("build").unwrap() >= ms(60_000));
        for _ in 0..20 * FULL {
            latencies.record("build", ms(4));
        }
        assert_eq!(latencies.p99("build"), Some(ms(4)));
    }

    #[test]
    fn one_slow_call_in_two_hundred_is_not_the_p99() {
        let mut latencies = Latencies::new();
        latencies.record("read", ms(60_000));
        for _ in 0..200 {
            latencies.record("read", ms(4));
        }
        assert_eq!(latencies.p99("read"), Some(ms(4)));
    }

    #[test]
    fn the_tool_unused_for_longest_leaves() {
        let mut latencies = Latencies::new();
        for number in 0..MAX_TOOLS {
            for _ in 0..MIN_SAMPLES {
                latencies.record(&format!("tool{number}"), ms(1));
            }
        }
        latencies.record("tool0", ms(1));
        latencies.record("one too many", ms(1));
        assert_eq!(latencies.len(), MAX_TOOLS);
        assert!(latencies.p99("tool0").is_some());
        assert!(latencies.p99("tool1").is_none());
        assert!(latencies.p99("tool2").is_some());
    }

    #[test]
    fn a_name_over_the_limit_is_not_remembered() {
        let mut latencies = Latencies::new();
        latencies.record(&"x".repeat(MAX_NAME + 1), ms(1));
        assert!(latencies.is_empty());
        latencies.record(&"x".repeat(MAX_NAME), ms(1));
        assert_eq!(latencies.len(), 1);
    }

    #[test]
    fn the_longest_durations_share_the_last_bucket() {
        assert_eq!(bucket(Duration::MAX), BUCKETS - 1);
        assert_eq!(upper_bound(BUCKETS - 1), ms((1 << 21) - 1));
    }

    proptest! {
        #[test]
        fn a_bucket_holds_its_value_within_an_eighth(value in 0u64..(1 << 21)) {
            let bound = upper_bound(bucket(ms(value)));
            prop_assert!(bound >= ms(value));
            prop_assert!(bound <= ms(value + value / 8));
        }

        #[test]
        fn the_estimate_is_never_below_the_real_p99(values in prop::collection::vec(0u64..100_000, 20..250)) {
            let mut latencies = Latencies::new();
            values.iter().for_each(|&value| latencies.record("tool", ms(value)));
            let mut sorted = values.clone();
            sorted.sort_unstable();
            let real = sorted[(sorted.len() * 99).div_ceil(100) - 1];
            let estimate = latencies.p99("tool").unwrap();
            prop_assert!(estimate >= ms(real) && estimate <= ms(real + real / 8));
        }
    }
}
