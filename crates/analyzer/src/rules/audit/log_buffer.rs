//! A buffering log that the exit cuts.

use crate::facts::{Language, Pattern, StmtKind, walk};
use crate::finding::{Followed, Ground, Severity};
use crate::link::{Project, Site};
use crate::rules::ground;
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
    fixtures: fixtures!("AUD-003": ts, py, rs, go),
    check,
};

fn check(project: &Project<'_>, report: &mut Report<'_>) {
    let exits = project
        .sites()
        .any(|site| matches!(site.role, Some(Role::Exit)) && project.runs_at_stop(site));
    dropped_guards(project, report);
    let flushed = project.sites().any(|site| {
        project.runs_at_stop(site)
            && matches!(
                site.name(),
                "flush" | "flushSync" | "end" | "shutdown" | "closeLogger" | "Sync"
            )
    });
    for site in project.sites() {
        if site.role == Some(Role::Open(Kind::LogBuffer))
            && (exits || listens(project, site))
            && !flushed
            && !project.closed_at_stop(site)
        {
            let place = At {
                function: site.at,
                span: site.span,
            };
            let finding = report.add(
                place,
                ground::of_stop(project, site.at.file),
                "this log writes in the background, and the exit does not wait for it",
            );
            if let Some(import) = project.unread_closing(site) {
                finding.blocked(import);
            }
        }
    }
}

/// Python's listener is a daemon thread: whatever way the process ends, what is queued is lost unless it is stopped.
/// Clients of analytics send in batches; what a handler keeps in memory is lost where a signal ends the process at once.
fn listens(project: &Project<'_>, site: &Site<'_>) -> bool {
    let cut = || !project.hooks.iter().any(|hook| hook.trigger.asks_to_stop());
    match project.language(site.at.file) {
        Language::Python => {
            matches!(site.name(), "QueueListener" | "Posthog" | "Client")
                || (site.name() == "MemoryHandler" && cut())
        }
        Language::TypeScript => matches!(site.name(), "PostHog" | "Analytics"),
        Language::Rust | Language::Go => false,
    }
}

/// Rust: `let (writer, _) = non_blocking(…)` drops the guard at once, and with it whatever is not yet written.
fn dropped_guards(project: &Project<'_>, report: &mut Report<'_>) {
    for (at, function) in project.functions() {
        if project.language(at.file) != Language::Rust {
            continue;
        }
        walk::stmts(&function.body, &mut |stmt| {
            if let StmtKind::Assign {
                target: Pattern::List(parts),
                value: Some(value),
            } = &stmt.kind
                && matches!(parts.last(), Some(Pattern::Any))
                && project
                    .site_at(at, value)
                    .is_some_and(|site| site.role == Some(Role::Open(Kind::LogBuffer)))
            {
                let place = At {
                    function: at,
                    span: stmt.span,
                };
                report.add(
                    place,
                    Ground::Proved(Followed::Statements),
                    "the guard of this log is dropped at once: what is not yet written is lost",
                );
            }
        });
    }
}
