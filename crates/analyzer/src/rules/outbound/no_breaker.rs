//! Handlers call something remote again and again though it keeps failing.

use std::collections::BTreeSet;

use crate::finding::{Confidence, Severity, Surface};
use crate::link::Project;
use crate::rules::{At, Axis, Report, Rule};
use crate::vocabulary::{Kind, Role, words};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "CB-001",
    name: "no-circuit-breaker",
    severity: Severity::Low,
    axes: &[Axis::Reliability],
    cwe: &[400, 1088],
    summary: "Nothing stops calls to a remote end that keeps failing.",
    why: "When a database or API is down, every call waits for its timeout, holds a slot while it waits, and adds load to what is trying to come back. A breaker fails such calls at once and lets a single trial through from time to time.",
    fix: "Put a circuit breaker around the client (closed, open, one trial half-open), or configure one in the gateway in front of the server.",
    fixtures: fixtures!("CB-001": ts, py, go, rs),
    check,
};

fn check(project: &Project<'_>, report: &mut Report<'_>) {
    if project.entries.is_empty() {
        return;
    }
    let reach = project.handler_reach();
    let mut files = BTreeSet::new();
    for site in &project.sites {
        let remote = match site.role {
            Some(Role::Outbound(..)) => true,
            Some(Role::Open(Kind::Pool)) => !is_local(site.paths.first().map_or("", |path| path)),
            Some(_) | None => false,
        };
        let runs = reach.contains(&site.at) && project.surface(site.at.file) == Surface::Runtime;
        if remote && runs && files.insert(site.at.file) && !has_breaker(project, site.at.file) {
            report
                .add(
                    At { function: site.at, span: site.span },
                    "every call tries the remote end again, however often it failed: there is no circuit breaker",
                )
                .sure(Confidence::Likely);
        }
    }
}

/// Databases in files need no breaker.
fn is_local(path: &str) -> bool {
    path.contains("sqlite") || path.starts_with("duckdb")
}

/// A library, or code of its own that is named after it, in the package of a file.
fn has_breaker(project: &Project<'_>, file: u32) -> bool {
    let named = |name: &str| {
        let words = words::words(name);
        words
            .iter()
            .any(|word| matches!(word.as_str(), "breaker" | "circuitbreaker"))
    };
    let near = |other: u32| project.same_program(file, other);
    project
        .sites
        .iter()
        .any(|site| site.role == Some(Role::Breaker) && near(site.at.file))
        || project
            .files
            .iter()
            .zip(0u32..)
            .any(|(other, at)| other.classes.iter().any(|class| named(&class.name)) && near(at))
        || project
            .functions()
            .any(|(at, function)| named(&function.name) && near(at.file))
        || project.uses_in(file, "breaker")
}
