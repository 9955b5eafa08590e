//! What callers learn of failures: ERR-001, ERR-002, ERR-004.

mod again;
mod answers;
mod arguments;
mod behind;
mod caught;
mod debug;
mod escape;
mod expected;
mod flow;
mod http;
mod masked;
mod memo;
pub(super) mod message_to_caller;
mod names;
mod own;
mod parts;
mod refused;
mod results;
mod rising;
pub(super) mod stack_to_caller;
pub(super) mod success;
pub(super) mod swallowed;
