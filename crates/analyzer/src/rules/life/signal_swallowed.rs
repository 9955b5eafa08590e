//! A handler for SIGTERM that ends nothing.

use std::cell::OnceCell;
use std::collections::{BTreeSet, HashMap};

use crate::facts::{ExprKind, Language, Pattern, Span, StmtKind, walk};
use crate::finding::{Followed, Ground, Severity};
use crate::link::{FnRef, Form, Hook, Project, Site};
use crate::rules::{At, Axis, Report, Rule};
use crate::vocabulary::{Kind, Role, role};

use super::processes::Processes;

pub(in crate::rules) const RULE: Rule = Rule {
    id: "LIFE-005",
    name: "signal-swallowed",
    severity: Severity::High,
    axes: &[Axis::Reliability],
    cwe: &[404, 391],
    summary: "A handler is registered for SIGTERM and nothing that it does ends the server.",
    why: "A handler replaces the default action. If it only sets an event that no code waits for, the process can't be ended by SIGTERM any more: worse than no handler.",
    fix: "Wait for the event where the server runs and leave from there, or cancel the task that serves.",
    fixtures: fixtures!("LIFE-005": ts, py, rs, go),
    check,
};

/// Names of calls that wait for or look at an event or flag.
const READING: &[&str] = &[
    "wait",
    "is_set",
    "recv",
    "cancelled",
    "isSet",
    "Done",
    "Err",
    "load",
    "is_cancelled",
    "throwIfAborted",
    "subscribe",
];

/// Names of calls that give back what is held in memory or write out what is buffered, and end no server.
const FREEING: &[&str] = &["clear", "free", "flush", "release", "unref"];

fn check(project: &Project<'_>, report: &mut Report<'_>) {
    super::never_waited::look(project, report);
    super::ignored::look(project, report);
    super::beside_serving::look(project, report);
    let reads = OnceCell::new();
    let reads = || -> &Reads { reads.get_or_init(|| Reads::of(project)) };
    let is_ours =
        |hook: &&Hook<'_>| hook.form == Form::Callback && hook.trigger.is_signal("SIGTERM");
    let (mut swallowing, mut ending) = (Vec::new(), Vec::new());
    for hook in project.hooks.iter().filter(is_ours) {
        // What is not known may end the server, and a library does after its function.
        let ends = hook.functions.is_empty()
            || hook.is_of_library(project)
            || ends_something(project, hook, &reads);
        if ends {
            ending.push(hook);
        } else {
            swallowing.push(hook);
        }
    }
    let processes = Processes::of(project, swallowing.iter().chain(&ending).copied());
    let ended = ended(project, &processes, &ending);
    let clusters = ending.iter().map(|hook| project.cluster_of(hook.at.file));
    let clusters: BTreeSet<u32> = clusters.collect();
    for hook in swallowing {
        // All handlers that a process of TypeScript has run, so that one that ends the server is enough; in Python the last one
        // stays. Where the process is not known it may be that of any handler nearby.
        let stays = || {
            let mut places = processes.with(project, hook).peekable();
            let unknown = places.peek().is_none();
            places.any(|place| !ended.contains(&place))
                || (unknown && !clusters.contains(&project.cluster_of(hook.at.file)))
        };
        if project.language(hook.at.file) == Language::TypeScript && !stays() {
            continue;
        }
        let mut functions = hook.functions.iter();
        let unknown = functions.find_map(|at| unknown_call(project, *at));
        let place = At {
            function: hook.at,
            span: hook.span,
        };
        let finding = report.add(place, Ground::Proved(Followed::Hook), "SIGTERM is caught here, and nothing that the handler does ends the server: the process can't be ended by SIGTERM");
        for at in &hook.functions {
            if let Some(function) = project.function(*at) {
                finding.via(
                    project,
                    At {
                        function: *at,
                        span: function.span,
                    },
                    "the handler",
                );
            }
        }
        if let Some(unknown) = unknown {
            finding.blocked(unknown);
        }
    }
}

/// The places that serve whose process one of some handlers ends.
fn ended(project: &Project<'_>, processes: &Processes, ending: &[&Hook<'_>]) -> BTreeSet<usize> {
    let hooks = ending.iter();
    hooks
        .flat_map(|hook| processes.with(project, hook))
        .collect()
}

fn ends_something<'r>(
    project: &Project<'_>,
    hook: &Hook<'_>,
    reads: &impl Fn() -> &'r Reads,
) -> bool {
    let reach = project.reach(&hook.functions);
    reach.iter().any(|at| {
        let Some(function) = project.function(*at) else {
            return false;
        };
        let mut ends = false;
        walk::stmts(&function.body, &mut |stmt| {
            if let StmtKind::Throw(_) = &stmt.kind {
                ends = true
            } else if let StmtKind::Assign { target, value } = &stmt.kind {
                // What held a resource and is emptied is no flag.
                let emptied = project.language(at.file) == Language::TypeScript
                    && value
                        .as_ref()
                        .is_some_and(|value| matches!(value.kind, ExprKind::Null));
                ends |= !emptied && set_and_read(project, *at, target, (stmt.span, reads))
            }
        });
        ends || project.sites_of(*at).any(|site| {
            matches!(
                site.role,
                Some(Role::Exit | Role::ExitUnwinding | Role::Kill)
            ) || (Project::is_closing(site)
                && !FREEING.contains(&site.name())
                && !only_resource(project, site))
                || matches!(
                    site.name(),
                    "cancel"
                        | "send_signal"
                        | "resolve"
                        | "kill"
                        | "interrupt"
                        | "call_soon_threadsafe"
                        | "emit"
                        | "send"
                        | "put"
                        | "put_nowait"
                        | "dispatchEvent"
                        | "exit"
                        | "stop"
                        | "reject"
                        | "create_task"
                )
                || (matches!(
                    site.name(),
                    "set" | "notify" | "notify_one" | "notify_waiters" | "store"
                ) && event_is_read(project, site, reads))
                || is_parameter(project, site)
        })
    })
}

/// TypeScript: whether a call closes a pool, a browser or the like and nothing else: the transport keeps the process alive. A
/// listener may be that transport.
fn only_resource(project: &Project<'_>, site: &Site<'_>) -> bool {
    let language = project.language(site.at.file);
    let made = site.paths.iter().map(|path| {
        let made = path.rsplit_once("()").map(|(made, _)| made);
        made.and_then(|made| role(language, made))
    });
    let opens = |role| matches!(role, Some(Role::Open(kind)) if kind != Kind::Listener);
    let mut made = made.peekable();
    language == Language::TypeScript && made.peek().is_some() && made.all(opens)
}

/// A call of a parameter or a value that is not known: whoever passed it may end the server.
fn is_parameter(project: &Project<'_>, site: &Site<'_>) -> bool {
    let unknown = site.targets.is_empty() && site.paths.is_empty();
    unknown
        && matches!(site.call.callee.kind, ExprKind::Var(_))
        && project.function(site.at).is_some()
}

/// What code that does not itself run at a stop looks at, by the cluster of files and the name.
#[derive(Default)]
struct Reads {
    /// Events that are waited for or asked.
    events: BTreeSet<(u32, String)>,
    /// Places of tests with the name in them.
    tests: HashMap<(u32, String), Vec<(u32, Span)>>,
}

impl Reads {
    fn of(project: &Project<'_>) -> Self {
        let mut all = Self::default();
        let stops = project.stopping();
        for site in project.sites() {
            if !READING.contains(&site.name()) || stops.contains(&site.at) {
                continue;
            }
            let cluster = project.cluster_of(site.at.file);
            let args = site.call.args.iter();
            let names = args.filter_map(|arg| project.last_name(site.at, &arg.value));
            let names = names.chain(project.receiver_name(site));
            all.events.extend(names.map(|name| (cluster, name)));
        }
        for (at, function) in project.functions() {
            if stops.contains(&at) {
                continue;
            }
            let cluster = project.cluster_of(at.file);
            walk::stmts(&function.body, &mut |stmt| {
                let tests = if let StmtKind::If { test, .. } = &stmt.kind {
                    Some(test)
                } else if let StmtKind::Loop { over, .. } = &stmt.kind {
                    over.as_ref()
                } else {
                    None
                };
                let Some(test) = tests else { return };
                for name in project.names_in(at, test) {
                    let tests = all.tests.entry((cluster, name)).or_default();
                    tests.push((at.file, test.span));
                }
            });
        }
        all
    }
}

/// Whether the event that a call sets is waited for or looked at anywhere else.
fn event_is_read<'r>(
    project: &Project<'_>,
    set: &Site<'_>,
    reads: &impl Fn() -> &'r Reads,
) -> bool {
    if set.call.receiver().is_none() {
        return false;
    }
    let Some(name) = project.receiver_name(set) else {
        return true;
    };
    let key = (project.cluster_of(set.at.file), name);
    reads().events.contains(&key)
}

/// Whether a flag that the handler sets is read outside of it.
fn set_and_read<'r>(
    project: &Project<'_>,
    at: FnRef,
    target: &Pattern,
    (set, reads): (Span, &impl Fn() -> &'r Reads),
) -> bool {
    let own = target
        .variable()
        .and_then(|id| project.variable(at.variable(id)))
        .is_some_and(|variable| variable.owner == at.id);
    let name = project.target_name(at, target).filter(|_| !own);
    name.is_some_and(|name| {
        let tests = reads().tests.get(&(project.cluster_of(at.file), name));
        let mut tests = tests.into_iter().flatten();
        tests.any(|(file, test)| *file != at.file || !set.holds(*test))
    })
}

/// A call of something from outside that may end the server, by its name.
fn unknown_call(project: &Project<'_>, at: FnRef) -> Option<String> {
    let mut sites = project.sites_of(at);
    let unknown = sites.find(|site| {
        site.targets.is_empty()
            && !matches!(site.role, Some(Role::Log | Role::Stdout))
            && !FREEING.contains(&site.name())
            && !only_resource(project, site)
            && !matches!(
                site.name(),
                "set" | "info" | "debug" | "warning" | "error" | "log" | "sleep"
            )
    });
    unknown.map(|site| site.name().to_owned())
}
