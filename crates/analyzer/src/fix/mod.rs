//! Mends what can be mended in its place without changing anything else: `--fix`.
//!
//! An edit is made only where the source has exactly the shape that its rule blames; everything else stays a suggestion. A file is
//! given back only if it can still be read after all its edits.

mod go;
mod python;
mod rust;
mod source;
mod typescript;

use crate::analysis::{Analysis, AnalysisError};
use crate::extract::{self, Source};
use crate::facts::{Language, Name, Reading};
use crate::finding::{Confidence, Finding};

use self::source::{Edit, Text};

/// Rules whose findings can be mended, not in every form.
pub const MENDABLE: &[&str] = &[
    "LIFE-003", "LIFE-004", "IO-001", "TIME-001", "ERR-004", "AUTH-001",
];

/// How often a file is read anew to find the mends after which it can be read.
const MAX_TRIES: u32 = 256;

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
///
/// # Errors
/// [`AnalysisError::Threads`], since files are read again on a thread with the stack for it.
pub fn mend(analysis: &Analysis) -> Result<Vec<Mended>, AnalysisError> {
    extract::on_own_stack(|| files(analysis))
        .map_err(|error| AnalysisError::Threads(error.to_string()))
}

fn files(analysis: &Analysis) -> Vec<Mended> {
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
    let mut mends: Vec<Mend> = Vec::new();
    for finding in findings {
        let made = match language {
            Language::TypeScript => typescript::edits(&before, finding),
            Language::Python => python::edits(&before, finding),
            Language::Rust => rust::edits(&before, finding),
            Language::Go => go::edits(&before, finding),
        };
        let Some(made) = made else { continue };
        // An edit that is there already, such as an import, serves both.
        let new = made.iter().filter(|it| !edits.contains(it));
        let new: Vec<Edit> = new.cloned().collect();
        if new.iter().any(|it| edits.iter().any(|old| old.touches(it))) {
            continue;
        }
        edits.extend(new);
        mends.push(Mend {
            edits: made,
            finding: (finding.rule.to_string(), finding.line),
        });
    }
    let still_reads = |mends: &[Mend]| {
        let mut edits: Vec<Edit> = mends.iter().flat_map(|it| it.edits.clone()).collect();
        edits.sort();
        edits.dedup();
        let text = source::applied(text, edits)?;
        (read(&text).reading == Reading::Whole).then_some(text)
    };
    let mut tries = MAX_TRIES;
    let kept = sound(mends, &mut tries, &still_reads);
    let text = still_reads(&kept).filter(|_| !kept.is_empty())?;
    Some(Mended {
        file: path.clone(),
        text,
        findings: kept.into_iter().map(|it| it.finding).collect(),
    })
}

/// What one finding asks for.
#[derive(Debug)]
struct Mend {
    /// All that it takes, also what another one takes as well.
    edits: Vec<Edit>,
    /// Rule and line.
    finding: (String, u32),
}

/// The mends after which the file can still be read, found by halves: one that does not fit what is
/// written there spoils no other.
fn sound(
    mut mends: Vec<Mend>,
    tries: &mut u32,
    still_reads: &impl Fn(&[Mend]) -> Option<String>,
) -> Vec<Mend> {
    if mends.is_empty() || *tries == 0 {
        return Vec::new();
    }
    *tries -= 1;
    if still_reads(&mends).is_some() {
        return mends;
    }
    if mends.len() == 1 {
        return Vec::new();
    }
    let second = mends.split_off(mends.len() / 2);
    let mut kept = sound(mends, tries, still_reads);
    kept.extend(sound(second, tries, still_reads));
    kept
}
