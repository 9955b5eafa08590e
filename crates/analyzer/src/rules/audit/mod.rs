//! Records that are lost.

pub(super) mod buffer;
pub(super) mod log_buffer;
pub(super) mod telemetry;
