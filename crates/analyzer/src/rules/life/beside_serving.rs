//! Go and Rust: a task waits for SIGTERM beside the part that serves, and lets that go on.

use std::collections::BTreeSet;

use crate::facts::{CallForm, ExprKind, FnId, Language, Pattern, StmtKind, VariableKind, walk};
use crate::finding::{Ground, Surface, Trusted};
use crate::link::{Fate, FnRef, Form, Hook, Project, Site};
use crate::rules::{At, Report};
use crate::vocabulary::{Role, words};

/// Names of calls that may end the server or tell it to, where they are none of the project's.
const ENDING: &[&str] = &[
    "cancel",
    "cancel_all",
    "send",
    "try_send",
    "blocking_send",
    "notify",
    "notify_one",
    "notify_waiters",
    "abort",
    "abort_all",
    "store",
    "set",
    "swap",
    "kill",
    "exit",
    "stop",
    "close",
    "drop",
    "shutdown",
    "graceful_shutdown",
    "Stop",
    "Close",
    "Shutdown",
    "Done",
    "Store",
    "Signal",
    "Broadcast",
];

/// The task of a signal whose code comes to its end with nothing told to the function that started it.
pub(super) fn look(project: &Project<'_>, report: &mut Report<'_>) {
    let mut leading: Option<BTreeSet<FnRef>> = None;
    let mut told: BTreeSet<FnRef> = BTreeSet::new();
    for hook in &project.hooks {
        let is_task = hook.form == Form::Wait
            && hook.trigger.is_signal("SIGTERM")
            && matches!(
                project.language(hook.at.file),
                Language::Go | Language::Rust
            )
            && project.surface(hook.at.file) != Surface::Tests;
        let Some((task, started)) = is_task.then(|| task(project, hook)).flatten() else {
            continue;
        };
        let leading = leading
            .get_or_insert_with(|| project.above_any(project.entries.iter().map(|entry| entry.at)));
        if !leading.contains(&started.at)
            || leading.contains(&task)
            || is_waited_for(project, started)
            || tells(project, task)
            || !told.insert(task)
        {
            continue;
        }
        let place = At {
            function: hook.at,
            span: hook.span,
        };
        let beside = At {
            function: started.at,
            span: started.span,
        };
        report
            .add(place, Ground::Likely(Trusted::Name), "SIGTERM is caught here, and nothing that this task does then ends the server: the process can't be ended by SIGTERM")
            .via(project, beside, "it is started beside here");
    }
}

/// The function that is started beside another one and waits for the signal, and the call that starts it.
fn task<'p, 'a>(project: &'p Project<'a>, hook: &Hook<'a>) -> Option<(FnRef, &'p Site<'a>)> {
    project.outward(hook.at).find_map(|(at, function)| {
        let outer = at.beside(function.parent.filter(|id| *id != FnId::MODULE)?);
        let mut around = project.sites_holding(outer, function.span);
        let site =
            around.find(|site| site.call.form == CallForm::Go || site.role == Some(Role::Task))?;
        Some((at, site))
    })
}

/// Whether the function that starts a task waits for it: what it gives is used for more than to end it.
fn is_waited_for(project: &Project<'_>, started: &Site<'_>) -> bool {
    if started.fate == Fate::Dropped || started.call.form == CallForm::Go {
        return false;
    }
    let Some(function) = project.function(started.at) else {
        return true;
    };
    let mut kept = None;
    walk::stmts(&function.body, &mut |stmt| {
        if let StmtKind::Assign {
            target: Pattern::Var(id),
            value: Some(value),
        } = &stmt.kind
            && value.span == started.span
        {
            kept = Some(*id);
        }
    });
    let Some(kept) = kept else {
        return true;
    };
    let aborted = project.sites_of(started.at).filter(|site| {
        site.name() == "abort"
            && matches!(site.call.receiver().map(|on| &on.kind), Some(ExprKind::Var(id)) if *id == kept)
    });
    let aborted: Vec<_> = aborted.map(|site| site.span).collect();
    let mut used = false;
    for inner in project.inside(started.at) {
        if let Some(function) = project.function(inner) {
            walk::exprs(&function.body, &mut |expr| {
                used |= matches!(expr.kind, ExprKind::Var(id) if id == kept)
                    && !aborted.iter().any(|span| span.holds(expr.span));
            });
        }
    }
    used
}

/// Whether a task ends the process, or may tell anything to the rest of it.
fn tells(project: &Project<'_>, task: FnRef) -> bool {
    let mut roots = project.inside(task);
    roots.push(task);
    project.reach(&roots).iter().any(|at| {
        let calls = project.sites_of(*at).any(|site| {
            let is_outside = site.targets.is_empty();
            matches!(
                site.role,
                Some(Role::Exit | Role::ExitUnwinding | Role::Kill | Role::Serve(_))
            ) || (is_outside
                && ((ENDING.contains(&site.name()) && !clears(site) && !frees(project, site))
                    || is_unknown(project, site)))
        });
        calls || sets(project, *at)
    })
}

/// `connected.store(false, …)` says of a thing that it is gone.
fn clears(site: &Site<'_>) -> bool {
    let value = site.call.arg(0).map(|value| &value.kind);
    matches!(value, Some(ExprKind::Bool(false)))
}

/// `self.connection.close()` gives back what the server used, and goes on serving.
fn frees(project: &Project<'_>, site: &Site<'_>) -> bool {
    const USED: &[&str] = &[
        "connection",
        "conn",
        "session",
        "pool",
        "db",
        "database",
        "browser",
        "cache",
        "socket",
    ];
    let on = project.receiver_name(site).unwrap_or_default();
    let words = words::words(&on);
    matches!(site.name(), "close" | "Close")
        && words.iter().any(|word| USED.contains(&word.as_str()))
}

/// Whether a call is one of a variable that may hold any function.
fn is_unknown(project: &Project<'_>, site: &Site<'_>) -> bool {
    let ExprKind::Var(id) = site.call.callee.kind else {
        return false;
    };
    let variable = project.variable(site.at.variable(id));
    let is_import = |kind| matches!(kind, VariableKind::Import(_) | VariableKind::Class(_));
    site.call.form == CallForm::Plain && variable.is_none_or(|variable| !is_import(variable.kind))
}

/// Whether a function sets what is not its own, or panics.
fn sets(project: &Project<'_>, at: FnRef) -> bool {
    let Some(function) = project.function(at) else {
        return true;
    };
    let mut found = false;
    walk::stmts(&function.body, &mut |stmt| {
        found |= matches!(stmt.kind, StmtKind::Throw(_));
        if let StmtKind::Assign { target, .. } = &stmt.kind {
            found |= match target.variable() {
                Some(id) => {
                    let owner = project.variable(at.variable(id)).map(|one| one.owner);
                    owner.is_some_and(|owner| owner != at.id)
                }
                None => matches!(target, Pattern::Place(_)),
            };
        }
    });
    found
}
