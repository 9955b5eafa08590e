//! A stack trace goes to the caller of a tool.

use std::collections::HashMap;
use std::rc::Rc;

use crate::facts::{StmtKind, VarId, walk};
use crate::finding::{Confidence, Severity, Surface};
use crate::link::{FnRef, Project};
use crate::rules::{At, Axis, Report, Rule};

use super::flow::{Flow, Holds, Seek};
use super::memo::Memo;

pub(in crate::rules) const RULE: Rule = Rule {
    id: "ERR-001",
    name: "stack-to-caller",
    severity: Severity::High,
    axes: &[Axis::Security],
    cwe: &[209, 497],
    summary: "A stack trace goes to the caller.",
    why: "A trace names every file, function and library on the way to the failure, with paths of the machine and often values. It tells an attacker what to try next and tells the model nothing that helps.",
    fix: "Log the trace with a reference, and give the caller a fixed text with that reference.",
    fixtures: fixtures!("ERR-001": ts, py, rs, go),
    check,
};

fn check(project: &Project<'_>, report: &mut Report<'_>) {
    let mut reach = project.handler_reach().clone();
    reach.extend(
        project
            .failures
            .iter()
            .map(|failure| failure.at)
            .filter(|at| project.is_handler(*at)),
    );
    let mut errors: HashMap<FnRef, Vec<VarId>> = HashMap::new();
    for failure in &project.failures {
        let all = errors.entry(failure.at).or_default();
        all.extend(failure.errors.iter().copied());
    }
    let memo = Rc::default();
    for at in reach {
        if project.surface(at.file) != Surface::Tests && !super::flow::is_module(at) {
            let errors = errors.get(&at).map_or(&[][..], Vec::as_slice);
            function(project, at, errors, &memo, report);
        }
    }
}

fn function(
    project: &Project<'_>,
    at: FnRef,
    errors: &[VarId],
    memo: &Rc<Memo>,
    report: &mut Report<'_>,
) {
    let Some(function) = project.function(at) else {
        return;
    };
    let mut flow = Flow::new(project, at, Seek::Trace, errors, memo);
    flow.close(super::debug::branches(project, at));
    flow.read(&function.body);
    let mut leaks = Vec::new();
    walk::stmts(&function.body, &mut |stmt| {
        if let StmtKind::Return(Some(value)) | StmtKind::Throw(Some(value)) = &stmt.kind
            && flow.holds(value) == Holds::Text
        {
            let source = flow.source(value);
            // A function of the project that makes the trace is blamed itself.
            let made_elsewhere = project
                .site_at(at, source)
                .is_some_and(|site| !site.targets.is_empty());
            if !made_elsewhere {
                leaks.push(source.span);
            }
        }
    });
    for span in leaks {
        let finding = report.add(
            At { function: at, span },
            "a stack trace goes to the caller",
        );
        if !project.is_handler(at) {
            finding.sure(Confidence::Likely);
        }
    }
}
