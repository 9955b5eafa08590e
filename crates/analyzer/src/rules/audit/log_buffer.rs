//! A buffering log that the exit cuts.

use crate::finding::Severity;
use crate::link::Project;
use crate::rules::{At, Axis, Report, Rule};
use crate::vocabulary::{Kind, Role};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "AUD-003",
    name: "log-transport-unflushed",
    severity: Severity::Low,
    axes: &[Axis::Reliability],
    cwe: &[778],
    summary: "A log that writes in the background is not flushed before the process exits.",
    why: "The lines that explain the stop are those that are lost.",
    fix: "Flush or close the log in the shutdown; in Rust keep the guard of the writer in `main`.",
    fixtures: fixtures!("AUD-003": ts),
    check,
};

fn check(project: &Project<'_>, report: &mut Report<'_>) {
    let exits = project
        .sites
        .iter()
        .any(|site| matches!(site.role, Some(Role::Exit)) && project.runs_at_stop(site));
    if !exits {
        return;
    }
    let flushed = project.sites.iter().any(|site| {
        project.runs_at_stop(site)
            && matches!(
                site.name(),
                "flush" | "flushSync" | "end" | "shutdown" | "closeLogger"
            )
    });
    for site in &project.sites {
        if site.role == Some(Role::Open(Kind::LogBuffer))
            && !flushed
            && !project.closed_at_stop(site)
        {
            report.add(
                At {
                    function: site.at,
                    span: site.span,
                },
                "this log writes in the background, and the exit does not wait for it",
            );
        }
    }
}
