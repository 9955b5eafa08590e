//! Standard streams and signal contexts.

pub(super) mod defer_skipped;
pub(super) mod rejection;
pub(super) mod signal_work;
