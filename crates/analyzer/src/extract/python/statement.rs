//! Statements.

use ruff_python_ast::{
    Expr as Tree, Operator, Stmt as TreeStmt, StmtAnnAssign, StmtAssign, StmtAugAssign,
};
use ruff_text_size::Ranged;

use super::module::Lower;
use crate::facts::{Block, Expr, ExprKind, Pattern, Span, Stmt, StmtKind};

impl<'a> Lower<'a> {
    /// Statements in order; empty where they nest too deep.
    pub(super) fn block(&mut self, body: &'a [TreeStmt]) -> Block {
        self.deeper(Vec::new(), |lower| {
            let mut block = Vec::with_capacity(body.len());
            for stmt in body {
                lower.stmt(stmt, &mut block);
            }
            block
        })
    }

    /// Appends what a statement does; nothing for a declaration, several for a chained assignment.
    pub(super) fn stmt(&mut self, stmt: &'a TreeStmt, block: &mut Block) {
        let span = self.span(stmt);
        match stmt {
            TreeStmt::FunctionDef(def) => {
                self.function(def, None);
            }
            TreeStmt::ClassDef(def) => {
                let effects = self.class(def);
                block.extend(effects);
            }
            TreeStmt::Import(import) => self.import(import),
            TreeStmt::ImportFrom(import) => self.import_from(import),
            TreeStmt::Assign(assign) => self.assign(assign, span, block),
            TreeStmt::AnnAssign(assign) => {
                let kind = self.annotated(assign);
                block.push(Stmt::new(kind, span));
            }
            TreeStmt::AugAssign(assign) => {
                let kind = self.augmented(assign, span);
                block.push(Stmt::new(kind, span));
            }
            TreeStmt::Return(stmt) => {
                let value = stmt.value.as_deref().map(|value| self.expr(value));
                block.push(Stmt::new(StmtKind::Return(value), span));
            }
            TreeStmt::Raise(stmt) => {
                let value = stmt.exc.as_deref().map(|value| self.expr(value));
                block.push(Stmt::new(StmtKind::Throw(value), span));
            }
            TreeStmt::Expr(stmt) => {
                // A text alone is documentation.
                if !stmt.value.is_string_literal_expr() {
                    let value = self.expr(&stmt.value);
                    block.push(Stmt::new(StmtKind::Expr(value), span));
                }
            }
            TreeStmt::Delete(stmt) => {
                let targets = stmt
                    .targets
                    .iter()
                    .map(|target| self.expr(target))
                    .collect();
                let kind = StmtKind::Expr(self.global_call("del", targets, span));
                block.push(Stmt::new(kind, span));
            }
            TreeStmt::Assert(stmt) => {
                let mut parts = vec![self.expr(&stmt.test)];
                parts.extend(stmt.msg.as_deref().map(|message| self.expr(message)));
                let value = Expr {
                    kind: ExprKind::Opaque(parts),
                    span,
                };
                block.push(Stmt::new(StmtKind::Expr(value), span));
            }
            TreeStmt::If(guard) if self.is_guarded_program(guard) => self.program(guard, span),
            TreeStmt::If(stmt) => {
                let kind = self.branch(stmt);
                block.push(Stmt::new(kind, span));
            }
            TreeStmt::While(stmt) => {
                let kind = self.while_loop(stmt);
                block.push(Stmt::new(kind, span));
                let after = self.block(&stmt.orelse);
                block.extend(after);
            }
            TreeStmt::For(stmt) => {
                let kind = self.for_loop(stmt);
                block.push(Stmt::new(kind, span));
                let after = self.block(&stmt.orelse);
                block.extend(after);
            }
            TreeStmt::Try(stmt) => {
                let kind = self.attempt(stmt);
                block.push(Stmt::new(kind, span));
            }
            TreeStmt::With(stmt) => {
                let kind = self.with(stmt, span);
                block.push(Stmt::new(kind, span));
            }
            TreeStmt::Match(stmt) => {
                let kind = self.matching(stmt);
                block.push(Stmt::new(kind, span));
            }
            TreeStmt::Break(_) => block.push(Stmt::new(StmtKind::Break, span)),
            TreeStmt::Continue(_) => block.push(Stmt::new(StmtKind::Continue, span)),
            TreeStmt::Pass(_)
            | TreeStmt::Global(_)
            | TreeStmt::Nonlocal(_)
            | TreeStmt::TypeAlias(_)
            | TreeStmt::IpyEscapeCommand(_) => {}
        }
    }

    /// `a = b = value`: the value is evaluated once, so the later targets get what the first one got.
    fn assign(&mut self, assign: &'a StmtAssign, span: Span, block: &mut Block) {
        let mut value = self.expr(&assign.value);
        for target in &assign.targets {
            self.name_target(&value, target);
            let again = self.expr(target);
            let target = self.target(target);
            block.push(Stmt::new(
                StmtKind::Assign {
                    target,
                    value: Some(value),
                },
                span,
            ));
            value = again;
        }
    }

    fn annotated(&mut self, assign: &'a StmtAnnAssign) -> StmtKind {
        let value = assign.value.as_deref().map(|value| self.expr(value));
        let ty = self.annotation(&assign.annotation);
        let target = self.target(&assign.target);
        if let Some(value) = &value {
            self.name_target(value, &assign.target);
        }
        if let Pattern::Var(id) = &target
            && let Some(variable) = self.facts.variables.get_mut(id.0 as usize)
            && variable.ty.is_none()
        {
            variable.ty = ty;
        }
        StmtKind::Assign { target, value }
    }

    fn augmented(&mut self, assign: &'a StmtAugAssign, span: Span) -> StmtKind {
        let before = self.expr(&assign.target);
        let added = self.expr(&assign.value);
        let value = if assign.op == Operator::Add {
            super::text::joined(vec![before, added], span)
        } else {
            Expr {
                kind: ExprKind::Opaque(vec![before, added]),
                span,
            }
        };
        StmtKind::Assign {
            target: self.target(&assign.target),
            value: Some(value),
        }
    }

    fn name_target(&mut self, value: &Expr, target: &Tree) {
        if let Tree::Name(name) = target {
            self.name_function(value, name.id.as_str());
        } else if let Tree::Attribute(attribute) = target {
            self.name_function(value, attribute.attr.as_str());
        }
    }

    /// A call of a global by name: forms of Python that have none of their own in the facts.
    pub(super) fn global_call(&mut self, name: &str, args: Vec<Expr>, span: Span) -> Expr {
        let callee = Expr {
            kind: ExprKind::Global(name.into()),
            span,
        };
        super::call::plain(callee, args, span)
    }

    /// The span from one node to another.
    pub(super) fn between(&self, from: &impl Ranged, to: &impl Ranged) -> Span {
        self.lines.span(from.start().to_u32(), to.end().to_u32())
    }
}
