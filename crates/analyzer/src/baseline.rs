//! Findings that were there before: kept in a file by fingerprint, so that a gate sees new ones only.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::analysis::Analysis;
use crate::bounded;
use crate::facts::Name;
use crate::finding::{Finding, fingerprint};
use crate::suppress::{Suppressed, Suppression};

/// The largest file that is read, bytes.
pub const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// The only shape of the file there is.
const VERSION: u32 = 1;

/// Most files that are there no more and are looked through for one finding.
const MAX_RENAMED: usize = 64;

/// Most findings with the same rule, function and text of the line that are known in a renamed file.
const MAX_ALIKE: u32 = 4;

/// Known findings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    version: u32,
    findings: Vec<Entry>,
}

/// A known finding. Only the fingerprint tells it from others; the rest is for readers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Where it was.
    pub file: String,
    /// Of which rule.
    pub rule: String,
    /// In which function.
    pub symbol: String,
    /// What was said.
    pub message: String,
    /// Stays the same when lines move.
    pub fingerprint: String,
}

/// Why a file is no baseline.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// It can't be read.
    #[error("can't read the baseline {path}: {source}; write one with --write-baseline")]
    Unreadable {
        /// The file.
        path: String,
        /// The system's complaint.
        source: std::io::Error,
    },
    /// It is larger than [`MAX_BYTES`].
    #[error("the baseline {path} is larger than 64 MiB; write it anew with --write-baseline")]
    TooLarge {
        /// The file.
        path: String,
    },
    /// It is something else, or damaged.
    #[error("{path} is no baseline: {why}; write it anew with --write-baseline")]
    Wrong {
        /// The file.
        path: String,
        /// What is wrong with it.
        why: String,
    },
}

impl Baseline {
    /// All open findings of an analysis.
    pub fn of(analysis: &Analysis) -> Self {
        let mut findings: Vec<Entry> = analysis.findings.iter().map(entry).collect();
        findings.sort();
        Self {
            version: VERSION,
            findings,
        }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// When it can't be read, is too large, or is no baseline.
    pub fn read(path: &Path) -> Result<Self, BaselineError> {
        let name = || path.display().to_string();
        let unreadable = |source| BaselineError::Unreadable {
            path: name(),
            source,
        };
        let text = bounded::read(path, MAX_BYTES)
            .map_err(unreadable)?
            .ok_or_else(|| BaselineError::TooLarge { path: name() })?;
        let wrong = |why: String| BaselineError::Wrong { path: name(), why };
        let baseline: Self =
            serde_json::from_slice(&text).map_err(|error| wrong(error.to_string()))?;
        if baseline.version != VERSION {
            return Err(wrong(format!(
                "its version is {}, known is {VERSION}",
                baseline.version
            )));
        }
        Ok(baseline)
    }

    /// The text of the file: one finding a line, in a fixed order, so that changes of it are read easily.
    pub fn text(&self) -> String {
        let lines: Vec<String> = self
            .findings
            .iter()
            .filter_map(|entry| serde_json::to_string(entry).ok())
            .collect();
        format!(
            "{{\"version\":{VERSION},\"findings\":[\n{}\n]}}\n",
            lines.join(",\n")
        )
    }

    /// How many findings it knows.
    pub fn len(&self) -> usize {
        self.findings.len()
    }

    /// Whether it knows none.
    pub fn is_empty(&self) -> bool {
        self.findings.is_empty()
    }

    /// Takes known findings out of the open ones; returns what it knows and is there no more.
    /// A finding is known as well by what it would be called in a file that is there no more: the
    /// file may have a new name. The score stays: a fault that is known is still one.
    pub fn apply(&self, analysis: &mut Analysis) -> Vec<Entry> {
        let mut left: BTreeMap<&str, &Entry> = self
            .findings
            .iter()
            .map(|entry| (entry.fingerprint.as_str(), entry))
            .collect();
        let mut known = Vec::new();
        let mut open = Vec::new();
        for finding in std::mem::take(&mut analysis.findings) {
            if left.remove(finding.fingerprint.as_str()).is_some() {
                known.push(finding);
            } else {
                open.push(finding);
            }
        }
        let renamed = Renamed::of(left.values().copied(), analysis);
        for finding in open {
            let old = renamed.print(&finding, &analysis.sources, &left);
            if old.is_some_and(|print| left.remove(print.as_str()).is_some()) {
                known.push(finding);
            } else {
                analysis.findings.push(finding);
            }
        }
        let known = known.into_iter().map(|finding| Suppressed {
            finding,
            suppression: Suppression::Baseline,
        });
        analysis.suppressed.extend(known);
        analysis.sort();
        let mut gone: Vec<Entry> = left.into_values().cloned().collect();
        gone.sort();
        gone
    }
}

/// Files that a baseline names and that are there no more, by rule and function.
struct Renamed<'b>(HashMap<(&'b str, &'b str), BTreeSet<&'b str>>);

impl<'b> Renamed<'b> {
    fn of(left: impl Iterator<Item = &'b Entry>, analysis: &Analysis) -> Self {
        let there: HashSet<&str> = analysis.sources.iter().map(|(path, _)| &**path).collect();
        let mut files: HashMap<_, BTreeSet<&str>> = HashMap::new();
        for entry in left.filter(|entry| !there.contains(entry.file.as_str())) {
            let of_place = files.entry((&*entry.rule, &*entry.symbol)).or_default();
            if of_place.len() < MAX_RENAMED {
                of_place.insert(&entry.file);
            }
        }
        Self(files)
    }

    /// The fingerprint among those that are left that a finding would have in one of the files.
    fn print(
        &self,
        finding: &Finding,
        sources: &[(Name, String)],
        left: &BTreeMap<&str, &Entry>,
    ) -> Option<String> {
        let files = self.0.get(&(&*finding.rule, &*finding.symbol))?;
        let (_, text) = sources.iter().find(|(path, _)| *path == finding.file)?;
        let line = usize::try_from(finding.line).ok()?.checked_sub(1)?;
        let line = text.lines().nth(line)?;
        files.iter().find_map(|file| {
            (1..=MAX_ALIKE)
                .map(|nth| fingerprint(&finding.rule, file, &finding.symbol, line, nth))
                .find(|print| left.contains_key(print.as_str()))
        })
    }
}

fn entry(finding: &Finding) -> Entry {
    Entry {
        file: finding.file.to_string(),
        rule: finding.rule.to_string(),
        symbol: finding.symbol.clone(),
        message: finding.message.clone(),
        fingerprint: finding.fingerprint.clone(),
    }
}
