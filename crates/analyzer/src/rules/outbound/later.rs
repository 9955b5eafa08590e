//! Limits that are not written where a client is made or a call waits: set on the client behind that, or in the request.

use crate::facts::{Expr, ExprKind, Language, Pattern, StmtKind, VariableKind, walk};
use crate::link::{FnRef, Project, Site};
use crate::vocabulary::Role;

/// Callers that are looked at for the context they give.
const MAX_CALLERS: usize = 16;

/// `client := &http.Client{…}; client.Timeout = limit`.
pub(super) fn is_set_on(project: &Project<'_>, maker: &Site<'_>, names: &[&str]) -> bool {
    let Some(function) = project
        .function(maker.at)
        .filter(|_| matches!(maker.role, Some(Role::Client(..))))
    else {
        return false;
    };
    let mut found = false;
    walk::stmts(&function.body, &mut |stmt| {
        if let StmtKind::Assign {
            target: Pattern::Place(place),
            ..
        } = &stmt.kind
            && let ExprKind::Member(object, name) = &place.kind
            && let ExprKind::Var(id) = object.kind
            && names.contains(&&**name)
        {
            found = found
                || project
                    .assigned(maker.at.variable(id))
                    .any(|(at, value)| at == maker.at && value.span.holds(maker.span));
        }
    });
    found
}

/// Go: `client.Do(request)` with a request whose context has a deadline, here or in all callers.
pub(super) fn has_request_with_deadline(project: &Project<'_>, site: &Site<'_>) -> bool {
    if project.language(site.at.file) != Language::Go || site.name() != "Do" {
        return false;
    }
    let Some(ExprKind::Var(id)) = site.call.arg(0).map(|request| &request.kind) else {
        return false;
    };
    project.assigned(site.at.variable(*id)).any(|(at, value)| {
        let made = project.site_at(at, value);
        made.is_some_and(|made| {
            made.name() == "NewRequestWithContext"
                && made
                    .call
                    .arg(0)
                    .is_some_and(|context| ends(project, at, context))
        })
    })
}

fn ends(project: &Project<'_>, at: FnRef, context: &Expr) -> bool {
    has_deadline(project, at, context) || given_by_all(project, at, context)
}

fn has_deadline(project: &Project<'_>, at: FnRef, context: &Expr) -> bool {
    let ExprKind::Var(id) = context.kind else {
        return false;
    };
    project.assigned(at.variable(id)).any(|(at, value)| {
        project
            .site_at(at, value)
            .is_some_and(|site| matches!(site.name(), "WithTimeout" | "WithDeadline"))
    })
}

/// Whether a context is a parameter for which every caller gives one with a deadline.
fn given_by_all(project: &Project<'_>, at: FnRef, context: &Expr) -> bool {
    let ExprKind::Var(id) = context.kind else {
        return false;
    };
    let is_parameter = project
        .variable(at.variable(id))
        .is_some_and(|variable| matches!(variable.kind, VariableKind::Parameter(_)));
    let params = project
        .function(at)
        .map_or(&[][..], |function| &function.params);
    let place = params
        .iter()
        .position(|param| param.pattern.variable() == Some(id));
    let callers = project.callers(at);
    let Some(place) =
        place.filter(|_| is_parameter && !callers.is_empty() && callers.len() <= MAX_CALLERS)
    else {
        return false;
    };
    callers
        .iter()
        .filter_map(|id| project.site(*id))
        .all(|caller| {
            caller
                .call
                .arg(place)
                .is_some_and(|context| has_deadline(project, caller.at, context))
        })
}
