//! What somebody may do can't be looked up, which is only logged, and then nothing is filtered by it.

use std::collections::BTreeSet;

use crate::facts::{Block, Compare, Expr, ExprKind, Function, StmtKind, VarId, walk};
use crate::finding::{Ground, Trusted};
use crate::link::{Failure, FailureKind, FnRef, Project};
use crate::rules::{At, Report};
use crate::vocabulary::{Role, words};

/// First words of names that look something up.
const LOOKING_UP: &[&str] = &[
    "fetch", "get", "load", "read", "lookup", "list", "query", "resolve", "discover", "parse",
];

/// Words of what says what somebody may do.
const GRANTS: &[&str] = &[
    "scope",
    "scopes",
    "permission",
    "permissions",
    "policy",
    "policies",
    "allowlist",
    "acl",
    "entitlements",
    "grants",
];

/// Words of names of what leaves something out.
const FILTERING: &[&str] = &[
    "filter",
    "filtered",
    "filtering",
    "restrict",
    "restricted",
    "allowed",
    "permitted",
    "limit",
];

pub(super) fn look(project: &Project<'_>, report: &mut Report<'_>) {
    for failure in &project.failures {
        let of_statements = matches!(failure.kind, FailureKind::Catch | FailureKind::Checked);
        if !of_statements || !only_logs(project, failure) {
            continue;
        }
        let Some(function) = project.function(failure.at) else {
            continue;
        };
        let found = looked_up(project, failure, function);
        if !found.is_empty() && filters_later(project, failure, function, &found) {
            let place = At {
                function: failure.at,
                span: failure.span,
            };
            report.add(
                place,
                Ground::Likely(Trusted::Name),
                "when what is permitted can't be looked up, this goes on and filters nothing by it",
            );
        }
    }
}

/// The region says that something failed, and does nothing else.
fn only_logs(project: &Project<'_>, failure: &Failure<'_>) -> bool {
    let mut goes_on = true;
    walk::stmts(failure.body, &mut |stmt| {
        goes_on &= matches!(stmt.kind, StmtKind::Expr(_));
    });
    // What is said may be put together by calls; the one around them is what the statement does.
    let mut says = failure.body.iter().map(|stmt| {
        let mut sites = project.sites_within(failure.at, stmt.span);
        sites.any(|site| matches!(site.role, Some(Role::Log | Role::Stdout)))
    });
    goes_on && !failure.body.is_empty() && says.all(|says| says)
}

/// The variables that hold what was looked up in what may have failed.
fn looked_up(project: &Project<'_>, failure: &Failure<'_>, function: &Function) -> BTreeSet<VarId> {
    let lookups: Vec<_> = project
        .sites_within(failure.at, failure.guarded)
        .filter(|site| is_lookup(site.name()))
        .map(|site| site.span)
        .collect();
    let mut found = BTreeSet::new();
    if lookups.is_empty() {
        return found;
    }
    walk::assignments(&function.body, &mut |_, target, value| {
        let given = lookups.iter().any(|lookup| value.span.holds(*lookup))
            || matches!(value.bare().kind, ExprKind::Var(id) if found.contains(&id));
        if given {
            let leaves = target.leaves().into_iter();
            found.extend(leaves.filter_map(crate::facts::Pattern::variable));
        }
    });
    found.retain(|id| !failure.errors.contains(id));
    found
}

fn is_lookup(name: &str) -> bool {
    let words = words::words(name);
    let looks = words
        .first()
        .is_some_and(|first| LOOKING_UP.contains(&first.as_str()));
    looks && words.iter().any(|word| GRANTS.contains(&word.as_str()))
}

/// `if (scopes) tools = tools.filter(…)`, after the region.
fn filters_later(
    project: &Project<'_>,
    failure: &Failure<'_>,
    function: &Function,
    found: &BTreeSet<VarId>,
) -> bool {
    let mut filters = false;
    walk::stmts(&function.body, &mut |stmt| {
        let StmtKind::If {
            test,
            then,
            otherwise,
        } = &stmt.kind
        else {
            return;
        };
        // The other branch, or a test for nothing at all, may be what refuses.
        let mut asked = false;
        let mut turned = !otherwise.is_empty();
        walk::each(test, &mut |inner| {
            asked |= matches!(inner.kind, ExprKind::Var(id) if found.contains(&id));
            turned |= matches!(inner.kind, ExprKind::Not(_)) || asks_for_nothing(inner);
        });
        asked &= !turned;
        filters |=
            asked && stmt.span.start >= failure.span.end && leaves_out(project, failure.at, then);
    });
    filters
}

/// `scopes === undefined`, `scopes is None`, `scopes == nil`.
fn asks_for_nothing(test: &Expr) -> bool {
    let ExprKind::Compare(Compare::Equal, one, other) = &test.kind else {
        return false;
    };
    let is_nothing = |expr: &Expr| {
        matches!(expr.kind, ExprKind::Null)
            || matches!(&expr.kind, ExprKind::Global(name) if &**name == "undefined")
    };
    is_nothing(one) || is_nothing(other)
}

fn leaves_out(project: &Project<'_>, at: FnRef, block: &Block) -> bool {
    let is_filter = |name: &str| {
        let words = words::words(name);
        words.iter().any(|word| FILTERING.contains(&word.as_str()))
    };
    let mut found = false;
    walk::exprs(block, &mut |expr| {
        found |= project.own_name(at, expr).is_some_and(is_filter);
    });
    found
}
