//! Tools that are kept under names: in objects called by key, in fields and entries of one name.

use std::collections::HashMap;

use crate::facts::{Expr, ExprKind, Language, Logic, Pattern, StmtKind, walk};

use super::guesses::Methods;
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
    let maps = Maps::of(project);
    let found = project.sites().map(|site| {
        let mut functions = maps.called(project, site);
        if site.targets.is_empty() {
            functions.extend(called(project, site));
        }
        (site, functions)
    });
    found
        .filter(|(_, functions)| !functions.is_empty())
        .collect()
}

/// What is put into maps, by the file and the name of the map: `new Map([[key, f]])`, `map.set(key, f)`.
struct Maps<'a>(HashMap<(u32, String), Vec<(FnRef, &'a Expr)>>);

impl<'a> Maps<'a> {
    fn of(project: &Project<'a>) -> Self {
        let mut all: HashMap<_, Vec<_>> = HashMap::new();
        for site in project.sites() {
            if project.language(site.at.file) == Language::TypeScript
                && let (Some(name), "set", Some(value)) =
                    (project.receiver_name(site), site.name(), site.call.arg(1))
            {
                let kept = all.entry((site.at.file, name)).or_default();
                kept.push((site.at, value));
            }
        }
        for (at, function) in project.functions() {
            if project.language(at.file) != Language::TypeScript {
                continue;
            }
            walk::stmts(&function.body, &mut |stmt| {
                if let StmtKind::Assign {
                    target,
                    value: Some(value),
                } = &stmt.kind
                    && let Some(name) = project.target_name(at, target)
                {
                    let kept = pairs(value).into_iter().map(|value| (at, value));
                    all.entry((at.file, name)).or_default().extend(kept);
                }
            });
        }
        for (file, at) in project.files.iter().zip(0u32..) {
            for class in &file.classes {
                // In a field `this` is the object, as it is in any method.
                let inside = class.methods.first().map(|method| method.function);
                let inside = inside.map_or(FnRef::module(at), |id| FnRef { file: at, id });
                for field in &class.fields {
                    let kept = field.value.as_ref().map_or_else(Vec::new, pairs);
                    let kept = kept.into_iter().map(|value| (inside, value));
                    let name = field.name.to_string();
                    all.entry((at, name)).or_default().extend(kept);
                }
            }
        }
        all.retain(|_, kept| !kept.is_empty() && kept.len() <= MAX_TOOLS);
        Self(all)
    }

    /// `map.get(key)(request)`, `const run = map.get(key) ?? unknown; run(request)`: any function of the map.
    fn called(&self, project: &Project<'a>, site: &Site<'a>) -> Vec<FnRef> {
        if self.0.is_empty() {
            return Vec::new();
        }
        let callee = site.call.callee.bare();
        let mut got: Vec<_> = self.got(project, site.at, callee).iter().collect();
        if let ExprKind::Var(id) = callee.kind {
            for (at, value) in project.assigned(site.at.variable(id)) {
                let ways = ways(value).into_iter();
                got.extend(ways.flat_map(|way| self.got(project, at, way)));
            }
        }
        got.into_iter()
            .flat_map(|(at, value)| super::graph::handed(project, *at, value))
            .collect()
    }

    /// What `map.get(key)` may give, if that is what an expression is.
    fn got(&self, project: &Project<'a>, at: FnRef, expr: &Expr) -> &[(FnRef, &'a Expr)] {
        let Some(call) = expr.call() else {
            return &[];
        };
        let object = call
            .receiver()
            .filter(|_| super::sites::callee_name(&call.callee) == "get" && call.arg(0).is_some());
        let name = object.and_then(|object| project.last_name(at, object));
        let kept = name.and_then(|name| self.0.get(&(at.file, name)));
        kept.map_or(&[], Vec::as_slice)
    }
}

/// The values of `new Map([[key, value], …])`.
fn pairs(made: &Expr) -> Vec<&Expr> {
    let list = made.call().filter(|call| {
        call.form == crate::facts::CallForm::New && super::sites::callee_name(&call.callee) == "Map"
    });
    let Some(ExprKind::List(items)) = list.and_then(|call| call.arg(0)).map(|list| &list.kind)
    else {
        return Vec::new();
    };
    let values = items.iter().filter_map(|item| {
        let ExprKind::List(pair) = &item.kind else {
            return None;
        };
        pair.get(1)
    });
    values.collect()
}

/// The ways of `a || b`, `a ?? b`.
fn ways(expr: &Expr) -> Vec<&Expr> {
    let mut all = Vec::new();
    let mut at = expr.bare();
    while let ExprKind::Logic(Logic::Or | Logic::Coalesce, left, right) = &at.kind {
        all.push(right.bare());
        at = left.bare();
    }
    all.push(at);
    all
}

fn called<'a>(project: &Project<'a>, site: &Site<'a>) -> Vec<FnRef> {
    of_table(project, site.at, site.call.callee.bare())
}

/// What is taken from a table of functions by a key that only the run knows: any of them.
pub(super) fn of_table<'a>(project: &Project<'a>, at: FnRef, taken: &'a Expr) -> Vec<FnRef> {
    let mut all = Vec::new();
    if let ExprKind::Var(id) = taken.kind {
        // `for (const [name, handler] of Object.entries(HANDLERS))`.
        for (at, value) in project.assigned(at.variable(id)) {
            if let Some(call) = value.call()
                && matches!(
                    super::sites::callee_name(&call.callee),
                    "entries" | "values" | "items"
                )
                && let Some(object) = call.arg(0).or_else(|| call.receiver())
            {
                all.extend(stored(project, at, object));
            }
            // `const handler = HANDLERS[name]`, wherever the object stands.
            for way in ways(value) {
                if let ExprKind::Index(object, key) = &way.kind
                    && key.text().is_none()
                {
                    all.extend(stored(project, at, object));
                }
            }
        }
    } else if let ExprKind::Index(object, key) = &taken.kind
        && key.text().is_none()
    {
        all.extend(stored(project, at, object));
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
pub(super) fn by_name<'a>(project: &Project<'a>, all: &mut Methods<'a>) {
    let mut keep = |at: FnRef, name: &'a str, value: &'a Expr| {
        let is_named = matches!(
            value.kind,
            ExprKind::Var(_) | ExprKind::Global(_) | ExprKind::Member(..)
        );
        if is_named && KEPT_UNDER.contains(&name) {
            let values = project.values(at, value);
            all.entry((project.clusters.number(at.file), name))
                .or_default()
                .extend(values.iter().filter_map(Value::function));
        }
    };
    for site in project.sites() {
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
