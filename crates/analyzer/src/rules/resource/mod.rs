//! What is opened and must be closed.

mod client;
pub(super) mod pool;
