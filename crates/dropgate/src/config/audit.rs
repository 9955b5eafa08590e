//! `[audit]`: how source is judged. The run of a server uses none of it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

/// `[audit]`
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Audit {
    /// The sources that are read, by globs like those of .gitignore. Default: all.
    pub(crate) include: Vec<String>,
    /// Files that are left out, by globs like those of .gitignore, beside those of `--exclude`.
    pub(crate) exclude: Vec<String>,
    /// What ends with exit code 1: `high`, `medium`, `low`, or a grade below `grade=A` to `grade=D`.
    /// `--fail-on` replaces it. Default: nothing.
    pub(crate) fail_on: Vec<Gate>,
    /// Accept a folder without sources or without an MCP server. Default: false.
    pub(crate) allow_empty: Option<bool>,
    /// The file of known findings, relative to this file.
    pub(crate) baseline: Option<PathBuf>,
    /// Files of further rules as ast-grep writes them, relative to this file.
    pub(crate) rules: Vec<PathBuf>,
    /// The severity of a rule by its id or name: `off`, `info`, `low`, `medium` or `high`.
    pub(crate) severity: BTreeMap<String, Weight>,
    /// The files that start the server, relative to the source; what is served from elsewhere is
    /// not judged as a server. Default: all that serves.
    pub(crate) entry: Vec<String>,
    /// The transport that the server is started with, where the source has several: `stdio` or
    /// `http`. Default: each is judged.
    pub(crate) transport: Option<Transport>,
    /// Packages whose code is taken to do well what could not be read, for example `@upstash/*`:
    /// findings that are unknown because of them are not told.
    pub(crate) trust: Vec<String>,
    /// Words in names, beside those that dropgate knows.
    pub(crate) names: Names,
    /// What files are, by globs like those of .gitignore: `runtime`, `install` or `tests`. Of globs
    /// that match, the longest wins.
    pub(crate) surface: BTreeMap<String, Surface>,
}

/// `[audit.names]`: words in names, beside those that dropgate knows. `grant` is in `grantRead`,
/// `grant_read` and `GRANT`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Names {
    /// Of functions that decide on access.
    pub(crate) access: Vec<String>,
    /// Of what collects audit records.
    pub(crate) audit: Vec<String>,
    /// Of variables that hold a credential.
    pub(crate) credential: Vec<String>,
}

/// What a server talks over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Transport {
    /// Standard input and output.
    Stdio,
    /// HTTP in any form.
    Http,
}

/// What ends with exit code 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub(crate) enum Gate {
    /// A high finding.
    #[serde(rename = "high")]
    High,
    /// A medium finding or worse.
    #[serde(rename = "medium")]
    Medium,
    /// A low finding or worse.
    #[serde(rename = "low")]
    Low,
    /// A grade below A.
    #[serde(rename = "grade=A")]
    GradeA,
    /// A grade below B.
    #[serde(rename = "grade=B")]
    GradeB,
    /// A grade below C.
    #[serde(rename = "grade=C")]
    GradeC,
    /// A grade below D.
    #[serde(rename = "grade=D")]
    GradeD,
}

/// How bad the findings of a rule are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Weight {
    /// They are not told.
    Off,
    /// Worth knowing; costs nothing.
    Info,
    /// A habit that hurts later.
    Low,
    /// Hurts in a case that will come.
    Medium,
    /// Loses work, leaks or permits.
    High,
}

/// What kind of code a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Surface {
    /// Runs with the server.
    Runtime,
    /// Runs at installation or by hand; counts half.
    Install,
    /// Runs in tests and examples; counts nothing.
    Tests,
}
