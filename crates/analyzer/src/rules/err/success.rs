//! A failure is answered as a success.

mod known;

use std::collections::BTreeMap;

use crate::facts::{CallForm, Expr, ExprKind, Language, Logic, Pattern, Span, StmtKind, walk};
use crate::finding::{Ground, Severity, Surface, Trusted};
use crate::link::{Failure, FnRef, Project};
use crate::rules::ground;
use crate::rules::{At, Axis, Report, Rule};

use self::known::{Asks, Known};
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
    let mut known = Known::default();
    for failure in &project.failures {
        let answers = answering.get(&failure.at).copied();
        if project.surface(failure.at.file) == Surface::Tests
            || !(project.is_handler(failure.at) || answers.is_some())
        {
            continue;
        }
        match project.language(failure.at.file) {
            // Only what is itself the handler answers; a function inside it gives a value to the handler.
            Language::TypeScript | Language::Python => {
                if let Some(gives) = answers {
                    region(project, failure, gives, &mut known, report);
                }
            }
            Language::Rust => made_by(project, failure, "success", &mut known, report),
            Language::Go => made_by(project, failure, "NewToolResultText", &mut known, report),
        }
    }
}

/// Calls from a handler down to the function whose result it gives back as its own.
const MAX_CALLS: usize = 4;

/// What a function gives to the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gives {
    /// The whole result.
    Whole,
    /// Something that stands inside a larger result.
    Part,
}

/// The handlers, and the functions whose results they give back: `return await run(query)`, also inside a larger result.
fn answering(project: &Project<'_>) -> BTreeMap<FnRef, Gives> {
    let handlers = project.handlers.iter();
    let mut all: BTreeMap<FnRef, Gives> =
        handlers.map(|one| (one.function, Gives::Whole)).collect();
    let mut level: Vec<FnRef> = all.keys().copied().collect();
    for _ in 0..MAX_CALLS {
        let mut next: Vec<(FnRef, Gives)> = Vec::new();
        for at in level {
            let (Some(function), Some(own)) = (project.function(at), all.get(&at).copied()) else {
                continue;
            };
            next.extend(project.put_around(at).into_iter().map(|to| (to, own)));
            let asks = Asks::of(project, at);
            walk::stmts(&function.body, &mut |stmt| {
                if let StmtKind::Return(Some(value)) = &stmt.kind {
                    for part in parts(value) {
                        let whole = part.span == value.bare().span;
                        let gives = if whole { own } else { Gives::Part };
                        let from = from_value(project, at, &asks, part).into_iter();
                        next.extend(from.map(|to| (to, gives)));
                    }
                }
            });
        }
        level = Vec::new();
        for (to, gives) in next {
            let known = all.get(&to).copied();
            if known.is_none() || (known == Some(Gives::Part) && gives == Gives::Whole) {
                all.insert(to, gives);
                level.push(to);
            }
        }
    }
    all
}

/// What a result is made of: itself, or the values inside a larger one, unless that says itself whether it failed.
fn parts(value: &Expr) -> Vec<&Expr> {
    let value = value.bare();
    if !matches!(value.kind, ExprKind::Object(_) | ExprKind::List(_)) || marks(value) {
        return vec![value];
    }
    let mut all = Vec::new();
    walk::each(value, &mut |inner| {
        if let ExprKind::Call(_) | ExprKind::Var(_) = inner.kind {
            all.push(inner);
        }
    });
    all
}

/// The functions whose results are the value that a function gives back.
fn from_value<'a>(project: &Project<'a>, at: FnRef, asks: &Asks, value: &'a Expr) -> Vec<FnRef> {
    let Some((from, given)) = given_back(project, at, asks, value) else {
        return Vec::new();
    };
    let mut all = Vec::new();
    let mut open = Some(given);
    // `return fetchAll().then(show).catch(tell)`: what each step gives may be what comes out.
    while let Some(site) = open.and_then(|expr| project.site_at(from, expr)) {
        let is_step = matches!(site.name(), "then" | "catch" | "finally");
        // `return withConnection(async () => …)` gives what the function gives that it is handed.
        let hands_on = is_step || !site.targets.is_empty() || runs_at_once(site.name());
        let inside = project.inside(from);
        let handed = project
            .runs_of(site.id)
            .iter()
            .filter(|to| hands_on && inside.contains(to));
        all.extend(site.targets.iter().chain(handed).copied());
        open = site.call.receiver().filter(|_| is_step).map(Expr::bare);
    }
    all
}

/// Methods of libraries that run the function they are given and give back what it gives.
fn runs_at_once(name: &str) -> bool {
    matches!(
        name,
        "run" | "runExclusive" | "runInContext" | "startActiveSpan" | "withSpan" | "execute"
    )
}

/// What is given back: the value itself, or what the one variable that it is, or falls back from, was set to. A variable
/// that the function tests for a failure may be answered in another way when it tells of one.
fn given_back<'a>(
    project: &Project<'a>,
    at: FnRef,
    asks: &Asks,
    value: &'a Expr,
) -> Option<(FnRef, &'a Expr)> {
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
    if set.next().is_some() || asks.is_tested(id) {
        return None;
    }
    only.map(|(from, value)| (from, value.bare()))
}

fn region<'a>(
    project: &Project<'a>,
    failure: &Failure<'a>,
    gives: Gives,
    known: &mut Known<'a>,
    report: &mut Report<'_>,
) {
    let is_handler = project.handler(failure.at).is_some();
    let mut flow = Flow::of(project, failure, Seek::Message, &known.memo);
    flow.read(failure.body);
    let mut answers = Vec::new();
    walk::stmts(failure.body, &mut |stmt| {
        if let StmtKind::Return(Some(value)) = &stmt.kind {
            // Below a handler a text about failing may be meant for the handler; a result with `content` is for the host.
            let tells = flow.holds(value) == Holds::Text
                || (gives == Gives::Whole && is_content_list(value))
                || (is_handler && says_error(project, failure, known, value));
            if tells && !is_marked(project, failure, known, value) {
                answers.push(value.span);
            }
        }
    });
    if answers.is_empty() && gives == Gives::Whole && !is_in_loop(project, failure) {
        answers.extend(behind(project, failure, flow, known));
    }
    if let Some(span) = answers.first() {
        let at = At {
            function: failure.at,
            span: *span,
        };
        report.add(
            at,
            Ground::Likely(Trusted::Purpose),
            "the failure is answered as a normal result, without `isError`",
        );
    }
}

/// What the region put into a variable, and the function gives back behind it with nothing else.
fn behind<'a>(
    project: &Project<'a>,
    failure: &Failure<'a>,
    mut flow: Flow<'_, 'a>,
    known: &mut Known<'a>,
) -> Option<Span> {
    walk::stmts(failure.body, &mut |stmt| {
        if let StmtKind::Assign {
            target: Pattern::Var(id),
            value: Some(value),
        } = &stmt.kind
            && tells(value)
        {
            flow.mark(*id, value);
        }
    });
    flow.forget(&failure.errors);
    let asks = known.asks(project, failure.at);
    let mut places = std::mem::take(&mut known.behind);
    let found = places.first(&mut flow, failure, |flow, stmt| {
        let StmtKind::Return(Some(value)) = &stmt.kind else {
            return None;
        };
        let mut all = true;
        walk::each(value, &mut |inner| {
            if let ExprKind::Var(id) = inner.kind
                && project.assigned(failure.at.variable(id)).next().is_some()
            {
                all &= flow.holds(inner) == Holds::Text && !asks.is_tested(id);
            }
        });
        let entered = flow.entered(value, failure.span)?;
        all &= !extends(failure, value);
        (all && !is_marked(project, failure, known, value)).then_some(entered)
    });
    known.behind = places;
    found
}

/// Whether the region only adds to a variable of a value: what was there before is answered with it.
fn extends(failure: &Failure<'_>, value: &Expr) -> bool {
    let mut found = false;
    walk::stmts(failure.body, &mut |stmt| {
        if let StmtKind::Assign {
            target: Pattern::Var(id),
            value: Some(set),
        } = &stmt.kind
        {
            let names = |expr: &Expr| {
                let mut named = false;
                walk::each(expr, &mut |inner| {
                    named |= matches!(inner.kind, ExprKind::Var(one) if one == *id);
                });
                named
            };
            found |= names(set) && names(value);
        }
    });
    found
}

/// Whether the region stands in a loop, where one of many may fail.
fn is_in_loop(project: &Project<'_>, failure: &Failure<'_>) -> bool {
    let mut found = false;
    if let Some(function) = project.function(failure.at) {
        walk::around(&function.body, failure.span, &mut |stmt| {
            found |= matches!(stmt.kind, StmtKind::Loop { .. });
        });
    }
    found
}

/// `{ content: […] }` and nothing more: a whole result of its own.
fn is_content_list(value: &Expr) -> bool {
    let whole = matches!(&value.kind, ExprKind::Object(entries) if entries.iter().all(|entry| !matches!(entry.value.kind, ExprKind::Spread(_))));
    whole
        && value
            .entry("content")
            .is_some_and(|content| matches!(content.kind, ExprKind::List(_)))
}

/// A region that returns what the SDK's constructor of successful results makes, or whose text comes into one behind it.
fn made_by<'a>(
    project: &Project<'a>,
    failure: &Failure<'a>,
    name: &str,
    known: &mut Known<'a>,
    report: &mut Report<'_>,
) {
    let mut spans = Vec::new();
    walk::stmts(failure.body, &mut |stmt| {
        if let StmtKind::Return(Some(value)) | StmtKind::Value(value) = &stmt.kind
            && has_success(value, name)
        {
            spans.push(stmt.span);
        }
    });
    if spans.is_empty() && !is_in_loop(project, failure) {
        spans.extend(made_behind(project, failure, name, known));
    }
    for span in spans {
        let at = At {
            function: failure.at,
            span,
        };
        report.add(
            at,
            ground::of_answer(project, failure.at),
            "the failure is answered as a normal result, not as an error",
        );
    }
}

/// Whether a result of that name, or a plain one of Go's official SDK, is made in an expression without a mark.
fn has_success(value: &Expr, name: &str) -> bool {
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
    found
}

/// Go and Rust: the text of the error that the region puts into a variable, or is the value of, and that a successful result is made
/// of behind it.
fn made_behind<'a>(
    project: &Project<'a>,
    failure: &Failure<'a>,
    name: &str,
    known: &mut Known<'a>,
) -> Option<Span> {
    let mut flow = Flow::of(project, failure, Seek::Message, &known.memo);
    flow.read(failure.body);
    let mut given = None;
    walk::stmts(failure.body, &mut |stmt| {
        if let StmtKind::Value(value) = &stmt.kind
            && flow.holds(value) == Holds::Text
        {
            given = Some(value);
        }
    });
    if let (Some(value), Some(function)) = (given, project.function(failure.at)) {
        walk::around(&function.body, failure.span, &mut |stmt| {
            if let StmtKind::Assign {
                target: Pattern::Var(id),
                ..
            } = &stmt.kind
            {
                flow.mark(*id, value);
            }
        });
    }
    flow.forget(&failure.errors);
    let asks = known.asks(project, failure.at);
    known.behind.first(&mut flow, failure, |flow, stmt| {
        let StmtKind::Return(Some(value)) = &stmt.kind else {
            return None;
        };
        let mut tested = false;
        walk::each(value, &mut |inner| {
            tested |= matches!(inner.kind, ExprKind::Var(id) if asks.is_tested(id));
        });
        let entered = flow.entered(value, failure.span)?;
        let whole = !tested && !extends(failure, value);
        (whole && has_success(value, name)).then_some(entered)
    })
}

/// Whether a result says that it failed, in a literal text: its own, or that of what the region put into a variable of it.
fn says_error(
    project: &Project<'_>,
    failure: &Failure<'_>,
    known: &mut Known<'_>,
    value: &Expr,
) -> bool {
    let mut found = tells(value);
    walk::each(value, &mut |expr| {
        if let ExprKind::Var(id) = expr.kind {
            found = found || known.is_set_to_tell(project, failure.at, id, failure.span);
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
fn is_marked(
    project: &Project<'_>,
    failure: &Failure<'_>,
    known: &mut Known<'_>,
    value: &Expr,
) -> bool {
    if marks(value) {
        return true;
    }
    let Some(call) = value.call() else {
        return false;
    };
    let Some(site) = project.site_at(failure.at, value) else {
        return true;
    };
    let mut targets = site.targets.iter();
    let made = targets.any(|target| known.makes_a_mark(project, *target));
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
