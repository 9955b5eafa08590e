//! Code that waits for a signal beside the serving, and then lets go of it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::facts::{Arm, Cover, Expr, ExprKind, Function, Language, Span, Stmt, StmtKind, walk};
use crate::finding::{Followed, Ground};
use crate::link::{FnRef, Hook, Project, Site};
use crate::rules::{At, Report};
use crate::vocabulary::{Role, words};

use super::fires::{self, Fires};

/// Functions that choose between a signal and the serving, and after the signal wait for nothing.
pub(super) fn look<'a>(project: &Project<'a>, hooks: &[&Hook<'a>], report: &mut Report<'_>) {
    if hooks.is_empty() {
        return;
    }
    let leading = project.above_any(project.entries.iter().map(|entry| entry.at));
    let mut waiting: BTreeMap<FnRef, Vec<Waiting<'_, 'a>>> = BTreeMap::new();
    // Hooks of one function are waited for by the same functions.
    let mut registered: BTreeMap<FnRef, Vec<&Hook<'a>>> = BTreeMap::new();
    for hook in hooks {
        registered.entry(hook.at).or_default().push(hook);
    }
    for (at, hooks) in registered {
        for (near, from) in near(project, at, &leading) {
            if chooses(project, near) {
                let waiting = waiting.entry(near).or_default();
                waiting.extend(hooks.iter().map(|hook| Waiting { hook, from }));
            }
        }
    }
    for (at, hooks) in waiting {
        if let Some(function) = project.function(at) {
            function_of(project, (at, function), &hooks, report);
        }
    }
}

/// A hook that a function may wait for.
struct Waiting<'h, 'a> {
    hook: &'h Hook<'a>,
    from: From,
}

/// How the function comes by the hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum From {
    /// It is registered there, or in what the function calls.
    Below,
    /// Go hands the context on to the function that serves.
    HandedOn,
}

/// Whether a function chooses between things to wait for.
fn chooses(project: &Project<'_>, at: FnRef) -> bool {
    let mut found = false;
    if let Some(function) = project.function(at) {
        walk::stmts(&function.body, &mut |stmt| {
            found |= matches!(stmt.kind, StmtKind::Select(_));
        });
    }
    found
}

/// The functions that may wait for the hooks of a function.
fn near(project: &Project<'_>, hooked: FnRef, leading: &BTreeSet<FnRef>) -> BTreeMap<FnRef, From> {
    let callers = project.callers(hooked).iter();
    let callers = callers.filter_map(|id| project.site(*id));
    let mut near: BTreeMap<FnRef, From> = callers.map(|site| (site.at, From::Below)).collect();
    if project.language(hooked.file) == Language::Go {
        let called = project.sites_of(hooked);
        let called = called.flat_map(|site| site.targets.iter().copied());
        near.extend(called.map(|at| (at, From::HandedOn)));
    }
    // A function that only waits for the signal leaves the rest to who calls it.
    if !leading.contains(&hooked) {
        near.remove(&hooked);
    } else {
        near.entry(hooked).or_insert(From::Below);
    }
    near
}

/// What is known of a function before its choices are looked at one by one.
struct Around {
    /// The bodies of loops.
    loops: Cover,
    /// The places of calls after which the serving part has ended, in order.
    drains: Vec<Span>,
    /// The statements that receive or await, by their starts.
    receives: Vec<Span>,
}

fn function_of<'a>(
    project: &Project<'a>,
    (at, function): (FnRef, &'a Function),
    hooks: &[Waiting<'_, 'a>],
    report: &mut Report<'_>,
) {
    let mut selects: Vec<(&Stmt, &[Arm])> = Vec::new();
    let mut loops = Vec::new();
    let mut receives = Vec::new();
    walk::stmts(&function.body, &mut |stmt| {
        let mut waits = false;
        if let StmtKind::Select(arms) = &stmt.kind {
            selects.push((stmt, arms));
            waits = true;
        } else if let StmtKind::Loop { body, .. } = &stmt.kind {
            loops.extend(body.iter().map(|inner| inner.span));
        }
        walk::own_exprs(stmt, &mut |expr| {
            waits |= matches!(expr.kind, ExprKind::Await(_))
        });
        if waits {
            receives.push(stmt.span);
        }
    });
    if selects.is_empty() {
        return;
    }
    receives.sort();
    let drains = project
        .sites_of(at)
        .filter(|site| drains(site) || ends_server(project, site));
    let mut drains: Vec<Span> = drains.map(|site| site.span).collect();
    drains.sort();
    let around = Around {
        loops: loops.into_iter().collect(),
        drains,
        receives,
    };
    for (select, arms) in selects {
        let mut branches = None;
        for (arm, hook) in stopping(project, at, arms, hooks) {
            let branches = branches.get_or_insert_with(|| past_branches(function, select.span));
            if around.goes_round(select, arm) || around.waits_after(select, arms, arm, branches) {
                continue;
            }
            let place = At {
                function: at,
                span: arm.span,
            };
            let finding = report.add(place, Ground::Proved(Followed::Statements), "after the signal nothing waits for the part that serves: calls in flight are cut when this function returns");
            let registered = At {
                function: hook.at,
                span: hook.span,
            };
            finding.via(project, registered, "the signal is waited for here");
        }
    }
}

/// The arms that a signal takes, each with the first hook that it is taken for: for each hook it is the first that waits for it.
fn stopping<'h, 's, 'a>(
    project: &Project<'a>,
    at: FnRef,
    arms: &'s [Arm],
    hooks: &'h [Waiting<'h, 'a>],
) -> Vec<(&'s Arm, &'h Hook<'a>)>
where
    's: 'a,
{
    let mut found: BTreeMap<usize, usize> = BTreeMap::new();
    for from in [From::Below, From::HandedOn] {
        let mut left: Vec<(usize, &Hook<'a>)> = hooks
            .iter()
            .enumerate()
            .filter(|(_, one)| one.from == from)
            .map(|(order, one)| (order, one.hook))
            .collect();
        for (arm, place) in arms.iter().zip(0..) {
            let Some(test) = arm.test.as_ref().filter(|_| !left.is_empty()) else {
                continue;
            };
            if from == From::HandedOn && !is_context(project, at, test) {
                continue;
            }
            // Most arms wait for every signal, and then no hook is left; the others are told apart one by one.
            let taken = match waits_for(project, at, test) {
                For::Any => left.drain(..).map(|(order, _)| order).min(),
                For::Those(targets) => {
                    let is_taken = |hook: &Hook<'_>| {
                        (at == hook.at && test.span.holds(hook.span)) || targets.contains(&hook.at)
                    };
                    let taken = left.iter().filter(|(_, hook)| is_taken(hook));
                    let taken = taken.map(|(order, _)| *order).min();
                    left.retain(|(_, hook)| !is_taken(hook));
                    taken
                }
            };
            if let Some(order) = taken {
                let first = found.entry(place).or_insert(order);
                *first = order.min(*first);
            }
        }
    }
    let found = found.into_iter();
    found
        .filter_map(|(place, order)| Some((arms.get(place)?, hooks.get(order)?.hook)))
        .collect()
}

impl Around {
    /// Whether the choice stands in a loop that the arm does not leave: it only counts signals.
    fn goes_round(&self, select: &Stmt, arm: &Arm) -> bool {
        let mut leaves = false;
        walk::stmts(&arm.body, &mut |stmt| {
            leaves |= matches!(stmt.kind, StmtKind::Break | StmtKind::Return(_));
        });
        self.loops.holds(select.span) && !leaves
    }

    /// Whether something waits for the part that serves once the arm was taken: a call whose name says so, or a receive.
    fn waits_after(&self, select: &Stmt, arms: &[Arm], arm: &Arm, branches: &[Range<u32>]) -> bool {
        let after = |spans: &[Span], start: u32| spans.partition_point(|span| span.start < start);
        let from = after(&self.drains, select.span.start.saturating_add(1));
        let to = after(&self.drains, select.span.end);
        let mut drains = self.drains.get(from..to).unwrap_or_default().iter();
        let in_other = |span: &Span| {
            let mut others = arms.iter().filter(|other| other.span != arm.span);
            others.any(|other| other.span.holds(*span))
        };
        if drains.any(|span| !in_other(span)) {
            return true;
        }
        let behind = |spans: &[Span]| is_behind(spans, select.span.end, branches);
        if behind(&self.drains) || behind(&self.receives) {
            return true;
        }
        let from = after(&self.receives, arm.span.start);
        let to = after(&self.receives, arm.span.end);
        let mut inside = self.receives.get(from..to).unwrap_or_default().iter();
        inside.any(|span| arm.body.iter().any(|inner| inner.span.holds(*span)))
    }
}

/// Where the branches stand, innermost first, that are not taken once a place has been reached: what follows the branch of the
/// place in its `if` or `match`.
pub(super) fn past_branches(function: &Function, place: Span) -> Vec<Range<u32>> {
    let mut all = Vec::new();
    walk::around(&function.body, place, &mut |stmt| {
        if matches!(stmt.kind, StmtKind::If { .. } | StmtKind::Match { .. }) {
            let mut blocks = walk::blocks(stmt).into_iter();
            let own = blocks.find(|block| walk::holds(block, place));
            let end = own.and_then(|block| block.last()).map(|last| last.span.end);
            all.extend(end.map(|end| end..stmt.span.end));
        }
    });
    all.reverse();
    all
}

/// Whether one of some places, in order, comes after another one, and in none of the branches.
fn is_behind(places: &[Span], from: u32, branches: &[Range<u32>]) -> bool {
    let mut from = from;
    for branch in branches {
        let next = places.partition_point(|span| span.start < from);
        match places.get(next) {
            Some(next) if next.start < branch.start => return true,
            Some(_) => from = from.max(branch.end),
            None => return false,
        }
    }
    places.last().is_some_and(|last| last.start >= from)
}

/// Which hooks an arm waits for.
enum For {
    /// Whatever there is.
    Any,
    /// Those that are registered by its own test or in these functions.
    Those(Vec<FnRef>),
}

/// Whether a signal may be what ends a context or comes out of a channel or token.
fn is_fired<'a>(project: &Project<'a>, at: FnRef, on: &'a Expr) -> bool {
    made_ready(project, at, on) != Fires::No
}

/// What is known of a context, channel or token.
fn made_ready<'a>(project: &Project<'a>, at: FnRef, on: &'a Expr) -> Fires {
    let of_context = fires::context(project, at, on);
    if let (Fires::Unknown, ExprKind::Var(id)) = (of_context, &on.bare().kind) {
        fires::variable(project, at, *id)
    } else {
        of_context
    }
}

/// What the test of an arm waits for: calls, what they were bound to, the end of a context.
fn waits_for<'a>(project: &Project<'a>, at: FnRef, test: &'a Expr) -> For {
    let mut any = false;
    let mut targets = Vec::new();
    walk::each(test, &mut |inner| {
        if let ExprKind::Call(_) = &inner.kind
            && let Some(site) = project.site_at(at, inner)
        {
            any |= matches!(site.name(), "Done" | "recv" | "cancelled")
                && site
                    .call
                    .receiver()
                    .is_none_or(|on| is_fired(project, at, on));
            targets.extend(&site.targets);
        }
        if let ExprKind::Var(_) = inner.kind {
            let fires = made_ready(project, at, inner);
            let name = project.last_name(at, inner).unwrap_or_default();
            let is_named = words::words(&name).iter().any(|word| {
                matches!(
                    word.as_str(),
                    "sig"
                        | "signal"
                        | "signals"
                        | "sigs"
                        | "term"
                        | "terminate"
                        | "sigterm"
                        | "ctrl"
                        | "shutdown"
                        | "stop"
                        | "quit"
                        | "interrupt"
                )
            });
            any |= fires == Fires::Yes || (fires == Fires::Unknown && is_named);
        }
    });
    if any { For::Any } else { For::Those(targets) }
}

/// Whether the end of the context of `NotifyContext` is waited for.
fn is_context<'a>(project: &Project<'a>, at: FnRef, test: &'a crate::facts::Expr) -> bool {
    let mut found = false;
    walk::each(test, &mut |inner| {
        if matches!(inner.kind, ExprKind::Var(_)) {
            let paths = project.paths(at, inner);
            found |= paths.iter().any(|path| path.contains("NotifyContext"));
        }
    });
    found
}

/// Whether a function of the project that is called waits for the end of a server: `return l.stop(limited)`.
fn ends_server(project: &Project<'_>, site: &Site<'_>) -> bool {
    site.targets.iter().any(|at| {
        project.sites_of(*at).any(|inner| {
            let mut paths = inner.paths.iter();
            matches!(inner.name(), "Shutdown" | "GracefulStop")
                && paths.any(|path| path.contains("Server"))
        })
    })
}

/// Names of calls after which the serving part has ended.
pub(super) fn drains(site: &Site<'_>) -> bool {
    matches!(site.role, Some(Role::Settle))
        || matches!(
            site.name(),
            "Shutdown"
                | "Wait"
                | "wait"
                | "waiting"
                | "join_all"
                | "graceful_shutdown"
                | "with_graceful_shutdown"
                | "GracefulStop"
                | "shutdown"
                | "join"
                | "cancel_and_wait"
                | "drain"
        )
}
