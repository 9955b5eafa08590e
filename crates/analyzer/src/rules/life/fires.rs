//! What a signal makes ready: the channel that it is sent to, and what is sent to, closed or cancelled after it came.

use std::collections::BTreeSet;

use crate::facts::{Block, Expr, ExprKind, Language, Pattern, Span, StmtKind, VarId, walk};
use crate::link::{FnRef, Form, Project, Site, VarRef};
use crate::vocabulary::Role;

/// Channels through which one signal is followed.
const MAX_CHANNELS: usize = 3;

/// Whether a signal makes something ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fires {
    /// It does.
    Yes,
    /// Something else does.
    No,
    /// Nothing is seen to.
    Unknown,
}

/// Names of calls by which what is waited for becomes ready: on a channel or its other end, a token, a notifier.
const FIRING: &[&str] = &[
    "send",
    "blocking_send",
    "try_send",
    "cancel",
    "notify_one",
    "notify_waiters",
    "notify_last",
];

/// Whether a signal makes a channel, a future or a token of a variable ready.
pub(super) fn variable(project: &Project<'_>, at: FnRef, id: VarId) -> Fires {
    of(project, at.variable(id), MAX_CHANNELS)
}

/// Whether a signal ends the context of Go that `Done` is called on.
pub(super) fn context<'a>(project: &Project<'a>, at: FnRef, object: &'a Expr) -> Fires {
    let paths = project.paths(at, object);
    let is = |end: &str| paths.iter().any(|path| path.contains(end));
    if is("NotifyContext") {
        return Fires::Yes;
    }
    if is("context.WithTimeout") || is("context.WithDeadline") {
        return Fires::No;
    }
    if let (true, ExprKind::Var(id)) = (is("context.WithCancel"), &object.bare().kind) {
        return of(project, at.variable(*id), MAX_CHANNELS);
    }
    Fires::Unknown
}

fn of(project: &Project<'_>, variable: VarRef, left: usize) -> Fires {
    let ends = ends(project, variable);
    let mut fires = Fires::Unknown;
    for (at, _) in project.functions_in(variable.file) {
        for site in project.sites_of(at) {
            if !touches(site, &ends) {
                continue;
            }
            if matches!(site.role, Some(Role::AwaitSignal(_))) {
                return Fires::Yes;
            }
            if !is_firing(site) && !fires_below(project, site, &ends) {
                continue;
            }
            if left > 0 && is_after_signal(project, site, left - 1) {
                return Fires::Yes;
            }
            fires = Fires::No;
        }
    }
    let made = project.assigned(variable).any(|(at, value)| {
        let mut found = false;
        walk::each(value, &mut |inner| {
            found |= is_signal(project, at, inner);
        });
        found
    });
    if made { Fires::Yes } else { fires }
}

/// Whether nothing but a signal ends a wait: a future of one, or what is made ready by one and by nothing else that is seen.
pub(super) fn by_signal_alone<'a>(project: &Project<'a>, at: FnRef, waited: &'a Expr) -> bool {
    let (mut some, mut others) = (false, false);
    walk::each(waited, &mut |inner| {
        if let ExprKind::Var(id) = inner.kind {
            let variable = at.variable(id);
            some |= of(project, variable, MAX_CHANNELS) == Fires::Yes;
            others |= is_fired_otherwise(project, variable);
        }
        if let Some(site) = inner.call().and_then(|_| project.site_at(at, inner)) {
            some |= is_signal(project, at, inner);
            // What is handed to a function of the author's may end its wait as well.
            others |= !site.targets.is_empty() && !site.call.args.is_empty();
            let of_context = site.call.receiver().filter(|_| site.name() == "Done");
            some |= of_context.is_some_and(|object| context(project, at, object) == Fires::Yes);
        }
    });
    some && !others
}

/// Whether something other than a signal, a failure or the end of a function makes a variable ready.
fn is_fired_otherwise(project: &Project<'_>, variable: VarRef) -> bool {
    let ends = ends(project, variable);
    let mut functions = project.functions_in(variable.file);
    functions.any(|(at, function)| {
        project.sites_of(at).any(|site| {
            let fired = touches(site, &ends)
                && (is_firing(site) || fires_below(project, site, &ends))
                && !is_after_signal(project, site, MAX_CHANNELS - 1);
            fired
                && !in_failure(project, site)
                && !is_deferred(&function.body, site.span)
                && !is_beside_signal(project, site, &function.body)
        })
    })
}

/// Whether a call stands where something failed.
fn in_failure(project: &Project<'_>, site: &Site<'_>) -> bool {
    let mut failures = project.failures.iter();
    failures.any(|failure| failure.at == site.at && failure.span.holds(site.span))
}

/// Whether a call stands in an arm beside one that waits for a signal: what else is waited for there comes from outside as well.
fn is_beside_signal(project: &Project<'_>, site: &Site<'_>, body: &Block) -> bool {
    let mut found = false;
    walk::around(body, site.span, &mut |stmt| {
        if let StmtKind::Select(arms) = &stmt.kind {
            let mut tests = arms.iter().filter_map(|arm| arm.test.as_ref());
            found |= tests.any(|test| waits(project, site.at, test, MAX_CHANNELS - 1));
        }
    });
    found
}

fn is_deferred(body: &Block, place: Span) -> bool {
    let mut found = false;
    walk::around(body, place, &mut |stmt| {
        found |= matches!(stmt.kind, StmtKind::Defer(_));
    });
    found
}

/// Whether a call makes what it touches ready.
fn is_firing(site: &Site<'_>) -> bool {
    FIRING.contains(&site.name())
        || matches!(site.call.callee.kind, ExprKind::Var(_)) && site.targets.is_empty()
        || (site.name() == "close" && site.call.receiver().is_none())
}

/// Go: whether a function of the author's is handed one of the variables and makes it ready: `cleanup(server, done)`.
fn fires_below(project: &Project<'_>, site: &Site<'_>, ends: &BTreeSet<VarId>) -> bool {
    if project.language(site.at.file) != Language::Go {
        return false;
    }
    let args = site.call.args.iter().zip(0..);
    let handed = args.filter(
        |(arg, _)| matches!(arg.value.bare().kind, ExprKind::Var(id) if ends.contains(&id)),
    );
    let places: Vec<usize> = handed.map(|(_, place)| place).collect();
    site.targets.iter().any(|target| {
        let params = project.function(*target).map(|function| &function.params);
        let taken = |place: &usize| params?.get(*place)?.pattern.variable();
        let taken: BTreeSet<VarId> = places.iter().filter_map(taken).collect();
        !taken.is_empty()
            && project.inside(*target).iter().any(|inner| {
                let mut sites = project.sites_of(*inner);
                sites.any(|site| touches(site, &taken) && is_firing(site))
            })
    })
}

/// A variable with its copies and, where it is one of a pair, its other end: `let (tx, rx) = channel()`, `ctx, cancel := WithCancel(…)`.
fn ends(project: &Project<'_>, variable: VarRef) -> BTreeSet<VarId> {
    let mut all = BTreeSet::from([variable.id]);
    // Copies of copies are rare enough for two rounds.
    for _ in 0..2 {
        for (_, function) in project.functions_in(variable.file) {
            walk::assignments(&function.body, &mut |_, target, value| {
                let leaves = target.leaves();
                let leaves = || leaves.iter().filter_map(|leaf| leaf.variable());
                let is_pair = matches!(target, Pattern::List(_)) && leaves().count() == 2;
                let copied = copied(value).is_some_and(|id| all.contains(&id));
                if copied || (is_pair && leaves().any(|id| all.contains(&id))) {
                    all.extend(leaves());
                }
            });
        }
    }
    all
}

/// The variable of `x.clone()`, `Arc::clone(&x)`, `x.child_token()`.
fn copied(value: &Expr) -> Option<VarId> {
    let call = value.call()?;
    let name = crate::link::callee_name(&call.callee);
    if !matches!(name, "clone" | "child_token" | "subscribe") {
        return None;
    }
    let of = call.arg(0).or_else(|| call.receiver())?;
    if let ExprKind::Var(id) = of.bare().kind {
        Some(id)
    } else {
        None
    }
}

/// Whether a call is made on one of some variables, is one, or is given one.
fn touches(site: &Site<'_>, ends: &BTreeSet<VarId>) -> bool {
    let is = |expr: &Expr| matches!(expr.bare().kind, ExprKind::Var(id) if ends.contains(&id));
    is(&site.call.callee)
        || site.call.receiver().is_some_and(is)
        || site.call.args.iter().any(|arg| is(&arg.value))
}

/// Whether a call runs because a signal came: in a function that is called then, or after something that waits for it.
fn is_after_signal(project: &Project<'_>, site: &Site<'_>, left: usize) -> bool {
    let hooked = project.hooks.iter().any(|hook| {
        hook.trigger.asks_to_stop()
            && hook.form == Form::Callback
            && project
                .outward(site.at)
                .any(|(at, _)| hook.functions.contains(&at))
    });
    if hooked {
        return true;
    }
    let Some(function) = project.function(site.at) else {
        return false;
    };
    let is_before = |span: Span| span.start < site.span.start;
    let mut found = false;
    walk::stmts(&function.body, &mut |stmt| {
        // An arm runs after what it waits for, not after what the others do.
        if let StmtKind::Select(arms) = &stmt.kind {
            let arm = arms.iter().find(|arm| arm.span.holds(site.span));
            let later = arm.is_none() && is_before(stmt.span);
            let tests = arms
                .iter()
                .filter(|other| later || arm.is_some_and(|arm| arm.span == other.span));
            for test in tests.filter_map(|arm| arm.test.as_ref()) {
                found |= waits(project, site.at, test, left);
            }
            return;
        }
        if let StmtKind::Loop {
            over: Some(over), ..
        } = &stmt.kind
        {
            found |= is_before(stmt.span) && waits(project, site.at, over, left);
        }
        walk::own_exprs(stmt, &mut |expr| {
            if let ExprKind::Await(inner) = &expr.kind {
                found |= is_before(expr.span) && waits(project, site.at, inner, left);
            }
        });
    });
    found
}

/// Whether an expression waits for a signal.
fn waits<'a>(project: &Project<'a>, at: FnRef, waited: &'a Expr, left: usize) -> bool {
    let mut found = false;
    walk::each(waited, &mut |inner| {
        if let ExprKind::Var(id) = inner.kind {
            found |= of(project, at.variable(id), left) == Fires::Yes;
        }
        found |= is_signal(project, at, inner);
    });
    found
}

/// Whether a call gives a future of a signal, by itself or as a function of the author's that waits for one.
fn is_signal(project: &Project<'_>, at: FnRef, expr: &Expr) -> bool {
    let site = expr.call().and_then(|_| project.site_at(at, expr));
    site.is_some_and(|site| {
        let mut hooks = project.hooks.iter().filter(|hook| hook.form == Form::Wait);
        matches!(site.role, Some(Role::AwaitSignal(_)))
            || (!site.targets.is_empty() && hooks.any(|hook| site.targets.contains(&hook.at)))
    })
}
