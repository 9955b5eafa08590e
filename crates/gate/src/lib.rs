//! The life of a call and of a shutdown as pure values: no I/O, no clock.
