//! A check of access whose answer is always true-like.

use crate::facts::{Expr, ExprKind, StmtKind, walk};
use crate::finding::Severity;
use crate::link::{FnRef, Project};
use crate::rules::{At, Axis, Report, Rule};

use super::permit;

pub(in crate::rules) const RULE: Rule = Rule {
    id: "AUTH-002",
    name: "truthy-permit",
    severity: Severity::Medium,
    axes: &[Axis::Security],
    cwe: &[697, 636],
    summary: "The answer of a check is an object, and the branch only asks whether there is one.",
    why: "`{ allowed: false }` is true-like: the branch permits whatever the check says.",
    fix: "Compare the field that decides: `(await check(x)).allowed === true`.",
    fixtures: fixtures!("AUTH-002": ts, py),
    check,
};

fn check(project: &Project<'_>, report: &mut Report<'_>) {
    for (at, function) in project.functions() {
        walk::stmts(&function.body, &mut |stmt| {
            let StmtKind::If { test, .. } = &stmt.kind else {
                return;
            };
            let asked = if let ExprKind::Not(inner) = &test.kind {
                inner
            } else {
                test
            };
            if !matches!(asked.kind, ExprKind::Await(_) | ExprKind::Call(_)) {
                return;
            }
            let decides = |target: &FnRef| {
                permit::is_authority(project, *target) && gives_objects(project, *target)
            };
            if let Some(site) = project.site_at(at, asked)
                && let Some(check) = site.targets.iter().copied().find(decides)
            {
                let message = format!(
                    "`{}` gives an object, which is true-like whatever it says",
                    site.name()
                );
                report.add(
                    At {
                        function: at,
                        span: test.span,
                    },
                    permit::ground(project, check),
                    message,
                );
            }
        });
    }
}

/// Whether a function gives objects that carry the decision, and nothing else.
fn gives_objects(project: &Project<'_>, at: FnRef) -> bool {
    let Some(function) = project.function(at) else {
        return false;
    };
    let mut returned: Vec<&Expr> = Vec::new();
    walk::stmts(&function.body, &mut |stmt| {
        if let StmtKind::Return(Some(value)) = &stmt.kind {
            returned.push(value);
        }
    });
    !returned.is_empty()
        && returned
            .iter()
            .all(|value| matches!(value.kind, ExprKind::Object(_)))
}
