//! A failed check of access that permits.

use crate::facts::{ExprKind, Logic, StmtKind, walk};
use crate::finding::Severity;
use crate::link::{Failure, FailureKind, Project};
use crate::rules::{At, Axis, Report, Rule};

use super::permit;

pub(in crate::rules) const RULE: Rule = Rule {
    id: "AUTH-001",
    name: "catch-returns-permit",
    severity: Severity::High,
    axes: &[Axis::Security],
    cwe: &[636, 280, 755],
    summary: "When the check of access itself fails, access is permitted.",
    why: "Whoever can make the check fail (a timeout, a malformed policy, a service that is down) is let in. A policy like `robots.txt` or a filter of data is such a check too.",
    fix: "Deny on everything but an affirmative answer: return false, or let the failure reach the caller.",
    fixtures: fixtures!("AUTH-001": ts, py, rs, go),
    check,
};

fn check(project: &Project<'_>, report: &mut Report<'_>) {
    for failure in &project.failures {
        let Some(authority) = deciding(project, failure) else {
            continue;
        };
        let explicit = permit::permitting(project, authority, failure.body);
        let caught = At {
            function: failure.at,
            span: failure.span,
        };
        for stmt in &explicit {
            let place = At {
                function: failure.at,
                span: stmt.span,
            };
            report
                .add(place, "when the check itself fails, this permits")
                .via(project, caught, "the failure is caught here");
        }
        if explicit.is_empty()
            && failure.kind == FailureKind::Catch
            && falls_through(project, failure, authority)
        {
            report.add(
                caught,
                "when the check itself fails, the function goes on to its permit",
            );
        }
    }
    defaults(project, report);
}

/// The function that decides, if the failure is its own: for a closure also the check that it is attached to.
fn deciding(project: &Project<'_>, failure: &Failure<'_>) -> Option<crate::link::FnRef> {
    if let Some(authority) = permit::authority_around(project, failure.at) {
        return Some(authority);
    }
    let attached = failure.kind == FailureKind::Closure
        && project.sites_in(failure.at.file).iter().any(|site| {
            failure.guarded.holds(site.span) && project.hints.is_authority(site.name())
        });
    attached.then_some(failure.at)
}

/// The region does nothing but log, and the function ends in a permit.
fn falls_through(
    project: &Project<'_>,
    failure: &Failure<'_>,
    authority: crate::link::FnRef,
) -> bool {
    let Some(function) = project.function(failure.at) else {
        return false;
    };
    let mut leaves = false;
    walk::stmts(failure.body, &mut |stmt| {
        leaves |= matches!(
            stmt.kind,
            StmtKind::Return(_)
                | StmtKind::Throw(_)
                | StmtKind::Assign { .. }
                | StmtKind::Continue
                | StmtKind::Break
        );
    });
    let ends = function.body.last().is_some_and(|last| {
        last.span.start >= failure.span.end && matches!(&last.kind, StmtKind::Return(Some(value)) if permit::permits(project, authority, value))
    });
    !leaves && ends
}

/// `check() ?? true`, `check().unwrap_or(true)`.
fn defaults(project: &Project<'_>, report: &mut Report<'_>) {
    for (at, function) in project.functions() {
        walk::exprs(&function.body, &mut |expr| {
            if let ExprKind::Logic(Logic::Or | Logic::Coalesce, left, right) = &expr.kind
                && matches!(right.kind, ExprKind::Bool(true))
                && left.call().is_some_and(|call| {
                    project
                        .hints
                        .is_authority(crate::link::callee(&call.callee))
                })
            {
                report.add(
                    At {
                        function: at,
                        span: expr.span,
                    },
                    "a check that gives no answer is taken as a permit",
                );
            }
        });
    }
    for site in &project.sites {
        let defaulted = matches!(site.name(), "unwrap_or" | "getOrElse" | "map_or");
        let permits = site
            .call
            .arg(0)
            .is_some_and(|arg| matches!(arg.kind, ExprKind::Bool(true)));
        if defaulted
            && permits
            && let Some(object) = site.call.receiver()
            && object.call().is_some_and(|call| {
                project
                    .hints
                    .is_authority(crate::link::callee(&call.callee))
            })
        {
            report.add(
                At {
                    function: site.at,
                    span: site.span,
                },
                "a check that fails is taken as a permit",
            );
        }
    }
}
