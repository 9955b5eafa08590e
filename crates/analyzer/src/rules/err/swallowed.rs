//! A failed change that nobody hears of.

use crate::facts::{Expr, Language, Pattern, Span, Stmt, StmtKind, walk};
use crate::finding::{Ground, Severity, Trusted};
use crate::link::{Failure, FailureKind, FnRef, Project, Site};
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
    fixtures: fixtures!("ERR-003": ts, py, rs, go),
    check,
};

fn check(project: &Project<'_>, report: &mut Report<'_>) {
    ignored(project, report);
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
        let changed = project
            .sites_within(failure.at, failure.guarded)
            .find(|site| is_change(site));
        let closing = project
            .sites_within(failure.at, failure.guarded)
            .any(|site| Project::is_closing(site));
        if let (Some(site), false) = (changed, closing) {
            let place = At {
                function: failure.at,
                span: failure.span,
            };
            report
                .add(
                    place,
                    Ground::Likely(Trusted::Purpose),
                    format!("if `{}` fails, nobody hears of it", site.name()),
                )
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

/// Go and Rust: `_ = os.WriteFile(…)`, `let _ = fs::write(…)`, `fs::write(…).ok();` in what answers a request, without a reason beside it.
fn ignored(project: &Project<'_>, report: &mut Report<'_>) {
    for at in project.handler_reach() {
        let language = project.language(at.file);
        let Some(function) = project.function(*at) else {
            continue;
        };
        if !matches!(language, Language::Go | Language::Rust) {
            continue;
        }
        walk::stmts(&function.body, &mut |stmt| {
            let Some(value) = dropped(stmt) else {
                return;
            };
            let changed = project
                .sites_within(*at, value.span)
                .find(|site| is_change(site));
            let Some(site) = changed.filter(|_| !has_comment(project, *at, stmt.span)) else {
                return;
            };
            let place = At {
                function: *at,
                span: stmt.span,
            };
            let message = format!("if `{}` fails, nobody hears of it", site.name());
            report.add(place, Ground::Likely(Trusted::Purpose), message);
        });
    }
}

/// What a statement throws away.
fn dropped(stmt: &Stmt) -> Option<&Expr> {
    if let StmtKind::Assign {
        target,
        value: Some(value),
    } = &stmt.kind
    {
        let is_none = |pattern: &Pattern| matches!(pattern, Pattern::Any);
        let all =
            is_none(target) || matches!(target, Pattern::List(parts) if parts.iter().all(is_none));
        return all.then_some(value);
    }
    if let StmtKind::Expr(value) = &stmt.kind {
        let is_ok = value
            .call()
            .is_some_and(|call| crate::link::callee_name(&call.callee) == "ok");
        return is_ok.then_some(value);
    }
    None
}

/// Whether a comment stands on the line of a place or right above it.
fn has_comment(project: &Project<'_>, at: FnRef, span: Span) -> bool {
    project.file(at.file).is_some_and(|file| {
        file.comments.iter().any(|comment| {
            (comment.span.end_line + 1 == span.line || comment.span.line == span.end_line)
                && comment.text.len() > 8
        })
    })
}

/// Whether a call changes something. Removing what is no longer needed may fail in silence.
fn is_change(site: &Site<'_>) -> bool {
    effects::changes(site) && !effects::removes(site)
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
