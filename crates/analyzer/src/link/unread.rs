//! Calls into dependencies whose source is not there, and which may do at a stop what the project itself does not.

use std::collections::{BTreeSet, HashMap};

use crate::budget;
use crate::facts::{ExprKind, ImportItem, Language, Name, Span, walk};
use crate::vocabulary::{self, words};

use super::{Entry, FnRef, Project, Site, SiteId, made};

/// Words of names of what a dependency does for the end of a process.
const ENDING: &[&str] = &[
    "shutdown",
    "graceful",
    "gracefully",
    "signal",
    "signals",
    "sigterm",
    "lifecycle",
    "terminate",
    "termination",
    "terminator",
    "cleanup",
    "teardown",
];

/// First words of names of what sets a process up, in a package of which nothing else is known.
const STARTING: &[&str] = &[
    "start",
    "run",
    "serve",
    "launch",
    "boot",
    "bootstrap",
    "setup",
    "set",
    "init",
    "initialize",
    "install",
    "register",
    "main",
    "listen",
    "handle",
    "handler",
    "on",
    "with",
    "use",
];

/// Words of names that only end one thing: a client, a span, a request.
const SINGLE: &[&str] = &["abort", "controller", "client", "span", "timeout", "any"];

/// A call whose value is closed at a stop, behind the place of the first call that closes it.
type Holder = (usize, SiteId);

/// The calls of code that is not there, and whose value something closes at a stop.
#[derive(Debug, Default)]
pub(super) struct Handed {
    /// By the cluster of files and the path of what is among their arguments, as it is or inside an object or a call.
    by_path: HashMap<(u32, Name), Vec<Holder>>,
    /// By the function that they stand in.
    by_function: HashMap<FnRef, Vec<Holder>>,
}

impl Handed {
    fn of(project: &Project<'_>) -> Self {
        let mut closed: HashMap<(u32, &str), usize> = HashMap::new();
        for (id, place) in project.closing.iter().zip(0..) {
            let close = project.site(*id);
            for (site, path) in close
                .iter()
                .flat_map(|site| site.paths.iter().map(move |path| (site, path)))
            {
                let cluster = project.clusters.number(site.at.file);
                for made in made::makers(path) {
                    closed.entry((cluster, made)).or_insert(place);
                }
            }
        }
        let mut all = Self::default();
        let unread = |site: &&Site<'_>| site.role.is_none() && site.targets.is_empty();
        for site in project.sites().filter(unread) {
            let cluster = project.clusters.number(site.at.file);
            let paths = site.paths.iter();
            let first = paths
                .filter_map(|path| closed.get(&(cluster, &**path)))
                .min();
            let Some(first) = first else {
                continue;
            };
            let holder = (*first, site.id);
            all.by_function.entry(site.at).or_default().push(holder);
            for arg in &site.call.args {
                walk::each(&arg.value, &mut |inner| {
                    for path in project.paths(site.at, inner) {
                        all.by_path.entry((cluster, path)).or_default().push(holder);
                    }
                });
            }
        }
        all
    }
}

impl<'a> Project<'a> {
    /// The import of a dependency that may handle signals for a server: a call on the way it starts, named after the
    /// end of a process, of code that is not there and that no table tells of.
    pub fn unread_shutdown(&self, entry: &Entry) -> Option<String> {
        let ending = self.ending.get_or_init(|| budget::apart(|| ending(self)));
        let beside = ending.get(&self.clusters.number(entry.at.file));
        let mut sites = beside.into_iter().flatten().filter_map(|id| self.site(*id));
        sites.find_map(|site| {
            let runs = entry.runs(site.at, site.span);
            runs.then(|| self.missing(site).or_else(|| self.dependency(site)))
                .flatten()
        })
    }

    /// A call on the way a server starts of a variable that was given more functions than are followed: its name.
    pub fn cut_call(&self, entry: &Entry) -> Option<String> {
        let cut = self.cut.get_or_init(|| budget::apart(|| cut(self)));
        let beside = cut.get(&self.clusters.number(entry.at.file));
        let mut sites = beside.into_iter().flatten().filter_map(|id| self.site(*id));
        let run = sites.find(|site| entry.runs(site.at, site.span))?;
        Some(run.name().to_owned())
    }

    /// The dependency that a call opens something for: what was opened is handed to a function or class of it, and a
    /// closing call at a stop is made on what that gave.
    pub fn unread_closing(&self, opened: &Site<'a>) -> Option<String> {
        let handed = self
            .handed
            .get_or_init(|| budget::apart(|| Handed::of(self)));
        let cluster = self.clusters.number(opened.at.file);
        let mut found: BTreeSet<Holder> = BTreeSet::new();
        for path in &opened.paths {
            let made = (cluster, Name::from(format!("{path}()")));
            found.extend(handed.by_path.get(&made).into_iter().flatten());
        }
        // It may stand among the arguments itself, as it is or in a function that is written there.
        for (here, function) in self.outward(opened.at) {
            let around = handed.by_function.get(&here).into_iter().flatten();
            found.extend(around.filter(|(_, id)| self.takes(*id, opened.span)));
            let outside = function.parent.map(|parent| here.beside(parent));
            let around = outside.and_then(|outside| handed.by_function.get(&outside));
            let around = around.into_iter().flatten();
            found.extend(around.filter(|(_, id)| self.takes(*id, function.span)));
        }
        let holders = found.iter().filter(|(_, id)| *id != opened.id);
        let mut holders = holders.filter_map(|(_, id)| self.site(*id));
        holders.find_map(|holder| self.dependency(holder))
    }

    /// Whether a place stands among the arguments of a call of the same file.
    fn takes(&self, id: SiteId, place: Span) -> bool {
        budget::spend_on_places(1);
        let args = self.site(id).map_or(&[][..], |site| &site.call.args);
        args.iter().any(|arg| arg.value.span.holds(place))
    }

    /// The import of code that should be there and is not, or that nobody declares, which a call runs.
    fn missing(&self, site: &Site<'a>) -> Option<String> {
        let file = self.file(site.at.file)?;
        let called = |source: &str, item: &ImportItem| {
            site.paths.iter().any(|path| {
                let Some(rest) = path.strip_prefix(source) else {
                    return false;
                };
                match item {
                    ImportItem::Named(name) if &**name != "default" => {
                        rest.strip_prefix('.') == Some(name)
                    }
                    ImportItem::Module => !rest.trim_start_matches('.').contains(['.', '(']),
                    ImportItem::Named(_) | ImportItem::Default | ImportItem::All => rest.is_empty(),
                }
            })
        };
        let mut imports = file.imports.iter();
        let import = imports.find(|import| called(&import.source, &import.item))?;
        let known = is_of_language(Language::TypeScript, &import.source)
            || import.source.contains("modelcontextprotocol")
            || vocabulary::role(Language::TypeScript, &import.source).is_some();
        let is_missing = !known && self.modules.is_missing(file, &import.source);
        is_missing.then(|| import.source.to_string())
    }

    /// Whether a call is of a dependency that is no part of the language or of an SDK, and of which no table tells.
    pub(super) fn is_of_dependency(&self, site: &Site<'a>) -> bool {
        site.role.is_none() && site.targets.is_empty() && self.dependency(site).is_some()
    }

    /// The import that a call comes from, if it is of a dependency and no part of the language or of an SDK.
    fn dependency(&self, site: &Site<'a>) -> Option<String> {
        let language = self.language(site.at.file);
        let file = self.file(site.at.file)?;
        let import = file.imports.iter().find(|import| {
            let named = if let ImportItem::Named(name) = &import.item {
                Some(name)
            } else {
                None
            };
            site.paths.iter().any(|path| {
                path.strip_prefix(&*import.source).is_some_and(|rest| {
                    let first = rest.trim_start_matches(['.', ':', '/']);
                    named.is_none_or(|name| first.starts_with(&**name))
                })
            })
        })?;
        let known = is_of_language(language, &import.source)
            || import.source.contains("modelcontextprotocol")
            || vocabulary::role(language, &import.source).is_some();
        (!known && !import.source.starts_with('.')).then(|| import.source.to_string())
    }
}

/// The calls of code that is not there and named after the end of a process, by the cluster of files.
fn ending(project: &Project<'_>) -> HashMap<u32, Vec<SiteId>> {
    let mut all: HashMap<u32, Vec<SiteId>> = HashMap::new();
    for site in project.sites() {
        if site.role.is_some() || !site.targets.is_empty() {
            continue;
        }
        let names = words::words(site.name());
        // `provider.Shutdown()` ends one thing now; what registers says so with more words, and is no method.
        let is_method = site.paths.iter().any(|path| path.contains("()"));
        let ends = !is_method
            && names.len() > 1
            && names.iter().any(|word| ENDING.contains(&word.as_str()))
            && !names.iter().any(|word| SINGLE.contains(&word.as_str()));
        if ends
            || project
                .missing(site)
                .is_some_and(|source| may_start(&source, &names))
        {
            let cluster = project.clusters.number(site.at.file);
            all.entry(cluster).or_default().push(site.id);
        }
    }
    all
}

/// The calls of variables that were given more functions than are followed, by the cluster of files.
fn cut(project: &Project<'_>) -> HashMap<u32, Vec<SiteId>> {
    let mut all: HashMap<u32, Vec<SiteId>> = HashMap::default();
    for site in project.sites() {
        if let ExprKind::Var(id) = site.call.callee.bare().kind
            && project.bindings.is_cut(site.at.variable(id))
        {
            let cluster = project.clusters.number(site.at.file);
            all.entry(cluster).or_default().push(site.id);
        }
    }
    all
}

/// Whether a call of code that is not there may handle signals: any of the project's own, and of a package that nobody declares,
/// such as one that another brings along, what is called after setting something up.
fn may_start(source: &str, names: &[String]) -> bool {
    let is_own = source.starts_with(['.', '#', '~']) || source.starts_with("@/");
    let mut first = names.first().into_iter();
    is_own || first.any(|word| STARTING.contains(&word.as_str()) || ENDING.contains(&word.as_str()))
}

/// Whether an import is part of the language's own library.
fn is_of_language(language: Language, source: &str) -> bool {
    let first = source.split(['.', '/', ':']).next().unwrap_or(source);
    match language {
        Language::TypeScript => {
            matches!(
                first,
                "node"
                    | "fs"
                    | "path"
                    | "os"
                    | "child_process"
                    | "process"
                    | "http"
                    | "https"
                    | "net"
                    | "stream"
                    | "events"
                    | "util"
                    | "url"
                    | "crypto"
                    | "readline"
                    | "timers"
                    | "worker_threads"
                    | "cluster"
                    | "dns"
                    | "tls"
                    | "zlib"
                    | "buffer"
                    | "assert"
                    | "async_hooks"
                    | "console"
                    | "constants"
                    | "dgram"
                    | "diagnostics_channel"
                    | "http2"
                    | "inspector"
                    | "module"
                    | "perf_hooks"
                    | "punycode"
                    | "querystring"
                    | "repl"
                    | "string_decoder"
                    | "tty"
                    | "v8"
                    | "vm"
            )
        }
        Language::Python => {
            matches!(
                first,
                "os" | "sys"
                    | "signal"
                    | "asyncio"
                    | "threading"
                    | "multiprocessing"
                    | "atexit"
                    | "logging"
                    | "contextlib"
                    | "subprocess"
                    | "concurrent"
                    | "socket"
                    | "anyio"
                    | "mcp"
                    | "fastmcp"
            )
        }
        Language::Rust => matches!(
            first,
            "std" | "core" | "tokio" | "rmcp" | "crate" | "super" | "self"
        ),
        // Modules of Go outside the standard library have a host in front.
        Language::Go => !first.is_empty() && !source.split('/').next().unwrap_or("").contains('.'),
    }
}
