//! Calls in flight, by the names that code gives them, and who waits for them.

use std::collections::{BTreeSet, HashMap};

use crate::facts::{Expr, ExprKind, Span, StmtKind, walk};
use crate::link::{FnRef, Project};
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

/// Where the code that answers calls, and what leads to it, names calls in flight: functions by the cluster of files and the name.
pub(super) struct Answering(HashMap<(u32, String), BTreeSet<FnRef>>);

impl Answering {
    pub(super) fn of(project: &Project<'_>) -> Self {
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
pub(super) fn waits_deep<'r>(
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
            names.extend(project.names_in(at, inner));
        }
    });
    names.retain(|name| is_in_flight(name));
    names
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

fn is_in_flight(name: &str) -> bool {
    let words = words::words(name);
    words.iter().any(|word| IN_FLIGHT.contains(&word.as_str()))
}
