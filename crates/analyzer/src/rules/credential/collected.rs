//! Credentials that a file collects under keys, and never takes out again.

use std::collections::BTreeSet;

use crate::budget::{self, Left};
use crate::facts::{Expr, ExprKind, FnId, Pattern, walk};
use crate::finding::{Ground, Surface, Trusted};
use crate::link::{FnRef, Project, VarRef};
use crate::rules::{At, Report};
use crate::vocabulary::words;

/// Last words of names that hold credentials themselves; one of numbers or locks holds none.
const HOLDING: &[&str] = &[
    "cache",
    "map",
    "store",
    "tokens",
    "secrets",
    "passwords",
    "credentials",
    "keys",
];

/// What takes something out of a collection.
const TAKING: &[&str] = &[
    "delete", "clear", "pop", "remove", "evict", "purge", "Delete", "Remove", "popitem",
];

/// Variables of a file like `tokenCache[id] = token` of which nothing takes anything out.
pub(super) fn look(project: &Project<'_>, cleared: &BTreeSet<String>, report: &mut Report<'_>) {
    let mut done: BTreeSet<VarRef> = BTreeSet::new();
    for (at, function) in project.functions() {
        if project.surface(at.file) != Surface::Runtime || at.id == FnId::MODULE {
            continue;
        }
        walk::assignments(&function.body, &mut |stmt, target, value| {
            let Some((variable, name)) = collection(project, at, target) else {
                return;
            };
            let is_kept = is_collection(project, &name)
                && !cleared.contains(&name)
                && may_be_text(value)
                && done.insert(variable);
            if !is_kept || is_emptied(project, at, &name) {
                return;
            }
            let declared = project.variable(variable).map(|declared| declared.span);
            let place = At {
                function: FnRef::module(variable.file),
                span: declared.unwrap_or(stmt.span),
            };
            let put = At {
                function: at,
                span: stmt.span,
            };
            let message = format!(
                "`{name}` collects credentials as long as the process lives, and nothing takes them out"
            );
            report
                .add(place, Ground::Likely(Trusted::Name), message)
                .via(project, put, "put in here");
        });
    }
}

/// The variable of a file in which an assignment sets an item: `tokens[key] = …`.
fn collection(project: &Project<'_>, at: FnRef, target: &Pattern) -> Option<(VarRef, String)> {
    let Pattern::Place(place) = target else {
        return None;
    };
    let ExprKind::Index(object, _) = &place.kind else {
        return None;
    };
    let ExprKind::Var(id) = object.kind else {
        return None;
    };
    let variable = at.variable(id);
    let declared = project.variable(variable)?;
    (declared.owner == FnId::MODULE).then(|| (variable, declared.name.to_string()))
}

fn is_collection(project: &Project<'_>, name: &str) -> bool {
    let words = words::words(name);
    let Some((last, first)) = words.split_last() else {
        return false;
    };
    // `accessTokenCache` holds what it is a cache of; `tokens` is the word of a secret, with more than one of it.
    let held = first.join("_");
    HOLDING.contains(&last.as_str())
        && (project.hints.is_secret(&held) || project.hints.is_secret(name.trim_end_matches('s')))
        && !words::is_question(name)
}

/// A variable, a member or what a call gives: no number, no flag and nothing that was computed.
fn may_be_text(value: &Expr) -> bool {
    matches!(
        value.bare().kind,
        ExprKind::Var(_)
            | ExprKind::Member(..)
            | ExprKind::Index(..)
            | ExprKind::Call(_)
            | ExprKind::Join(_)
    )
}

/// Whether anything in the file takes something out of it.
fn is_emptied(project: &Project<'_>, at: FnRef, name: &str) -> bool {
    let sites = project.sites_in(at.file);
    budget::on(at.file);
    if budget::spend_on_places(sites.len()) == Left::Nothing {
        return true;
    }
    sites.iter().any(|site| {
        let on = project.receiver_name(site);
        let given = site
            .call
            .arg(0)
            .and_then(|given| project.last_name(site.at, given));
        TAKING.contains(&site.name()) && [on, given].iter().flatten().any(|found| found == name)
    })
}
