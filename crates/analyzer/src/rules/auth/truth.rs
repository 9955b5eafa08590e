//! What an expression is worth where that is written into it: `true`, `!false`, `failed ? true : true`.

use crate::facts::{Expr, ExprKind, Logic};

/// Negations and branches that are followed.
const MAX_STEPS: usize = 8;

/// The answer that an expression always gives.
pub(super) fn constant(expr: &Expr) -> Option<bool> {
    of(expr, MAX_STEPS)
}

fn of(expr: &Expr, left: usize) -> Option<bool> {
    let left = left.checked_sub(1)?;
    let of = |expr: &Expr| of(expr, left);
    if let ExprKind::Bool(answer) = expr.kind {
        Some(answer)
    } else if let ExprKind::Await(inner) = &expr.kind {
        of(inner)
    } else if let ExprKind::Not(inner) = &expr.kind {
        of(inner).or_else(|| literal(inner)).map(|answer| !answer)
    } else if let ExprKind::Choice(test, then, otherwise) = &expr.kind {
        match of(test).or_else(|| literal(test)) {
            Some(true) => of(then),
            Some(false) => of(otherwise),
            None => of(then).filter(|answer| of(otherwise) == Some(*answer)),
        }
    } else if let ExprKind::Logic(logic, one, other) = &expr.kind {
        match (logic, of(one)) {
            (Logic::And, Some(true)) | (Logic::Or, Some(false)) => of(other),
            (Logic::And | Logic::Coalesce | Logic::Or, Some(answer)) => Some(answer),
            (Logic::And | Logic::Or | Logic::Coalesce, None) => None,
        }
    } else {
        None
    }
}

/// What a literal counts for in a test: `!0` is true.
fn literal(expr: &Expr) -> Option<bool> {
    if let ExprKind::Number(number) = expr.kind {
        Some(number != 0.0)
    } else if let ExprKind::Str(text) = &expr.kind {
        Some(!text.is_empty())
    } else if let ExprKind::Null = expr.kind {
        Some(false)
    } else {
        None
    }
}
