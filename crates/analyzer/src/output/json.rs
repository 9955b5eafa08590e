//! JSON for programs; its shape is stable.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;

use crate::analysis::{Analysed, Analysis, Unanalysable};
use crate::finding::Finding;
use crate::rules::{Axis, RULES};
use crate::score::{self, Axes, Grade};
use crate::suppress::Suppressed;
use crate::user_rules::UserRules;

/// The version of the shape. Members may be added to it; one that goes or means something else is another version.
const VERSION: u32 = 1;

/// What `dropgate audit --format json` writes.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "What `dropgate audit --format json` writes, version 1")]
pub struct Page<'a> {
    /// The version of this shape. Members may be added to it.
    version: u32,
    /// The letter of the score; null where there is no grade.
    grade: Option<Grade>,
    /// The lowest axis, from 0 to 100; null where there is no grade.
    score: Option<u32>,
    /// Each axis; null where there is no grade.
    axes: Option<Axes>,
    /// How much was read.
    analysed: Analysed,
    /// What is open, by file, line and rule.
    findings: &'a [Finding],
    /// What is accepted and counts for nothing.
    suppressed: &'a [Suppressed],
    /// Files that could not be analysed; where there is one, there is no grade.
    unanalysable: &'a [Unanalysable],
}

impl<'a> Page<'a> {
    /// The page of an analysis.
    pub fn of(analysis: &'a Analysis) -> Self {
        let score = analysis.score.as_ref();
        Self {
            version: VERSION,
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

/// The JSON Schema of [`Page`], indented. Its members are sorted: whether a map of JSON keeps the
/// order in which it was filled is a feature that any other crate of the build may switch on.
pub fn schema() -> String {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let schema = settings.into_generator().into_root_schema_for::<Page<'_>>();
    let mut schema = schema.to_value();
    schema.sort_all_objects();
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text.push('\n');
    text
}

/// What is written of a rule.
#[derive(Debug, Serialize)]
pub struct RuleRow {
    rule: String,
    name: String,
    severity: &'static str,
    axes: &'static [Axis],
    cwe: &'static [u16],
    languages: Vec<&'static str>,
    summary: String,
    fix: String,
}

/// All rules, in the order of the catalogue, and then the user's own by id.
pub fn rules(own: &UserRules) -> Vec<RuleRow> {
    let mut rows = catalogue();
    rows.extend(own.told().into_iter().map(|told| RuleRow {
        name: told.id.clone(),
        rule: told.id,
        severity: told.severity.word(),
        axes: score::OWN_AXES,
        cwe: &[],
        languages: vec![told.language.short()],
        summary: told.message,
        fix: told.fix,
    }));
    rows
}

fn catalogue() -> Vec<RuleRow> {
    RULES
        .iter()
        .map(|rule| RuleRow {
            rule: rule.id.to_owned(),
            name: rule.name.to_owned(),
            severity: rule.severity.word(),
            axes: rule.axes,
            cwe: rule.cwe,
            languages: rule
                .fixtures
                .iter()
                .map(|fixture| fixture.language.short())
                .collect(),
            summary: rule.summary.to_owned(),
            fix: rule.fix.to_owned(),
        })
        .collect()
}
