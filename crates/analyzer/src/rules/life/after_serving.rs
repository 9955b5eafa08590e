//! Go and Rust: the code behind the call that serves waits for a signal, although serving ended with stdin.

use crate::facts::{CallForm, Cover, ExprKind, Function, Span, Stmt, StmtKind, walk};
use crate::finding::{Followed, Ground, Severity, Surface};
use crate::link::{Entry, FnRef, Project, Site};
use crate::rules::{At, Report};
use crate::vocabulary::{Role, Wire};

use super::fires;

/// Names of calls that may make ready what is waited for.
const TELLING: &[&str] = &[
    "cancel", "close", "stop", "send", "Done", "Stop", "abort", "Kill", "Signal",
];

/// Functions upwards from the one that serves.
const MAX_CALLERS: usize = 3;

/// `ServeStdio(s); <-done` where only a signal closes `done`; `let running = server.serve(stdio()).await?; ctrl_c().await?`, since rmcp
/// serves in a task and says by `waiting` alone that it is over.
pub(super) fn look(project: &Project<'_>, entry: &Entry, report: &mut Report<'_>) {
    let Some(mut serving) = project.site(entry.site) else {
        return;
    };
    for _ in 0..MAX_CALLERS {
        let Some(function) = project.function(serving.at) else {
            return;
        };
        if is_beside(project, serving) || tells_of_end(project, serving.at) {
            return;
        }
        match behind(project, (serving.at, function), serving.span) {
            Behind::Waits(span) => {
                let place = At {
                    function: serving.at,
                    span,
                };
                let start = At {
                    function: serving.at,
                    span: serving.span,
                };
                let finding = report
                    .add(place, Ground::Proved(Followed::Statements), "serving has ended when stdin ended, and this waits on for a signal: the process stays")
                    .via(project, start, "stdio is served here");
                // A host that ends takes it along; one that only closes its end of the pipe doesn't.
                if super::stdin_eof::is_watched(project, entry) {
                    finding.weigh(Severity::Medium);
                }
                return;
            }
            Behind::Leaves => return,
            Behind::Returns => {}
        }
        let callers = project.callers(serving.at).iter();
        let callers = callers.filter_map(|id| project.site(*id));
        let mut callers = callers.filter(|site| project.surface(site.at.file) != Surface::Tests);
        let Some(caller) = callers.next().filter(|_| callers.next().is_none()) else {
            return;
        };
        serving = caller;
    }
}

/// Whether a call is no step of its function: it runs beside it, or one choice of several is waited for.
fn is_beside(project: &Project<'_>, site: &Site<'_>) -> bool {
    site.call.form == CallForm::Go
        || site.role == Some(Role::Task)
        || project
            .sites_around(site)
            .any(|other| other.role == Some(Role::Task))
}

/// Whether something beside notices the end: `tokio::spawn(async move { running.waiting().await; exit(0) })`.
fn tells_of_end(project: &Project<'_>, at: FnRef) -> bool {
    let inside = project.inside(at);
    inside.iter().any(|inner| {
        *inner != at
            && project.sites_of(*inner).any(|site| {
                matches!(
                    site.name(),
                    "waiting" | "Wait" | "is_closed" | "is_transport_closed"
                )
            })
    })
}

/// What comes after a call.
enum Behind {
    /// A wait for a signal.
    Waits(Span),
    /// An end of the process, something that may end the wait, or what is not known.
    Leaves,
    /// The end of the function.
    Returns,
}

fn behind(project: &Project<'_>, (at, function): (FnRef, &Function), place: Span) -> Behind {
    let mut around = Vec::new();
    let blocks = walk::enclosing(&function.body, place, &mut around);
    let mut kinds = around.iter().map(|stmt| &stmt.kind);
    let is_apart = |kind| {
        matches!(
            kind,
            &StmtKind::Loop { .. } | &StmtKind::Select(_) | &StmtKind::Defer(_)
        )
    };
    if kinds.clone().any(is_apart) {
        return Behind::Leaves;
    }
    if kinds.any(|kind| matches!(kind, StmtKind::Return(_))) {
        return Behind::Returns;
    }
    let ends = Ends::of(project, at);
    for block in blocks.into_iter().rev() {
        let from = block.partition_point(|stmt| stmt.span.start < place.end);
        for stmt in block.get(from..).unwrap_or_default() {
            if waits(project, at, stmt) {
                return Behind::Waits(stmt.span);
            }
            if let StmtKind::Return(_) = stmt.kind {
                return Behind::Returns;
            }
            if ends.are_in(stmt) {
                return Behind::Leaves;
            }
        }
    }
    Behind::Returns
}

/// Whether a statement waits for a signal and for nothing else.
fn waits(project: &Project<'_>, at: FnRef, stmt: &Stmt) -> bool {
    if let StmtKind::Select(arms) = &stmt.kind {
        let mut tests = arms.iter().map(|arm| arm.test.as_ref());
        return !arms.is_empty()
            && tests
                .all(|test| test.is_some_and(|test| fires::by_signal_alone(project, at, test)));
    }
    let mut found = false;
    walk::own_exprs(stmt, &mut |expr| {
        if let ExprKind::Await(inner) = &expr.kind {
            found |= fires::by_signal_alone(project, at, inner);
        }
    });
    found
}

/// What may end the process or the wait in a function.
struct Ends {
    /// Where something failed.
    failures: Cover,
    /// The calls that end the process, make something ready, or serve over HTTP, in order.
    calls: Vec<Span>,
}

impl Ends {
    fn of(project: &Project<'_>, at: FnRef) -> Self {
        let failures = project.failures.iter().filter(|failure| failure.at == at);
        let failures: Cover = failures.map(|failure| failure.span).collect();
        let calls = project.sites_of(at).filter(|site| {
            let tells = TELLING.contains(&site.name());
            let ends = matches!(site.role, Some(Role::Exit | Role::Kill));
            let is_variable = matches!(site.call.callee.kind, ExprKind::Var(_));
            let unknown = is_variable && site.targets.is_empty();
            (tells || ends || unknown) && !failures.holds(site.span)
        });
        let mut calls: Vec<Span> = calls.map(|site| site.span).collect();
        let entries = project.entries.iter();
        let over_http = entries.filter(|entry| entry.wire == Wire::Http && entry.at == at);
        calls.extend(over_http.map(|entry| entry.span));
        calls.sort();
        Self { failures, calls }
    }

    /// Whether a statement leaves the function or the process, or makes ready what is waited for, other than where something failed.
    fn are_in(&self, stmt: &Stmt) -> bool {
        let from = self
            .calls
            .partition_point(|span| span.start < stmt.span.start);
        let first = self.calls.get(from);
        let mut leaves = first.is_some_and(|span| stmt.span.holds(*span)) || is_leaving(stmt);
        for block in walk::blocks(stmt) {
            walk::stmts(block, &mut |inner| {
                leaves |= is_leaving(inner) && !self.failures.holds(inner.span);
            });
        }
        leaves
    }
}

fn is_leaving(stmt: &Stmt) -> bool {
    matches!(
        stmt.kind,
        StmtKind::Return(_) | StmtKind::Throw(_) | StmtKind::Break | StmtKind::Continue
    )
}
