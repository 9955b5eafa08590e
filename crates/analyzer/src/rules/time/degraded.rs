//! One failed write that takes the reads away.

use std::collections::{BTreeSet, HashMap};

use crate::facts::{ExprKind, Span, StmtKind, walk};
use crate::finding::{Ground, Severity, Trusted};
use crate::link::{Failure, FnRef, Project};
use crate::rules::effects;
use crate::rules::{At, Axis, Report, Rule};
use crate::vocabulary::words;

pub(in crate::rules) const RULE: Rule = Rule {
    id: "DEG-001",
    name: "no-readonly-fallback",
    severity: Severity::Info,
    axes: &[Axis::Reliability],
    cwe: &[755],
    summary: "The failure of a write marks the whole server unhealthy, reads included.",
    why: "Reads often still work when writes do not; a server that refuses both is down where it could have been read-only.",
    fix: "Keep one health for reading and one for writing, and refuse only what is broken.",
    fixtures: fixtures!("DEG-001": ts, py, rs, go),
    check,
};

fn check(project: &Project<'_>, report: &mut Report<'_>) {
    let guards = std::cell::OnceCell::new();
    let guards_others = |writer: FnRef, name: &str| {
        let guards: &Guards = guards.get_or_init(|| guards_of(project));
        let key = (project.cluster_of(writer.file), name.to_owned());
        let guarded = guards.get(&key);
        guarded.is_some_and(|guarded| guarded.iter().any(|at| *at != writer))
    };
    let changing = effects::changing(project);
    for failure in &project.failures {
        // A client of the author's writes by what its methods call.
        let writes = project
            .sites_within(failure.at, failure.guarded)
            .any(|site| {
                effects::changes(site) || site.targets.iter().any(|at| changing.contains(at))
            });
        if !writes {
            continue;
        }
        for (name, span) in stored(project, failure) {
            if guards_others(failure.at, &name) {
                add(report, failure.at, span, &name);
            }
        }
        walk::assignments(failure.body, &mut |stmt, target, value| {
            let name = project.target_name(failure.at, target);
            let Some(name) = name.filter(|name| is_health(name)) else {
                return;
            };
            if matches!(value.kind, ExprKind::Bool(false)) && guards_others(failure.at, &name) {
                add(report, failure.at, stmt.span, &name);
            }
        });
    }
}

fn add(report: &mut Report<'_>, function: FnRef, span: Span, name: &str) {
    let message = format!("a failed write sets `{name}`, which refuses reads as well");
    report.add(
        At { function, span },
        Ground::Likely(Trusted::Name),
        message,
    );
}

/// Atomic flags that a region sets to false: `healthy.store(false, …)`, `healthy.Store(false)`.
fn stored(project: &Project<'_>, failure: &Failure<'_>) -> Vec<(String, Span)> {
    project
        .sites_within(failure.at, failure.span)
        .filter(|site| matches!(site.name(), "store" | "Store"))
        .filter(|site| {
            let value = site.call.arg(0).map(|arg| &arg.kind);
            matches!(value, Some(ExprKind::Bool(false)))
        })
        .filter_map(|site| Some((project.receiver_name(site)?, site.span)))
        .filter(|(name, _)| is_health(name))
        .collect()
}

fn is_health(name: &str) -> bool {
    let words = words::words(name);
    let health = words.iter().any(|word| {
        matches!(
            word.as_str(),
            "healthy" | "available" | "connected" | "ready" | "up" | "alive"
        )
    });
    let split = words
        .iter()
        .any(|word| matches!(word.as_str(), "write" | "writes" | "writable" | "read"));
    health && !split
}

/// The functions that test something of a name, by the cluster of files.
type Guards = HashMap<(u32, String), BTreeSet<FnRef>>;

fn guards_of(project: &Project<'_>) -> Guards {
    let mut all = Guards::new();
    for (at, function) in project.functions() {
        let cluster = project.cluster_of(at.file);
        walk::stmts(&function.body, &mut |stmt| {
            if let StmtKind::If { test, .. } = &stmt.kind {
                for name in project.names_in(at, test) {
                    if is_health(&name) {
                        all.entry((cluster, name)).or_default().insert(at);
                    }
                }
            }
        });
    }
    all
}
