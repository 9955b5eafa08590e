//! Life of the process: signals, end of input, draining, children.

pub(super) mod missing_sigterm;
