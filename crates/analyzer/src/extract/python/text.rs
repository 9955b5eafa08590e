//! Texts put together from parts.

use ruff_python_ast::{
    Expr as Tree, ExprBinOp, ExprFString, FStringPart, InterpolatedStringElement, Operator,
};

use super::module::Lower;
use crate::facts::{Expr, ExprKind, Name, Span};

/// A chain of operators with more parts than this loses its structure, so that it doesn't nest.
pub(super) const MAX_PARTS: usize = 32;

impl<'a> Lower<'a> {
    /// `f"…{x}…"`, also where it stands beside plain texts.
    pub(super) fn formatted(&mut self, tree: &'a ExprFString, span: Span) -> Expr {
        let mut parts = Vec::new();
        for part in &tree.value {
            match part {
                FStringPart::Literal(text) => parts.push(literal(text.as_str(), self.span(text))),
                FStringPart::FString(text) => {
                    for element in &text.elements {
                        parts.push(self.element(element));
                    }
                }
            }
        }
        if parts
            .iter()
            .all(|part| matches!(part.kind, ExprKind::Str(_)))
        {
            let text: String = parts
                .iter()
                .filter_map(|part| part.text())
                .map(|text| &**text)
                .collect();
            return literal(&text, span);
        }
        Expr {
            kind: ExprKind::Join(parts),
            span,
        }
    }

    fn element(&mut self, element: &'a InterpolatedStringElement) -> Expr {
        match element {
            InterpolatedStringElement::Literal(text) => literal(&text.value, self.span(text)),
            InterpolatedStringElement::Interpolation(part) => self.expr(&part.expression),
        }
    }

    /// Arithmetic, and the texts that `+` and `%` make.
    pub(super) fn operation(&mut self, tree: &'a ExprBinOp, span: Span) -> Expr {
        if tree.op == Operator::Mod && is_text(&tree.left) {
            let mut parts = vec![self.expr(&tree.left)];
            if let Tree::Tuple(tuple) = tree.right.as_ref() {
                parts.extend(tuple.elts.iter().map(|part| self.expr(part)));
            } else {
                parts.push(self.expr(&tree.right));
            }
            return Expr {
                kind: ExprKind::Join(parts),
                span,
            };
        }
        // A chain nests to the left; its parts are read without recursion.
        let mut rights = vec![tree.right.as_ref()];
        let mut left = tree.left.as_ref();
        while let Tree::BinOp(inner) = left
            && inner.op == tree.op
        {
            rights.push(&inner.right);
            left = &inner.left;
        }
        let parts = std::iter::once(left).chain(rights.into_iter().rev());
        let parts = parts.map(|part| self.expr(part)).collect();
        if tree.op == Operator::Add {
            joined(parts, span)
        } else {
            Expr {
                kind: ExprKind::Opaque(parts),
                span,
            }
        }
    }
}

/// A text if one of the parts is, else a sum of which nothing is known.
pub(super) fn joined(parts: Vec<Expr>, span: Span) -> Expr {
    let text = parts
        .iter()
        .any(|part| matches!(part.kind, ExprKind::Str(_) | ExprKind::Join(_)));
    let kind = if text {
        ExprKind::Join(parts)
    } else {
        ExprKind::Opaque(parts)
    };
    Expr { kind, span }
}

fn is_text(tree: &Tree) -> bool {
    tree.is_string_literal_expr() || tree.is_f_string_expr()
}

pub(super) fn literal(text: &str, span: Span) -> Expr {
    Expr {
        kind: ExprKind::Str(Name::from(text)),
        span,
    }
}
