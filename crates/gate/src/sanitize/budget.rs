//! How long one message may be worked on, asked of the caller at bounded steps.

use std::fmt;

use dropgate_wire::edit::Stopped;

/// The longest message that is cleaned, bytes; a longer error or notification is replaced as a whole.
pub const MAX_MESSAGE_BYTES: usize = 16 << 20;
/// How long one message may be worked on: what the caller's closure should measure.
pub const MAX_WORK: std::time::Duration = std::time::Duration::from_millis(250);
/// Bytes of work between two looks at the time. A step takes well under a millisecond.
const STEP: usize = 16 << 10;

/// What the caller's clock says of the message at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Time {
    /// Go on.
    Left,
    /// Stop: the message is replaced as a whole.
    Up,
}

/// Why a message was not cleaned but replaced as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The time was up.
    TimeUp,
    /// It is longer than [`MAX_MESSAGE_BYTES`].
    TooLong,
    /// It could not be taken apart, or a secret stood where it can't be cut out.
    Unreadable,
}

impl Fault {
    /// The name used in records.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::TimeUp => "time_up",
            Self::TooLong => "too_long",
            Self::Unreadable => "unreadable",
        }
    }

    /// What it means that a walk over the scalars of a message came to nothing.
    pub(super) fn of_walk(stopped: Stopped<Self>) -> Self {
        match stopped {
            Stopped::NotJson => Self::Unreadable,
            Stopped::By(fault) => fault,
        }
    }
}

/// The work that is left.
pub(super) struct Budget<'t> {
    time: &'t dyn Fn() -> Time,
    unasked: usize,
}

impl<'t> Budget<'t> {
    /// The first piece of work asks at once.
    pub(super) fn new(time: &'t dyn Fn() -> Time) -> Self {
        Self {
            time,
            unasked: STEP,
        }
    }

    /// Says that so many bytes are about to be looked at.
    pub(super) fn spend(&mut self, bytes: usize) -> Result<(), Fault> {
        self.unasked = self.unasked.saturating_add(bytes);
        if self.unasked < STEP {
            return Ok(());
        }
        self.unasked = 0;
        match (self.time)() {
            Time::Left => Ok(()),
            Time::Up => Err(Fault::TimeUp),
        }
    }
}

impl fmt::Debug for Budget<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Budget({} bytes unasked)", self.unasked)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn time_is_asked_at_the_start_and_then_once_per_step() {
        let asked = Cell::new(0);
        let time = || {
            asked.set(asked.get() + 1);
            if asked.get() > 3 {
                Time::Up
            } else {
                Time::Left
            }
        };
        let mut budget = Budget::new(&time);
        assert_eq!(budget.spend(0), Ok(()));
        assert_eq!(asked.get(), 1);
        for _ in 0..STEP - 1 {
            assert_eq!(budget.spend(1), Ok(()));
        }
        assert_eq!(asked.get(), 1);
        assert_eq!(budget.spend(1), Ok(()));
        assert_eq!(budget.spend(usize::MAX), Ok(()));
        assert_eq!(budget.spend(STEP), Err(Fault::TimeUp));
    }
}
