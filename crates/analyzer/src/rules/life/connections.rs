//! Rust: a listener that is drained until its last connection is closed.

use crate::facts::{Pattern, StmtKind, walk};
use crate::link::{Fate, FnRef, Form, Project, Site};
use crate::vocabulary::Role;

/// `axum::serve(listener, app).with_graceful_shutdown(signal).await` that nothing bounds: neither a limit around it, nor a branch beside
/// it, nor a limit of each request, nor an exit that the signal arms.
pub(super) fn wait_without_limit(project: &Project<'_>, site: &Site<'_>) -> bool {
    site.name() == "with_graceful_shutdown"
        && site.fate == Fate::Awaited
        && !is_bounded_around(project, site)
        && !is_task(project, site.at)
        && !limits_requests(project, site)
        && !arms_exit(project, site)
}

fn is_bounded_around(project: &Project<'_>, site: &Site<'_>) -> bool {
    if project
        .sites_around(site)
        .any(|other| other.role == Some(Role::Bound))
    {
        return true;
    }
    let mut found = false;
    if let Some(function) = project.function(site.at) {
        walk::around(&function.body, site.span, &mut |stmt| {
            found |= matches!(stmt.kind, StmtKind::Select(_));
        });
    }
    found
}

/// Whether a function is run as a task, whose end somebody else may wait for with a limit.
fn is_task(project: &Project<'_>, at: FnRef) -> bool {
    project
        .function(at)
        .is_some_and(|function| function.parent.is_some_and(|parent| parent.0 != 0))
}

/// A layer that ends each request after a time. One that is only there where a setting has a value, `if let Some(limit) = …`,
/// limits nothing without it.
fn limits_requests(project: &Project<'_>, site: &Site<'_>) -> bool {
    let cluster = project.cluster_of(site.at.file);
    project.sites().any(|other| {
        project.cluster_of(other.at.file) == cluster
            && other.paths.iter().any(|path| path.contains("TimeoutLayer"))
            && !is_optional(project, other)
    })
}

/// Whether a call stands in the first branch of an `if let Some(…)` without another one.
fn is_optional(project: &Project<'_>, site: &Site<'_>) -> bool {
    let mut found = false;
    if let Some(function) = project.function(site.at) {
        walk::around(&function.body, site.span, &mut |stmt| {
            if let StmtKind::Match { arms, .. } = &stmt.kind
                && let [some, none] = arms.as_slice()
                && let Pattern::Of(name, _) = &some.pattern
            {
                found |= project.last_name(site.at, name).as_deref() == Some("Some")
                    && walk::holds(&some.body, site.span)
                    && none.body.is_empty();
            }
        });
    }
    found
}

/// Whether what waits for the signal sleeps, exits or sets a limit afterwards.
fn arms_exit(project: &Project<'_>, site: &Site<'_>) -> bool {
    let waiting = project
        .hooks
        .iter()
        .filter(|hook| hook.form == Form::Wait && hook.trigger.asks_to_stop())
        .map(|hook| hook.at);
    let mut near: Vec<FnRef> = waiting.filter(|at| *at != site.at).collect();
    near.extend(project.runs_of(site.id));
    near.iter()
        .flat_map(|at| project.inside(*at))
        .flat_map(|at| project.sites_of(at))
        .any(|other| {
            matches!(other.role, Some(Role::Exit | Role::Bound))
                || matches!(other.name(), "sleep" | "sleep_until")
        })
}
