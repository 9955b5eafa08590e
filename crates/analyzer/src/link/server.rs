//! Where the process serves, and the functions that answer requests.

use std::collections::BTreeSet;

use rayon::prelude::*;

use crate::facts::{FnId, Language, Span};
use crate::vocabulary::{self, Role, Serving, Wire};

use super::sites::SiteId;
use super::{FnRef, Project, branches, own_starts};

/// A place where the process begins to serve.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The function that it stands in.
    pub at: FnRef,
    /// The call that serves.
    pub site: SiteId,
    /// Where that is.
    pub span: Span,
    /// Over what.
    pub wire: Wire,
    /// Who handles signals.
    pub guard: Guard,
    /// Functions that run in a process that serves here, without the starts of other transports and without handlers of signals.
    pub process: BTreeSet<FnRef>,
    /// Stretches of functions above it that are no way to it: other commands, help, other transports.
    pub aside: Vec<(FnRef, Span)>,
}

impl Entry {
    /// Whether a place of a function may be come through in a process that serves here.
    pub fn runs(&self, at: FnRef, span: Span) -> bool {
        self.process.contains(&at)
            && !self
                .aside
                .iter()
                .any(|(function, aside)| *function == at && aside.holds(span))
    }
}

/// Who handles signals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    /// The author.
    Author,
    /// The framework.
    Framework,
}

/// Most functions that are followed from all places that serve together: a tree of servers has hundreds of thousands.
pub const MAX_FOLLOWED: u32 = 4_000_000;

/// Places that serve whose processes are followed at once.
const TOGETHER: usize = 64;

/// The serving places of runtime code, and the files with more of them than can be followed.
pub(super) fn entries(project: &Project<'_>) -> (Vec<Entry>, BTreeSet<u32>) {
    entries_within(project, usize::try_from(MAX_FOLLOWED).unwrap_or(usize::MAX))
}

fn entries_within(project: &Project<'_>, most: usize) -> (Vec<Entry>, BTreeSet<u32>) {
    let mut found: Vec<(FnRef, SiteId, Span, Wire, Guard)> = Vec::new();
    let mut served: BTreeSet<(u32, Wire)> = BTreeSet::new();
    for site in project.sites() {
        if project.surface(site.at.file) == crate::finding::Surface::Tests {
            continue;
        }
        let asks = matches!(site.role, Some(Role::Serve(_))) || is_connect(site.name());
        let by_argument = asks.then(|| transport_argument(project, site)).flatten();
        let (wire, guard) = match site.role {
            Some(Role::Serve(Serving::Over(wire))) => (Some(wire), Guard::Author),
            Some(Role::Serve(Serving::Guarded(wire))) => (Some(wire), Guard::Framework),
            Some(Role::Serve(Serving::ByName)) => by_name(project, site),
            Some(Role::Serve(Serving::ByArgument)) => {
                let wire = by_argument.unwrap_or_else(|| near(project, site.at));
                (Some(wire), guard(project.language(site.at.file), wire))
            }
            None if is_run_by_name(project, site) => by_name(project, site),
            Some(_) | None => (
                by_argument.filter(|_| is_connect(site.name())),
                Guard::Author,
            ),
        };
        if let Some(wire) = wire {
            found.push((site.at, site.id, site.span, wire, guard));
            served.insert((site.at.file, wire));
        }
    }
    let over_stdio = found.iter().filter(|entry| entry.3 == Wire::Stdio);
    let over_stdio = over_stdio.map(|entry| entry.0);
    let over_stdio: Vec<FnRef> = over_stdio.filter(|at| is_plain(project, *at)).collect();
    let within = project.reach(&over_stdio);
    let serves_http = served.iter().any(|(_, wire)| *wire == Wire::Http);
    // A transport that is made and handed to something unknown still serves.
    for site in project.sites() {
        let tests = project.surface(site.at.file) == crate::finding::Surface::Tests;
        if let Some(Role::Transport(wire)) = site.role
            && !tests
            && !(wire == Wire::Stdio && within.contains(&site.at))
            && !(wire == Wire::Http && is_plain(project, site.at) && serves_http)
            && !served.contains(&(site.at.file, wire))
        {
            let guard = guard(project.language(site.at.file), wire);
            found.push((site.at, site.id, site.span, wire, guard));
        }
    }
    let by_sdk: BTreeSet<u32> = found
        .iter()
        .filter(|entry| entry.3 == Wire::Stdio)
        .map(|entry| project.package_of(entry.0.file))
        .collect();
    for site in super::by_hand::readers(project) {
        if !by_sdk.contains(&project.package_of(site.at.file)) {
            found.push((site.at, site.id, site.span, Wire::Stdio, Guard::Author));
        }
    }
    let starts: BTreeSet<(FnRef, Wire)> = found.iter().map(|entry| (entry.0, entry.3)).collect();
    let commands = branches::commands_of_go(project);
    let own_starts = own_starts::own_starts(project);
    let follow = |(at, site, span, wire, guard): &(FnRef, SiteId, Span, Wire, Guard)| {
        let above = project.graph.ancestors(*at);
        let followed = above.len();
        let mut aside = branches::aside(project, *at, *span, *wire, (&above, &commands));
        // What a file does as a program of its own does not run where it is only imported.
        let own = own_starts.get(&project.cluster_of(at.file));
        let own = own.into_iter().flatten();
        aside.extend(own.filter(|(module, _)| !above.contains(module)));
        let entry = Entry {
            at: *at,
            site: *site,
            span: *span,
            wire: *wire,
            guard: *guard,
            process: process(project, *at, *wire, &starts, above, &aside),
            aside,
        };
        (followed + entry.process.len(), entry)
    };
    let mut entries: Vec<Entry> = Vec::new();
    let mut crowded = BTreeSet::new();
    let mut left = most;
    for some in found.chunks(TOGETHER) {
        if left == 0 {
            crowded.extend(some.iter().map(|entry| entry.0.file));
            continue;
        }
        let followed: Vec<(usize, Entry)> = some.par_iter().map(follow).collect();
        let count: usize = followed.iter().map(|(count, _)| count).sum();
        left = left.saturating_sub(count);
        entries.extend(followed.into_iter().map(|(_, entry)| entry));
    }
    drop_bystanders(project, &mut entries);
    for entry in &mut entries {
        (entry.at, entry.site, entry.span) = decided(project, entry.at, entry.site, entry.span);
    }
    entries.sort_by_key(|entry| (entry.at.file, entry.span));
    entries.dedup_by_key(|entry| (entry.at, entry.wire));
    (entries, crowded)
}

/// Of what serves only what the user says that it is started with.
pub(super) fn keep_told(project: &mut Project<'_>) {
    let wire = project.hints.wire;
    let named: Vec<u32> = project
        .files
        .iter()
        .zip(0u32..)
        .filter(|(file, _)| {
            project
                .hints
                .entries
                .iter()
                .any(|path| **path == *file.path)
        })
        .map(|(_, at)| at)
        .collect();
    let mut entries = std::mem::take(&mut project.entries);
    entries.retain(|entry| {
        let started = project.hints.entries.is_empty()
            || named.contains(&entry.at.file)
            || project
                .above(entry.at)
                .iter()
                .any(|above| named.contains(&above.file));
        started && wire.is_none_or(|wire| wire == entry.wire)
    });
    project.entries = entries;
}

/// Whether the language has plain HTTP servers that a transport is a part of.
fn is_plain(project: &Project<'_>, at: FnRef) -> bool {
    matches!(project.language(at.file), Language::Go | Language::Rust)
}

/// In Go and Rust any HTTP server looks like an entry. Those in whose process no transport is made serve metrics or a login and are dropped;
/// if no transport is found in any, the one from which most of the program runs stays.
fn drop_bystanders(project: &Project<'_>, entries: &mut Vec<Entry>) {
    let is_http = |entry: &Entry| {
        is_plain(project, entry.at)
            && project.site(entry.site).and_then(|site| site.role)
                == Some(Role::Serve(Serving::Over(Wire::Http)))
    };
    let transports: Vec<FnRef> = project
        .sites()
        .filter(|site| site.role == Some(Role::Transport(Wire::Http)))
        .map(|site| site.at)
        .collect();
    let has = |entry: &Entry| transports.iter().any(|at| entry.process.contains(at));
    let any = entries.iter().any(|entry| is_http(entry) && has(entry));
    let widest = entries
        .iter()
        .filter(|entry| is_http(entry))
        .map(|entry| entry.process.len())
        .max();
    // A server of TypeScript that talks over stdio may listen for the answer of a login.
    let any_stdio = entries.iter().any(|entry| {
        entry.wire == Wire::Stdio && project.language(entry.at.file) == Language::TypeScript
    });
    let is_aside = |entry: &Entry| {
        any_stdio
            && entry.wire == Wire::Http
            && project.language(entry.at.file) == Language::TypeScript
            && transports.is_empty()
    };
    entries.retain(|entry| !is_aside(entry));
    drop_programs_beside(project, entries, &transports);
    entries.retain(|entry| {
        let stays = if any {
            has(entry)
        } else {
            Some(entry.process.len()) == widest
        };
        !is_http(entry) || stays
    });
}

/// TypeScript: a program beside the servers of its package that only listens for something else, such as the answer of a login.
fn drop_programs_beside(project: &Project<'_>, entries: &mut Vec<Entry>, transports: &[FnRef]) {
    let is_ours = |entry: &Entry| {
        entry.wire == Wire::Http && project.language(entry.at.file) == Language::TypeScript
    };
    let has = |entry: &Entry| transports.iter().any(|at| entry.process.contains(at));
    let served: BTreeSet<u32> = entries
        .iter()
        .filter(|entry| is_ours(entry) && has(entry))
        .map(|entry| project.package_of(entry.at.file))
        .collect();
    let callers = callers(project);
    entries.retain(|entry| {
        let package = project.package_of(entry.at.file);
        !is_ours(entry) || has(entry) || !(served.contains(&package) || callers.contains(&package))
    });
}

/// TypeScript: the packages that have the client of an SDK and nothing of a server.
fn callers(project: &Project<'_>) -> BTreeSet<u32> {
    let is_client = |source: &str| {
        source.starts_with("@modelcontextprotocol/")
            && source.split('/').any(|part| part == "client")
    };
    let files = project.files.iter().zip(0u32..);
    let files = files.filter(|(file, _)| {
        file.language == Language::TypeScript
            && file.imports.iter().any(|import| is_client(&import.source))
    });
    let mut all: BTreeSet<u32> = files.map(|(_, at)| project.package_of(at)).collect();
    if all.is_empty() {
        return all;
    }
    for site in project.sites() {
        if matches!(
            site.role,
            Some(Role::Server | Role::Transport(_) | Role::Responder)
        ) {
            all.remove(&project.package_of(site.at.file));
        }
    }
    all
}

/// Python's sessions over HTTP run inside an ASGI server, and all of these handle signals.
fn guard(language: Language, wire: Wire) -> Guard {
    if language == Language::Python && wire == Wire::Http {
        Guard::Framework
    } else {
        Guard::Author
    }
}

/// `module.mcp.run(transport=…)` on something unknown: only servers are run so.
fn is_run_by_name(project: &Project<'_>, site: &super::Site<'_>) -> bool {
    project.language(site.at.file) == Language::Python
        && matches!(site.name(), "run" | "run_async")
        && site.targets.is_empty()
        && site.call.receiver().is_some()
        && site
            .call
            .args
            .iter()
            .any(|arg| arg.name.as_deref() == Some("transport"))
}

fn is_connect(name: &str) -> bool {
    matches!(
        name,
        "connect" | "serve" | "start" | "run" | "Run" | "Connect" | "attach" | "listen"
    )
}

/// The wire of a transport among the arguments.
fn transport_argument(project: &Project<'_>, site: &super::Site<'_>) -> Option<Wire> {
    let language = project.language(site.at.file);
    site.call.args.iter().find_map(|arg| {
        project.paths(site.at, &arg.value).iter().find_map(|path| {
            match vocabulary::role(language, path.strip_suffix("()")?) {
                Some(Role::Transport(wire)) => Some(wire),
                Some(_) | None => None,
            }
        })
    })
}

/// The wire of the transport made in the same function, else stdio.
fn near(project: &Project<'_>, at: FnRef) -> Wire {
    project
        .sites_of(at)
        .find_map(|site| match site.role {
            Some(Role::Transport(wire)) => Some(wire),
            Some(_) | None => None,
        })
        .unwrap_or(Wire::Stdio)
}

/// `run(transport="…")`.
fn by_name(project: &Project<'_>, site: &super::Site<'_>) -> (Option<Wire>, Guard) {
    let Some(value) = site.call.option("transport").or_else(|| site.call.arg(0)) else {
        return (Some(Wire::Stdio), Guard::Author);
    };
    let values = project.values(site.at, value);
    let texts: Vec<_> = values
        .iter()
        .filter_map(|value| value.literal()?.1.text().cloned())
        .collect();
    let is_known =
        !texts.is_empty() && texts.len() == values.len() && !reads(project, site.at, value);
    let elsewhere = is_known && texts.iter().all(|text| &**text != "stdio");
    if elsewhere || super::transports::is_other(project, site, value) {
        return (Some(Wire::Http), Guard::Framework);
    }
    // A transport that is chosen at run time may be stdio, unless this branch is that of another.
    (Some(Wire::Stdio), Guard::Author)
}

/// Whether anything that a variable was set to comes from a call: the environment, the command line.
fn reads(project: &Project<'_>, at: FnRef, value: &crate::facts::Expr) -> bool {
    if let crate::facts::ExprKind::Var(id) = value.kind {
        project
            .assigned(at.variable(id))
            .any(|(_, value)| value.call().is_some())
    } else {
        false
    }
}

/// What runs in a process that serves at a place.
fn process(
    project: &Project<'_>,
    at: FnRef,
    wire: Wire,
    starts: &BTreeSet<(FnRef, Wire)>,
    above: BTreeSet<FnRef>,
    aside: &[branches::Aside],
) -> BTreeSet<FnRef> {
    let closed: BTreeSet<FnRef> = starts
        .iter()
        .filter(|(start, other)| *other != wire && !above.contains(start))
        .filter(|(start, _)| !starts.contains(&(*start, wire)))
        .map(|(start, _)| {
            if is_plain(project, at) {
                outermost(project, *start, &above)
            } else {
                *start
            }
        })
        .collect();
    let mut roots: Vec<FnRef> = above.into_iter().collect();
    roots.push(FnRef::module(at.file));
    project
        .graph
        .runs_from(&roots, &closed, &branches::edges(project, aside))
}

/// The function around a start that belongs to it alone: a server often runs in a task of the function that also waits for signals.
fn outermost(project: &Project<'_>, start: FnRef, above: &BTreeSet<FnRef>) -> FnRef {
    project
        .outward(start)
        .map(|(at, _)| at)
        .take_while(|at| *at == start || (at.id != FnId::MODULE && !above.contains(at)))
        .last()
        .unwrap_or(start)
}

/// The call that serves, or of a wrapper around it the one call of the wrapper: where the author decides to serve.
fn decided(project: &Project<'_>, at: FnRef, site: SiteId, span: Span) -> (FnRef, SiteId, Span) {
    let mut found = (at, site, span);
    for _ in 0..3 {
        let short = project.function(found.0).is_some_and(|function| {
            function.body.len() == 1
                && function.class.is_some()
                && matches!(
                    function.body.first().map(|stmt| &stmt.kind),
                    Some(crate::facts::StmtKind::Return(Some(_)))
                )
        });
        let callers: Vec<&super::Site<'_>> = project
            .callers(found.0)
            .iter()
            .filter_map(|id| project.site(*id))
            .filter(|site| project.surface(site.at.file) != crate::finding::Surface::Tests)
            .collect();
        match callers.as_slice() {
            [one] if short && is_plain(project, at) => found = (one.at, one.id, one.span),
            _ => break,
        }
    }
    found
}

impl<'a> Project<'a> {
    /// The registrations that are made in a process that serves at an entry.
    pub fn hooks_of<'s>(&'s self, entry: &'s Entry) -> impl Iterator<Item = &'s super::Hook<'a>> {
        self.hooks
            .iter()
            .filter(|hook| entry.runs(hook.at, hook.span))
    }

    /// Whether a registration is made where the process starts, and not only while a request is answered.
    pub fn is_at_start(&self, entry: &Entry, hook: &super::Hook<'a>) -> bool {
        if !self.answering.contains(&hook.at) {
            return true;
        }
        let handlers: BTreeSet<FnRef> = self.handlers.iter().map(|one| one.function).collect();
        let mut roots: Vec<FnRef> = self.above(entry.at).into_iter().collect();
        roots.push(FnRef::module(entry.at.file));
        roots.retain(|root| !handlers.contains(root));
        let start = self.graph.runs_from(&roots, &handlers, &BTreeSet::new());
        start.contains(&hook.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::{Source, extract};
    use crate::facts::Name;

    #[test]
    fn processes_are_followed_up_to_a_limit_and_the_rest_is_told() {
        let server = |at: usize| {
            format!(
                "export async function f{at}() {{ f{}(); await server.connect(new StdioServerTransport()); }}\n",
                at + 1
            )
        };
        let text = format!(
            "import {{ McpServer }} from \"@modelcontextprotocol/sdk/server/mcp.js\";\n\
             import {{ StdioServerTransport }} from \"@modelcontextprotocol/sdk/server/stdio.js\";\n\
             const server = new McpServer({{}});\n{}",
            (0..4 * TOGETHER).map(server).collect::<String>()
        );
        let files = [extract(&Source {
            path: Name::from("a.ts"),
            language: Language::TypeScript,
            text: &text,
        })];
        let project = Project::of(&files, &[]);
        assert_eq!(project.entries.len(), 4 * TOGETHER);
        assert!(project.crowded.is_empty());
        let (some, crowded) = entries_within(&project, 1);
        assert_eq!(some.len(), TOGETHER);
        assert_eq!(crowded, BTreeSet::from([0]));
    }
}
