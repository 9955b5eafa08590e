//! Blocks and statements.

use tree_sitter::Node;

use super::{Lower, tree};
use crate::extract::build::opaque;
use crate::facts::{Block, CallForm, Expr, ExprKind, Pattern, Span, Stmt, StmtKind, VariableKind};

impl Lower<'_> {
    /// The statements of a block, in a scope of their own.
    pub(super) fn block(&mut self, node: Node<'_>) -> Block {
        let mut out = Block::new();
        if !self.build.enter() {
            return out;
        }
        self.build.push();
        for child in tree::named(node) {
            self.statement(child, &mut out);
        }
        self.build.pop();
        self.build.leave();
        out
    }

    /// Reads one statement, or all of a list.
    pub(super) fn statement(&mut self, node: Node<'_>, out: &mut Block) {
        if !self.build.enter() {
            return;
        }
        let span = self.span(node);
        match node.kind() {
            "statement_list" => {
                for child in tree::named(node) {
                    self.statement(child, out);
                }
            }
            "expression_statement" => {
                for child in tree::named(node) {
                    let value = self.expr(child);
                    push(StmtKind::Expr(value), span, out);
                }
            }
            "send_statement" => {
                let value = self.send(node);
                push(StmtKind::Expr(value), span, out);
            }
            "short_var_declaration" => self.short_declaration(node, out),
            "assignment_statement" => self.assignment(node, out),
            "inc_statement" | "dec_statement" => {
                if let Some(place) = tree::first(node) {
                    let old = self.expr(place);
                    let target = target_of(old.clone());
                    let value = Some(opaque(vec![old], span));
                    push(StmtKind::Assign { target, value }, span, out);
                }
            }
            "return_statement" => self.returning(node, out),
            "go_statement" => {
                for child in tree::named(node) {
                    let mut value = self.expr(child);
                    if let ExprKind::Call(call) = &mut value.kind {
                        call.form = CallForm::Go;
                    }
                    value.span = span;
                    push(StmtKind::Expr(value), span, out);
                }
            }
            "defer_statement" => {
                for child in tree::named(node) {
                    let value = self.expr(child);
                    push(StmtKind::Defer(value), span, out);
                }
            }
            "block" => {
                let body = self.block(node);
                push(StmtKind::Block(body), span, out);
            }
            "labeled_statement" => {
                for child in tree::named(node) {
                    if child.kind() != "label_name" {
                        self.statement(child, out);
                    }
                }
            }
            "break_statement" => push(StmtKind::Break, span, out),
            "continue_statement" => push(StmtKind::Continue, span, out),
            "if_statement" => self.condition(node, out),
            "for_statement" => self.looping(node, out),
            "expression_switch_statement" => self.switch(node, out),
            "type_switch_statement" => self.type_switch(node, out),
            "select_statement" => self.select(node, out),
            "var_declaration" | "const_declaration" | "type_declaration" => {
                self.local_declaration(node, out);
            }
            "empty_statement" | "goto_statement" | "fallthrough_statement" => {}
            _ => {
                let value = self.expr(node);
                push(StmtKind::Expr(value), span, out);
            }
        }
        self.build.leave();
    }

    /// `ch <- v` as a call of `ch.send`.
    pub(super) fn send(&mut self, node: Node<'_>) -> Expr {
        let span = self.span(node);
        let parts = (tree::field(node, "channel"), tree::field(node, "value"));
        let (Some(channel), Some(value)) = parts else {
            return opaque(Vec::new(), span);
        };
        let channel = self.expr(channel);
        let value = self.expr(value);
        super::exprs::send(channel, value, span)
    }

    /// `a, b := …`: names of this very scope are assigned, the others are new.
    fn short_declaration(&mut self, node: Node<'_>, out: &mut Block) {
        let span = self.span(node);
        let values = tree::field(node, "right")
            .map(|list| self.list(list))
            .unwrap_or_default();
        let targets = tree::field(node, "left")
            .map(|list| self.new_names(list))
            .unwrap_or_default();
        self.assign(targets, values, span, out);
    }

    /// The left side of `:=`.
    pub(super) fn new_names(&mut self, list: Node<'_>) -> Vec<Pattern> {
        let mut all = Vec::new();
        for ident in tree::named(list) {
            let name = self.text(ident);
            if &*name == "_" {
                all.push(Pattern::Any);
                continue;
            }
            let id = match self.build.find_here(&name) {
                Some(id) => id,
                None => self.variable(ident, VariableKind::Local, None),
            };
            all.push(Pattern::Var(id));
        }
        all
    }

    fn assignment(&mut self, node: Node<'_>, out: &mut Block) {
        let span = self.span(node);
        let values = tree::field(node, "right")
            .map(|list| self.list(list))
            .unwrap_or_default();
        let places = tree::field(node, "left")
            .map(|list| self.list(list))
            .unwrap_or_default();
        let is_plain = tree::field(node, "operator").is_none_or(|op| self.raw(op) == "=");
        if is_plain {
            let targets = places.into_iter().map(target_of).collect();
            self.assign(targets, values, span, out);
            return;
        }
        for (place, value) in places.into_iter().zip(values) {
            let target = target_of(place.clone());
            let value = Some(opaque(vec![place, value], span));
            push(StmtKind::Assign { target, value }, span, out);
        }
    }

    /// The left side of `=`.
    pub(super) fn targets(&mut self, list: Node<'_>) -> Vec<Pattern> {
        self.list(list).into_iter().map(target_of).collect()
    }

    fn returning(&mut self, node: Node<'_>, out: &mut Block) {
        let span = self.span(node);
        let mut values = match tree::first(node) {
            Some(list) => self.list(list),
            None => self.results.last().cloned().unwrap_or_default(),
        };
        let value = match values.len() {
            0 => None,
            1 => values.pop(),
            _ => Some(Expr {
                kind: ExprKind::List(values),
                span,
            }),
        };
        push(StmtKind::Return(value), span, out);
    }
}

pub(super) fn push(kind: StmtKind, span: Span, out: &mut Block) {
    out.push(Stmt::new(kind, span));
}

fn target_of(place: Expr) -> Pattern {
    if let ExprKind::Var(id) = place.kind {
        return Pattern::Var(id);
    }
    if matches!(&place.kind, ExprKind::Global(name) if &**name == "_") {
        return Pattern::Any;
    }
    Pattern::Place(place)
}
