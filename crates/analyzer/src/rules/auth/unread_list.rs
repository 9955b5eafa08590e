//! A list of what is forbidden that stays empty because it could not be read.

use std::collections::{BTreeMap, BTreeSet};

use crate::budget::{self, Left};
use crate::facts::{Expr, ExprKind, Span, StmtKind, walk};
use crate::finding::{Ground, Surface, Trusted};
use crate::link::{Failure, FailureKind, FnRef, Project};
use crate::rules::{At, Report};
use crate::vocabulary::{Role, words};

use super::catch_permits::{DENY_LISTS, is_empty};

/// What is set to such a name.
struct Put {
    name: String,
    span: Span,
    /// Whether it is a list without anything in it.
    is_empty: bool,
}

/// `self.denied = set()`, and in a `try` `self.denied = set(read["denied"])`, whose failure is only logged.
pub(super) fn look(project: &Project<'_>, report: &mut Report<'_>) {
    let mut sets: BTreeMap<FnRef, Vec<Put>> = BTreeMap::new();
    let mut empty: BTreeSet<(u32, String)> = BTreeSet::new();
    for (at, function) in project.functions() {
        if project.surface(at.file) == Surface::Tests {
            continue;
        }
        walk::stmts(&function.body, &mut |stmt| {
            let StmtKind::Assign {
                target,
                value: Some(value),
            } = &stmt.kind
            else {
                return;
            };
            let Some(name) = project.target_name(at, target).filter(|name| forbids(name)) else {
                return;
            };
            let is_empty = is_empty(value);
            if is_empty {
                empty.insert((at.file, name.clone()));
            }
            sets.entry(at).or_default().push(Put {
                name,
                span: stmt.span,
                is_empty,
            });
        });
    }
    for puts in sets.values_mut() {
        puts.sort_by_key(|put| put.span.start);
    }
    for failure in &project.failures {
        let Some(puts) = sets.get(&failure.at) else {
            continue;
        };
        budget::on(failure.at.file);
        if failure.kind == FailureKind::Catch
            && is_left_empty(puts, failure, &empty)
            && goes_on(project, failure)
        {
            let caught = At {
                function: failure.at,
                span: failure.span,
            };
            report.add(
                caught,
                Ground::Likely(Trusted::Name),
                "when the list of what is forbidden can't be read, nothing is forbidden",
            );
        }
    }
}

/// Whether what failed would have filled a list that is empty before it, and the region fills it with nothing.
fn is_left_empty(puts: &[Put], failure: &Failure<'_>, empty: &BTreeSet<(u32, String)>) -> bool {
    let again: BTreeSet<&str> = within(puts, failure.span)
        .map(|put| put.name.as_str())
        .collect();
    within(puts, failure.guarded).any(|put| {
        !put.is_empty
            && !again.contains(put.name.as_str())
            && empty.contains(&(failure.at.file, put.name.clone()))
    })
}

/// What is set inside a stretch, of what is set in a function in the order of its source.
fn within(puts: &[Put], stretch: Span) -> impl Iterator<Item = &Put> {
    let first = puts.partition_point(|put| put.span.start < stretch.start);
    let begun = puts
        .iter()
        .skip(first)
        .take_while(move |put| put.span.start <= stretch.end && budget::spend(1) == Left::Some);
    begun.filter(move |put| stretch.holds(put.span))
}

/// Whether a name says that something is forbidden by what it holds: `denylist`, `denied_commands`, `deny_list`.
fn forbids(name: &str) -> bool {
    let words = words::words(name);
    let is_one = |word: &String| DENY_LISTS.contains(&word.as_str());
    let pairs = || words.iter().zip(words.iter().skip(1));
    words.iter().any(is_one)
        || pairs().any(|(one, other)| DENY_LISTS.contains(&format!("{one}{other}").as_str()))
}

/// Whether a region neither throws, ends the process nor answers its caller, who may refuse then.
fn goes_on(project: &Project<'_>, failure: &Failure<'_>) -> bool {
    let mut ends = false;
    walk::stmts(failure.body, &mut |stmt| {
        let answers = |value: &Expr| !matches!(value.kind, ExprKind::Null | ExprKind::Bool(true));
        ends |= matches!(&stmt.kind, StmtKind::Throw(_))
            || matches!(&stmt.kind, StmtKind::Return(Some(value)) if answers(value));
    });
    let mut inside = project.sites_within(failure.at, failure.span);
    !ends && !inside.any(|site| matches!(site.role, Some(Role::Exit | Role::ExitUnwinding)))
}
