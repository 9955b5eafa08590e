//! What counts as a permit: the answer of a predicate that lets a call pass.

use crate::facts::{Expr, ExprKind, Stmt, StmtKind, walk};
use crate::link::{FnRef, Project};
use crate::vocabulary::words;

/// Whether a function decides on access, by its name or that of the class it is in.
pub(super) fn is_authority(project: &Project<'_>, at: FnRef) -> bool {
    project
        .function(at)
        .is_some_and(|function| project.hints.is_authority(&function.name))
}

/// The nearest function around that decides on access.
pub(super) fn authority_around(project: &Project<'_>, at: FnRef) -> Option<FnRef> {
    project
        .outward(at)
        .take(8)
        .map(|(here, _)| here)
        .find(|here| is_authority(project, *here))
}

/// Whether a name asks whether something is forbidden: its `false` permits.
fn is_negative(project: &Project<'_>, at: FnRef) -> bool {
    project.function(at).is_some_and(|function| {
        words::words(&function.name).iter().any(|word| {
            matches!(
                word.as_str(),
                "blocked"
                    | "denied"
                    | "forbidden"
                    | "disallowed"
                    | "unauthorized"
                    | "revoked"
                    | "blacklisted"
                    | "denylisted"
                    | "expired"
                    | "expiring"
                    | "invalid"
                    | "stale"
                    | "missing"
                    | "needed"
                    | "needs"
            )
        })
    })
}

/// Whether a value of such a function permits.
pub(super) fn permits(project: &Project<'_>, at: FnRef, value: &Expr) -> bool {
    let negative = is_negative(project, at);
    match &value.kind {
        ExprKind::Bool(answer) => *answer != negative,
        ExprKind::Str(text) => matches!(
            text.to_lowercase().as_str(),
            "allow" | "allowed" | "permit" | "granted"
        ),
        ExprKind::Object(_) => [
            "allowed",
            "authorized",
            "permitted",
            "ok",
            "valid",
            "granted",
            "isAllowed",
            "allow",
        ]
        .iter()
        .any(|key| {
            value
                .entry(key)
                .is_some_and(|entry| matches!(entry.kind, ExprKind::Bool(true)))
        }),
        ExprKind::Call(call) => {
            // `Ok(true)`, `Some(true)`, `Decision::Allow` as a call.
            let name = crate::link::callee(&call.callee);
            (matches!(name, "Ok" | "Some" | "resolve")
                && call.arg(0).is_some_and(|inner| permits(project, at, inner)))
                || matches!(name, "Allow" | "Permit")
        }
        ExprKind::List(parts) => parts.first().is_some_and(|first| {
            matches!(first.kind, ExprKind::Bool(_)) && permits(project, at, first)
        }),
        ExprKind::Member(_, name) => {
            matches!(&**name, "Allow" | "ALLOW" | "Permit" | "PERMIT" | "Allowed")
        }
        ExprKind::Await(inner) => permits(project, at, inner),
        ExprKind::Number(_)
        | ExprKind::Null
        | ExprKind::Var(_)
        | ExprKind::Global(_)
        | ExprKind::This
        | ExprKind::Super
        | ExprKind::Module(_)
        | ExprKind::Index(..)
        | ExprKind::Function(_)
        | ExprKind::Class(_)
        | ExprKind::Join(_)
        | ExprKind::Logic(..)
        | ExprKind::Compare(..)
        | ExprKind::Not(_)
        | ExprKind::Propagate(_)
        | ExprKind::Choice(..)
        | ExprKind::Spread(_)
        | ExprKind::Assign(..)
        | ExprKind::Flow(_)
        | ExprKind::Opaque(_) => false,
    }
}

/// The statements of a block that permit: returns of a permit, and calls of `next()`.
pub(super) fn permitting<'a>(project: &Project<'a>, at: FnRef, block: &'a [Stmt]) -> Vec<&'a Stmt> {
    let mut found = Vec::new();
    for outer in block {
        let mut visit = |stmt: &'a Stmt| {
            if let StmtKind::Return(Some(value)) | StmtKind::Value(value) = &stmt.kind {
                if permits(project, at, value) || is_next(project, at, value) {
                    found.push(stmt);
                }
            } else if let StmtKind::Expr(value) = &stmt.kind
                && is_next(project, at, value)
            {
                found.push(stmt)
            }
        };
        visit(outer);
        for inner in walk::blocks(outer) {
            walk::stmts(inner, &mut visit);
        }
    }
    found
}

/// `next()` of a middleware, without an error.
fn is_next(project: &Project<'_>, at: FnRef, value: &Expr) -> bool {
    value.call().is_some_and(|call| {
        call.args.is_empty() && project.last_name(at, &call.callee).as_deref() == Some("next")
    })
}
