//! The text of an error goes to the caller of a tool.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::facts::{Expr, Language, Span, Stmt, StmtKind, walk};
use crate::finding::{Followed, Ground, Severity, Surface, Trusted};
use crate::link::{Failure, FnRef, Project, Value};
use crate::rules::{At, Axis, Report, Rule, effects};
use crate::vocabulary::Role;

use super::answers::Answers;
use super::behind::Behind;
use super::caught::Catches;
use super::escape::Escapes;
use super::expected;
use super::flow::{Flow, Holds, Seek};
use super::http;
use super::masked::Masks;
use super::memo::Memo;
use super::own::Origins;
use super::results;
use super::rising::Rising;

pub(in crate::rules) const RULE: Rule = Rule {
    id: "ERR-002",
    name: "message-to-caller",
    severity: Severity::Medium,
    axes: &[Axis::Security],
    cwe: &[209],
    summary: "The text of an error goes to the caller as it is.",
    why: "Messages of drivers, clients and the system name paths, hosts, statements, parameters and versions. What a tool returns, and in most SDKs what it throws, is read by a model and often kept; whoever can call the tool can ask for such texts on purpose.",
    fix: "Log the error with a reference, and give the caller a text from a fixed map with that reference.",
    fixtures: fixtures!("ERR-002": ts, py, rs, go),
    check,
};

/// Exceptions whose text every SDK passes on, wherever they are raised.
const PASSED_ON: &[&str] = &[
    "ToolError",
    "McpError",
    "MCPError",
    "ResourceError",
    "FastMCPError",
];

/// Classes above that of an error that are looked at.
const MAX_BASES: usize = 4;

/// What is said of a function that makes the text.
const CONVERTED: &str =
    "the text of every error that is converted here goes to the caller as it is";

/// Where functions take the text out of errors, each with a region that hands it one.
type Taken = BTreeMap<(FnRef, u32), (Span, At)>;

fn check(project: &Project<'_>, report: &mut Report<'_>) {
    let reach = project.handler_reach();
    let memo = Rc::default();
    let ways = Ways {
        text: Escapes::of(project, |failure| {
            expected::is_all(project, failure) || super::again::goes_on(project, failure, &memo)
        }),
        error: Escapes::of(project, |failure| expected::is_all(project, failure)),
        catches: Catches::of(project, |failure| expected::is_all(project, failure)),
        masks: Masks::of(project),
    };
    let mut taken = BTreeMap::new();
    let mut telling = Vec::new();
    let mut origins = Origins::default();
    let mut behind = Behind::default();
    for failure in &project.failures {
        let is_asked = reach.contains(&failure.at)
            || project.is_handler(failure.at)
            || project.asks_dispatcher(failure.at);
        if !is_asked && !http::answers(project, failure) {
            continue;
        }
        if project.surface(failure.at.file) == Surface::Tests
            || expected::is_all(project, failure)
            || origins.are_own(project, failure)
            || super::arguments::is_about(project, failure)
        {
            continue;
        }
        let known = taken.len();
        let told = region(
            project,
            failure,
            &ways,
            &memo,
            &mut behind,
            &mut taken,
            report,
        );
        if told == Told::Here || taken.len() > known {
            telling.push(failure);
        }
    }
    for ((at, _), (span, caught)) in taken {
        let place = At { function: at, span };
        report
            .add(place, Ground::Likely(Trusted::Reach), CONVERTED)
            .via(project, caught, "one of the errors that are handed over");
    }
    conversions(project, &memo, report);
    made_by_path(project, report);
    let answers = Answers {
        ways: &ways,
        rising: Rising::of(project, &telling),
        memo,
    };
    answers.check(project, report);
}

/// Rust: `impl From<Error> for McpError` that takes the text over: every `?` of a handler goes through it.
fn conversions(project: &Project<'_>, memo: &Rc<Memo>, report: &mut Report<'_>) {
    for (at, function) in project.functions() {
        let converts = project.language(at.file) == Language::Rust
            && function.class.is_some()
            && &*function.name == "from"
            && project.surface(at.file) == Surface::Runtime;
        let error = function
            .params
            .first()
            .and_then(|param| param.pattern.variable());
        let Some(error) = error.filter(|_| converts) else {
            continue;
        };
        let mut flow = Flow::new(project, at, Seek::Message, &[error], memo);
        flow.read(&function.body);
        walk::stmts(&function.body, &mut |stmt| {
            if let StmtKind::Return(Some(value)) = &stmt.kind
                && results::makes(project, at, memo, value)
                && flow.holds(value) == Holds::Text
            {
                let place = At {
                    function: at,
                    span: flow.source(value).span,
                };
                report.add(place, Ground::Likely(Trusted::Reach), CONVERTED);
            }
        });
    }
}

/// Rust: `.map_err(CallToolError::new)` in a handler: the error becomes one of the protocol with all that it says.
fn made_by_path(project: &Project<'_>, report: &mut Report<'_>) {
    for site in project.sites() {
        let Some(path) = site.call.arg(0).filter(|_| site.name() == "map_err") else {
            continue;
        };
        let is_asked = project.language(site.at.file) == Language::Rust
            && project.surface(site.at.file) == Surface::Runtime
            && (project.is_handler(site.at) || project.handler_reach().contains(&site.at))
            && !super::arguments::is_read(project, site)
            && !results::is_written(site);
        if is_asked && results::is_maker(project, site.at, path) {
            let place = At {
                function: site.at,
                span: path.span,
            };
            report.add(place, Ground::Likely(Trusted::Name), CONVERTED);
        }
    }
}

/// How what is thrown comes to a handler.
pub(super) struct Ways {
    /// The text, also through regions that pass it on.
    pub(super) text: Escapes,
    /// The error itself: the last region that it comes through is the one to blame.
    error: Escapes,
    /// What catches errors on their way.
    catches: Catches,
    /// What replaces their texts.
    masks: Masks,
}

fn region<'a>(
    project: &Project<'a>,
    failure: &Failure<'a>,
    ways: &Ways,
    memo: &Rc<Memo>,
    behind: &mut Behind<'a>,
    taken: &mut Taken,
    report: &mut Report<'_>,
) -> Told {
    let mut flow = Flow::of(project, failure, Seek::Message, memo);
    let closed = expected::branches(project, failure);
    flow.close(closed.clone());
    flow.read(failure.body);
    let is_asked =
        project.handler_reach().contains(&failure.at) || project.asks_dispatcher(failure.at);
    let place = if !is_asked && !project.is_handler(failure.at) {
        Where::Elsewhere
    } else if project.is_handler(failure.at) {
        Where::Responder
    } else if ways.text.reaches_a_handler(project, failure.at) {
        Where::Thrown
    } else {
        Where::Below
    };
    let caught = At {
        function: failure.at,
        span: failure.span,
    };
    let mut leaks: Vec<Span> = Vec::new();
    let mut elsewhere: Vec<At> = Vec::new();
    walk::stmts(failure.body, &mut |stmt| {
        let (here, there) = answered(&flow, stmt, ways);
        leaks.extend(here);
        elsewhere.extend(there);
        if place == Where::Elsewhere {
            return;
        }
        if let Some(leak) = leak(&flow, stmt, place, ways) {
            leaks.push(leak.span);
            elsewhere.extend(flow.told(leak));
        }
        if !closed.iter().any(|span| span.holds(stmt.span))
            && raises_again(project, failure, stmt, ways)
            && (place == Where::Responder || ways.error.reaches_a_handler(project, failure.at))
        {
            leaks.push(stmt.span);
        }
        elsewhere.extend(thrown(&flow, stmt, place, ways));
    });
    if leaks.is_empty() && place != Where::Elsewhere {
        leaks.extend(given_back(failure, &mut flow, behind, place, ways));
    }
    for at in elsewhere {
        taken
            .entry((at.function, at.span.start))
            .or_insert((at.span, caught));
    }
    let Some(first) = leaks.first() else {
        return Told::NotHere;
    };
    let mut tried = project.sites_within(failure.at, failure.guarded);
    let remote = tried.any(|site| {
        matches!(site.role, Some(Role::Outbound(..) | Role::Spawn(_)))
            || effects::is_of_files(project.language(site.at.file), site)
    });
    let at = At {
        function: failure.at,
        span: *first,
    };
    let elsewhere = place != Where::Responder;
    let ground = Ground::Proved(Followed::Value).unless(elsewhere.then_some(Trusted::Reach));
    let finding = report.add(
        at,
        ground,
        "the text of the error goes to the caller as it is",
    );
    if remote {
        finding.weigh(Severity::High);
    }
    finding.via(project, caught, "the error is caught here");
    Told::Here
}

/// Whether a region itself tells the caller of the error.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    Here,
    NotHere,
}

/// Where a statement sends the error or its text as the answer to an HTTP request: here, and in functions that it calls.
fn answered<'a>(flow: &Flow<'_, 'a>, stmt: &'a Stmt, ways: &Ways) -> (Option<Span>, Vec<At>) {
    let project = flow.project;
    let is_caught =
        matches!(stmt.kind, StmtKind::Throw(_)) && ways.catches.throw(project, flow.at, stmt.span);
    let sent = http::sent(project, flow.at, stmt).into_iter();
    let mut told = sent.filter(|value| !is_caught && flow.holds(value) != Holds::Nothing);
    if let Some(value) = told.next() {
        let is_text = flow.holds(value) == Holds::Text;
        let from = if is_text { flow.source(value) } else { value };
        return (Some(from.span), Vec::new());
    }
    if let StmtKind::Expr(value) | StmtKind::Return(Some(value)) = &stmt.kind {
        let (text, places) = flow.sent(value);
        return (text.map(|text| flow.source(text).span), places);
    }
    (None, Vec::new())
}

/// What the region put into a variable may be given back behind it.
fn given_back<'a>(
    failure: &Failure<'a>,
    flow: &mut Flow<'_, 'a>,
    behind: &mut Behind<'a>,
    place: Where,
    ways: &Ways,
) -> Option<Span> {
    if matches!(
        flow.project.language(failure.at.file),
        Language::Python | Language::TypeScript
    ) {
        flow.forget(&failure.errors);
    }
    behind.first(flow, failure, |flow, stmt| {
        let StmtKind::Return(Some(value)) = &stmt.kind else {
            return None;
        };
        if flow.names_text(value) {
            let entered = flow.entered(value, failure.span);
            return Some(entered.unwrap_or_else(|| flow.source(value).span));
        }
        leak(flow, stmt, place, ways).map(|leak| leak.span)
    })
}

/// Whether a region raises what it caught as it is, and that reaches the SDK.
fn raises_again(project: &Project<'_>, failure: &Failure<'_>, stmt: &Stmt, ways: &Ways) -> bool {
    super::again::raises(project, failure, stmt)
        && !ways.catches.throw(project, failure.at, stmt.span)
        && !ways.masks.hold(project, failure.at)
}

/// Functions that a region calls with the error, and that throw its text.
pub(super) fn thrown<'a>(
    flow: &Flow<'_, 'a>,
    stmt: &'a Stmt,
    place: Where,
    ways: &Ways,
) -> Vec<At> {
    let project = flow.project;
    let (StmtKind::Expr(value) | StmtKind::Return(Some(value)) | StmtKind::Throw(Some(value))) =
        &stmt.kind
    else {
        return Vec::new();
    };
    if matches!(
        project.language(flow.at.file),
        Language::Go | Language::Rust
    ) {
        return Vec::new();
    }
    let mut all = flow.thrown(value);
    all.retain(|at| {
        place != Where::Below
            && !ways.catches.throw(project, at.function, at.span)
            && !ways.masks.hold(project, at.function)
    });
    if all.is_empty() || ways.catches.throw(project, flow.at, stmt.span) {
        return Vec::new();
    }
    all
}

/// Where the region stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Where {
    /// In a handler.
    Responder,
    /// In a function that a handler calls, and what it throws reaches the handler.
    Thrown,
    /// In a function that a handler calls.
    Below,
    /// In a function that no handler calls, and that answers requests itself.
    Elsewhere,
}

/// The expression of a statement by which the text leaves.
pub(super) fn leak<'a>(
    flow: &Flow<'_, 'a>,
    stmt: &'a Stmt,
    place: Where,
    ways: &Ways,
) -> Option<&'a Expr> {
    let project = flow.project;
    if let StmtKind::Return(Some(value)) = &stmt.kind {
        let language = project.language(flow.at.file);
        // Below a handler these languages hand errors up with more words; they leave where a result is made of them.
        let hands_up = place != Where::Responder
            && matches!(language, Language::Go | Language::Rust)
            && !results::makes(project, flow.at, &flow.memo, value);
        return match flow.holds(value) {
            Holds::Text if !hands_up => Some(flow.source(value)),
            // Go's SDKs make the text of what a handler returns as its error.
            Holds::Error if place == Where::Responder && language == Language::Go => Some(value),
            Holds::Text | Holds::Error | Holds::Nothing => None,
        };
    }
    if let Some(made) = made(project, flow, stmt) {
        return Some(made);
    }
    let value = raised(project, flow.at, stmt)?;
    let is_caught = if matches!(stmt.kind, StmtKind::Throw(_)) {
        ways.catches.throw(project, flow.at, stmt.span)
    } else {
        ways.catches.rejection(project, flow.at)
    };
    let is_masked = !passes_on(project, flow.at, value) && ways.masks.hold(project, flow.at);
    if is_caught || is_masked {
        return None;
    }
    let holds = flow.holds(value);
    let thrown = match place {
        Where::Responder => holds != Holds::Nothing,
        // The error as it is goes up by itself, with and without this region.
        Where::Thrown => holds == Holds::Text,
        Where::Below => holds == Holds::Text && passes_on(project, flow.at, value),
        Where::Elsewhere => false,
    };
    thrown.then(|| {
        if holds == Holds::Text {
            flow.source(value)
        } else {
            value
        }
    })
}

/// Go and Rust: the text in a result that is sent, stored or the value of a branch, and not given back at once.
fn made<'a>(project: &Project<'a>, flow: &Flow<'_, 'a>, stmt: &'a Stmt) -> Option<&'a Expr> {
    let language = project.language(flow.at.file);
    if !matches!(language, Language::Go | Language::Rust) {
        return None;
    }
    let mut found = None;
    walk::own_exprs(stmt, &mut |expr| {
        if found.is_none()
            && results::is_one(project, flow.at, expr)
            && flow.holds(expr) == Holds::Text
        {
            found = Some(flow.source(expr));
        }
    });
    found
}

/// What a statement throws, or rejects a promise with.
fn raised<'a>(project: &Project<'_>, at: FnRef, stmt: &'a Stmt) -> Option<&'a Expr> {
    if let StmtKind::Throw(Some(value)) = &stmt.kind {
        return Some(value);
    }
    if let StmtKind::Expr(expr) = &stmt.kind
        && let Some(call) = expr.call()
        && project.last_name(at, &call.callee).as_deref() == Some("reject")
    {
        return call.arg(0);
    }
    None
}

/// Whether an error of the kind that SDKs pass on is made, or one of a class below it.
fn passes_on(project: &Project<'_>, at: FnRef, value: &Expr) -> bool {
    let Some(call) = value.call() else {
        return false;
    };
    let is_known = |at: FnRef, expr: &Expr| {
        project
            .last_name(at, expr)
            .is_some_and(|name| PASSED_ON.contains(&name.as_str()))
    };
    if is_known(at, &call.callee) {
        return true;
    }
    let mut classes: Vec<_> = project
        .site_at(at, value)
        .map_or_else(Vec::new, |site| site.makes.clone());
    for _ in 0..MAX_BASES {
        let mut above = Vec::new();
        for class in classes {
            let module = FnRef::module(class.file);
            for base in project.class(class).map_or(&[][..], |found| &found.bases) {
                if is_known(module, base) {
                    return true;
                }
                above.extend(
                    project
                        .values(module, base)
                        .into_iter()
                        .filter_map(|value| {
                            if let Value::Class(class) = value {
                                Some(class)
                            } else {
                                None
                            }
                        }),
                );
            }
        }
        classes = above;
    }
    false
}
