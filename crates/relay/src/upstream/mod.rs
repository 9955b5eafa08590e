//! Toward the server.

pub(crate) mod stdio;
