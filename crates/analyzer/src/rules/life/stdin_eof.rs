//! The end of stdin does not end the server.

use std::collections::{BTreeSet, HashMap};

use crate::budget::{self, Left};
use crate::facts::{Expr, ExprKind, FnId, Language, Span, walk};
use crate::finding::{Followed, Ground, Severity, Trusted};
use crate::link::{Entry, Fate, FnRef, Guard, Project, Site, Trigger, Value};
use crate::rules::{At, Axis, Report, Rule};
use crate::vocabulary::{Kind, Role, Serving, Wire};

use super::let_go::LetGo;
use super::running_child;

pub(in crate::rules) const RULE: Rule = Rule {
    id: "LIFE-004",
    name: "stdin-eof-ignored",
    severity: Severity::High,
    axes: &[Axis::Reliability],
    cwe: &[404, 772],
    summary: "The server stays when its stdin ends, because something else keeps the process alive.",
    why: "A host that goes away closes stdin; that is all a stdio server is told. Version 1 of the TypeScript SDK does not listen for it, and version 2 closes its transport and no more: the process ends only because its event loop is empty, and a pool, a browser, a listener, a timer or a child process keeps it for ever. Hundreds of such processes on one machine are the commonest complaint of users.",
    fix: "On `end` and `close` of stdin run the same shutdown as on SIGTERM; close or `unref` what keeps the loop alive.",
    fixtures: fixtures!("LIFE-004": ts, py, rs, go),
    check,
};

/// Names, in small letters, of what stands for the process that started this one.
const PARENT: &[&str] = &["ppid", "getppid", "parentpid", "parent_pid", "parent_id"];

fn check(project: &Project<'_>, report: &mut Report<'_>) {
    super::stays::look(project, report);
    let mut judged: HashMap<u32, usize> = HashMap::new();
    let mut kept: HashMap<u32, Vec<&Site<'_>>> = HashMap::new();
    let let_go = LetGo::of(project);
    for site in project.sites() {
        if keeps_alive(project, site, &let_go) {
            let cluster = project.cluster_of(site.at.file);
            kept.entry(cluster).or_default().push(site);
        }
    }
    let is_ours = |entry: &&Entry| {
        entry.wire == Wire::Stdio
            && entry.guard == Guard::Author
            && project.language(entry.at.file) == Language::TypeScript
    };
    let asked = asked(project, project.entries.iter().filter(is_ours));
    for entry in project.entries.iter().filter(is_ours) {
        let file = entry.at.file;
        if asked.contains(&entry.at) {
            continue;
        }
        let judged = judged.entry(project.package_of(file)).or_default();
        *judged += 1;
        if *judged <= MAX_SERVERS {
            let kept = kept.get(&project.cluster_of(file));
            server(project, entry, kept.map_or(&[], Vec::as_slice), report);
        }
    }
}

/// The functions that are asked to serve stdio by one that serves it: `proxy.connect(new StdioServerTransport())` says for what
/// start the `connect` inside is, which other transports are handed to as well.
fn asked<'e>(project: &Project<'_>, entries: impl Iterator<Item = &'e Entry>) -> BTreeSet<FnRef> {
    let mut all = BTreeSet::new();
    for entry in entries {
        let mut sites = project.sites_of(entry.at);
        let asks = sites.find(|site| site.span == entry.span);
        let targets = asks.iter().flat_map(|site| &site.targets);
        all.extend(targets.filter(|target| **target != entry.at));
    }
    all
}

/// Servers of one package that are looked at.
const MAX_SERVERS: usize = 8;

/// One server of TypeScript.
fn server(project: &Project<'_>, entry: &Entry, kept: &[&Site<'_>], report: &mut Report<'_>) {
    if is_watched(project, entry) {
        return;
    }
    let handlers = project.handler_reach();
    let keeps: Vec<&Site<'_>> = kept
        .iter()
        .copied()
        .filter(|site| {
            entry.runs(site.at, site.span)
                // What a tool listens on, such as for the answer of a login, is that call's own.
                || (!is_http(site)
                    && handlers.contains(&site.at)
                    && project.same_program(entry.at.file, site.at.file))
        })
        .collect();
    if keeps.is_empty() {
        return;
    }
    let ends: Vec<_> = project
        .hooks_of(entry)
        .filter(|hook| matches!(hook.trigger, Trigger::Eof | Trigger::Closed))
        .collect();
    let ended = ends.iter().any(|hook| {
        project.reach(&hook.functions).iter().any(|at| {
            project.sites_of(*at).any(|site| {
                matches!(site.role, Some(Role::Exit))
                    || site.name() == "exit"
                    || (Project::is_closing(site)
                        && keeps.iter().any(|opened| project.may_close(site, opened)))
            })
        })
    });
    if ended {
        return;
    }
    let noticed = ends.iter().find(|hook| hook.trigger == Trigger::Eof);
    // One of a file stands for its others; what another file opens is closed there.
    let mut files = BTreeSet::new();
    for opened in keeps.iter().filter(|site| files.insert(site.at.file)) {
        let kept = At {
            function: opened.at,
            span: opened.span,
        };
        if report.has(kept) {
            continue;
        }
        let what = what(opened);
        // How long a child runs is told from where its handle is kept.
        let is_child = matches!(opened.role, Some(Role::Spawn(_)));
        let trusted = is_child.then_some(Trusted::Purpose);
        if let Some(hook) = noticed {
            let place = At {
                function: hook.at,
                span: hook.span,
            };
            report
                .add(place, Ground::Proved(Followed::Start).unless(trusted), format!("the end of stdin is noticed here, but {what} is left open and keeps the process alive"))
                .via(project, kept, "opened here");
            return;
        }
        let start = At {
            function: entry.at,
            span: entry.span,
        };
        report
            .add(kept, Ground::Proved(Followed::Start).unless(trusted), format!("{what} keeps the process alive after stdin ended, and nothing that runs then ends it"))
            .via(project, start, "stdio is served here");
    }
}

/// Whether something in the process looks at the parent and leaves when it is gone: `process.ppid === 1`,
/// `os.getppid() != parent`, `kill(parentPid, 0)`.
pub(super) fn is_watched(project: &Project<'_>, entry: &Entry) -> bool {
    entry.process.iter().any(|at| {
        let Some(function) = project.function(*at).filter(|_| at.id != FnId::MODULE) else {
            return false;
        };
        let mut asks = false;
        walk::exprs(&function.body, &mut |expr| {
            asks |= project
                .own_name(*at, expr)
                .is_some_and(|name| PARENT.contains(&name.to_lowercase().as_str()));
        });
        asks && project.reach(&[*at]).iter().any(|inner| {
            project.sites_of(*inner).any(|site| {
                matches!(
                    site.role,
                    Some(Role::Exit | Role::ExitUnwinding | Role::Kill)
                ) && site.call.arg(1).is_none_or(|signal| !is_zero(signal))
            })
        })
    })
}

/// Signal 0 only asks whether a process is there.
fn is_zero(signal: &Expr) -> bool {
    matches!(signal.kind, ExprKind::Number(number) if number == 0.0)
}

fn keeps_alive(project: &Project<'_>, site: &Site<'_>, let_go: &LetGo) -> bool {
    match site.role {
        Some(Role::Open(Kind::Pool | Kind::Browser | Kind::Listener)) => {
            // A watcher that is not persistent and a pool that may be left idle let the process go.
            let lets_go = has_option(project, site, "persistent", is_false)
                || has_option(project, site, "allowExitOnIdle", is_true);
            !lets_go && !is_let_go(project, site) && !closed_nearby(project, site)
        }
        Some(Role::Every) => !let_go.holds_timer(project, site),
        Some(Role::Spawn(_)) => running_child::keeps_loop(project, site),
        Some(_) if is_http(site) => !let_go.holds_listener(project, site),
        Some(_) | None => false,
    }
}

/// `socket.unref()`, where it is opened.
fn is_let_go(project: &Project<'_>, opened: &Site<'_>) -> bool {
    let mut sites = project.sites_of(opened.at);
    sites.any(|site| site.name() == "unref" && project.may_close(site, opened))
}

/// Whether a call listens for HTTP.
fn is_http(site: &Site<'_>) -> bool {
    site.role == Some(Role::Serve(Serving::Over(Wire::Http)))
}

fn is_true(value: &Expr) -> bool {
    matches!(value.kind, ExprKind::Bool(true))
}

fn is_false(value: &Expr) -> bool {
    matches!(value.kind, ExprKind::Bool(false))
}

/// Whether an option of a call is wanted, also where the options stand in a variable.
fn has_option(
    project: &Project<'_>,
    site: &Site<'_>,
    name: &str,
    is_wanted: fn(&Expr) -> bool,
) -> bool {
    let in_variable = || {
        let args = site.call.args.iter();
        let mut values = args.flat_map(|arg| project.values(site.at, &arg.value));
        values.any(|value| {
            matches!(value, Value::Literal(_, literal) if literal.entry(name).is_some_and(is_wanted))
        })
    };
    site.call.option(name).is_some_and(is_wanted) || in_variable()
}

/// Whether the function that opened it closes it as well, or all that get it from that function do.
fn closed_nearby(project: &Project<'_>, opened: &Site<'_>) -> bool {
    let closes = |at: FnRef, after: u32| {
        project.sites_of(at).any(|site| {
            site.span.start > after
                && Project::is_closing(site)
                && !only_if_failed(project, site, opened.span)
                && project.may_close(site, opened)
        })
    };
    // A connection that speaks by events is closed by one of them, if it is one call's own.
    let by_event = opened.role == Some(Role::Open(Kind::Listener))
        && project.handler_reach().contains(&opened.at)
        && project
            .inside(opened.at)
            .into_iter()
            .filter(|at| *at != opened.at && !project.stopping().contains(at))
            .any(|at| closes(at, opened.span.start));
    if by_event {
        return true;
    }
    if opened.at.id == FnId::MODULE {
        return false;
    }
    let callers = project.callers(opened.at);
    let by_callers = opened.fate == Fate::Returned || opened.fate == Fate::Awaited;
    closes(opened.at, opened.span.start)
        || (by_callers
            && !callers.is_empty()
            && callers
                .iter()
                .filter_map(|id| project.site(*id))
                .all(|site| site.at.id != FnId::MODULE && closes(site.at, site.span.start)))
}

/// Whether a call runs only where something failed, while the place given runs without a failure.
fn only_if_failed(project: &Project<'_>, site: &Site<'_>, opened: Span) -> bool {
    budget::on(site.at.file);
    if budget::spend_on_places(project.failures.len()) == Left::Nothing {
        return false;
    }
    project.failures.iter().any(|failure| {
        failure.at == site.at && failure.span.holds(site.span) && !failure.span.holds(opened)
    })
}

fn what(site: &Site<'_>) -> &'static str {
    match site.role {
        Some(Role::Open(Kind::Pool)) => "a pool of connections",
        Some(Role::Open(Kind::Browser)) => "a browser",
        Some(Role::Every) => "a repeating timer",
        Some(Role::Spawn(_)) => "a child process",
        Some(_) | None => "a listener",
    }
}
