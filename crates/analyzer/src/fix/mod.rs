//! Mends what can be mended in its place without changing anything else: `--fix`.
//!
//! An edit is made only where the source has exactly the shape that its rule blames; everything else stays a suggestion. A file is
//! given back only if it can still be read after all its edits.

mod go;
mod python;
mod rust;
mod source;
mod typescript;

use crate::analysis::Analysis;
use crate::extract::{self, Source};
use crate::facts::{Language, Name, Reading};
use crate::finding::{Confidence, Finding};

use self::source::{Edit, Text};

/// Rules whose findings can be mended, not in every form.
pub const MENDABLE: &[&str] = &[
    "LIFE-003", "LIFE-004", "IO-001", "TIME-001", "ERR-004", "AUTH-001",
];

/// A file that was mended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mended {
    /// The file, relative to the root of the analysis.
    pub file: Name,
    /// Its new text.
    pub text: String,
    /// The findings that were mended: rule and line of the old text.
    pub findings: Vec<(String, u32)>,
}

/// The files of an analysis with what can be mended in them mended.
pub fn mend(analysis: &Analysis) -> Vec<Mended> {
    analysis
        .sources
        .iter()
        .filter_map(|(path, text)| {
            let findings: Vec<&Finding> = analysis
                .findings
                .iter()
                .filter(|it| it.file == *path && MENDABLE.contains(&&*it.rule))
                .filter(|it| it.confidence != Confidence::Unknown)
                .collect();
            if findings.is_empty() {
                return None;
            }
            file(path, text, &findings)
        })
        .collect()
}

fn file(path: &Name, text: &str, findings: &[&Finding]) -> Option<Mended> {
    let language = Language::of_path(path)?;
    let read = |text: &str| {
        extract::extract(&Source {
            path: path.clone(),
            language,
            text,
        })
    };
    let facts = read(text);
    let before = Text {
        facts: &facts,
        text,
    };
    let mut edits: Vec<Edit> = Vec::new();
    let mut mended = Vec::new();
    for finding in findings {
        let made = match language {
            Language::TypeScript => typescript::edits(&before, finding),
            Language::Python => python::edits(&before, finding),
            Language::Rust => rust::edits(&before, finding),
            Language::Go => go::edits(&before, finding),
        };
        let Some(made) = made else { continue };
        // An edit that is there already, such as an import, serves both.
        let new: Vec<Edit> = made.into_iter().filter(|it| !edits.contains(it)).collect();
        if new.iter().any(|it| edits.iter().any(|old| old.touches(it))) {
            continue;
        }
        edits.extend(new);
        mended.push((finding.rule.to_string(), finding.line));
    }
    if edits.is_empty() {
        return None;
    }
    let text = source::applied(text, edits)?;
    (read(&text).reading == Reading::Whole).then(|| Mended {
        file: path.clone(),
        text,
        findings: mended,
    })
}
