//! The flags of `audit`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use dropgate_analyzer::gate::Gate;

use super::values;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum AuditFormat {
    /// For people: each finding with the lines it is about
    #[default]
    Text,
    /// For programs; its shape is stable
    Json,
    /// SARIF 2.1.0, for code hosts and editors
    Sarif,
    /// One page for a browser, with filters by rule and severity
    Html,
    /// Annotations in the log of a GitHub workflow
    Github,
    /// A report of code quality for GitLab
    Gitlab,
    /// A report of tests, which most servers for CI can show
    Junit,
    /// A badge, as the endpoint of shields.io takes it
    Badge,
    /// A badge, drawn
    BadgeSvg,
}

#[derive(Args, Debug)]
pub(crate) struct AuditArgs {
    /// The folder of a server's package, or one file
    #[arg(value_name = "PATH", default_value = ".")]
    pub(crate) path: PathBuf,
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: AuditFormat,
    /// Exit with 1 at findings of this severity or a higher one, or below this
    /// grade: high, medium, low or grade=B [repeatable]
    ///
    /// Findings in tests and examples and those that are not known for sure
    /// never count. Without this flag the exit code is 0 whatever was found.
    #[arg(long, value_name = "GATE")]
    pub(crate) fail_on: Vec<Gate>,
    /// Accept a folder without sources or without an MCP server
    #[arg(long)]
    pub(crate) allow_empty: bool,
    /// Leave these files out, by a glob like those of .gitignore [repeatable]
    #[arg(long, value_name = "GLOB")]
    pub(crate) exclude: Vec<String>,
    /// Read the table [audit] of this file; without it, of dropgate.toml in the
    /// folder where you are, if it is there
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Add the rules of this file, as ast-grep writes them [repeatable]
    #[arg(long, value_name = "FILE")]
    pub(crate) rules: Vec<PathBuf>,
    /// Tell only findings on lines that changed since HEAD and this commit parted
    #[arg(long, value_name = "REF", conflicts_with = "write_baseline")]
    pub(crate) diff_base: Option<String>,
    /// Mend in the files what can be mended in its place, then tell the rest
    #[arg(long, conflicts_with = "write_baseline")]
    pub(crate) fix: bool,
    /// Run the server with the command after --, and settle by that what a run
    /// can settle; PATH is its package then
    #[arg(long, requires = "probe_command", conflicts_with_all = ["fix", "write_baseline"])]
    pub(crate) probe: bool,
    /// A call that takes time and harms nothing, for findings about calls in
    /// flight
    #[arg(long, value_names = ["TOOL", "JSON"], num_args = 2, requires = "probe")]
    pub(crate) probe_call: Vec<String>,
    /// How long the server may take to leave before it counts as one that stays
    #[arg(long, value_name = "TIME", default_value = "15s", value_parser = values::duration, requires = "probe")]
    pub(crate) probe_bound: Duration,
    #[arg(last = true, value_name = "CMD", requires = "probe")]
    pub(crate) probe_command: Vec<OsString>,
    /// Count what comments in the source accept as well
    ///
    /// For the code of strangers, whose comments need not be believed.
    #[arg(long)]
    pub(crate) no_suppressions: bool,
    /// Take findings that this file knows as accepted; it is made by --write-baseline
    #[arg(long, value_name = "FILE")]
    pub(crate) baseline: Option<PathBuf>,
    /// Write what is found into the file of --baseline, instead of printing it
    #[arg(long)]
    pub(crate) write_baseline: bool,
    /// Explain a rule, with code that has the fault and code that has it not
    #[arg(long, value_name = "RULE")]
    pub(crate) explain: Option<String>,
    /// Explain how the score is made
    #[arg(long)]
    pub(crate) explain_score: bool,
    /// List all rules
    #[arg(long)]
    pub(crate) list_rules: bool,
    /// Print the JSON Schema of what --format json writes
    #[arg(long)]
    pub(crate) schema: bool,
}
