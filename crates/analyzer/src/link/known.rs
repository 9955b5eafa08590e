//! How far a project was followed: which code is known to run, and where code that is not there may do what nobody else does.

use std::collections::BTreeSet;

use crate::budget;
use crate::facts::{FnId, Language};

use super::guesses::is_unknown;
use super::{Fate, FnRef, Project, Site};

/// What is known once for all rules.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Functions that calls lead to, none of which only has the name of a method.
    led_to: BTreeSet<FnRef>,
    /// Clusters of files where a stop closes something of which nothing is known.
    closing_unread: BTreeSet<u32>,
}

impl Known {
    fn of(project: &Project<'_>) -> Self {
        let closing = project.closing.iter().filter_map(|id| project.site(*id));
        let unread = closing.filter(|site| is_unread(site));
        Self {
            led_to: project.graph.led_to(&starts(project)),
            closing_unread: unread
                .map(|site| project.clusters.number(site.at.file))
                .collect(),
        }
    }
}

impl<'a> Project<'a> {
    fn known(&self) -> &Known {
        self.known.get_or_init(|| budget::apart(|| Known::of(self)))
    }

    /// Whether calls lead to a function from where a process, a call of a tool or a stop begins. A call on something of
    /// which nothing is known leads nowhere, whatever its name.
    pub fn is_led_to(&self, at: FnRef) -> bool {
        self.known().led_to.contains(&at)
    }

    /// Whether a stop closes something of which nothing is known, in the programs of a file.
    pub fn closes_unread(&self, file: u32) -> bool {
        let closing = &self.known().closing_unread;
        closing.contains(&self.clusters.number(file))
    }

    /// Whether any of some functions waits for a call that is not there to be read, other than one that closes.
    pub fn waits_unread(&self, reach: &BTreeSet<FnRef>) -> bool {
        let mut sites = reach.iter().flat_map(|at| self.sites_of(*at));
        sites.any(|site| {
            let waits = site.fate == Fate::Awaited || self.language(site.at.file) == Language::Go;
            let is_unread = is_unread(site) || self.is_of_dependency(site);
            waits && is_unread && self.runs_of(site.id).is_empty() && !Project::is_closing(site)
        })
    }
}

/// Whether nothing is known of what a call is made on.
fn is_unread(site: &Site<'_>) -> bool {
    site.role.is_none() && site.targets.is_empty() && site.paths.iter().all(|path| is_unknown(path))
}

/// Where something begins: files, `main`, what manifests name, answers to requests, and what a signal or an end runs.
fn starts(project: &Project<'_>) -> Vec<FnRef> {
    let named: BTreeSet<&str> = project
        .manifests
        .iter()
        .flat_map(|manifest| &manifest.entries)
        .filter_map(|entry| Some(entry.rsplit_once(':')?.1))
        .collect();
    let starts = project.functions().filter(|(at, function)| {
        let is_start =
            matches!(&*function.name, "main" | "init") || named.contains(&*function.name);
        let is_outer = function.parent == Some(FnId::MODULE) && function.class.is_none();
        at.id == FnId::MODULE || (is_start && is_outer)
    });
    let mut all: Vec<FnRef> = starts.map(|(at, _)| at).collect();
    all.extend(project.handlers.iter().map(|handler| handler.function));
    all.extend(&project.dispatchers);
    all.extend(project.hooks.iter().flat_map(|hook| &hook.functions));
    all
}
