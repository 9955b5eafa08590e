//! Calls in flight, by the names that code gives them, and who waits for them.

use std::collections::{BTreeSet, HashMap};

use crate::facts::{Block, Expr, ExprKind, Language, LoopKind, Span, StmtKind, walk};
use crate::link::{Fate, FnRef, Project, Site, callee_name};
use crate::vocabulary::{Role, words};

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

/// Those of them that are said of anything.
const SAID_OF_ANY: &[&str] = &["pending", "active", "running", "outstanding", "ongoing"];

/// Words for one call, or for how many or what all of them are.
const CALLS: &[&str] = &[
    "call",
    "request",
    "tool",
    "task",
    "job",
    "operation",
    "op",
    "work",
    "promise",
    "handler",
    "execution",
    "count",
    "counter",
    "total",
    "number",
    "size",
    "set",
    "map",
    "list",
    "queue",
];

/// Words of names of what waits.
const WAITING: &[&str] = &[
    "wait", "await", "until", "settle", "finish", "complete", "join",
];

/// Words that begin the name of a function which tells of calls, or does away with them, and waits for none.
const NOT_WAITING: &[&str] = &[
    "get",
    "list",
    "count",
    "is",
    "has",
    "log",
    "report",
    "record",
    "capture",
    "mark",
    "set",
    "reset",
    "clear",
    "start",
    "stop",
    "close",
    "kill",
    "terminate",
    "remove",
    "delete",
];

/// Where the code that answers calls, and what leads to it, names calls in flight: functions by the cluster of files and the name.
pub(super) struct Answering {
    named: HashMap<(u32, String), BTreeSet<FnRef>>,
    /// What is raised and lowered there, or added to and taken from, whatever its name: by the cluster of files and the name.
    counted: BTreeSet<(u32, String)>,
}

impl Answering {
    pub(super) fn of(project: &Project<'_>) -> Self {
        let mut all: HashMap<_, BTreeSet<FnRef>> = HashMap::new();
        let mut steps: HashMap<(u32, String), BTreeSet<(FnRef, Span)>> = HashMap::new();
        let mut kept: BTreeSet<(u32, String)> = BTreeSet::new();
        let mut left: BTreeSet<(u32, String)> = BTreeSet::new();
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
            walk::assignments(&function.body, &mut |stmt, target, value| {
                let name = project.target_name(at, target);
                if let Some(name) = name.filter(|name| is_step(project, at, name, value)) {
                    let places = steps.entry((cluster, name)).or_default();
                    places.insert((at, stmt.span));
                }
            });
            for site in project.sites_of(at) {
                let side = match site.name() {
                    "add" | "push" | "append" => &mut kept,
                    "delete" | "remove" | "discard" | "splice" => &mut left,
                    _ => continue,
                };
                side.extend(project.receiver_name(site).map(|name| (cluster, name)));
            }
        }
        let mut counted: BTreeSet<_> = kept.intersection(&left).cloned().collect();
        let twice = steps.into_iter().filter(|(_, places)| places.len() > 1);
        counted.extend(twice.map(|(name, _)| name));
        Self {
            named: all,
            counted,
        }
    }
}

/// Whether something deep below the handler waits for what calls count up or enter: a name that also stands in the
/// code that answers them, or that leads to it.
pub(super) fn waits_deep<'r>(
    project: &Project<'_>,
    deep: &BTreeSet<FnRef>,
    answering: impl Fn() -> &'r Answering,
) -> bool {
    let waited: BTreeSet<(u32, String)> = deep
        .iter()
        .flat_map(|at| {
            let names = all_waited_for(project, *at).into_iter();
            names.map(|name| (project.cluster_of(at.file), name))
        })
        .collect();
    waited.iter().any(|name| {
        let named = answering().named.get(name);
        is_in_flight(&name.1)
            && named.is_some_and(|named| named.iter().any(|at| !deep.contains(at)))
            || answering().counted.contains(name)
    })
}

/// Whether what is assigned to a name steps it: a number, or what is made of what was there.
fn is_step<'a>(project: &Project<'a>, at: FnRef, name: &str, value: &'a Expr) -> bool {
    if let ExprKind::Number(by) = &value.kind {
        return *by != 0.0;
    }
    let made = matches!(value.kind, ExprKind::Opaque(_));
    made && project.names_in(at, value).iter().any(|one| one == name)
}

/// Where a function first waits for calls in flight by name.
pub(super) fn first_wait(project: &Project<'_>, at: FnRef) -> Option<Span> {
    let function = project.function(at)?;
    let names = |expr: &Expr, is_meant: fn(&str) -> bool| {
        let mut found = false;
        walk::each(expr, &mut |inner| {
            found |= project
                .last_name(at, inner)
                .is_some_and(|name| is_meant(&name));
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
            if waits && names(over, is_in_flight) {
                take(stmt.span);
            }
        }
    });
    walk::exprs(&function.body, &mut |expr| {
        if let ExprKind::Await(inner) = &expr.kind
            && names(inner, may_stand_for_wait)
        {
            take(expr.span);
        }
    });
    first
}

/// The names of calls in flight that a function loops over or awaits.
fn waited_for(project: &Project<'_>, at: FnRef) -> Vec<String> {
    let mut names = all_waited_for(project, at);
    names.retain(|name| is_in_flight(name));
    names
}

/// All names in what a function loops over until it is done, or awaits.
fn all_waited_for(project: &Project<'_>, at: FnRef) -> Vec<String> {
    let Some(function) = project.function(at) else {
        return Vec::new();
    };
    let mut names = Vec::new();
    walk::stmts(&function.body, &mut |stmt| {
        if let StmtKind::Loop {
            kind,
            over: Some(over),
            body,
            ..
        } = &stmt.kind
        {
            // Going over all that are active to close each of them waits for none.
            // A loop without any wait in it waits for nothing.
            if (*kind != LoopKind::Each && may_wait(project, at, body)) || waits_for_each(body) {
                names.extend(project.names_in(at, over));
            }
        } else if let StmtKind::If { test, then, .. } = &stmt.kind {
            // `if (running > 0) await new Promise(…)`.
            let mut waits = false;
            walk::exprs(then, &mut |expr| {
                waits |= matches!(expr.kind, ExprKind::Await(_));
            });
            if waits && matches!(test.kind, ExprKind::Compare(..)) {
                names.extend(project.names_in(at, test));
            }
        }
    });
    walk::exprs(&function.body, &mut |expr| {
        if let ExprKind::Await(inner) = &expr.kind {
            names.extend(names_waited_on(project, at, inner));
        }
    });
    names
}

/// The names in what is awaited, without those of the values that a function which only tells of calls is given by name:
/// `await report({ activeCalls: calls.size })`.
fn names_waited_on<'a>(project: &Project<'a>, at: FnRef, awaited: &'a Expr) -> Vec<String> {
    let names = project.names_in(at, awaited);
    let Some(call) = awaited.call() else {
        return names;
    };
    let words = words::words(callee_name(&call.callee));
    let waits = words.iter().any(|word| {
        let word = word.as_str();
        WAITING.contains(&word) || IN_FLIGHT.contains(&word)
    });
    if waits && !only_tells(callee_name(&call.callee)) {
        return names;
    }
    let told = call.args.iter().map(|arg| &arg.value);
    let told = told.filter(|value| matches!(value.kind, ExprKind::Object(_)));
    let told: Vec<String> = told.flat_map(|value| project.names_in(at, value)).collect();
    names
        .into_iter()
        .filter(|name| !told.contains(name) && !only_tells(name))
        .collect()
}

/// Whether the body of a loop waits at all, or stands for a wait in a language without `await`: whatever it calls may block.
fn may_wait(project: &Project<'_>, at: FnRef, body: &Block) -> bool {
    let mut waits = false;
    walk::exprs(body, &mut |expr| {
        let blocks = expr.call().is_some() && project.language(at.file) != Language::TypeScript;
        waits |= blocks || matches!(expr.kind, ExprKind::Await(_));
    });
    waits
}

/// Whether the body of a loop waits for something other than a close.
fn waits_for_each(body: &Block) -> bool {
    let mut waits = false;
    walk::exprs(body, &mut |expr| {
        let awaited = if let ExprKind::Await(inner) = &expr.kind {
            Some(inner)
        } else {
            None
        };
        let closes = |inner: &Expr| {
            let call = inner.bare().call();
            call.is_some_and(|call| is_leaving(callee_name(&call.callee)))
        };
        waits |= awaited.is_some_and(|inner| !closes(inner));
        let name = expr.call().map(|call| callee_name(&call.callee));
        waits |= matches!(name, Some("join" | "wait" | "Wait" | "result"));
    });
    waits
}

/// Whether anything in these functions waits for calls: awaits or loops over something named so, or settles them.
pub(super) fn waits_for_calls(project: &Project<'_>, reach: &BTreeSet<FnRef>) -> bool {
    reach.iter().any(|at| {
        !waited_for(project, *at).is_empty()
            || project
                .sites_of(*at)
                .any(|site| settles_calls(project, site) || waits_by_name(project, site))
    })
}

/// Whether a call is named after calls in flight, and may wait for them: in TypeScript only what is waited for, or told what to
/// do then, does.
fn waits_by_name(project: &Project<'_>, site: &Site<'_>) -> bool {
    if !may_stand_for_wait(site.name()) {
        return false;
    }
    let is_told = || {
        site.call.args.iter().any(|arg| {
            let values = project.values(site.at, &arg.value);
            matches!(arg.value.kind, ExprKind::Function(_))
                || values.iter().any(|value| value.function().is_some())
        })
    };
    project.language(site.at.file) != Language::TypeScript
        || site.fate != Fate::Dropped
        || is_told()
}

/// Words of names by which something is closed and no call is waited for.
const LEAVING: &[&str] = &[
    "close",
    "stop",
    "shutdown",
    "disconnect",
    "logout",
    "kill",
    "terminate",
    "dispose",
    "destroy",
    "cleanup",
    "unsubscribe",
    "end",
    "quit",
    "flush",
];

/// Whether a call waits for several and may wait for calls: not for the closing of connections alone, whether their promises
/// are made in its argument or put into a list before.
fn settles_calls(project: &Project<'_>, site: &Site<'_>) -> bool {
    if site.role != Some(Role::Settle) {
        return false;
    }
    let functions = project.inside(site.at);
    let closes = |at: FnRef, span: Span| {
        let mut own = project.sites_within(at, span);
        let mut inner = functions.iter().filter(|inner| {
            let code = project.function(**inner);
            **inner != at && code.is_some_and(|code| span.holds(code.span))
        });
        own.any(leaves) || inner.any(|inner| project.sites_of(*inner).any(leaves))
    };
    let list = site
        .call
        .arg(0)
        .and_then(|list| project.own_name(site.at, list.bare()));
    let is_list = |expr: &Expr| list.is_some() && project.own_name(site.at, expr.bare()) == list;
    let pushes = functions.iter().any(|at| {
        project.sites_of(*at).any(|other| {
            matches!(other.name(), "push" | "append" | "add")
                && other.call.receiver().is_some_and(is_list)
                && closes(*at, other.span)
        })
    });
    let set = site.call.arg(0).is_some_and(|list| {
        let ExprKind::Var(id) = list.bare().kind else {
            return false;
        };
        let mut sets = project.assigned(site.at.variable(id));
        sets.any(|(at, value)| closes(at, value.span))
    });
    !(pushes || set || closes(site.at, site.span))
}

fn leaves(site: &Site<'_>) -> bool {
    is_leaving(site.name())
}

fn is_leaving(name: &str) -> bool {
    let words = words::words(name);
    words.iter().any(|word| LEAVING.contains(&word.as_str()))
}

/// Whether a call by this name, or a wait for what has it, may be the wait itself. The test of a loop is another matter: what it
/// asks only tells of calls, and the loop waits.
fn may_stand_for_wait(name: &str) -> bool {
    is_in_flight(name) && !only_tells(name)
}

/// Whether a name is that of calls in flight, or of what is done to or said of them.
fn is_in_flight(name: &str) -> bool {
    let words = words::words(name);
    let any = |all: &[&str]| words.iter().any(|word| all.contains(&word.as_str()));
    // `activeUser` is one of many things that are active; `activeUsers` and `activeCall` may be calls.
    let of_one = |last: &String| {
        let is_call = IN_FLIGHT.contains(&last.as_str()) || CALLS.contains(&last.as_str());
        !is_call && !last.ends_with('s')
    };
    let only_said = words
        .iter()
        .all(|word| SAID_OF_ANY.contains(&word.as_str()) || !IN_FLIGHT.contains(&word.as_str()));
    any(IN_FLIGHT) && !(only_said && words.last().is_some_and(of_one) && !any(WAITING))
}

/// Whether a name of several words begins with what is done to calls, or said of them, instead of a wait.
fn only_tells(name: &str) -> bool {
    let words = words::words(name);
    let first = words.first().filter(|_| words.len() > 1);
    first.is_some_and(|first| NOT_WAITING.contains(&first.as_str()))
}
