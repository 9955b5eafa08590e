//! Whether what a function throws comes to a handler without being caught on the way.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};

use crate::facts::{Cover, Language, Span};
use crate::link::{Failure, FailureKind, FnRef, Project, SiteId};

/// Functions that are looked at on the way up.
const MAX_FUNCTIONS: usize = 64;

/// Who may run each function.
pub(super) struct Escapes<'p, 'a> {
    project: &'p Project<'a>,
    callers: HashMap<FnRef, Vec<SiteId>>,
    catches: HashMap<FnRef, Cover>,
    /// Functions of which it is known whether what they throw reaches a handler.
    known: RefCell<HashMap<FnRef, bool>>,
}

impl<'p, 'a> Escapes<'p, 'a> {
    /// Regions for which `passes` is true are taken to let errors through.
    pub(super) fn of(project: &'p Project<'a>, passes: impl Fn(&Failure<'a>) -> bool) -> Self {
        let reach = project.handler_reach();
        let mut callers: HashMap<FnRef, Vec<SiteId>> = HashMap::new();
        for site in project.sites().filter(|site| reach.contains(&site.at)) {
            for function in project.runs_of(site.id) {
                callers.entry(*function).or_default().push(site.id);
            }
        }
        let mut catches: HashMap<FnRef, Vec<Span>> = HashMap::new();
        for failure in &project.failures {
            if failure.kind == FailureKind::Catch && !passes(failure) {
                catches.entry(failure.at).or_default().push(failure.guarded);
            }
        }
        Self {
            project,
            callers,
            catches: catches
                .into_iter()
                .map(|(at, spans)| (at, spans.into_iter().collect()))
                .collect(),
            known: RefCell::default(),
        }
    }

    /// Whether an exception of a function reaches a handler: in TypeScript and Python, where they go up by themselves.
    pub(super) fn reaches_a_handler(&self, from: FnRef) -> bool {
        match self.project.language(from.file) {
            Language::TypeScript | Language::Python => {}
            Language::Rust | Language::Go => return false,
        }
        if let Some(known) = self.known.borrow().get(&from) {
            return *known;
        }
        let found = self.leads_up(from);
        self.known.borrow_mut().insert(from, found);
        found
    }

    fn leads_up(&self, from: FnRef) -> bool {
        let mut seen = BTreeSet::from([from]);
        let mut open = vec![from];
        while let Some(at) = open.pop() {
            if self.project.is_handler(at) {
                return true;
            }
            for id in self.callers.get(&at).into_iter().flatten() {
                let Some(site) = self.project.site(*id) else {
                    continue;
                };
                let guarded = self.catches.get(&site.at);
                let is_caught = guarded.is_some_and(|guarded| guarded.holds(site.span));
                if !is_caught && seen.len() < MAX_FUNCTIONS && seen.insert(site.at) {
                    open.push(site.at);
                }
            }
        }
        false
    }
}
