//! The process exits on a signal without waiting for calls in flight.

use std::cell::OnceCell;
use std::collections::{BTreeSet, HashMap};

use crate::facts::{Arm, Expr, ExprKind, Function, Span, Stmt, StmtKind, walk};
use crate::finding::{Confidence, Severity};
use crate::link::{FnRef, Form, Hook, Project, Site};
use crate::rules::{At, Axis, Report, Rule};
use crate::vocabulary::{Role, Wire, words};

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

/// Words of names that stand for calls in flight.
const IN_FLIGHT: &[&str] = &[
    "inflight",
    "flight",
    "pending",
    "active",
    "running",
    "outstanding",
    "drain",
    "drained",
    "draining",
    "progress",
    "requests",
    "calls",
    "tasks",
    "jobs",
    "operations",
    "ongoing",
    "idle",
    "waitgroup",
    "wg",
];

fn check(project: &Project<'_>, report: &mut Report<'_>) {
    super::shutdown_unawaited::look(project, report);
    super::received::look(project, report);
    super::waited_exit::look(project, report);
    let answering = OnceCell::new();
    let leading = OnceCell::new();
    for hook in &project.hooks {
        if !hook.trigger.asks_to_stop() || !serves(project, hook) {
            continue;
        }
        match hook.form {
            Form::Callback => {
                let answering =
                    || -> &Answering { answering.get_or_init(|| Answering::of(project)) };
                callback(project, hook, answering, report);
            }
            Form::Wait => {
                let entries = || project.entries.iter().map(|entry| entry.at);
                let leading = leading.get_or_init(|| project.above_any(entries()));
                selected(project, hook, leading, report);
            }
        }
    }
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
    let is_http = project
        .entries
        .iter()
        .any(|entry| entry.wire == Wire::Http && entry.runs(hook.at, hook.span));
    if waits_for_calls(project, &near)
        || waits_deep(project, &deep, answering)
        || (is_http && drains_listener(project, &near))
    {
        return;
    }
    if hook.is_of_library(project) && !hook.functions.is_empty() {
        let place = At {
            function: hook.at,
            span: hook.span,
        };
        report
            .add(place, "the library ends the process after this while calls may be in flight; nothing waits for them")
            .sure(Confidence::Likely);
    }
    for at in &reach {
        if project.is_timer(*at) {
            continue;
        }
        for site in project.sites_of(*at) {
            let ends = matches!(site.role, Some(Role::Exit | Role::ExitUnwinding))
                || is_exit_alias(project, site);
            if !ends || in_second_branch(project, site) {
                continue;
            }
            let place = At {
                function: *at,
                span: site.span,
            };
            let finding = report.add(place, "the process exits here on a signal while calls may be in flight; nothing waits for them");
            let registered = At {
                function: hook.at,
                span: hook.span,
            };
            finding.via(project, registered, "registered here");
        }
    }
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

/// Where the code that answers calls, and what leads to it, names calls in flight: functions by the cluster of files and the name.
struct Answering(HashMap<(u32, String), BTreeSet<FnRef>>);

impl Answering {
    fn of(project: &Project<'_>) -> Self {
        let mut all: HashMap<_, BTreeSet<FnRef>> = HashMap::new();
        let handlers = project.handlers.iter().map(|handler| handler.function);
        let mut functions = project.above_any(handlers);
        functions.extend(project.handler_reach());
        for at in functions {
            let Some(function) = project.function(at).filter(|_| at.id.0 != 0) else {
                continue;
            };
            let cluster = project.cluster_of(at.file);
            let mut keep = |name: &str| {
                if is_in_flight(name) {
                    let named = all.entry((cluster, name.to_owned())).or_default();
                    named.insert(at);
                }
            };
            walk::exprs(&function.body, &mut |expr| {
                project.own_name(at, expr).into_iter().for_each(&mut keep);
            });
            walk::stmts(&function.body, &mut |stmt| {
                if let StmtKind::Assign { target, .. } = &stmt.kind {
                    let name = project.target_name(at, target);
                    name.as_deref().into_iter().for_each(&mut keep);
                }
            });
        }
        Self(all)
    }
}

/// Whether something deep below the handler waits for what calls count up or enter: a name that also stands in the
/// code that answers them, or that leads to it.
fn waits_deep<'r>(
    project: &Project<'_>,
    deep: &BTreeSet<FnRef>,
    answering: impl Fn() -> &'r Answering,
) -> bool {
    let waited: BTreeSet<(u32, String)> = deep
        .iter()
        .flat_map(|at| {
            let names = waited_for(project, *at).into_iter();
            names.map(|name| (project.cluster_of(at.file), name))
        })
        .collect();
    waited.iter().any(|name| {
        let named = answering().0.get(name);
        named.is_some_and(|named| named.iter().any(|at| !deep.contains(at)))
    })
}

/// Where a function first waits for calls in flight by name.
pub(super) fn first_wait(project: &Project<'_>, at: FnRef) -> Option<Span> {
    let function = project.function(at)?;
    let names = |expr: &Expr| {
        let mut found = false;
        walk::each(expr, &mut |inner| {
            found |= project
                .last_name(at, inner)
                .is_some_and(|name| is_in_flight(&name));
        });
        found
    };
    let mut first: Option<Span> = None;
    let mut take = |span: Span| {
        if first.is_none_or(|known| span.start < known.start) {
            first = Some(span);
        }
    };
    walk::stmts(&function.body, &mut |stmt| {
        if let StmtKind::Loop {
            over: Some(over),
            body,
            ..
        } = &stmt.kind
        {
            let mut waits = false;
            walk::exprs(body, &mut |expr| {
                waits |= matches!(expr.kind, ExprKind::Await(_))
            });
            if waits && names(over) {
                take(stmt.span);
            }
        }
    });
    walk::exprs(&function.body, &mut |expr| {
        if let ExprKind::Await(inner) = &expr.kind
            && names(inner)
        {
            take(expr.span);
        }
    });
    first
}

/// The names of calls in flight that a function loops over or awaits.
fn waited_for(project: &Project<'_>, at: FnRef) -> Vec<String> {
    let Some(function) = project.function(at) else {
        return Vec::new();
    };
    let mut names = Vec::new();
    walk::stmts(&function.body, &mut |stmt| {
        if let StmtKind::Loop {
            over: Some(over), ..
        } = &stmt.kind
        {
            names.extend(project.names_in(at, over));
        }
    });
    walk::exprs(&function.body, &mut |expr| {
        if let ExprKind::Await(inner) = &expr.kind {
            names.extend(project.names_in(at, inner));
        }
    });
    names.retain(|name| is_in_flight(name));
    names
}

/// `const exit = options.exit ?? process.exit`.
fn is_exit_alias(project: &Project<'_>, site: &Site<'_>) -> bool {
    let language = project.language(site.at.file);
    site.paths
        .iter()
        .any(|path| crate::vocabulary::role(language, path) == Some(Role::Exit))
}

/// Whether anything in these functions waits for calls: awaits or loops over something named so, or settles them.
pub(super) fn waits_for_calls(project: &Project<'_>, reach: &BTreeSet<FnRef>) -> bool {
    reach.iter().any(|at| {
        !waited_for(project, *at).is_empty()
            || project
                .sites_of(*at)
                .any(|site| matches!(site.role, Some(Role::Settle)) || is_in_flight(site.name()))
    })
}

/// Whether any of these functions waits for the end of an HTTP listener.
fn drains_listener(project: &Project<'_>, near: &BTreeSet<FnRef>) -> bool {
    near.iter()
        .any(|at| project.sites_of(*at).any(|site| drains_http(project, site)))
}

/// `httpServer.close(callback)` whose callback goes on: the listener's own drain.
pub(super) fn drains_http(project: &Project<'_>, site: &Site<'_>) -> bool {
    site.name() == "close"
        && site
            .call
            .args
            .first()
            .is_some_and(|arg| matches!(arg.value.kind, ExprKind::Function(_) | ExprKind::Var(_)))
        && site
            .paths
            .iter()
            .any(|path| path.contains("listen()") || path.contains("createServer()"))
        && project.function(site.at).is_some()
}

fn is_in_flight(name: &str) -> bool {
    let words = words::words(name);
    words.iter().any(|word| IN_FLIGHT.contains(&word.as_str()))
}

/// Whether a call stands where only a second signal comes: in the branch of a flag that says that the shutdown runs.
pub(super) fn in_second_branch(project: &Project<'_>, site: &Site<'_>) -> bool {
    let Some(function) = project.function(site.at) else {
        return false;
    };
    let mut found = false;
    walk::stmts(&function.body, &mut |stmt| {
        if let StmtKind::If { test, then, .. } = &stmt.kind {
            let flag = matches!(test.kind, ExprKind::Var(_) | ExprKind::Member(..));
            let counted = matches!(test.kind, ExprKind::Compare(..))
                && project.names_in(site.at, test).iter().any(|name| {
                    let words = words::words(name);
                    words.iter().any(|word| {
                        matches!(
                            word.as_str(),
                            "count" | "signals" | "attempts" | "received" | "forced"
                        )
                    })
                });
            found |= (flag || counted) && holds(then, site.span);
        }
    });
    found
}

fn holds(block: &[Stmt], span: Span) -> bool {
    block.iter().any(|stmt| stmt.span.holds(span))
}

/// Code that waits for a signal beside the serving, and then lets go of it.
fn selected(
    project: &Project<'_>,
    hook: &Hook<'_>,
    leading: &BTreeSet<FnRef>,
    report: &mut Report<'_>,
) {
    // Go hands the context on to the function that serves.
    let is_go = project.language(hook.at.file) == crate::facts::Language::Go;
    let handed: BTreeSet<FnRef> = project
        .sites_of(hook.at)
        .filter(|_| is_go)
        .flat_map(|site| site.targets.iter().copied())
        .collect();
    let callers = project.callers(hook.at).iter();
    let callers = callers.filter_map(|id| project.site(*id));
    let mut near: BTreeSet<FnRef> = callers.map(|site| site.at).collect();
    near.extend(&handed);
    // A function that only waits for the signal leaves the rest to who calls it.
    if leading.contains(&hook.at) {
        near.insert(hook.at);
    } else {
        near.remove(&hook.at);
    }
    for at in near {
        let Some(function) = project.function(at) else {
            continue;
        };
        let handed_on = handed.contains(&at);
        walk::stmts(&function.body, &mut |stmt| {
            let StmtKind::Select(arms) = &stmt.kind else {
                return;
            };
            let stop = arms.iter().find(|arm| {
                arm.test.as_ref().is_some_and(|test| {
                    fires(project, at, hook, test) && (!handed_on || is_context(project, at, test))
                })
            });
            let Some(arm) = stop else {
                return;
            };
            if goes_round(function, stmt, arm) {
                return;
            }
            let after = |site: &Site<'_>| {
                site.span.start > stmt.span.start
                    && !arms
                        .iter()
                        .any(|other| other.span != arm.span && other.span.holds(site.span))
            };
            let drains = project.sites_of(at).any(|site| after(site) && drains(site))
                || receives_after(project, at, arm, stmt.span);
            if !drains {
                let place = At {
                    function: at,
                    span: arm.span,
                };
                let finding = report.add(place, "after the signal nothing waits for the part that serves: calls in flight are cut when this function returns");
                let registered = At {
                    function: hook.at,
                    span: hook.span,
                };
                finding.via(project, registered, "the signal is waited for here");
            }
        });
    }
}

/// Whether the choice stands in a loop that the arm does not leave: it only counts signals.
fn goes_round(function: &Function, select: &Stmt, arm: &Arm) -> bool {
    let mut around = None;
    walk::stmts(&function.body, &mut |stmt| {
        if let StmtKind::Loop { body, .. } = &stmt.kind
            && holds(body, select.span)
        {
            around = Some(stmt.span);
        }
    });
    let mut leaves = false;
    walk::stmts(&arm.body, &mut |stmt| {
        leaves |= matches!(stmt.kind, StmtKind::Break | StmtKind::Return(_));
    });
    around.is_some() && !leaves
}

/// Whether the arm waits for the hook: the call itself, what it was bound to, or the end of its context.
fn fires<'a>(
    project: &Project<'a>,
    at: FnRef,
    hook: &Hook<'a>,
    test: &'a crate::facts::Expr,
) -> bool {
    if at == hook.at && test.span.holds(hook.span) {
        return true;
    }
    let mut found = false;
    walk::each(test, &mut |inner| {
        if let ExprKind::Call(_) = &inner.kind
            && let Some(site) = project.site_at(at, inner)
        {
            found |= matches!(site.name(), "Done" | "recv" | "cancelled")
                || site.targets.contains(&hook.at);
        }
        if let ExprKind::Var(_) = &inner.kind {
            let name = project.last_name(at, inner).unwrap_or_default();
            found |= words::words(&name).iter().any(|word| {
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
                        | "done"
                        | "interrupt"
                )
            });
        }
    });
    found
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

/// Whether the function receives from a channel after the arm was taken: an opaque receive beside the select.
fn receives_after(project: &Project<'_>, at: FnRef, arm: &Arm, select: Span) -> bool {
    let Some(function) = project.function(at) else {
        return false;
    };
    let mut found = false;
    walk::stmts(&function.body, &mut |stmt| {
        let inside = arm.body.iter().any(|inner| inner.span.holds(stmt.span));
        let later = stmt.span.start >= select.end;
        if (inside || later) && matches!(stmt.kind, StmtKind::Select(_)) {
            found = true;
        }
        if inside || later {
            walk::own_exprs(stmt, &mut |expr| {
                found |= matches!(&expr.kind, ExprKind::Await(_));
            });
        }
    });
    found
}
