//! Blocks and statements.

use syn::{Expr as SynExpr, Item, Local, Stmt as SynStmt};

use super::{Lower, Tail};
use crate::extract::build::between;
use crate::facts::{Arm, Block, Expr, ExprKind, Pattern, Span, Stmt, StmtKind, VariableKind};

impl Lower {
    /// The statements of a block, in a scope of their own.
    pub(super) fn block(&mut self, block: &syn::Block, tail: Tail) -> Block {
        self.statements(&block.stmts, tail)
    }

    /// Statements, in a scope of their own.
    pub(super) fn statements(&mut self, stmts: &[SynStmt], tail: Tail) -> Block {
        let mut out = Block::new();
        if !self.build.enter() {
            return out;
        }
        self.build.push();
        let items: Vec<&Item> = stmts
            .iter()
            .filter_map(|stmt| match stmt {
                SynStmt::Item(item) => Some(item),
                SynStmt::Local(_) | SynStmt::Expr(..) | SynStmt::Macro(_) => None,
            })
            .collect();
        self.items(&items, &mut out);
        let last = stmts.len().saturating_sub(1);
        for (place, stmt) in stmts.iter().enumerate() {
            let tail = if place == last { tail } else { Tail::Drop };
            self.statement(stmt, tail, &mut out);
        }
        self.build.pop();
        self.build.leave();
        out
    }

    fn statement(&mut self, stmt: &SynStmt, tail: Tail, out: &mut Block) {
        match stmt {
            SynStmt::Local(local) if !Self::is_foreign(&local.attrs) => self.local(local, out),
            SynStmt::Local(_) | SynStmt::Item(_) => {}
            SynStmt::Expr(expr, semi) => {
                if Self::is_foreign(super::exprs::attrs_of(expr)) {
                    return;
                }
                let tail = if semi.is_some() { Tail::Drop } else { tail };
                self.expr_statement(expr, tail, out);
            }
            SynStmt::Macro(one) => {
                if Self::is_foreign(&one.attrs) {
                    return;
                }
                let tail = if one.semi_token.is_some() {
                    Tail::Drop
                } else {
                    tail
                };
                self.macro_statement(&one.mac, tail, out);
            }
        }
    }

    /// The value is read before the names are declared, since it may use older variables of the same names.
    fn local(&mut self, local: &Local, out: &mut Block) {
        let start = self.span(local.let_token.span);
        let span = between(start, self.span(local.semi_token.span));
        let Some(init) = &local.init else {
            let target = self.pattern(&local.pat, VariableKind::Constant, None);
            out.push(stmt(
                StmtKind::Assign {
                    target,
                    value: None,
                },
                span,
            ));
            return;
        };
        let value = self.expr(&init.expr);
        let Some((_, diverge)) = &init.diverge else {
            let target = self.pattern(&local.pat, VariableKind::Constant, None);
            let value = Some(value);
            out.push(stmt(StmtKind::Assign { target, value }, span));
            return;
        };
        let mut otherwise = Block::new();
        self.expr_statement(diverge, Tail::Drop, &mut otherwise);
        let pattern = self.pattern(&local.pat, VariableKind::Constant, None);
        let arms = vec![
            arm(pattern, Block::new(), span),
            arm(Pattern::Any, otherwise, span),
        ];
        let subject = value;
        out.push(stmt(StmtKind::Match { subject, arms }, span));
    }

    /// An expression that stands as a statement, or at the end of a block.
    pub(super) fn expr_statement(&mut self, expr: &SynExpr, tail: Tail, out: &mut Block) {
        if !self.build.enter() {
            return;
        }
        if !self.flow_statement(expr, tail, out) {
            let value = self.expr(expr);
            push_value(value, tail, out);
        }
        self.build.leave();
    }
}

/// Adds a value: as a statement, or as what the block gives.
pub(super) fn push_value(value: Expr, tail: Tail, out: &mut Block) {
    let span = value.span;
    let kind = match (tail, value.kind) {
        (Tail::Drop | Tail::Value, ExprKind::Assign(target, value)) => StmtKind::Assign {
            target: *target,
            value: Some(*value),
        },
        (Tail::Drop, kind) => StmtKind::Expr(Expr { kind, span }),
        (Tail::Return, kind) => StmtKind::Return(Some(Expr { kind, span })),
        (Tail::Value, kind) => StmtKind::Value(Expr { kind, span }),
    };
    out.push(Stmt::new(kind, span));
}

pub(super) fn stmt(kind: StmtKind, span: Span) -> Stmt {
    Stmt::new(kind, span)
}

pub(super) fn arm(pattern: Pattern, body: Block, span: Span) -> Arm {
    Arm {
        pattern,
        test: None,
        body,
        span,
    }
}
