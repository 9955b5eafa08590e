//! SIGINT is handled, SIGTERM is not.

use crate::facts::Name;
use crate::finding::{Blocked, Followed, Ground, Severity};
use crate::link::{Form, Guard, Project, Trigger};
use crate::rules::{At, Axis, Report, Rule};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "LIFE-003",
    name: "sigint-only",
    severity: Severity::Medium,
    axes: &[Axis::Reliability],
    cwe: &[404],
    summary: "The server handles SIGINT and not SIGTERM.",
    why: "SIGINT comes from a terminal. Hosts, containers and init systems send SIGTERM, whose default action ends the process without any of the care that the handler takes. In Rust `ctrl_c()` is SIGINT only, whatever the message beside it says.",
    fix: "Register the same function for SIGTERM (and SIGHUP).",
    fixtures: fixtures!("LIFE-003": ts, py, rs, go),
    check,
};

fn check(project: &Project<'_>, report: &mut Report<'_>) {
    for entry in &project.entries {
        if entry.guard == Guard::Framework {
            continue;
        }
        let hooks: Vec<_> = project.hooks_of(entry).collect();
        let handles = |trigger: &Trigger| hooks.iter().any(|hook| hook.trigger == *trigger);
        if handles(&Trigger::Signal(Name::from("SIGTERM"))) {
            continue;
        }
        let interrupted = hooks.iter().filter(|hook| {
            hook.trigger.is_signal("SIGINT")
                && hook.form != Form::Ignored
                && project.is_at_start(entry, hook)
        });
        for hook in interrupted {
            let place = At {
                function: hook.at,
                span: hook.span,
            };
            let finding = report.add(place, Ground::Proved(Followed::Start), "only SIGINT is handled here: SIGTERM keeps its default action and cuts calls in flight");
            let start = At {
                function: entry.at,
                span: entry.span,
            };
            finding.via(project, start, "the server starts here");
            if handles(&Trigger::SomeSignal) {
                finding.unknown(Blocked::Signal);
            } else if let Some(import) = project.unread_shutdown(entry) {
                finding.blocked(import);
            }
        }
    }
}
