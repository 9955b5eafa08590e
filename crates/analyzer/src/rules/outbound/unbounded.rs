//! A wait for something remote without a limit.

use crate::finding::Severity;
use crate::finding::{Confidence, Surface};
use crate::link::{Project, Site};
use crate::rules::{At, Axis, Report, Rule};
use crate::vocabulary::{Child, Limit, Remote, Role};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "TIME-001",
    name: "unbounded-timeout",
    severity: Severity::Medium,
    axes: &[Axis::Reliability],
    cwe: &[400, 1088],
    summary: "A call waits for something remote without a limit.",
    why: "A remote end that accepts and never answers holds the call, and whatever the call holds, for ever: the caller waits, a pool slot is gone, and a shutdown that waits for calls does not end.",
    fix: "Give the call or its client a timeout, and tie it to the cancellation of the request.",
    fixtures: fixtures!("TIME-001": py),
    check,
};

fn check(project: &Project<'_>, report: &mut Report<'_>) {
    let reach = project.handler_reach();
    for site in &project.sites {
        if project.surface(site.at.file) != Surface::Runtime {
            continue;
        }
        let (limit, what) = match site.role {
            Some(Role::Outbound(remote, limit)) => (limit, name(remote)),
            Some(Role::Spawn(Child::Blocking | Child::Awaited)) if reach.contains(&site.at) => {
                (Limit::Option(&["timeout", "signal"]), name(Remote::Child))
            }
            Some(_) | None => continue,
        };
        if super::bounds::is_bounded(project, site, limit) {
            continue;
        }
        let finding = report.add(
            At {
                function: site.at,
                span: site.span,
            },
            format!("`{}` waits for {what} without a limit", called(site)),
        );
        if !reach.contains(&site.at) {
            finding.sure(Confidence::Likely);
        }
    }
}

fn name(remote: Remote) -> &'static str {
    match remote {
        Remote::Http => "an HTTP server",
        Remote::Database => "a database",
        Remote::Child => "a child process",
        Remote::Other => "a service",
    }
}

fn called(site: &Site<'_>) -> String {
    site.paths
        .first()
        .map_or_else(|| site.name().to_owned(), |path| path.replace("()", ""))
}
