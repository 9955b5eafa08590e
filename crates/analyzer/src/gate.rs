//! What an analysis means for the one who asked: passed, failed, or nothing known.

use std::str::FromStr;

use crate::analysis::Analysis;
use crate::finding::{Confidence, Finding, Severity, Surface};
use crate::output::one_line;
use crate::score::Grade;

/// What must not be in a result that passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// A finding of this severity or a higher one.
    Severity(Severity),
    /// A grade below this one.
    Grade(Grade),
}

/// What an analysis without a server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Empty {
    /// A failure to analyse: what was to be judged is not there.
    Refused,
    /// Fine: one folder of many.
    Allowed,
}

/// The end of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// No gate was reached.
    Passed,
    /// A gate was reached; why.
    Failed(String),
    /// It is not known whether a gate would be reached; why, and what to do.
    Unknown(String),
}

impl FromStr for Gate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "high" => Ok(Self::Severity(Severity::High)),
            "medium" => Ok(Self::Severity(Severity::Medium)),
            "low" => Ok(Self::Severity(Severity::Low)),
            "grade=A" => Ok(Self::Grade(Grade::A)),
            "grade=B" => Ok(Self::Grade(Grade::B)),
            "grade=C" => Ok(Self::Grade(Grade::C)),
            "grade=D" => Ok(Self::Grade(Grade::D)),
            _unknown => Err("write high, medium, low, or grade=A to grade=D".to_owned()),
        }
    }
}

/// Whether a finding counts: it is known, and in code that runs with the server or installs it.
pub fn counts(finding: &Finding) -> bool {
    finding.confidence != Confidence::Unknown && finding.surface != Surface::Tests
}

/// Judges an analysis by all gates.
pub fn judge(analysis: &Analysis, gates: &[Gate], empty: Empty) -> Verdict {
    if let Some(first) = analysis.unanalysable.first() {
        return Verdict::Unknown(format!(
            "{} of the files could not be analysed, first {}: {}; mend them, or leave them out with --exclude",
            analysis.unanalysable.len(),
            one_line(&first.file),
            one_line(&first.why)
        ));
    }
    if empty == Empty::Refused && analysis.analysed.files == 0 {
        return Verdict::Unknown(
            "there is nothing to analyse: no source in TypeScript, JavaScript, Python, Rust or Go was found; \
             give the folder of a server, or pass --allow-empty"
                .to_owned(),
        );
    }
    if empty == Empty::Refused && analysis.analysed.servers == 0 {
        return Verdict::Unknown(
            "no MCP server was found in what was analysed; give the folder of its package, or pass --allow-empty"
                .to_owned(),
        );
    }
    gates
        .iter()
        .find_map(|gate| reached(analysis, *gate))
        .map_or(Verdict::Passed, Verdict::Failed)
}

fn reached(analysis: &Analysis, gate: Gate) -> Option<String> {
    match gate {
        Gate::Severity(least) => {
            let count = analysis
                .findings
                .iter()
                .filter(|finding| counts(finding) && finding.severity >= least)
                .count();
            (count > 0).then(|| format!("{count} findings are {least} or worse"))
        }
        Gate::Grade(least) => analysis
            .score
            .as_ref()
            .filter(|score| score.grade < least)
            .map(|score| format!("the grade is {}, and should be {least}", score.grade)),
    }
}
