//! In which processes handlers of signals are registered together.

use std::collections::{HashMap, HashSet};

use crate::budget::{self, Left};
use crate::link::{FnRef, Hook, Project};

/// The places that serve, by the functions in which handlers are registered that run in their processes.
pub(super) struct Processes {
    entries: HashMap<FnRef, Vec<usize>>,
}

impl Processes {
    pub(super) fn of<'p>(
        project: &Project<'_>,
        hooks: impl IntoIterator<Item = &'p Hook<'p>>,
    ) -> Self {
        let registering: HashSet<FnRef> = hooks.into_iter().map(|hook| hook.at).collect();
        let mut entries: HashMap<FnRef, Vec<usize>> = HashMap::new();
        for (place, entry) in project.entries.iter().enumerate() {
            for at in entry.process.iter().filter(|at| registering.contains(at)) {
                entries.entry(*at).or_default().push(place);
            }
        }
        Self { entries }
    }

    /// The places that serve in whose processes a handler is registered, by their order.
    pub(super) fn with(
        &self,
        project: &Project<'_>,
        hook: &Hook<'_>,
    ) -> impl Iterator<Item = usize> {
        budget::on(hook.at.file);
        let places = self.entries.get(&hook.at).into_iter().flatten().copied();
        let affordable = places.take_while(|_| budget::spend(1) == Left::Some);
        affordable.filter(|place| {
            let entry = project.entries.get(*place);
            entry.is_some_and(|entry| entry.runs(hook.at, hook.span))
        })
    }
}
