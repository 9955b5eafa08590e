//! Go: `Shutdown` with a context that has ended already, or that is made from one that has: it gives up at once.

use crate::facts::{Expr, ExprKind, Language, Span, Stmt, StmtKind, VarId, VariableKind, walk};
use crate::finding::{Followed, Ground, Surface};
use crate::link::{FnRef, Project, callee_name};
use crate::rules::{At, Report};

/// Contexts and calls through which the end is looked for.
const MAX_STEPS: usize = 4;

/// Callers of a function that are looked at.
const MAX_CALLERS: usize = 8;

/// `<-ctx.Done(); limited, _ := context.WithTimeout(ctx, limit); srv.Shutdown(limited)`.
pub(super) fn look(project: &Project<'_>, report: &mut Report<'_>) {
    for site in project.sites() {
        if project.language(site.at.file) != Language::Go
            || !matches!(site.name(), "Shutdown" | "ShutdownWithContext")
            || project.surface(site.at.file) == Surface::Tests
        {
            continue;
        }
        let context = site.call.arg(0);
        if context.is_some_and(|context| has_ended(project, site.at, context, site.span, MAX_STEPS))
        {
            let place = At {
                function: site.at,
                span: site.span,
            };
            report.add(
                place, Ground::Proved(Followed::Value),
                "the context of this shutdown is made from one that has ended, and has ended with it: the shutdown gives up at once, and calls in flight are cut",
            );
        }
    }
}

/// Whether a context has ended by the time that a place is reached, as far as it can be told.
fn has_ended(project: &Project<'_>, at: FnRef, context: &Expr, place: Span, left: usize) -> bool {
    if left == 0 {
        return false;
    }
    if let Some(call) = context.call() {
        let is_part = matches!(
            callee_name(&call.callee),
            "WithTimeout" | "WithDeadline" | "WithCancel" | "WithValue"
        );
        return is_part
            && call
                .arg(0)
                .is_some_and(|parent| has_ended(project, at, parent, place, left - 1));
    }
    let ExprKind::Var(id) = context.kind else {
        return false;
    };
    let variable = at.variable(id);
    let made = project
        .assigned(variable)
        .filter(|(function, value)| *function == at && value.span.end <= place.start)
        .max_by_key(|(_, value)| value.span.start);
    let since = made.map_or(0, |(_, value)| value.span.start);
    if is_awaited(project, at, id, since, place) {
        return true;
    }
    if let Some((_, value)) = made {
        return has_ended(project, at, value, value.span, left - 1);
    }
    let Some(function) = project.function(at) else {
        return false;
    };
    let is_parameter = project
        .variable(variable)
        .is_some_and(|variable| matches!(variable.kind, VariableKind::Parameter(_)));
    let mut params = function.params.iter();
    let place = params.position(|param| param.pattern.variable() == Some(id));
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
            let given = caller.call.arg(place);
            given.is_some_and(|given| has_ended(project, caller.at, given, caller.span, left - 1))
        })
}

/// Whether the end of a context is waited for between two places: `<-ctx.Done()` on the way, or as the branch of a `select` that is taken.
fn is_awaited(project: &Project<'_>, at: FnRef, id: VarId, since: u32, place: Span) -> bool {
    let Some(function) = project.function(at) else {
        return false;
    };
    let mut found = false;
    walk::stmts(&function.body, &mut |stmt: &Stmt| {
        if stmt.span.start < since {
            return;
        }
        if let StmtKind::Select(arms) = &stmt.kind {
            found |= arms.iter().any(|arm| {
                let test = arm.test.as_ref();
                arm.body.iter().any(|inner| inner.span.holds(place))
                    && test.is_some_and(|test| is_end_of(test, id))
            });
        } else if let StmtKind::Expr(expr) = &stmt.kind
            && let ExprKind::Await(waited) = &expr.kind
        {
            found |= stmt.span.end <= place.start && is_end_of(waited, id);
        }
    });
    found
}

/// `ctx.Done()`, received from or not.
fn is_end_of(waited: &Expr, id: VarId) -> bool {
    waited.call().is_some_and(|call| {
        callee_name(&call.callee) == "Done"
            && call
                .receiver()
                .is_some_and(|context| matches!(context.kind, ExprKind::Var(one) if one == id))
    })
}
