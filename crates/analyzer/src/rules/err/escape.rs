//! Whether what a function throws comes to a handler without being caught on the way.

use std::collections::{BTreeSet, HashMap};

use crate::facts::{Cover, Language, Span};
use crate::link::{Failure, FailureKind, FnRef, Project};

/// The functions whose exceptions come to a handler.
pub(super) struct Escapes(BTreeSet<FnRef>);

impl Escapes {
    /// Regions for which `passes` is true are taken to let errors through.
    pub(super) fn of<'a>(project: &Project<'a>, passes: impl Fn(&Failure<'a>) -> bool) -> Self {
        let mut catches: HashMap<FnRef, Vec<Span>> = HashMap::new();
        for failure in &project.failures {
            if failure.kind == FailureKind::Catch && !passes(failure) {
                catches.entry(failure.at).or_default().push(failure.guarded);
            }
        }
        let catches: HashMap<FnRef, Cover> = catches
            .into_iter()
            .map(|(at, spans)| (at, spans.into_iter().collect()))
            .collect();
        let reach = project.handler_reach().iter().copied();
        let mut open: Vec<FnRef> = reach.filter(|at| project.is_handler(*at)).collect();
        let mut all: BTreeSet<FnRef> = open.iter().copied().collect();
        while let Some(at) = open.pop() {
            let guarded = catches.get(&at);
            for site in project.sites_of(at) {
                if guarded.is_some_and(|guarded| guarded.holds(site.span)) {
                    continue;
                }
                let runs = project.runs_of(site.id).iter().copied();
                open.extend(runs.filter(|run| all.insert(*run)));
            }
        }
        Self(all)
    }

    /// Whether an exception of a function reaches a handler: in TypeScript and Python, where they go up by themselves.
    pub(super) fn reaches_a_handler(&self, project: &Project<'_>, from: FnRef) -> bool {
        match project.language(from.file) {
            Language::TypeScript | Language::Python => {
                self.0.contains(&from) || project.is_handler(from)
            }
            Language::Rust | Language::Go => false,
        }
    }
}
