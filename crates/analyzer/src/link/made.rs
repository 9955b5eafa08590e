//! Which calls made what others are made on: clients, pools, engines.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::budget;
use crate::facts::{CallForm, Expr, ExprKind, Language, Name};
use crate::finding::Surface;
use crate::vocabulary::Role;

use super::{ClassRef, FnRef, Project, Site, SiteId, Value};

/// Makers of one path that are looked at for a call, in its own file and in all.
const MAX_MAKERS: usize = 200;

/// Values of a variable that are looked at.
const MAX_SETS: usize = 4;

/// Fields through which a client is looked for.
const MAX_FIELDS: usize = 3;

/// Makers by what they make, and what is used, by the cluster of files and the path of the maker.
#[derive(Debug, Default)]
pub(super) struct Made {
    makers: HashMap<(u32, Name), Vec<SiteId>>,
    used: HashSet<(u32, Name)>,
    fields: HashMap<Field, Vec<SiteId>>,
}

/// Go and Rust: the field of a struct that a client is put into, where the struct is made. The package is the folder of the struct.
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
                && matches!(
                    project.language(site.at.file),
                    Language::Go | Language::Rust
                )
                && project.surface(site.at.file) != Surface::Tests;
            if is_struct {
                all.put(project, site);
            }
        }
        all
    }

    /// Keeps the clients that a struct is made with.
    fn put(&mut self, project: &Project<'_>, made: &Site<'_>) {
        let class = if project.language(made.at.file) == Language::Rust {
            made.makes.first().and_then(|class| named(project, *class))
        } else {
            let name = project.last_name(made.at, &made.call.callee);
            let package = project.file(made.at.file).map(|file| folder(&file.path));
            package
                .map(Name::from)
                .zip(name.map(|name| Name::from(&*name)))
        };
        let Some((package, class)) = class else {
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
                    package: package.clone(),
                    class: class.clone(),
                    name: name.clone(),
                };
                self.fields.entry(field).or_default().push(client.id);
            }
        }
    }
}

/// The folder and the name of a struct.
fn named(project: &Project<'_>, class: ClassRef) -> Option<(Name, Name)> {
    let package = Name::from(folder(&project.file(class.file)?.path));
    Some((package, project.class(class)?.name.clone()))
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

    /// The clients that the field which a method calls on is made with: `c.http.Do(request)` of Go,
    /// `self.state.http.get(address).send()` of Rust.
    fn kept_in_field(&self, site: &Site<'a>) -> Option<&[SiteId]> {
        if self.made.fields.is_empty() {
            return None;
        }
        let mut on = site.call.receiver()?;
        let is_rust = self.language(site.at.file) == Language::Rust;
        while let Some(call) = on.call().filter(|_| is_rust) {
            on = call.receiver()?;
        }
        let ExprKind::Member(object, name) = &on.kind else {
            return None;
        };
        let class = if is_rust {
            self.class_behind(site.at, object)?
        } else {
            let is_this = matches!(object.kind, ExprKind::This);
            self.class_of(site.at).filter(|_| is_this)?
        };
        let (package, class) = named(self, class)?;
        let name = name.clone();
        let field = Field {
            package,
            class,
            name,
        };
        self.made.fields.get(&field).map(Vec::as_slice)
    }

    /// The class of the receiver, or of a field of it by the types that are written.
    fn class_behind(&self, at: FnRef, object: &'a Expr) -> Option<ClassRef> {
        let mut names = Vec::new();
        let mut object = object;
        while let ExprKind::Member(inner, name) = &object.kind {
            names.push(name);
            object = inner;
        }
        if !matches!(object.kind, ExprKind::This) || names.len() > MAX_FIELDS {
            return None;
        }
        let mut class = self.class_of(at)?;
        for name in names.into_iter().rev() {
            let mut fields = self.class(class)?.fields.iter();
            let ty = fields.find(|field| field.name == *name)?.ty.as_ref()?;
            let types = self.values(FnRef::module(class.file), ty);
            class = types.into_iter().find_map(|value| {
                if let Value::Class(class) = value {
                    Some(class)
                } else {
                    None
                }
            })?;
        }
        Some(class)
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
