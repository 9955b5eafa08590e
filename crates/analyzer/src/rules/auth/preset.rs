//! An answer that permits before anything was asked, and stays where asking fails: `let allowed = true; try { allowed = … } catch {}`.

use crate::facts::{
    Compare, Expr, ExprKind, FnId, Function, Pattern, Span, Stmt, StmtKind, VarId, walk,
};
use crate::link::{FailureKind, FnRef, Project};
use crate::rules::{At, Report};

use super::permit;

pub(super) fn look(project: &Project<'_>, report: &mut Report<'_>) {
    for (at, function) in project.functions() {
        if at.id == FnId::MODULE || !permit::is_authority(project, at) {
            continue;
        }
        for stmt in &function.body {
            let StmtKind::Assign {
                target: Pattern::Var(id),
                value: Some(value),
            } = &stmt.kind
            else {
                continue;
            };
            if permit::is_grant(value, permit::granting(project, at))
                && is_answer(function, *id)
                && stays(project, at, function, *id, stmt)
            {
                let place = At {
                    function: at,
                    span: stmt.span,
                };
                report.add(
                    place,
                    permit::ground(project, at),
                    "this permits before anything is asked, and stays where asking fails",
                );
            }
        }
    }
}

/// Whether the function ends by giving the variable back.
fn is_answer(function: &Function, id: VarId) -> bool {
    function.body.last().is_some_and(|last| {
        let StmtKind::Return(Some(value)) = &last.kind else {
            return false;
        };
        let first = if let ExprKind::List(parts) = &value.kind {
            parts.first()
        } else {
            Some(value)
        };
        first.is_some_and(|first| matches!(first.kind, ExprKind::Var(one) if one == id))
    })
}

/// Whether the variable is set to anything else only where asking went well.
fn stays(project: &Project<'_>, at: FnRef, function: &Function, id: VarId, preset: &Stmt) -> bool {
    let mut set = Vec::new();
    walk::stmts(&function.body, &mut |stmt| {
        if let StmtKind::Assign { target, .. } = &stmt.kind
            && stmt.span != preset.span
            && target
                .leaves()
                .iter()
                .any(|leaf| leaf.variable() == Some(id))
        {
            set.push(stmt.span);
        }
    });
    !set.is_empty()
        && set
            .iter()
            .all(|place| went_well(project, at, function, id, *place))
}

/// Whether a place is reached only where asking went well: in a `try` whose failures are passed over, in `if err == nil`, in an `Ok` arm.
fn went_well(
    project: &Project<'_>,
    at: FnRef,
    function: &Function,
    id: VarId,
    place: Span,
) -> bool {
    let tried = project.failures.iter().any(|failure| {
        failure.at == at
            && failure.kind == FailureKind::Catch
            && failure.guarded.holds(place)
            && passed_over(failure.body, id)
    });
    let mut checked = false;
    walk::around(&function.body, place, &mut |stmt| {
        if let StmtKind::If {
            test,
            then,
            otherwise,
        } = &stmt.kind
        {
            let inside = then.iter().any(|inner| inner.span.holds(place));
            checked |= inside && otherwise.is_empty() && is_without_error(project, at, test);
        } else if let StmtKind::Match { arms, .. } = &stmt.kind {
            let well = |arm: &&crate::facts::Arm| {
                matches!(&arm.pattern, Pattern::Of(path, _) if crate::link::callee_name(path) == "Ok")
                    && arm.body.iter().any(|inner| inner.span.holds(place))
            };
            let others = arms.iter().filter(|arm| !arm.span.holds(place));
            checked |= arms.iter().any(|arm| well(&arm))
                && others.clone().all(|arm| passed_over(&arm.body, id));
        }
    });
    tried || checked
}

/// Whether a region neither leaves nor sets the variable.
fn passed_over(body: &[Stmt], id: VarId) -> bool {
    let mut passes = true;
    let mut visit = |stmt: &Stmt| {
        if let StmtKind::Assign { target, .. } = &stmt.kind {
            passes &= !target
                .leaves()
                .iter()
                .any(|leaf| leaf.variable() == Some(id));
        }
        passes &= !matches!(stmt.kind, StmtKind::Return(_) | StmtKind::Throw(_));
    };
    for stmt in body {
        visit(stmt);
        for inner in walk::blocks(stmt) {
            walk::stmts(inner, &mut visit);
        }
    }
    passes
}

/// `err == nil`.
fn is_without_error(project: &Project<'_>, at: FnRef, test: &Expr) -> bool {
    if let ExprKind::Compare(Compare::Equal, left, right) = &test.kind {
        let name = project.last_name(at, left).unwrap_or_default();
        return matches!(right.kind, ExprKind::Null) && name.to_lowercase().ends_with("err");
    }
    false
}
