//! Child processes that outlive the server.

use crate::facts::{Expr, ExprKind, Mode, Pattern, StmtKind, walk};
use crate::finding::{Severity, Trusted};
use crate::link::{ClassRef, Fate, FnRef, Guard, Project, Site};
use crate::rules::ground;
use crate::rules::{At, Axis, Report, Rule};
use crate::vocabulary::{Child, Kind, Role, role, words};

use super::for_one_call::{Stops, ends_another};
use super::given_back;
use super::running_child::is_ended_by_interrupt_only;

pub(in crate::rules) const RULE: Rule = Rule {
    id: "LIFE-011",
    name: "child-not-killed",
    severity: Severity::High,
    axes: &[Axis::Reliability],
    cwe: &[772, 404],
    summary: "A child process or browser is left behind when the server stops.",
    why: "A child does not end with its parent. It keeps its memory, its port and whatever it was changing, and nobody knows of it any more.",
    fix: "Keep every child in a set; at shutdown close its input, send SIGTERM to its group, wait with a limit, then SIGKILL and reap.",
    fixtures: fixtures!("LIFE-011": ts, py, rs, go),
    check,
};

/// How long a child is meant to run.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lives {
    /// After the call that started it.
    On,
    /// For one call.
    ForOneCall,
}

fn check(project: &Project<'_>, report: &mut Report<'_>) {
    let handlers = project.handler_reach();
    let stops = Stops::of(project);
    for site in project.sites() {
        let (message, lives) = match site.role {
            _ if opens_browser(project, site) && is_kept(project, site) => (
                "the browser that is started here is not closed when the server is asked to stop",
                Lives::On,
            ),
            Some(Role::Spawn(Child::Handle)) if is_kept(project, site) => (
                "the child that is started here is not ended when the server is asked to stop",
                Lives::On,
            ),
            Some(Role::Spawn(Child::Blocking))
                if handlers.contains(&site.at) && blocks(project, site, &stops) =>
            {
                (
                    "this child is waited for with the process blocked: a signal ends the server and leaves the child running",
                    Lives::ForOneCall,
                )
            }
            Some(Role::Spawn(Child::Handle | Child::Awaited))
                if handlers.contains(&site.at) && stops.leave(site) =>
            {
                (
                    "this child is waited for and nothing ends it at a stop: a signal ends the server and leaves the child running",
                    Lives::ForOneCall,
                )
            }
            Some(_) | None => continue,
        };
        let runs = handlers.contains(&site.at)
            || project.stopping().contains(&site.at)
            || project
                .entries
                .iter()
                .any(|entry| entry.runs(site.at, site.span));
        if !runs || ends_another(site) || shows(project, site) || served_by_framework(project, site)
        {
            continue;
        }
        let ended = project.closed_at_stop(site)
            || closed_by_name(project, site, |closing| project.runs_at_stop(closing));
        let interrupted = ended && lives == Lives::On && is_ended_by_interrupt_only(project, site);
        if ended && !interrupted {
            continue;
        }
        let message = if interrupted {
            "the child that is started here is ended on SIGINT alone: SIGTERM ends the server and leaves it running"
        } else {
            message
        };
        let finding = report.add(
            At {
                function: site.at,
                span: site.span,
            },
            ground::of_stop(project, site.at.file),
            message,
        );
        if let Some(import) = project.unread_closing(site) {
            finding.blocked(import);
            continue;
        }
        if lives == Lives::ForOneCall {
            finding.weigh(Severity::Medium).trusts(Trusted::Reach);
        }
        let hook = project
            .hooks
            .iter()
            .find(|hook| hook.trigger.asks_to_stop());
        if let Some(hook) = hook {
            finding.via(
                project,
                At {
                    function: hook.at,
                    span: hook.span,
                },
                if interrupted {
                    "this runs on SIGINT and ends it; nothing runs on SIGTERM"
                } else {
                    "this runs at a stop and does not end it"
                },
            );
        }
    }
}

/// Whether a call starts a browser: by a library, or by a class of the author's that is one of the library's.
fn opens_browser(project: &Project<'_>, site: &Site<'_>) -> bool {
    let is_browser = |role: Option<Role>| role == Some(Role::Open(Kind::Browser));
    let is_derived = |class: &ClassRef| {
        let bases = project.class(*class).map_or(&[][..], |class| &class.bases);
        let module = FnRef::module(class.file);
        let mut paths = bases.iter().flat_map(|base| project.paths(module, base));
        paths.any(|path| is_browser(role(project.language(class.file), &path)))
    };
    is_browser(site.role) || site.makes.iter().any(is_derived)
}

/// Whether what a class of the author's made is closed by such a call on the name that it is kept under.
fn closed_by_name(
    project: &Project<'_>,
    opened: &Site<'_>,
    counts: impl Fn(&Site<'_>) -> bool,
) -> bool {
    let Some(function) = project
        .function(opened.at)
        .filter(|_| !opened.makes.is_empty())
    else {
        return false;
    };
    let (mut names, mut own) = (kept_under(project, opened), false);
    walk::stmts(&function.body, &mut |stmt| {
        if let StmtKind::Assign {
            target: Pattern::Var(id),
            value: Some(value),
        } = &stmt.kind
            && value.span.holds(opened.span)
        {
            let variable = project.variable(opened.at.variable(*id));
            own = variable.is_some_and(|variable| variable.owner == opened.at.id);
        }
    });
    // What the function gives back may be closed by who asked for it.
    if own {
        let callers = project.callers(opened.at).iter();
        let callers = callers.filter_map(|id| project.site(*id));
        names.extend(callers.flat_map(|caller| kept_under(project, caller)));
    }
    project.sites_beside(opened.at.file).any(|site| {
        let on = project.receiver_name(site);
        Project::is_closing(site) && on.is_some_and(|on| names.contains(&on)) && counts(site)
    })
}

/// The names of the variables and fields that what a call gives is put into.
pub(super) fn kept_under(project: &Project<'_>, site: &Site<'_>) -> Vec<String> {
    let mut names = Vec::new();
    if let Some(function) = project.function(site.at) {
        walk::stmts(&function.body, &mut |stmt| {
            if let StmtKind::Assign {
                target,
                value: Some(value),
            } = &stmt.kind
                && value.span.holds(site.span)
            {
                target.each_leaf(&mut |leaf| names.extend(project.target_name(site.at, leaf)));
            }
        });
    }
    names
}

/// A browser or viewer that is opened for the user ends when the user closes it.
fn shows(project: &Project<'_>, site: &Site<'_>) -> bool {
    let Some(function) = project.function(site.at) else {
        return false;
    };
    let words = words::words(&function.name);
    let named =
        words.iter().any(|word| word == "open") && words.iter().any(|word| word == "browser");
    let mut opens = false;
    walk::exprs(&function.body, &mut |expr| {
        opens |= expr
            .text()
            .is_some_and(|text| matches!(&**text, "xdg-open" | "rundll32" | "explorer.exe"));
        if let ExprKind::Join(parts) = &expr.kind {
            opens |= parts
                .iter()
                .filter_map(Expr::text)
                .any(|text| text.contains("webbrowser.open"));
        }
    });
    matches!(site.role, Some(Role::Spawn(_))) && (named || opens)
}

/// Whether all that serves in the program of a call handles signals by itself, or nothing serves.
fn served_by_framework(project: &Project<'_>, site: &Site<'_>) -> bool {
    project
        .entries
        .iter()
        .filter(|entry| project.same_program(entry.at.file, site.at.file))
        .all(|entry| entry.guard == Guard::Framework && !ends_serving_only(project, entry))
}

/// What serves Go's stdio stops serving on a signal, and leaves everything else to the author.
fn ends_serving_only(project: &Project<'_>, entry: &crate::link::Entry) -> bool {
    project.language(entry.at.file) == crate::facts::Language::Go
}

/// A blocking wait inside an asynchronous handler; in Python also where no handler of SIGTERM is: the default action
/// ends the interpreter alone.
fn blocks(project: &Project<'_>, site: &Site<'_>, stops: &Stops<'_, '_>) -> bool {
    let is_python = project.language(site.at.file) == crate::facts::Language::Python;
    if is_python && !stops.are_handled(site) {
        return true;
    }
    let is_async = |function: &crate::facts::Function| function.mode == Mode::Async;
    if project
        .outward(site.at)
        .any(|(_, function)| is_async(function))
    {
        return true;
    }
    project.callers(site.at).iter().any(|id| {
        project
            .site(*id)
            .and_then(|caller| project.function(caller.at))
            .is_some_and(is_async)
    })
}

/// Whether the handle outlives the call: it is stored, given back, or dropped while the child runs.
pub(super) fn is_kept(project: &Project<'_>, site: &Site<'_>) -> bool {
    if is_let_go(project, site) {
        return false;
    }
    if site.fate == Fate::Dropped {
        return true;
    }
    // Whoever waits for its end in the same function keeps it for one call only.
    let waited = project
        .inside(site.at)
        .iter()
        .chain(std::iter::once(&site.at))
        .any(|at| {
            project.sites_of(*at).any(|other| {
                let event = other.call.arg(0).and_then(crate::facts::Expr::text);
                // `await once(child, "exit")`.
                let awaits_event = other.name() == "once"
                    && other.fate == Fate::Awaited
                    && other
                        .call
                        .arg(1)
                        .and_then(crate::facts::Expr::text)
                        .is_some_and(|event| matches!(&**event, "close" | "exit"));
                let listens = matches!(other.name(), "on" | "once")
                    && event.is_some_and(|event| matches!(&**event, "close" | "exit"));
                let settles = listens
                    && other
                        .call
                        .arg(1)
                        .is_some_and(|value| settles(project, *at, value));
                settles
                    || awaits_event
                    || (matches!(
                        other.name(),
                        "wait"
                            | "communicate"
                            | "Wait"
                            | "Output"
                            | "CombinedOutput"
                            | "wait_with_output"
                            | "status"
                            | "output"
                    ) && other.span.start > site.span.start)
            })
        });
    // So does a function that gets the child and waits for it: `await communicate(process)`.
    let handed_on = project.sites_of(site.at).any(|other| {
        other.span.start > site.span.start
            && !other.targets.is_empty()
            && project.language(site.at.file) == crate::facts::Language::Python
            && project.reach(&other.targets).iter().any(|at| {
                project
                    .sites_of(*at)
                    .any(|inner| matches!(inner.name(), "wait" | "communicate"))
            })
    });
    // `try { … } finally { child.kill() }` ends it with the call, as the end of a `with` does.
    let ended = project.sites_of(site.at).any(|other| {
        Project::is_closing(other) && project.is_cleanup(other) && project.may_close(other, site)
    }) || closed_by_name(project, site, |closing| project.is_cleanup(closing))
        || given_back::ended_by_callers(project, site);
    let ended = ended && project.handler_reach().contains(&site.at);
    !waited && !handed_on && !ended && !is_scoped(project, site)
}

/// Whether a child is let go on purpose: it has a life of its own.
pub(super) fn is_let_go(project: &Project<'_>, site: &Site<'_>) -> bool {
    let detached = site.call.option("detached");
    detached.is_some_and(|value| matches!(value.kind, ExprKind::Bool(true)))
        && project
            .sites_of(site.at)
            .any(|other| other.name() == "unref")
}

/// Whether the end of a `with` waits for it.
fn is_scoped(project: &Project<'_>, site: &Site<'_>) -> bool {
    let mut found = false;
    if let Some(function) = project.function(site.at) {
        walk::stmts(&function.body, &mut |stmt| {
            if let StmtKind::With { resources, .. } = &stmt.kind {
                found |= resources
                    .iter()
                    .any(|resource| resource.value.span.holds(site.span));
            }
        });
    }
    found
}

/// Whether a listener ends a promise: it calls a parameter of the function around it.
fn settles<'a>(
    project: &Project<'a>,
    at: crate::link::FnRef,
    value: &'a crate::facts::Expr,
) -> bool {
    if let ExprKind::Var(_) = &value.kind
        && project
            .last_name(at, value)
            .is_some_and(|name| matches!(name.as_str(), "resolve" | "done" | "callback" | "cb"))
    {
        return true;
    }
    project.values(at, value).into_iter().any(|value| {
        if let crate::link::Value::Function(function) = value {
            project.reach(&[function]).iter().any(|inner| {
                project.sites_of(*inner).any(|site| {
                    matches!(site.call.callee.kind, ExprKind::Var(_))
                        && matches!(
                            project.last_name(*inner, &site.call.callee).as_deref(),
                            Some(
                                "resolve"
                                    | "done"
                                    | "res"
                                    | "callback"
                                    | "cb"
                                    | "finish"
                                    | "settle"
                            )
                        )
                })
            })
        } else {
            false
        }
    })
}
