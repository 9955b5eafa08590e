//! A failure is answered as a success.

use std::collections::BTreeSet;

use crate::facts::{CallForm, Expr, ExprKind, Language, Logic, StmtKind, VarId, walk};
use crate::finding::{Confidence, Severity, Surface};
use crate::link::{Failure, FnRef, Project};
use crate::rules::{At, Axis, Report, Rule};

use super::flow::{Flow, Holds, Seek};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "ERR-004",
    name: "error-as-success",
    severity: Severity::Medium,
    axes: &[Axis::Reliability],
    cwe: &[393],
    summary: "A failure is answered as a success.",
    why: "A host decides by `isError` whether a call failed: whether it may be repeated, counted against a breaker or shown as failed. A result that only says so in its text is a success for all of them.",
    fix: "Set `isError` (`CallToolResult(isError=True)`), or raise the SDK's tool error with a public text.",
    fixtures: fixtures!("ERR-004": ts, py, rs, go),
    check,
};

/// Names of what marks a result as failed.
const MARKS: &[&str] = &["isError", "is_error", "IsError"];

fn check(project: &Project<'_>, report: &mut Report<'_>) {
    let answering = answering(project);
    for failure in &project.failures {
        if project.surface(failure.at.file) == Surface::Tests
            || !(project.is_handler(failure.at) || answering.contains(&failure.at))
        {
            continue;
        }
        match project.language(failure.at.file) {
            // Only what is itself the handler answers; a function inside it gives a value to the handler.
            Language::TypeScript | Language::Python if !answering.contains(&failure.at) => {}
            Language::TypeScript | Language::Python => region(project, failure, report),
            Language::Rust => made_by(failure, "success", report),
            Language::Go => made_by(failure, "NewToolResultText", report),
        }
    }
}

/// Calls from a handler down to the function whose result it gives back as its own.
const MAX_CALLS: usize = 2;

/// The handlers, and the functions whose results they give back as they are: `return await run(query)`.
fn answering(project: &Project<'_>) -> BTreeSet<FnRef> {
    let mut all: BTreeSet<FnRef> = project.handlers.iter().map(|one| one.function).collect();
    let mut level: Vec<FnRef> = all.iter().copied().collect();
    for _ in 0..MAX_CALLS {
        let mut next = Vec::new();
        for at in level {
            let Some(function) = project.function(at) else {
                continue;
            };
            let around = project.put_around(at).into_iter();
            next.extend(around.filter(|to| all.insert(*to)));
            walk::stmts(&function.body, &mut |stmt| {
                if let StmtKind::Return(Some(value)) = &stmt.kind
                    && let Some((from, given)) = given_back(project, at, value)
                    && let Some(site) = project.site_at(from, given)
                {
                    // `return await withConnection(async () => …)` gives what the function gives that it is handed.
                    let handed = project
                        .runs_of(site.id)
                        .iter()
                        .filter(|to| !site.targets.is_empty() && project.inside(at).contains(to));
                    let given = site.targets.iter().chain(handed).copied();
                    next.extend(given.filter(|to| all.insert(*to)));
                }
            });
        }
        level = next;
    }
    all
}

/// What is given back: the value itself, or what the one variable that it is, or falls back from, was set to. A variable
/// that the function tests may be answered in another way when it tells of a failure.
fn given_back<'a>(project: &Project<'a>, at: FnRef, value: &'a Expr) -> Option<(FnRef, &'a Expr)> {
    let value = value.bare();
    let first = if let ExprKind::Logic(Logic::Or | Logic::Coalesce, left, _) = &value.kind {
        left.bare()
    } else {
        value
    };
    let ExprKind::Var(id) = first.kind else {
        return Some((at, first));
    };
    let mut set = project.assigned(at.variable(id));
    let only = set.next().filter(|(from, _)| *from == at);
    if set.next().is_some() || is_tested(project, at, id) {
        return None;
    }
    only.map(|(from, value)| (from, value.bare()))
}

/// Whether a function decides by a variable.
fn is_tested(project: &Project<'_>, at: FnRef, id: VarId) -> bool {
    let mut found = false;
    let mut named = |expr: &Expr| {
        walk::each(expr, &mut |inner| {
            found |= matches!(inner.kind, ExprKind::Var(one) if one == id)
        });
    };
    let Some(function) = project.function(at) else {
        return true;
    };
    walk::stmts(&function.body, &mut |stmt| {
        if let StmtKind::If { test, .. } = &stmt.kind {
            named(test);
        } else if let StmtKind::Match { subject, .. } = &stmt.kind {
            named(subject);
        }
    });
    found
}

fn region<'a>(project: &Project<'a>, failure: &Failure<'a>, report: &mut Report<'_>) {
    let is_handler = project
        .handlers
        .iter()
        .any(|handler| handler.function == failure.at);
    let mut flow = Flow::new(project, failure.at, Seek::Message, &failure.errors);
    flow.read(failure.body);
    let mut answers = Vec::new();
    walk::stmts(failure.body, &mut |stmt| {
        if let StmtKind::Return(Some(value)) = &stmt.kind {
            // Below a handler a text about failing may be meant for the handler; a result with `content` is for the host.
            let tells = flow.holds(value) == Holds::Text
                || is_content_list(value)
                || (is_handler && says_error(project, failure, value));
            if tells && !is_marked(project, failure, value) {
                answers.push(value.span);
            }
        }
    });
    if let Some(span) = answers.first() {
        let at = At {
            function: failure.at,
            span: *span,
        };
        report
            .add(
                at,
                "the failure is answered as a normal result, without `isError`",
            )
            .sure(Confidence::Likely);
    }
}

/// `{ content: […] }` and nothing more: a whole result of its own.
fn is_content_list(value: &Expr) -> bool {
    let whole = matches!(&value.kind, ExprKind::Object(entries) if entries.iter().all(|entry| !matches!(entry.value.kind, ExprKind::Spread(_))));
    whole
        && value
            .entry("content")
            .is_some_and(|content| matches!(content.kind, ExprKind::List(_)))
}

/// A region that returns what the SDK's constructor of successful results makes.
fn made_by(failure: &Failure<'_>, name: &str, report: &mut Report<'_>) {
    walk::stmts(failure.body, &mut |stmt| {
        if let StmtKind::Return(Some(value)) | StmtKind::Value(value) = &stmt.kind {
            let mut found = false;
            walk::each(value, &mut |expr| {
                if let ExprKind::Call(call) = &expr.kind {
                    found |= crate::link::callee(&call.callee) == name;
                    // The official SDK of Go has a plain struct.
                    found |= call.form == CallForm::Literal
                        && crate::link::callee(&call.callee) == "CallToolResult"
                        && name == "NewToolResultText"
                        && !call.args.is_empty()
                        && !MARKS.iter().any(|mark| call.option(mark).is_some());
                }
            });
            if found {
                let at = At {
                    function: failure.at,
                    span: stmt.span,
                };
                report.add(
                    at,
                    "the failure is answered as a normal result, not as an error",
                );
            }
        }
    });
}

/// Whether a result says that it failed, in a literal text: its own, or that of what the region put into a variable of it.
fn says_error<'a>(project: &Project<'a>, failure: &Failure<'a>, value: &'a Expr) -> bool {
    let mut found = tells(value);
    walk::each(value, &mut |expr| {
        if let ExprKind::Var(id) = expr.kind {
            found |= project
                .assigned(failure.at.variable(id))
                .any(|(at, set)| at == failure.at && failure.span.holds(set.span) && tells(set));
        }
    });
    found
}

fn tells(value: &Expr) -> bool {
    let mut found = false;
    walk::each(value, &mut |expr| {
        found |= expr.text().is_some_and(|text| {
            let text = text.to_lowercase();
            text.contains("error") || text.contains("failed")
        });
    });
    found
}

/// Whether a result is marked as failed, here or in the function that makes it; one from outside that can't be read counts as marked.
fn is_marked(project: &Project<'_>, failure: &Failure<'_>, value: &Expr) -> bool {
    if marks(value) {
        return true;
    }
    let Some(call) = value.call() else {
        return false;
    };
    let Some(site) = project.site_at(failure.at, value) else {
        return true;
    };
    let made = site
        .targets
        .iter()
        .filter_map(|target| project.function(*target))
        .any(|function| {
            let mut found = false;
            walk::exprs(&function.body, &mut |expr| found |= marks_here(expr));
            found
        });
    let foreign = site.targets.is_empty()
        && !matches!(&call.callee.kind, ExprKind::Global(_))
        && !is_content(site.name());
    made || foreign
}

fn is_content(name: &str) -> bool {
    matches!(
        name,
        "TextContent" | "ToolResult" | "str" | "dumps" | "format" | "stringify" | "CallToolResult"
    )
}

fn marks(value: &Expr) -> bool {
    let mut found = false;
    walk::each(value, &mut |expr| found |= marks_here(expr));
    found
}

fn marks_here(expr: &Expr) -> bool {
    if let ExprKind::Object(entries) = &expr.kind {
        entries
            .iter()
            .any(|entry| entry.key.as_deref().is_some_and(|key| MARKS.contains(&key)))
    } else if let ExprKind::Call(call) = &expr.kind {
        call.args.iter().any(|arg| {
            arg.name
                .as_deref()
                .is_some_and(|name| MARKS.contains(&name))
        })
    } else {
        false
    }
}
