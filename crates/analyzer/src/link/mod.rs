//! The files of a package as one program: who calls what, from where the process starts, and how it ends.
//!
//! [`Project::of`] resolves callees through imports, aliases, defaults, fields and results, gives each call its [`Role`],
//! and derives servers, handlers, registrations and failure regions. Everything is bounded: resolution by depth and by the number of values.

mod adapters;
mod bindings;
mod branches;
mod by_hand;
mod closers;
mod clusters;
mod decorated;
mod defaults;
mod described;
mod failure;
mod gates;
mod graph;
mod guesses;
mod kept;
mod known;
mod listed;
mod made;
mod modules;
mod origins;
mod own_starts;
mod packages;
mod places;
mod promises;
mod python;
mod registrars;
mod resolve;
mod responders;
mod server;
mod shapes;
mod shutdown;
mod sites;
mod stop;
mod transports;
mod unread;

use std::collections::HashMap;

use crate::budget::{self, Left};
use crate::facts::{
    Class, ClassId, Expr, FileFacts, FnId, Function, Language, Manifest, Name, Span, VarId,
    Variable,
};
use crate::finding::Surface;
use crate::hints::Hints;

pub use closers::Closers;
pub use clusters::Programs;
pub use failure::{Failure, FailureKind};
pub use gates::{Answer, Passes};
pub use promises::Settling;
pub use resolve::Value;
pub use responders::Responder;
pub use server::{Entry, Guard, MAX_FOLLOWED};
pub use shutdown::{Form, Hook, Trigger};
pub(crate) use sites::callee_name as callee;
pub(crate) use sites::callee_name;
pub use sites::{Fate, Site, SiteId};

/// A function of the project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FnRef {
    /// Place of the file in [`Project::files`].
    pub file: u32,
    /// The function in it.
    pub id: FnId,
}

impl FnRef {
    /// The body of a file.
    pub fn module(file: u32) -> Self {
        Self {
            file,
            id: FnId::MODULE,
        }
    }

    /// Another function of the same file.
    pub fn beside(self, id: FnId) -> Self {
        Self { id, ..self }
    }

    /// A variable of the same file.
    pub fn variable(self, id: VarId) -> VarRef {
        VarRef {
            file: self.file,
            id,
        }
    }
}

/// A class of the project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClassRef {
    /// Place of the file in [`Project::files`].
    pub file: u32,
    /// The class in it.
    pub id: ClassId,
}

impl ClassRef {
    /// A function of the same file.
    pub fn function(self, id: FnId) -> FnRef {
        FnRef {
            file: self.file,
            id,
        }
    }
}

/// A variable of the project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VarRef {
    /// Place of the file in [`Project::files`].
    pub file: u32,
    /// The variable in it.
    pub id: VarId,
}

impl VarRef {
    /// A function of the same file.
    pub fn function(self, id: FnId) -> FnRef {
        FnRef {
            file: self.file,
            id,
        }
    }
}

/// The files of one package, joined.
#[derive(Debug)]
pub struct Project<'a> {
    /// Its files in the order of their paths; unread ones as well.
    pub files: &'a [FileFacts],
    /// What it says of itself.
    pub manifests: &'a [Manifest],
    /// What its user says of it.
    pub hints: Hints,
    /// What the process starts with and what serves.
    pub entries: Vec<Entry>,
    /// Functions that answer requests.
    pub handlers: Vec<Responder>,
    /// Files with places that serve past those whose processes are followed.
    pub crowded: std::collections::BTreeSet<u32>,
    /// Functions that run when something ends.
    pub hooks: Vec<Hook<'a>>,
    /// Regions that run when something failed.
    pub failures: Vec<Failure<'a>>,
    sites: Vec<Site<'a>>,
    modules: modules::Modules,
    bindings: bindings::Bindings<'a>,
    /// Where the calls of each file begin, and behind them the end of the last.
    sites_from: Vec<usize>,
    sites_of: HashMap<FnRef, Vec<SiteId>>,
    /// The call directly around each, in its function.
    sites_outside: Vec<Option<SiteId>>,
    /// All calls by their functions and places, outer ones first.
    sites_placed: Vec<SiteId>,
    site_index: HashMap<(FnRef, Span), SiteId>,
    /// All functions by their files and places, outer ones first.
    functions_placed: Vec<FnRef>,
    defaults: std::sync::OnceLock<defaults::Defaults>,
    clusters: clusters::Clusters,
    /// The calls that close something at a stop.
    closing: Vec<SiteId>,
    closers: Closers,
    made: made::Made,
    handed: std::sync::OnceLock<unread::Handed>,
    known: std::sync::OnceLock<known::Known>,
    /// Functions whose answer callers refuse by.
    gates: std::sync::OnceLock<HashMap<FnRef, Passes>>,
    /// Calls that are named after the end of a process, by the cluster of files.
    ending: std::sync::OnceLock<HashMap<u32, Vec<SiteId>>>,
    /// Calls of variables that were given more functions than are followed, by the cluster of files.
    cut: std::sync::OnceLock<HashMap<u32, Vec<SiteId>>>,
    twins: resolve::Twins,
    graph: graph::Graph,
    /// Functions that take requests by the name of their method.
    dispatchers: std::collections::BTreeSet<FnRef>,
    stop: stop::Stop,
    answering: std::collections::BTreeSet<FnRef>,
    timers: std::collections::BTreeSet<FnRef>,
    surfaces: Vec<Surface>,
}

impl<'a> Project<'a> {
    /// Joins files.
    pub fn of(files: &'a [FileFacts], manifests: &'a [Manifest]) -> Self {
        Self::told(files, manifests, Hints::default())
    }

    /// Joins files of which the user knows more.
    pub fn told(files: &'a [FileFacts], manifests: &'a [Manifest], hints: Hints) -> Self {
        let (modules, (bindings, sites)) = rayon::join(
            || modules::Modules::of(files, manifests),
            || rayon::join(|| bindings::Bindings::of(files), || sites::collect(files)),
        );
        let clusters = clusters::Clusters::of(files, manifests, &modules);
        let twins = resolve::twins(files, &clusters);
        let sites_placed = sites::placed(&sites);
        let mut project = Self {
            files,
            manifests,
            hints,
            sites_from: sites::by_file(files.len(), &sites),
            sites_of: sites::by_function(&sites),
            sites_outside: sites::outside(&sites, &sites_placed),
            sites_placed,
            functions_placed: places::placed(files),
            site_index: sites
                .iter()
                .map(|site| ((site.at, site.span), site.id))
                .collect(),
            sites,
            entries: Vec::new(),
            crowded: std::collections::BTreeSet::new(),
            handlers: Vec::new(),
            hooks: Vec::new(),
            failures: Vec::new(),
            modules,
            bindings,
            closing: Vec::new(),
            closers: Closers::default(),
            made: made::Made::default(),
            handed: std::sync::OnceLock::new(),
            known: std::sync::OnceLock::new(),
            gates: std::sync::OnceLock::new(),
            ending: std::sync::OnceLock::new(),
            cut: std::sync::OnceLock::new(),
            defaults: std::sync::OnceLock::new(),
            clusters,
            twins,
            graph: graph::Graph::default(),
            dispatchers: std::collections::BTreeSet::new(),
            stop: stop::Stop::default(),
            answering: std::collections::BTreeSet::new(),
            timers: std::collections::BTreeSet::new(),
            surfaces: files
                .iter()
                .map(|file| crate::surface::of(&file.path))
                .collect(),
        };
        // Parameters get their values from call sites, so the second round knows callers that the first one found.
        for _ in 0..2 {
            sites::resolve(&mut project);
            project.graph = graph::Graph::of(&project);
        }
        project.dispatchers = by_hand::dispatchers(&project);
        let ((entries, handlers), (hooks, (failures, timers))) = rayon::join(
            || {
                rayon::join(
                    || server::entries(&project),
                    || responders::handlers(&project),
                )
            },
            || {
                rayon::join(
                    || shutdown::hooks(&project),
                    || rayon::join(|| failure::failures(&project), || stop::timers(&project)),
                )
            },
        );
        (project.entries, project.crowded) = entries;
        project.handlers = handlers;
        project.hooks = hooks;
        project.failures = failures;
        project.timers = timers;
        project.answering = responders::answering(&project);
        server::keep_told(&mut project);
        project.clusters.serve(&project.entries);
        project.stop = stop::Stop::of(&project);
        project.closing = stop::closing(&project);
        let closing = project.closing.iter().filter_map(|id| project.site(*id));
        project.closers =
            Closers::of(&project, closing).with_handed(&project, project.handed_at_stop());
        project.made = made::Made::of(&project);
        project
    }

    /// A file by its place.
    pub fn file(&self, file: u32) -> Option<&'a FileFacts> {
        self.files.get(usize::try_from(file).ok()?)
    }

    /// A function.
    pub fn function(&self, at: FnRef) -> Option<&'a Function> {
        budget::on(at.file);
        self.file(at.file)?
            .functions
            .get(usize::try_from(at.id.0).ok()?)
    }

    /// A class.
    pub fn class(&self, at: ClassRef) -> Option<&'a Class> {
        self.file(at.file)?
            .classes
            .get(usize::try_from(at.id.0).ok()?)
    }

    /// A variable.
    pub fn variable(&self, at: VarRef) -> Option<&'a Variable> {
        self.file(at.file)?
            .variables
            .get(usize::try_from(at.id.0).ok()?)
    }

    /// Every function, with its place.
    pub fn functions(&self) -> impl Iterator<Item = (FnRef, &'a Function)> + use<'a> {
        self.files.iter().zip(0u32..).flat_map(|(file, at)| {
            file.functions
                .iter()
                .zip(0u32..)
                .take_while(move |_| {
                    budget::on(at);
                    budget::spend(1) == Left::Some
                })
                .map(move |(function, id)| {
                    (
                        FnRef {
                            file: at,
                            id: FnId(id),
                        },
                        function,
                    )
                })
        })
    }

    /// Every call. A look at all of them for each of something is a look too many: there are [`Self::sites_of`],
    /// [`Self::sites_in`] and [`Self::sites_beside`].
    pub fn sites(&self) -> impl Iterator<Item = &Site<'a>> {
        self.sites.iter().filter(|site| {
            budget::on(site.at.file);
            budget::spend(1) == Left::Some
        })
    }

    /// The functions of a file, the body of it first.
    pub fn functions_in(&self, file: u32) -> impl Iterator<Item = (FnRef, &'a Function)> + use<'a> {
        budget::on(file);
        let functions = self.file(file).map_or(&[][..], |facts| &facts.functions);
        let functions = functions.iter().zip(0u32..);
        let affordable = functions.take_while(|_| budget::spend(1) == Left::Some);
        affordable.map(move |(function, id)| {
            let id = FnId(id);
            (FnRef { file, id }, function)
        })
    }

    /// The language of a file.
    pub fn language(&self, file: u32) -> Language {
        self.file(file)
            .map_or(Language::TypeScript, |facts| facts.language)
    }

    /// The calls of a function, without those of functions inside it.
    pub fn sites_of(&self, at: FnRef) -> impl Iterator<Item = &Site<'a>> {
        self.sites_of
            .get(&at)
            .into_iter()
            .flatten()
            .take_while(move |_| {
                budget::on(at.file);
                budget::spend(1) == Left::Some
            })
            .filter_map(|id| self.site(*id))
    }

    /// A call by its id.
    pub fn site(&self, id: SiteId) -> Option<&Site<'a>> {
        self.sites.get(usize::try_from(id.0).ok()?)
    }

    /// What an expression may be.
    pub fn values(&self, at: FnRef, expr: &'a Expr) -> Vec<Value<'a>> {
        budget::on(at.file);
        resolve::values(self, at, expr)
    }

    /// The canonical paths that an expression may have.
    pub fn paths(&self, at: FnRef, expr: &'a Expr) -> Vec<Name> {
        self.values(at, expr)
            .into_iter()
            .filter_map(Value::path)
            .collect()
    }

    /// What a variable was ever set to, with the function where that stands.
    pub fn assigned(&self, variable: VarRef) -> impl Iterator<Item = (FnRef, &'a Expr)> + '_ {
        self.bindings
            .values(variable)
            .iter()
            .map(|set| (set.at, set.value))
    }

    /// The functions reachable from some, those included: through calls, closures handed on, and modules imported.
    pub fn reach(&self, roots: &[FnRef]) -> std::collections::BTreeSet<FnRef> {
        self.graph.reach(roots)
    }

    /// The functions from which one is reached, itself included.
    pub fn above(&self, of: FnRef) -> std::collections::BTreeSet<FnRef> {
        self.graph.ancestors(of)
    }

    /// The functions from which any of some is reached, those included.
    pub fn above_any(
        &self,
        of: impl IntoIterator<Item = FnRef>,
    ) -> std::collections::BTreeSet<FnRef> {
        self.graph.ancestors_of(of)
    }

    /// The function in which the decorators of one are evaluated: the one around it.
    pub fn decorated_in(&self, at: FnRef) -> FnRef {
        let parent = self.function(at).and_then(|function| function.parent);
        parent.map_or_else(|| FnRef::module(at.file), |id| at.beside(id))
    }

    /// What a call may run: its targets, and the functions that it is given.
    pub fn runs_of(&self, id: SiteId) -> &[FnRef] {
        self.graph.runs_of(id)
    }

    /// The functions that call this one.
    pub fn callers(&self, at: FnRef) -> &[SiteId] {
        self.graph.callers(at)
    }

    /// The class that a function belongs to, itself or through the functions around it.
    pub fn class_of(&self, at: FnRef) -> Option<ClassRef> {
        self.outward(at).find_map(|(here, function)| {
            Some(ClassRef {
                file: here.file,
                id: function.class?,
            })
        })
    }

    /// What kind of code a file is.
    pub fn surface(&self, file: u32) -> Surface {
        usize::try_from(file)
            .ok()
            .and_then(|at| self.surfaces.get(at))
            .copied()
            .unwrap_or(Surface::Runtime)
    }
}
