//! A shutdown that may wait for ever.

use std::collections::BTreeSet;

use crate::facts::{Expr, ExprKind, Span, VarId};
use crate::finding::{Followed, Ground, Severity};
use crate::link::{Fate, FnRef, Form, Hook, Project, Site, Trigger};
use crate::rules::outbound::timers;
use crate::rules::{At, Axis, Report, Rule};
use crate::vocabulary::Role;

use super::ways::Ways;

pub(in crate::rules) const RULE: Rule = Rule {
    id: "LIFE-006",
    name: "unbounded-drain",
    severity: Severity::Medium,
    axes: &[Axis::Reliability],
    cwe: &[1088, 835],
    summary: "The shutdown waits for something without a limit of time.",
    why: "A database that is mute, a browser that hangs or a call that never returns makes the shutdown wait until the orchestrator's SIGKILL, which cleans up nothing.",
    fix: "Race every wait of the shutdown with a timer, or arm one unreferenced timer that forces the exit before the orchestrator does.",
    fixtures: fixtures!("LIFE-006": ts, py, rs, go),
    check,
};

fn check(project: &Project<'_>, report: &mut Report<'_>) {
    super::unbounded_wait::look(project, report);
    let mut told: BTreeSet<(FnRef, Span)> = BTreeSet::new();
    for hook in &project.hooks {
        let stops = match hook.trigger {
            Trigger::Signal(_) | Trigger::Eof => hook.trigger.asks_to_stop(),
            Trigger::SomeSignal | Trigger::Closed | Trigger::Exit | Trigger::Crash => false,
        };
        if !stops || hook.form != Form::Callback || hook.is_of_library(project) {
            continue;
        }
        let reach = project.reach(&hook.functions);
        if is_bounded(project, &reach) {
            continue;
        }
        let ways = Ways::of(project, &hook.functions);
        for at in &reach {
            for site in project.sites_of(*at) {
                let ends =
                    waits(site) || ends_by_callback(project, site) || ends_promise(project, site);
                if !ends || has_limit(project, site) {
                    continue;
                }
                let outer = ways.outer(site);
                if told.insert((outer.at, outer.span)) {
                    tell(project, hook, site, outer, report);
                }
            }
        }
    }
}

fn tell(
    project: &Project<'_>,
    hook: &Hook<'_>,
    site: &Site<'_>,
    outer: &Site<'_>,
    report: &mut Report<'_>,
) {
    let place = |site: &Site<'_>| At {
        function: site.at,
        span: site.span,
    };
    let message = format!("the shutdown waits for `{}` without a limit", outer.name());
    let finding = report.add(place(outer), Ground::Proved(Followed::Hook), message);
    if outer.id != site.id {
        finding.via(project, place(site), "this is waited for");
    }
    let registered = At {
        function: hook.at,
        span: hook.span,
    };
    finding.via(project, registered, "on this signal");
}

/// Whether a timer or a race bounds the shutdown as a whole.
fn is_bounded(project: &Project<'_>, reach: &BTreeSet<FnRef>) -> bool {
    reach.iter().any(|at| {
        project.sites_of(*at).any(|site| {
            if site.role == Some(Role::Later) {
                return timers::ends_something(project, site);
            }
            site.role == Some(Role::Bound)
                || limits(site.name())
                || matches!(
                    site.name(),
                    "alarm" | "WithTimeout" | "WithDeadline" | "wait_for" | "setTimeout"
                )
        })
    })
}

/// Whether a name is of something with a limit of time, and not of taking one away: `clearTimeout` bounds nothing.
fn limits(name: &str) -> bool {
    let name = name.to_lowercase();
    let takes_away = ["clear", "cancel", "reset", "remove"];
    name.contains("timeout") && !takes_away.iter().any(|word| name.starts_with(word))
}

/// Whether a call closes something over a wire or process and is waited for. The SDK's own close returns at once.
fn waits(site: &Site<'_>) -> bool {
    let sdk = site
        .paths
        .iter()
        .any(|path| path.contains("modelcontextprotocol") || path.starts_with("mcp."));
    let own = !site.targets.is_empty();
    let unknown_server =
        matches!(site.name(), "close") && site.paths.iter().all(|path| path.starts_with('?'));
    site.fate == Fate::Awaited && Project::is_closing(site) && !sdk && !own && !unknown_server
}

/// `httpServer.close(() => process.exit(0))`: connections that stay open keep the exit waiting.
fn ends_by_callback(project: &Project<'_>, site: &Site<'_>) -> bool {
    let given = project.runs_of(site.id);
    super::listener::drains_http(project, site)
        && project.reach(given).iter().any(|at| {
            project
                .sites_of(*at)
                .any(|inner| matches!(inner.role, Some(Role::Exit)))
        })
}

/// `await new Promise((resolve) => httpServer.close(() => resolve()))`: the same, where the shutdown goes on after the promise.
fn ends_promise(project: &Project<'_>, site: &Site<'_>) -> bool {
    let Some(function) = project.function(site.at) else {
        return false;
    };
    let settles: Vec<VarId> = function
        .params
        .iter()
        .filter_map(|param| param.pattern.variable())
        .collect();
    let is_settled = |expr: &Expr| matches!(expr.kind, ExprKind::Var(id) if settles.contains(&id));
    if settles.is_empty() || !super::listener::drains_http(project, site) {
        return false;
    }
    let by_callback = site.call.arg(0).is_some_and(|given| {
        is_settled(given)
            || project.runs_of(site.id).iter().any(|at| {
                project
                    .sites_of(*at)
                    .any(|inner| is_settled(&inner.call.callee))
            })
    });
    let outer = function.parent.map(|id| site.at.beside(id));
    by_callback
        && outer.is_some_and(|outer| {
            project.sites_of(outer).any(|promise| {
                let given = promise.call.arg(0).map(|arg| &arg.kind);
                promise.name() == "Promise"
                    && matches!(promise.fate, Fate::Awaited | Fate::Returned)
                    && matches!(given, Some(ExprKind::Function(id)) if *id == site.at.id)
            })
        })
}

/// A limit among the arguments: `flush(5000)`, `close({ timeout: 5000 })`.
fn has_limit(project: &Project<'_>, site: &Site<'_>) -> bool {
    // Connections are ended by force where there is such a call beside it.
    let forced = project
        .sites_of(site.at)
        .any(|other| matches!(other.name(), "closeAllConnections" | "closeIdleConnections"));
    // What a listener is given is a callback.
    let takes_limit = !super::listener::drains_http(project, site);
    forced
        || site.call.args.iter().any(|arg| {
            matches!(arg.value.kind, ExprKind::Number(_) | ExprKind::Var(_)) && takes_limit
        })
        || ["timeout", "timeoutMs", "timeout_ms", "deadline"]
            .iter()
            .any(|name| site.call.option(name).is_some())
}
