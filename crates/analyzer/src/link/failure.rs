//! Regions that run when something failed: `catch`, `except`, `.catch(f)`, `Err(e) =>`, `if err != nil`.

use std::collections::{HashMap, HashSet};

use crate::facts::{
    Block, Compare, Expr, ExprKind, FnId, Function, Language, Name, Pattern, Span, Stmt, StmtKind,
    VarId, walk,
};

use super::branches::extent;
use super::sites::callee_name;
use super::{FnRef, Project, Site};

/// A region that runs when something failed.
#[derive(Debug, Clone)]
pub struct Failure<'a> {
    /// The function whose code the region is: for a closure the closure.
    pub at: FnRef,
    /// What it is.
    pub kind: FailureKind,
    /// Where the region is.
    pub span: Span,
    /// What may have failed.
    pub guarded: Span,
    /// The variables that hold the error.
    pub errors: Vec<VarId>,
    /// The variables that hold members of the error: `catch ({ message })`.
    pub members: Vec<(Name, VarId)>,
    /// The types that it is limited to; empty for all.
    pub types: Vec<&'a Expr>,
    /// What it does.
    pub body: &'a Block,
}

/// The forms of a failure region.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// `catch`, `except`.
    Catch,
    /// A function given to `.catch`, `or_else`, `unwrap_or_else`, `map_err`.
    Closure,
    /// An arm for `Err` or `None`.
    Arm,
    /// `if err != nil`, and `if (error)` in a function that Node calls back.
    Checked,
}

pub(super) fn failures<'a>(project: &Project<'a>) -> Vec<Failure<'a>> {
    let mut all = Vec::new();
    for (at, function) in project.functions() {
        let language = project.language(at.file);
        let set = match language {
            Language::Go => set(&function.body),
            Language::TypeScript | Language::Python | Language::Rust => Set::default(),
        };
        let is_error = |id: VarId| is_error(project, at, id, &set);
        walk::stmts(&function.body, &mut |stmt| {
            statement(at, language, stmt, &set, &is_error, &mut all);
            called_back(project, at, function, stmt, &mut all);
        });
    }
    for site in project.sites() {
        let name = callee_name(&site.call.callee);
        middleware(project, site, &mut all);
        let place = match name {
            "catch" | "or_else" | "unwrap_or_else" | "map_err" | "inspect_err" => 0,
            "then" => 1,
            _ => continue,
        };
        let Some(argument) = site.call.arg(place) else {
            continue;
        };
        let mut functions = super::graph::handed(project, site.at, argument);
        if argument.call().is_some() && project.language(site.at.file) == Language::Rust {
            // `.map_err(internal("…"))`: what the call gives.
            let values = project.values(site.at, argument);
            functions.extend(values.iter().filter_map(super::Value::function));
        }
        for function in functions {
            if let Some(code) = project.function(function) {
                let (errors, members) = code
                    .params
                    .first()
                    .map_or_else(Default::default, |param| taken(&param.pattern));
                all.push(Failure {
                    at: function,
                    kind: FailureKind::Closure,
                    span: code.span,
                    guarded: site.call.callee.span,
                    errors,
                    members,
                    types: Vec::new(),
                    body: &code.body,
                });
            }
        }
    }
    all
}

/// What frameworks call with an error: `app.use((error, request, answer, next) => …)`, `app.onError((error, c) => …)`,
/// `app.setErrorHandler((error, request, reply) => …)`.
fn middleware<'a>(project: &Project<'a>, site: &Site<'a>, all: &mut Vec<Failure<'a>>) {
    let params = match callee_name(&site.call.callee) {
        "use" => 4..=4,
        "onError" => 2..=2,
        "setErrorHandler" => 2..=3,
        _other => return,
    };
    if project.language(site.at.file) != Language::TypeScript || !site.targets.is_empty() {
        return;
    }
    for arg in &site.call.args {
        for function in super::graph::handed(project, site.at, &arg.value) {
            let code = project.function(function);
            let Some(code) = code.filter(|code| params.contains(&code.params.len())) else {
                continue;
            };
            let (errors, members) = code
                .params
                .first()
                .map_or_else(Default::default, |param| taken(&param.pattern));
            all.push(Failure {
                at: function,
                kind: FailureKind::Closure,
                span: code.span,
                guarded: site.call.callee.span,
                errors,
                members,
                types: Vec::new(),
                body: &code.body,
            });
        }
    }
}

/// `exec(command, (error, out) => { if (error) … })`: what runs when Node calls back with an error.
fn called_back<'a>(
    project: &Project<'a>,
    at: FnRef,
    function: &'a Function,
    stmt: &'a Stmt,
    all: &mut Vec<Failure<'a>>,
) {
    let StmtKind::If { test, then, .. } = &stmt.kind else {
        return;
    };
    let ExprKind::Var(id) = test.kind else {
        return;
    };
    let first = function
        .params
        .first()
        .and_then(|param| param.pattern.variable());
    let is_named = project
        .variable(at.variable(id))
        .is_some_and(|variable| matches!(&*variable.name, "err" | "error"));
    let is_closure = function.parent.is_some_and(|parent| parent != FnId::MODULE);
    if project.language(at.file) == Language::TypeScript
        && first == Some(id)
        && is_named
        && is_closure
        && function.params.len() > 1
    {
        all.push(Failure {
            at,
            kind: FailureKind::Checked,
            span: extent(then).unwrap_or(stmt.span),
            guarded: test.span,
            errors: vec![id],
            members: Vec::new(),
            types: Vec::new(),
            body: then,
        });
    }
}

/// What the variables of a function of Go are set to.
#[derive(Default)]
struct Set {
    /// All of it for each, in order.
    spans: HashMap<VarId, Vec<Span>>,
    /// Those that get the last of several results, which is where Go's errors are.
    last: HashSet<VarId>,
}

fn set(body: &Block) -> Set {
    let mut all = Set::default();
    walk::stmts(body, &mut |stmt| {
        if let StmtKind::Assign {
            target,
            value: Some(value),
        } = &stmt.kind
        {
            for id in bound(target) {
                all.spans.entry(id).or_default().push(value.span);
            }
            if let Pattern::List(parts) = target {
                all.last.extend(parts.last().and_then(Pattern::variable));
            }
        }
    });
    all
}

/// Whether a variable that Go compares with `nil` may hold an error, and not a pointer that may be absent: by its type, its name, or its place.
fn is_error(project: &Project<'_>, at: FnRef, id: VarId, set: &Set) -> bool {
    let Some(variable) = project.variable(at.variable(id)) else {
        return false;
    };
    let name = variable.name.to_lowercase();
    let is_named = name.contains("err") || name == "e";
    match &variable.ty {
        Some(ty) => is_named || callee_name(ty) == "error",
        None => is_named || set.last.contains(&id),
    }
}

fn statement<'a>(
    at: FnRef,
    language: Language,
    stmt: &'a Stmt,
    set: &Set,
    is_error: &dyn Fn(VarId) -> bool,
    all: &mut Vec<Failure<'a>>,
) {
    if let StmtKind::Try { body, catches, .. } = &stmt.kind {
        let guarded = extent(body).unwrap_or(stmt.span);
        for catch in catches {
            let (errors, members) = catch.binding.as_ref().map_or_else(Default::default, taken);
            all.push(Failure {
                at,
                kind: FailureKind::Catch,
                span: catch.span,
                guarded,
                errors,
                members,
                types: catch.types.iter().collect(),
                body: &catch.body,
            });
        }
    } else if let StmtKind::Match { subject, arms } = &stmt.kind
        && language == Language::Rust
    {
        for arm in arms {
            if let Some(inner) = refused(&arm.pattern) {
                let errors = inner.into_iter().flat_map(bound).collect();
                all.push(Failure {
                    at,
                    kind: FailureKind::Arm,
                    span: arm.span,
                    guarded: subject.span,
                    errors,
                    members: Vec::new(),
                    types: Vec::new(),
                    body: &arm.body,
                });
            }
        }
    } else if let StmtKind::If { test, then, .. } = &stmt.kind
        && language == Language::Go
        && let Some(error) = checked(test, is_error)
    {
        all.push(Failure {
            at,
            kind: FailureKind::Checked,
            span: extent(then).unwrap_or(stmt.span),
            guarded: set
                .spans
                .get(&error)
                .and_then(|set| set.iter().rev().find(|span| span.end <= test.span.start))
                .copied()
                .unwrap_or(test.span),
            errors: vec![error],
            members: Vec::new(),
            types: Vec::new(),
            body: then,
        });
    }
}

/// The parts of an `Err(…)` pattern.
fn refused(pattern: &Pattern) -> Option<Vec<&Pattern>> {
    if let Pattern::Of(path, parts) = pattern {
        let name = callee_name(path);
        if name == "Err" {
            return Some(parts.iter().collect());
        }
        if name == "Ok" {
            // `Ok(Err(e))`: the inner result of a join or timeout.
            return parts.iter().find_map(refused);
        }
    }
    None
}

/// The error of `err != nil`, also as one side of `&&` and `||`.
fn checked(test: &Expr, is_error: &dyn Fn(VarId) -> bool) -> Option<VarId> {
    if let ExprKind::Compare(Compare::NotEqual, left, right) = &test.kind
        && let (ExprKind::Var(id), ExprKind::Null) = (&left.kind, &right.kind)
    {
        return is_error(*id).then_some(*id);
    }
    if let ExprKind::Logic(_, left, right) = &test.kind {
        return checked(left, is_error).or_else(|| checked(right, is_error));
    }
    None
}

/// The variables that a pattern binds to the error, and those that it binds to members of it.
fn taken(pattern: &Pattern) -> (Vec<VarId>, Vec<(Name, VarId)>) {
    let Pattern::Object(parts) = pattern else {
        return (bound(pattern), Vec::new());
    };
    let members = parts.iter();
    let members = members.filter_map(|(name, part)| Some((name.clone(), part.variable()?)));
    (Vec::new(), members.collect())
}

/// The variables that a pattern binds.
fn bound(pattern: &Pattern) -> Vec<VarId> {
    let leaves = pattern.leaves().into_iter();
    leaves.filter_map(Pattern::variable).collect()
}
