//! A check of access that is not waited for.

use crate::facts::{Expr, ExprKind, LoopKind, Mode, StmtKind, walk};
use crate::finding::{Ground, Severity, Trusted};
use crate::link::{FnRef, Project};
use crate::rules::{At, Axis, Report, Rule};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "AUTH-005",
    name: "unawaited-auth",
    severity: Severity::High,
    axes: &[Axis::Security],
    cwe: &[252, 863],
    summary: "An asynchronous check of access is tested without waiting for its answer.",
    why: "A promise or coroutine is always true-like: the check permits everybody, and its refusal is an unhandled failure later.",
    fix: "`await` the check.",
    fixtures: fixtures!("AUTH-005": ts, py),
    check,
};

fn check(project: &Project<'_>, report: &mut Report<'_>) {
    for (at, function) in project.functions() {
        let mut tested = Vec::new();
        walk::stmts(&function.body, &mut |stmt| {
            if let StmtKind::If { test, .. } = &stmt.kind {
                operands(test, &mut tested);
            } else if let StmtKind::Match { subject, .. } = &stmt.kind {
                operands(subject, &mut tested);
            } else if let StmtKind::Loop {
                kind: LoopKind::While,
                over: Some(test),
                ..
            } = &stmt.kind
            {
                operands(test, &mut tested);
            }
        });
        walk::exprs(&function.body, &mut |expr| {
            if let ExprKind::Choice(test, ..) = &expr.kind {
                operands(test, &mut tested);
            } else if let ExprKind::Not(inner) | ExprKind::Logic(_, inner, _) = &expr.kind {
                // `return allowed(x) && read(x)`: the left side decides.
                operands(inner, &mut tested);
            }
        });
        for one in tested {
            for call in calls(project, at, one) {
                judge(project, at, call, report);
            }
        }
    }
}

/// What a test asks for its truth.
fn operands<'a>(test: &'a Expr, out: &mut Vec<&'a Expr>) {
    if let ExprKind::Not(inner) = &test.kind {
        operands(inner, out);
    } else if let ExprKind::Logic(_, left, right) = &test.kind {
        operands(left, out);
        operands(right, out);
    } else {
        out.push(test);
    }
}

/// The call that is asked, or those that a variable was set to in the function without waiting.
fn calls<'a>(project: &Project<'a>, at: FnRef, tested: &'a Expr) -> Vec<&'a Expr> {
    if let ExprKind::Call(_) = &tested.kind {
        return vec![tested];
    }
    let ExprKind::Var(id) = tested.kind else {
        return Vec::new();
    };
    let set = project.assigned(at.variable(id));
    set.filter(|(from, value)| *from == at && matches!(value.kind, ExprKind::Call(_)))
        .map(|(_, value)| value)
        .collect()
}

fn judge<'a>(project: &Project<'a>, at: FnRef, call: &'a Expr, report: &mut Report<'_>) {
    let Some(site) = project.site_at(at, call) else {
        return;
    };
    let asynchronous = site
        .targets
        .iter()
        .any(|target| promises(project, *target, MAX_CALLS));
    if asynchronous && project.hints.is_authority(site.name()) {
        let message = format!(
            "`{}` is not waited for: what is tested is always true-like",
            site.name()
        );
        let place = At {
            function: at,
            span: call.span,
        };
        report.add(place, Ground::Likely(Trusted::Name), message);
    }
}

/// Calls through which a promise is followed.
const MAX_CALLS: usize = 3;

/// Whether a function gives a promise: it is asynchronous, or gives back what one gives without waiting.
fn promises(project: &Project<'_>, at: FnRef, left: usize) -> bool {
    let Some(function) = project.function(at) else {
        return false;
    };
    if function.mode == Mode::Async {
        return true;
    }
    let mut found = false;
    walk::stmts(&function.body, &mut |stmt| {
        if let StmtKind::Return(Some(value)) = &stmt.kind
            && let ExprKind::Call(_) = value.kind
            && let Some(site) = project.site_at(at, value)
        {
            found |= left > 0
                && site
                    .targets
                    .iter()
                    .any(|target| promises(project, *target, left - 1));
        }
    });
    found
}
