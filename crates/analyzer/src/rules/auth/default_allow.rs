//! Access that is permitted because nothing is configured or nothing matched.

use crate::facts::{Compare, Expr, ExprKind, Pattern, StmtKind, VariableKind, walk};
use crate::finding::Severity;
use crate::link::{FnRef, Project};
use crate::rules::{At, Axis, Report, Rule};
use crate::vocabulary::words;

use super::permit;

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
    for (at, function) in project.functions() {
        if !permit::is_authority(project, at) {
            continue;
        }
        walk::stmts(&function.body, &mut |stmt| {
            if let StmtKind::If { test, then, .. } = &stmt.kind
                && is_missing(project, at, test)
            {
                for found in permit::permitting(project, at, then) {
                    report.add(
                        At {
                            function: at,
                            span: found.span,
                        },
                        "without a policy everything is permitted",
                    );
                }
            }
            if let StmtKind::Match { arms, .. } = &stmt.kind
                && arms.len() > 1
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
        nothing && is_setup(project, at, left)
    } else if let ExprKind::Logic(_, left, right) = &test.kind {
        is_missing(project, at, left) && is_missing(project, at, right)
    } else {
        false
    }
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
        })
    } else if let ExprKind::Member(object, _) = &expr.kind {
        matches!(object.kind, ExprKind::This) || is_environment(object)
    } else {
        false
    }
}

fn is_environment(object: &Expr) -> bool {
    matches!(&object.kind, ExprKind::Member(outer, name) if &**name == "env" && matches!(&outer.kind, ExprKind::Global(global) if &**global == "process"))
}
