//! Branches, loops, failures and scopes that close what they open.

use ruff_python_ast::{
    ElifElseClause, ExceptHandler, Expr as Tree, StmtFor, StmtIf, StmtMatch, StmtTry, StmtWhile,
    StmtWith,
};

use super::module::Lower;
use super::scope::Scope;
use crate::facts::{
    Arm, Block, Catch, Expr, ExprKind, LoopKind, Pattern, Resource, Span, Stmt, StmtKind,
    VariableKind,
};

/// A chain of `elif` longer than this becomes one match on `True`, so that it doesn't nest.
const LONG_CHAIN: usize = 16;

impl<'a> Lower<'a> {
    /// `if … elif … else`.
    pub(super) fn branch(&mut self, stmt: &'a StmtIf) -> StmtKind {
        if stmt.elif_else_clauses.len() > LONG_CHAIN {
            return self.chain(stmt);
        }
        let test = self.expr(&stmt.test);
        let then = self.block(&stmt.body);
        let otherwise = self.otherwise(&stmt.elif_else_clauses);
        StmtKind::If {
            test,
            then,
            otherwise,
        }
    }

    fn otherwise(&mut self, clauses: &'a [ElifElseClause]) -> Block {
        let Some((first, rest)) = clauses.split_first() else {
            return Vec::new();
        };
        let Some(test) = &first.test else {
            return self.block(&first.body);
        };
        self.deeper(Vec::new(), |lower| {
            let test = lower.expr(test);
            let then = lower.block(&first.body);
            let otherwise = lower.otherwise(rest);
            let span = lower.between(first, clauses.last().unwrap_or(first));
            vec![Stmt::new(
                StmtKind::If {
                    test,
                    then,
                    otherwise,
                },
                span,
            )]
        })
    }

    fn chain(&mut self, stmt: &'a StmtIf) -> StmtKind {
        let span = self.span(stmt.test.as_ref());
        let value = self.expr(&stmt.test);
        let body = self.block(&stmt.body);
        let mut arms = vec![Arm {
            pattern: Pattern::Value(value),
            test: None,
            body,
            span,
        }];
        for clause in &stmt.elif_else_clauses {
            let pattern = match &clause.test {
                Some(test) => Pattern::Value(self.expr(test)),
                None => Pattern::Any,
            };
            let body = self.block(&clause.body);
            arms.push(Arm {
                pattern,
                test: None,
                body,
                span: self.span(clause),
            });
        }
        StmtKind::Match {
            subject: Expr {
                kind: ExprKind::Bool(true),
                span,
            },
            arms,
        }
    }

    pub(super) fn while_loop(&mut self, stmt: &'a StmtWhile) -> StmtKind {
        let test = self.expr(&stmt.test);
        let forever = matches!(&test.kind, ExprKind::Bool(true))
            || matches!(&test.kind, ExprKind::Number(value) if *value != 0.0);
        let kind = if forever {
            LoopKind::Forever
        } else {
            LoopKind::While
        };
        let over = (!forever).then_some(test);
        StmtKind::Loop {
            kind,
            item: None,
            over,
            body: self.block(&stmt.body),
        }
    }

    pub(super) fn for_loop(&mut self, stmt: &'a StmtFor) -> StmtKind {
        let over = self.expr(&stmt.iter);
        let over = if stmt.is_async { awaited(over) } else { over };
        let item = Some(self.target(&stmt.target));
        StmtKind::Loop {
            kind: LoopKind::Each,
            item,
            over: Some(over),
            body: self.block(&stmt.body),
        }
    }

    pub(super) fn attempt(&mut self, stmt: &'a StmtTry) -> StmtKind {
        let mut body = self.block(&stmt.body);
        let otherwise = self.block(&stmt.orelse);
        body.extend(otherwise);
        let catches = stmt
            .handlers
            .iter()
            .map(|handler| self.except(handler))
            .collect();
        let finally = self.block(&stmt.finalbody);
        StmtKind::Try {
            body,
            catches,
            finally,
        }
    }

    fn except(&mut self, handler: &'a ExceptHandler) -> Catch {
        let ExceptHandler::ExceptHandler(tree) = handler;
        let types = match tree.type_.as_deref() {
            Some(Tree::Tuple(tuple)) => tuple.elts.iter().map(|ty| self.expr(ty)).collect(),
            Some(ty) => vec![self.expr(ty)],
            None => Vec::new(),
        };
        let mut scope = Scope::new(self.scopes.owner());
        let binding = tree.name.as_ref().map(|name| {
            let variable = self.variable(name.as_str(), name.range, VariableKind::Caught);
            scope.bind(name.as_str(), variable);
            Pattern::Var(variable)
        });
        self.scopes.push(scope);
        let body = self.block(&tree.body);
        self.scopes.pop();
        Catch {
            binding,
            types,
            body,
            span: self.span(handler),
        }
    }

    /// `with a as b, c:`; `with suppress(E):` is a `try` whose `except E` does nothing.
    pub(super) fn with(&mut self, stmt: &'a StmtWith, span: Span) -> StmtKind {
        let mut resources = Vec::new();
        let mut catches = Vec::new();
        for item in &stmt.items {
            let value = self.expr(&item.context_expr);
            if let Some(types) = suppressed(&item.context_expr, &value) {
                let span = self.span(item);
                catches.push(Catch {
                    binding: None,
                    types,
                    body: Vec::new(),
                    span,
                });
                continue;
            }
            let value = if stmt.is_async { awaited(value) } else { value };
            let binding = item
                .optional_vars
                .as_deref()
                .map(|target| self.target(target));
            resources.push(Resource { binding, value });
        }
        let body = self.block(&stmt.body);
        if catches.is_empty() {
            return StmtKind::With { resources, body };
        }
        let body = if resources.is_empty() {
            body
        } else {
            vec![Stmt::new(StmtKind::With { resources, body }, span)]
        };
        StmtKind::Try {
            body,
            catches,
            finally: Vec::new(),
        }
    }

    pub(super) fn matching(&mut self, stmt: &'a StmtMatch) -> StmtKind {
        let subject = self.expr(&stmt.subject);
        let arms = stmt
            .cases
            .iter()
            .map(|case| Arm {
                pattern: self.case(&case.pattern),
                test: case.guard.as_deref().map(|guard| self.expr(guard)),
                body: self.block(&case.body),
                span: self.span(case),
            })
            .collect();
        StmtKind::Match { subject, arms }
    }
}

/// What `contextlib.suppress` is given, if this is a call of it.
fn suppressed(tree: &Tree, value: &Expr) -> Option<Vec<Expr>> {
    let callee = &tree.as_call_expr()?.func;
    let by_name = callee.as_name_expr().map(|name| name.id.as_str());
    let by_member = callee
        .as_attribute_expr()
        .map(|member| member.attr.as_str());
    let name = by_name.or(by_member)?;
    if name != "suppress" {
        return None;
    }
    Some(
        value
            .call()?
            .args
            .iter()
            .map(|arg| arg.value.clone())
            .collect(),
    )
}

fn awaited(value: Expr) -> Expr {
    let span = value.span;
    Expr {
        kind: ExprKind::Await(Box::new(value)),
        span,
    }
}
