//! Children that run on when the call which started them is over.

use crate::facts::{ExprKind, FnId, Language, Pattern, VarId, walk};
use crate::link::{Fate, FnRef, Hook, Project, Site, Trigger};
use crate::vocabulary::{Child, Role};

use super::child_not_killed::is_kept;

/// Calls that put something into a collection.
const PUTTING: &[&str] = &["set", "push", "add"];

/// Whether a child keeps the loop of events of Node running: it is kept where other calls find it, and neither let go nor ended by
/// the function that starts it.
pub(super) fn keeps_loop<'a>(project: &Project<'a>, child: &Site<'a>) -> bool {
    let ends = |at: FnRef| {
        project.sites_of(at).any(|site| {
            // `child.stdin.end()` tells it that no more comes: it ends by itself.
            let is_told =
                site.name() == "end" && project.receiver_name(site).as_deref() == Some("stdin");
            let is_killed = site.role == Some(Role::Kill) || site.name() == "kill";
            let after = site.span.start > child.span.start;
            site.name() == "unref" || (after && (is_told || is_killed))
        })
    };
    child.role == Some(Role::Spawn(Child::Handle))
        && project.language(child.at.file) == Language::TypeScript
        && child.fate != Fate::Dropped
        && child.call.option("timeout").is_none()
        && is_kept(project, child)
        && is_stored(project, child)
        && !project.inside(child.at).into_iter().any(ends)
}

/// Whether the handle is put into a field, a variable of the file or a collection, by itself or in an object.
fn is_stored(project: &Project<'_>, child: &Site<'_>) -> bool {
    let Some(function) = project.function(child.at) else {
        return false;
    };
    let outlives = |target: &Pattern| {
        let of_file = target.variable().is_some_and(|id| {
            let variable = project.variable(child.at.variable(id));
            variable.is_some_and(|variable| variable.owner == FnId::MODULE)
        });
        of_file || matches!(target, Pattern::Place(_))
    };
    let mut stored = false;
    let mut local: Option<VarId> = None;
    walk::assignments(&function.body, &mut |_, target, value| {
        if value.span.holds(child.span) {
            stored |= outlives(target);
            local = local.or(target.variable());
        }
    });
    let Some(local) = local.filter(|_| !stored) else {
        return stored;
    };
    let is_it = |expr: &crate::facts::Expr| {
        let mut found = false;
        walk::each(expr, &mut |inner| {
            found |= matches!(inner.kind, ExprKind::Var(id) if id == local);
        });
        found
    };
    walk::assignments(&function.body, &mut |_, target, value| {
        let holds = matches!(value.kind, ExprKind::Var(_) | ExprKind::Object(_)) && is_it(value);
        stored |= holds && outlives(target);
    });
    stored
        || project.sites_of(child.at).any(|site| {
            PUTTING.contains(&site.name()) && site.call.args.iter().any(|arg| is_it(&arg.value))
        })
}

/// Whether nothing runs on SIGTERM in the program of a child although something does on SIGINT.
pub(super) fn is_ended_by_interrupt_only(project: &Project<'_>, child: &Site<'_>) -> bool {
    let is_handled = |wanted: &dyn Fn(&Hook<'_>) -> bool| {
        let hooks = project.hooks.iter();
        let files = hooks.filter(|hook| wanted(hook)).map(|hook| hook.at.file);
        project.is_of(child.at.file, &project.programs_of(files))
    };
    let mut entries = project
        .entries
        .iter()
        .filter(|entry| project.same_program(entry.at.file, child.at.file));
    is_handled(&|hook| hook.stops() && hook.trigger.is_signal("SIGINT"))
        && !is_handled(&|hook| {
            hook.trigger.is_signal("SIGTERM") || hook.trigger == Trigger::SomeSignal
        })
        && entries.all(|entry| project.unread_shutdown(entry).is_none())
}
