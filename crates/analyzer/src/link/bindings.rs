//! What variables and fields are set to.

use std::collections::{HashMap, HashSet};

use crate::facts::{
    Call, CallForm, Expr, ExprKind, FileFacts, FnId, LoopKind, MAX_DEPTH, Name, Pattern, Stmt,
    StmtKind, walk,
};

use super::sites::callee_name;
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
    fields: HashMap<Field, Vec<Set<'a>>>,
    /// The class that each function of the file in hand is written in, by name.
    classes: Vec<Option<Name>>,
    taken: HashMap<VarRef, Taken>,
    /// Variables that more was given to than is kept.
    cut: HashSet<VarRef>,
}

/// A field of a file.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Field {
    file: u32,
    of: Owner,
    name: Name,
}

/// Whose a field is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Owner {
    /// Objects of a class by this name: `this.pool = …` in it, `Store { pool }`.
    Class(Name),
    /// Whoever has a field by this name: `object.pool = …`.
    Anyone,
    /// All of the file together, of whatever class.
    File,
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
            all.classes = classes(file);
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

    /// Values given to a field of a class: through its receiver, in a literal of it, or through an object that may be one.
    /// Where none is, those that objects of other classes in the file have under that name.
    pub(super) fn field<'s>(
        &'s self,
        file: u32,
        class: &Name,
        name: &Name,
    ) -> impl Iterator<Item = &'s Set<'a>> + use<'s, 'a> {
        let of = |of: Owner| {
            let name = name.clone();
            let sets = self.fields.get(&Field { file, of, name });
            sets.map_or(&[][..], Vec::as_slice)
        };
        let own = of(Owner::Class(class.clone()));
        let others = of(Owner::Anyone);
        let rest = if own.is_empty() && others.is_empty() {
            of(Owner::File)
        } else {
            &[]
        };
        own.iter().chain(others).chain(rest)
    }

    /// Keeps what a field is set to.
    fn field_of(&mut self, of: Owner, name: &Name, set: &Set<'a>) {
        for of in [of, Owner::File] {
            let key = Field {
                file: set.at.file,
                of,
                name: name.clone(),
            };
            let _kept = push(self.fields.entry(key).or_default(), set.clone());
        }
    }

    /// The class that a function is written in.
    fn class_of(&self, at: FnRef) -> Option<&Name> {
        let place = usize::try_from(at.id.0).ok()?;
        self.classes.get(place)?.as_ref()
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
        let of = match callee_name(&call.callee) {
            "" => Owner::Anyone,
            "Self" => self
                .class_of(at)
                .cloned()
                .map_or(Owner::Anyone, Owner::Class),
            named => Owner::Class(Name::from(named)),
        };
        for arg in &call.args {
            if let Some(name) = &arg.name {
                let set = Set {
                    at,
                    value: &arg.value,
                    part: Vec::new(),
                };
                self.field_of(of.clone(), name, &set);
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
                if let ExprKind::Member(object, name) = &place.kind {
                    let own = self
                        .class_of(at)
                        .filter(|_| matches!(object.kind, ExprKind::This));
                    let of = own.cloned().map_or(Owner::Anyone, Owner::Class);
                    self.field_of(of, name, &set());
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

/// Of each function of a file the name of the class that it is written in.
fn classes(file: &FileFacts) -> Vec<Option<Name>> {
    let place = |id: FnId| usize::try_from(id.0).unwrap_or(usize::MAX);
    let named = file.functions.iter().map(|function| {
        let mut at = function;
        for _ in 0..MAX_DEPTH {
            if let Some(class) = at.class {
                let class = file.classes.get(usize::try_from(class.0).ok()?)?;
                return Some(class.name.clone()).filter(|name| !name.is_empty());
            }
            at = file.functions.get(place(at.parent?))?;
        }
        None
    });
    named.collect()
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
