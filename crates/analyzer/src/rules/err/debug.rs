//! Branches that are only taken while somebody looks for a fault, and not unless asked for.

use crate::facts::{Expr, ExprKind, Logic, Span, StmtKind, walk};
use crate::link::{FnRef, Project};
use crate::vocabulary::words;

/// Words of flags for such branches.
const WORDS: &[&str] = &["debug", "debugging", "verbose", "development", "dev"];

/// The stretches of a function that only run with a flag which is off unless somebody sets it.
pub(super) fn branches(project: &Project<'_>, at: FnRef) -> Vec<Span> {
    let Some(function) = project.function(at) else {
        return Vec::new();
    };
    let mut all = Vec::new();
    walk::stmts(&function.body, &mut |stmt| {
        if let StmtKind::If {
            test,
            then,
            otherwise,
        } = &stmt.kind
        {
            if asks(project, at, test) {
                all.extend(then.iter().map(|inner| inner.span));
            }
            if let ExprKind::Not(inner) = &test.kind
                && asks(project, at, inner)
            {
                all.extend(otherwise.iter().map(|inner| inner.span));
            }
        }
    });
    walk::exprs(&function.body, &mut |expr| {
        if let ExprKind::Choice(test, then, _) | ExprKind::Logic(Logic::And, test, then) =
            &expr.kind
            && asks(project, at, test)
        {
            all.push(then.span);
        }
    });
    all
}

/// Whether a test asks for the flag: by its name, or by a value that says development. `!== "production"` holds
/// where nothing is set, so it is no such test.
fn asks(project: &Project<'_>, at: FnRef, test: &Expr) -> bool {
    if let ExprKind::Compare(compare, left, right) = &test.kind {
        let equal = *compare == crate::facts::Compare::Equal;
        let says = right
            .text()
            .or_else(|| left.text())
            .is_some_and(|text| says(text));
        return equal && (says || (is_on(right) && asks(project, at, left)));
    }
    if let ExprKind::Logic(Logic::And, left, right) = &test.kind {
        return asks(project, at, left) || asks(project, at, right);
    }
    if let ExprKind::Logic(_, left, right) = &test.kind {
        return asks(project, at, left) && asks(project, at, right);
    }
    if let Some(call) = test.call() {
        let named = project
            .last_name(at, &call.callee)
            .is_some_and(|name| says(&name));
        let asked = call
            .arg(0)
            .and_then(Expr::text)
            .is_some_and(|text| says(text));
        return named || asked;
    }
    let named = project.last_name(at, test).is_some_and(|name| says(&name));
    named && !is_always_on(project, at, test)
}

fn says(name: &str) -> bool {
    words::words(name)
        .iter()
        .any(|word| WORDS.contains(&word.as_str()))
}

fn is_on(value: &Expr) -> bool {
    matches!(&value.kind, ExprKind::Bool(true))
        || value
            .text()
            .is_some_and(|text| matches!(&**text, "1" | "true" | "yes" | "on"))
}

/// `DEBUG = True`: nobody has to ask.
fn is_always_on(project: &Project<'_>, at: FnRef, test: &Expr) -> bool {
    if let ExprKind::Var(id) = &test.kind {
        project
            .assigned(at.variable(*id))
            .any(|(_, value)| matches!(value.kind, ExprKind::Bool(true)))
    } else {
        false
    }
}
