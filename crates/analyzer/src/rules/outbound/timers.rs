//! Whether a timer bounds a wait: it must end something, and a race needs a part that is no wait itself.

use crate::facts::{Expr, ExprKind, StmtKind, walk};
use crate::link::{FnRef, Project, Site};
use crate::vocabulary::Role;

/// Whether what a timer runs ends what is waited for: it settles a promise, throws, aborts or closes something, or ends the process.
pub(in crate::rules) fn ends_something(project: &Project<'_>, timer: &Site<'_>) -> bool {
    let mut args = timer.call.args.iter();
    if args.any(|arg| settles(project, timer.at, &arg.value)) {
        return true;
    }
    let given = project.runs_of(timer.id);
    // What can't be read may end anything.
    given.is_empty()
        || project
            .reach(given)
            .iter()
            .any(|at| throws(project, *at) || project.sites_of(*at).any(|site| ends(project, site)))
}

fn ends(project: &Project<'_>, site: &Site<'_>) -> bool {
    matches!(
        site.role,
        Some(Role::Exit | Role::ExitUnwinding | Role::Kill)
    ) || Project::is_closing(site)
        || settles(project, site.at, &site.call.callee)
        || matches!(site.name(), "resolve" | "reject" | "abort")
}

fn settles(project: &Project<'_>, at: FnRef, expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::Var(id) if project.settling(at.variable(id)).is_some())
}

fn throws(project: &Project<'_>, at: FnRef) -> bool {
    let mut found = false;
    if let Some(function) = project.function(at) {
        walk::stmts(&function.body, &mut |stmt| {
            found |= matches!(stmt.kind, StmtKind::Throw(_));
        });
    }
    found
}

/// Whether all that a race waits for are remote ends, none of which is a limit for the others.
pub(super) fn is_among_waits(project: &Project<'_>, race: &Site<'_>) -> bool {
    let Some(ExprKind::List(parts)) = race.call.arg(0).map(|arg| &arg.kind) else {
        return false;
    };
    parts.iter().all(|part| {
        let site = project.site_at(race.at, part);
        site.is_some_and(|site| matches!(site.role, Some(Role::Outbound(..))))
    })
}
