//! What the analyser has to say about a place in the source.

mod ground;

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::facts::Name;
use crate::probed::Word;

pub use ground::{Blocked, Followed, Ground, Trusted};

/// A fault at a place.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Finding {
    /// The rule: `LIFE-001`; of user rules their own name.
    pub rule: Cow<'static, str>,
    /// The rule in words: `missing-sigterm-handler`.
    pub name: Cow<'static, str>,
    /// How bad it is.
    pub severity: Severity,
    /// How sure it is.
    pub confidence: Confidence,
    /// Why it is that sure: what was followed whole, what had to be trusted, or what stood in the way.
    pub because: &'static str,
    /// What kind of code it is in.
    pub surface: Surface,
    /// The file, relative to the root of the analysis.
    #[serde(serialize_with = "text")]
    #[schemars(with = "String")]
    pub file: Name,
    /// First line, from 1.
    pub line: u32,
    /// Last line.
    pub end_line: u32,
    /// What is wrong here, with the names of the source.
    pub message: String,
    /// What to do.
    pub fix: Cow<'static, str>,
    /// Stays the same when lines move: made from rule, symbol and the text of the line.
    pub fingerprint: String,
    /// How it comes about: the places on the way, in order.
    #[serde(rename = "flow")]
    pub related: Vec<Related>,
    /// The function that it is in, by name; empty at the top of a file.
    pub symbol: String,
    /// The import whose code would be needed to be sure; with [`Confidence::Unknown`] only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocked_by: Option<String>,
    /// What a run of the server said of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probe: Option<Word>,
    /// Bytes of the place, for excerpts and fixes.
    #[serde(skip)]
    pub bytes: (u32, u32),
}

/// A place on the way to a finding.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Related {
    /// The file.
    #[serde(serialize_with = "text")]
    #[schemars(with = "String")]
    pub file: Name,
    /// The line, from 1.
    pub line: u32,
    /// What happens there.
    pub message: String,
}

/// How bad a finding is; the order is that of weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; costs nothing.
    Info,
    /// A habit that hurts later.
    Low,
    /// Hurts in a case that will come.
    Medium,
    /// Loses work, leaks or permits.
    High,
}

/// How sure a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// Something stood in the way, such as code that was not there to be read; never counts.
    Unknown,
    /// The flow was read, but something on it had to be trusted.
    Likely,
    /// Every step was seen in source, or stands in a reviewed row of the vocabulary.
    Proved,
}

/// What kind of code a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Surface {
    /// Runs with the server.
    Runtime,
    /// Runs at installation or by hand.
    Install,
    /// Runs in tests and examples.
    Tests,
}

impl Severity {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

impl std::fmt::Display for Severity {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(self.word())
    }
}

impl Surface {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Runtime => "runtime",
            Self::Install => "install",
            Self::Tests => "tests",
        }
    }
}

impl Confidence {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Likely => "likely",
            Self::Proved => "proved",
        }
    }
}

/// What a finding is known by when lines move: rule, file, function, and the text of its line without blanks.
/// `count` tells apart those that have all in common, from 1.
pub fn fingerprint(rule: &str, path: &str, symbol: &str, line: &str, count: u32) -> String {
    let normal: String = line.split_whitespace().collect();
    let digest = Sha256::digest(format!("{rule}\n{path}\n{symbol}\n{normal}\n{count}"));
    digest
        .iter()
        .take(12)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn text<S: serde::Serializer>(name: &Name, out: S) -> Result<S::Ok, S::Error> {
    out.serialize_str(name)
}
