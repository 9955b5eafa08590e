//! Which calls made what others are made on: clients, pools, engines.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::budget;
use crate::facts::Name;
use crate::vocabulary::Role;

use super::{Project, Site, SiteId};

/// Makers of one path that are looked at for a call, in its own file and in all.
const MAX_MAKERS: usize = 200;

/// Makers by what they make, and what is used, by the cluster of files and the path of the maker.
#[derive(Debug, Default)]
pub(super) struct Made {
    makers: HashMap<(u32, Name), Vec<SiteId>>,
    used: HashSet<(u32, Name)>,
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
        }
        all
    }
}

impl<'a> Project<'a> {
    /// The calls of clients and pools that may have made what a call is made on, in order.
    pub fn made_by(&self, site: &Site<'a>) -> Vec<&Site<'a>> {
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
