//! By which calls a shutdown reaches what it does.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::facts::{ExprKind, walk};
use crate::link::{FnRef, Project, Site};
use crate::vocabulary::words;

/// Calls that are followed up.
const MAX_CALLS: usize = 16;

/// Statements of a function that only ends the process, with a word to the log.
const MAX_STATEMENTS: usize = 3;

/// By which calls the functions of a shutdown are reached.
pub(super) struct Ways<'p, 'a> {
    by: BTreeMap<FnRef, &'p Site<'a>>,
    file: Option<u32>,
}

impl<'p, 'a> Ways<'p, 'a> {
    pub(super) fn of(project: &'p Project<'a>, roots: &[FnRef]) -> Self {
        let mut by = BTreeMap::new();
        let mut open: VecDeque<FnRef> = roots.iter().copied().collect();
        let mut seen: BTreeSet<FnRef> = roots.iter().copied().collect();
        while let Some(at) = open.pop_front() {
            for site in project.sites_of(at) {
                for to in project.runs_of(site.id) {
                    if seen.insert(*to) {
                        by.insert(*to, site);
                        open.push_back(*to);
                    }
                }
            }
        }
        let file = roots.first().map(|root| root.file);
        Self { by, file }
    }

    /// Where the file that shuts down waits: the limit belongs there, not into what closes one thing.
    pub(super) fn outer<'s>(&'s self, site: &'s Site<'a>) -> &'s Site<'a> {
        let mut at = site;
        for _ in 0..MAX_CALLS {
            if Some(at.at.file) == self.file {
                return at;
            }
            let Some(above) = self.by.get(&at.at) else {
                break;
            };
            at = above;
        }
        if Some(at.at.file) == self.file {
            at
        } else {
            site
        }
    }

    /// Where a function that is named so and only ends the process is called: who calls it decides when.
    pub(super) fn decided<'s>(&'s self, project: &Project<'a>, exit: &'s Site<'a>) -> &'s Site<'a> {
        let only_ends = project.function(exit.at).is_some_and(|function| {
            let mut waits = false;
            walk::exprs(&function.body, &mut |expr| {
                waits |= matches!(expr.kind, ExprKind::Await(_));
            });
            let says = words::words(&function.name)
                .iter()
                .any(|word| matches!(word.as_str(), "exit" | "quit" | "die" | "abort"));
            !waits && says && function.body.len() <= MAX_STATEMENTS
        });
        let above = self.by.get(&exit.at).filter(|_| only_ends);
        above
            .filter(|above| above.at.file == exit.at.file)
            .copied()
            .unwrap_or(exit)
    }
}
