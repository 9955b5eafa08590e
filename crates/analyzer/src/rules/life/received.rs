//! Go and Rust: `main` waits for a signal and returns, while goroutines or tasks serve.

use std::collections::BTreeSet;

use crate::facts::{CallForm, Expr, ExprKind, FnId, Function, Language, Span, StmtKind, walk};
use crate::finding::{Followed, Ground};
use crate::link::{FnRef, Form, Hook, Project};
use crate::rules::{At, Report};
use crate::vocabulary::Role;

use super::selected::past_branches;

/// `<-stop`, `ctrl_c().await?` in the function that started the serving, and nothing after it that waits for calls.
pub(super) fn look(project: &Project<'_>, report: &mut Report<'_>) {
    for hook in &project.hooks {
        let Some(function) = project
            .function(hook.at)
            .filter(|_| hook.form == Form::Wait)
        else {
            continue;
        };
        let received = match project.language(hook.at.file) {
            Language::Go if hook.trigger.is_signal("SIGTERM") => {
                let serves = starts_serving(project, hook.at);
                serves.then(|| received(project, hook, function)).flatten()
            }
            Language::Rust if hook.trigger.asks_to_stop() => {
                let waited = awaited(project, hook, function);
                waited.filter(|waited| serves_beside(project, hook.at, *waited))
            }
            Language::Go | Language::Rust | Language::TypeScript | Language::Python => None,
        };
        let Some(received) = received else {
            continue;
        };
        if waits_after(project, hook.at, function, received) || caller_waits(project, hook.at) {
            continue;
        }
        let place = At {
            function: hook.at,
            span: received,
        };
        let registered = At {
            function: hook.at,
            span: hook.span,
        };
        report
            .add(place, Ground::Proved(Followed::Statements), "after the signal nothing waits for the part that serves: calls in flight are cut when this function returns")
            .via(project, registered, "the signal is registered here");
    }
}

/// Whether whoever called the function that waits for the signal goes on to wait for the serving.
fn caller_waits(project: &Project<'_>, at: FnRef) -> bool {
    project.callers(at).iter().any(|id| {
        project.site(*id).is_some_and(|site| {
            project
                .function(site.at)
                .is_some_and(|function| waits_after(project, site.at, function, site.span))
        })
    })
}

/// Whether a goroutine that a function starts serves.
fn starts_serving(project: &Project<'_>, at: FnRef) -> bool {
    at.id != FnId::MODULE
        && project.sites_of(at).any(|site| {
            let started = if let ExprKind::Function(id) = &site.call.callee.kind {
                vec![at.beside(*id)]
            } else {
                site.targets.clone()
            };
            if site.call.form != CallForm::Go {
                return false;
            }
            let inside = started
                .iter()
                .flat_map(|function| project.inside(*function));
            let mut started: BTreeSet<FnRef> = inside.collect();
            started.extend(site.targets.iter().copied());
            let mut entries = project.entries.iter();
            entries.any(|entry| entry.site == site.id || started.contains(&entry.at))
        })
}

/// The statement that receives from the channel of the signal, or waits for the end of its context, outside of any choice.
fn received<'a>(project: &Project<'a>, hook: &Hook<'a>, function: &'a Function) -> Option<Span> {
    let site = hook.site.and_then(|id| project.site(id))?;
    let of_context = site.name() == "NotifyContext";
    let channel = site.call.arg(0)?;
    let channel = if let ExprKind::Var(channel) = channel.bare().kind {
        Some(channel)
    } else {
        None
    };
    let mut found = None;
    walk::stmts(&function.body, &mut |stmt| {
        if let StmtKind::Expr(expr)
        | StmtKind::Assign {
            value: Some(expr), ..
        } = &stmt.kind
            && let ExprKind::Await(inner) = &expr.kind
        {
            let fires = if of_context {
                ends_context(project, hook.at, inner)
            } else {
                matches!(inner.bare().kind, ExprKind::Var(id) if Some(id) == channel)
            };
            if fires {
                found = Some(stmt.span);
            }
        }
    });
    found
}

/// Rust: the statement that awaits the signal, outside of any choice: `ctrl_c().await?`, `term.recv().await`.
fn awaited(project: &Project<'_>, hook: &Hook<'_>, function: &Function) -> Option<Span> {
    let is_stream = |on: &Expr| {
        let ExprKind::Var(id) = on.bare().kind else {
            return false;
        };
        let mut made = project.assigned(hook.at.variable(id));
        made.any(|(at, value)| at == hook.at && value.span.holds(hook.span))
    };
    let mut found = None;
    walk::stmts(&function.body, &mut |stmt| {
        let (StmtKind::Expr(expr)
        | StmtKind::Assign {
            value: Some(expr), ..
        }) = &stmt.kind
        else {
            return;
        };
        let mut waited = expr;
        while let ExprKind::Propagate(inner) = &waited.kind {
            waited = inner;
        }
        if let ExprKind::Await(inner) = &waited.kind {
            let of_stream = inner.call().is_some_and(|call| {
                crate::link::callee_name(&call.callee) == "recv"
                    && call.receiver().is_some_and(is_stream)
            });
            if of_stream || inner.bare().span == hook.span {
                found = Some(stmt.span);
            }
        }
    });
    found
}

/// Rust: whether what a function started before a place serves on while it waits there: a server that runs in tasks of its
/// library, or one in a task that is spawned.
fn serves_beside(project: &Project<'_>, at: FnRef, waited: Span) -> bool {
    let before = |span: Span| span.end <= waited.start;
    let mut entries = project.entries.iter();
    let here = entries.any(|entry| entry.at == at && before(entry.span));
    here || project.sites_of(at).any(|site| {
        let spawned = site.role == Some(Role::Task) && before(site.span);
        let mut entries = project.entries.iter();
        spawned
            && entries.any(|entry| {
                entry.at.file == at.file && entry.at != at && site.span.holds(entry.span)
            })
    })
}

/// `ctx.Done()` of the context that `NotifyContext` gave.
fn ends_context<'a>(project: &Project<'a>, at: FnRef, waited: &'a Expr) -> bool {
    waited.call().is_some_and(|call| {
        crate::link::callee_name(&call.callee) == "Done"
            && call.receiver().is_some_and(|object| {
                let paths = project.paths(at, object);
                paths.iter().any(|path| path.contains("NotifyContext"))
            })
    })
}

/// Whether anything after a place drains or waits, here or in the functions that are called there.
fn waits_after(project: &Project<'_>, at: FnRef, function: &Function, place: Span) -> bool {
    let branches = past_branches(function, place);
    let follows = |span: Span| {
        let branch = branches.partition_point(|branch| branch.end <= span.start);
        let past = branches.get(branch);
        span.start >= place.end && past.is_none_or(|past| span.start < past.start)
    };
    let mut found = false;
    walk::stmts(&function.body, &mut |stmt| {
        if follows(stmt.span) {
            found |= matches!(stmt.kind, StmtKind::Select(_));
            walk::own_exprs(stmt, &mut |expr| {
                found |= matches!(expr.kind, ExprKind::Await(_));
            });
        }
    });
    let after = project
        .sites_of(at)
        .filter(|site| follows(site.span) || site.name() == "Wait");
    found
        || after.into_iter().any(|site| {
            super::selected::drains(site)
                || project
                    .reach(&site.targets)
                    .iter()
                    .any(|inner| project.sites_of(*inner).any(super::selected::drains))
        })
}
