//! Rust and Go: a task or goroutine beside the serving waits for a signal, and ends the process.

use std::collections::BTreeSet;

use crate::facts::{Expr, ExprKind, Language, Span, Stmt, StmtKind, walk};
use crate::finding::{Ground, Trusted};
use crate::link::{FnRef, Form, Hook, Project, Site};
use crate::rules::{At, Report};
use crate::vocabulary::{Role, words};

use super::exit_without_drain::in_second_branch;
use super::fires::{self, Fires};
use super::in_flight::waits_for_calls;
use super::selected::drains;

/// `go func() { <-stop; os.Exit(0) }()`, `tokio::spawn(async { ctrl_c().await; exit(0) })`.
pub(super) fn look(project: &Project<'_>, report: &mut Report<'_>) {
    // What serves or leads there does after a signal is another matter.
    let leading = project.above_any(project.entries.iter().map(|entry| entry.at));
    let mut asked: BTreeSet<FnRef> = BTreeSet::new();
    let mut seen: BTreeSet<FnRef> = BTreeSet::new();
    for hook in &project.hooks {
        let is_ours = matches!(
            project.language(hook.at.file),
            Language::Rust | Language::Go
        );
        let serves = project
            .entries
            .iter()
            .any(|entry| entry.process.contains(&hook.at) || entry.at.file == hook.at.file);
        if !is_ours || hook.form != Form::Wait || !hook.trigger.asks_to_stop() || !serves {
            continue;
        }
        // Hooks of one function stand beside the same functions.
        if !asked.insert(hook.at) {
            continue;
        }
        for at in project.inside(hook.at) {
            if !leading.contains(&at) && seen.insert(at) {
                beside(project, hook, at, report);
            }
        }
    }
}

fn beside(project: &Project<'_>, hook: &Hook<'_>, at: FnRef, report: &mut Report<'_>) {
    let Some(function) = project.function(at) else {
        return;
    };
    let mut first: Option<Span> = None;
    walk::stmts(&function.body, &mut |stmt| {
        if first.is_none() && waits_here(project, at, stmt) {
            first = Some(stmt.span);
        }
    });
    let Some(waited) = first else { return };
    let after: Vec<&Site<'_>> = project
        .sites_of(at)
        .filter(|site| site.span.start >= waited.start)
        .collect();
    let called: Vec<FnRef> = after
        .iter()
        .flat_map(|site| site.targets.iter().copied())
        .collect();
    let reach = project.reach(&called);
    // A function of the author's that is called `shutdown` drains if something in it does; what lies deeper is how things close.
    let near: BTreeSet<FnRef> = called.iter().copied().collect();
    let waits = |site: &Site<'_>| site.targets.is_empty() && drains(site);
    let drained = after.iter().any(|site| waits(site))
        || waits_for_calls(project, &near)
        || near.iter().any(|inner| project.sites_of(*inner).any(waits));
    if drained {
        return;
    }
    let below = reach.iter().flat_map(|inner| project.sites_of(*inner));
    for site in after.into_iter().chain(below) {
        if site.role != Some(Role::Exit)
            || in_second_branch(project, site)
            || project.is_timer(site.at)
        {
            continue;
        }
        let place = At {
            function: site.at,
            span: site.span,
        };
        let registered = At {
            function: hook.at,
            span: hook.span,
        };
        report
            .add(place, Ground::Likely(Trusted::Name), "the process exits here on a signal while calls may be in flight; nothing waits for them")
            .via(project, registered, "the signal is waited for here");
        return;
    }
}

/// Whether a statement receives what a signal sends: a channel or stream that is named so, or the future of the signal itself.
fn waits_here(project: &Project<'_>, at: FnRef, stmt: &Stmt) -> bool {
    let mut found = false;
    let mut look = |expr: &Expr| {
        if let ExprKind::Await(inner) = &expr.kind {
            found |= is_of_signal(project, at, inner);
        }
    };
    walk::own_exprs(stmt, &mut look);
    if let StmtKind::Select(arms) = &stmt.kind {
        for test in arms.iter().filter_map(|arm| arm.test.as_ref()) {
            found |= is_of_signal(project, at, test);
        }
    }
    if let StmtKind::Loop {
        over: Some(over), ..
    } = &stmt.kind
    {
        found |= is_of_signal(project, at, over);
    }
    found
}

fn is_of_signal(project: &Project<'_>, at: FnRef, waited: &Expr) -> bool {
    let mut found = false;
    walk::each(waited, &mut |inner| {
        let by_call = inner
            .call()
            .and_then(|_| project.site_at(at, inner))
            .is_some_and(|site| matches!(site.role, Some(Role::AwaitSignal(_))));
        let fires = if let ExprKind::Var(id) = inner.kind {
            fires::variable(project, at, id)
        } else {
            Fires::No
        };
        let named = fires == Fires::Unknown
            && project.last_name(at, inner).is_some_and(|name| {
                words::words(&name).iter().any(|word| {
                    matches!(
                        word.as_str(),
                        "sig"
                            | "signal"
                            | "signals"
                            | "sigs"
                            | "sigchan"
                            | "sigch"
                            | "sigterm"
                            | "sigint"
                            | "term"
                            | "terminate"
                            | "interrupt"
                            | "quit"
                            | "stop"
                            | "shutdown"
                    )
                })
            });
        found |= by_call || named || fires == Fires::Yes;
    });
    found
}
