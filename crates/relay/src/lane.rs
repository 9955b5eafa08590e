//! One direction of the relay: lines are read into a buffer, judged there, and
//! written from there. What passes is never copied.

mod intake;
mod outlet;
#[cfg(test)]
mod tests;

pub(crate) use self::intake::{Intake, Regard};
pub(crate) use self::outlet::{Outflow, Outlet};

/// Something that has to be recorded first. Later ones are greater, and are never released before
/// earlier ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Hold(pub(crate) u64);

impl Hold {
    /// Nothing: it is released from the beginning.
    pub(crate) const NONE: Self = Self(0);

    /// The one after this.
    pub(crate) fn next(self) -> Self {
        Self(self.0 + 1)
    }
}
