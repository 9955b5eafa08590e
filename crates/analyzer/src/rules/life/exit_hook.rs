//! Asynchronous work where the process is already leaving.

use crate::facts::Mode;
use crate::finding::Severity;
use crate::link::{Fate, Project, Trigger};
use crate::rules::{At, Axis, Report, Rule};
use crate::vocabulary::Role;

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
            let is_async = function.mode == Mode::Async && !function.body.is_empty();
            if is_async || waits || calls_async {
                let place = At {
                    function: hook.at,
                    span: hook.span,
                };
                report
                    .add(
                        place,
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
