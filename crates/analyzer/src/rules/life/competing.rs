//! Several handlers of one signal, of which one exits at once.

use std::collections::{BTreeMap, HashMap};

use crate::facts::Mode;
use crate::finding::{Followed, Ground, Severity};
use crate::link::{Fate, Form, Hook, Project, Trigger};
use crate::rules::{At, Axis, Report, Rule};
use crate::vocabulary::Role;

use super::processes::Processes;

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
        let working = Working::of(project, hooks);
        for hook in hooks.iter().filter(|hook| exits_at_once(project, hook)) {
            if let Some(other) = working.beside(project, hook) {
                report
                    .add(At { function: hook.at, span: hook.span }, Ground::Proved(Followed::Hook), "this handler exits at once, before another handler of the same signal has done its work")
                    .via(project, At { function: other.at, span: other.span }, "the other handler");
            }
        }
    }
}

/// Handlers that wait for something, by the places that serve in whose processes they are registered.
struct Working<'p, 'h> {
    processes: Processes,
    by_entry: HashMap<usize, First<'p, 'h>>,
    /// Those that a call registers, whoever serves it.
    by_call: First<'p, 'h>,
    /// All of them.
    all: First<'p, 'h>,
}

/// The first two of some handlers by their order: one of the two is another than the one that is asked about.
type First<'p, 'h> = Vec<(usize, &'p Hook<'h>)>;

impl<'p, 'h> Working<'p, 'h> {
    fn of(project: &Project<'_>, hooks: &[&'p Hook<'h>]) -> Self {
        let mut working = Self {
            processes: Processes::of(project, hooks.iter().copied()),
            by_entry: HashMap::new(),
            by_call: Vec::new(),
            all: Vec::new(),
        };
        for (order, hook) in hooks.iter().copied().enumerate() {
            if !works_async(project, hook) {
                continue;
            }
            if project.handler_reach().contains(&hook.at) {
                keep(&mut working.by_call, order, hook);
                keep(&mut working.all, order, hook);
                continue;
            }
            let places: Vec<usize> = working.processes.with(project, hook).collect();
            for place in &places {
                keep(working.by_entry.entry(*place).or_default(), order, hook);
            }
            if !places.is_empty() {
                keep(&mut working.all, order, hook);
            }
        }
        working
    }

    /// The first other handler that runs in a process with this one.
    fn beside(&self, project: &Project<'_>, hook: &Hook<'_>) -> Option<&'p Hook<'h>> {
        let by_call = project.handler_reach().contains(&hook.at);
        let places: Vec<usize> = self.processes.with(project, hook).collect();
        if project.entries.is_empty() || (!by_call && places.is_empty()) {
            return None;
        }
        let of_entries = places.iter().filter_map(|place| self.by_entry.get(place));
        let all = by_call.then_some(&self.all).into_iter();
        let others = of_entries.chain([&self.by_call]).chain(all).flatten();
        let others = others.filter(|(_, other)| other.span != hook.span);
        others
            .min_by_key(|(order, _)| *order)
            .map(|(_, other)| *other)
    }
}

fn keep<'p, 'h>(first: &mut First<'p, 'h>, order: usize, hook: &'p Hook<'h>) {
    if first.len() < 2 && first.iter().all(|(_, known)| known.span != hook.span) {
        first.push((order, hook));
    }
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
