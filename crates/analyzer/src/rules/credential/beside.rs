//! A connection string with its password, kept beside the pool that was made of it.

use std::collections::{BTreeMap, BTreeSet};

use crate::facts::{CallForm, Expr, ExprKind, Language, Pattern, Span, VarId, walk};
use crate::finding::{Ground, Severity, Surface, Trusted};
use crate::link::{FnRef, Project};
use crate::rules::{At, Report};
use crate::vocabulary::{Kind, Role, words};

/// Words of the names of connection strings, joined.
const LOGINS: &[&str] = &[
    "conn_str",
    "conn_string",
    "conn_url",
    "conn_uri",
    "connection_str",
    "connection_url",
    "connection_uri",
    "database_url",
    "database_uri",
    "db_url",
    "db_uri",
    "dsn",
];

/// Fields that keep what a pool was opened with in the same function: the pool needs it no more.
pub(super) fn look(project: &Project<'_>, cleared: &BTreeSet<String>, report: &mut Report<'_>) {
    let pools = project.sites().filter(|site| {
        site.role == Some(Role::Open(Kind::Pool))
            && project.surface(site.at.file) == Surface::Runtime
    });
    let mut given: BTreeMap<FnRef, BTreeSet<VarId>> = BTreeMap::new();
    for pool in pools {
        let given = given.entry(pool.at).or_default();
        for arg in &pool.call.args {
            walk::each(&arg.value, &mut |expr| {
                if let ExprKind::Var(id) = expr.kind {
                    given.insert(id);
                }
            });
        }
    }
    for (at, given) in given {
        for (field, span) in kept(project, at, &given) {
            let place = At { function: at, span };
            if cleared.contains(&field) || report.has(place) {
                continue;
            }
            let message = format!(
                "`{field}` keeps the connection string, with the password in it, beside the pool that was made of it"
            );
            let finding = report.add(place, Ground::Likely(Trusted::Name), message);
            if project.language(at.file) == Language::Rust {
                finding.weigh(Severity::Medium);
            }
        }
    }
}

/// The fields that get any of some variables in a function, if they are named like connection strings, with the places.
fn kept(project: &Project<'_>, at: FnRef, given: &BTreeSet<VarId>) -> Vec<(String, Span)> {
    let is_it = |value: &Expr| variable(value).is_some_and(|id| given.contains(&id));
    let mut all = Vec::new();
    for site in project.sites_of(at) {
        if site.call.form != CallForm::Literal {
            continue;
        }
        let args = site.call.args.iter().filter(|arg| is_it(&arg.value));
        let named = args.filter_map(|arg| Some((arg.name.as_ref()?.to_string(), arg.value.span)));
        all.extend(named);
    }
    if let Some(function) = project.function(at) {
        walk::assignments(&function.body, &mut |_, target, value| {
            if let Pattern::Place(place) = target
                && let ExprKind::Member(object, field) = &place.kind
                && matches!(object.kind, ExprKind::This)
                && is_it(value)
            {
                all.push((field.to_string(), place.span));
            }
        });
    }
    all.retain(|(field, _)| is_login(field));
    all
}

fn is_login(field: &str) -> bool {
    let joined = words::words(field).join("_");
    LOGINS.iter().any(|known| joined.contains(known)) || joined.contains("connection_string")
}

/// The variable that a value is, cloned or converted at most.
fn variable(value: &Expr) -> Option<VarId> {
    let mut at = value.bare();
    while let Some(call) = at.call() {
        let keeps = matches!(
            crate::link::callee_name(&call.callee),
            "clone" | "to_string" | "to_owned" | "into"
        );
        at = call.receiver().filter(|_| keeps)?.bare();
    }
    if let ExprKind::Var(id) = at.kind {
        Some(id)
    } else {
        None
    }
}
