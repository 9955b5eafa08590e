//! Errors whose texts are the author's own words: nothing of a driver, client or system is in them.

use crate::facts::{Expr, ExprKind, Language, Pattern, StmtKind, VarId, walk};
use crate::link::{Failure, FailureKind, FnRef, Project};

/// How far calls are followed for the origin of an error.
const MAX_CALLS: usize = 4;

/// Go: whether what failed is a function of the project whose errors are all made of its own texts.
pub(super) fn is_own(project: &Project<'_>, failure: &Failure<'_>) -> bool {
    if project.language(failure.at.file) != Language::Go || failure.kind != FailureKind::Checked {
        return false;
    }
    let Some(error) = failure.errors.first() else {
        return false;
    };
    let Some(function) = project.function(failure.at) else {
        return false;
    };
    let mut last: Option<&Expr> = None;
    walk::stmts(&function.body, &mut |stmt| {
        if let StmtKind::Assign {
            target,
            value: Some(value),
        } = &stmt.kind
            && stmt.span.end <= failure.span.start
            && sets(target, *error)
        {
            last = Some(value);
        }
    });
    last.is_some_and(|value| gives_own(project, failure.at, value, MAX_CALLS))
}

fn sets(target: &Pattern, id: VarId) -> bool {
    if let Pattern::Var(one) = target {
        *one == id
    } else if let Pattern::List(parts) = target {
        parts.iter().any(|part| sets(part, id))
    } else {
        false
    }
}

/// Whether the error that an expression gives is made of own texts.
fn gives_own(project: &Project<'_>, at: FnRef, value: &Expr, left: usize) -> bool {
    if matches!(value.kind, ExprKind::Null) {
        return true;
    }
    if let ExprKind::Var(id) = value.kind {
        let variable = at.variable(id);
        let values: Vec<_> = project.assigned(variable).collect();
        return left > 0
            && !values.is_empty()
            && values
                .into_iter()
                .all(|(at, value)| gives_own(project, at, value, left - 1));
    }
    let Some(site) = project.site_at(at, value) else {
        return false;
    };
    if matches!(site.name(), "Errorf" | "New" | "NewError") && site.targets.is_empty() {
        return !site
            .call
            .args
            .iter()
            .any(|arg| holds_error(project, at, &arg.value));
    }
    if is_about_arguments(site) {
        return true;
    }
    left > 0
        && !site.targets.is_empty()
        && site
            .targets
            .iter()
            .all(|target| only_own(project, *target, left - 1))
}

/// Readers of arguments and numbers: their text says what the caller wrote.
fn is_about_arguments(site: &crate::link::Site<'_>) -> bool {
    matches!(site.name(), "BindArguments")
        || (site.targets.is_empty() && site.name().starts_with("Require"))
        || site
            .paths
            .iter()
            .any(|path| path.starts_with("strconv.") || path.starts_with("time.Parse"))
}

/// Whether every error that a function gives back is made of own texts.
fn only_own(project: &Project<'_>, at: FnRef, left: usize) -> bool {
    let Some(function) = project.function(at) else {
        return false;
    };
    let mut own = true;
    walk::stmts(&function.body, &mut |stmt| {
        if let StmtKind::Return(Some(value)) = &stmt.kind {
            let error = if let ExprKind::List(parts) = &value.kind {
                parts.last()
            } else {
                Some(value)
            };
            own &= error.is_some_and(|error| gives_own(project, at, error, left));
        }
    });
    own
}

/// Whether an expression holds an error: a variable named like one, or its text.
fn holds_error(project: &Project<'_>, at: FnRef, value: &Expr) -> bool {
    let mut found = false;
    walk::each(value, &mut |inner| {
        if let ExprKind::Var(_) = inner.kind {
            let name = project.last_name(at, inner).unwrap_or_default();
            found |= name.to_lowercase().ends_with("err") || name.to_lowercase().ends_with("error");
        }
        if let ExprKind::Call(call) = &inner.kind
            && let ExprKind::Member(_, name) = &call.callee.kind
        {
            found |= &**name == "Error";
        }
    });
    found
}
