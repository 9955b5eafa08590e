//! A measured number and the bar that it has to meet.

/// What the rounds say: the value in the middle, and the two between which the middle half of them lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Spread {
    pub(super) median: f64,
    pub(super) low: f64,
    pub(super) high: f64,
}

impl Spread {
    /// All 0 without values.
    pub(super) fn of(values: impl IntoIterator<Item = f64>) -> Spread {
        let mut sorted: Vec<f64> = values.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let at = |quarter: usize| {
            let place = (sorted.len() * quarter / 4).min(sorted.len().saturating_sub(1));
            sorted.get(place).copied().unwrap_or_default()
        };
        Spread {
            median: at(2),
            low: at(1),
            high: at(3),
        }
    }

    /// A value that was seen once and can't differ by chance.
    pub(super) fn exact(value: f64) -> Spread {
        Spread {
            median: value,
            low: value,
            high: value,
        }
    }
}

/// What a figure has to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Bar {
    AtMost(f64),
    AtLeast(f64),
    /// Measured for comparison.
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Met,
    /// The median misses the bar, a quarter of the rounds or more meets it.
    WithinNoise,
    /// The median misses the bar, and so do three quarters of the rounds.
    Missed,
    NoBar,
}

pub(super) struct Figure {
    pub(super) what: String,
    pub(super) measured: Spread,
    pub(super) unit: &'static str,
    pub(super) bar: Bar,
}

impl Figure {
    pub(super) fn verdict(&self) -> Verdict {
        let Spread { median, low, high } = self.measured;
        let (middle_meets, best_meets) = match self.bar {
            Bar::AtMost(most) => (median <= most, low <= most),
            Bar::AtLeast(least) => (median >= least, high >= least),
            Bar::None => return Verdict::NoBar,
        };
        match (middle_meets, best_meets) {
            (true, _) => Verdict::Met,
            (false, true) => Verdict::WithinNoise,
            (false, false) => Verdict::Missed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(values: &[f64], bar: Bar) -> Figure {
        Figure {
            what: String::new(),
            measured: Spread::of(values.iter().copied()),
            unit: "",
            bar,
        }
    }

    #[test]
    fn a_bar_is_missed_only_when_three_quarters_of_the_rounds_miss_it() {
        let rows = [
            (
                vec![1.0, 2.0, 3.0, 4.0, 5.0],
                Bar::AtMost(3.0),
                Verdict::Met,
            ),
            (
                vec![1.0, 2.0, 3.0, 4.0, 5.0],
                Bar::AtMost(2.5),
                Verdict::WithinNoise,
            ),
            (
                vec![1.0, 2.0, 3.0, 4.0, 5.0],
                Bar::AtMost(1.5),
                Verdict::Missed,
            ),
            (
                vec![1.0, 2.0, 3.0, 4.0, 5.0],
                Bar::AtLeast(3.5),
                Verdict::WithinNoise,
            ),
            (
                vec![1.0, 2.0, 3.0, 4.0, 5.0],
                Bar::AtLeast(4.5),
                Verdict::Missed,
            ),
            (vec![9.0], Bar::None, Verdict::NoBar),
            (vec![0.0], Bar::AtMost(0.0), Verdict::Met),
        ];
        for (values, bar, expected) in rows {
            assert_eq!(
                figure(&values, bar).verdict(),
                expected,
                "{values:?} {bar:?}"
            );
        }
    }
}
