//! Which files belong together: those of a package, those of packages that use each other, and those of which a server runs code.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::budget::{self, Left};
use crate::facts::{FileFacts, ImportItem, Language, Manifest, Name};

use super::modules::{Modules, Symbol, folder};
use super::{Entry, Project, Site};

/// What each file belongs to. All of it is looked up: files, packages and servers may be many.
#[derive(Debug, Default)]
pub(super) struct Clusters {
    /// The package of each file.
    package: Vec<u32>,
    /// What each package declares or imports, by name.
    used: Vec<BTreeSet<Name>>,
    /// The cluster of each file.
    cluster: Vec<u32>,
    /// The files of each cluster, in order.
    files: Vec<Vec<u32>>,
    /// The entries in whose processes code of each file runs.
    entries: Vec<Vec<u32>>,
}

/// The programs of some files, to ask which others are of them: each with the place of the first file that is of it.
#[derive(Debug, Default)]
pub struct Programs {
    packages: HashMap<u32, usize>,
    entries: HashMap<u32, usize>,
}

impl Clusters {
    pub(super) fn of(files: &[FileFacts], manifests: &[Manifest], modules: &Modules) -> Self {
        let homes = homes(files, manifests);
        let mut numbers: HashMap<(Language, Option<&str>), u32> = HashMap::new();
        let mut package = Vec::with_capacity(files.len());
        for (file, home) in files.iter().zip(&homes) {
            let next = number(numbers.len());
            package.push(*numbers.entry((file.language, *home)).or_insert(next));
        }
        let mut used = vec![BTreeSet::new(); numbers.len()];
        for (file, package) in files.iter().zip(&package) {
            if let Some(used) = used.get_mut(place(*package)) {
                used.extend(file.imports.iter().map(|import| import.source.clone()));
            }
        }
        let mut declared: HashMap<&str, Vec<&Manifest>> = HashMap::new();
        for manifest in manifests {
            let home = folder(&manifest.path);
            declared.entry(home).or_default().push(manifest);
        }
        for ((_, home), package) in &numbers {
            let Some(used) = used.get_mut(place(*package)) else {
                continue;
            };
            let names = |manifest: &&Manifest| {
                let names = manifest.dependencies.iter().map(|(name, _)| name.clone());
                names.collect::<Vec<_>>()
            };
            match home {
                Some(home) => {
                    let own = declared.get(home).into_iter().flatten();
                    used.extend(own.flat_map(names));
                }
                None => used.extend(manifests.iter().flat_map(|manifest| names(&manifest))),
            }
        }
        let mut joined = Joined::of(numbers.len());
        by_import(files, &package, modules, &mut joined);
        by_dependency(manifests, &numbers, &mut joined);
        let mut all = Self {
            used,
            ..Self::default()
        };
        let mut clusters: HashMap<u32, u32> = HashMap::new();
        for (package, file) in package.iter().zip(0u32..) {
            let next = number(clusters.len());
            let cluster = *clusters.entry(joined.root(*package)).or_insert(next);
            all.cluster.push(cluster);
            all.files.resize(clusters.len(), Vec::new());
            if let Some(files) = all.files.get_mut(place(cluster)) {
                files.push(file);
            }
        }
        all.package = package;
        all.entries = vec![Vec::new(); files.len()];
        all
    }

    /// Takes in which servers run code of which files.
    pub(super) fn serve(&mut self, entries: &[Entry]) {
        self.entries = vec![Vec::new(); self.package.len()];
        for (entry, number) in entries.iter().zip(0u32..) {
            for at in &entry.process {
                if let Some(entries) = self.entries.get_mut(place(at.file))
                    && entries.last() != Some(&number)
                {
                    entries.push(number);
                }
            }
        }
    }

    /// The cluster of a file, by its number.
    pub(super) fn number(&self, file: u32) -> u32 {
        self.cluster.get(place(file)).copied().unwrap_or(u32::MAX)
    }

    fn entries(&self, file: u32) -> &[u32] {
        self.entries.get(place(file)).map_or(&[], Vec::as_slice)
    }
}

impl<'a> Project<'a> {
    /// Whether two files belong to one package: the nearest folder above each that has a manifest of their language.
    /// Files of different languages never do.
    pub fn same_package(&self, one: u32, other: u32) -> bool {
        let package = |file| self.clusters.package.get(place(file));
        one == other || (package(one).is_some() && package(one) == package(other))
    }

    /// Whether two files may run in one process: they belong to one package, or one server runs code of both.
    pub fn same_program(&self, one: u32, other: u32) -> bool {
        if self.same_package(one, other) {
            return true;
        }
        let mut rest = self.clusters.entries(other);
        self.clusters.entries(one).iter().any(|entry| {
            let from = rest.partition_point(|known| known < entry);
            rest = rest.get(from..).unwrap_or_default();
            rest.first() == Some(entry)
        })
    }

    /// The programs that some files may run in.
    pub fn programs_of(&self, files: impl IntoIterator<Item = u32>) -> Programs {
        let mut all = Programs::default();
        for (file, order) in files.into_iter().zip(0..) {
            if let Some(package) = self.clusters.package.get(place(file)) {
                all.packages.entry(*package).or_insert(order);
            }
            for entry in self.clusters.entries(file) {
                all.entries.entry(*entry).or_insert(order);
            }
        }
        all
    }

    /// Whether a file may run in one of these programs: [`Self::same_program`] with any of the files that they are of.
    pub fn is_of(&self, file: u32, programs: &Programs) -> bool {
        self.first_of(file, programs).is_some()
    }

    /// The first of the files that programs are of, by its place among them, which may run in one process with a file.
    pub fn first_of(&self, file: u32, programs: &Programs) -> Option<usize> {
        let package = self.clusters.package.get(place(file));
        let package = package.and_then(|package| programs.packages.get(package));
        let entries = self.clusters.entries(file).iter();
        let entries = entries.filter_map(|entry| programs.entries.get(entry));
        package.into_iter().chain(entries).min().copied()
    }

    /// The package of a file, by a number.
    pub fn package_of(&self, file: u32) -> u32 {
        self.clusters
            .package
            .get(place(file))
            .copied()
            .unwrap_or(u32::MAX)
    }

    /// The cluster of a file, by a number: what a file may have to do with is of the same.
    pub fn cluster_of(&self, file: u32) -> u32 {
        self.clusters.number(file)
    }

    /// The files that may have to do with one: of its language, and of its package or of packages that use each other.
    pub fn cluster(&self, file: u32) -> &[u32] {
        let number = self.clusters.number(file);
        self.clusters
            .files
            .get(place(number))
            .map_or(&[], Vec::as_slice)
    }

    /// The calls of the files that may have to do with one, in order.
    pub fn sites_beside(&self, file: u32) -> impl Iterator<Item = &Site<'a>> {
        budget::on(file);
        let sites = self.cluster(file).iter().map(|file| self.sites_in(*file));
        let left = |sites: &&[Site<'a>]| budget::spend_on_places(sites.len()) == Left::Some;
        sites.take_while(left).flatten()
    }

    /// Whether the package of a file declares or imports a dependency with a name that contains this.
    pub fn uses_in(&self, file: u32, name: &str) -> bool {
        let package = self.clusters.package.get(place(file));
        let used = package.and_then(|package| self.clusters.used.get(place(*package)));
        used.is_some_and(|used| used.iter().any(|one| one.contains(name)))
    }
}

/// The folder of the nearest manifest above each file that is of its language.
fn homes<'f>(files: &'f [FileFacts], manifests: &[Manifest]) -> Vec<Option<&'f str>> {
    let folders: HashSet<(Language, &str)> = manifests
        .iter()
        .map(|manifest| (manifest.language, folder(&manifest.path)))
        .collect();
    let nearest = |file: &'f FileFacts| {
        let mut home = folder(&file.path);
        while !folders.contains(&(file.language, home)) {
            if home.is_empty() {
                return None;
            }
            home = folder(home);
        }
        Some(home)
    };
    files.iter().map(nearest).collect()
}

/// Joins the packages of which one imports another.
fn by_import(files: &[FileFacts], package: &[u32], modules: &Modules, joined: &mut Joined) {
    let of = |file: u32| package.get(place(file)).copied();
    for (file, at) in files.iter().zip(0u32..) {
        let mut meet = |other: Option<u32>| {
            if let (Some(one), Some(other)) = (of(at), other.and_then(of)) {
                joined.join(one, other);
            }
        };
        for import in &file.imports {
            if file.language == Language::TypeScript {
                meet(modules.file(file, &import.source));
                continue;
            }
            let base = modules.canonical(at, file.language, &import.source);
            // Rust's paths begin with a crate.
            let first = base.split('.').next().unwrap_or_default();
            if file.language == Language::Rust {
                meet(modules.symbol(first).and_then(Symbol::file));
            }
            if let ImportItem::Named(name) = &import.item {
                let named = modules.symbol(&format!("{base}.{name}"));
                meet(named.and_then(Symbol::file));
            }
            meet(modules.symbol(&base).and_then(Symbol::file));
        }
    }
}

/// Joins the packages of which one declares that it depends on another.
fn by_dependency(
    manifests: &[Manifest],
    numbers: &HashMap<(Language, Option<&str>), u32>,
    joined: &mut Joined,
) {
    let number = |manifest: &Manifest| {
        let home = folder(&manifest.path);
        numbers.get(&(manifest.language, Some(home))).copied()
    };
    let plain = |name: &str| name.to_lowercase().replace('_', "-");
    let mut named: HashMap<(Language, String), Vec<u32>> = HashMap::new();
    for manifest in manifests.iter().filter(|one| !one.name.is_empty()) {
        let name = (manifest.language, plain(&manifest.name));
        named.entry(name).or_default().extend(number(manifest));
    }
    for manifest in manifests {
        let Some(own) = number(manifest) else {
            continue;
        };
        for (name, _) in &manifest.dependencies {
            let others = named.get(&(manifest.language, plain(name)));
            for other in others.into_iter().flatten() {
                joined.join(own, *other);
            }
        }
    }
}

/// Numbers that were joined, and what else was joined with them.
struct Joined(Vec<u32>);

impl Joined {
    fn of(count: usize) -> Self {
        Self((0..number(count)).collect())
    }

    fn root(&mut self, of: u32) -> u32 {
        let mut at = of;
        while let Some(above) = self.0.get(place(at)).copied().filter(|above| *above != at) {
            // Each is put below the one above the one above it, so that the ways stay short.
            let next = self.0.get(place(above)).copied().unwrap_or(above);
            if let Some(own) = self.0.get_mut(place(at)) {
                *own = next;
            }
            at = above;
        }
        at
    }

    fn join(&mut self, one: u32, other: u32) {
        let (one, other) = (self.root(one), self.root(other));
        if let Some(above) = self.0.get_mut(place(one.max(other))) {
            *above = one.min(other);
        }
    }
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn place(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
