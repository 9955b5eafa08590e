//! Go: an HTTP client without a limit that a library gets: the calls made with it are out of sight.

use crate::facts::{ExprKind, Language, Pattern, StmtKind, VarId, walk};
use crate::finding::Surface;
use crate::link::{Project, Site};

use super::bounds::{Given, given};
use super::later::is_limited_there;

/// Callers of a helper that are looked at.
const MAX_CALLERS: usize = 16;

/// Whether the client has no limit and is an argument of a call, itself or by the variable that holds it.
pub(super) fn without_limit<'a>(project: &Project<'a>, site: &Site<'a>, names: &[&str]) -> bool {
    if project.language(site.at.file) != Language::Go
        || given(project, site, names) != Given::Absent
    {
        return false;
    }
    is_handed(project, site) || is_handed_by_callers(project, site, names)
}

/// Whether what a call gives is an argument of a call of a library, itself or by the variable that holds it.
fn is_handed(project: &Project<'_>, site: &Site<'_>) -> bool {
    let is_argument = project.sites_of(site.at).any(|other| {
        other.span != site.span
            && is_library(other)
            && other
                .call
                .args
                .iter()
                .any(|arg| arg.value.span.holds(site.span))
    });
    is_argument || variable(project, site).is_some_and(|id| is_given(project, site, id))
}

/// Whether a caller of the function that gives the client back hands it on as it is: `lib.New(newClient())`.
fn is_handed_by_callers<'a>(project: &Project<'a>, site: &Site<'a>, names: &[&str]) -> bool {
    receivers(project, site)
        .any(|caller| is_handed(project, caller) && !is_limited_there(project, caller, names))
}

/// Whether a caller of the function that gives the client back sets a limit on it.
pub(super) fn is_limited_by_caller(project: &Project<'_>, site: &Site<'_>, names: &[&str]) -> bool {
    receivers(project, site).any(|caller| is_limited_there(project, caller, names))
}

/// The calls that get a client from the function which makes it.
fn receivers<'p, 'a>(
    project: &'p Project<'a>,
    site: &Site<'a>,
) -> impl Iterator<Item = &'p Site<'a>> {
    let mut is_result = false;
    if let Some(function) = project.function(site.at) {
        walk::stmts(&function.body, &mut |stmt| {
            if let StmtKind::Return(Some(value)) = &stmt.kind {
                is_result |= value.span == site.span;
            }
        });
    }
    let callers = project.callers(site.at).iter().take(MAX_CALLERS);
    let callers = callers.filter_map(|id| project.site(*id));
    callers.filter(move |caller| is_result && project.surface(caller.at.file) == Surface::Runtime)
}

/// Whether the callee is outside the project, and no construction.
fn is_library(site: &Site<'_>) -> bool {
    site.targets.is_empty()
        && site.call.form == crate::facts::CallForm::Plain
        && site
            .paths
            .iter()
            .any(|path| path.contains('.') && !path.starts_with('?'))
}

/// The variable that the client is bound to.
fn variable(project: &Project<'_>, site: &Site<'_>) -> Option<VarId> {
    let function = project.function(site.at)?;
    let mut found = None;
    walk::stmts(&function.body, &mut |stmt| {
        if let StmtKind::Assign {
            target: Pattern::Var(id),
            value: Some(value),
        } = &stmt.kind
            && value.span == site.span
        {
            found = Some(*id);
        }
    });
    found
}

fn is_given(project: &Project<'_>, site: &Site<'_>, id: VarId) -> bool {
    project.sites_of(site.at).any(|other| {
        is_library(other)
            && other
                .call
                .args
                .iter()
                .any(|arg| matches!(arg.value.kind, ExprKind::Var(one) if one == id))
    })
}
