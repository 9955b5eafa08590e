//! Facts under construction: scopes, functions, classes and depth, for extractors that lower a syntax tree in one pass.

use std::collections::HashMap;

use super::Source;
use crate::facts::{
    Class, ClassId, Expr, ExprKind, FileFacts, FnId, Function, Import, ImportId, ImportItem, Lines,
    MAX_DEPTH, Mode, Name, Reading, Span, VarId, Variable, VariableKind, Why,
};

/// The facts of one file while they grow.
pub(super) struct Build {
    /// What is known so far.
    pub(super) facts: FileFacts,
    /// Line starts of the text.
    pub(super) lines: Lines,
    scopes: Vec<Scope>,
    open: Vec<FnId>,
    classes: HashMap<Name, ClassId>,
    /// The inline modules that are being read, the outermost first.
    pub(super) inline: Vec<Name>,
    depth: usize,
}

/// What a name stands for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Bound {
    /// A variable of the file.
    Var(VarId),
    /// The receiver of the method.
    This,
}

/// Which names a path may begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Space {
    /// Variables, functions, constants.
    Values,
    /// Modules and types.
    Types,
}

#[derive(Default)]
struct Scope {
    values: HashMap<Name, Bound>,
    types: HashMap<Name, Bound>,
}

impl Build {
    /// Facts without content, and the scope of the file.
    pub(super) fn new(source: &Source<'_>) -> Self {
        let bytes = u64::try_from(source.text.len()).unwrap_or(u64::MAX);
        let mut build = Self {
            facts: FileFacts::empty(source.path.clone(), source.language, bytes),
            lines: Lines::of(source.text),
            scopes: vec![Scope::default()],
            open: vec![FnId::MODULE],
            classes: HashMap::new(),
            inline: Vec::new(),
            depth: 0,
        };
        let end = u32::try_from(source.text.len()).unwrap_or(u32::MAX);
        let whole = build.lines.span(0, end);
        if let Some(body) = build.facts.functions.first_mut() {
            body.span = whole;
        }
        build
    }

    /// The function whose statements are being read.
    pub(super) fn current(&self) -> FnId {
        self.open.last().copied().unwrap_or(FnId::MODULE)
    }

    /// Opens a scope inside the current one.
    pub(super) fn push(&mut self) {
        self.scopes.push(Scope::default());
    }

    /// Closes the innermost scope; the file's own stays.
    pub(super) fn pop(&mut self) {
        if self.scopes.len() > 1 {
            self.scopes.pop();
        }
    }

    /// Runs `read` one level deeper, or not at all when that is too deep.
    pub(super) fn enter(&mut self) -> bool {
        if self.depth >= MAX_DEPTH {
            self.facts.reading = Reading::Not(Why::TooDeep);
            return false;
        }
        self.depth += 1;
        true
    }

    /// Comes back from [`Self::enter`].
    pub(super) fn leave(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    /// Declares a variable in the innermost scope; a later one of the same name hides it.
    pub(super) fn declare(
        &mut self,
        name: &Name,
        kind: VariableKind,
        ty: Option<Expr>,
        span: Span,
    ) -> VarId {
        let id = VarId(count(self.facts.variables.len()));
        self.facts.variables.push(Variable {
            name: name.clone(),
            owner: self.current(),
            kind,
            ty,
            span,
        });
        if !self.inline.is_empty() && self.current() == FnId::MODULE {
            self.facts
                .inline
                .push((id, Name::from(self.inline.join("."))));
        }
        let both = matches!(kind, VariableKind::Import(_) | VariableKind::Class(_));
        if let Some(scope) = self.scopes.last_mut() {
            scope.values.insert(name.clone(), Bound::Var(id));
            if both {
                scope.types.insert(name.clone(), Bound::Var(id));
            }
        }
        id
    }

    /// Makes a name the receiver of the method.
    pub(super) fn bind_this(&mut self, name: &Name) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.values.insert(name.clone(), Bound::This);
        }
    }

    /// What a name stands for here.
    pub(super) fn find(&self, name: &str, space: Space) -> Option<Bound> {
        self.scopes.iter().rev().find_map(|scope| {
            let names = match space {
                Space::Values => &scope.values,
                Space::Types => &scope.types,
            };
            names.get(name).copied()
        })
    }

    /// What a name stands for in the innermost scope alone.
    pub(super) fn find_here(&self, name: &str) -> Option<VarId> {
        match self.scopes.last()?.values.get(name)? {
            Bound::Var(id) => Some(*id),
            Bound::This => None,
        }
    }

    /// A name as an expression.
    pub(super) fn name(&self, name: &Name, space: Space, span: Span) -> Expr {
        let kind = match self.find(name, space) {
            Some(Bound::Var(id)) => ExprKind::Var(id),
            Some(Bound::This) => ExprKind::This,
            None => ExprKind::Global(name.clone()),
        };
        Expr { kind, span }
    }

    /// Adds a function without statements.
    pub(super) fn function(
        &mut self,
        name: Name,
        class: Option<ClassId>,
        mode: Mode,
        span: Span,
    ) -> FnId {
        let id = FnId(count(self.facts.functions.len()));
        self.facts.functions.push(Function {
            name,
            parent: Some(self.current()),
            class,
            params: Vec::new(),
            mode,
            returns: None,
            decorators: Vec::new(),
            body: Vec::new(),
            span,
        });
        id
    }

    /// A function to be filled.
    pub(super) fn function_mut(&mut self, id: FnId) -> Option<&mut Function> {
        self.facts.functions.get_mut(at(id.0))
    }

    /// Begins to read a function: what is declared now is its own.
    pub(super) fn open(&mut self, id: FnId) {
        self.open.push(id);
        self.push();
    }

    /// Ends [`Self::open`].
    pub(super) fn close(&mut self) {
        self.pop();
        if self.open.len() > 1 {
            self.open.pop();
        }
    }

    /// The class of this name, made when it is new.
    pub(super) fn class(&mut self, name: &Name, span: Span) -> ClassId {
        if let Some(id) = self.classes.get(name) {
            return *id;
        }
        let id = ClassId(count(self.facts.classes.len()));
        self.facts.classes.push(Class {
            name: name.clone(),
            variable: None,
            bases: Vec::new(),
            methods: Vec::new(),
            fields: Vec::new(),
            decorators: Vec::new(),
            span,
        });
        self.classes.insert(name.clone(), id);
        id
    }

    /// A class to be filled.
    pub(super) fn class_mut(&mut self, id: ClassId) -> Option<&mut Class> {
        self.facts.classes.get_mut(at(id.0))
    }

    /// Adds an import, bound to nothing yet.
    pub(super) fn import(&mut self, source: Name, item: ImportItem, span: Span) -> ImportId {
        let id = ImportId(count(self.facts.imports.len()));
        self.facts.imports.push(Import { source, item, span });
        id
    }
}

/// An expression that stands for something too deep or without a form.
pub(super) fn opaque(parts: Vec<Expr>, span: Span) -> Expr {
    Expr {
        kind: ExprKind::Opaque(parts),
        span,
    }
}

/// A stretch from the start of one to the end of the other.
pub(super) fn between(first: Span, last: Span) -> Span {
    Span {
        start: first.start,
        end: last.end.max(first.start),
        line: first.line,
        end_line: last.end_line.max(first.line),
    }
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

fn at(id: u32) -> usize {
    usize::try_from(id).unwrap_or(usize::MAX)
}
