//! A shutdown that goes on taking calls.

use std::collections::{BTreeSet, HashMap};

use crate::facts::{ExprKind, Language, Pattern, Span, StmtKind, walk};
use crate::finding::{Ground, Severity, Trusted};
use crate::link::{FnRef, Form, Hook, Project};
use crate::rules::{At, Axis, Report, Rule};
use crate::vocabulary::words;

pub(in crate::rules) const RULE: Rule = Rule {
    id: "LIFE-007",
    name: "drain-without-stop-accepting",
    severity: Severity::Medium,
    axes: &[Axis::Reliability],
    cwe: &[362],
    summary: "The shutdown goes on taking new calls: nothing closes the intake, or no code looks at the flag that should.",
    why: "A drain ends only when nothing new comes in. A flag that the dispatch of calls never reads stops nothing.",
    fix: "Refuse new calls first: read the flag where calls are dispatched, or close the listener before waiting.",
    fixtures: fixtures!("LIFE-007": ts, py, rs, go),
    check,
};

/// A flag or event that is set: where, and what it is called.
struct Flag {
    at: FnRef,
    span: Span,
    /// Where its name stands.
    start: u32,
    name: String,
}

fn check(project: &Project<'_>, report: &mut Report<'_>) {
    for hook in &project.hooks {
        if hook.form == Form::Callback && hook.trigger.asks_to_stop() {
            open_intake(project, hook, report);
        }
    }
    let mut flags = after_wait(project);
    for hook in &project.hooks {
        if hook.form != Form::Callback || !hook.trigger.asks_to_stop() {
            continue;
        }
        for at in project.reach(&hook.functions) {
            flags.extend(set_in(project, at));
        }
    }
    flags.retain(|flag| is_drain_flag(&flag.name));
    // Several handlers often set the same one: it is told once, where it is set first.
    flags.sort_by_key(|flag| (flag.at.file, flag.start));
    let mut told = BTreeSet::new();
    let uses = uses(project, &flags);
    for Flag {
        at,
        span,
        start,
        name,
    } in flags
    {
        let is_read = uses
            .get(&name)
            .is_some_and(|uses| uses.iter().any(|one| *one != (at, start)));
        if !is_read && told.insert((at.file, name.clone())) {
            let message = format!(
                "`{name}` is set on a signal and read nowhere: calls are still taken, and nothing drains"
            );
            report.add(
                At { function: at, span },
                Ground::Likely(Trusted::Name),
                message,
            );
        }
    }
}

/// Names of calls that end a timer, or write out or forget what is kept, and close nothing that calls come by.
const TIDYING: &[&str] = &[
    "clearInterval",
    "unref",
    "flush",
    "forceFlush",
    "force_flush",
    "clear",
    "free",
];

/// A wait for the calls in flight before which nothing refuses or closes.
fn open_intake(project: &Project<'_>, hook: &Hook<'_>, report: &mut Report<'_>) {
    let reach = project.reach(&hook.functions);
    for at in &reach {
        let Some(wait) = super::in_flight::first_wait(project, *at) else {
            continue;
        };
        let before = |other: FnRef, span: Span| other != *at || span.start < wait.start;
        let refuses = reach.iter().any(|other| {
            let closes = project.sites_of(*other).any(|site| {
                // What a function of the project does stands in it.
                let stops = (Project::is_closing(site)
                    && site.targets.is_empty()
                    && !TIDYING.contains(&site.name()))
                    || matches!(
                        site.name(),
                        "pause" | "off" | "removeListener" | "unlisten" | "remove_reader"
                    );
                stops && before(*other, site.span)
            });
            closes || sets_any(project, *other, |span| before(*other, span))
        });
        if refuses {
            continue;
        }
        let place = At {
            function: *at,
            span: wait,
        };
        let registered = At {
            function: hook.at,
            span: hook.span,
        };
        report
            .add(place, Ground::Likely(Trusted::Purpose), "this waits for the calls in flight while new ones are still taken: nothing refuses them before")
            .via(project, registered, "on this signal");
    }
}

/// Whether a function sets something of another function, a field or an event at a place: what calls are taken by.
fn sets_any(project: &Project<'_>, at: FnRef, is_there: impl Fn(Span) -> bool) -> bool {
    let Some(function) = project.function(at) else {
        return false;
    };
    let mut found = false;
    walk::stmts(&function.body, &mut |stmt| {
        if let StmtKind::Assign { target, .. } = &stmt.kind {
            let outer = target.variable().is_none_or(|id| {
                project
                    .variable(at.variable(id))
                    .is_some_and(|variable| variable.owner != at.id)
            });
            found |= outer && is_there(stmt.span);
        }
    });
    found
        || project
            .sites_of(at)
            .any(|site| matches!(site.name(), "set" | "emit" | "abort") && is_there(site.span))
}

/// What a function sets.
fn set_in(project: &Project<'_>, at: FnRef) -> Vec<Flag> {
    let Some(function) = project.function(at) else {
        return Vec::new();
    };
    let mut sets = Vec::new();
    walk::stmts(&function.body, &mut |stmt| {
        if let StmtKind::Assign {
            target: Pattern::Var(id),
            value: Some(value),
        } = &stmt.kind
            && matches!(value.kind, ExprKind::Bool(true))
        {
            let variable = project.variable(at.variable(*id));
            let outer = variable.filter(|variable| variable.owner != at.id);
            sets.extend(outer.map(|variable| (variable.name.to_string(), stmt.span)));
        } else if let StmtKind::Assign {
            target: Pattern::Place(place),
            value: Some(value),
        } = &stmt.kind
            && matches!(value.kind, ExprKind::Bool(true))
        {
            sets.extend(project.last_name(at, place).map(|name| (name, stmt.span)));
        }
    });
    for site in project.sites_of(at) {
        if matches!(site.name(), "set" | "store" | "notify_waiters") {
            sets.extend(project.receiver_name(site).map(|name| (name, site.span)));
        }
    }
    let flags = sets.into_iter().map(|(name, span)| Flag {
        at,
        span,
        start: span.start,
        name,
    });
    flags.collect()
}

/// Go and Rust: a flag or event that is set after the wait for a signal.
fn after_wait(project: &Project<'_>) -> Vec<Flag> {
    let mut flags = Vec::new();
    for site in project.sites() {
        let sets = match site.name() {
            "store" | "Store" => site
                .call
                .arg(0)
                .is_some_and(|value| matches!(value.kind, ExprKind::Bool(true))),
            "notify_waiters" => true,
            _ => false,
        };
        let waits = matches!(
            project.language(site.at.file),
            Language::Go | Language::Rust
        );
        if !sets || !waits || !project.runs_at_stop(site) {
            continue;
        }
        let Some(name) = project.receiver_name(site) else {
            continue;
        };
        flags.push(Flag {
            at: site.at,
            span: site.span,
            start: site.call.callee.span.start,
            name,
        });
    }
    flags
}

fn is_drain_flag(name: &str) -> bool {
    words::words(name).iter().any(|word| {
        matches!(
            word.as_str(),
            "shutdown"
                | "shutting"
                | "draining"
                | "stopping"
                | "stop"
                | "stopped"
                | "closing"
                | "terminating"
                | "exiting"
                | "drain"
        )
    })
}

/// Where the names of flags occur but where they are set: in a test, an argument, a receiver of another call.
fn uses(project: &Project<'_>, flags: &[Flag]) -> HashMap<String, Vec<(FnRef, u32)>> {
    let mut uses: HashMap<String, Vec<(FnRef, u32)>> = HashMap::new();
    for flag in flags {
        uses.entry(flag.name.clone()).or_default();
    }
    if uses.is_empty() {
        return uses;
    }
    for (at, function) in project.functions() {
        walk::stmts(&function.body, &mut |stmt| {
            let assigns = matches!(&stmt.kind, StmtKind::Assign { .. });
            walk::own_exprs(stmt, &mut |expr| {
                let name = project.own_name(at, expr);
                let Some(uses) = name.and_then(|name| uses.get_mut(name)) else {
                    return;
                };
                let is_place = assigns
                    && matches!(expr.kind, ExprKind::Member(..))
                    && stmt.span.start == expr.span.start;
                let reset = project.sites_of(at).any(|site| {
                    matches!(site.name(), "set" | "clear" | "store")
                        && site.call.callee.span.holds(expr.span)
                });
                if !is_place && !reset {
                    uses.push((at, expr.span.start));
                }
            });
        });
    }
    uses
}
