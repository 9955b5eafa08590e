//! Which calls made what others are made on: clients, pools, engines.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::budget;
use crate::facts::{CallForm, ExprKind, Language, Name};
use crate::finding::Surface;
use crate::vocabulary::Role;

use super::{Project, Site, SiteId};

/// Makers of one path that are looked at for a call, in its own file and in all.
const MAX_MAKERS: usize = 200;

/// Values of a variable that are looked at.
const MAX_SETS: usize = 4;

/// Makers by what they make, and what is used, by the cluster of files and the path of the maker.
#[derive(Debug, Default)]
pub(super) struct Made {
    makers: HashMap<(u32, Name), Vec<SiteId>>,
    used: HashSet<(u32, Name)>,
    fields: HashMap<Field, Vec<SiteId>>,
}

/// Go: the field of a struct of a package that a client is put into, where the struct is made.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Field {
    package: Name,
    class: Name,
    name: Name,
}

impl Made {
    pub(super) fn of(project: &Project<'_>) -> Self {
        let mut all = Self::default();
        for site in project.sites() {
            let cluster = project.clusters.number(site.at.file);
            if matches!(site.role, Some(Role::Client(..) | Role::Open(_))) {
                for path in &site.paths {
                    let makers = all.makers.entry((cluster, path.clone())).or_default();
                    makers.push(site.id);
                }
            }
            if matches!(site.role, Some(Role::Outbound(..))) {
                let paths = site.paths.iter().flat_map(|path| makers(path));
                all.used
                    .extend(paths.map(|path| (cluster, Name::from(path))));
            }
            let is_struct = site.call.form == CallForm::Literal
                && project.language(site.at.file) == Language::Go
                && project.surface(site.at.file) != Surface::Tests;
            if is_struct {
                all.put(project, site);
            }
        }
        all
    }

    /// Keeps the clients that a struct is made with.
    fn put(&mut self, project: &Project<'_>, made: &Site<'_>) {
        let Some(class) = project.last_name(made.at, &made.call.callee) else {
            return;
        };
        let Some(package) = project.file(made.at.file).map(|file| folder(&file.path)) else {
            return;
        };
        for arg in &made.call.args {
            let Some(name) = &arg.name else { continue };
            let client = if let ExprKind::Var(id) = arg.value.kind {
                let set = project.assigned(made.at.variable(id));
                let mut set = set.take(MAX_SETS).filter(|(at, _)| *at == made.at);
                set.find_map(|(at, value)| project.site_at(at, value))
            } else {
                project.site_at(made.at, &arg.value)
            };
            let is_client = |site: &&Site<'_>| matches!(site.role, Some(Role::Client(..)));
            if let Some(client) = client.filter(is_client) {
                let field = Field {
                    package: Name::from(package),
                    class: Name::from(&*class),
                    name: name.clone(),
                };
                self.fields.entry(field).or_default().push(client.id);
            }
        }
    }
}

fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

impl<'a> Project<'a> {
    /// The calls of clients and pools that may have made what a call is made on, in order.
    pub fn made_by(&self, site: &Site<'a>) -> Vec<&Site<'a>> {
        if let Some(kept) = self.kept_in_field(site) {
            let kept = kept.iter().take(MAX_MAKERS);
            return kept.filter_map(|id| self.site(*id)).collect();
        }
        let cluster = self.clusters.number(site.at.file);
        let mut found: BTreeSet<SiteId> = BTreeSet::new();
        for path in site.paths.iter().flat_map(|path| makers(path)) {
            let all = self.made.makers.get(&(cluster, Name::from(path)));
            let all = all.map_or(&[][..], Vec::as_slice);
            let in_file = |file: u32| {
                let before = |id: &SiteId| self.site(*id).is_some_and(|one| one.at.file < file);
                all.partition_point(before)
            };
            let own = all.get(in_file(site.at.file)..in_file(site.at.file.saturating_add(1)));
            let own = own.unwrap_or_default().iter().take(MAX_MAKERS);
            found.extend(own.chain(all.iter().take(MAX_MAKERS)));
        }
        budget::spend_on_places(found.len());
        found.into_iter().filter_map(|id| self.site(id)).collect()
    }

    /// Go: the clients that the field which a method calls on is made with: `c.http.Do(request)`.
    fn kept_in_field(&self, site: &Site<'a>) -> Option<&[SiteId]> {
        let ExprKind::Member(object, name) = &site.call.receiver()?.kind else {
            return None;
        };
        if self.made.fields.is_empty() || !matches!(object.kind, ExprKind::This) {
            return None;
        }
        let class = self.class(self.class_of(site.at)?)?;
        let field = Field {
            package: Name::from(folder(&self.file(site.at.file)?.path)),
            class: class.name.clone(),
            name: name.clone(),
        };
        self.made.fields.get(&field).map(Vec::as_slice)
    }

    /// Whether any call that waits for a remote end is made on what a call gives.
    pub fn is_waited_on(&self, maker: &Site<'a>) -> bool {
        let cluster = self.clusters.number(maker.at.file);
        let mut paths = maker.paths.iter();
        paths.any(|path| self.made.used.contains(&(cluster, path.clone())))
    }
}

/// The paths of the calls that a path goes through: `a` and `a().b` of `a().b().c`.
pub(super) fn makers(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices("()")
        .filter_map(|(at, _)| path.get(..at))
}
