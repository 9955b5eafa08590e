//! Records that are lost.

mod batches;
pub(super) mod buffer;
mod channels;
mod client;
pub(super) mod log_buffer;
pub(super) mod telemetry;
