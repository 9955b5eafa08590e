//! Every flag, once.

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use dropgate_process::{Containment, Level};

use super::journal::JournalArgs;
use super::values::{self, ToolOnShutdown};

/// Makes MCP servers fail secure and leave nothing behind.
///
/// A host starts `dropgate run -- COMMAND` instead of an MCP server. dropgate
/// owns all processes that the server starts, relays its messages unchanged,
/// and at the end answers every call and leaves no process, even when it is
/// itself killed.
#[derive(Debug, Parser)]
#[command(name = "dropgate", version, max_term_width = 100)]
pub(super) struct Flags {
    #[command(subcommand)]
    pub(super) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Run an MCP server over stdio and leave nothing of it behind
    Run(RunArgs),
    /// Check what a server or a wrapper leaves behind when it ends
    Probe(ProbeArgs),
    /// Find what an MCP server's source does wrong at its end and in its answers
    ///
    /// Exits with 0 if no gate was reached, 1 if one was, 2 if the source could
    /// not be analysed. Nothing of the source is executed or sent anywhere.
    #[cfg(feature = "audit")]
    Audit(Box<super::audit::AuditArgs>),
    /// Say which containment this machine allows, and what stronger ones lack
    Doctor(DoctorArgs),
    /// See what dropgate does: a rude server bare and guarded, its owner killed
    Demo,
    /// End what runs that were killed with their guards left behind
    Reap(ReapArgs),
    /// Verify, show and export the record of calls; say what became of one
    Journal(JournalArgs),
    /// Say whether a configuration file would be taken
    Check(CheckArgs),
    /// Show pinned tools, and accept definitions that changed
    Trust(TrustArgs),
    /// Print the completions of a shell
    Completions(CompletionsArgs),
    /// Print the man page
    Man,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    #[default]
    Text,
    /// For programs; its shape is stable
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Profile {
    /// An MCP host: 10 s after a signal, 3 s once the host is gone
    Host,
    /// A terminal: 10 s
    Shell,
    /// A systemd unit: 25 s
    Systemd,
    /// A pod: 25 s
    Kubernetes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Journal {
    /// Keep no journal
    Off,
}

/// Deadlines, which `run` obeys and `doctor` checks.
#[derive(Args, Debug)]
pub(crate) struct ShutdownArgs {
    /// How long calls may go on after SIGTERM, SIGINT or SIGHUP [default: 10s]
    #[arg(long, value_name = "TIME", value_parser = values::duration)]
    pub(crate) drain: Option<Duration>,
    /// How long everything may take once the host is gone [default: 3s]
    ///
    /// Hosts that use an official SDK send SIGTERM 2 s after they close stdin,
    /// and SIGKILL 2 s later.
    #[arg(long, value_name = "TIME", value_parser = values::duration)]
    pub(crate) eof_deadline: Option<Duration>,
    /// Who ends this process, and so how long that may take [default: host]
    #[arg(long, value_enum)]
    pub(crate) profile: Option<Profile>,
}

#[derive(Args, Debug)]
pub(crate) struct RunArgs {
    /// Read settings from this file [default: dropgate/dropgate.toml where the
    /// user's configuration is, if it is there]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// What the server and its journal are called [default: made from COMMAND]
    #[arg(long, value_name = "NAME", value_parser = values::name)]
    pub(crate) name: Option<String>,
    /// How to hold the server: auto, strict, guard, cgroup, ptrace or pidns
    ///
    /// auto takes the strongest level that a server can not notice, strict the
    /// strongest there is. docs/containment.md says what each level changes.
    #[arg(long, value_name = "LEVEL", default_value_t)]
    pub(crate) containment: Containment,
    /// Refuse to start (exit code 78) below this level
    #[arg(long, value_name = "LEVEL")]
    pub(crate) require_containment: Option<Level>,
    /// Do not watch the process that started this one; go by stdin alone
    #[arg(long)]
    pub(crate) no_host_watch: bool,
    #[command(flatten)]
    pub(crate) shutdown: ShutdownArgs,
    /// What a shutdown does with a tool's calls; TOOL may hold * [repeatable]
    ///
    /// finish waits for them as long as the drain lasts, cancel cancels them at
    /// once. Otherwise a call is cancelled early only when the tool's usual
    /// duration says that it can not finish.
    #[arg(long, value_name = "TOOL=finish|cancel")]
    pub(crate) on_shutdown: Vec<ToolOnShutdown>,
    /// Stop the server after so long without a message; the next one starts it
    ///
    /// The handshake is repeated for it. What the server keeps in memory
    /// between calls is lost, so this is off by default.
    #[arg(long, value_name = "TIME", value_parser = values::duration)]
    pub(crate) hibernate: Option<Duration>,
    /// The longest message in either direction
    #[arg(long, value_name = "SIZE", default_value = "64MiB", value_parser = values::size)]
    pub(crate) max_message: usize,
    /// Write the final report to this file as well
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// Keep no record of calls
    #[arg(long, value_enum, value_name = "off")]
    pub(crate) journal: Option<Journal>,
    /// Start although the journal was changed by others
    ///
    /// What was changed stays as it is and `dropgate journal verify` goes on
    /// telling it; that it was accepted is recorded. A later start needs this
    /// flag only if something else was changed since.
    #[arg(long)]
    pub(crate) accept_damage: bool,
    /// Say on stderr of every call who decided, and by which policies
    #[arg(long)]
    pub(crate) explain: bool,
    /// The server and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}

#[derive(Args, Debug)]
pub(crate) struct ProbeArgs {
    /// Put `dropgate run` before the command
    #[arg(long)]
    pub(crate) guarded: bool,
    /// With --guarded: how to hold the command
    #[arg(long, value_name = "LEVEL", default_value_t, requires = "guarded")]
    pub(crate) containment: Containment,
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
    /// How long processes may take to leave before they count as survivors
    #[arg(long, value_name = "TIME", default_value = "15s", value_parser = values::duration)]
    pub(crate) bound: Duration,
    /// How long the program may take to answer at its start
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = values::duration)]
    pub(crate) start_within: Duration,
    /// How many cells run at once
    #[arg(long, value_name = "N", default_value = "4", value_parser = values::jobs)]
    pub(crate) jobs: NonZeroUsize,
    /// A call of the server's own that takes time, to be in flight at the end
    #[arg(long, num_args = 2, value_names = ["TOOL", "JSON"])]
    pub(crate) call: Vec<String>,
    /// Where the program offers HTTP; {port} in it and in COMMAND is a free port
    #[arg(long, value_name = "URL")]
    pub(crate) http: Option<String>,
    /// The folder to start the program in
    #[arg(long, value_name = "FOLDER")]
    pub(crate) directory: Option<PathBuf>,
    /// Run this scenario only [repeatable]
    #[arg(long, value_name = "NAME")]
    pub(crate) scenario: Vec<String>,
    /// Use this ending only [repeatable]
    #[arg(long, value_name = "NAME")]
    pub(crate) ending: Vec<String>,
    /// A server and its arguments, or a wrapper with {server} where one goes
    ///
    /// For a wrapper dropgate puts servers of its own, most of them rude, in
    /// the place of {server}.
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}

#[derive(Args, Debug)]
pub(crate) struct DoctorArgs {
    /// Look with the settings of this file [default: dropgate/dropgate.toml
    /// where the user's configuration is, if it is there]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) shutdown: ShutdownArgs,
    /// The grace that the orchestrator gives before it kills
    ///
    /// Known without this flag: an MCP host that uses an official SDK (4 s),
    /// systemd (90 s) and Kubernetes (30 s) at their defaults.
    #[arg(long, value_name = "TIME", value_parser = values::duration)]
    pub(crate) grace: Option<Duration>,
    /// What a preStop hook takes of that grace
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = values::duration)]
    pub(crate) pre_stop: Duration,
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
    /// A server and its arguments, to see what it is called
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}

#[derive(Args, Debug)]
pub(crate) struct ReapArgs {
    /// Read settings from this file: where journals are, and which Vault ends
    /// the leases that they name [default: as for run]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Only say what would be ended
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

#[derive(Args, Debug)]
pub(crate) struct TrustArgs {
    /// The server, as `dropgate run` named it; without it, all are listed
    #[arg(value_name = "SERVER")]
    pub(crate) server: Option<String>,
    /// Accept what the server now offers under this name [repeatable]
    #[arg(value_name = "TOOL")]
    pub(crate) tools: Vec<String>,
    /// Accept everything that waits
    #[arg(long, requires = "server", conflicts_with = "tools")]
    pub(crate) all: bool,
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

#[derive(Args, Debug)]
pub(crate) struct CheckArgs {
    /// The configuration file
    #[arg(value_name = "FILE", default_value = "dropgate.toml")]
    pub(crate) file: PathBuf,
    /// Print what can be written into such a file instead
    #[arg(long, value_enum, value_name = "WHAT")]
    pub(crate) print: Option<Print>,
    /// Say whether a call of this tool would be allowed, and by which policies
    ///
    /// Exits with 0 if it would be, 1 if it would be denied. What the tool is
    /// comes from the pins of --server, so that one has to have run before.
    #[arg(
        long,
        value_name = "TOOL",
        requires = "server",
        conflicts_with = "print"
    )]
    pub(crate) explain: Option<String>,
    /// With --explain: the arguments of the call
    #[arg(long, value_name = "JSON", default_value = "{}")]
    pub(crate) arguments: String,
    /// The server whose tools the policies are held against, as `run` names it
    #[arg(long, value_name = "NAME", value_parser = values::name)]
    pub(crate) server: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Print {
    /// The JSON Schema, for editors
    Schema,
    /// Every key and its meaning, in Markdown
    Reference,
}

#[derive(Args, Debug)]
pub(crate) struct CompletionsArgs {
    #[arg(value_enum)]
    pub(crate) shell: Shell,
}
