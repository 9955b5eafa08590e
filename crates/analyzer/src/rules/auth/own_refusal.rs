//! A refusal that is thrown where the same function catches it again.

use crate::facts::{ExprKind, Stmt, StmtKind, walk};
use crate::finding::{Ground, Trusted};
use crate::link::{Failure, FailureKind, FnRef, Project};
use crate::rules::{At, Report};
use crate::vocabulary::{Role, words};

/// `try { if (!allowed(real)) throw new Error("Access denied"); return real } catch { … return path }`: the region does not look
/// at what it caught, and may answer all the same.
pub(super) fn look(project: &Project<'_>, report: &mut Report<'_>) {
    for failure in &project.failures {
        let Some(function) = project.function(failure.at) else {
            continue;
        };
        let is_one = failure.kind == FailureKind::Catch && is_check(&function.name);
        if !is_one || looks_at_it(project, failure) || !takes_refusals(project, failure) {
            continue;
        }
        let mut thrown = None;
        let mut answered = false;
        walk::stmts(&function.body, &mut |stmt| {
            if failure.guarded.holds(stmt.span) {
                answered |= answers(project, failure.at, stmt);
                if let StmtKind::If { then, .. } = &stmt.kind
                    && let Some(last) = then.last()
                    && matches!(last.kind, StmtKind::Throw(_))
                    && denies(project, failure.at, last)
                {
                    thrown.get_or_insert(last.span);
                }
            }
        });
        let mut permits = None;
        walk::stmts(failure.body, &mut |stmt| {
            if answers(project, failure.at, stmt) {
                permits.get_or_insert(stmt.span);
            }
        });
        let (Some(thrown), Some(permits), true) = (thrown, permits, answered) else {
            continue;
        };
        let place = |span| At {
            function: failure.at,
            span,
        };
        report
            .add(
                place(failure.span),
                Ground::Likely(Trusted::Name),
                "a refusal is caught here with every other failure, and what follows may permit",
            )
            .via(project, place(thrown), "the refusal is thrown here")
            .via(project, place(permits), "this permits");
    }
}

/// Whether a region mentions the error other than in a log: it may tell the refusal from the rest.
fn looks_at_it(project: &Project<'_>, failure: &Failure<'_>) -> bool {
    let logged = |place| {
        let mut sites = project.sites_within(failure.at, failure.span);
        sites.any(|site| site.role == Some(Role::Log) && site.span.holds(place))
    };
    let mut looks = !failure.members.is_empty();
    walk::exprs(failure.body, &mut |expr| {
        let is_it = matches!(&expr.kind, ExprKind::Var(id) if failure.errors.contains(id));
        looks |= is_it && !logged(expr.span);
    });
    walk::stmts(failure.body, &mut |stmt| {
        looks |= matches!(stmt.kind, StmtKind::Throw(None));
    });
    looks
}

/// Types of errors that hold every refusal.
const ALL: &[&str] = &[
    "Exception",
    "BaseException",
    "Error",
    "OSError",
    "IOError",
    "EnvironmentError",
];

/// Whether a region catches what a refusal throws: all there is, or types that refusals have.
fn takes_refusals(project: &Project<'_>, failure: &Failure<'_>) -> bool {
    let holds = |name: &str| ALL.contains(&name) || REFUSALS.contains(&name);
    let mut types = failure.types.iter();
    failure.types.is_empty()
        || types.any(|ty| {
            let mut names = project.names_in(failure.at, ty).into_iter();
            names.any(|name| holds(&name))
        })
}

/// Words of names that say no, or nothing.
const REFUSING: &[&str] = &[
    "deny",
    "denied",
    "denial",
    "refuse",
    "refused",
    "forbid",
    "forbidden",
    "reject",
    "rejected",
    "block",
    "blocked",
    "unauthorized",
    "error",
    "undefined",
    "none",
    "invalid",
];

/// Whether a statement gives back what was asked for, or that it is allowed.
fn answers(project: &Project<'_>, at: FnRef, stmt: &Stmt) -> bool {
    let StmtKind::Return(Some(value)) = &stmt.kind else {
        return false;
    };
    let value = value.bare();
    if let ExprKind::Bool(permits) = value.kind {
        return permits;
    }
    let refuses = || {
        let name = project.last_name(at, value).unwrap_or_default();
        let words = words::words(&name);
        words.iter().any(|word| REFUSING.contains(&word.as_str()))
    };
    matches!(value.kind, ExprKind::Var(_) | ExprKind::Member(..)) && !refuses()
}

/// Verbs by which a function is called that checks what it is given.
const CHECKING: &[&str] = &[
    "validate",
    "check",
    "ensure",
    "verify",
    "assert",
    "resolve",
    "authorize",
    "authorise",
    "is",
    "safe",
    "allowed",
];

fn is_check(name: &str) -> bool {
    let words = words::words(name);
    words.iter().any(|word| CHECKING.contains(&word.as_str()))
}

/// Words by which a thrown text says that access is refused.
const DENIALS: &[&str] = &[
    "access denied",
    "permission denied",
    "not allowed",
    "outside allowed",
    "forbidden",
    "unauthorized",
    "not permitted",
];

/// Types of errors that say so by themselves.
const REFUSALS: &[&str] = &[
    "PermissionError",
    "PermissionDenied",
    "AccessDeniedError",
    "ForbiddenError",
];

fn denies(project: &Project<'_>, at: FnRef, thrown: &Stmt) -> bool {
    let mut says = false;
    walk::own_exprs(thrown, &mut |expr| {
        says |= expr.text().is_some_and(|text| {
            let text = text.to_lowercase();
            DENIALS.iter().any(|denial| text.contains(denial))
        });
        says |= expr.call().is_some_and(|call| {
            let name = project.last_name(at, &call.callee).unwrap_or_default();
            REFUSALS.contains(&name.as_str())
        });
    });
    says
}
