//! Python, Go and Rust: the function that serves returns at the end of stdin, and something else keeps the process.

use crate::facts::{CallForm, ExprKind, Language, LoopKind, StmtKind, walk};
use crate::finding::{Followed, Ground, Surface};
use crate::link::{Entry, Fate, FnRef, Form, Guard, Project, Site};
use crate::rules::{At, Report};
use crate::vocabulary::{Role, Wire};

/// A thread that never ends beside Python's server; a task that serves while `main` waits for nothing but a signal.
pub(super) fn look(project: &Project<'_>, report: &mut Report<'_>) {
    let is_thread = |site: &&Site<'_>| site.role == Some(Role::Task) && site.name() == "Thread";
    let threads: Vec<&Site<'_>> = project.sites().filter(is_thread).collect();
    for entry in &project.entries {
        if entry.wire != Wire::Stdio {
            continue;
        }
        let language = project.language(entry.at.file);
        if matches!(language, Language::Go | Language::Rust) {
            super::after_serving::look(project, entry, report);
        }
        if super::stdin_eof::is_watched(project, entry) {
            continue;
        }
        match language {
            Language::TypeScript => {}
            Language::Python => keep_alive(project, entry, &threads, report),
            Language::Go | Language::Rust => alone(project, entry, report),
        }
    }
}

/// `threading.Thread(target=poll).start()` where `poll` goes round for ever and is no daemon: the interpreter waits for it.
fn keep_alive(
    project: &Project<'_>,
    entry: &Entry,
    threads: &[&Site<'_>],
    report: &mut Report<'_>,
) {
    if entry.guard == Guard::Framework {
        return;
    }
    for site in threads {
        if !entry.runs(site.at, site.span) || is_daemon(project, site) {
            continue;
        }
        let endless = site.call.option("target").is_some_and(|target| {
            project
                .values(site.at, target)
                .iter()
                .filter_map(crate::link::Value::function)
                .any(|function| goes_round(project, function))
        });
        if endless {
            let place = At {
                function: site.at,
                span: site.span,
            };
            let start = At {
                function: entry.at,
                span: entry.span,
            };
            report
                .add(place, Ground::Proved(Followed::Statements), "this thread never ends and is no daemon: it keeps the process alive after stdin ended")
                .via(project, start, "stdio is served here");
        }
    }
}

fn is_daemon(project: &Project<'_>, thread: &Site<'_>) -> bool {
    let by_option = thread
        .call
        .option("daemon")
        .is_some_and(|value| !matches!(value.kind, ExprKind::Bool(false)));
    let mut later = false;
    if let Some(function) = project.function(thread.at) {
        walk::stmts(&function.body, &mut |stmt| {
            if let StmtKind::Assign { target, .. } = &stmt.kind {
                later |= project.target_name(thread.at, target).as_deref() == Some("daemon");
            }
        });
    }
    by_option || later
}

/// An endless loop without a way out.
fn goes_round(project: &Project<'_>, at: FnRef) -> bool {
    let mut found = false;
    if let Some(function) = project.function(at) {
        walk::stmts(&function.body, &mut |stmt| {
            if let StmtKind::Loop {
                kind: LoopKind::Forever,
                body,
                ..
            } = &stmt.kind
            {
                let mut leaves = false;
                walk::stmts(body, &mut |inner| {
                    leaves |= matches!(inner.kind, StmtKind::Break | StmtKind::Return(_));
                });
                found |= !leaves;
            }
        });
    }
    found
}

/// The part that serves runs beside, says nothing when it ends, and the function that started it waits for a signal only.
fn alone(project: &Project<'_>, entry: &Entry, report: &mut Report<'_>) {
    let Some(serving) = project.site(entry.site) else {
        return;
    };
    let Some((serving, (outer, started))) = beside(project, entry, serving) else {
        return;
    };
    let waits = project
        .hooks
        .iter()
        .any(|hook| hook.form == Form::Wait && hook.at == outer && hook.trigger.asks_to_stop());
    if !waits || tells(project, entry, serving) || started.fate != Fate::Dropped {
        return;
    }
    let place = At {
        function: serving.at,
        span: serving.span,
    };
    let start = At {
        function: outer,
        span: started.span,
    };
    report
        .add(
            place,
            Ground::Proved(Followed::Statements),
            "this returns when stdin ends, and nobody notices: the process waits for a signal",
        )
        .via(project, start, "it is started beside here");
}

/// Calls between the one that serves and the one that is started beside `main`.
const MAX_WRAPPERS: usize = 3;

/// The call that serves, or the call of a function that gives back what it gives, where that is started beside another function.
fn beside<'p, 'a>(
    project: &'p Project<'a>,
    entry: &Entry,
    serving: &'p Site<'a>,
) -> Option<(&'p Site<'a>, (FnRef, &'p Site<'a>))> {
    let mut serving = serving;
    for _ in 0..MAX_WRAPPERS {
        if let Some(started) = started(project, serving) {
            return Some((serving, started));
        }
        let given_back = serving.fate == Fate::Returned && ends_without_error(project, entry);
        if !given_back || tells(project, entry, serving) {
            return None;
        }
        let callers = project.callers(serving.at).iter();
        let callers = callers.filter_map(|id| project.site(*id));
        let mut callers = callers.filter(|site| project.surface(site.at.file) != Surface::Tests);
        serving = callers.next().filter(|_| callers.next().is_none())?;
    }
    None
}

/// Whether serving gives no error at the end of stdin: in mcp-go, where `ServeStdio` and `Listen` give `nil` then.
fn ends_without_error(project: &Project<'_>, entry: &Entry) -> bool {
    let listens = project
        .site(entry.site)
        .is_some_and(|site| site.name() == "Listen");
    project.language(entry.at.file) == Language::Go && (entry.guard == Guard::Framework || listens)
}

/// The function that starts the serving part with `go` or as a task, and the call that does.
fn started<'p, 'a>(
    project: &'p Project<'a>,
    serving: &'p Site<'a>,
) -> Option<(FnRef, &'p Site<'a>)> {
    if serving.call.form == CallForm::Go {
        return Some((serving.at, serving));
    }
    let (_, function) = project.outward(serving.at).next()?;
    let outer = serving.at.beside(function.parent?);
    let site = project.sites_of(outer).find(|site| {
        let starts = site.call.form == CallForm::Go || site.role == Some(Role::Task);
        starts && site.span.holds(function.span)
    })?;
    Some((outer, site))
}

/// Whether the part that serves says that it is over: a send, a cancel, an exit after the call.
fn tells(project: &Project<'_>, entry: &Entry, serving: &Site<'_>) -> bool {
    let says = |site: &Site<'_>| {
        matches!(
            site.name(),
            "send" | "close" | "cancel" | "stop" | "Done" | "notify_one" | "notify_waiters"
        ) || matches!(site.role, Some(Role::Exit))
    };
    // What ends without an error at the end of stdin does not come to where its error is looked at.
    let only_of_error = |site: &Site<'_>| {
        ends_without_error(project, entry)
            && project.failures.iter().any(|failure| {
                failure.at == site.at
                    && failure.guarded.holds(serving.span)
                    && failure.span.holds(site.span)
            })
    };
    project.sites_of(serving.at).any(|site| {
        site.id != serving.id
            && says(site)
            && !only_of_error(site)
            && serving.call.form != CallForm::Go
    })
}
