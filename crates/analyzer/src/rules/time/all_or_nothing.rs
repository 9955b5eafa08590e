//! One failed source loses the others' answers.

use crate::facts::{ExprKind, Language, StmtKind, walk};
use crate::finding::Severity;
use crate::link::{FnRef, Project, Site};
use crate::rules::effects;
use crate::rules::outbound::bounds;
use crate::rules::{At, Axis, Report, Rule};
use crate::vocabulary::Role;

pub(in crate::rules) const RULE: Rule = Rule {
    id: "AGG-001",
    name: "all-or-nothing",
    severity: Severity::Low,
    axes: &[Axis::Reliability],
    cwe: &[755],
    summary: "Several independent sources are read together, and one failure loses them all.",
    why: "The answers that did come are thrown away, where a part with a warning would have served.",
    fix: "Settle each source by itself (`Promise.allSettled`) and say in the result which one is missing.",
    fixtures: fixtures!("AGG-001": ts, go),
    check,
};

fn check(project: &Project<'_>, report: &mut Report<'_>) {
    for site in project.sites().filter(|site| site.role == Some(Role::All)) {
        if !project.handler_reach().contains(&site.at) {
            continue;
        }
        let sources = match project.language(site.at.file) {
            Language::Go => grouped(project, site),
            Language::TypeScript => listed(project, site),
            Language::Python | Language::Rust => 0,
        };
        if sources >= 2 {
            let message = format!(
                "{sources} sources are read together, and the failure of one loses the others' answers"
            );
            report.add(
                At {
                    function: site.at,
                    span: site.span,
                },
                message,
            );
        }
    }
}

/// The sources in the list that is waited for.
fn listed(project: &Project<'_>, site: &Site<'_>) -> usize {
    let Some(ExprKind::List(parts)) = site.call.arg(0).map(|arg| &arg.kind) else {
        return 0;
    };
    parts
        .iter()
        .filter_map(|part| project.site_at(site.at, part))
        .filter(|part| reads(project, part))
        .count()
}

/// The functions given to an `errgroup` that read from a remote end and give its error back.
fn grouped(project: &Project<'_>, wait: &Site<'_>) -> usize {
    let group = project.receiver_name(wait);
    project
        .sites_of(wait.at)
        .filter(|site| site.name() == "Go" && project.receiver_name(site) == group)
        .filter_map(|site| match site.call.arg(0).map(|arg| &arg.kind) {
            Some(ExprKind::Function(id)) => Some(wait.at.beside(*id)),
            Some(_) | None => None,
        })
        .filter(|function| {
            let reached = project.reach(&[*function]);
            let reads = reached.iter().any(|at| {
                project
                    .sites_of(*at)
                    .any(|site| bounds::of_role(site).is_some() && !effects::posts(site))
            });
            reads && gives_errors(project, *function)
        })
        .count()
}

/// Whether a function returns anything but `nil`.
fn gives_errors(project: &Project<'_>, at: FnRef) -> bool {
    let mut found = false;
    if let Some(function) = project.function(at) {
        walk::stmts(&function.body, &mut |stmt| {
            if let StmtKind::Return(Some(value)) = &stmt.kind {
                found |= !matches!(value.kind, ExprKind::Null);
            }
        });
    }
    found
}

/// Whether a call reads from a remote end, by itself or through the functions that it calls, and catches nothing.
fn reads(project: &Project<'_>, site: &Site<'_>) -> bool {
    if site.name() == "catch" {
        return false;
    }
    if bounds::of_role(site).is_some() {
        return !effects::posts(site);
    }
    let reach = project.reach(&site.targets);
    !site.targets.is_empty()
        && reach.iter().any(|at| {
            project
                .sites_of(*at)
                .any(|inner| bounds::of_role(inner).is_some() && !effects::posts(inner))
        })
        && !project
            .failures
            .iter()
            .any(|failure| site.targets.contains(&failure.at))
}
