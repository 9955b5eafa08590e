//! A handler for SIGTERM that ends nothing.

use crate::facts::{ExprKind, Pattern, Span, StmtKind, walk};
use crate::finding::Severity;
use crate::link::{FnRef, Form, Hook, Project};
use crate::rules::{At, Axis, Report, Rule};
use crate::vocabulary::Role;

pub(in crate::rules) const RULE: Rule = Rule {
    id: "LIFE-005",
    name: "signal-swallowed",
    severity: Severity::High,
    axes: &[Axis::Reliability],
    cwe: &[404, 391],
    summary: "A handler is registered for SIGTERM and nothing that it does ends the server.",
    why: "A handler replaces the default action. If it only sets an event that no code waits for, the process can't be ended by SIGTERM any more: worse than no handler.",
    fix: "Wait for the event where the server runs and leave from there, or cancel the task that serves.",
    fixtures: fixtures!("LIFE-005": ts, py, rs, go),
    check,
};

/// Names of calls that wait for or look at an event or flag.
const READING: &[&str] = &[
    "wait",
    "is_set",
    "recv",
    "cancelled",
    "isSet",
    "Done",
    "Err",
    "load",
    "is_cancelled",
    "throwIfAborted",
    "subscribe",
];

fn check(project: &Project<'_>, report: &mut Report<'_>) {
    super::never_waited::look(project, report);
    for hook in &project.hooks {
        if hook.form != Form::Callback
            || !hook.trigger.is_signal("SIGTERM")
            || hook.functions.is_empty()
        {
            continue;
        }
        let unknown = hook.functions.iter().any(|at| calls_unknown(project, *at));
        if unknown || ends_something(project, hook) {
            continue;
        }
        let place = At {
            function: hook.at,
            span: hook.span,
        };
        let finding = report.add(place, "SIGTERM is caught here, and nothing that the handler does ends the server: the process can't be ended by SIGTERM");
        for at in &hook.functions {
            if let Some(function) = project.function(*at) {
                finding.via(
                    project,
                    At {
                        function: *at,
                        span: function.span,
                    },
                    "the handler",
                );
            }
        }
    }
}

fn ends_something(project: &Project<'_>, hook: &Hook<'_>) -> bool {
    let reach = project.reach(&hook.functions);
    reach.iter().any(|at| {
        let Some(function) = project.function(*at) else {
            return false;
        };
        let mut ends = false;
        walk::stmts(&function.body, &mut |stmt| match &stmt.kind {
            StmtKind::Throw(_) => ends = true,
            StmtKind::Assign { target, .. } => {
                ends |= set_and_read(project, *at, target, stmt.span)
            }
            StmtKind::Expr(_)
            | StmtKind::Value(_)
            | StmtKind::Return(_)
            | StmtKind::If { .. }
            | StmtKind::Loop { .. }
            | StmtKind::Try { .. }
            | StmtKind::Match { .. }
            | StmtKind::Select(_)
            | StmtKind::With { .. }
            | StmtKind::Defer(_)
            | StmtKind::Break
            | StmtKind::Continue
            | StmtKind::Block(_) => {}
        });
        ends || project.sites_of(*at).any(|site| {
            matches!(
                site.role,
                Some(Role::Exit | Role::ExitUnwinding | Role::Kill)
            ) || Project::is_closing(site)
                || matches!(
                    site.name(),
                    "cancel"
                        | "send_signal"
                        | "resolve"
                        | "kill"
                        | "interrupt"
                        | "call_soon_threadsafe"
                        | "emit"
                        | "send"
                        | "put"
                        | "put_nowait"
                        | "dispatchEvent"
                        | "exit"
                        | "stop"
                        | "reject"
                        | "create_task"
                )
                || (matches!(
                    site.name(),
                    "set" | "notify" | "notify_one" | "notify_waiters" | "store"
                ) && event_is_read(project, site))
                || is_parameter(project, site)
        })
    })
}

/// A call of a parameter or a value that is not known: whoever passed it may end the server.
fn is_parameter(project: &Project<'_>, site: &crate::link::Site<'_>) -> bool {
    let unknown = site.targets.is_empty() && site.paths.is_empty();
    unknown
        && matches!(site.call.callee.kind, ExprKind::Var(_))
        && project.function(site.at).is_some()
}

/// Whether the event that a call sets is waited for or looked at anywhere else.
fn event_is_read(project: &Project<'_>, set: &crate::link::Site<'_>) -> bool {
    let ExprKind::Member(object, _) = &set.call.callee.kind else {
        return false;
    };
    let Some(name) = project.last_name(set.at, object) else {
        return true;
    };
    let stops = project.stopping();
    project.sites.iter().any(|site| {
        if !READING.contains(&site.name()) || stops.contains(&site.at) {
            return false;
        }
        let receiver = if let ExprKind::Member(object, _) = &site.call.callee.kind {
            project.last_name(site.at, object)
        } else {
            None
        };
        receiver.as_deref() == Some(name.as_str())
            || site
                .call
                .args
                .iter()
                .any(|arg| project.last_name(site.at, &arg.value).as_deref() == Some(name.as_str()))
    })
}

/// Whether a flag that the handler sets is read outside of it.
fn set_and_read(project: &Project<'_>, at: FnRef, target: &Pattern, set: Span) -> bool {
    let mut names = Vec::new();
    match target {
        Pattern::Var(id) => names.extend(
            project
                .variable(crate::link::VarRef {
                    file: at.file,
                    id: *id,
                })
                .filter(|variable| variable.owner != at.id)
                .map(|variable| variable.name.to_string()),
        ),
        Pattern::Place(place) => names.extend(project.last_name(at, place)),
        Pattern::List(_)
        | Pattern::Object(_)
        | Pattern::Of(..)
        | Pattern::Value(_)
        | Pattern::Or(_)
        | Pattern::Any => {}
    }
    names.iter().any(|name| {
        project.functions().any(|(other, function)| {
            let mut read = false;
            if !project.stopping().contains(&other) {
                walk::stmts(&function.body, &mut |stmt| {
                    let tests = match &stmt.kind {
                        StmtKind::If { test, .. } => Some(test),
                        StmtKind::Loop { over, .. } => over.as_ref(),
                        StmtKind::Expr(_)
                        | StmtKind::Assign { .. }
                        | StmtKind::Value(_)
                        | StmtKind::Return(_)
                        | StmtKind::Throw(_)
                        | StmtKind::Try { .. }
                        | StmtKind::Match { .. }
                        | StmtKind::Select(_)
                        | StmtKind::With { .. }
                        | StmtKind::Defer(_)
                        | StmtKind::Break
                        | StmtKind::Continue
                        | StmtKind::Block(_) => None,
                    };
                    if let Some(test) = tests
                        && !set.holds(test.span)
                    {
                        read |= project.names_in(other, test).contains(name);
                    }
                });
            }
            read
        })
    })
}

/// Whether a function calls something from outside that may end the server.
fn calls_unknown(project: &Project<'_>, at: FnRef) -> bool {
    project.sites_of(at).any(|site| {
        site.targets.is_empty()
            && !matches!(site.role, Some(Role::Log | Role::Stdout))
            && !matches!(
                site.name(),
                "set" | "info" | "debug" | "warning" | "error" | "log"
            )
    })
}
