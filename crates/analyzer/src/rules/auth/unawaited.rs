//! A check of access that is not waited for.

use crate::facts::{ExprKind, Mode, StmtKind, walk};
use crate::finding::Severity;
use crate::link::Project;
use crate::rules::{At, Axis, Report, Rule};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "AUTH-005",
    name: "unawaited-auth",
    severity: Severity::High,
    axes: &[Axis::Security],
    cwe: &[252, 863],
    summary: "An asynchronous check of access is tested without waiting for its answer.",
    why: "A promise or coroutine is always true-like: the check permits everybody, and its refusal is an unhandled failure later.",
    fix: "`await` the check.",
    fixtures: fixtures!("AUTH-005": ts, py),
    check,
};

fn check(project: &Project<'_>, report: &mut Report<'_>) {
    for (at, function) in project.functions() {
        walk::stmts(&function.body, &mut |stmt| {
            let StmtKind::If { test, .. } = &stmt.kind else {
                return;
            };
            walk::each(test, &mut |expr| {
                let tested = if let ExprKind::Not(inner) | ExprKind::Logic(_, inner, _) = &expr.kind
                {
                    inner
                } else if let ExprKind::Call(_) = &expr.kind
                    && expr.span == test.span
                {
                    expr
                } else {
                    return;
                };
                if !matches!(tested.kind, ExprKind::Call(_)) {
                    return;
                }
                let Some(site) = project.site_at(at, tested) else {
                    return;
                };
                let asynchronous = site.targets.iter().any(|target| {
                    project
                        .function(*target)
                        .is_some_and(|called| called.mode == Mode::Async)
                });
                if asynchronous && project.hints.is_authority(site.name()) {
                    let message = format!(
                        "`{}` is not waited for: what is tested is always true-like",
                        site.name()
                    );
                    report.add(
                        At {
                            function: at,
                            span: tested.span,
                        },
                        message,
                    );
                }
            });
        });
    }
}
