//! The score of an analysis: four axes, the lowest of them, and a letter.

use std::collections::HashMap;

use crate::finding::{Confidence, Finding, Severity, Surface};
use crate::rules::{self, Axis};

/// Most deductions of one rule from one axis.
const MAX_PER_RULE: usize = 2;

/// The highest score with a grave finding in runtime code: the best of grade B.
const CAP_WITH_HIGH: u32 = 89;

/// What the analysis is worth.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Score {
    /// The lowest axis, at most 89 with a high finding in runtime code.
    pub score: u32,
    /// `A` to `F`.
    pub grade: Grade,
    /// Each axis, from 0 to 100.
    pub axes: Axes,
}

/// The axes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Axes {
    /// Security.
    pub security: u32,
    /// Reliability.
    pub reliability: u32,
    /// Credentials.
    pub credentials: u32,
    /// Documentation.
    pub documentation: u32,
}

/// A letter; the order is from worst to best.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, schemars::JsonSchema,
)]
pub enum Grade {
    /// Below 60.
    F,
    /// From 60.
    D,
    /// From 70.
    C,
    /// From 80.
    B,
    /// From 90.
    A,
}

impl Grade {
    /// The letter of a score.
    pub fn of(score: u32) -> Self {
        match score {
            90.. => Self::A,
            80..=89 => Self::B,
            70..=79 => Self::C,
            60..=69 => Self::D,
            _ => Self::F,
        }
    }
}

impl std::fmt::Display for Grade {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::A => "A",
            Self::B => "B",
            Self::C => "C",
            Self::D => "D",
            Self::F => "F",
        })
    }
}

/// What findings of the user's own rules are deducted from.
pub(crate) const OWN_AXES: &[Axis] = &[Axis::Reliability];

/// Scores findings; those whose confidence is unknown count nothing.
pub fn score(findings: &[Finding]) -> Score {
    // In half points, so that the share of the surface stays whole.
    let mut lost: HashMap<Axis, u32> = HashMap::new();
    let mut by_rule: HashMap<&str, Vec<u32>> = HashMap::new();
    let mut capped = false;
    for finding in findings {
        if finding.confidence == Confidence::Unknown {
            continue;
        }
        capped |= finding.severity == Severity::High && finding.surface == Surface::Runtime;
        by_rule
            .entry(&finding.rule)
            .or_default()
            .push(points(finding.severity) * share(finding.surface));
    }
    for (rule, mut deductions) in by_rule {
        deductions.sort_unstable_by(|a, b| b.cmp(a));
        let sum: u32 = deductions.iter().take(MAX_PER_RULE).sum();
        let axes = rules::find(rule).map_or(OWN_AXES, |rule| rule.axes);
        for axis in axes {
            *lost.entry(*axis).or_default() += sum;
        }
    }
    let left =
        |axis: Axis| 100u32.saturating_sub(lost.get(&axis).copied().unwrap_or(0).div_ceil(2));
    let axes = Axes {
        security: left(Axis::Security),
        reliability: left(Axis::Reliability),
        credentials: left(Axis::Credentials),
        documentation: left(Axis::Documentation),
    };
    let lowest = axes
        .security
        .min(axes.reliability)
        .min(axes.credentials)
        .min(axes.documentation);
    let score = if capped {
        lowest.min(CAP_WITH_HIGH)
    } else {
        lowest
    };
    Score {
        score,
        grade: Grade::of(score),
        axes,
    }
}

fn points(severity: Severity) -> u32 {
    match severity {
        Severity::High => 20,
        Severity::Medium => 10,
        Severity::Low => 4,
        Severity::Info => 0,
    }
}

/// In halves.
fn share(surface: Surface) -> u32 {
    match surface {
        Surface::Runtime => 2,
        Surface::Install => 1,
        Surface::Tests => 0,
    }
}

/// The rubric, for `--explain-score`.
pub fn explain() -> &'static str {
    "Each axis (security, reliability, credentials, documentation) begins at 100.
A finding takes from the axes of its rule: high 20, medium 10, low 4, info 0.
In code that runs at installation it takes half, in tests and examples nothing.
A rule takes at most twice from an axis. An axis never falls below 0.
Findings whose confidence is unknown take nothing: code that was needed was not there to be read.
The score is the lowest axis; with a high finding in runtime code it is at most 89.
Grades: A from 90, B from 80, C from 70, D from 60, F below.
There is no grade when nothing was analysed, a file could not be read, or no MCP server was found.
"
}
