//! SIGTERM that is ignored while the server runs.

use std::collections::BTreeSet;

use crate::finding::{Followed, Ground};
use crate::link::{FnRef, Form, Hook, Project};
use crate::rules::{At, Report};

/// Python: options by which functions are given to what runs them in another process.
const IN_CHILD: &[&str] = &["preexec_fn", "initializer", "target"];

/// `signal.signal(SIGTERM, SIG_IGN)`, where it stands before the end of the server and in its own process.
pub(super) fn look(project: &Project<'_>, report: &mut Report<'_>) {
    let is_ours = |hook: &&Hook<'_>| {
        hook.form == Form::Ignored
            && hook.trigger.is_signal("SIGTERM")
            && serves_on(project, hook)
            && (!runs_at_stop(project, hook) || serves_later(project, hook))
    };
    let mut told = project.hooks.iter().filter(is_ours).peekable();
    if told.peek().is_none() {
        return;
    }
    let in_child = in_child(project);
    for hook in told.filter(|hook| !in_child.contains(&hook.at)) {
        let place = At {
            function: hook.at,
            span: hook.span,
        };
        report.add(
            place,
            Ground::Proved(Followed::Call),
            "SIGTERM is ignored here: the process can't be ended by it",
        );
    }
}

/// Whether a process that serves comes through the registration.
fn serves_on(project: &Project<'_>, hook: &Hook<'_>) -> bool {
    let mut entries = project.entries.iter();
    entries.any(|entry| entry.runs(hook.at, hook.span))
}

/// Whether the registration only keeps a second signal from the clean-up.
fn runs_at_stop(project: &Project<'_>, hook: &Hook<'_>) -> bool {
    let site = hook.site.and_then(|id| project.site(id));
    site.is_some_and(|site| project.runs_at_stop(site))
}

/// Whether the function serves after the registration: that another signal is waited for before it makes it no clean-up.
fn serves_later(project: &Project<'_>, hook: &Hook<'_>) -> bool {
    let mut entries = project.entries.iter();
    entries.any(|entry| entry.at == hook.at && entry.span.start > hook.span.end)
}

/// The functions that run in other processes.
fn in_child(project: &Project<'_>) -> BTreeSet<FnRef> {
    let mut roots = Vec::new();
    for site in project.sites() {
        for option in IN_CHILD {
            let given = site.call.option(option);
            let values = given.map(|given| project.values(site.at, given));
            let values = values.into_iter().flatten();
            roots.extend(values.filter_map(|value| value.function()));
        }
    }
    project.reach(&roots)
}
