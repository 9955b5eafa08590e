//! A breaker that permits when it is open.

use std::collections::{HashMap, HashSet};

use crate::facts::StmtKind;
use crate::finding::{Ground, Severity, Trusted};
use crate::link::{FnRef, Project, Site, Value};
use crate::rules::{At, Axis, Report, Rule};
use crate::vocabulary::{self, Role};

use super::permit;

pub(in crate::rules) const RULE: Rule = Rule {
    id: "AUTH-006",
    name: "breaker-open-permits",
    severity: Severity::High,
    axes: &[Axis::Security],
    cwe: &[636],
    summary: "The fallback of a breaker in front of a check of access permits.",
    why: "Whoever brings the check down, by load or by luck, is let in while the breaker is open.",
    fix: "Let the fallback deny; a cached permit needs an age limit.",
    fixtures: fixtures!("AUTH-006": ts, py, rs, go),
    check,
};

fn check(project: &Project<'_>, report: &mut Report<'_>) {
    rejected(project, report);
    let guarded: HashSet<u32> = project
        .sites()
        .filter(|made| made.role == Some(Role::Breaker))
        .filter(|made| {
            made.call.args.iter().any(|arg| {
                let name = project.last_name(made.at, &arg.value);
                name.is_some_and(|name| project.hints.is_authority(&name))
            })
        })
        .map(|made| made.at.file)
        .collect();
    for site in project.sites() {
        if site.name() != "fallback"
            || !guarded.contains(&site.at.file)
            || !is_on_breaker(project, site)
        {
            continue;
        }
        let Some(fallback) = site.call.arg(0) else {
            continue;
        };
        for value in project.values(site.at, fallback) {
            let Value::Function(function) = value else {
                continue;
            };
            let Some(code) = project.function(function) else {
                continue;
            };
            for stmt in permit::permitting(project, function, &code.body) {
                if matches!(stmt.kind, StmtKind::Return(_) | StmtKind::Value(_)) {
                    report.add(
                        At {
                            function,
                            span: stmt.span,
                        },
                        Ground::Likely(Trusted::Name),
                        "while the breaker is open, access is permitted",
                    );
                }
            }
        }
    }
}

/// Whether a call is one of a breaker's methods.
fn is_on_breaker(project: &Project<'_>, site: &Site<'_>) -> bool {
    site.paths.iter().any(|path| {
        let made = path.rsplit_once("()").map_or("", |(base, _)| base);
        vocabulary::role(project.language(site.at.file), made) == Some(Role::Breaker)
    })
}

/// Python, Go and Rust: a breaker that rejects gives an error, and the check of access that went through it permits on that error.
fn rejected(project: &Project<'_>, report: &mut Report<'_>) {
    // Where each function first goes through a breaker.
    let mut first: HashMap<FnRef, u32> = HashMap::new();
    for site in project.sites().filter(|site| is_on_breaker(project, site)) {
        let start = first.entry(site.at).or_insert(site.span.start);
        *start = site.span.start.min(*start);
    }
    for failure in &project.failures {
        let Some(authority) = permit::authority_around(project, failure.at) else {
            continue;
        };
        let by_breaker = first.get(&failure.at);
        if by_breaker.is_none_or(|start| *start >= failure.span.start) {
            continue;
        }
        for stmt in permit::permitting(project, authority, failure.body) {
            let place = At {
                function: failure.at,
                span: stmt.span,
            };
            report.add(
                place,
                permit::ground(project, authority),
                "while the breaker is open, access is permitted",
            );
        }
    }
}
