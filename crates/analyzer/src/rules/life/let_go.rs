//! What no longer keeps the process alive: timers and listeners that are cleared, closed or taken out of the count.

use std::collections::{BTreeSet, HashSet};

use crate::facts::Expr;
use crate::link::{Closers, Fate, FnRef, Project, Site, SiteId};

/// What is let go, and where that can't be told of one thing alone.
#[derive(Debug, Default)]
pub(super) struct LetGo {
    /// The calls whose values are.
    values: HashSet<SiteId>,
    /// Files where something that is not known is: it may be any of theirs.
    files: HashSet<u32>,
    /// Functions where something that is not known is taken out of the count.
    functions: HashSet<FnRef>,
    /// What closes without having to be asked by a signal.
    closers: Closers,
}

/// As what something was let go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Taken {
    /// As what it is known to be.
    AsItself,
    /// As any that it may be.
    AsAny,
}

impl LetGo {
    pub(super) fn of(project: &Project<'_>) -> Self {
        // A stop that only a signal runs is none at the end of stdin.
        let only_at_stop = |site: &Site<'_>| project.stopping().contains(&site.at);
        let closing = project.sites().filter(|site| Project::is_closing(site));
        let closing = closing.filter(|site| site.name() != "unref" && !only_at_stop(site));
        let mut all = Self {
            closers: Closers::of(project, closing),
            ..Self::default()
        };
        for site in project.sites() {
            if site.name() == "clearInterval" && !only_at_stop(site) {
                all.take(project, site, site.call.arg(0));
            } else if site.name() == "unref" {
                let taken = all.take(project, site, site.call.receiver());
                let of_any = (taken == Taken::AsAny).then_some(site.at);
                all.functions.extend(of_any);
            }
        }
        all
    }

    fn take<'a>(
        &mut self,
        project: &Project<'a>,
        site: &Site<'a>,
        value: Option<&'a Expr>,
    ) -> Taken {
        if let Some(origins) = value.and_then(|value| project.origins(site.at, value)) {
            self.values.extend(origins);
            Taken::AsItself
        } else {
            self.files.insert(site.at.file);
            Taken::AsAny
        }
    }

    /// Whether a timer is let go: `setInterval(…).unref()`, or cleared anywhere. One that nobody holds cannot be cleared.
    pub(super) fn holds_timer(&self, project: &Project<'_>, timer: &Site<'_>) -> bool {
        if timer.fate == Fate::Dropped {
            return false;
        }
        // One that is given back is cleared where it is asked for.
        let callers = project.callers(timer.at).iter();
        let askers = callers
            .filter_map(|id| project.site(*id))
            .filter(|_| timer.fate == Fate::Returned)
            .map(|site| site.at.file);
        let mut files: BTreeSet<u32> = askers.collect();
        files.insert(timer.at.file);
        self.values.contains(&timer.id) || files.iter().any(|file| self.files.contains(file))
    }

    /// Whether a listener is let go, or closed by something that is not run by a signal alone.
    pub(super) fn holds_listener(&self, project: &Project<'_>, listener: &Site<'_>) -> bool {
        let mut closing = self.closers.closing(project, listener).into_iter();
        self.values.contains(&listener.id)
            || self.functions.contains(&listener.at)
            || closing.any(|id| {
                let site = project.site(id);
                site.is_some_and(|site| site.at.file == listener.at.file)
            })
    }
}
