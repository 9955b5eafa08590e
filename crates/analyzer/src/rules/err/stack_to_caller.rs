//! A stack trace goes to the caller of a tool.

use std::collections::HashMap;
use std::rc::Rc;

use crate::facts::{ImportItem, Language, Name, StmtKind, VarId, walk};
use crate::finding::{Severity, Surface};
use crate::link::{Failure, FnRef, Project};
use crate::rules::ground;
use crate::rules::{At, Axis, Report, Rule};

use super::flow::{Flow, Holds, Seek};
use super::http;
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

/// Errors of one function.
#[derive(Default)]
struct Caught {
    errors: Vec<VarId>,
    members: Vec<(Name, VarId)>,
    /// Rust: those whose form for debugging is a trace.
    traced: Vec<VarId>,
}

fn check(project: &Project<'_>, report: &mut Report<'_>) {
    let mut reach = project.handler_reach().clone();
    let mut caught: HashMap<FnRef, Caught> = HashMap::new();
    for failure in &project.failures {
        if project.is_handler(failure.at) || http::answers(project, failure) {
            reach.insert(failure.at);
        }
        let all = caught.entry(failure.at).or_default();
        all.errors.extend(failure.errors.iter().copied());
        all.members.extend(failure.members.iter().cloned());
        if keeps_a_trace(project, failure) {
            all.traced.extend(failure.errors.iter().copied());
        }
    }
    let (memo, nothing) = (Rc::default(), Caught::default());
    for at in reach {
        if project.surface(at.file) != Surface::Tests && !super::flow::is_module(at) {
            let caught = caught.get(&at).unwrap_or(&nothing);
            function(project, at, caught, &memo, report);
        }
    }
}

/// Rust: whether what failed is a function of the project that gives errors which keep a trace.
fn keeps_a_trace(project: &Project<'_>, failure: &Failure<'_>) -> bool {
    const KEEP: &[&str] = &["anyhow", "eyre", "color_eyre"];
    if project.language(failure.at.file) != Language::Rust {
        return false;
    }
    let mut tried = project.sites_within(failure.at, failure.guarded);
    tried.any(|site| {
        let mut targets = site.targets.iter();
        targets.any(|target| {
            let imports = project
                .file(target.file)
                .map_or(&[][..], |file| &file.imports);
            imports.iter().any(|import| {
                let from = import.source.split("::").next().unwrap_or_default();
                KEEP.contains(&from)
                    && matches!(&import.item, ImportItem::Named(name) if &**name == "Result")
            })
        })
    })
}

fn function(
    project: &Project<'_>,
    at: FnRef,
    caught: &Caught,
    memo: &Rc<Memo>,
    report: &mut Report<'_>,
) {
    let Some(function) = project.function(at) else {
        return;
    };
    let mut flow = Flow::new(project, at, Seek::Trace, &caught.errors, memo);
    flow.take_members(&caught.members);
    flow.show(caught.traced.clone());
    flow.close(super::debug::branches(project, at));
    flow.read(&function.body);
    let is_asked = project.handler_reach().contains(&at) || project.is_handler(at);
    let mut leaks = Vec::new();
    walk::stmts(&function.body, &mut |stmt| {
        let mut values = http::sent(project, at, stmt);
        if let StmtKind::Return(Some(value)) | StmtKind::Throw(Some(value)) = &stmt.kind
            && is_asked
        {
            values.push(value);
        }
        for value in values {
            if flow.holds(value) != Holds::Text {
                continue;
            }
            let source = flow.source(value);
            // A function of the project that makes the trace is blamed itself: where it does so of an error that it is given,
            // from here, as it caught nothing.
            let made_elsewhere = project
                .site_at(at, source)
                .is_some_and(|site| !site.targets.is_empty());
            if made_elsewhere {
                leaks.extend(flow.told(source));
            } else {
                leaks.push(At {
                    function: at,
                    span: source.span,
                });
            }
        }
        if let StmtKind::Expr(value) | StmtKind::Return(Some(value)) = &stmt.kind {
            let (text, places) = flow.sent(value);
            leaks.extend(places);
            leaks.extend(text.map(|text| At {
                function: at,
                span: flow.source(text).span,
            }));
        }
    });
    for at in leaks {
        report.add(
            at,
            ground::of_answer(project, at.function),
            "a stack trace goes to the caller",
        );
    }
}
