//! What may run when the write path is down.

mod class;

pub use class::Class;
