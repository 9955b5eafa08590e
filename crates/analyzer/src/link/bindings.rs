//! What variables and fields are set to.

use std::collections::{HashMap, HashSet};

use crate::facts::{
    Call, CallForm, Expr, ExprKind, FileFacts, FnId, LoopKind, Name, Pattern, Stmt, StmtKind, walk,
};

use super::{FnRef, VarRef};

/// Most values that are kept of one variable or field.
const MAX_VALUES: usize = 6;

/// A value that was given to a name.
#[derive(Debug, Clone)]
pub(super) struct Set<'a> {
    /// Where.
    pub(super) at: FnRef,
    /// From what.
    pub(super) value: &'a Expr,
    /// Which part of it.
    pub(super) part: Vec<Part>,
}

/// A step into a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// By name.
    Member(Name),
    /// By place: of Go's results only the first is the value.
    Place(usize),
    /// Each item of a loop.
    Item,
}

/// Values by name.
#[derive(Debug, Default)]
pub(super) struct Bindings<'a> {
    variables: HashMap<VarRef, Vec<Set<'a>>>,
    fields: HashMap<(u32, Name), Vec<Set<'a>>>,
    taken: HashMap<VarRef, Taken>,
    /// Variables that more was given to than is kept.
    cut: HashSet<VarRef>,
}

/// What a parameter that is taken apart gives to a variable.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) function: FnRef,
    /// Which parameter.
    pub(super) place: usize,
    /// Which part of it.
    pub(super) part: Vec<Part>,
}

impl<'a> Bindings<'a> {
    pub(super) fn of(files: &'a [FileFacts]) -> Self {
        let mut all = Self::default();
        for (file, at) in files.iter().zip(0u32..) {
            for (function, id) in file.functions.iter().zip(0u32..) {
                let at = FnRef {
                    file: at,
                    id: FnId(id),
                };
                for (param, place) in function.params.iter().zip(0..) {
                    all.parameter(at, &param.pattern, place, &mut Vec::new());
                }
                walk::stmts(&function.body, &mut |stmt| all.stmt(at, stmt));
                walk::exprs(&function.body, &mut |expr| {
                    if let ExprKind::Assign(target, value) = &expr.kind {
                        all.pattern(at, target, value, &mut Vec::new());
                    }
                    if let ExprKind::Call(call) = &expr.kind
                        && call.form == CallForm::Literal
                    {
                        all.literal(at, call);
                    }
                });
            }
        }
        all
    }

    pub(super) fn values(&self, variable: VarRef) -> &[Set<'a>] {
        self.variables.get(&variable).map_or(&[], Vec::as_slice)
    }

    /// Whether a variable was given more than is kept.
    pub(super) fn is_cut(&self, variable: VarRef) -> bool {
        self.cut.contains(&variable)
    }

    /// The part of a parameter that a variable is, where the parameter itself has no name.
    pub(super) fn taken(&self, variable: VarRef) -> Option<&Taken> {
        self.taken.get(&variable)
    }

    /// Values given to a field of this name anywhere in the file: through a receiver, or in a literal.
    pub(super) fn field(&self, file: u32, name: &Name) -> &[Set<'a>] {
        self.fields
            .get(&(file, name.clone()))
            .map_or(&[], Vec::as_slice)
    }

    fn parameter(
        &mut self,
        function: FnRef,
        pattern: &Pattern,
        place: usize,
        part: &mut Vec<Part>,
    ) {
        match pattern {
            Pattern::Var(id) if !part.is_empty() => {
                let taken = Taken {
                    function,
                    place,
                    part: part.clone(),
                };
                self.taken.insert(function.variable(*id), taken);
            }
            Pattern::List(parts) => {
                for (inner, at) in parts.iter().zip(0..) {
                    part.push(Part::Place(at));
                    self.parameter(function, inner, place, part);
                    part.pop();
                }
            }
            Pattern::Object(parts) => {
                for (name, inner) in parts {
                    part.push(Part::Member(name.clone()));
                    self.parameter(function, inner, place, part);
                    part.pop();
                }
            }
            Pattern::Var(_)
            | Pattern::Place(_)
            | Pattern::Of(..)
            | Pattern::Value(_)
            | Pattern::Or(_)
            | Pattern::Any => {}
        }
    }

    /// `Store { pool }` sets the field.
    fn literal(&mut self, at: FnRef, call: &'a Call) {
        for arg in &call.args {
            if let Some(name) = &arg.name {
                let set = Set {
                    at,
                    value: &arg.value,
                    part: Vec::new(),
                };
                let key = (at.file, name.clone());
                let _kept = push(self.fields.entry(key).or_default(), set);
            }
        }
    }

    fn stmt(&mut self, at: FnRef, stmt: &'a Stmt) {
        if let StmtKind::Assign {
            target,
            value: Some(value),
        } = &stmt.kind
        {
            self.pattern(at, target, value, &mut Vec::new())
        } else if let StmtKind::Loop {
            kind: LoopKind::Each,
            item: Some(item),
            over: Some(over),
            ..
        } = &stmt.kind
        {
            self.pattern(at, item, over, &mut vec![Part::Item])
        } else if let StmtKind::With { resources, .. } = &stmt.kind {
            for resource in resources {
                if let Some(binding) = &resource.binding {
                    self.pattern(at, binding, &resource.value, &mut Vec::new());
                }
            }
        } else if let StmtKind::Match { subject, arms } = &stmt.kind {
            for arm in arms {
                self.pattern(at, &arm.pattern, subject, &mut Vec::new());
            }
        } else if let StmtKind::Select(arms) = &stmt.kind {
            for arm in arms {
                if let Some(value) = &arm.test {
                    self.pattern(at, &arm.pattern, value, &mut Vec::new());
                }
            }
        }
    }

    fn pattern(&mut self, at: FnRef, target: &'a Pattern, value: &'a Expr, part: &mut Vec<Part>) {
        let set = || Set {
            at,
            value,
            part: part.clone(),
        };
        match target {
            Pattern::Var(id) => {
                let variable = at.variable(*id);
                let sets = self.variables.entry(variable).or_default();
                if push(sets, set()) == Kept::Not {
                    self.cut.insert(variable);
                }
            }
            Pattern::Place(place) => {
                if let ExprKind::Member(_, name) = &place.kind {
                    let key = (at.file, name.clone());
                    let _kept = push(self.fields.entry(key).or_default(), set());
                }
            }
            Pattern::List(parts) => {
                for (inner, place) in parts.iter().zip(0..) {
                    part.push(Part::Place(place));
                    self.pattern(at, inner, value, part);
                    part.pop();
                }
            }
            Pattern::Object(parts) => {
                for (name, inner) in parts {
                    part.push(Part::Member(name.clone()));
                    self.pattern(at, inner, value, part);
                    part.pop();
                }
            }
            Pattern::Of(_, parts) => {
                for inner in parts {
                    self.pattern(at, inner, value, part);
                }
            }
            Pattern::Or(parts) => {
                for inner in parts {
                    self.pattern(at, inner, value, part);
                }
            }
            Pattern::Value(_) | Pattern::Any => {}
        }
    }
}

/// Whether a value found its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kept {
    Yes,
    Not,
}

fn push<'a>(sets: &mut Vec<Set<'a>>, set: Set<'a>) -> Kept {
    if matches!(set.value.kind, ExprKind::Null) {
        return Kept::Yes;
    }
    if sets.len() >= MAX_VALUES {
        return Kept::Not;
    }
    sets.push(set);
    Kept::Yes
}
