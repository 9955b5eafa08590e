//! Credentials that a file collects under keys, and never takes out again.

use std::collections::{BTreeMap, BTreeSet};

use crate::budget;
use crate::facts::{Expr, ExprKind, FnId, Language, Pattern, StmtKind, walk};
use crate::finding::{Ground, Surface, Trusted};
use crate::link::{FnRef, Project, Site, VarRef};
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
    "delete", "clear", "pop", "remove", "evict", "purge", "Delete", "Remove", "popitem", "del",
];

/// Variables of a file like `tokenCache[id] = token` of which nothing takes anything out.
pub(super) fn look(project: &Project<'_>, cleared: &BTreeSet<String>, report: &mut Report<'_>) {
    let mut done: BTreeSet<VarRef> = BTreeSet::new();
    let mut deleted = Deleted::default();
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
            if !is_kept || is_emptied(project, at, &name) || deleted.has(project, at.file, &name) {
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

/// Whether anything in the file, or in one that may have to do with it, takes something out of it.
fn is_emptied(project: &Project<'_>, at: FnRef, name: &str) -> bool {
    let takes = |site: &Site<'_>| {
        let on = project.receiver_name(site);
        let mut given = site.call.args.iter();
        let is_named = |found: Option<String>| found.as_deref() == Some(name);
        TAKING.contains(&site.name())
            && (is_named(on)
                || given.any(|given| is_named(project.last_name(site.at, &given.value))))
    };
    project.sites_beside(at.file).any(takes)
}

/// Names of what TypeScript deletes from, in each cluster of files.
#[derive(Default)]
struct Deleted(BTreeMap<u32, BTreeSet<String>>);

impl Deleted {
    fn has(&mut self, project: &Project<'_>, file: u32, name: &str) -> bool {
        let cluster = project.cluster_of(file);
        let names = self.0.entry(cluster);
        let names = names.or_insert_with(|| budget::apart(|| deleted_from(project, file)));
        names.contains(name)
    }
}

/// `delete tokens[key]`: an operator before an item that is nothing but a statement, or what a closure gives.
fn deleted_from(project: &Project<'_>, file: u32) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    if project.language(file) != Language::TypeScript {
        return names;
    }
    for other in project.cluster(file) {
        for (at, function) in project.functions_in(*other) {
            walk::stmts(&function.body, &mut |stmt| {
                if let StmtKind::Expr(whole) | StmtKind::Return(Some(whole)) = &stmt.kind
                    && let ExprKind::Opaque(parts) = &whole.bare().kind
                    && let [item] = parts.as_slice()
                    && let ExprKind::Index(object, _) | ExprKind::Member(object, _) =
                        &item.bare().kind
                {
                    names.extend(project.last_name(at, object));
                }
            });
        }
    }
    names
}
