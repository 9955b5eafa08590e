//! What an expression may be: through imports, aliases, defaults, fields, results and arguments.

mod calls;
mod members;
mod names;

use crate::budget;
use crate::facts::{Expr, ExprKind, ImportItem, Logic, Name, Stmt, StmtKind, VariableKind, walk};

use super::bindings::{Part, Set};
use super::{ClassRef, FnRef, Project, VarRef};

pub(super) use members::{Twins, twins};

/// Steps of resolution before it gives up.
const MAX_STEPS: usize = 10;

/// Expressions that are looked at for one, over all ways.
const MAX_LOOKS: u32 = 400;

/// Values that are kept of one expression: where there are so many, there may be others.
pub(super) const MAX_VALUES: usize = 6;

/// Longest canonical path, in bytes.
pub(super) const MAX_PATH: usize = 300;

/// What an expression may be.
#[derive(Debug, Clone)]
pub enum Value<'a> {
    /// Something from outside the project, by its canonical path; `?` stands for what is not known.
    Path(Name),
    /// A function of the project.
    Function(FnRef),
    /// A class of the project.
    Class(ClassRef),
    /// An instance of a class of the project.
    Instance(ClassRef),
    /// A literal, with the function that it stands in.
    Literal(FnRef, &'a Expr),
    /// A file of the project as a module.
    Module(u32),
}

impl<'a> Value<'a> {
    /// The path of something from outside.
    pub fn path(self) -> Option<Name> {
        if let Self::Path(path) = self {
            Some(path)
        } else {
            None
        }
    }

    /// The function that it is.
    pub fn function(&self) -> Option<FnRef> {
        if let Self::Function(function) = self {
            Some(*function)
        } else {
            None
        }
    }

    /// The literal that it is, with the function that it stands in.
    pub fn literal(&self) -> Option<(FnRef, &'a Expr)> {
        if let Self::Literal(at, literal) = self {
            Some((*at, literal))
        } else {
            None
        }
    }
}

pub(super) fn values<'a>(project: &Project<'a>, at: FnRef, expr: &'a Expr) -> Vec<Value<'a>> {
    let mut out = Vec::new();
    let left = std::cell::Cell::new(MAX_LOOKS);
    let resolver = Resolver { project, left };
    resolver.expr(at, expr, 0, &mut out);
    let looks = MAX_LOOKS - resolver.left.get();
    budget::spend(usize::try_from(looks).unwrap_or(usize::MAX));
    out
}

/// A class, its records in other files of the package, and its bases in the project.
pub(super) fn family(project: &Project<'_>, class: ClassRef) -> Vec<ClassRef> {
    let left = std::cell::Cell::new(MAX_LOOKS);
    Resolver { project, left }.family(class)
}

struct Resolver<'p, 'a> {
    project: &'p Project<'a>,
    /// Expressions that may still be looked at for this one.
    left: std::cell::Cell<u32>,
}

impl<'a> Resolver<'_, 'a> {
    fn expr(&self, at: FnRef, expr: &'a Expr, steps: usize, out: &mut Vec<Value<'a>>) {
        if steps > MAX_STEPS || out.len() >= MAX_VALUES || self.left.get() == 0 {
            return;
        }
        self.left.set(self.left.get() - 1);
        let next = steps + 1;
        match &expr.kind {
            ExprKind::Var(id) => self.variable(at.variable(*id), next, out),
            ExprKind::Global(name) => self.global(at, name, next, out),
            ExprKind::This => {
                if let Some(class) = self.project.class_of(at) {
                    add(out, Value::Instance(class));
                }
            }
            ExprKind::Module(source) => {
                self.source(at.file, source, &ImportItem::Module, next, out)
            }
            ExprKind::Member(object, name) => {
                // A chain of calls is as long as it is written; only aliases count as steps.
                let mut objects = Vec::new();
                self.expr(at, object, steps, &mut objects);
                self.members(at, objects, name, next, out);
            }
            ExprKind::Index(object, index) => {
                let mut objects = Vec::new();
                self.expr(at, object, next, &mut objects);
                match index.text() {
                    Some(key) => self.members(at, objects, key, next, out),
                    None => self.items(objects, next, out),
                }
            }
            ExprKind::Call(call) => self.call(at, call, steps, out),
            ExprKind::Function(id) => add(out, Value::Function(at.beside(*id))),
            ExprKind::Class(id) => add(
                out,
                Value::Class(ClassRef {
                    file: at.file,
                    id: *id,
                }),
            ),
            ExprKind::Await(inner) | ExprKind::Propagate(inner) | ExprKind::Spread(inner) => {
                self.expr(at, inner, next, out);
            }
            ExprKind::Assign(_, value) => self.expr(at, value, next, out),
            ExprKind::Logic(Logic::And, _, right) => self.expr(at, right, next, out),
            ExprKind::Logic(Logic::Or | Logic::Coalesce, left, right) => {
                self.expr(at, left, next, out);
                self.expr(at, right, next, out);
            }
            ExprKind::Choice(_, then, otherwise) => {
                self.expr(at, then, next, out);
                self.expr(at, otherwise, next, out);
            }
            ExprKind::Flow(stmt) => self.flow(at, stmt, next, out),
            ExprKind::Str(_)
            | ExprKind::Number(_)
            | ExprKind::Bool(_)
            | ExprKind::Null
            | ExprKind::Object(_)
            | ExprKind::List(_)
            | ExprKind::Join(_) => add(out, Value::Literal(at, expr)),
            ExprKind::Super | ExprKind::Compare(..) | ExprKind::Not(_) | ExprKind::Opaque(_) => {}
        }
    }

    fn flow(&self, at: FnRef, stmt: &'a Stmt, next: usize, out: &mut Vec<Value<'a>>) {
        let mut values = Vec::new();
        let block = std::slice::from_ref(stmt);
        for stmt in block {
            collect_values(stmt, &mut values);
        }
        for value in values {
            self.expr(at, value, next, out);
        }
    }

    fn variable(&self, variable: VarRef, next: usize, out: &mut Vec<Value<'a>>) {
        let Some(declared) = self.project.variable(variable) else {
            return;
        };
        let before = out.len();
        match declared.kind {
            VariableKind::Import(id) => {
                if let Some(path) = self.project.modules.outside(variable.file, id) {
                    if next <= MAX_STEPS {
                        add(out, Value::Path(path.clone()));
                    }
                    return;
                }
                let imports = self.project.file(variable.file).map(|file| &file.imports);
                let import = imports.and_then(|all| all.get(usize::try_from(id.0).ok()?));
                if let Some(import) = import {
                    self.source(variable.file, &import.source, &import.item, next, out);
                }
                return;
            }
            VariableKind::Function(id) => {
                add(out, Value::Function(variable.function(id)));
                return;
            }
            VariableKind::Class(id) => {
                add(
                    out,
                    Value::Class(ClassRef {
                        file: variable.file,
                        id,
                    }),
                );
                return;
            }
            VariableKind::Parameter(place) => {
                let at = variable.function(declared.owner);
                if let Ok(place) = usize::try_from(place) {
                    self.parameter(at, place, Some(&declared.name), next, out);
                }
            }
            VariableKind::Local | VariableKind::Constant | VariableKind::Caught => {
                if let Some(taken) = self.project.bindings.taken(variable) {
                    let mut given = Vec::new();
                    self.parameter(taken.function, taken.place, None, next, &mut given);
                    self.parts(taken.function, given, &taken.part, next, out);
                }
            }
        }
        for set in self.project.bindings.values(variable) {
            self.set(set, next, out);
        }
        if out.len() == before
            && let Some(ty) = &declared.ty
        {
            let at = variable.function(declared.owner);
            self.instance_of(at, ty, next, out);
        }
    }

    fn parameter(
        &self,
        at: FnRef,
        place: usize,
        name: Option<&Name>,
        next: usize,
        out: &mut Vec<Value<'a>>,
    ) {
        let Some(function) = self.project.function(at) else {
            return;
        };
        let Some(param) = function.params.get(place) else {
            return;
        };
        if let Some(default) = &param.default {
            self.expr(at, default, next, out);
        }
        if let Some(ty) = &param.ty {
            self.instance_of(at, ty, next, out);
        }
        for id in self.project.callers(at).iter().take(MAX_VALUES) {
            let Some(site) = self.project.site(*id) else {
                continue;
            };
            let named = name.and_then(|name| {
                let mut args = site.call.args.iter();
                args.find(|arg| arg.name.as_ref() == Some(name))
            });
            if let Some(value) = named.map(|arg| &arg.value).or_else(|| site.call.arg(place)) {
                self.expr(site.at, value, next + 2, out);
            }
        }
        // `["SIGINT", "SIGTERM"].forEach((signal) => …)`: the parameter is each item.
        if place == 0
            && let Some((at, over)) = self.project.graph.iterated(at)
            && let Some(site) = self.project.site(over)
            && let ExprKind::Member(object, _) = &site.call.callee.kind
        {
            let mut lists = Vec::new();
            self.expr(at, object, next, &mut lists);
            self.items(lists, next, out);
        }
    }

    fn set(&self, set: &Set<'a>, next: usize, out: &mut Vec<Value<'a>>) {
        if set.part.is_empty() {
            self.expr(set.at, set.value, next, out);
            return;
        }
        let mut values = Vec::new();
        self.expr(set.at, set.value, next, &mut values);
        self.parts(set.at, values, &set.part, next, out);
    }

    /// What stands in a part of values.
    fn parts(
        &self,
        at: FnRef,
        mut values: Vec<Value<'a>>,
        parts: &[Part],
        next: usize,
        out: &mut Vec<Value<'a>>,
    ) {
        for part in parts {
            let mut inner = Vec::new();
            match part {
                Part::Member(name) => self.members(at, values, name, next, &mut inner),
                Part::Place(place) => self.place(values, *place, next, &mut inner),
                Part::Item => self.items(values, next, &mut inner),
            }
            values = inner;
        }
        for value in values {
            add(out, value);
        }
    }
}

fn collect_values<'a>(stmt: &'a Stmt, out: &mut Vec<&'a Expr>) {
    if let StmtKind::Value(value) = &stmt.kind {
        out.push(value);
    }
    for block in walk::blocks(stmt) {
        for inner in block {
            collect_values(inner, out);
        }
    }
}

fn add<'a>(out: &mut Vec<Value<'a>>, value: Value<'a>) {
    if out.len() < MAX_VALUES && !out.iter().any(|known| same(known, &value)) {
        out.push(value);
    }
}

fn same(one: &Value<'_>, other: &Value<'_>) -> bool {
    match (one, other) {
        (Value::Path(a), Value::Path(b)) => a == b,
        (Value::Function(a), Value::Function(b)) => a == b,
        (Value::Class(a), Value::Class(b)) | (Value::Instance(a), Value::Instance(b)) => a == b,
        (Value::Module(a), Value::Module(b)) => a == b,
        (Value::Literal(a, x), Value::Literal(b, y)) => a == b && x.span == y.span,
        (
            Value::Path(_)
            | Value::Function(_)
            | Value::Class(_)
            | Value::Instance(_)
            | Value::Module(_)
            | Value::Literal(..),
            _,
        ) => false,
    }
}
