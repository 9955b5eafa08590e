//! Access that is permitted because nothing is configured or nothing matched.

use crate::facts::{Arm, Compare, Expr, ExprKind, Language, Pattern, StmtKind, VariableKind, walk};
use crate::finding::Severity;
use crate::link::{FnRef, Project};
use crate::rules::{At, Axis, Report, Rule};
use crate::vocabulary::{Role, words};

use super::unanswered::{self, Missing};
use super::{permit, skipped};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "AUTH-004",
    name: "default-allow",
    severity: Severity::High,
    axes: &[Axis::Security],
    cwe: &[1188, 276],
    summary: "Access is permitted when the policy is missing or nothing in it matches.",
    why: "A policy that could not be loaded, or a case that nobody thought of, opens the door.",
    fix: "Deny when the policy is missing and in the default arm; make an open mode an explicit flag that is off by default.",
    fixtures: fixtures!("AUTH-004": ts, py, rs, go),
    check,
};

/// Words of names that are a state or a flag, not a policy.
const STATES: &[&str] = &[
    "is",
    "has",
    "expired",
    "enabled",
    "disabled",
    "required",
    "strict",
    "denied",
    "deny",
    "blocked",
    "blocklist",
    "denylist",
    "forbidden",
    "excluded",
];

fn check(project: &Project<'_>, report: &mut Report<'_>) {
    let unnamed = "what the policy does not name is permitted";
    unanswered::look(project, Missing::Entry, unnamed, report);
    skipped::look(project, report);
    for (at, function) in project.functions() {
        if !permit::is_authority(project, at) && !is_gate(project, at) {
            continue;
        }
        walk::stmts(&function.body, &mut |stmt| {
            if let StmtKind::If { test, then, .. } = &stmt.kind
                && (is_missing(project, at, test) || is_unlisted(project, at, test))
            {
                for found in permit::permitting(project, at, then) {
                    report.add(
                        At {
                            function: at,
                            span: found.span,
                        },
                        permit::ground(project, at),
                        "without a policy everything is permitted",
                    );
                }
            }
            if let StmtKind::Match { subject, arms } = &stmt.kind
                && arms.len() > 1
                && (!is_optional(arms) || is_setup(project, at, subject))
            {
                for arm in arms
                    .iter()
                    .filter(|arm| matches!(arm.pattern, Pattern::Any))
                {
                    for found in permit::permitting(project, at, &arm.body) {
                        report.add(
                            At {
                                function: at,
                                span: found.span,
                            },
                            permit::ground(project, at),
                            "what no case names is permitted",
                        );
                    }
                }
            }
        });
    }
}

/// A test that something set up elsewhere is not there: `!policy`, `policy == null`, `policy.length === 0`, `!process.env.X`.
fn is_missing(project: &Project<'_>, at: FnRef, test: &Expr) -> bool {
    if let ExprKind::Not(inner) = &test.kind {
        is_setup(project, at, inner)
    } else if let ExprKind::Compare(Compare::Equal, left, right) = &test.kind {
        let nothing = matches!(right.kind, ExprKind::Null)
            || matches!(&right.kind, ExprKind::Str(text) if text.is_empty());
        let is_zero = matches!(right.kind, ExprKind::Number(number) if number == 0.0);
        (nothing && is_setup(project, at, left))
            || (is_zero && measured(left).is_some_and(|of| is_setup(project, at, of)))
    } else if let Some(call) = test.call()
        && let Some(object) = call.receiver()
        && matches!(
            crate::link::callee_name(&call.callee),
            "is_none" | "is_empty" | "is_err" | "isEmpty"
        )
    {
        is_setup(project, at, object)
    } else if let ExprKind::Logic(_, left, right) = &test.kind {
        is_missing(project, at, left) && is_missing(project, at, right)
    } else {
        false
    }
}

/// `let Some(origin) = request.origin() else`: what is not there is no case that nobody thought of.
fn is_optional(arms: &[Arm]) -> bool {
    arms.iter().any(|arm| {
        matches!(&arm.pattern, Pattern::Of(path, _) if crate::link::callee_name(path) == "Some")
    })
}

/// Go: `!known` of `answer, known := rules[tool]`.
fn is_unlisted(project: &Project<'_>, at: FnRef, test: &Expr) -> bool {
    let ExprKind::Not(inner) = &test.kind else {
        return false;
    };
    let ExprKind::Var(id) = inner.kind else {
        return false;
    };
    let is_go = project.language(at.file) == Language::Go;
    let mut set = project.assigned(at.variable(id)).filter(|_| is_go);
    set.any(|(_, value)| matches!(value.kind, ExprKind::Index(..)))
}

/// What is measured: `len(x)`, `x.length`, `x.len()`.
fn measured(expr: &Expr) -> Option<&Expr> {
    if let ExprKind::Member(object, name) = &expr.kind {
        return (&**name == "length").then_some(object);
    }
    let call = expr.call()?;
    let is_length = crate::link::callee_name(&call.callee) == "len";
    is_length.then(|| call.receiver().or_else(|| call.arg(0)))?
}

/// A middleware of authentication: named so, and given the next one.
fn is_gate(project: &Project<'_>, at: FnRef) -> bool {
    project.function(at).is_some_and(|function| {
        let named = words::words(&function.name).iter().any(|word| {
            matches!(
                word.as_str(),
                "auth" | "authenticate" | "authentication" | "authorization"
            )
        });
        let goes_on = function
            .params
            .iter()
            .any(|param| project.target_name(at, &param.pattern).as_deref() == Some("next"));
        named && goes_on
    })
}

/// A variable of the module, a field, or the environment: what was set up before the check.
fn is_setup(project: &Project<'_>, at: FnRef, expr: &Expr) -> bool {
    // A flag or a state is an answer of its own, and a list of what is forbidden may well be empty.
    let name = project.last_name(at, expr).unwrap_or_default();
    let is_state = words::words(&name)
        .iter()
        .any(|word| STATES.contains(&word.as_str()));
    if is_state {
        return false;
    }
    if let ExprKind::Var(id) = &expr.kind {
        project.variable(at.variable(*id)).is_some_and(|variable| {
            variable.owner != at.id
                && matches!(variable.kind, VariableKind::Local | VariableKind::Constant)
        }) || project
            .assigned(at.variable(*id))
            .any(|(from, value)| asks_environment(project, from, value))
    } else if let ExprKind::Member(object, _) = &expr.kind {
        matches!(object.kind, ExprKind::This) || permit::is_environment(object)
    } else {
        asks_environment(project, at, expr)
    }
}

/// `os.Getenv("POLICY")`, `os.environ.get("POLICY")`, `env::var("POLICY")`.
fn asks_environment(project: &Project<'_>, at: FnRef, expr: &Expr) -> bool {
    project
        .site_at(at, expr)
        .is_some_and(|site| site.role == Some(Role::Environment))
}
