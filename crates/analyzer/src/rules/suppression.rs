//! A comment to the analyser that accepts nothing, or can't be followed.

use crate::finding::Severity;
use crate::link::Project;
use crate::rules::{Axis, Report, Rule};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "SUP-001",
    name: "useless-suppression",
    severity: Severity::Low,
    axes: &[Axis::Documentation],
    cwe: &[1116],
    summary: "A comment that ignores findings has no reason, names no rule, or ignores nothing.",
    why: "A comment that accepts a fault stays when the fault has gone, and then hides the next one. Without a reason nobody can tell whether it still holds, so it is not obeyed.",
    fix: "Write `dropgate-ignore RULE: reason` on the line of the finding or above it, or remove the comment.",
    fixtures: fixtures!("SUP-001": ts, py, rs, go),
    check,
};

/// Nothing: what became of the comments is known only after all other rules, to [`crate::suppress`].
fn check(_project: &Project<'_>, _report: &mut Report<'_>) {}
