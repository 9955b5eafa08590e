//! What a relay is told to do, already checked.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use dropgate_gate::decision::Principal;
use dropgate_gate::load::Rate;
use dropgate_gate::mode::{Listing, Trust};
use dropgate_gate::sanitize::Sanitizer;
use dropgate_gate::{breaker, shutdown};
use dropgate_policy::Policies;
use dropgate_secrets::Secrets;
use dropgate_wire::Limits;

use crate::log_line::LogSettings;
use crate::orders::Orders;
use crate::reload::Reload;
use crate::reported::ResultSearch;
use crate::telemetry::TelemetrySettings;
use crate::tool_list::PinnedTools;
use crate::tool_rules::ToolRules;

/// The settings of one relay.
pub struct Settings {
    /// What the server is called in the record.
    pub server_name: Arc<str>,
    /// A digest of its command line, in hexadecimal.
    pub command_digest: Box<str>,
    /// On whose behalf calls are made.
    pub principal: Arc<str>,
    /// Deadlines of the shutdown.
    pub shutdown: shutdown::Settings,
    /// Bounds of a message.
    pub limits: Limits,
    /// Bounds of a call.
    pub calls: CallSettings,
    /// What is set for tools, by name.
    pub tools: ToolRules,
    /// When only reading is possible.
    pub read_only: ReadOnlySettings,
    /// When failing tools are left alone.
    pub breaker: breaker::Settings,
    /// What an operator wants, whatever the facts are.
    pub orders: Orders,
    /// Who may call what, and on whose behalf they are asked.
    pub policies: Policies,
    /// Who calls, as policies see it.
    pub caller: Principal,
    /// Whether each decision is explained on stderr.
    pub explain: Explain,
    /// What was pinned of the server's tools; nothing is, without it.
    pub pinned: Option<PinnedTools>,
    /// Reads the configuration again on SIGHUP, which begins the shutdown without it.
    pub reload: Option<Reload>,
    /// What is taken out of error texts.
    pub sanitizer: Arc<Sanitizer>,
    /// Whether results that succeed are searched for credentials.
    pub result_search: ResultSearch,
    /// What the server is given in secret, and what of that has to be ended.
    pub secrets: Rc<Secrets>,
    /// Where calls are recorded; nowhere, without it.
    pub journal: Option<dropgate_journal::Settings>,
    /// How lines of our own are written on stderr, and which.
    pub log: LogSettings,
    /// Where spans and durations of calls go; nowhere, without it.
    pub telemetry: Option<TelemetrySettings>,
    /// What is refused while nothing can be recorded.
    pub on_failure: OnFailure,
    /// Whether the model may ask the journal.
    pub journal_tools: JournalTools,
    /// After how long without a message the server is stopped until the next
    /// one; never, without it.
    pub hibernate_after: Option<Duration>,
}

/// What is refused while nothing can be recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnFailure {
    /// Every call.
    #[default]
    DenyAll,
    /// Calls that may write. Those that only read go on, without a record.
    DenyWrites,
}

/// Whether each decision is explained on stderr, to the operator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Explain {
    /// It is not.
    #[default]
    Off,
    /// It is: who decided, and by which policies.
    On,
}

/// When only reading is possible, and what reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadOnlySettings {
    /// The tool that proves the write path; nothing is probed without it.
    pub probe_tool: Option<Box<str>>,
    /// How often it is called.
    pub every: Option<Duration>,
    /// What `tools/list` shows meanwhile.
    pub listing: Listing,
    /// Whether the server's word on which of its tools only read is believed.
    pub trust: Trust,
}

/// Whether the tools `dropgate_outcome` and `dropgate_retry` are added to the server's own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum JournalTools {
    /// No: every tool costs the model some of its attention.
    #[default]
    Off,
    /// Yes, where a journal is kept.
    Offered,
}

/// Bounds of a call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CallSettings {
    /// How long a call may take.
    pub timeout: Duration,
    /// Progress extends a call, but not past this.
    pub max_timeout: Duration,
    /// How many calls may be in flight.
    pub max_in_flight: u32,
    /// How fast they may begin; as fast as they come, without it.
    pub rate: Option<Rate>,
}

impl Default for CallSettings {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            max_timeout: Duration::from_secs(300),
            max_in_flight: 64,
            rate: None,
        }
    }
}
