//! A pool that is never closed.

use crate::budget::{self, Left};
use crate::facts::{ExprKind, Language, StmtKind, walk};
use crate::finding::{Severity, Surface, Trusted};
use crate::link::{Closers, Fate, Project, Site, Trigger};
use crate::rules::ground;
use crate::rules::{At, Axis, Report, Rule};
use crate::vocabulary::{Kind, Role};

use super::client;

pub(in crate::rules) const RULE: Rule = Rule {
    id: "RES-001",
    name: "pool-not-closed",
    severity: Severity::High,
    axes: &[Axis::Security, Axis::Reliability],
    cwe: &[404, 772],
    summary: "A pool of connections lives as long as the process and is not closed at a stop.",
    why: "Connections that are cut leave transactions open and sessions on the server until it notices; with many restarts the limit of the role is reached and nobody can connect.",
    fix: "Close the pool in the shutdown, after the calls in flight and within a limit of time.",
    fixtures: fixtures!("RES-001": ts, py, rs, go),
    check,
};

fn check(project: &Project<'_>, report: &mut Report<'_>) {
    let in_cleanup = |site: &&Site<'_>| Project::is_closing(site) && project.is_cleanup(site);
    let cleanups = Closers::of(project, project.sites().filter(in_cleanup));
    let exits = project.hooks.iter();
    let exits: Vec<_> = exits.filter(|hook| hook.trigger == Trigger::Exit).collect();
    let functions: Vec<_> = exits
        .iter()
        .flat_map(|hook| &hook.functions)
        .copied()
        .collect();
    let functions = project.reach(&functions);
    let at_exit = functions.iter().flat_map(|at| project.sites_of(*at));
    let at_exit = Closers::of(project, at_exit.filter(|site| Project::is_closing(site)))
        .with_handed(project, exits);
    let clients = client::closers(project);
    for site in project.sites() {
        let is_pool = site.role == Some(Role::Open(Kind::Pool));
        let is_client = !is_pool && client::is_one(project, site);
        if !(is_pool || is_client)
            || (is_client && client::is_closed(project, site, &clients))
            || !is_kept(project, site, &cleanups)
            || (site.fate == Fate::Returned && !is_stored(project, site, MAX_CALLS))
            || (is_client && site.fate == Fate::Returned && project.callers(site.at).is_empty())
            || closed_by_callers(project, site)
            || project.closed_at_stop(site)
            // Closed when the process exits by itself: that a signal skips it is what LIFE-001 says.
            || closed_by(project, site, &at_exit)
            || given_to_scopes(project, site)
            || (project.language(site.at.file) == Language::Python
                && (!runs(project, site) || closed_by(project, site, &cleanups)))
        {
            continue;
        }
        let place = At {
            function: site.at,
            span: site.span,
        };
        let what = if is_pool { "pool" } else { "client" };
        let ground = ground::of_stop(project, site.at.file);
        let finding = report.add(place, ground, format!("this {what} lives as long as the process, and nothing closes it when the server is asked to stop"));
        if is_client {
            // The remote end notices a closed socket at once; what is lost is the orderly goodbye.
            finding.weigh(Severity::Low).trusts(Trusted::Library);
        }
        if let Some(import) = project.unread_closing(site) {
            finding.blocked(import);
            continue;
        }
        if let Some(hook) = project
            .hooks
            .iter()
            .find(|hook| hook.trigger.asks_to_stop())
        {
            finding.via(
                project,
                At {
                    function: hook.at,
                    span: hook.span,
                },
                "this runs at a stop and does not close it",
            );
        }
    }
}

/// Whether it outlives the function: at the top of a file, in a field, given back; not closed where it was opened, nor by a scope.
fn is_kept(project: &Project<'_>, opened: &Site<'_>, cleanups: &Closers) -> bool {
    let Some(function) = project.function(opened.at) else {
        return false;
    };
    let mut scoped = false;
    walk::stmts(&function.body, &mut |stmt| {
        if let StmtKind::With { resources, .. } = &stmt.kind {
            scoped |= resources
                .iter()
                .any(|resource| resource.value.span.holds(opened.span));
        }
    });
    // What a factory makes may be closed by the scope that asked for it.
    if opened.at.id != crate::facts::FnId::MODULE {
        let closing = cleanups.closing(project, opened);
        let mut closing = closing.into_iter().filter_map(|id| project.site(id));
        if closing.any(|site| site.at.id != crate::facts::FnId::MODULE) {
            return false;
        }
    }
    let closed_here = project.inside(opened.at).iter().any(|at| {
        project.sites_of(*at).any(|site| {
            opened.at.id.0 != 0
                && site.span.start > opened.span.start
                && Project::is_closing(site)
                && project.is_cleanup(site)
                && project.may_close(site, opened)
        })
    });
    // Drop closes what main owns, in Rust, unless the stop ends the process before; Go's `defer` counts as clean-up above.
    let dropped = project.language(opened.at.file) == Language::Rust
        && !is_static(project, opened.at)
        && !(exits_at_stop(project, opened) && outlives_calls(project, opened));
    let local = opened.at.id.0 != 0
        && opened.fate == Fate::Used
        && project.sites_of(opened.at).any(|site| {
            site.span.start > opened.span.start
                && Project::is_closing(site)
                && project.may_close(site, opened)
                && !in_failure(project, site)
        });
    !scoped && !closed_here && !dropped && !local
}

/// Whether it is a part of what a function gives back, and all that ask for it close it.
fn closed_by_callers(project: &Project<'_>, opened: &Site<'_>) -> bool {
    let callers = project.callers(opened.at);
    let closes = |caller: &Site<'_>| {
        project.sites_of(caller.at).any(|site| {
            Project::is_closing(site)
                && site.span.start > caller.span.start
                && project.may_close(site, opened)
        })
    };
    opened.fate == Fate::Used
        && !callers.is_empty()
        && is_local(project, opened)
        && callers
            .iter()
            .filter_map(|id| project.site(*id))
            .all(closes)
}

/// Whether all that it is put into are variables of the function that opens it.
fn is_local(project: &Project<'_>, opened: &Site<'_>) -> bool {
    let mut local = opened.at.id != crate::facts::FnId::MODULE;
    if let Some(function) = project.function(opened.at) {
        walk::assignments(&function.body, &mut |_, target, value| {
            if value.span.holds(opened.span) {
                local &= target.leaves().into_iter().all(|leaf| {
                    let id = leaf.variable().map(|id| opened.at.variable(id));
                    let variable = id.and_then(|id| project.variable(id));
                    variable.is_some_and(|variable| variable.owner == opened.at.id)
                });
            }
        });
    }
    local
}

/// Calls upwards through which what a function gives back is followed.
const MAX_CALLS: usize = 3;

/// Whether something that a call gives comes to a place that lives longer than the calls it passes through: a field, a
/// variable of another function, the top of a file. What nobody is seen to ask for may.
fn is_stored(project: &Project<'_>, site: &Site<'_>, left: usize) -> bool {
    if site.at.id == crate::facts::FnId::MODULE || left == 0 {
        return true;
    }
    if site.fate == Fate::Returned {
        let callers = project.callers(site.at);
        return callers.is_empty()
            || callers
                .iter()
                .filter_map(|id| project.site(*id))
                .any(|caller| is_stored(project, caller, left - 1));
    }
    let Some(function) = project.function(site.at) else {
        return true;
    };
    let mut own = Vec::new();
    let mut stored = false;
    walk::assignments(&function.body, &mut |_, target, value| {
        let mut given = value.span.holds(site.span);
        walk::each(value, &mut |inner| {
            given |= matches!(inner.kind, ExprKind::Var(id) if own.contains(&id));
        });
        if !given {
            return;
        }
        for leaf in target.leaves() {
            match leaf.variable() {
                Some(id)
                    if project
                        .variable(site.at.variable(id))
                        .is_some_and(|variable| variable.owner == site.at.id) =>
                {
                    own.push(id);
                }
                Some(_) | None => stored = true,
            }
        }
    });
    let mut handed_on = false;
    walk::stmts(&function.body, &mut |stmt| {
        if let StmtKind::Return(Some(value)) = &stmt.kind {
            handed_on |= matches!(value.bare().kind, ExprKind::Var(id) if own.contains(&id));
        }
    });
    stored || handed_on
}

/// Whether the code is an initialiser of a `static`, which nothing drops.
fn is_static(project: &Project<'_>, mut at: crate::link::FnRef) -> bool {
    for _ in 0..crate::facts::MAX_DEPTH {
        let Some(function) = project.function(at) else {
            return false;
        };
        let Some(parent) = function.parent else {
            return true;
        };
        if !function.name.is_empty() {
            return false;
        }
        at.id = parent;
    }
    false
}

/// Whether a stop of the program ends the process at once: `std::process::exit` drops nothing.
fn exits_at_stop(project: &Project<'_>, opened: &Site<'_>) -> bool {
    project.sites_beside(opened.at.file).any(|site| {
        site.role == Some(Role::Exit)
            && project.runs_at_stop(site)
            && project.surface(site.at.file) == Surface::Runtime
            && !project.is_timer(site.at)
            && !in_failure(project, site)
    })
}

/// Whether it is opened where the process starts, or put into something by a call.
fn outlives_calls(project: &Project<'_>, opened: &Site<'_>) -> bool {
    let starts = runs(project, opened) && !project.handler_reach().contains(&opened.at);
    starts || is_stored(project, opened, 1)
}

/// A close where something failed does not close on the way that succeeds.
fn in_failure(project: &Project<'_>, site: &Site<'_>) -> bool {
    budget::on(site.at.file);
    if budget::spend_on_places(project.failures.len()) == Left::Nothing {
        return false;
    }
    project
        .failures
        .iter()
        .any(|failure| failure.at.file == site.at.file && failure.span.holds(site.span))
}

/// Whether any of some calls closes what was opened itself. Of what stands in a `finally`, or after the `yield` of a
/// lifespan, it does not matter what reaches it: there is a clean-up.
fn closed_by(project: &Project<'_>, opened: &Site<'_>, closers: &Closers) -> bool {
    let closing = closers.closing(project, opened);
    let mut closing = closing.into_iter().filter_map(|id| project.site(id));
    closing.any(|site| !is_on_part(site, opened))
}

/// Whether a call closes something made with what was opened: `engine.connect().close()`, not `engine.dispose()`.
fn is_on_part(site: &Site<'_>, opened: &Site<'_>) -> bool {
    opened.paths.iter().any(|path| {
        let made = format!("{path}()");
        site.paths.iter().any(|path| {
            path.strip_prefix(made.as_str())
                .is_some_and(|rest| rest.contains("()"))
        })
    })
}

/// Opened by a function whose every caller puts the value into a scope that closes it.
fn given_to_scopes(project: &Project<'_>, opened: &Site<'_>) -> bool {
    let callers = project.callers(opened.at);
    !callers.is_empty()
        && project.gives_back(opened)
        && callers
            .iter()
            .filter_map(|id| project.site(*id))
            .all(|caller| {
                let mut scoped = false;
                if let Some(function) = project.function(caller.at) {
                    walk::stmts(&function.body, &mut |stmt| {
                        if let StmtKind::With { resources, .. } = &stmt.kind {
                            scoped |= resources
                                .iter()
                                .any(|resource| resource.value.span.holds(caller.span));
                        }
                    });
                }
                scoped
            })
}

/// Whether it is opened by a process that serves, and not by a script beside it.
fn runs(project: &Project<'_>, opened: &Site<'_>) -> bool {
    project
        .entries
        .iter()
        .any(|entry| entry.process.contains(&opened.at))
        || project.handler_reach().contains(&opened.at)
}
