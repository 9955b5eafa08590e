//! A list of what is forbidden that stays empty because it could not be read.

use std::collections::{BTreeMap, BTreeSet};

use crate::facts::{Span, StmtKind, walk};
use crate::finding::{Ground, Surface, Trusted};
use crate::link::{Failure, FailureKind, FnRef, Project};
use crate::rules::{At, Report};
use crate::vocabulary::{Role, words};

use super::catch_permits::{DENY_LISTS, is_empty};

/// What is set to such names in one function.
#[derive(Default)]
struct Sets {
    /// To a list without anything in it.
    empty: Vec<(String, Span)>,
    /// To anything else.
    filled: Vec<(String, Span)>,
}

/// `self.denied = set()`, and in a `try` `self.denied = set(read["denied"])`, whose failure is only logged.
pub(super) fn look(project: &Project<'_>, report: &mut Report<'_>) {
    let mut sets: BTreeMap<FnRef, Sets> = BTreeMap::new();
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
            let sets = sets.entry(at).or_default();
            if is_empty(value) {
                empty.insert((at.file, name.clone()));
                sets.empty.push((name, stmt.span));
            } else {
                sets.filled.push((name, stmt.span));
            }
        });
    }
    for failure in &project.failures {
        let Some(sets) = sets.get(&failure.at) else {
            continue;
        };
        let stays = |(name, span): &(String, Span)| {
            let again = sets.filled.iter().chain(&sets.empty);
            failure.guarded.holds(*span)
                && empty.contains(&(failure.at.file, name.clone()))
                && !again
                    .clone()
                    .any(|(other, at)| other == name && failure.span.holds(*at))
        };
        if failure.kind == FailureKind::Catch
            && goes_on(project, failure)
            && sets.filled.iter().any(stays)
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

/// Whether a name says that something is forbidden by what it holds: `denylist`, `denied_commands`, `deny_list`.
fn forbids(name: &str) -> bool {
    let words = words::words(name);
    let is_one = |word: &String| DENY_LISTS.contains(&word.as_str());
    let pairs = || words.iter().zip(words.iter().skip(1));
    words.iter().any(is_one)
        || pairs().any(|(one, other)| DENY_LISTS.contains(&format!("{one}{other}").as_str()))
}

/// Whether a region neither throws nor ends the process.
fn goes_on(project: &Project<'_>, failure: &Failure<'_>) -> bool {
    let mut throws = false;
    walk::stmts(failure.body, &mut |stmt| {
        throws |= matches!(stmt.kind, StmtKind::Throw(_));
    });
    let mut inside = project.sites_within(failure.at, failure.span);
    !throws && !inside.any(|site| matches!(site.role, Some(Role::Exit | Role::ExitUnwinding)))
}
