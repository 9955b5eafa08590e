//! Work that a signal handler must not do.

use crate::facts::{ExprKind, Language, Span, StmtKind, walk};
use crate::finding::{Followed, Ground, Severity};
use crate::link::{FnRef, Form, Project, Value};
use crate::rules::{At, Axis, Report, Rule};
use crate::vocabulary::{self, Role};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "LOCK-001",
    name: "unsafe-signal-work",
    severity: Severity::Medium,
    axes: &[Axis::Reliability],
    cwe: &[364, 479],
    summary: "A signal handler locks, logs or prints, or a signal may be lost.",
    why: "Python runs a handler between two instructions of the main thread: a lock that is held there is waited for for ever, and logging takes locks. In Go a signal that finds no room in the channel is dropped.",
    fix: "Only set an event (or use `loop.add_signal_handler`); give the channel of `signal.Notify` room for one.",
    fixtures: fixtures!("LOCK-001": py, go),
    check,
};

fn check(project: &Project<'_>, report: &mut Report<'_>) {
    for hook in &project.hooks {
        let language = project.language(hook.at.file);
        let site = hook.site.and_then(|id| project.site(id));
        let Some(site) = site else {
            continue;
        };
        if language == Language::Python
            && hook.form == Form::Callback
            && site.paths.iter().any(|path| &**path == "signal.signal")
        {
            for at in &hook.functions {
                let calls = project.sites_of(*at).filter(|inner| {
                    matches!(inner.role, Some(Role::Log | Role::Stdout | Role::Lock))
                });
                let calls = calls.map(|inner| (inner.span, inner.name().to_owned()));
                let first = calls
                    .chain(held(project, *at))
                    .min_by_key(|(span, _)| span.start);
                if let Some((span, name)) = first {
                    let message =
                        format!("`{name}` takes locks, and this runs inside a signal handler");
                    report
                        .add(
                            At {
                                function: *at,
                                span,
                            },
                            Ground::Proved(Followed::Hook),
                            message,
                        )
                        .via(
                            project,
                            At {
                                function: hook.at,
                                span: hook.span,
                            },
                            "registered here",
                        );
                }
            }
        }
        if language == Language::Go && site.name() == "Notify" {
            let unbuffered = site
                .call
                .arg(0)
                .is_some_and(|channel| is_unbuffered(project, site.at, channel));
            if unbuffered {
                let place = At {
                    function: hook.at,
                    span: hook.span,
                };
                report.add(
                    place,
                    Ground::Proved(Followed::Value),
                    "the channel has no room: a signal that comes while nobody receives is lost",
                );
            }
        }
    }
}

/// `with lock:`, which acquires it.
fn held(project: &Project<'_>, at: FnRef) -> Vec<(Span, String)> {
    let language = project.language(at.file);
    let mut all = Vec::new();
    let Some(function) = project.function(at) else {
        return all;
    };
    walk::stmts(&function.body, &mut |stmt| {
        let StmtKind::With { resources, .. } = &stmt.kind else {
            return;
        };
        for resource in resources {
            let is_lock = project.paths(at, &resource.value).iter().any(|path| {
                vocabulary::role(language, &format!("{path}.acquire")) == Some(Role::Lock)
            });
            if is_lock {
                let name = project.last_name(at, &resource.value).unwrap_or_default();
                all.push((resource.value.span, name));
            }
        }
    });
    all
}

/// Whether the variable was made by `make(chan T)` without a capacity.
fn is_unbuffered<'a>(
    project: &Project<'a>,
    at: crate::link::FnRef,
    channel: &'a crate::facts::Expr,
) -> bool {
    let ExprKind::Var(id) = &channel.kind else {
        return false;
    };
    let made = project.values(at, channel);
    let by_value = made
        .iter()
        .any(|value| matches!(value, Value::Path(path) if &**path == "make()"));
    let variable = at.variable(*id);
    by_value
        && project.assigned(variable).any(|(_, value)| {
            value.call().is_some_and(|call| {
                crate::link::callee(&call.callee) == "make" && call.args.len() < 2
            })
        })
}
