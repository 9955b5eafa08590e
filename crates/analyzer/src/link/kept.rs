//! Tools that are kept under names: in objects called by key, in fields and entries of one name.

use std::collections::HashMap;

use crate::facts::{Expr, ExprKind, Language, Pattern, StmtKind, walk};

use super::{FnRef, Project, Site, Value};

/// How many methods a call by a name under which tools are kept may mean, and how many expressions are looked at for one call.
const MAX_TOOLS: usize = 400;

/// Names of fields and keys under which servers keep the code of their tools.
const KEPT_UNDER: &[&str] = &[
    "execute", "handler", "handle", "invoke", "run", "callback", "Handler", "Handle", "Execute",
];

/// How many methods a call by this name may mean, if tools are kept under it.
pub(super) fn most(name: &str) -> Option<usize> {
    KEPT_UNDER.contains(&name).then_some(MAX_TOOLS)
}

/// `HANDLERS[name](request)`: any function of the object.
pub(super) fn by_key<'p, 'a>(project: &'p Project<'a>) -> Vec<(&'p Site<'a>, Vec<FnRef>)> {
    let unknown = project.sites.iter().filter(|site| site.targets.is_empty());
    let found = unknown.map(|site| (site, called(project, site)));
    found
        .filter(|(_, functions)| !functions.is_empty())
        .collect()
}

fn called<'a>(project: &Project<'a>, site: &Site<'a>) -> Vec<FnRef> {
    let mut all = Vec::new();
    let callee = site.call.callee.bare();
    if let ExprKind::Var(id) = callee.kind {
        // `for (const [name, handler] of Object.entries(HANDLERS))`.
        for (at, value) in project.assigned(site.at.variable(id)) {
            if let Some(call) = value.call()
                && matches!(
                    super::sites::callee_name(&call.callee),
                    "entries" | "values" | "items"
                )
                && let Some(object) = call.arg(0).or_else(|| call.receiver())
            {
                all.extend(stored(project, at, object));
            }
        }
    } else if let ExprKind::Index(object, key) = &callee.kind
        && key.text().is_none()
    {
        all.extend(stored(project, site.at, object));
    }
    all
}

/// The functions that an object or list holds, with those of the objects that are spread into it.
fn stored<'a>(project: &Project<'a>, at: FnRef, object: &'a Expr) -> Vec<FnRef> {
    let mut all = Vec::new();
    let mut open = vec![(at, object)];
    let mut looks = 0;
    while let Some((at, expr)) = open.pop() {
        looks += 1;
        if looks > MAX_TOOLS {
            break;
        }
        if let ExprKind::Function(id) = &expr.kind {
            all.push(at.beside(*id));
        } else if let ExprKind::Object(entries) = &expr.kind {
            open.extend(entries.iter().map(|entry| (at, &entry.value)));
            open.extend(put_later(project, at, expr));
        } else if let ExprKind::List(parts) = &expr.kind {
            open.extend(parts.iter().map(|part| (at, part)));
        } else if let ExprKind::Spread(inner) = &expr.kind {
            open.push((at, inner));
        } else if let ExprKind::Var(_) | ExprKind::Member(..) = &expr.kind {
            for value in project.values(at, expr) {
                if let Value::Function(function) = value {
                    all.push(function);
                } else if let Value::Literal(inside, literal) = value
                    && matches!(literal.kind, ExprKind::Object(_) | ExprKind::List(_))
                {
                    open.push((inside, literal));
                }
            }
        }
    }
    all
}

/// What is put into an object after it was made: `wrapped[name] = f`.
fn put_later<'a>(project: &Project<'a>, at: FnRef, object: &'a Expr) -> Vec<(FnRef, &'a Expr)> {
    let mut all = Vec::new();
    let Some(function) = project.function(at) else {
        return all;
    };
    walk::stmts(&function.body, &mut |stmt| {
        if let StmtKind::Assign {
            target: Pattern::Place(place),
            value: Some(value),
        } = &stmt.kind
            && let ExprKind::Index(into, _) = &place.kind
            && let ExprKind::Var(id) = into.kind
            && project
                .assigned(at.variable(id))
                .any(|(_, made)| made.span == object.span)
        {
            all.push((at, value));
        }
    });
    all
}

/// Functions by the field or key that they are put under: `Tool{Handler: list}`, `{ handler: list }`.
pub(super) fn by_name<'a>(project: &Project<'a>, all: &mut HashMap<&'a str, Vec<FnRef>>) {
    let mut keep = |at: FnRef, name: &'a str, value: &'a Expr| {
        let is_named = matches!(
            value.kind,
            ExprKind::Var(_) | ExprKind::Global(_) | ExprKind::Member(..)
        );
        if is_named && KEPT_UNDER.contains(&name) {
            let values = project.values(at, value);
            all.entry(name)
                .or_default()
                .extend(values.iter().filter_map(Value::function));
        }
    };
    for site in &project.sites {
        if site.call.form == crate::facts::CallForm::Literal {
            for arg in &site.call.args {
                if let Some(name) = &arg.name {
                    keep(site.at, name, &arg.value);
                }
            }
        }
    }
    for (at, function) in project.functions() {
        if project.language(at.file) == Language::TypeScript {
            walk::exprs(&function.body, &mut |expr| {
                if let ExprKind::Object(entries) = &expr.kind {
                    for entry in entries {
                        if let Some(name) = &entry.key {
                            keep(at, name, &entry.value);
                        }
                    }
                }
            });
        }
    }
}
