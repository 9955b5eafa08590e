//! An answer that takes the place of the check's, whatever became of it: a `return` in `finally`, a result that Go's `defer` sets.

use crate::facts::{ExprKind, Function, StmtKind, VarId, VariableKind, walk};
use crate::link::{FnRef, Project};
use crate::rules::{At, Report};

use super::permit;

pub(super) fn look(project: &Project<'_>, report: &mut Report<'_>) {
    for (at, function) in project.functions() {
        if !permit::is_authority(project, at) {
            continue;
        }
        let mut found = Vec::new();
        walk::stmts(&function.body, &mut |stmt| {
            if let StmtKind::Try { finally, .. } = &stmt.kind {
                let permits = permit::permitting(project, at, finally).into_iter();
                found.extend(permits.map(|inner| (at, inner.span)));
            } else if let StmtKind::Defer(deferred) = &stmt.kind
                && let Some(call) = deferred.call()
                && let ExprKind::Function(id) = call.callee.kind
            {
                let inner = at.beside(id);
                let spans = set_to_permit(project, at, function, inner);
                found.extend(spans.into_iter().map(|span| (inner, span)));
            }
        });
        for (function, span) in found {
            report.add(
                At { function, span },
                permit::ground(project, at),
                "whatever becomes of the check, this permits",
            );
        }
    }
}

/// Where a deferred closure sets a result of the function around it to a permit.
fn set_to_permit(
    project: &Project<'_>,
    at: FnRef,
    function: &Function,
    deferred: FnRef,
) -> Vec<crate::facts::Span> {
    let Some(closure) = project.function(deferred) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    walk::assignments(&closure.body, &mut |stmt, target, value| {
        let sets = target
            .variable()
            .is_some_and(|id| is_result(project, at, function, id));
        if sets && permit::is_grant(value, permit::granting(project, at)) {
            found.push(stmt.span);
        }
    });
    found
}

/// Whether a variable is a named result of a function: it is declared before the body, and is no parameter.
fn is_result(project: &Project<'_>, at: FnRef, function: &Function, id: VarId) -> bool {
    let first = function.body.first();
    project.variable(at.variable(id)).is_some_and(|variable| {
        variable.owner == at.id
            && matches!(variable.kind, VariableKind::Local | VariableKind::Constant)
            && first.is_some_and(|first| variable.span.end <= first.span.start)
    })
}
