//! Several handlers of one signal, of which one exits at once.

use std::collections::BTreeMap;

use crate::facts::Mode;
use crate::finding::Severity;
use crate::link::{Fate, Form, Hook, Project, Trigger};
use crate::rules::{At, Axis, Report, Rule};
use crate::vocabulary::Role;

pub(in crate::rules) const RULE: Rule = Rule {
    id: "LIFE-016",
    name: "competing-handlers",
    severity: Severity::Medium,
    axes: &[Axis::Reliability],
    cwe: &[362, 404],
    summary: "Several handlers are registered for one signal, and one of them exits at once.",
    why: "All handlers of a signal run, one after the other. The first that exits ends the process under the others: their closing and flushing never happens.",
    fix: "Register one handler that calls the others' work in order and exits when it is done.",
    fixtures: fixtures!("LIFE-016": ts),
    check,
};

fn check(project: &Project<'_>, report: &mut Report<'_>) {
    let mut by_signal: BTreeMap<&Trigger, Vec<&Hook<'_>>> = BTreeMap::new();
    for hook in &project.hooks {
        if hook.form == Form::Callback && matches!(hook.trigger, Trigger::Signal(_)) {
            by_signal.entry(&hook.trigger).or_default().push(hook);
        }
    }
    for hooks in by_signal.values() {
        for hook in hooks {
            let together = hooks.iter().find(|other| {
                other.span != hook.span
                    && in_one_process(project, hook, other)
                    && works_async(project, other)
            });
            if let (true, Some(other)) = (exits_at_once(project, hook), together) {
                report
                    .add(At { function: hook.at, span: hook.span }, "this handler exits at once, before another handler of the same signal has done its work")
                    .via(project, At { function: other.at, span: other.span }, "the other handler");
            }
        }
    }
}

fn in_one_process(project: &Project<'_>, one: &Hook<'_>, other: &Hook<'_>) -> bool {
    let handlers = project.handler_reach();
    let runs = |entry: &crate::link::Entry, hook: &Hook<'_>| {
        entry.runs(hook.at, hook.span) || handlers.contains(&hook.at)
    };
    project
        .entries
        .iter()
        .any(|entry| runs(entry, one) && runs(entry, other))
}

/// An exit in a handler that waits for nothing before it.
fn exits_at_once(project: &Project<'_>, hook: &Hook<'_>) -> bool {
    hook.functions.iter().any(|at| {
        let is_sync = project
            .function(*at)
            .is_some_and(|function| function.mode == Mode::Sync);
        let exits = project
            .sites_of(*at)
            .any(|site| matches!(site.role, Some(Role::Exit)));
        is_sync && exits && !project.is_timer(*at)
    })
}

fn works_async(project: &Project<'_>, hook: &Hook<'_>) -> bool {
    project
        .reach(&hook.functions)
        .iter()
        .any(|at| project.sites_of(*at).any(|site| site.fate == Fate::Awaited))
}
