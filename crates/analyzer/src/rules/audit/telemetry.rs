//! A telemetry provider that is never shut down.

use crate::finding::Severity;
use crate::link::Project;
use crate::rules::ground;
use crate::rules::{At, Axis, Report, Rule};
use crate::vocabulary::{Kind, Role};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "AUD-004",
    name: "otel-not-shutdown",
    severity: Severity::Low,
    axes: &[Axis::Reliability],
    cwe: &[404],
    summary: "A telemetry provider exports in batches and is not shut down at a stop.",
    why: "The spans of the last seconds, those of the stop itself, are never sent.",
    fix: "Await the provider's `shutdown()` in the shutdown, with a limit of time.",
    fixtures: fixtures!("AUD-004": ts, py, rs, go),
    check,
};

fn check(project: &Project<'_>, report: &mut Report<'_>) {
    // A function that flushes is often handed to the shutdown rather than called by it.
    let named = project.sites().any(|site| {
        let flushes = |name: &str| {
            let name = name.to_lowercase();
            name.contains("flush")
                || (name.contains("shutdown")
                    && (name.contains("telemetry")
                        || name.contains("trac")
                        || name.contains("otel")))
        };
        (project.runs_at_stop(site) && flushes(site.name()))
            || site.call.args.iter().any(|arg| {
                project
                    .names_in(site.at, &arg.value)
                    .iter()
                    .any(|name| flushes(name))
            })
    });
    for site in project.sites() {
        if site.role == Some(Role::Open(Kind::Telemetry)) && !named && !project.closed_at_stop(site)
        {
            let place = At {
                function: site.at,
                span: site.span,
            };
            let finding = report.add(
                place, ground::of_stop(project, site.at.file),
                "this provider exports in batches, and nothing shuts it down when the server is asked to stop",
            );
            if let Some(import) = project.unread_closing(site) {
                finding.blocked(import);
            }
        }
    }
}
