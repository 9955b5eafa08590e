//! The event loop between a host and an MCP server.
//!
//! Bytes that pass are forwarded unchanged; what may not pass is answered here.
//! The crate carries out what `dropgate-gate` decides and owns two of this
//! process's streams: standard output is [`downstream`]'s, standard error is
//! the log's.
#![forbid(unsafe_code)]

mod admission;
mod assembly;
mod bell;
mod call_id;
mod candidate;
mod chronicle;
mod cleaning;
mod conclusion;
mod deciding;
mod deliveries;
mod docket;
mod downstream;
mod effects;
mod ending;
mod endpoint;
mod first_request;
mod held_answers;
mod hibernation;
mod journal_words;
mod lane;
mod leases;
mod listed_tools;
mod log;
mod log_line;
mod look_ups;
mod notify_socket;
mod orders;
mod own_tools;
mod owned_tree;
mod pump;
mod question;
mod read_only;
mod recall;
mod receipts;
mod recorder;
mod registration;
mod relay;
mod reload;
mod repetition;
mod report;
mod reported;
mod run;
mod settings;
mod settlement;
mod shutdown;
mod signals;
mod strays;
mod surplus;
mod telemetry;
mod timers;
mod tool_list;
mod tool_rules;
mod tree_end;
mod unrecorded;
mod unsent;
mod upstream;
mod waiting_room;
mod words;
mod write_probe;

pub use self::first_request::{Refused, refuse};
pub use self::log_line::{LogFormat, LogLevel, LogSettings};
pub use self::orders::{Order, Orders, Switch};
pub use self::reload::{Reload, Renewed};
pub use self::report::{Calls, LeaseReport, Report, ServerExit, Survivor, TelemetryReport};
pub use self::reported::ResultSearch;
pub use self::run::{Ended, RunError, close, run};
pub use self::settings::{
    CallSettings, Explain, JournalTools, OnFailure, ReadOnlySettings, Settings,
};
pub use self::telemetry::{Propagate, TelemetrySettings, USUAL_QUEUE};
pub use self::tool_list::{KeepsPins, PinnedTools};
pub use self::tool_rules::{OnUnknown, ToolPattern, ToolRule, ToolRules};
