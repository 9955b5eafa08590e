//! Reproducible choice of what a short run plays.

use std::time::{SystemTime, UNIX_EPOCH};

/// A small generator of numbers (xorshift): the same seed gives the same choices.
#[derive(Clone, Debug)]
pub struct Dice {
    seed: u64,
    state: u64,
}

impl Dice {
    /// Seeded by `DROPGATE_WORLD_SEED`, or by the clock.
    #[must_use]
    pub fn from_environment() -> Self {
        let given = std::env::var("DROPGATE_WORLD_SEED")
            .ok()
            .and_then(|text| text.parse().ok());
        Self::new(given.unwrap_or_else(|| {
            SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(1, |since| since.as_secs())
        }))
    }

    /// Seeded by this number.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        Self { seed, state }
    }

    /// What `DROPGATE_WORLD_SEED` must be for the same choices.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Taken about once in `n` times.
    pub fn one_in(&mut self, n: u64) -> Chance {
        if self.below(n) == 0 {
            Chance::Taken
        } else {
            Chance::Passed
        }
    }

    /// A number from 0 to one less than `n`.
    pub fn below(&mut self, n: u64) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state >> 11) % n.max(1)
    }

    /// One of these; nothing of none.
    pub fn pick<'a, T>(&mut self, among: &'a [T]) -> Option<&'a T> {
        let index = self.below(u64::try_from(among.len()).unwrap_or(u64::MAX));
        among.get(usize::try_from(index).unwrap_or(0))
    }
}

/// Whether something is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chance {
    /// It is.
    Taken,
    /// It is not.
    Passed,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_chooses_the_same() {
        let choose = |seed| {
            let mut dice = Dice::new(seed);
            (0..100).map(|_| dice.one_in(3)).collect::<Vec<_>>()
        };
        assert_eq!(choose(7), choose(7));
        assert_ne!(choose(7), choose(8));
        let taken = choose(7)
            .iter()
            .filter(|one| **one == Chance::Taken)
            .count();
        assert!((15..55).contains(&taken), "{taken} of 100 for one in three");
    }
}
