//! What a server says of its tools.

pub(super) mod annotations;
