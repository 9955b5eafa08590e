//! An exit that skips what was deferred.

use crate::facts::{Expr, Function, Language, Span, StmtKind, walk};
use crate::finding::{Followed, Ground, Severity, Surface};
use crate::link::{FnRef, Project, Site};
use crate::rules::{At, Axis, Report, Rule};
use crate::vocabulary::{Kind, Role};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "LIFE-013",
    name: "defer-skipped-by-exit",
    severity: Severity::High,
    axes: &[Axis::Reliability],
    cwe: &[705, 459],
    summary: "The process exits in a function whose deferred clean-up then never runs.",
    why: "`os.Exit`, `log.Fatal`, `process::exit` and `os._exit` end the process at once: no `defer`, no `Drop`, no `finally`. Pools stay open, buffers are lost.",
    fix: "Return an error from `main`'s helper and exit in `main` only, where nothing is deferred.",
    fixtures: fixtures!("LIFE-013": go, rs, py),
    check,
};

fn check(project: &Project<'_>, report: &mut Report<'_>) {
    for (at, function) in project.functions() {
        if project.surface(at.file) != Surface::Runtime {
            continue;
        }
        let mut deferred = Vec::new();
        walk::stmts(&function.body, &mut |stmt| {
            if let StmtKind::Defer(expr) = &stmt.kind {
                if loses_something(project, at, expr) {
                    deferred.push(stmt.span)
                }
            } else if let StmtKind::Try { finally, .. } = &stmt.kind
                && !finally.is_empty()
                && project.language(at.file) == Language::Python
            {
                deferred.push(stmt.span)
            }
        });
        if project.language(at.file) == Language::Rust {
            deferred.extend(
                project
                    .sites_of(at)
                    .filter(|site| {
                        matches!(
                            site.role,
                            Some(Role::Open(Kind::Pool | Kind::LogBuffer | Kind::Telemetry))
                        )
                    })
                    .map(|site| site.span),
            );
        }
        for site in project.sites_of(at) {
            let live = deferred
                .iter()
                .find(|span| match project.language(at.file) {
                    Language::Python => {
                        span.holds(site.span) && !is_flushed(project, function, site)
                    }
                    Language::TypeScript | Language::Rust => span.end <= site.span.start,
                    Language::Go => {
                        span.end <= site.span.start
                            && is_live(function, **span, site.span)
                            && !syncs_itself(project, at, **span, site)
                    }
                });
            if let (Some(Role::Exit), Some(span)) = (site.role, live) {
                let place = At {
                    function: at,
                    span: site.span,
                };
                report
                    .add(place, Ground::Proved(Followed::Statements), format!("`{}` ends the process here, and the clean-up of this function never runs", site.name()))
                    .via(project, At { function: at, span: *span }, "the clean-up that is skipped");
            }
        }
    }
}

/// Whether the block that ends the process flushes first: the way out of Python where a thread is stuck in a read.
fn is_flushed(project: &Project<'_>, function: &Function, exit: &Site<'_>) -> bool {
    let blocks = walk::enclosing(&function.body, exit.span, &mut Vec::new());
    let flushes = project.sites_of(exit.at).filter(|site| {
        matches!(site.name(), "flush" | "shutdown") && site.span.end <= exit.span.start
    });
    let mut flushes = flushes.map(|site| site.span);
    blocks
        .last()
        .is_some_and(|block| flushes.any(|flush| block.iter().any(|stmt| stmt.span.holds(flush))))
}

/// Locks, counters and contexts end with the process; what else is deferred closes, flushes or removes.
fn loses_something(project: &Project<'_>, at: FnRef, deferred: &Expr) -> bool {
    let name = deferred
        .call()
        .and_then(|call| project.last_name(at, &call.callee));
    !name.is_some_and(|name| {
        name.to_lowercase().contains("cancel")
            || matches!(
                name.as_str(),
                "stop" | "Stop" | "Unlock" | "RUnlock" | "Done" | "recover"
            )
    })
}

/// Whether what a statement defers is still to run at a later place: a block that left the function took its own with it.
fn is_live(function: &Function, deferred: Span, later: Span) -> bool {
    walk::enclosing(&function.body, deferred, &mut Vec::new())
        .into_iter()
        .filter(|block| !block.iter().any(|stmt| stmt.span.holds(later)))
        .all(|block| {
            let last = block.last().map(|stmt| &stmt.kind);
            !matches!(last, Some(StmtKind::Return(_)))
        })
}

/// `defer logger.Sync()` before `logger.Fatal()`: loggers write out what they hold before they end the process.
fn syncs_itself(project: &Project<'_>, at: FnRef, deferred: Span, exit: &Site<'_>) -> bool {
    let receiver = project.receiver_name(exit);
    receiver.is_some()
        && project.sites_of(at).any(|site| {
            deferred.holds(site.span)
                && site.name() == "Sync"
                && project.receiver_name(site) == receiver
        })
}
