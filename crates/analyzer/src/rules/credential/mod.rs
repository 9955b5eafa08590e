//! Credentials: how long they live and where they go.

mod arguments;
mod configured;
pub(super) mod inherited;
pub(super) mod lease;
pub(super) mod logged;
pub(super) mod not_cleared;
pub(super) mod source;
