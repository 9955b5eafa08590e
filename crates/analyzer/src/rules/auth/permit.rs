//! What counts as a permit: the answer of a predicate that lets a call pass.

use std::collections::BTreeSet;

use crate::facts::{Expr, ExprKind, Language, Name, Pattern, Stmt, StmtKind, VarId, walk};
use crate::finding::{Followed, Ground, Trusted};
use crate::link::{FnRef, Passes, Project, Settling};
use crate::vocabulary::words;

use super::truth;

/// Whether a function decides on access: by its name, as a method of what decides, or since its callers refuse by its answer.
pub(super) fn is_authority(project: &Project<'_>, at: FnRef) -> bool {
    project.gate(at).is_some()
        || project.function(at).is_some_and(|function| {
            let named = project.hints.is_authority(&function.name);
            (named && !is_about_checks(&function.name)) || is_method_of_one(project, at)
        })
}

/// How sure it is that a function decides on access: where callers refuse by its answer it is seen, else its name is trusted.
pub(super) fn ground(project: &Project<'_>, at: FnRef) -> Ground {
    let is_named_so = project.gate(at).is_none();
    Ground::Proved(Followed::Value).unless(is_named_so.then_some(Trusted::Name))
}

/// `shouldAuthenticate`, `isAuthRequired`: whether there is to be a check is no check.
fn is_about_checks(name: &str) -> bool {
    let words = words::words(name);
    let asks = words.iter().any(|word| {
        matches!(
            word.as_str(),
            "required"
                | "requires"
                | "enabled"
                | "disabled"
                | "configured"
                | "supported"
                | "supports"
        )
    });
    let should = words.first().is_some_and(|first| first == "should")
        && words.iter().any(|word| {
            matches!(
                word.as_str(),
                "check" | "require" | "skip" | "verify" | "authenticate" | "enforce" | "validate"
            )
        });
    asks || should
}

/// `AccessPolicy.evaluate`, `AuthService.check`.
fn is_method_of_one(project: &Project<'_>, at: FnRef) -> bool {
    let Some(function) = project
        .function(at)
        .filter(|function| function.class.is_some())
    else {
        return false;
    };
    let decides = matches!(
        function.name.to_lowercase().as_str(),
        "check"
            | "can"
            | "allow"
            | "allows"
            | "allowed"
            | "permit"
            | "permits"
            | "permitted"
            | "verify"
            | "evaluate"
            | "decide"
            | "enforce"
            | "isallowed"
            | "is_allowed"
    );
    let class = project.class_of(at).and_then(|class| project.class(class));
    decides
        && class.is_some_and(|class| {
            words::words(&class.name).iter().any(|word| {
                matches!(
                    word.as_str(),
                    "auth"
                        | "authorization"
                        | "authorizer"
                        | "access"
                        | "permission"
                        | "permissions"
                        | "policy"
                        | "acl"
                        | "rbac"
                        | "guard"
                )
            })
        })
}

/// The nearest function around that decides on access.
pub(super) fn authority_around(project: &Project<'_>, at: FnRef) -> Option<FnRef> {
    project
        .outward(at)
        .take(8)
        .map(|(here, _)| here)
        .find(|here| is_authority(project, *here))
}

/// What a function that decides on access answers where it permits: `false` where it asks whether something is forbidden.
pub(super) fn granting(project: &Project<'_>, at: FnRef) -> Passes {
    if let Some(passes) = project.gate(at) {
        return passes;
    }
    let asks_true = project
        .function(at)
        .is_none_or(|function| answers_true(&function.name));
    if asks_true {
        Passes::True
    } else {
        Passes::False
    }
}

/// Whether a check by this name permits with `true`: it asks for nothing forbidden.
pub(super) fn answers_true(name: &str) -> bool {
    let words = words::words(name);
    !words.iter().any(|word| FORBIDDEN.contains(&word.as_str()))
}

/// Words of names that ask whether something is forbidden.
const FORBIDDEN: &[&str] = &[
    "blocked",
    "denied",
    "forbidden",
    "disallowed",
    "unauthorized",
    "revoked",
    "blacklisted",
    "denylisted",
    "expired",
    "expiring",
    "invalid",
    "stale",
    "missing",
    "needed",
    "needs",
];

/// Whether a value is the literal answer that permits.
pub(super) fn is_grant(value: &Expr, passes: Passes) -> bool {
    truth::constant(value) == Some(passes == Passes::True)
}

/// Whether a function refuses by an error, so that an end without one permits.
fn is_guard(project: &Project<'_>, at: FnRef) -> bool {
    project
        .function(at)
        .is_some_and(|function| project.refuses_access(at, &function.body))
}

/// The nearest function around that goes on to the next one of a chain, and refuses access on another way.
pub(super) fn middleware_around(project: &Project<'_>, at: FnRef) -> Option<FnRef> {
    let mut around = project.outward(at).take(4);
    let goes_on = around.any(|(here, function)| {
        let mut params = function.params.iter();
        params.any(|param| {
            let name = project.target_name(here, &param.pattern);
            matches!(name.as_deref(), Some("next" | "call_next"))
        })
    });
    (goes_on && is_guard(project, at)).then_some(at)
}

/// Whether a value of such a function permits.
pub(super) fn permits(project: &Project<'_>, at: FnRef, value: &Expr) -> bool {
    match &value.kind {
        ExprKind::Bool(_) | ExprKind::Not(_) | ExprKind::Logic(..) => {
            is_grant(value, granting(project, at))
        }
        ExprKind::Choice(_, then, otherwise) => {
            is_grant(value, granting(project, at))
                || (permits(project, at, then) && permits(project, at, otherwise))
        }
        // Go's `return nil`: no error.
        ExprKind::Null => {
            let gives_error = project.function(at).is_some_and(|function| {
                let returns = function.returns.as_ref();
                returns.is_some_and(
                    |ty| matches!(&ty.kind, ExprKind::Global(name) if &**name == "error"),
                )
            });
            gives_error && project.language(at.file) == Language::Go && is_guard(project, at)
        }
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
                .is_some_and(|entry| truth::constant(entry) == Some(true))
        }),
        ExprKind::Call(call) => {
            // `Ok(true)`, `Some(true)`, `Decision::Allow` as a call.
            let name = crate::link::callee(&call.callee);
            let is_empty = call
                .arg(0)
                .is_some_and(|inner| matches!(inner.kind, ExprKind::Null));
            (matches!(name, "Ok" | "Some" | "resolve")
                && call.arg(0).is_some_and(|inner| permits(project, at, inner)))
                || (name == "Ok" && is_empty && is_guard(project, at))
                || matches!(name, "Allow" | "Permit")
        }
        ExprKind::List(parts) => parts
            .first()
            .is_some_and(|first| is_grant(first, granting(project, at))),
        ExprKind::Member(_, name) => {
            matches!(&**name, "Allow" | "ALLOW" | "Permit" | "PERMIT" | "Allowed")
        }
        ExprKind::Await(inner) => permits(project, at, inner),
        ExprKind::Number(_)
        | ExprKind::Var(_)
        | ExprKind::Global(_)
        | ExprKind::This
        | ExprKind::Super
        | ExprKind::Module(_)
        | ExprKind::Index(..)
        | ExprKind::Function(_)
        | ExprKind::Class(_)
        | ExprKind::Join(_)
        | ExprKind::Compare(..)
        | ExprKind::Propagate(_)
        | ExprKind::Spread(_)
        | ExprKind::Assign(..)
        | ExprKind::Flow(_)
        | ExprKind::Opaque(_) => false,
    }
}

/// As [`permits`], also where only one branch does: the other is another way through the same block.
fn may_permit(project: &Project<'_>, at: FnRef, value: &Expr) -> bool {
    if let ExprKind::Choice(_, then, otherwise) = &value.bare().kind
        && truth::constant(value).is_none()
    {
        return permits(project, at, then) || permits(project, at, otherwise);
    }
    if let ExprKind::Flow(inner) = &value.kind {
        let mut found = false;
        for block in walk::blocks(inner) {
            walk::stmts(block, &mut |stmt| {
                if let StmtKind::Value(value) = &stmt.kind {
                    found |= permits(project, at, value);
                }
            });
        }
        return found;
    }
    let wrapped = value.call().filter(|call| {
        let name = crate::link::callee(&call.callee);
        matches!(name, "Ok" | "Some" | "resolve")
    });
    let inner = wrapped.and_then(|call| call.arg(0));
    inner.is_some_and(|inner| {
        matches!(inner.kind, ExprKind::Flow(_) | ExprKind::Choice(..))
            && may_permit(project, at, inner)
    }) || permits(project, at, value)
}

/// `resolve(true)` in `new Promise((resolve) => …)`, `answer.set_result(True)`: what gives the answer without a return.
fn settles(project: &Project<'_>, at: FnRef, value: &Expr) -> bool {
    let Some(call) = value.call() else {
        return false;
    };
    let gives = if let ExprKind::Var(id) = call.callee.kind {
        project.settling(at.variable(id)) == Some(Settling::Resolves)
    } else {
        project.language(at.file) == Language::Python
            && crate::link::callee(&call.callee) == "set_result"
    };
    gives
        && call
            .arg(0)
            .is_some_and(|answer| may_permit(project, at, answer))
}

/// The statements of a block that permit: returns of a permit, calls of `next()`, and assignments of a permit to what the
/// function gives back.
pub(super) fn permitting<'a>(project: &Project<'a>, at: FnRef, block: &'a [Stmt]) -> Vec<&'a Stmt> {
    let mut found = Vec::new();
    let given_back = given_back(project, at);
    for outer in block {
        let mut visit = |stmt: &'a Stmt| {
            if let Some((target, value)) = assignment(stmt)
                && given_back.names(target)
                && is_grant(value, granting(project, at))
            {
                found.push(stmt);
            }
            if let StmtKind::Return(Some(value)) | StmtKind::Value(value) = &stmt.kind {
                let gives = may_permit(project, at, value) || settles(project, at, value);
                if gives || is_next(project, at, value) {
                    found.push(stmt);
                }
            } else if let StmtKind::Expr(value) = &stmt.kind
                && (is_next(project, at, value) || settles(project, at, value))
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

/// What a function gives back by name.
#[derive(Default)]
struct GivenBack {
    variables: BTreeSet<VarId>,
    /// Fields of the receiver.
    fields: BTreeSet<Name>,
}

impl GivenBack {
    fn names(&self, target: &Pattern) -> bool {
        if let Pattern::Place(place) = target {
            field_of_own(place).is_some_and(|name| self.fields.contains(name))
        } else {
            target
                .variable()
                .is_some_and(|id| self.variables.contains(&id))
        }
    }

    fn take(&mut self, value: &Expr) {
        let value = value.bare();
        if let ExprKind::Var(id) = value.kind {
            self.variables.insert(id);
        } else if let ExprKind::List(parts) = &value.kind
            && let Some(first) = parts.first()
        {
            self.take(first);
        } else if let Some(name) = field_of_own(value) {
            self.fields.insert(name.clone());
        }
    }
}

/// What a statement sets, also as the value of an arm.
fn assignment(stmt: &Stmt) -> Option<(&Pattern, &Expr)> {
    if let StmtKind::Assign { target, value } = &stmt.kind {
        return Some((target, value.as_ref()?));
    }
    if let StmtKind::Expr(value) | StmtKind::Value(value) = &stmt.kind
        && let ExprKind::Assign(target, value) = &value.kind
    {
        return Some((target, value));
    }
    None
}

/// `this.allowed`.
fn field_of_own(expr: &Expr) -> Option<&Name> {
    if let ExprKind::Member(object, name) = &expr.kind {
        matches!(object.kind, ExprKind::This).then_some(name)
    } else {
        None
    }
}

/// The variables and fields that a function gives back.
fn given_back(project: &Project<'_>, at: FnRef) -> GivenBack {
    let mut all = GivenBack::default();
    let Some(function) = project.function(at) else {
        return all;
    };
    walk::stmts(&function.body, &mut |stmt| {
        if let StmtKind::Return(Some(value)) = &stmt.kind {
            all.take(value);
        }
    });
    all
}

/// `next()` of a middleware, without an error; `call_next(request)`, `next.ServeHTTP(w, r)`, `next.run(request)`.
fn is_next(project: &Project<'_>, at: FnRef, value: &Expr) -> bool {
    value.call().is_some_and(|call| {
        let name = crate::link::callee_name(&call.callee);
        let own = project.last_name(at, &call.callee);
        (call.args.is_empty() && own.as_deref() == Some("next"))
            || own.as_deref() == Some("call_next")
            || (matches!(name, "ServeHTTP" | "run")
                && call
                    .receiver()
                    .is_some_and(|object| project.is_named(at, object, "next")))
    })
}

/// `process.env`.
pub(super) fn is_environment(object: &Expr) -> bool {
    matches!(&object.kind, ExprKind::Member(outer, name) if &**name == "env" && matches!(&outer.kind, ExprKind::Global(global) if &**global == "process"))
}
