//! A call of a tool ends the process, at once or by a timer, whatever else is running.

use std::collections::BTreeMap;

use crate::facts::{CallForm, Expr, ExprKind};
use crate::finding::{Ground, Surface, Trusted};
use crate::link::{FnRef, Project, Site};
use crate::rules::{At, Report};
use crate::vocabulary::Role;

use super::in_flight::waits_for_calls;

/// `threading.Timer(1.0, lambda: os._exit(0)).start()`, `setTimeout(() => process.exit(0), 500)` in what a tool runs.
pub(super) fn look(project: &Project<'_>, report: &mut Report<'_>) {
    let reach = project.handler_reach();
    let hooks = project.hooks.iter().flat_map(|hook| hook.functions.iter());
    let stops = project.reach(&hooks.copied().collect::<Vec<FnRef>>());
    let mut waiting: BTreeMap<FnRef, bool> = BTreeMap::new();
    for site in project.sites() {
        if site.role != Some(Role::Exit) || project.surface(site.at.file) != Surface::Runtime {
            continue;
        }
        let Some(armed) = armed_in(project, site) else {
            continue;
        };
        // In a shutdown that a signal runs as well it is the last resort.
        if !reach.contains(&armed)
            || stops.contains(&armed)
            || *waiting
                .entry(armed)
                .or_insert_with(|| waits_for_calls(project, &project.reach(&[armed])))
        {
            continue;
        }
        let place = At {
            function: site.at,
            span: site.span,
        };
        report.add(
            place,
            Ground::Likely(Trusted::Purpose),
            "a call of a tool arms this exit, and nothing waits for the other calls in flight",
        );
    }
}

/// The function that gives the closure of an exit to something which runs it later or beside.
fn armed_in(project: &Project<'_>, exit: &Site<'_>) -> Option<FnRef> {
    let closure = project.function(exit.at)?;
    let outer = exit.at.beside(closure.parent?);
    let is_closure = |expr: &Expr| matches!(expr.kind, ExprKind::Function(id) if id == exit.at.id);
    let is_given = project.sites_holding(outer, closure.span).any(|site| {
        let by_timer = matches!(site.role, Some(Role::Later | Role::Task));
        (by_timer && site.call.args.iter().any(|arg| is_closure(&arg.value)))
            || (site.call.form == CallForm::Go && is_closure(&site.call.callee))
    });
    is_given.then_some(outer)
}
