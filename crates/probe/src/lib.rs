//! Black-box lifecycle checks of MCP servers and wrappers.
//!
//! A probe starts a command again and again, each time in another [scenario](servers::SCENARIOS),
//! ends it in each of several [ways](Ending), and looks at what is left of its processes and at
//! what reached the caller of a call that was in flight. What it starts it owns, and ends for sure.

#![forbid(unsafe_code)]

pub mod servers;

mod cell;
mod client;
mod ending;
mod findings;
mod grid;
mod listed;
mod options;
mod place;
mod port;
mod quote;
mod refusal;
mod run;
mod subject;
mod table;
mod target;

pub use self::client::{Address, NotAnAddress};
pub use self::ending::Ending;
pub use self::findings::{CallState, Caller, Cell, Findings, Summary, Survivor};
pub use self::options::{Call, Guarding, NotACall, Options};
pub use self::refusal::{NotProbed, Why};
pub use self::run::{Progress, probe};
pub use self::servers::host::{HOST_ENTRY, run_host};
pub use self::table::table;
pub use self::target::{PORT_PLACE, SERVER_PLACE, Target};
