//! Limits of time, retries, and what depends on several answers.

pub(super) mod all_or_nothing;
pub(super) mod cancel;
pub(super) mod degraded;
