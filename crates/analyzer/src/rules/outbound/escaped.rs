//! Go: an HTTP client without a limit that a library gets: the calls made with it are out of sight.

use crate::facts::{ExprKind, Language, Pattern, StmtKind, VarId, walk};
use crate::link::{Project, Site};

use super::bounds::{Given, given};

/// Whether the client has no limit and is an argument of a call, itself or by the variable that holds it.
pub(super) fn without_limit<'a>(project: &Project<'a>, site: &Site<'a>, names: &[&str]) -> bool {
    if project.language(site.at.file) != Language::Go
        || given(project, site, names) != Given::Absent
    {
        return false;
    }
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
