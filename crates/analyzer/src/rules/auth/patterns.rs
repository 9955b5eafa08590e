//! Patterns of what is forbidden that are left out where they don't compile: the rest of the list refuses less than was asked for.

use std::collections::HashMap;

use crate::facts::{Expr, ExprKind, Span, StmtKind, VariableKind, walk};
use crate::finding::{Ground, Surface, Trusted};
use crate::link::{Failure, FnRef, Project, Site};
use crate::rules::{At, Report};
use crate::vocabulary::{functions, words};

/// Beginnings of words that forbid.
const FORBIDDING: &[&str] = &[
    "deny",
    "denied",
    "denylist",
    "block",
    "blacklist",
    "forbid",
    "danger",
    "banned",
    "disallow",
    "restrict",
];

pub(super) fn look(project: &Project<'_>, report: &mut Report<'_>) {
    let mut compiled: HashMap<FnRef, Vec<Span>> = HashMap::new();
    for site in project.sites().filter(|site| compiles(site)) {
        compiled.entry(site.at).or_default().push(site.span);
    }
    compiled.values_mut().for_each(|spans| spans.sort());
    for failure in &project.failures {
        if project.surface(failure.at.file) != Surface::Runtime || leaves(failure) {
            continue;
        }
        let compiles = compiled.get(&failure.at).is_some_and(|spans| {
            let from = spans.partition_point(|span| span.start < failure.guarded.start);
            let first = spans.get(from);
            first.is_some_and(|span| failure.guarded.holds(*span))
        });
        if compiles && forbids(project, failure.at, failure.span) {
            found(failure.at, failure.span, report);
        }
    }
    // `patterns.iter().filter_map(|text| Regex::new(text).ok())`
    for site in project.sites() {
        let drops = site.name() == "ok"
            && site.call.receiver().is_some_and(|on| {
                let made = project.site_at(site.at, on.bare());
                made.is_some_and(compiles)
            });
        let parent = project.function(site.at).and_then(|function| {
            let parent = function.parent.filter(|_| function.name.is_empty())?;
            Some((site.at.beside(parent), function.span))
        });
        if let Some((outer, closure)) = parent.filter(|_| drops) {
            let mut around = project.sites_holding(outer, closure);
            let list = around.find(|other| matches!(other.name(), "filter_map" | "flat_map"));
            let named = list.is_some_and(|list| {
                let on = list.call.receiver();
                on.is_some_and(|on| is_forbidding(&project.names_in(list.at, on)))
                    || named_so(project, list.at)
            });
            if named {
                found(site.at, site.span, report);
            }
        }
    }
}

fn found(function: FnRef, span: Span, report: &mut Report<'_>) {
    report.add(
        At { function, span },
        Ground::Likely(Trusted::Name),
        "a pattern that does not compile is left out, and what it names is no longer refused",
    );
}

fn compiles(site: &Site<'_>) -> bool {
    site.paths.iter().any(|path| functions::compiles(path))
}

/// Whether the region tells anybody that it failed, or ends the loop.
fn leaves(failure: &Failure<'_>) -> bool {
    let mut found = false;
    walk::stmts(failure.body, &mut |stmt| {
        found |= matches!(
            stmt.kind,
            StmtKind::Return(_) | StmtKind::Throw(_) | StmtKind::Break
        );
    });
    walk::exprs(failure.body, &mut |expr| {
        let called = expr
            .call()
            .map(|call| crate::link::callee_name(&call.callee));
        found |=
            called.is_some_and(|name| matches!(name, "exit" | "panic" | "push" | "append" | "add"));
    });
    found
}

/// Whether a place stands in a loop over what is forbidden, by its name here or where a caller gives it.
fn forbids(project: &Project<'_>, at: FnRef, place: Span) -> bool {
    let Some(function) = project.function(at) else {
        return false;
    };
    let mut found = false;
    walk::around(&function.body, place, &mut |stmt| {
        if let StmtKind::Loop {
            over: Some(over), ..
        } = &stmt.kind
        {
            found |= named_so(project, at)
                || is_forbidding(&project.names_in(at, over))
                || given_so(project, at, over);
        }
    });
    found
}

/// Whether a caller gives what is named so for the parameter that is iterated.
fn given_so(project: &Project<'_>, at: FnRef, over: &Expr) -> bool {
    let mut place = None;
    walk::each(over, &mut |inner| {
        if let ExprKind::Var(id) = inner.kind
            && let Some(variable) = project.variable(at.variable(id))
            && let VariableKind::Parameter(at) = variable.kind
        {
            place = usize::try_from(at).ok();
        }
    });
    let Some(place) = place else {
        return false;
    };
    let callers = project.callers(at).iter().take(8);
    let mut callers = callers.filter_map(|id| project.site(*id));
    callers.any(|caller| {
        let given = caller.call.arg(place);
        given.is_some_and(|given| is_forbidding(&project.names_in(caller.at, given)))
    })
}

fn named_so(project: &Project<'_>, at: FnRef) -> bool {
    let mut outward = project.outward(at);
    let named = outward.find(|(_, function)| !function.name.is_empty());
    named.is_some_and(|(_, function)| is_forbidding(&[function.name.to_string()]))
}

fn is_forbidding(names: &[String]) -> bool {
    names.iter().any(|name| {
        words::words(name).iter().any(|word| {
            FORBIDDING
                .iter()
                .any(|known| word.starts_with(known) && word != "blocks" && word != "block")
        })
    })
}
