//! A failed change that nobody hears of.

use crate::facts::{StmtKind, walk};
use crate::finding::{Confidence, Severity};
use crate::link::{Failure, FailureKind, Project, Site};
use crate::rules::effects;
use crate::rules::{At, Axis, Report, Rule};
use crate::vocabulary::Role;

pub(in crate::rules) const RULE: Rule = Rule {
    id: "ERR-003",
    name: "swallow-all",
    severity: Severity::Medium,
    axes: &[Axis::Reliability],
    cwe: &[390, 391, 396],
    summary: "The failure of a change is swallowed, and the tool reports success.",
    why: "The caller goes on as if the change had happened.",
    fix: "Answer with `isError`, or say in a comment why this failure does not matter and catch only that kind.",
    fixtures: fixtures!("ERR-003": ts, py),
    check,
};

fn check(project: &Project<'_>, report: &mut Report<'_>) {
    for failure in &project.failures {
        let narrow = !failure.types.is_empty()
            && project.language(failure.at.file) != crate::facts::Language::Python;
        let answers = project.handler_reach().contains(&failure.at);
        if narrow
            || !answers
            || failure.kind == FailureKind::Checked
            || !says_nothing(project, failure)
            || is_explained(project, failure)
        {
            continue;
        }
        let changed = project.sites_of(failure.at).find(|site| {
            failure.guarded.holds(site.span) && effects::changes(site) && !is_removal(site)
        });
        let closing = project
            .sites_of(failure.at)
            .any(|site| failure.guarded.holds(site.span) && Project::is_closing(site));
        if let (Some(site), false) = (changed, closing) {
            let place = At {
                function: failure.at,
                span: failure.span,
            };
            report
                .add(
                    place,
                    format!("if `{}` fails, nobody hears of it", site.name()),
                )
                .sure(Confidence::Likely)
                .via(
                    project,
                    At {
                        function: site.at,
                        span: site.span,
                    },
                    "the change",
                );
        }
    }
}

/// Removing what is no longer needed may fail in silence.
fn is_removal(site: &Site<'_>) -> bool {
    matches!(
        site.name(),
        "unlink" | "unlinkSync" | "rm" | "rmdir" | "Remove" | "RemoveAll"
    )
}

/// Whether the region does nothing but log.
fn says_nothing(project: &Project<'_>, failure: &Failure<'_>) -> bool {
    let mut quiet = true;
    walk::stmts(failure.body, &mut |stmt| {
        quiet &= if let StmtKind::Expr(expr) = &stmt.kind {
            project.site_at(failure.at, expr).is_some_and(is_log) || expr.call().is_none()
        } else {
            matches!(stmt.kind, StmtKind::Continue | StmtKind::Block(_))
        };
    });
    quiet
}

fn is_log(site: &Site<'_>) -> bool {
    matches!(site.role, Some(Role::Log | Role::Stdout))
        || matches!(
            site.name(),
            "log" | "debug" | "info" | "warn" | "warning" | "error" | "exception" | "trace"
        )
}

/// A comment in the region gives the reason.
fn is_explained(project: &Project<'_>, failure: &Failure<'_>) -> bool {
    project.file(failure.at.file).is_some_and(|file| {
        file.comments
            .iter()
            .any(|comment| failure.span.holds(comment.span) && comment.text.len() > 8)
    })
}
