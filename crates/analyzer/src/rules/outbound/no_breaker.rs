//! Handlers call something remote again and again though it keeps failing.

use std::collections::{BTreeMap, BTreeSet};

use crate::finding::{Ground, Severity, Surface, Trusted};
use crate::link::{FnRef, Project, Site};
use crate::rules::outbound::bounds::{is_bounded, of_role};
use crate::rules::{At, Axis, Report, Rule};
use crate::vocabulary::{Kind, Remote, Role};

use super::breakers::Breakers;

/// So many functions that answer requests and wait for one remote end without a limit make it worse: all of them can hang at once.
const MANY: usize = 3;

pub(in crate::rules) const RULE: Rule = Rule {
    id: "CB-001",
    name: "no-circuit-breaker",
    severity: Severity::Low,
    axes: &[Axis::Reliability],
    cwe: &[400, 1088],
    summary: "Nothing stops calls to a remote end that keeps failing.",
    why: "When a database or API is down, every call waits for its timeout, holds a slot while it waits, and adds load to what is trying to come back. A breaker fails such calls at once and lets a single trial through from time to time. Where three tools or more wait for one remote end without a limit, the finding is medium.",
    fix: "Put a circuit breaker around the client (closed, open, one trial half-open), or configure one in the gateway in front of the server.",
    fixtures: fixtures!("CB-001": ts, py, go, rs),
    check,
};

fn check(project: &Project<'_>, report: &mut Report<'_>) {
    if project.entries.is_empty() {
        return;
    }
    let reach = project.handler_reach();
    let breakers = Breakers::of(project);
    let mut files: BTreeMap<u32, (&Site<'_>, BTreeSet<FnRef>)> = BTreeMap::new();
    for site in project.sites() {
        let remote = match site.role {
            Some(Role::Outbound(remote, _)) => remote != Remote::Child,
            Some(Role::Open(Kind::Pool)) => !is_local(site.paths.first().map_or("", |path| path)),
            Some(_) | None => false,
        };
        let runs = reach.contains(&site.at) && project.surface(site.at.file) == Surface::Runtime;
        if remote && runs && !breakers.stand_around(project, site) {
            let (_, stuck) = files.entry(site.at.file).or_insert((site, BTreeSet::new()));
            if of_role(site).is_some_and(|limit| !is_bounded(project, site, limit)) {
                stuck.extend(responders(project, site));
            }
        }
    }
    for (site, stuck) in files.into_values() {
        let finding = report.add(
            At { function: site.at, span: site.span }, Ground::Likely(Trusted::Unread),
            "every call tries the remote end again, however often it failed: there is no circuit breaker",
        );
        if stuck.len() >= MANY {
            finding.weigh(Severity::Medium);
        }
    }
}

/// Functions that answer requests, from which a call is reached.
fn responders(project: &Project<'_>, site: &Site<'_>) -> impl Iterator<Item = FnRef> {
    let above = project.above(site.at);
    let all = project.handlers.iter().map(|handler| handler.function);
    all.filter(move |function| above.contains(function))
}

/// Databases in files need no breaker.
fn is_local(path: &str) -> bool {
    path.contains("sqlite") || path.starts_with("duckdb")
}
