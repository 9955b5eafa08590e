//! How long operations took, counted in the steps that the conventions name.

use std::time::Duration;

/// The upper ends of the steps, seconds.
pub(crate) const BOUNDS: [f64; 14] = [
    0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0,
];

/// Counts of durations.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Histogram {
    pub(crate) steps: [u64; BOUNDS.len() + 1],
    pub(crate) sum: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

impl Histogram {
    pub(crate) fn add(&mut self, time: Duration) {
        let seconds = time.as_secs_f64();
        let first = self.count() == 0;
        let step = BOUNDS.partition_point(|bound| *bound < seconds);
        if let Some(count) = self.steps.get_mut(step) {
            *count += 1;
        }
        self.sum += seconds;
        self.least = if first {
            seconds
        } else {
            self.least.min(seconds)
        };
        self.most = self.most.max(seconds);
    }

    pub(crate) fn count(&self) -> u64 {
        self.steps.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_belongs_to_its_own_step() {
        let mut times = Histogram::default();
        for millis in [0, 10, 11, 300_000, 300_001] {
            times.add(Duration::from_millis(millis));
        }
        assert_eq!(times.steps[..2], [2, 1]);
        assert_eq!(times.steps[13..], [1, 1]);
        assert_eq!((times.count(), times.least, times.most), (5, 0.0, 300.001));
    }
}
