//! Asynchronous work where the process is already leaving.

use crate::facts::{Language, Mode};
use crate::finding::{Followed, Ground, Severity, Trusted};
use crate::link::{Fate, Project, Site, Trigger};
use crate::rules::{At, Axis, Report, Rule};
use crate::vocabulary::{Kind, Role, role};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "LIFE-010",
    name: "async-work-in-exit-hook",
    severity: Severity::High,
    axes: &[Axis::Reliability],
    cwe: &[404],
    summary: "An exit hook starts asynchronous work, which never runs.",
    why: "Hooks for the exit run when the event loop has ended: what they await, schedule or send is dropped in silence.",
    fix: "Do it on the signal and at the end of stdin, before the exit; an exit hook may only do what is done when it returns.",
    fixtures: fixtures!("LIFE-010": ts, py),
    check,
};

fn check(project: &Project<'_>, report: &mut Report<'_>) {
    for hook in project
        .hooks
        .iter()
        .filter(|hook| hook.trigger == Trigger::Exit)
    {
        for at in &hook.functions {
            let Some(function) = project.function(*at) else {
                continue;
            };
            let waits = project.sites_of(*at).any(|site| {
                site.fate == Fate::Awaited
                    || matches!(site.role, Some(Role::Later))
                    || site.name() == "then"
            });
            let calls_async = project.sites_of(*at).any(|site| {
                site.fate == Fate::Dropped
                    && site.targets.iter().any(|target| {
                        project
                            .function(*target)
                            .is_some_and(|called| called.mode == Mode::Async)
                    })
            });
            let closes = project
                .sites_of(*at)
                .any(|site| closes_later(project, site));
            let is_async = function.mode == Mode::Async && !function.body.is_empty();
            if is_async || waits || calls_async || closes {
                let place = At {
                    function: hook.at,
                    span: hook.span,
                };
                let ground = if is_async || waits || calls_async {
                    Ground::Proved(Followed::Hook)
                } else {
                    Ground::Likely(Trusted::Library)
                };
                report
                    .add(
                        place,
                        ground,
                        "this exit hook does asynchronous work, which the exit does not wait for",
                    )
                    .via(
                        project,
                        At {
                            function: *at,
                            span: function.span,
                        },
                        "the hook",
                    );
            }
        }
    }
}

/// Methods by which the clients of databases of Node say goodbye over the wire. Those that only drop the socket are done when they return.
const GOODBYES: &[&str] = &["end", "close", "quit", "$disconnect"];

/// The one that has no wire.
const IN_PROCESS: &str = "better-sqlite3";

/// Whether a call closes a pool of connections, or one, which is asynchronous even where nobody waits for it.
fn closes_later(project: &Project<'_>, site: &Site<'_>) -> bool {
    let language = project.language(site.at.file);
    let is_of_pool = |path: &str| {
        let made = path.rsplit_once("()").map_or("", |(made, _)| made);
        role(language, made) == Some(Role::Open(Kind::Pool)) && !made.starts_with(IN_PROCESS)
    };
    language == Language::TypeScript
        && GOODBYES.contains(&site.name())
        && site.paths.iter().any(|path| is_of_pool(path))
}
