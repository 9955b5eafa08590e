//! Go and Rust: a channel, stream or flag that SIGTERM goes to, and that nothing looks at.

use crate::facts::{Expr, ExprKind, Language, Pattern, StmtKind, VarId, walk};
use crate::link::{Form, Hook, Project, Site};
use crate::rules::{At, Report};

/// The default action of the signal is gone once it is asked for: what it goes to must be waited for.
pub(super) fn look(project: &Project<'_>, report: &mut Report<'_>) {
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
        if is_used(project, site, receiver) {
            continue;
        }
        let place = At {
            function: hook.at,
            span: hook.span,
        };
        report.add(
            place,
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

/// Whether anything but the registration, its undoing and a clone for it uses the variable.
fn is_used(project: &Project<'_>, site: &Site<'_>, id: VarId) -> bool {
    let mut used = false;
    for (at, function) in project.functions_in(site.at.file) {
        let undone: Vec<_> = project
            .sites_of(at)
            .filter(|other| other.name() == "Stop")
            .map(|other| other.span)
            .collect();
        walk::exprs(&function.body, &mut |expr| {
            let registers =
                site.span.holds(expr.span) || undone.iter().any(|span| span.holds(expr.span));
            used |= matches!(expr.kind, ExprKind::Var(one) if one == id) && !registers;
        });
    }
    used
}
