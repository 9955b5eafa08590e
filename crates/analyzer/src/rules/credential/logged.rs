//! A credential in a log.

use crate::facts::{Expr, ExprKind};
use crate::finding::Severity;
use crate::link::{FnRef, Project, Site};
use crate::rules::{At, Axis, Report, Rule};
use crate::vocabulary::Role;

use super::source;

pub(in crate::rules) const RULE: Rule = Rule {
    id: "CRED-003",
    name: "secret-logged",
    severity: Severity::High,
    axes: &[Axis::Credentials],
    cwe: &[532],
    summary: "A credential is written to a log or to an output.",
    why: "Logs are kept, shipped and read by more people than the secret was meant for.",
    fix: "Log whether it is set, or its name; redact the value.",
    fixtures: fixtures!("CRED-003": ts, py, rs, go),
    check,
};

fn check(project: &Project<'_>, report: &mut Report<'_>) {
    for site in &project.sites {
        if !logs(project, site) {
            continue;
        }
        if site
            .call
            .args
            .iter()
            .any(|arg| shows(project, site.at, &arg.value))
        {
            report.add(
                At {
                    function: site.at,
                    span: site.span,
                },
                "this writes a credential to a log",
            );
        }
    }
}

fn logs(project: &Project<'_>, site: &Site<'_>) -> bool {
    let named = matches!(
        site.name(),
        "log" | "info" | "debug" | "warn" | "warning" | "error" | "print"
    ) && project
        .receiver_name(site)
        .is_some_and(|name| name.to_lowercase().contains("log"));
    matches!(site.role, Some(Role::Log | Role::Stdout)) || named
}

/// Whether the value itself is shown: bare or inside a text, not as a test or a length.
fn shows(project: &Project<'_>, at: FnRef, expr: &Expr) -> bool {
    if let ExprKind::Join(parts) = &expr.kind {
        parts.iter().any(|part| shows(project, at, part))
    } else if let ExprKind::Logic(_, left, right) = &expr.kind {
        shows(project, at, left) || shows(project, at, right)
    } else if let ExprKind::Choice(_, then, otherwise) = &expr.kind {
        shows(project, at, then) || shows(project, at, otherwise)
    } else if let ExprKind::Var(_) | ExprKind::Member(..) | ExprKind::Index(..) = &expr.kind {
        source::carries(project, at, expr)
    } else if let ExprKind::Object(entries) = &expr.kind {
        entries.iter().any(|entry| shows(project, at, &entry.value))
    } else {
        false
    }
}
