//! What is opened and must be closed.

pub(super) mod pool;
