//! Failures nobody caught that the process survives.

use crate::facts::{Language, StmtKind, walk};
use crate::finding::Severity;
use crate::link::{Fate, Form, Project, Trigger};
use crate::rules::{At, Axis, Report, Rule};
use crate::vocabulary::Role;

pub(in crate::rules) const RULE: Rule = Rule {
    id: "LIFE-015",
    name: "unhandled-rejection-policy",
    severity: Severity::Medium,
    axes: &[Axis::Reliability],
    cwe: &[755, 248],
    summary: "A failure that nobody caught is logged and the process goes on, or the result of a task is dropped.",
    why: "After an exception that nobody caught the state is not known: locks may be held, answers lost. A task whose result is dropped fails in silence, and Python may collect it while it runs.",
    fix: "Log it and leave through the shutdown; keep tasks in a set and look at their results.",
    fixtures: fixtures!("LIFE-015": ts, py),
    check,
};

fn check(project: &Project<'_>, report: &mut Report<'_>) {
    for hook in &project.hooks {
        if hook.trigger != Trigger::Crash
            || hook.form != Form::Callback
            || hook.functions.is_empty()
        {
            continue;
        }
        let leaves = project.reach(&hook.functions).iter().any(|at| {
            let throws = project.function(*at).is_some_and(|function| {
                let mut found = false;
                walk::stmts(&function.body, &mut |stmt| {
                    found |= matches!(stmt.kind, StmtKind::Throw(_))
                });
                found
            });
            throws
                || project.sites_of(*at).any(|site| {
                    matches!(
                        site.role,
                        Some(Role::Exit | Role::ExitUnwinding | Role::Kill)
                    ) || Project::is_closing(site)
                        || matches!(site.name(), "shutdown" | "exit" | "cleanup")
                })
        });
        if !leaves {
            let place = At {
                function: hook.at,
                span: hook.span,
            };
            report.add(place, "a failure that nobody caught is noted here and the process goes on in a state that is not known");
        }
    }
    for site in &project.sites {
        let dropped = site.role == Some(Role::Task) && site.fate == Fate::Dropped;
        if dropped && project.language(site.at.file) == Language::Python {
            let place = At {
                function: site.at,
                span: site.span,
            };
            report.add(place, "the task that is started here is dropped: its failure is silent, and it may be collected while it runs");
        }
    }
}
