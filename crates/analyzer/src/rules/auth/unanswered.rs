//! A check that gives no answer, taken as a permit: `check() ?? true`, `check().unwrap_or(true)`, `err != nil || ok`.

use crate::facts::{Compare, Expr, ExprKind, Logic, StmtKind, walk};
use crate::link::{FnRef, Passes, Project};
use crate::rules::{At, Report};

use super::permit;

/// What gives no answer where a default permits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    /// A check.
    Check,
    /// An entry of a policy.
    Entry,
}

/// A default that permits.
#[derive(Debug, Clone, Copy)]
struct Default<'a> {
    /// What it stands for.
    missing: Missing,
    /// Where it stands.
    function: FnRef,
    /// The value that it is a part of.
    value: &'a Expr,
}

/// Tells of the defaults that stand for such an answer.
pub(super) fn look(
    project: &Project<'_>,
    missing: Missing,
    message: &'static str,
    report: &mut Report<'_>,
) {
    let defaults = defaults(project).into_iter();
    for found in defaults.filter(|found| found.missing == missing) {
        let place = At {
            function: found.function,
            span: found.value.span,
        };
        report.add(place, permit::ground(project, found.function), message);
    }
}

/// The defaults that permit: in what a check gives back, in what a call is refused by, and of any call of a check.
fn defaults<'a>(project: &Project<'a>) -> Vec<Default<'a>> {
    let mut all = Vec::new();
    for (at, function) in project.functions() {
        if permit::is_authority(project, at) {
            let passes = permit::granting(project, at);
            walk::stmts(&function.body, &mut |stmt| {
                if let StmtKind::Return(Some(value)) | StmtKind::Value(value) = &stmt.kind {
                    inside(project, at, value, passes, &mut all);
                }
            });
        }
        walk::exprs(&function.body, &mut |expr| {
            let asked = defaulted(project, at, expr, Passes::True).map(|(object, _)| object);
            let of_check = asked
                .and_then(Expr::call)
                .is_some_and(|call| is_check(project, crate::link::callee_name(&call.callee)));
            if of_check {
                all.push(Default {
                    missing: Missing::Check,
                    function: at,
                    value: expr,
                });
            }
        });
    }
    for answer in project.answers() {
        inside(project, answer.at, answer.value, answer.passes, &mut all);
    }
    all
}

/// Whether a call by this name is a check of which `true` permits.
fn is_check(project: &Project<'_>, name: &str) -> bool {
    project.hints.is_authority(name) && permit::answers_true(name)
}

fn inside<'a>(
    project: &Project<'a>,
    at: FnRef,
    value: &'a Expr,
    passes: Passes,
    all: &mut Vec<Default<'a>>,
) {
    let value = value.bare();
    if let Some((_, missing)) = defaulted(project, at, value, passes) {
        all.push(Default {
            missing,
            function: at,
            value,
        });
    } else if let ExprKind::Logic(_, left, right) = &value.kind {
        inside(project, at, left, passes, all);
        inside(project, at, right, passes, all);
    } else if let ExprKind::List(parts) = &value.kind
        && let Some(first) = parts.first()
    {
        // Go's several results.
        inside(project, at, first, passes, all);
    }
}

/// What an expression gives a permit for in the place of an answer.
fn defaulted<'a>(
    project: &Project<'_>,
    at: FnRef,
    expr: &'a Expr,
    passes: Passes,
) -> Option<(&'a Expr, Missing)> {
    let of = |object: &'a Expr| (object, missing(object));
    if let ExprKind::Logic(logic, left, right) = &expr.kind {
        let fails = *logic == Logic::Or
            && passes == Passes::True
            && (has_failed(project, at, left) || disregards(project, at, left, right));
        let grants =
            matches!(logic, Logic::Or | Logic::Coalesce) && permit::is_grant(right, passes);
        let asks = !matches!(left.kind, ExprKind::Bool(_) | ExprKind::Compare(..));
        return (fails || (grants && asks)).then(|| of(left));
    }
    if let ExprKind::Compare(Compare::NotEqual, left, right) = &expr.kind {
        // `rules[tool] !== false`: what no rule names passes.
        let refused = matches!(right.kind, ExprKind::Bool(false)) && passes == Passes::True;
        return (refused && missing(left) == Missing::Entry).then_some((left, Missing::Entry));
    }
    let call = expr.call()?;
    let grants = |place: usize| {
        call.arg(place)
            .map(|value| value.bare())
            .is_some_and(|value| permit::is_grant(value, passes))
    };
    match crate::link::callee_name(&call.callee) {
        "unwrap_or" | "map_or" | "getOrElse" | "is_none_or"
            if grants(0) || crate::link::callee_name(&call.callee) == "is_none_or" =>
        {
            let is_permit = passes == Passes::True || grants(0);
            call.receiver().filter(|_| is_permit).map(of)
        }
        "unwrap_or_default" if passes == Passes::False => call.receiver().map(of),
        "get" | "pop" | "getOrDefault" if grants(1) => Some((expr, Missing::Entry)),
        "getattr" if grants(2) => Some((expr, Missing::Entry)),
        _ => None,
    }
}

/// Whether a value is looked up, rather than the answer of a call.
fn missing(object: &Expr) -> Missing {
    let mut object = object.bare();
    for _ in 0..8 {
        if matches!(object.kind, ExprKind::Index(..) | ExprKind::Member(..)) {
            return Missing::Entry;
        }
        let Some(call) = object.call() else {
            return Missing::Check;
        };
        if matches!(crate::link::callee_name(&call.callee), "get" | "lookup") {
            return Missing::Entry;
        }
        let Some(inner) = call.receiver() else {
            return Missing::Check;
        };
        // What is called on a field is a call of its own, unless it only gives the field in another form.
        let converts = matches!(
            crate::link::callee_name(&call.callee),
            "as_ref" | "as_deref" | "copied" | "cloned" | "clone" | "map" | "lock" | "unwrap"
        );
        if inner.bare().call().is_none() && !converts {
            return Missing::Check;
        }
        object = inner.bare();
    }
    Missing::Check
}

/// `err != nil`, `answer.is_err()`.
fn has_failed(project: &Project<'_>, at: FnRef, test: &Expr) -> bool {
    if let ExprKind::Compare(Compare::NotEqual, left, right) = &test.kind {
        let name = project.last_name(at, left).unwrap_or_default();
        return matches!(right.kind, ExprKind::Null) && name.to_lowercase().ends_with("err");
    }
    test.call()
        .is_some_and(|call| crate::link::callee_name(&call.callee) == "is_err")
}

/// Go: `err == nil || ok` of `ok, err := check()`: that the check answered is taken for what it answered.
fn disregards(project: &Project<'_>, at: FnRef, left: &Expr, right: &Expr) -> bool {
    let ExprKind::Compare(Compare::Equal, error, nothing) = &left.kind else {
        return false;
    };
    let (ExprKind::Var(error), ExprKind::Var(answer)) = (&error.kind, &right.kind) else {
        return false;
    };
    let asked = |id| {
        project
            .assigned(at.variable(id))
            .map(|(_, value)| value.span)
    };
    let answered: Vec<_> = asked(*answer).collect();
    matches!(nothing.kind, ExprKind::Null) && asked(*error).any(|span| answered.contains(&span))
}
