//! The process exits on a signal without waiting for calls in flight.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use crate::facts::{Expr, ExprKind, Pattern, Span, Stmt, StmtKind, walk};
use crate::finding::{Ground, Severity, Trusted};
use crate::link::{FnRef, Form, Hook, Project, Site, Trigger};
use crate::rules::ground;
use crate::rules::{At, Axis, Report, Rule};
use crate::vocabulary::{Role, Wire, role, words};

use super::in_flight::{self, Answering};
use super::listener::{beside_listener, drains_listener};
use super::ways::Ways;

pub(in crate::rules) const RULE: Rule = Rule {
    id: "LIFE-002",
    name: "exit-without-drain",
    severity: Severity::High,
    axes: &[Axis::Security, Axis::Reliability],
    cwe: &[404, 705],
    summary: "A signal ends the process without waiting for the calls in flight.",
    why: "The caller of a call that is cut never learns whether it took effect. Closing the SDK's server is not a drain: it detaches the transport, running handlers go on and their answers are dropped. The same is true of a shutdown that nobody waits for.",
    fix: "Stop taking calls, wait for those in flight with a deadline (a counter, or `Promise.allSettled` of the running ones), then flush, close and exit.",
    fixtures: fixtures!("LIFE-002": ts, py, rs, go),
    check,
};

/// Calls from a handler downwards in which any wait for something in flight counts.
const MAX_CALLS: usize = 2;

/// What is said of an exit.
const EXITS: &str =
    "the process exits here on a signal while calls may be in flight; nothing waits for them";

fn check(project: &Project<'_>, report: &mut Report<'_>) {
    super::shutdown_unawaited::look(project, report);
    super::received::look(project, report);
    super::waited_exit::look(project, report);
    super::spent_deadline::look(project, report);
    super::exit_in_call::look(project, report);
    super::listener_closed::look(project, report);
    let answering = OnceCell::new();
    let asked = project.hooks.iter();
    let asked = asked.filter(|hook| hook.stops() && serves(project, hook));
    let (called, waited): (Vec<&Hook<'_>>, Vec<&Hook<'_>>) =
        asked.partition(|hook| hook.form == Form::Callback);
    for hook in called {
        let answering = || -> &Answering { answering.get_or_init(|| Answering::of(project)) };
        callback(project, hook, answering, report);
    }
    super::selected::look(project, &waited, report);
}

/// Whether the hook belongs to a process that serves.
fn serves(project: &Project<'_>, hook: &Hook<'_>) -> bool {
    project
        .entries
        .iter()
        .any(|entry| entry.process.contains(&hook.at) || entry.at.file == hook.at.file)
}

fn callback<'r>(
    project: &Project<'_>,
    hook: &Hook<'_>,
    answering: impl Fn() -> &'r Answering,
    report: &mut Report<'_>,
) {
    let reach = project.reach(&hook.functions);
    // What lies deeper is how something closes, unless it waits for what the calls of this server go through.
    let deep = near(project, &hook.functions, crate::facts::MAX_DEPTH);
    let near = near(project, &hook.functions, MAX_CALLS);
    // Where calls come by HTTP its listener is what has to be drained.
    let serves = |wire: Wire| {
        let mut entries = project.entries.iter();
        entries.any(|entry| entry.wire == wire && entry.runs(hook.at, hook.span))
    };
    let drains = serves(Wire::Http) && drains_listener(project, &near);
    if in_flight::waits_for_calls(project, &near)
        || in_flight::waits_deep(project, &deep, answering)
        || (drains && !serves(Wire::Stdio))
    {
        return;
    }
    let ways = Ways::of(project, &hook.functions);
    if hook.is_of_library(project) && !hook.functions.is_empty() {
        let place = At {
            function: hook.at,
            span: hook.span,
        };
        report
            .add(place, Ground::Likely(Trusted::Library), "the library ends the process after this while calls may be in flight; nothing waits for them");
    }
    let direct: Vec<At> = given(project, hook)
        .into_iter()
        .chain(raised(project, &near))
        .collect();
    let is_signal = matches!(hook.trigger, Trigger::Signal(_)) && !hook.is_of_library(project);
    if is_signal && direct.is_empty() && !ends_at_all(project, &reach) {
        closed(project, hook, &reach, report);
    }
    let ground = ground::of_hook(project, &reach);
    for exit in direct {
        let finding = report.add(exit, ground, EXITS);
        let registered = At {
            function: hook.at,
            span: hook.span,
        };
        if exit.span != hook.span {
            finding.via(project, registered, "registered here");
        }
    }
    for at in &reach {
        if project.is_timer(*at) {
            continue;
        }
        for site in project.sites_of(*at) {
            let ends = matches!(site.role, Some(Role::Exit | Role::ExitUnwinding))
                || is_exit_alias(project, site);
            // Where both ways of serving share a shutdown, one that drains the listener leaves the branch without it.
            let beside = drains && !beside_listener(project, site);
            if !ends || beside || in_second_branch(project, site) {
                continue;
            }
            let decided = ways.decided(project, site);
            let place = At {
                function: decided.at,
                span: decided.span,
            };
            let finding = report.add(place, ground, EXITS);
            let registered = At {
                function: hook.at,
                span: hook.span,
            };
            finding.via(project, registered, "registered here");
        }
    }
}

/// Whether any of these functions ends the process.
fn ends_at_all(project: &Project<'_>, reach: &BTreeSet<FnRef>) -> bool {
    reach.iter().any(|at| {
        project.sites_of(*at).any(|site| {
            matches!(site.role, Some(Role::Exit | Role::ExitUnwinding))
                || is_exit_alias(project, site)
        })
    })
}

/// The SDK's server closed on a signal, in a shutdown that leaves the end of the process to itself: the answers of running calls have nowhere to go.
fn closed(
    project: &Project<'_>,
    hook: &Hook<'_>,
    reach: &BTreeSet<FnRef>,
    report: &mut Report<'_>,
) {
    let closes = |site: &&Site<'_>| {
        let mut paths = site.paths.iter();
        site.name() == "close"
            && paths.any(|path| path.contains("modelcontextprotocol") && !path.contains("ransport"))
    };
    let mut sites = reach.iter().flat_map(|at| project.sites_of(*at));
    let Some(site) = sites.find(closes) else {
        return;
    };
    let registered = At {
        function: hook.at,
        span: hook.span,
    };
    let place = At {
        function: site.at,
        span: site.span,
    };
    report
        .add(place, Ground::Likely(Trusted::Purpose), "a signal closes the server here while calls may be in flight; nothing waits for them, and their answers are dropped")
        .via(project, registered, "registered here");
}

/// The exit itself in the place of the function: `process.on("SIGTERM", process.exit)`, `process.exit.bind(process, 0)`.
fn given(project: &Project<'_>, hook: &Hook<'_>) -> Option<At> {
    let exit = hook.given()?;
    let language = project.language(hook.at.file);
    let roles = project.paths(hook.at, exit).into_iter();
    let mut roles = roles.filter_map(|path| role(language, &path));
    let ends = roles.any(|role| matches!(role, Role::Exit | Role::ExitUnwinding));
    let place = At {
        function: hook.at,
        span: hook.span,
    };
    ends.then_some(place)
}

/// Python: `raise SystemExit` in a handler is what `sys.exit` does.
fn raised(project: &Project<'_>, near: &BTreeSet<FnRef>) -> Vec<At> {
    let mut all = Vec::new();
    for at in near {
        let Some(function) = project.function(*at) else {
            continue;
        };
        walk::stmts(&function.body, &mut |stmt| {
            if let StmtKind::Throw(Some(thrown)) = &stmt.kind {
                let made = thrown.call().map_or(thrown, |call| &call.callee);
                let exits = project.last_name(*at, made).as_deref() == Some("SystemExit");
                if exits && !stands_in_second_branch(project, *at, stmt.span) {
                    all.push(At {
                        function: *at,
                        span: stmt.span,
                    });
                }
            }
        });
    }
    all
}

/// The functions that a handler calls down to a depth, with the closures in them.
fn near(project: &Project<'_>, roots: &[FnRef], depth: usize) -> BTreeSet<FnRef> {
    let mut all: BTreeSet<FnRef> = BTreeSet::new();
    let mut level: Vec<FnRef> = roots.to_vec();
    for _ in 0..=depth {
        let mut next = Vec::new();
        for at in level {
            for inner in project.inside(at) {
                if all.insert(inner) {
                    next.extend(
                        project
                            .sites_of(inner)
                            .flat_map(|site| site.targets.iter().copied()),
                    );
                }
            }
        }
        if next.is_empty() {
            break;
        }
        level = next;
    }
    all
}

/// `const exit = options.exit ?? process.exit`.
fn is_exit_alias(project: &Project<'_>, site: &Site<'_>) -> bool {
    let language = project.language(site.at.file);
    site.paths
        .iter()
        .any(|path| role(language, path) == Some(Role::Exit))
}

/// Whether a call stands where only a second signal comes: in the branch of a flag that says that the shutdown runs.
pub(super) fn in_second_branch(project: &Project<'_>, site: &Site<'_>) -> bool {
    stands_in_second_branch(project, site.at, site.span)
}

fn stands_in_second_branch(project: &Project<'_>, at: FnRef, span: Span) -> bool {
    let Some(function) = project.function(at) else {
        return false;
    };
    let mut found = false;
    walk::stmts(&function.body, &mut |stmt| {
        if let StmtKind::If { test, then, .. } = &stmt.kind {
            let flag = project
                .own_name(at, test)
                .is_some_and(|name| is_raised(project, at, name, test, then));
            let counted = matches!(test.kind, ExprKind::Compare(..))
                && project.names_in(at, test).iter().any(|name| {
                    let words = words::words(name);
                    words.iter().any(|word| {
                        matches!(
                            word.as_str(),
                            "count" | "signals" | "attempts" | "received" | "forced"
                        )
                    })
                });
            found |= (flag || counted) && walk::holds(then, span);
        }
    });
    found
}

/// Whether what is named so is set where a shutdown runs, outside of the branch that looks at it: only then is it the flag
/// that the first signal raises. A signal that is aborted is raised by `abort`.
fn is_raised(project: &Project<'_>, at: FnRef, name: &str, test: &Expr, branch: &[Stmt]) -> bool {
    let signal = if let ExprKind::Member(..) = &test.kind {
        name == "aborted"
    } else {
        false
    };
    let cluster = project.cluster_of(at.file);
    let stops = project.stopping().iter().copied();
    let mut functions: BTreeSet<FnRef> = stops
        .filter(|stop| project.cluster_of(stop.file) == cluster)
        .collect();
    functions.insert(at);
    functions.iter().any(|other| {
        let aborts = |site: &Site<'_>| signal && site.name() == "abort";
        let mut raised = project.sites_of(*other).any(aborts);
        if let Some(function) = project.function(*other) {
            let inside = |span: Span| other.file == at.file && walk::holds(branch, span);
            walk::assignments(&function.body, &mut |stmt, target, value| {
                let falls = matches!(value.kind, ExprKind::Bool(false) | ExprKind::Null);
                let same = || project.target_name(*other, target).as_deref() == Some(name);
                // What a function puts into a variable of its own before it looks at it is no flag.
                let kept =
                    || stmt.span.start > test.span.start || !declares(project, *other, target);
                raised |= !falls && !inside(stmt.span) && same() && kept();
            });
        }
        raised
    })
}

/// Whether a place is a variable of the function that sets it.
fn declares(project: &Project<'_>, at: FnRef, target: &Pattern) -> bool {
    let variable = target.variable().map(|id| at.variable(id));
    let variable = variable.and_then(|id| project.variable(id));
    variable.is_some_and(|variable| variable.owner == at.id)
}
