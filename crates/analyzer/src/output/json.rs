//! JSON for programs; its shape is stable.

use serde::Serialize;

use crate::analysis::{Analysed, Analysis, Unanalysable};
use crate::finding::Finding;
use crate::rules::{Axis, RULES};
use crate::score::{Axes, Grade};
use crate::suppress::Suppressed;

/// What is written of an analysis.
#[derive(Debug, Serialize)]
pub struct Page<'a> {
    grade: Option<Grade>,
    score: Option<u32>,
    axes: Option<Axes>,
    analysed: Analysed,
    findings: &'a [Finding],
    suppressed: &'a [Suppressed],
    unanalysable: &'a [Unanalysable],
}

impl<'a> Page<'a> {
    /// The page of an analysis.
    pub fn of(analysis: &'a Analysis) -> Self {
        let score = analysis.score.as_ref();
        Self {
            grade: score.map(|score| score.grade),
            score: score.map(|score| score.score),
            axes: score.map(|score| score.axes),
            analysed: analysis.analysed,
            findings: &analysis.findings,
            suppressed: &analysis.suppressed,
            unanalysable: &analysis.unanalysable,
        }
    }
}

/// What is written of a rule.
#[derive(Debug, Serialize)]
pub struct RuleRow {
    rule: &'static str,
    name: &'static str,
    severity: &'static str,
    axes: &'static [Axis],
    cwe: &'static [u16],
    languages: Vec<&'static str>,
    summary: &'static str,
    fix: &'static str,
}

/// All rules, in the order of the catalogue.
pub fn rules() -> Vec<RuleRow> {
    RULES
        .iter()
        .map(|rule| RuleRow {
            rule: rule.id,
            name: rule.name,
            severity: rule.severity.word(),
            axes: rule.axes,
            cwe: rule.cwe,
            languages: rule
                .fixtures
                .iter()
                .map(|fixture| fixture.language.short())
                .collect(),
            summary: rule.summary,
            fix: rule.fix,
        })
        .collect()
}
