//! The tables of a file while it is read.

use std::collections::HashSet;

use ruff_python_ast::{Expr as Tree, ModModule, Stmt, StmtIf};
use ruff_text_size::{Ranged, TextRange};

use super::bound::{self, Bound};
use super::scope::{Meaning, Scope, Scopes};
use crate::facts::{
    Block, Expr, ExprKind, FileFacts, FnId, Function, Lines, MAX_DEPTH, Mode, Name, Reading, Span,
    VarId, Variable, VariableKind, Why,
};

/// A file in the making.
pub(super) struct Lower<'a> {
    pub(super) facts: FileFacts,
    pub(super) lines: &'a Lines,
    pub(super) scopes: Scopes<'a>,
    /// How deep the walk is, counted in statements and expressions.
    depth: usize,
}

/// Lowers a whole file.
pub(super) fn lower<'a>(facts: FileFacts, lines: &'a Lines, tree: &'a ModModule) -> FileFacts {
    let mut lower = Lower {
        facts,
        lines,
        scopes: Scopes::default(),
        depth: 0,
    };
    lower.scopes.push(Scope::new(FnId::MODULE));
    lower.declare(&bound::names(&tree.body));
    let body = lower.block(&tree.body);
    lower.facts.functions[0].body = body;
    lower.facts.is_program = tree.body.iter().any(is_main_guard);
    lower.facts
}

impl<'a> Lower<'a> {
    pub(super) fn span(&self, node: impl Ranged) -> Span {
        self.lines.span(node.start().to_u32(), node.end().to_u32())
    }

    /// Adds a variable of the function that is being read.
    pub(super) fn variable(&mut self, name: &str, range: TextRange, kind: VariableKind) -> VarId {
        let owner = self.scopes.owner();
        self.variable_of(owner, name, range, kind)
    }

    fn variable_of(
        &mut self,
        owner: FnId,
        name: &str,
        range: TextRange,
        kind: VariableKind,
    ) -> VarId {
        let id = VarId(u32::try_from(self.facts.variables.len()).unwrap_or(u32::MAX));
        let span = self.span(range);
        self.facts.variables.push(Variable {
            name: Name::from(name),
            owner,
            kind,
            ty: None,
            span,
        });
        id
    }

    /// Declares the names of the body that is about to be read, in the innermost scope.
    pub(super) fn declare(&mut self, bound: &Bound<'a>) {
        for (name, range) in &bound.global {
            self.declare_global(name, *range);
        }
        let elsewhere: HashSet<&str> = bound
            .global
            .iter()
            .map(|(name, _)| *name)
            .chain(bound.outer.iter().copied())
            .collect();
        for (name, range) in &bound.local {
            let known = self
                .scopes
                .innermost()
                .and_then(|scope| scope.get(name))
                .is_some();
            if !known && !elsewhere.contains(*name) {
                let id = self.variable(name, *range, VariableKind::Local);
                if let Some(scope) = self.scopes.innermost() {
                    scope.bind(name, id);
                }
            }
        }
    }

    /// `global x` in a function makes `x` a variable of the file, and the name means it in the function.
    fn declare_global(&mut self, name: &'a str, range: TextRange) {
        let known = self.scopes.module().and_then(|scope| scope.get(name));
        let id = known
            .unwrap_or_else(|| self.variable_of(FnId::MODULE, name, range, VariableKind::Local));
        if let Some(scope) = self.scopes.module() {
            scope.bind(name, id);
        }
        if let Some(scope) = self.scopes.innermost() {
            scope.bind(name, id);
        }
    }

    /// Says what a declared name is, if nothing else was said of it before.
    pub(super) fn define(&mut self, name: &str, kind: VariableKind) -> Option<VarId> {
        let Meaning::Var(id) = self.scopes.meaning(name) else {
            return None;
        };
        let variable = self.facts.variables.get_mut(id.0 as usize)?;
        if variable.kind == VariableKind::Local {
            variable.kind = kind;
        }
        Some(id)
    }

    /// Adds a function without a body, so that those written in it come after it.
    pub(super) fn open_function(&mut self, function: Function) -> FnId {
        let id = FnId(u32::try_from(self.facts.functions.len()).unwrap_or(u32::MAX));
        self.facts.functions.push(function);
        id
    }

    /// Gives a function its body.
    pub(super) fn close_function(&mut self, id: FnId, body: Block) {
        if let Some(function) = self.facts.functions.get_mut(id.0 as usize) {
            function.body = body;
        }
    }

    /// A function without parameters and body, written at the place that is being read.
    pub(super) fn blank(&self, name: &str, mode: Mode, span: Span) -> Function {
        Function {
            name: Name::from(name),
            parent: Some(self.scopes.owner()),
            class: None,
            params: Vec::new(),
            mode,
            returns: None,
            decorators: Vec::new(),
            body: Vec::new(),
            span,
        }
    }

    /// Whether this is the guard of the main module, alone at the top of the file.
    pub(super) fn is_guarded_program(&self, stmt: &StmtIf) -> bool {
        self.scopes.owner() == FnId::MODULE
            && stmt.elif_else_clauses.is_empty()
            && is_main_test(&stmt.test)
    }

    /// What only runs when the file is the program is a function of its own, which nobody calls: an import does not run it.
    pub(super) fn program(&mut self, stmt: &'a StmtIf, span: Span) {
        let id = self.open_function(self.blank("__main__", Mode::Sync, span));
        let body = self.block(&stmt.body);
        self.close_function(id, body);
    }

    /// Goes one level down, or gives what stands for things too deep.
    pub(super) fn deeper<T>(&mut self, too_deep: T, read: impl FnOnce(&mut Self) -> T) -> T {
        if self.depth >= MAX_DEPTH {
            self.facts.reading = Reading::Not(Why::TooDeep);
            return too_deep;
        }
        self.depth += 1;
        let value = read(self);
        self.depth -= 1;
        value
    }

    /// A name where it is used.
    pub(super) fn name(&self, name: &str, span: Span) -> Expr {
        let kind = match self.scopes.meaning(name) {
            Meaning::Var(id) => ExprKind::Var(id),
            Meaning::Receiver => ExprKind::This,
            Meaning::Unknown => ExprKind::Global(Name::from(name)),
        };
        Expr { kind, span }
    }
}

/// Whether a statement is the guard of the main module.
fn is_main_guard(stmt: &Stmt) -> bool {
    stmt.as_if_stmt()
        .is_some_and(|stmt| is_main_test(&stmt.test))
}

/// `__name__ == "__main__"`.
fn is_main_test(test: &Tree) -> bool {
    let Some(compare) = test.as_compare_expr() else {
        return false;
    };
    let mut name = false;
    let mut main = false;
    for side in std::iter::once(compare.left.as_ref()).chain(&compare.comparators) {
        name |= side
            .as_name_expr()
            .is_some_and(|name| name.id.as_str() == "__name__");
        main |= side
            .as_string_literal_expr()
            .is_some_and(|text| text.value.to_str() == "__main__");
    }
    name && main
}
