//! Failures nobody caught that the process survives.

use crate::facts::{ExprKind, Language, Mode, Span, StmtKind, walk};
use crate::finding::{Followed, Ground, Severity, Trusted};
use crate::link::{Fate, FnRef, Form, Project, Site, Trigger};
use crate::rules::ground;
use crate::rules::{At, Axis, Report, Rule};
use crate::vocabulary::Role;

pub(in crate::rules) const RULE: Rule = Rule {
    id: "LIFE-015",
    name: "unhandled-rejection-policy",
    severity: Severity::Medium,
    axes: &[Axis::Reliability],
    cwe: &[755, 248],
    summary: "A failure that nobody caught is logged and the process goes on, or the result of a task is dropped.",
    why: "After an exception that nobody caught the state is not known: locks may be held, answers lost. A task whose result is dropped fails in silence, and Python may collect it while it runs.",
    fix: "Log it and leave through the shutdown; keep tasks in a set and look at their results.",
    fixtures: fixtures!("LIFE-015": ts, py),
    check,
};

fn check(project: &Project<'_>, report: &mut Report<'_>) {
    for hook in &project.hooks {
        if hook.trigger != Trigger::Crash
            || hook.form != Form::Callback
            || hook.functions.is_empty()
        {
            continue;
        }
        let reach = project.reach(&hook.functions);
        let leaves = reach.iter().any(|at| {
            let throws = project.function(*at).is_some_and(|function| {
                let mut found = false;
                walk::stmts(&function.body, &mut |stmt| {
                    found |= matches!(stmt.kind, StmtKind::Throw(_))
                });
                found
            });
            throws
                || project.sites_of(*at).any(|site| {
                    matches!(
                        site.role,
                        Some(Role::Exit | Role::ExitUnwinding | Role::Kill)
                    ) || Project::is_closing(site)
                        || matches!(site.name(), "shutdown" | "exit" | "cleanup")
                })
        });
        if !leaves {
            let place = At {
                function: hook.at,
                span: hook.span,
            };
            let ground = ground::of_hook(project, &reach);
            report.add(place, ground, "a failure that nobody caught is noted here and the process goes on in a state that is not known");
        }
    }
    floating(project, report);
    for site in project.sites() {
        let dropped = site.role == Some(Role::Task) && site.fate == Fate::Dropped;
        if dropped && project.language(site.at.file) == Language::Python {
            let place = At {
                function: site.at,
                span: site.span,
            };
            report.add(place, Ground::Proved(Followed::Statements), "the task that is started here is dropped: its failure is silent, and it may be collected while it runs");
        }
    }
}

/// TypeScript: an asynchronous function of the project that a handler calls and lets go, with nobody to catch.
fn floating(project: &Project<'_>, report: &mut Report<'_>) {
    for at in project.handler_reach() {
        if project.language(at.file) != Language::TypeScript {
            continue;
        }
        for site in project.sites_of(*at) {
            if site.fate != Fate::Dropped || site.targets.is_empty() {
                continue;
            }
            let mut targets = site.targets.iter();
            let rejects = targets.all(|target| may_reject(project, *target));
            let is_chained = || {
                project.sites_holding(*at, site.span).any(|other| {
                    matches!(other.name(), "catch" | "then" | "finally")
                        && other.call.callee.span.holds(site.span)
                })
            };
            if rejects && !is_chained() && is_bare(project, site) {
                let place = At {
                    function: *at,
                    span: site.span,
                };
                report
                    .add(place, Ground::Likely(Trusted::Purpose), "the promise that is started here is let go: its failure is nobody's, and ends the process");
            }
        }
    }
}

/// Whether the call is a statement of its own: `void work()` says that it is let go on purpose.
fn is_bare(project: &Project<'_>, site: &Site<'_>) -> bool {
    let mut found = false;
    if let Some(function) = project.function(site.at) {
        walk::stmts(&function.body, &mut |stmt| {
            found |= matches!(&stmt.kind, StmtKind::Expr(expr) if expr.span == site.span)
                && site.call.callee.span.start == site.span.start;
        });
    }
    found
}

/// Whether an asynchronous function may fail: something in it waits or throws outside of every `try` with a `catch`.
fn may_reject(project: &Project<'_>, at: FnRef) -> bool {
    let Some(function) = project.function(at).filter(|one| one.mode == Mode::Async) else {
        return false;
    };
    let mut caught: Vec<Span> = Vec::new();
    let mut risks: Vec<Span> = Vec::new();
    walk::stmts(&function.body, &mut |stmt| {
        if let StmtKind::Try { body, catches, .. } = &stmt.kind
            && !catches.is_empty()
        {
            caught.extend(body.iter().map(|inner| inner.span));
        }
        if matches!(stmt.kind, StmtKind::Throw(_)) {
            risks.push(stmt.span);
        }
    });
    walk::exprs(&function.body, &mut |expr| {
        if matches!(expr.kind, ExprKind::Await(_)) {
            risks.push(expr.span);
        }
    });
    risks
        .iter()
        .any(|risk| !caught.iter().any(|span| span.holds(*risk)))
}
