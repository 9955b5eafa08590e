//! What an author expects to fail: errors of the project's own types and of validation, whose texts are meant for the caller.

use crate::facts::{Compare, Expr, ExprKind, Logic, Span, StmtKind, walk};
use crate::link::{Failure, Project, Value};

/// Types of errors that validation raises: their text says what the caller did wrong.
const VALIDATION: &[&str] = &[
    "ValueError",
    "TypeError",
    "KeyError",
    "IndexError",
    "ValidationError",
    "JSONDecodeError",
    "ZodError",
    "AssertionError",
    "UnicodeDecodeError",
    "UnicodeError",
    "re.error",
];

/// Whether all that is caught is of such types.
pub(super) fn is_all(project: &Project<'_>, failure: &Failure<'_>) -> bool {
    !failure.types.is_empty() && failure.types.iter().all(|ty| is_own(project, failure, ty))
}

/// The branches of a region that run only for such an error: `if (error instanceof OwnError) …`.
pub(super) fn branches(project: &Project<'_>, failure: &Failure<'_>) -> Vec<Span> {
    let mut all = Vec::new();
    walk::stmts(failure.body, &mut |stmt| {
        if let StmtKind::If { test, then, .. } = &stmt.kind
            && asks(project, failure, test)
            && let (Some(first), Some(last)) = (then.first(), then.last())
        {
            all.push(Span {
                end: last.span.end,
                end_line: last.span.end_line,
                ..first.span
            });
        }
    });
    walk::exprs(failure.body, &mut |expr| {
        if let ExprKind::Choice(test, then, _) = &expr.kind
            && asks(project, failure, test)
        {
            all.push(then.span);
        }
    });
    all
}

/// Whether a test holds only for an error of such a type: `error instanceof OwnError`, `isinstance(error, OwnError)`.
fn asks(project: &Project<'_>, failure: &Failure<'_>, test: &Expr) -> bool {
    let is_caught =
        |expr: &Expr| matches!(expr.kind, ExprKind::Var(id) if failure.errors.contains(&id));
    if let ExprKind::Compare(Compare::Inside, left, right) = &test.kind {
        // A `TypeError` of JavaScript may be anything, a failed `fetch` for one.
        let name = project.last_name(failure.at, right).unwrap_or_default();
        return is_caught(left) && name != "TypeError" && is_one(project, failure, right);
    }
    if let ExprKind::Compare(Compare::Equal, left, right) = &test.kind {
        // `error.name === "ZodError"`.
        let named = matches!(&left.kind, ExprKind::Member(object, name) if &**name == "name" && is_caught(object));
        let is_known =
            |name: &crate::facts::Name| &**name != "TypeError" && VALIDATION.contains(&&**name);
        return named && right.text().is_some_and(is_known);
    }
    if let ExprKind::Logic(Logic::And, left, right) = &test.kind {
        return asks(project, failure, left) || asks(project, failure, right);
    }
    if let ExprKind::Logic(Logic::Or, left, right) = &test.kind {
        return asks(project, failure, left) && asks(project, failure, right);
    }
    let Some(call) = test.call() else {
        return false;
    };
    let (Some(left), Some(right)) = (call.arg(0), call.arg(1)) else {
        return false;
    };
    if project.last_name(failure.at, &call.callee).as_deref() != Some("isinstance")
        || !is_caught(left)
    {
        return false;
    }
    if let ExprKind::List(types) = &right.kind {
        types.iter().all(|ty| is_one(project, failure, ty))
    } else {
        is_one(project, failure, right)
    }
}

/// Whether a type is one of these, or of the SDK's own errors.
fn is_one(project: &Project<'_>, failure: &Failure<'_>, ty: &Expr) -> bool {
    is_own(project, failure, ty)
        || project
            .last_name(failure.at, ty)
            .is_some_and(|name| super::again::is_fine(&name))
}

fn is_own(project: &Project<'_>, failure: &Failure<'_>, ty: &Expr) -> bool {
    let own = project
        .values(failure.at, ty)
        .iter()
        .any(|value| matches!(value, Value::Class(_)));
    own || project
        .last_name(failure.at, ty)
        .is_some_and(|name| VALIDATION.contains(&name.as_str()))
}
