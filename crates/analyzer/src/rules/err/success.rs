//! A failure is answered as a success.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use crate::facts::{CallForm, Expr, ExprKind, Language, Logic, Span, StmtKind, VarId, walk};
use crate::finding::{Confidence, Severity, Surface};
use crate::link::{Failure, FnRef, Project, VarRef};
use crate::rules::{At, Axis, Report, Rule};
use crate::vocabulary::words;

use super::flow::{Flow, Holds, Seek};
use super::memo::Memo;

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
            Language::Rust => made_by(failure, "success", report),
            Language::Go => made_by(failure, "NewToolResultText", report),
        }
    }
}

/// Calls from a handler down to the function whose result it gives back as its own.
const MAX_CALLS: usize = 4;

/// Words of what a function asks for when it asks whether something failed.
const FAILING: &[&str] = &[
    "error",
    "err",
    "errors",
    "exception",
    "success",
    "succeeded",
    "ok",
    "fail",
    "failed",
    "failure",
    "status",
    "isinstance",
    "typeof",
    "startswith",
    "starts",
];

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

/// What a function asks its variables, by which it may answer in another way.
#[derive(Debug, Default)]
struct Asks {
    /// Whether it has another answer for a failure.
    differs: bool,
    /// Variables that are asked whether they tell of a failure.
    failure: BTreeSet<VarId>,
    /// Variables of which a member is asked for something else.
    member: BTreeSet<VarId>,
}

impl Asks {
    fn of(project: &Project<'_>, at: FnRef) -> Self {
        let mut all = Self::default();
        let Some(function) = project.function(at) else {
            return all;
        };
        let mut tests = Vec::new();
        walk::stmts(&function.body, &mut |stmt| {
            if let StmtKind::If { test, .. } = &stmt.kind {
                tests.push(test);
            } else if let StmtKind::Match { subject, .. } = &stmt.kind {
                tests.push(subject);
            } else if let StmtKind::Throw(_) = &stmt.kind {
                all.differs = true;
            } else if let StmtKind::Return(Some(value)) = &stmt.kind {
                all.differs |= marks(value) || value.call().is_some();
            }
        });
        walk::exprs(&function.body, &mut |expr| {
            if let ExprKind::Choice(test, _, _) = &expr.kind {
                tests.push(test);
            }
        });
        for test in tests {
            all.add(project, at, test);
        }
        all
    }

    fn add(&mut self, project: &Project<'_>, at: FnRef, test: &Expr) {
        let (mut named, mut inside) = (Vec::new(), Vec::new());
        let mut failing = false;
        walk::each(test, &mut |inner| {
            if let ExprKind::Var(id) = inner.kind {
                named.push(id);
            }
            if let ExprKind::Member(object, _) = &inner.kind
                && let ExprKind::Var(id) = object.kind
            {
                inside.push(id);
            }
            failing |= asks_for(project, at, inner);
        });
        if failing {
            self.failure.extend(named);
        } else {
            self.member.extend(inside);
        }
    }

    /// Whether the answer may be another by what a variable is: a member of it is asked for, or whether it tells of a failure
    /// while there is another answer for one.
    fn is_tested(&self, id: VarId) -> bool {
        self.member.contains(&id) || (self.differs && self.failure.contains(&id))
    }
}

/// Whether a name or text in a test is about failing.
fn asks_for(project: &Project<'_>, at: FnRef, expr: &Expr) -> bool {
    let name = if let ExprKind::Str(text) = &expr.kind {
        text.to_string()
    } else if let ExprKind::Member(_, name) | ExprKind::Global(name) = &expr.kind {
        name.to_string()
    } else if let ExprKind::Var(_) = expr.kind {
        project.last_name(at, expr).unwrap_or_default()
    } else {
        return false;
    };
    words::words(&name)
        .iter()
        .any(|word| FAILING.contains(&word.as_str()))
}

fn region<'a>(
    project: &Project<'a>,
    failure: &Failure<'a>,
    gives: Gives,
    known: &mut Known,
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

/// What is asked again and again, and is known.
#[derive(Default)]
struct Known {
    memo: Rc<Memo>,
    /// Whether a function makes a result that is marked as failed.
    marking: HashMap<FnRef, bool>,
    /// Where a variable is set to a literal text about a failure.
    telling: HashMap<VarRef, Vec<Span>>,
}

impl Known {
    fn makes_a_mark(&mut self, project: &Project<'_>, at: FnRef) -> bool {
        *self.marking.entry(at).or_insert_with(|| {
            let mut found = false;
            if let Some(function) = project.function(at) {
                walk::exprs(&function.body, &mut |expr| found |= marks_here(expr));
            }
            found
        })
    }

    fn is_set_to_tell(
        &mut self,
        project: &Project<'_>,
        at: FnRef,
        id: VarId,
        region: Span,
    ) -> bool {
        let variable = at.variable(id);
        let spans = self.telling.entry(variable).or_insert_with(|| {
            let set = project.assigned(variable);
            let here = set.filter(|(from, set)| *from == at && tells(set));
            let mut spans: Vec<Span> = here.map(|(_, set)| set.span).collect();
            spans.sort_by_key(|span| span.start);
            spans
        });
        let first = spans.partition_point(|span| span.start < region.start);
        spans.get(first).is_some_and(|span| region.holds(*span))
    }
}

/// Whether a result says that it failed, in a literal text: its own, or that of what the region put into a variable of it.
fn says_error(
    project: &Project<'_>,
    failure: &Failure<'_>,
    known: &mut Known,
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
    known: &mut Known,
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
