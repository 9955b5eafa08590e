//! Conditions, loops, switches and selects.

use tree_sitter::Node;

use super::stmts::push;
use super::{Lower, tree};
use crate::extract::build::{Space, opaque};
use crate::facts::{
    Arm, Block, Expr, ExprKind, Logic, LoopKind, Pattern, Stmt, StmtKind, VariableKind,
};

impl Lower<'_> {
    /// `if init; test {…} else …`; the initialiser stands before, in a block of its own.
    pub(super) fn condition(&mut self, node: Node<'_>, out: &mut Block) {
        let span = self.span(node);
        self.build.push();
        let mut before = Block::new();
        if let Some(init) = tree::field(node, "initializer") {
            self.statement(init, &mut before);
        }
        let test = match tree::field(node, "condition") {
            Some(test) => self.expr(test),
            None => opaque(Vec::new(), span),
        };
        let then = tree::field(node, "consequence")
            .map(|block| self.block(block))
            .unwrap_or_default();
        let mut otherwise = Block::new();
        if let Some(other) = tree::field(node, "alternative") {
            if other.kind() == "block" {
                otherwise = self.block(other);
            } else {
                self.statement(other, &mut otherwise);
            }
        }
        self.build.pop();
        let kind = StmtKind::If {
            test,
            then,
            otherwise,
        };
        wrapped(before, Stmt::new(kind, span), out);
    }

    pub(super) fn looping(&mut self, node: Node<'_>, out: &mut Block) {
        let span = self.span(node);
        self.build.push();
        let mut before = Block::new();
        let mut kind = LoopKind::Forever;
        let (mut item, mut over) = (None, None);
        let mut update = Block::new();
        let clause = tree::named(node)
            .into_iter()
            .find(|child| child.kind() != "block");
        let mut update_node = None;
        match clause {
            Some(clause) if clause.kind() == "range_clause" => {
                kind = LoopKind::Each;
                over = tree::field(clause, "right").map(|right| self.expr(right));
                item = tree::field(clause, "left").map(|left| self.range_names(clause, left));
            }
            Some(clause) if clause.kind() == "for_clause" => {
                if let Some(init) = tree::field(clause, "initializer") {
                    self.statement(init, &mut before);
                }
                if let Some(test) = tree::field(clause, "condition") {
                    kind = LoopKind::While;
                    over = Some(self.expr(test));
                }
                update_node = tree::field(clause, "update");
            }
            Some(test) => {
                kind = LoopKind::While;
                let test = self.expr(test);
                if matches!(test.kind, ExprKind::Bool(true)) {
                    kind = LoopKind::Forever;
                } else {
                    over = Some(test);
                }
            }
            None => {}
        }
        let mut body = tree::field(node, "body")
            .map(|block| self.block(block))
            .unwrap_or_default();
        if let Some(last) = update_node {
            self.statement(last, &mut update);
        }
        body.append(&mut update);
        self.build.pop();
        let kind = StmtKind::Loop {
            kind,
            item,
            over,
            body,
        };
        wrapped(before, Stmt::new(kind, span), out);
    }

    fn range_names(&mut self, clause: Node<'_>, left: Node<'_>) -> Pattern {
        let is_new = {
            let mut cursor = clause.walk();
            clause
                .children(&mut cursor)
                .any(|child| child.kind() == ":=")
        };
        let mut names = if is_new {
            self.new_names(left)
        } else {
            self.targets(left)
        };
        if names.len() == 1 {
            names.remove(0)
        } else {
            Pattern::List(names)
        }
    }

    /// `switch value {…}`; a bare one looks at `true`, and its cases are tests.
    pub(super) fn switch(&mut self, node: Node<'_>, out: &mut Block) {
        let span = self.span(node);
        self.build.push();
        let mut before = Block::new();
        if let Some(init) = tree::field(node, "initializer") {
            self.statement(init, &mut before);
        }
        let value = tree::field(node, "value").map(|value| self.expr(value));
        let mut arms = Vec::new();
        for case in cases(node) {
            let at = self.span(case);
            let mut values = tree::field(case, "value")
                .map(|list| self.list(list))
                .unwrap_or_default();
            let (pattern, test) = match (&value, values.len()) {
                (_, 0) => (Pattern::Any, None),
                (None, _) => (Pattern::Any, any_of(values)),
                (Some(_), 1) => (Pattern::Value(values.remove(0)), None),
                (Some(_), _) => {
                    let all = values.into_iter().map(Pattern::Value).collect();
                    (Pattern::Or(all), None)
                }
            };
            let body = self.case_body(case);
            arms.push(Arm {
                pattern,
                test,
                body,
                span: at,
            });
        }
        self.build.pop();
        let subject = value.unwrap_or(Expr {
            kind: ExprKind::Bool(true),
            span,
        });
        let kind = StmtKind::Match { subject, arms };
        wrapped(before, Stmt::new(kind, span), out);
    }

    /// `switch x := v.(type) {…}`: `x` is set before, and the cases are types.
    pub(super) fn type_switch(&mut self, node: Node<'_>, out: &mut Block) {
        let span = self.span(node);
        self.build.push();
        let mut before = Block::new();
        if let Some(init) = tree::field(node, "initializer") {
            self.statement(init, &mut before);
        }
        let mut subject = match tree::field(node, "value") {
            Some(value) => self.expr(value),
            None => opaque(Vec::new(), span),
        };
        if let Some(ident) = tree::field(node, "alias").and_then(tree::first) {
            let id = self.variable(ident, VariableKind::Local, None);
            let at = subject.span;
            let value = Some(subject);
            let target = Pattern::Var(id);
            push(StmtKind::Assign { target, value }, at, &mut before);
            let name = self.text(ident);
            subject = self.build.name(&name, Space::Values, at);
        }
        let mut arms = Vec::new();
        for case in cases(node) {
            let at = self.span(case);
            let mut types: Vec<Pattern> = tree::fields(case, "type")
                .into_iter()
                .map(|ty| {
                    if ty.kind() == "nil" || self.raw(ty) == "nil" {
                        let kind = ExprKind::Null;
                        let span = self.span(ty);
                        Pattern::Value(Expr { kind, span })
                    } else {
                        Pattern::Of(self.type_value(ty), Vec::new())
                    }
                })
                .collect();
            let pattern = match types.len() {
                0 => Pattern::Any,
                1 => types.remove(0),
                _ => Pattern::Or(types),
            };
            let body = self.case_body(case);
            arms.push(Arm {
                pattern,
                test: None,
                body,
                span: at,
            });
        }
        self.build.pop();
        let kind = StmtKind::Match { subject, arms };
        wrapped(before, Stmt::new(kind, span), out);
    }

    /// `select {…}`: a receive is an await with the pattern that it fills, a send a call.
    pub(super) fn select(&mut self, node: Node<'_>, out: &mut Block) {
        let span = self.span(node);
        let mut arms = Vec::new();
        for case in cases(node) {
            let at = self.span(case);
            self.build.push();
            let mut pattern = Pattern::Any;
            let mut test = None;
            if let Some(operation) = tree::field(case, "communication") {
                if operation.kind() == "send_statement" {
                    test = Some(self.send(operation));
                } else {
                    test = tree::field(operation, "right").map(|right| self.expr(right));
                    if let Some(left) = tree::field(operation, "left") {
                        pattern = self.range_names(operation, left);
                    }
                }
            }
            let body = self.case_body(case);
            self.build.pop();
            arms.push(Arm {
                pattern,
                test,
                body,
                span: at,
            });
        }
        push(StmtKind::Select(arms), span, out);
    }

    fn case_body(&mut self, case: Node<'_>) -> Block {
        let mut body = Block::new();
        self.build.push();
        for child in tree::named(case) {
            if child.kind() == "statement_list" {
                self.statement(child, &mut body);
            }
        }
        self.build.pop();
        body
    }
}

fn cases(node: Node<'_>) -> Vec<Node<'_>> {
    tree::named(node)
        .into_iter()
        .filter(|child| child.kind().ends_with("_case"))
        .collect()
}

fn any_of(values: Vec<Expr>) -> Option<Expr> {
    values.into_iter().reduce(|left, right| {
        let span = left.span;
        Expr {
            kind: ExprKind::Logic(Logic::Or, Box::new(left), Box::new(right)),
            span,
        }
    })
}

/// A statement with its initialiser before it, in a block if there is one.
fn wrapped(mut before: Block, stmt: Stmt, out: &mut Block) {
    if before.is_empty() {
        out.push(stmt);
        return;
    }
    let span = stmt.span;
    before.push(stmt);
    push(StmtKind::Block(before), span, out);
}
