//! Credentials: how long they live and where they go.

mod arguments;
mod beside;
mod clients;
mod collected;
mod configured;
mod held;
pub(super) mod inherited;
mod kept;
pub(super) mod lease;
pub(super) mod logged;
pub(super) mod not_cleared;
mod origin;
mod parsed;
pub(super) mod source;
mod taken;
