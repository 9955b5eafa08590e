//! A handler that knows of the cancel and does not pass it on.

use crate::facts::{ExprKind, Pattern, VarId, walk};
use crate::finding::Severity;
use crate::link::{Project, Site};
use crate::rules::outbound::bounds;
use crate::rules::{At, Axis, Report, Rule};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "TIME-002",
    name: "cancel-not-propagated",
    severity: Severity::Low,
    axes: &[Axis::Reliability],
    cwe: &[404],
    summary: "A handler is given a signal or context for cancelling and waits without it.",
    why: "The caller has gone, the work goes on: it holds connections and may still change something that nobody expects any more.",
    fix: "Pass the signal, context or token to what the handler waits for.",
    fixtures: fixtures!("TIME-002": ts),
    check,
};

/// Names of parameters that carry a cancel.
const CARRIERS: &[&str] = &[
    "extra",
    "ctx",
    "context",
    "signal",
    "token",
    "cancellation_token",
    "ct",
    "abortSignal",
];

fn check(project: &Project<'_>, report: &mut Report<'_>) {
    for handler in &project.handlers {
        let at = handler.function;
        // Python's SDK cancels the task that runs the handler, so every await inside is cancelled with it.
        if project.language(at.file) == crate::facts::Language::Python {
            continue;
        }
        let Some(function) = project.function(at) else {
            continue;
        };
        let carrier = function.params.iter().find_map(|param| {
            let Pattern::Var(id) = &param.pattern else {
                return None;
            };
            let variable = project.variable(at.variable(*id))?;
            CARRIERS
                .contains(&&*variable.name)
                .then(|| (*id, variable.name.clone()))
        });
        let Some((id, name)) = carrier else {
            continue;
        };
        for site in project.sites_of(at) {
            if bounds::of_role(site).is_some()
                && !mentions(site, id)
                && !used_for_cancel(project, at, id)
            {
                let message = format!(
                    "`{name}` tells of a cancel, and `{}` waits without it",
                    site.name()
                );
                report.add(
                    At {
                        function: at,
                        span: site.span,
                    },
                    message,
                );
            }
        }
    }
}

fn mentions(site: &Site<'_>, id: VarId) -> bool {
    site.call.args.iter().any(|arg| {
        let mut found = false;
        walk::each(&arg.value, &mut |expr| {
            found |= matches!(&expr.kind, ExprKind::Var(known) if *known == id)
        });
        found
    })
}

/// `extra.signal` read anywhere in the handler is taken as passing it on.
fn used_for_cancel(project: &Project<'_>, at: crate::link::FnRef, id: VarId) -> bool {
    let Some(function) = project.function(at) else {
        return false;
    };
    let mut found = false;
    walk::exprs(&function.body, &mut |expr| {
        if let ExprKind::Member(object, name) = &expr.kind {
            found |= matches!(&**name, "signal" | "Done" | "cancelled" | "ct")
                && matches!(&object.kind, ExprKind::Var(known) if *known == id);
        }
    });
    found
}
