//! No handler for SIGTERM where the process serves.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::facts::{Language, Name};
use crate::finding::{Blocked, Followed, Ground, Severity, Trusted};
use crate::link::{Entry, Form, Guard, Hook, Project, Site, Trigger};
use crate::rules::{At, Axis, Report, Rule, effects};
use crate::vocabulary::{Role, Wire, functions};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "LIFE-001",
    name: "missing-sigterm-handler",
    severity: Severity::High,
    axes: &[Axis::Security, Axis::Reliability],
    cwe: &[404, 460],
    summary: "The server does not handle SIGTERM on the way it starts.",
    why: "Hosts, `docker stop`, systemd and Kubernetes end a server with SIGTERM. Without a handler the default action ends the process at once: calls in flight get no answer, transactions stay open, buffers are lost, children are left behind. A handler that only another transport's start registers does not help.",
    fix: "Register SIGTERM and SIGINT where this transport starts, both for one shutdown that runs once and is bounded in time; or run the server under `dropgate run`.",
    fixtures: fixtures!("LIFE-001": ts, py, rs, go),
    check,
};

fn check(project: &Project<'_>, report: &mut Report<'_>) {
    let mut done: Option<u32> = None;
    let mut entries: Vec<&Entry> = project.entries.iter().collect();
    let losing = losing(project);
    let programs = programs(project);
    let registering = registering(project);
    // Where several transports of one file lack it, stdio stands for all.
    entries.sort_by_key(|entry| (entry.at.file, entry.wire, entry.span));
    for entry in entries {
        if entry.guard == Guard::Framework || done == Some(entry.at.file) {
            continue;
        }
        let handled = project.hooks_of(entry).any(|hook| {
            hook.trigger.is_signal("SIGTERM")
                || (hook.trigger.is_signal("SIGINT")
                    && hook.form != Form::Ignored
                    && project.is_at_start(entry, hook))
        });
        if handled {
            continue;
        }
        done = Some(entry.at.file);
        let unnamed = |hook: &&Hook<'_>| hook.trigger == Trigger::SomeSignal;
        if let Some(hook) = project.hooks_of(entry).find(unnamed) {
            unsure(project, report, entry, hook);
            continue;
        }
        // What is registered for the end of the process looks like the handler that is missing; SIGTERM skips it.
        // A hook that some other file of Node's registers for itself says nothing of the start.
        let is_beside = |hook: &&Hook<'_>| {
            hook.at.file == entry.at.file || project.language(hook.at.file) != Language::TypeScript
        };
        let skipped = project
            .hooks_of(entry)
            .filter(is_beside)
            .find(|hook| hook.trigger == Trigger::Exit);
        let elsewhere = project
            .hooks
            .iter()
            .filter(|hook| project.cluster_of(hook.at.file) == project.cluster_of(entry.at.file))
            .find(|hook| hook.trigger.is_signal("SIGTERM"));
        let mut started = start(project, entry, &programs);
        if elsewhere.is_some_and(|hook| hook.at.file == started.function.file) {
            // Beside a handler for another start the call would look handled.
            started = At {
                function: entry.at,
                span: entry.span,
            };
        }
        let at = skipped.map_or(started, |hook| At {
            function: hook.at,
            span: hook.span,
        });
        let wire = match entry.wire {
            Wire::Stdio => "stdio",
            Wire::Http => "HTTP",
        };
        let message = match elsewhere {
            _ if skipped.is_some() => format!(
                "this clean-up runs when the process exits by itself; nothing handles SIGTERM for the {wire} server, and its default action skips it"
            ),
            Some(_) => format!(
                "the {wire} server starts here without a handler for SIGTERM; the one that exists belongs to another way of starting"
            ),
            None => format!(
                "the {wire} server starts here and nothing handles SIGTERM: the default action cuts calls in flight"
            ),
        };
        let finding = report.add(at, Ground::Proved(Followed::Start), message);
        if skipped.is_some() || at.function != entry.at {
            let place = At {
                function: entry.at,
                span: entry.span,
            };
            finding.via(project, place, "the server starts here");
        }
        if let Some(hook) = elsewhere {
            let place = At {
                function: hook.at,
                span: hook.span,
            };
            finding.via(project, place, "SIGTERM is handled here, for another start");
        }
        if let Some(library) = library(project, entry, &registering) {
            finding.blocked(library);
            continue;
        }
        if let Some(import) = project.unread_shutdown(entry) {
            finding.blocked(import);
            continue;
        }
        if let Some(name) = project.cut_call(entry) {
            finding.unknown(Blocked::Crowd);
            finding.via(
                project,
                start_of(entry),
                format!(
                    "more functions are given to `{name}` than are followed: one may handle SIGTERM"
                ),
            );
            continue;
        }
        if entry.wire == Wire::Http {
            finding.trusts(Trusted::Library);
        }
        if skipped.is_none() && has_nothing_to_lose(project, entry, &losing) {
            finding.weigh(Severity::Medium);
        }
    }
}

/// The calls of each of these libraries, by the cluster of files.
type Registering<'p, 'a> = HashMap<u32, Vec<(&'static str, &'p Site<'a>)>>;

fn registering<'p, 'a>(project: &'p Project<'a>) -> Registering<'p, 'a> {
    let mut all = Registering::default();
    for site in project.sites() {
        for library in functions::REGISTERING {
            if site.paths.iter().any(|path| is_of(path, library)) {
                let cluster = project.cluster_of(site.at.file);
                all.entry(cluster).or_default().push((library, site));
            }
        }
    }
    all
}

/// The library whose code the process that serves here runs: a file of it imports it, or it is asked for by a call.
/// That a manifest declares it registers nothing.
fn library(
    project: &Project<'_>,
    entry: &Entry,
    registering: &Registering<'_, '_>,
) -> Option<&'static str> {
    let files: BTreeSet<u32> = entry.process.iter().map(|at| at.file).collect();
    let imports = |library: &str| {
        let mut read = files.iter().filter_map(|file| project.file(*file));
        read.any(|file| {
            let mut imports = file.imports.iter();
            imports.any(|import| is_of(&import.source, library))
        })
    };
    let beside = registering.get(&project.cluster_of(entry.at.file));
    let calls = |library: &str| {
        let mut calls = beside.into_iter().flatten();
        calls.any(|(of, site)| *of == library && entry.runs(site.at, site.span))
    };
    let mut libraries = functions::REGISTERING.iter().copied();
    libraries.find(|library| imports(library) || calls(library))
}

/// Whether a path leads into a library.
fn is_of(path: &str, library: &str) -> bool {
    path.strip_prefix(library)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '/']))
}

fn start_of(entry: &Entry) -> At {
    At {
        function: entry.at,
        span: entry.span,
    }
}

/// Something is registered for a signal whose name is not known: it may be SIGTERM.
fn unsure(project: &Project<'_>, report: &mut Report<'_>, entry: &Entry, hook: &Hook<'_>) {
    let at = At {
        function: hook.at,
        span: hook.span,
    };
    let message = "which signals are handled here is not known by their names: SIGTERM may be one of them, or not";
    let finding = report.add(at, Ground::Unknown(Blocked::Signal), message);
    finding.via(project, start_of(entry), "the server starts here");
}

/// Python: what a signal takes more of than the answer: calls that open, write or start something, by the cluster of files.
fn losing<'p, 'a>(project: &'p Project<'a>) -> HashMap<u32, Vec<&'p Site<'a>>> {
    let mut all: HashMap<u32, Vec<&Site<'_>>> = HashMap::new();
    for site in project.sites() {
        let keeps = matches!(
            site.role,
            Some(
                Role::Open(_) | Role::Spawn(_) | Role::Task | Role::Outbound(..) | Role::Client(..)
            )
        );
        if project.language(site.at.file) == Language::Python
            && (keeps || effects::changes(site) || effects::is_of_files(Language::Python, site))
        {
            let cluster = project.cluster_of(site.at.file);
            all.entry(cluster).or_default().push(site);
        }
    }
    all
}

/// Python: nothing is open, nothing is written, no child runs and no task beside: what a signal cuts is the answer alone.
fn has_nothing_to_lose(
    project: &Project<'_>,
    entry: &Entry,
    losing: &HashMap<u32, Vec<&Site<'_>>>,
) -> bool {
    let handlers = project.handler_reach();
    let beside = losing.get(&project.cluster_of(entry.at.file));
    project.language(entry.at.file) == Language::Python
        && !beside
            .into_iter()
            .flatten()
            .any(|site| entry.runs(site.at, site.span) || handlers.contains(&site.at))
}

/// The files that a manifest names as what starts a program, or that say so themselves.
fn programs(project: &Project<'_>) -> BTreeSet<u32> {
    let named = project.manifests.iter();
    let named: HashSet<&Name> = named.flat_map(|manifest| &manifest.entries).collect();
    let files = project.files.iter().zip(0u32..);
    files
        .filter(|(file, _)| file.is_program || named.contains(&file.path))
        .map(|(_, at)| at)
        .collect()
}

/// Where the program starts this server: the call in the file that the manifest names, where another file does the serving.
fn start(project: &Project<'_>, entry: &Entry, programs: &BTreeSet<u32>) -> At {
    let here = At {
        function: entry.at,
        span: entry.span,
    };
    if project.language(entry.at.file) != Language::TypeScript || programs.contains(&entry.at.file)
    {
        return here;
    }
    let above = project.above(entry.at);
    let calls = above.iter().flat_map(|function| project.callers(*function));
    let calls = calls.filter_map(|id| project.site(*id));
    let calls = calls.filter(|site| programs.contains(&site.at.file));
    // The innermost call is the one that says what is started.
    let innermost =
        calls.min_by_key(|site| (project.reach(&site.targets).len(), site.span, site.id));
    innermost.map_or(here, |site| At {
        function: site.at,
        span: site.span,
    })
}
