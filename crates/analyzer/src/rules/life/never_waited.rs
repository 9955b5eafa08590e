//! Go and Rust: a channel, stream or flag that SIGTERM goes to, and that nothing looks at.

use std::collections::HashMap;

use crate::facts::{Cover, Expr, ExprKind, Language, Pattern, Span, StmtKind, VarId, walk};
use crate::finding::{Followed, Ground};
use crate::link::{Form, Hook, Project, Site};
use crate::rules::{At, Report};

/// The default action of the signal is gone once it is asked for: what it goes to must be waited for.
pub(super) fn look(project: &Project<'_>, report: &mut Report<'_>) {
    let mut used: HashMap<u32, HashMap<VarId, Vec<Span>>> = HashMap::new();
    for hook in &project.hooks {
        let language = project.language(hook.at.file);
        let waits = hook.form == Form::Wait && hook.trigger.is_signal("SIGTERM");
        if !waits || !matches!(language, Language::Go | Language::Rust) {
            continue;
        }
        let Some(site) = hook.site.and_then(|id| project.site(id)) else {
            continue;
        };
        let Some(receiver) = receiver(project, hook, site) else {
            continue;
        };
        let file = site.at.file;
        let uses = used.entry(file).or_insert_with(|| uses(project, file));
        let mut uses = uses.get(&receiver).into_iter().flatten();
        // Anything but the registration, its undoing and a clone for it.
        if uses.any(|span| !site.span.holds(*span)) {
            continue;
        }
        let place = At {
            function: hook.at,
            span: hook.span,
        };
        report.add(
            place, Ground::Proved(Followed::Value),
            "SIGTERM is caught here, and nothing waits for it: the process can't be ended by SIGTERM",
        );
    }
}

/// The variable that the signal goes to: the channel of `Notify`, the flag of `register`, what the call gives.
fn receiver(project: &Project<'_>, hook: &Hook<'_>, site: &Site<'_>) -> Option<VarId> {
    let given = match site.name() {
        "Notify" => site.call.arg(0),
        "register" | "register_usize" | "register_conditional_default" => site.call.arg(1),
        _ => None,
    };
    if let Some(given) = given {
        return root(given);
    }
    let function = project.function(hook.at)?;
    let mut found = None;
    walk::stmts(&function.body, &mut |stmt| {
        if let StmtKind::Assign {
            target: Pattern::Var(id),
            value: Some(value),
        } = &stmt.kind
            && value.span.holds(site.span)
        {
            found = Some(*id);
        }
    });
    found
}

/// The variable under `Arc::clone(&flag)` and `flag.clone()`.
fn root(expr: &Expr) -> Option<VarId> {
    let mut found = None;
    walk::each(expr, &mut |inner| {
        if let ExprKind::Var(id) = inner.kind {
            found = Some(id);
        }
    });
    found
}

/// Where the variables of a file are used, but for undoing a registration.
fn uses(project: &Project<'_>, file: u32) -> HashMap<VarId, Vec<Span>> {
    let mut all: HashMap<VarId, Vec<Span>> = HashMap::new();
    for (at, function) in project.functions_in(file) {
        let undone = project.sites_of(at).filter(|other| other.name() == "Stop");
        let undone: Cover = undone.map(|other| other.span).collect();
        walk::exprs(&function.body, &mut |expr| {
            if let ExprKind::Var(id) = expr.kind
                && !undone.holds(expr.span)
            {
                all.entry(id).or_default().push(expr.span);
            }
        });
    }
    all
}
