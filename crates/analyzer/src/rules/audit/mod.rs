//! Records that are lost.

mod batches;
pub(super) mod buffer;
pub(super) mod log_buffer;
pub(super) mod telemetry;
