//! The event loop between a host and an MCP server.
//!
//! Bytes that pass are forwarded unchanged; what may not pass is answered here.
//! The crate carries out what `dropgate-gate` decides and owns two of this
//! process's streams: standard output is [`downstream`]'s, standard error is
//! the log's.
#![forbid(unsafe_code)]

mod admission;
mod call_id;
mod downstream;
mod effects;
mod endpoint;
mod hibernation;
mod lane;
mod log;
mod owned_tree;
mod registration;
mod relay;
mod report;
mod run;
mod settings;
mod settlement;
mod shutdown;
mod signals;
mod timers;
mod upstream;
mod words;

pub use self::report::{Calls, Report, ServerExit, Survivor};
pub use self::run::{Ended, RunError, run};
pub use self::settings::{Settings, ToolPattern};
