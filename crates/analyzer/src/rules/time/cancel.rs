//! A handler that knows of the cancel and does not pass it on.

use crate::facts::{Expr, ExprKind, Language, Mode, Pattern, StmtKind, VarId, walk};
use crate::finding::{Followed, Ground, Severity, Trusted};
use crate::link::{Fate, Project, Site};
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
    fixtures: fixtures!("TIME-002": ts, py, rs, go),
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
    caught(project, report);
    for handler in &project.handlers {
        let at = handler.function;
        // Python's SDK cancels the task that runs the handler, so every await inside is cancelled with it.
        if project.language(at.file) == Language::Python {
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
                && !mentions(project, site, id)
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
                    Ground::Likely(Trusted::Name),
                    message,
                );
            }
        }
    }
}

/// Python: the cancel comes as an exception, and what catches it without raising it again goes on with the work.
fn caught(project: &Project<'_>, report: &mut Report<'_>) {
    let reach = project.handler_reach();
    for failure in &project.failures {
        let language = project.language(failure.at.file);
        if language != Language::Python || !reach.contains(&failure.at) {
            continue;
        }
        let is_async = project
            .function(failure.at)
            .is_some_and(|function| function.mode == Mode::Async);
        let takes = failure.types.iter().any(|ty| {
            let name = project.last_name(failure.at, ty);
            matches!(name.as_deref(), Some("CancelledError" | "BaseException"))
        });
        if !is_async || !takes {
            continue;
        }
        let mut leaves = false;
        walk::stmts(failure.body, &mut |stmt| {
            leaves |= matches!(stmt.kind, StmtKind::Throw(_) | StmtKind::Return(_));
        });
        let goes_on = project
            .sites_of(failure.at)
            .any(|site| site.fate == Fate::Awaited && site.span.start >= failure.span.end);
        // Waiting for the end of a task that was cancelled on purpose.
        let own = project
            .sites_of(failure.at)
            .any(|site| site.name() == "cancel" && site.span.start < failure.span.start);
        if goes_on && !leaves && !own {
            let place = At {
                function: failure.at,
                span: failure.span,
            };
            report.add(
                place,
                Ground::Proved(Followed::Statements),
                "the cancel of the call ends here: it is caught and not raised again",
            );
        }
    }
}

fn mentions(project: &Project<'_>, site: &Site<'_>, id: VarId) -> bool {
    let receiver = site.call.receiver();
    let exprs = receiver
        .into_iter()
        .chain(site.call.args.iter().map(|arg| &arg.value));
    exprs.into_iter().any(|given| {
        let mut found = false;
        walk::each(given, &mut |expr| {
            let ExprKind::Var(known) = expr.kind else {
                return;
            };
            // `request, err := http.NewRequestWithContext(ctx, …)` carries it on.
            found |= known == id
                || project
                    .assigned(site.at.variable(known))
                    .any(|(_, value)| uses(value, id));
        });
        found
    })
}

fn uses(value: &Expr, id: VarId) -> bool {
    let mut found = false;
    walk::each(value, &mut |expr| {
        found |= matches!(expr.kind, ExprKind::Var(known) if known == id);
    });
    found
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
