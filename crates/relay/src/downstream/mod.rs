//! Toward the host.

pub(crate) mod stdio;
