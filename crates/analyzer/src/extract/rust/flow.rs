//! Expressions with flow: conditions, loops, matches, jumps.

use syn::{Expr as SynExpr, ExprIf, ExprMatch, Pat};

use super::stmts::{arm, push_value, stmt};
use super::{Lower, Tail};
use crate::extract::build::between;
use crate::facts::{
    Arm, Block, Expr, ExprKind, LoopKind, Pattern, Span, Stmt, StmtKind, VariableKind,
};

impl Lower {
    /// Reads the expression as a statement if it has flow; `false` if it has none.
    pub(super) fn flow_statement(&mut self, expr: &SynExpr, tail: Tail, out: &mut Block) -> bool {
        match expr {
            SynExpr::If(one) => {
                let made = self.condition(one, tail);
                out.push(made);
            }
            SynExpr::Match(one) => {
                let made = self.matching(one, tail);
                out.push(made);
            }
            SynExpr::Block(one) => self.nested(&one.block, tail, out),
            SynExpr::Unsafe(one) => self.nested(&one.block, tail, out),
            SynExpr::Const(one) => self.nested(&one.block, tail, out),
            SynExpr::TryBlock(one) => self.nested(&one.block, Tail::Drop, out),
            SynExpr::Loop(one) => {
                let span = self.braces(one.loop_token.span, &one.body);
                let body = self.block(&one.body, Tail::Drop);
                out.push(looping(LoopKind::Forever, None, None, body, span));
            }
            SynExpr::While(one) => {
                let span = self.braces(one.while_token.span, &one.body);
                self.build.push();
                let (item, over) = match &*one.cond {
                    SynExpr::Let(test) => {
                        let over = self.expr(&test.expr);
                        let item = self.pattern(&test.pat, VariableKind::Constant, None);
                        (Some(item), over)
                    }
                    other => (None, self.expr(other)),
                };
                let body = self.block(&one.body, Tail::Drop);
                self.build.pop();
                let kind = match over.kind {
                    ExprKind::Bool(true) => LoopKind::Forever,
                    _ => LoopKind::While,
                };
                out.push(looping(kind, item, Some(over), body, span));
            }
            SynExpr::ForLoop(one) => {
                let span = self.braces(one.for_token.span, &one.body);
                let over = self.expr(&one.expr);
                self.build.push();
                let item = self.pattern(&one.pat, VariableKind::Constant, None);
                let body = self.block(&one.body, Tail::Drop);
                self.build.pop();
                out.push(looping(LoopKind::Each, Some(item), Some(over), body, span));
            }
            SynExpr::Return(one) => {
                let start = self.span(one.return_token.span);
                self.leaving(one.expr.as_deref(), start, out);
            }
            SynExpr::Break(one) => {
                let span = self.span(one.break_token.span);
                if let Some(value) = &one.expr {
                    let value = self.expr(value);
                    push_value(value, Tail::Value, out);
                }
                out.push(stmt(StmtKind::Break, span));
            }
            SynExpr::Continue(one) => {
                let span = self.span(one.continue_token.span);
                out.push(stmt(StmtKind::Continue, span));
            }
            SynExpr::Macro(one) => self.macro_statement(&one.mac, tail, out),
            SynExpr::Paren(one) => return self.flow_statement(&one.expr, tail, out),
            SynExpr::Group(one) => return self.flow_statement(&one.expr, tail, out),
            _ => return false,
        }
        true
    }

    /// A flow expression where a value is expected.
    pub(super) fn flow(&mut self, expr: &SynExpr) -> Option<Expr> {
        let mut out = Block::new();
        if !self.flow_statement(expr, Tail::Value, &mut out) {
            return None;
        }
        Some(flow_of(out))
    }

    fn nested(&mut self, block: &syn::Block, tail: Tail, out: &mut Block) {
        let span = between(
            self.span(block.brace_token.span.open()),
            self.span(block.brace_token.span.close()),
        );
        let body = self.block(block, tail);
        out.push(stmt(StmtKind::Block(body), span));
    }

    /// `return value`; a value with flow leaves in each of its arms.
    fn leaving(&mut self, value: Option<&SynExpr>, start: Span, out: &mut Block) {
        let Some(value) = value else {
            out.push(stmt(StmtKind::Return(None), start));
            return;
        };
        if matches!(
            value,
            SynExpr::If(_) | SynExpr::Match(_) | SynExpr::Block(_)
        ) {
            self.expr_statement(value, Tail::Return, out);
            return;
        }
        let value = self.expr(value);
        let span = between(start, value.span);
        out.push(stmt(StmtKind::Return(Some(value)), span));
    }

    fn condition(&mut self, one: &ExprIf, tail: Tail) -> Stmt {
        let start = self.span(one.if_token.span);
        let then_end = self.span(one.then_branch.brace_token.span.close());
        self.build.push();
        let (pattern, test) = match &*one.cond {
            SynExpr::Let(test) => {
                let subject = self.expr(&test.expr);
                (Some(self.arm_pattern(&test.pat)), subject)
            }
            other => (None, self.expr(other)),
        };
        let then = self.block(&one.then_branch, tail);
        self.build.pop();
        let mut otherwise = Block::new();
        if let Some((_, value)) = &one.else_branch {
            match &**value {
                SynExpr::Block(block) => otherwise = self.block(&block.block, tail),
                other => self.expr_statement(other, tail, &mut otherwise),
            }
        }
        let end = otherwise.last().map_or(then_end, |last| last.span);
        let span = between(start, end);
        let kind = match pattern {
            None => StmtKind::If {
                test,
                then,
                otherwise,
            },
            Some(pattern) => StmtKind::Match {
                subject: test,
                arms: vec![
                    arm(pattern, then, between(start, then_end)),
                    arm(Pattern::Any, otherwise, span),
                ],
            },
        };
        stmt(kind, span)
    }

    fn matching(&mut self, one: &ExprMatch, tail: Tail) -> Stmt {
        let span = between(
            self.span(one.match_token.span),
            self.span(one.brace_token.span.close()),
        );
        let subject = self.expr(&one.expr);
        let mut arms = Vec::new();
        for source in &one.arms {
            if Self::is_foreign(&source.attrs) {
                continue;
            }
            self.build.push();
            let pattern = self.arm_pattern(&source.pat);
            let test = match &source.pat {
                Pat::Guard(guard) => Some(self.expr(&guard.guard)),
                _ => None,
            };
            let mut body = Block::new();
            self.arm_body(&source.body, tail, &mut body);
            self.build.pop();
            let at = self.pattern_span(&source.pat);
            let end = body.last().map_or(at, |last| last.span);
            arms.push(Arm {
                pattern,
                test,
                body,
                span: between(at, end),
            });
        }
        stmt(StmtKind::Match { subject, arms }, span)
    }

    /// What an arm does: the statements of a block, without a block around them.
    pub(super) fn arm_body(&mut self, value: &SynExpr, tail: Tail, out: &mut Block) {
        match value {
            SynExpr::Block(block) if block.label.is_none() => {
                *out = self.block(&block.block, tail);
            }
            other => self.expr_statement(other, tail, out),
        }
    }

    /// The pattern of an arm; what `Err(…)` binds is a caught error.
    pub(super) fn arm_pattern(&mut self, pat: &Pat) -> Pattern {
        let bare = match pat {
            Pat::Guard(guard) => &*guard.pat,
            other => other,
        };
        let kind = match bare {
            Pat::TupleStruct(one) if is_err(&one.path) => VariableKind::Caught,
            _ => VariableKind::Constant,
        };
        self.pattern(bare, kind, None)
    }

    fn braces(&self, start: proc_macro2::Span, body: &syn::Block) -> Span {
        between(self.span(start), self.span(body.brace_token.span.close()))
    }

    fn pattern_span(&self, pat: &Pat) -> Span {
        use syn::spanned::Spanned;
        self.span(pat.span())
    }
}

/// Statements as one expression.
pub(super) fn flow_of(mut out: Block) -> Expr {
    let first = out.first().map(|one| one.span).unwrap_or_default();
    let last = out.last().map(|one| one.span).unwrap_or_default();
    let span = between(first, last);
    let single = if out.len() == 1 { out.pop() } else { None };
    let inner = match single {
        Some(Stmt {
            kind: StmtKind::Value(value),
            ..
        }) => return value,
        Some(one) => one,
        None => stmt(StmtKind::Block(out), span),
    };
    Expr {
        kind: ExprKind::Flow(Box::new(inner)),
        span,
    }
}

fn looping(
    kind: LoopKind,
    item: Option<Pattern>,
    over: Option<Expr>,
    body: Block,
    span: Span,
) -> Stmt {
    stmt(
        StmtKind::Loop {
            kind,
            item,
            over,
            body,
        },
        span,
    )
}

fn is_err(path: &syn::Path) -> bool {
    path.segments.last().is_some_and(|last| last.ident == "Err")
}
