//! A remote check of access without a limit of time.

use crate::finding::Severity;
use crate::link::{FnRef, Project};
use crate::rules::outbound::bounds;
use crate::rules::{At, Axis, Report, Rule};

use super::permit;

pub(in crate::rules) const RULE: Rule = Rule {
    id: "AUTH-003",
    name: "auth-without-timeout",
    severity: Severity::Medium,
    axes: &[Axis::Security],
    cwe: &[636, 1088],
    summary: "A check of access waits for a remote end without a limit of time.",
    why: "A decision that never comes holds every call; whoever shortens the wait by hand tends to permit.",
    fix: "Bound the check (2 s is plenty) and deny when the time is over.",
    fixtures: fixtures!("AUTH-003": ts, py, rs, go),
    check,
};

/// Calls from a check of access down to the wait.
const MAX_CALLS: usize = 4;

/// Whether a function decides on access, or only functions that do call it: a helper that reads keys for a check.
fn decides(project: &Project<'_>, at: FnRef, left: usize) -> bool {
    if permit::authority_around(project, at).is_some() {
        return true;
    }
    let callers = project.callers(at);
    left > 0
        && !callers.is_empty()
        && callers
            .iter()
            .filter_map(|id| project.site(*id))
            .all(|site| site.at != at && decides(project, site.at, left - 1))
}

fn check(project: &Project<'_>, report: &mut Report<'_>) {
    for site in project.sites() {
        let waits =
            bounds::of_role(site).is_some_and(|limit| !bounds::is_bounded(project, site, limit));
        if waits && decides(project, site.at, MAX_CALLS) {
            let message = format!(
                "the check of access waits for `{}` without a limit of time",
                site.name()
            );
            report.add(
                At {
                    function: site.at,
                    span: site.span,
                },
                permit::ground(project, site.at),
                message,
            );
        }
    }
}
