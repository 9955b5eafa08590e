//! A shutdown that goes on taking calls.

use crate::facts::{ExprKind, Language, Pattern, Span, StmtKind, walk};
use crate::finding::Severity;
use crate::link::{FnRef, Form, Project};
use crate::rules::{At, Axis, Report, Rule};
use crate::vocabulary::words;

pub(in crate::rules) const RULE: Rule = Rule {
    id: "LIFE-007",
    name: "drain-without-stop-accepting",
    severity: Severity::Medium,
    axes: &[Axis::Reliability],
    cwe: &[362],
    summary: "The shutdown sets a flag or event that no code looks at, so new calls are still taken.",
    why: "A drain ends only when nothing new comes in. A flag that the dispatch of calls never reads stops nothing.",
    fix: "Refuse new calls first: read the flag where calls are dispatched, or close the listener before waiting.",
    fixtures: fixtures!("LIFE-007": ts, py, rs, go),
    check,
};

fn check(project: &Project<'_>, report: &mut Report<'_>) {
    after_wait(project, report);
    for hook in &project.hooks {
        if hook.form != Form::Callback || !hook.trigger.asks_to_stop() {
            continue;
        }
        for at in project.reach(&hook.functions) {
            let Some(function) = project.function(at) else {
                continue;
            };
            let mut sets = Vec::new();
            walk::stmts(&function.body, &mut |stmt| {
                if let StmtKind::Assign {
                    target: Pattern::Var(id),
                    value: Some(value),
                } = &stmt.kind
                    && matches!(value.kind, ExprKind::Bool(true))
                {
                    let variable = project.variable(at.variable(*id));
                    let outer = variable.filter(|variable| variable.owner != at.id);
                    sets.extend(outer.map(|variable| (variable.name.to_string(), stmt.span)));
                } else if let StmtKind::Assign {
                    target: Pattern::Place(place),
                    value: Some(value),
                } = &stmt.kind
                    && matches!(value.kind, ExprKind::Bool(true))
                {
                    sets.extend(project.last_name(at, place).map(|name| (name, stmt.span)));
                }
            });
            for site in project.sites_of(at) {
                if matches!(site.name(), "set" | "store" | "notify_waiters") {
                    sets.extend(project.receiver_name(site).map(|name| (name, site.span)));
                }
            }
            for (name, span) in sets {
                if is_drain_flag(&name) && !is_read(project, &name, span.start, at) {
                    add(report, at, span, &name);
                }
            }
        }
    }
}

/// Go and Rust: a flag or event that is set after the wait for a signal.
fn after_wait(project: &Project<'_>, report: &mut Report<'_>) {
    for site in &project.sites {
        let sets = match site.name() {
            "store" | "Store" => site
                .call
                .arg(0)
                .is_some_and(|value| matches!(value.kind, ExprKind::Bool(true))),
            "notify_waiters" => true,
            _ => false,
        };
        let waits = matches!(
            project.language(site.at.file),
            Language::Go | Language::Rust
        );
        if !sets || !waits || !project.runs_at_stop(site) {
            continue;
        }
        let Some(name) = project.receiver_name(site) else {
            continue;
        };
        let start = site.call.callee.span.start;
        if is_drain_flag(&name) && !is_read(project, &name, start, site.at) {
            add(report, site.at, site.span, &name);
        }
    }
}

fn add(report: &mut Report<'_>, function: FnRef, span: Span, name: &str) {
    let message = format!(
        "`{name}` is set on a signal and read nowhere: calls are still taken, and nothing drains"
    );
    report.add(At { function, span }, message);
}

fn is_drain_flag(name: &str) -> bool {
    words::words(name).iter().any(|word| {
        matches!(
            word.as_str(),
            "shutdown"
                | "shutting"
                | "draining"
                | "stopping"
                | "stop"
                | "stopped"
                | "closing"
                | "terminating"
                | "exiting"
                | "drain"
        )
    })
}

/// Whether the name occurs anywhere but where it is set: in a test, an argument, a receiver of another call.
fn is_read(project: &Project<'_>, name: &str, set: u32, at: FnRef) -> bool {
    project.functions().any(|(other, function)| {
        let mut count = 0;
        walk::stmts(&function.body, &mut |stmt| {
            let assigns = matches!(&stmt.kind, StmtKind::Assign { .. });
            for root in walk::roots(stmt) {
                walk::each(root, &mut |expr| {
                    if !project.is_named(other, expr, name) {
                        return;
                    }
                    let is_place = assigns
                        && matches!(expr.kind, ExprKind::Member(..))
                        && stmt.span.start == expr.span.start;
                    let own_set = other == at && expr.span.start == set;
                    let reset = project.sites_of(other).any(|site| {
                        matches!(site.name(), "set" | "clear" | "store")
                            && site.call.callee.span.holds(expr.span)
                    });
                    if !is_place && !own_set && !reset {
                        count += 1;
                    }
                });
            }
        });
        count > 0
    })
}
