//! Calls that close something, found by what they close.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::facts::{ExprKind, Name};
use crate::finding::Surface;
use crate::vocabulary::words;

use super::{Hook, Project, Site, SiteId};

/// Closing calls by what they are made on, of each cluster of files.
#[derive(Debug, Default)]
pub struct Closers {
    /// By the call that made it, where that is known.
    from: HashMap<SiteId, Vec<SiteId>>,
    /// By the path of the call that made it.
    made: HashMap<(u32, Name), Vec<SiteId>>,
    /// Of Go's commands.
    commands: HashMap<u32, Vec<SiteId>>,
    /// By the name of what is closed, where nothing more is known of it.
    named: HashMap<u32, BTreeMap<Called, Vec<SiteId>>>,
}

/// What something that is closed is called.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Called {
    /// In small letters.
    name: String,
    of: Number,
}

/// Whether a name is of one connection, which is no pool of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Number {
    One,
    Any,
}

impl Called {
    fn by(name: &str) -> Self {
        let of_one = words::words(name)
            .iter()
            .any(|word| matches!(word.as_str(), "conn" | "connection" | "cursor" | "session"));
        Self {
            name: name.to_lowercase(),
            of: if of_one { Number::One } else { Number::Any },
        }
    }

    /// Whether it may be what is held under a name, in small letters.
    fn fits(&self, holder: &str) -> bool {
        if self.of == Number::One && holder.contains("pool") && !self.name.contains("pool") {
            return false;
        }
        // One letter stands for a word that it begins, and not for every word that it is in.
        let in_holder = if self.name.len() < 2 {
            holder.starts_with(self.name.as_str())
        } else {
            holder.contains(self.name.as_str())
        };
        self.name.contains(holder) || in_holder
    }
}

impl Closers {
    /// Finds closing calls by what they close.
    pub fn of<'s, 'a: 's>(
        project: &Project<'a>,
        closing: impl IntoIterator<Item = &'s Site<'a>>,
    ) -> Self {
        let mut all = Self::default();
        for site in closing {
            let cluster = project.cluster_of(site.at.file);
            if let Some(origins) = closes_only(project, site) {
                for origin in origins {
                    all.from.entry(origin).or_default().push(site.id);
                }
                continue;
            }
            all.add(cluster, site.id, &site.paths);
            if site.paths.iter().any(|path| is_command(path)) {
                all.commands.entry(cluster).or_default().push(site.id);
            }
            if is_unknown(site) {
                all.name(cluster, site.id, names(project, site));
            }
        }
        all
    }

    /// With what is handed over to be called: `atexit.register(pool.close)` closes by the registration.
    pub fn with_handed<'s, 'a: 's>(
        mut self,
        project: &Project<'a>,
        hooks: impl IntoIterator<Item = &'s Hook<'a>>,
    ) -> Self {
        for hook in hooks {
            let Some(id) = hook.site else { continue };
            let Some(given) = hook.given() else { continue };
            let ExprKind::Member(object, name) = &given.kind else {
                continue;
            };
            if !Project::closes(name) {
                continue;
            }
            let cluster = project.cluster_of(hook.at.file);
            let paths = project.paths(hook.at, given);
            self.add(cluster, id, &paths);
            if !is_known(&paths) {
                self.name(cluster, id, project.last_name(hook.at, object));
            }
        }
        self
    }

    /// What was got from the opened value, a connection of a pool, is another thing.
    fn add(&mut self, cluster: u32, closing: SiteId, paths: &[Name]) {
        for made in paths.iter().filter_map(|path| path.rsplit_once("()")) {
            let made = self.made.entry((cluster, Name::from(made.0))).or_default();
            made.push(closing);
        }
    }

    fn name(&mut self, cluster: u32, closing: SiteId, names: impl IntoIterator<Item = String>) {
        let named = self.named.entry(cluster).or_default();
        for name in names {
            named.entry(Called::by(&name)).or_default().push(closing);
        }
    }

    /// The calls that may close what a call opened, in order.
    pub fn closing(&self, project: &Project<'_>, opened: &Site<'_>) -> BTreeSet<SiteId> {
        let cluster = project.cluster_of(opened.at.file);
        let mut all = BTreeSet::new();
        all.extend(self.from.get(&opened.id).into_iter().flatten());
        for path in &opened.paths {
            let made = self.made.get(&(cluster, path.clone()));
            all.extend(made.into_iter().flatten());
        }
        // Go's `cmd.Start()` gives nothing: the command itself is the handle.
        if opened.paths.iter().any(|path| is_command(path)) {
            all.extend(self.commands.get(&cluster).into_iter().flatten());
        }
        if let Some(named) = self.named.get(&cluster) {
            for holder in project.holders(opened) {
                let holder = holder.to_lowercase();
                let fitting = named.iter().filter(|(called, _)| called.fits(&holder));
                all.extend(fitting.flat_map(|(_, sites)| sites));
            }
        }
        all.retain(|id| {
            let site = project.site(*id);
            site.is_some_and(|site| !is_apart(project, site, opened))
        });
        all
    }

    /// Whether any of them may.
    pub fn close(&self, project: &Project<'_>, opened: &Site<'_>) -> bool {
        !self.closing(project, opened).is_empty()
    }
}

/// The calls whose values alone a call closes, where it is known that it closes no other.
fn closes_only<'a>(project: &Project<'a>, site: &Site<'a>) -> Option<BTreeSet<SiteId>> {
    let mut made = site.paths.iter().filter_map(|path| path.rsplit_once("()"));
    // Of Go's commands the handle is the command, and what started it another call.
    let (made, _) = made.next().filter(|(made, _)| !is_command(made))?;
    let origins = project.origins(site.at, site.call.receiver()?)?;
    let gives = |id: &SiteId| {
        let origin = project.site(*id);
        origin.is_some_and(|origin| origin.paths.iter().any(|path| **path == *made))
    };
    origins.iter().any(gives).then_some(origins)
}

/// What a test or an example closes is its own, and nothing of the running code.
fn is_apart(project: &Project<'_>, site: &Site<'_>, opened: &Site<'_>) -> bool {
    let runs = |site: &Site<'_>| project.surface(site.at.file) == Surface::Runtime;
    runs(opened) && !runs(site)
}

fn is_command(path: &str) -> bool {
    path.starts_with("os/exec.")
}

/// A receiver that is not known, an item of a collection, or what another thread made closes whatever fits its name.
fn is_unknown(site: &Site<'_>) -> bool {
    !is_known(&site.paths) && site.targets.is_empty()
}

/// Whether the paths of a value say what it is.
fn is_known(paths: &[Name]) -> bool {
    let unknown = |path: &Name| {
        path.starts_with('?')
            || path.starts_with("Promise()")
            || path.starts_with("dataclasses.field()")
            || path.contains("to_thread()")
            || path.contains("run_in_executor()")
    };
    !paths.is_empty() && !paths.iter().any(unknown)
}

/// The names of what a closing call is made on or given.
fn names(project: &Project<'_>, site: &Site<'_>) -> Vec<String> {
    let mut names: Vec<String> = project.receiver_name(site).into_iter().collect();
    for arg in &site.call.args {
        names.extend(project.last_name(site.at, &arg.value));
    }
    names
}

impl<'a> Project<'a> {
    /// Whether something that a call opened is closed at a stop: by a closing call on the same value.
    pub fn closed_at_stop(&self, opened: &Site<'a>) -> bool {
        self.closers.close(self, opened)
    }

    /// Whether a closing call may be on the value that another call gave.
    pub fn may_close(&self, site: &Site<'a>, opened: &Site<'a>) -> bool {
        if is_apart(self, site, opened) {
            return false;
        }
        let commands = |site: &Site<'_>| site.paths.iter().any(|path| is_command(path));
        if commands(site) && commands(opened) {
            return true;
        }
        let mut made = site.paths.iter().filter_map(|path| path.rsplit_once("()"));
        if made.any(|(made, _)| opened.paths.iter().any(|path| **path == *made)) {
            return closes_only(self, site).is_none_or(|origins| origins.contains(&opened.id));
        }
        is_unknown(site) && {
            let names: Vec<Called> = names(self, site)
                .iter()
                .map(|name| Called::by(name))
                .collect();
            let holders = self.holders(opened);
            let holds = |name: &Called| {
                let mut holders = holders.iter();
                holders.any(|holder| name.fits(&holder.to_lowercase()))
            };
            names.iter().any(holds)
        }
    }
}
