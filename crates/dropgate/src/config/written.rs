//! The shape of the file. Its comments are the reference that users read.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use super::audit::Audit;
use super::secrets::{SecretWritten, VaultWritten};
use super::{Size, SomeTime, Time, ToolClass, Tools};

/// Settings of dropgate. Flags of the command line outweigh them.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    /// How long a shutdown may take.
    pub(crate) shutdown: Shutdown,
    /// What holds for every call.
    pub(crate) calls: Calls,
    /// Settings by tool: `[tools."PATTERN"]`, in which `*` stands for any characters. Of patterns
    /// that match, the one with the most other characters wins.
    pub(crate) tools: Tools,
    /// Who may call what. Without it, the local user may call everything.
    pub(crate) authorize: Option<Authorize>,
    /// When calls of a failing tool or server are no longer sent.
    pub(crate) breaker: Breaker,
    /// When only reading is possible.
    pub(crate) read_only: Option<ReadOnly>,
    /// The durable record of calls.
    pub(crate) journal: Journal,
    /// What is taken out of error texts.
    pub(crate) sanitize: Sanitize,
    /// What dropgate says on stderr.
    pub(crate) log: Log,
    /// Where spans and durations of calls go.
    pub(crate) telemetry: Option<Telemetry>,
    /// How `dropgate audit` judges source.
    pub(crate) audit: Audit,
    /// Secrets of the server: `[secrets.NAME]`, with exactly one source each.
    pub(crate) secrets: BTreeMap<String, SecretWritten>,
    /// The HashiCorp Vault or OpenBao that some of them come from.
    pub(crate) vault: Option<VaultWritten>,
}

/// `[shutdown]`
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Shutdown {
    /// How long calls may go on after a signal, while the host still listens. Default: 10s.
    pub(crate) drain: Option<Time>,
    /// How long everything may take after the host is gone. Default: 3s.
    pub(crate) eof_deadline: Option<Time>,
    /// Who ends dropgate, and so how long that may take. Default: host.
    pub(crate) profile: Option<Profile>,
}

/// Who ends dropgate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Profile {
    /// An MCP host: 10 s after a signal, 3 s once the host is gone.
    Host,
    /// A terminal: 10 s.
    Shell,
    /// A systemd unit: 25 s.
    Systemd,
    /// A pod: 25 s.
    Kubernetes,
}

/// `[calls]`
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Calls {
    /// How long a call may take. Default: 30s.
    pub(crate) timeout: Option<SomeTime>,
    /// Progress extends a call, but not past this. Default: 5m.
    pub(crate) max_timeout: Option<SomeTime>,
    /// How many calls may be in flight at once, from 1 to 1024; more are shed. Default: 64.
    #[schemars(range(min = 1, max = 1024))]
    pub(crate) max_in_flight: Option<u16>,
    /// How many calls a second may begin; more are shed. Default: no limit.
    #[schemars(range(min = 1))]
    pub(crate) max_per_second: Option<u32>,
}

/// What holds for every tool, beside the tables by pattern.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct AllTools {
    /// What a changed definition of a tool means. Default: warn.
    pub(crate) pin: Option<Pin>,
    /// Believe a server's own word on which of its tools only read. Default: false.
    pub(crate) danger_trust_annotations: Option<bool>,
}

/// What a changed definition of a tool means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Pin {
    /// Nothing.
    Off,
    /// It is journalled and told on stderr.
    Warn,
    /// Calls of the tool are denied until `dropgate trust` accepts it.
    Enforce,
}

/// `[tools."PATTERN"]`
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ToolWritten {
    /// What the tools do to the world. Default: write.
    pub(crate) class: Option<ToolClass>,
    /// How long a call may take. Default: that of `[calls]`.
    pub(crate) timeout: Option<SomeTime>,
    /// What a shutdown does with their calls. Default: cancels those that usually take too long.
    pub(crate) on_shutdown: Option<OnShutdown>,
    /// The argument that holds a key: calls with the same key are one call.
    pub(crate) idempotency_key_argument: Option<String>,
    /// What to do with a call that repeats one whose fate is unknown: `refuse`, `retry`, or
    /// `reconcile:TOOL` to name a tool that tells. Default: refuse.
    pub(crate) on_unknown: Option<OnUnknown>,
    /// Texts of 3 to 256 bytes. An error of the tools that holds one of them counts as a failure for
    /// their breaker, as other errors that a tool reports do not. Default: none.
    pub(crate) failure_texts: Option<Vec<String>>,
}

/// What a shutdown does with calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OnShutdown {
    /// Waits for them as long as the drain lasts.
    Finish,
    /// Cancels them at once.
    Cancel,
}

/// What becomes of a call that repeats one whose fate is unknown.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) enum OnUnknown {
    /// It is not sent.
    Refuse,
    /// It is sent.
    Retry,
    /// It is not sent, and this tool tells what the first one did.
    Reconcile(String),
}

impl TryFrom<String> for OnUnknown {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match (text.as_str(), text.strip_prefix("reconcile:")) {
            ("refuse", _) => Ok(Self::Refuse),
            ("retry", _) => Ok(Self::Retry),
            (_, Some(tool)) if !tool.is_empty() => Ok(Self::Reconcile(tool.to_owned())),
            (_, Some(_) | None) => Err("on_unknown: write refuse, retry or reconcile:TOOL"),
        }
    }
}

impl JsonSchema for OnUnknown {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "OnUnknown".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": r"^(refuse|retry|reconcile:.+)$",
        })
    }
}

/// `[authorize]`
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Authorize {
    /// Files of Cedar policies, relative to this file; the last part may hold `*`.
    pub(crate) cedar: Vec<String>,
    /// Who calls, as policies see it. Default: local.
    pub(crate) principal: Option<String>,
    /// A decision point that has to permit as well.
    pub(crate) authzen: Option<Authzen>,
}

/// `[authorize.authzen]`
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Authzen {
    /// Where to ask: an AuthZEN 1.0 evaluation endpoint.
    pub(crate) url: String,
    /// How long an answer may take, 2s at most. Default: 2s.
    #[serde(default)]
    pub(crate) timeout: Option<SomeTime>,
}

/// `[breaker]`
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Breaker {
    /// How many failures in a row open it. Default: 5.
    #[schemars(range(min = 1, max = 1000))]
    pub(crate) failures: Option<u32>,
    /// Which share of failures in the window opens it, from 0.05 to 1. Default: 0.5.
    pub(crate) failure_ratio: Option<f64>,
    /// How far back failures count. Default: 30s.
    pub(crate) window: Option<Time>,
    /// How long it stays open the first time; each time in a row doubles it. Default: 5s.
    pub(crate) open_for: Option<Time>,
    /// An operator's order to the breaker of the server. Default: auto.
    pub(crate) server: Option<BreakerOrder>,
    /// An operator's orders to the breakers of tools, by their exact names: at most 256.
    /// Default: auto for each.
    pub(crate) tools: BTreeMap<String, BreakerOrder>,
    /// How long an order of `closed` holds, 10ms at least. Default: 10m.
    pub(crate) closed_for: Option<Time>,
}

/// An operator's order to a breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum BreakerOrder {
    /// Work by itself.
    Auto,
    /// Reject every call.
    Open,
    /// Admit every call for a while, then work by itself.
    Closed,
    /// Admit every call.
    Off,
}

/// `[read_only]`
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ReadOnly {
    /// A tool that changes nothing, takes no arguments, and succeeds only while writing works.
    /// Default: nothing is probed, and only breakers tell.
    pub(crate) probe_tool: Option<String>,
    /// Within which time a broken write path is noticed, 100ms at least: the tool is called a
    /// little more often. Default: 15s.
    pub(crate) every: Option<SomeTime>,
    /// What `tools/list` shows meanwhile. Default: refuse, which shows all.
    pub(crate) mode: Option<Listing>,
    /// An operator's switch: with `on` calls that write are refused, whatever the probe and the
    /// breakers say. Default: auto.
    pub(crate) switch: Option<Switch>,
}

/// An operator's switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Switch {
    /// The facts decide.
    Auto,
    /// Only reading is possible.
    On,
}

/// What `tools/list` shows while only reading is possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Listing {
    /// All tools; calls of those that write are refused.
    Refuse,
    /// The tools that read.
    Hide,
}

/// `[journal]`
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Journal {
    /// The folder that holds the journals, one folder in it a server; relative to this file.
    /// Default: `$XDG_STATE_HOME/dropgate/journal`.
    #[serde(deserialize_with = "super::quantities::some_path")]
    pub(crate) dir: Option<PathBuf>,
    /// Offer the model the tools `dropgate_outcome` and `dropgate_retry`. Default: false.
    pub(crate) tools: Option<bool>,
    /// How long records are kept. Default: 30d.
    pub(crate) keep: Option<Time>,
    /// How large a server's journal may grow. Default: 1GiB.
    pub(crate) max_size: Option<Size>,
    /// Paths of arguments whose values stand in the records as they are, such as `/path` or
    /// `/files/0/name` (JSON pointers), at most 64; of a call up to 4 KiB, and nothing that looks like
    /// a credential. Default: none, and records hold hashes only.
    pub(crate) clear: Vec<String>,
    /// What is refused while nothing can be recorded. With `deny_writes` calls that only read go
    /// on without a record; stderr says so, and the report counts them. Default: deny_all.
    pub(crate) on_failure: Option<OnFailure>,
    /// Keep no journal. Default: false.
    pub(crate) danger_off: Option<bool>,
    /// A copy of the records in another place.
    pub(crate) copy: Option<JournalCopy>,
}

/// `[journal.copy]`
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct JournalCopy {
    /// The folder of the copies, on another disk or machine, one folder in it a server; relative to
    /// this file. It must be there, or the copy counts as away.
    pub(crate) dir: PathBuf,
    /// What has to have a record before a call is sent or answered: `all`, the journal and its copy,
    /// or `any`, the journal alone, and the copy follows. Default: all.
    #[serde(default)]
    pub(crate) require: Option<Require>,
    /// After which time a copy that takes nothing counts as away, 2s at most. Default: 1s.
    #[serde(default)]
    pub(crate) timeout: Option<SomeTime>,
}

/// What has to have a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Require {
    /// The journal and its copy.
    All,
    /// The journal.
    Any,
}

/// What is refused while nothing can be recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OnFailure {
    /// Every call.
    DenyAll,
    /// Calls of tools that write.
    DenyWrites,
}

/// `[log]`
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Log {
    /// How dropgate's own lines are written while the server runs; the report is always text, and
    /// the server's lines pass as they are. Default: text.
    pub(crate) format: Option<LogFormat>,
    /// Which of its lines are written; the report always is. Default: info.
    pub(crate) level: Option<LogLevel>,
}

/// How lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LogFormat {
    /// `dropgate: ` and the text.
    Text,
    /// One JSON object a line, with `ts`, `level` and `message`.
    Json,
}

/// Which lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LogLevel {
    /// What is not as it should be.
    Warn,
    /// And what happens to the run.
    Info,
    /// And what becomes of each call, without arguments and results.
    Debug,
}

/// `[telemetry]`
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Telemetry {
    /// The collector: `http://HOST:PORT` or `https://HOST:PORT`. It gets OTLP over HTTP, as JSON, at
    /// `v1/traces` and `v1/metrics` below that.
    pub(crate) otlp: String,
    /// Certificates to believe over https (PEM), relative to this file. Default: the system's.
    pub(crate) ca_file: Option<PathBuf>,
    /// By which name the collector knows dropgate. Default: dropgate.
    pub(crate) service_name: Option<String>,
    /// Tell the server of the trace, in `_meta` of its requests, which are otherwise the bytes that
    /// came. Default: true.
    pub(crate) propagate: Option<bool>,
    /// Keys of W3C baggage that go on to the server; the rest is taken out. Default: none.
    #[serde(default)]
    pub(crate) baggage: Vec<String>,
    /// How many calls may wait to be sent, from 1 to 65536; what is told of others is lost, which the
    /// report counts. Default: 2048.
    #[schemars(range(min = 1, max = 65536))]
    pub(crate) queue: Option<u32>,
}

/// `[sanitize]`
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Sanitize {
    /// How much is taken out. Default: standard.
    pub(crate) profile: Option<SanitizeProfile>,
    /// What is done about results that succeed and hold what looks like a credential: with `report`
    /// the journal and stderr say so, and they pass unchanged. Searching them takes time. Default:
    /// off.
    pub(crate) results: Option<ResultsWritten>,
}

/// What is done about what looks like a credential in a result that succeeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ResultsWritten {
    /// Nothing; they are not searched.
    Off,
    /// It is reported.
    Report,
}

/// How much is taken out of error texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SanitizeProfile {
    /// Stacks, paths, SQL, addresses, secrets.
    Standard,
    /// Versions as well.
    Strict,
}
