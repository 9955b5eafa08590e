//! Written types, reduced to the one name that says what a value is.

use tree_sitter::Node;

use super::{Lower, tree};
use crate::extract::build::{Space, opaque};
use crate::facts::{Expr, ExprKind, Name};

impl Lower<'_> {
    /// The type as a name or path, where it is one.
    pub(super) fn ty(&mut self, node: Node<'_>) -> Option<Expr> {
        if !self.build.enter() {
            return None;
        }
        let made = match node.kind() {
            "type_identifier" | "identifier" => {
                let name = self.text(node);
                Some(self.build.name(&name, Space::Types, self.span(node)))
            }
            "qualified_type" => self.qualified(node),
            "pointer_type" | "parenthesized_type" => {
                tree::first(node).and_then(|inner| self.ty(inner))
            }
            "generic_type" => tree::field(node, "type").and_then(|inner| self.ty(inner)),
            _ => None,
        };
        self.build.leave();
        made
    }

    fn qualified(&mut self, node: Node<'_>) -> Option<Expr> {
        let package = tree::field(node, "package")?;
        let name = tree::field(node, "name")?;
        let head = self.text(package);
        let head = self.build.name(&head, Space::Types, self.span(package));
        Some(Expr {
            kind: ExprKind::Member(Box::new(head), self.text(name)),
            span: self.span(node),
        })
    }

    /// A type as an argument or callee: its name, or the word for its form: `chan`, `map`, `slice`, `func`, `struct`.
    pub(super) fn type_value(&mut self, node: Node<'_>) -> Expr {
        let span = self.span(node);
        let word = match node.kind() {
            "channel_type" => "chan",
            "map_type" => "map",
            "slice_type" | "array_type" | "implicit_length_array_type" => "slice",
            "function_type" => "func",
            "struct_type" => "struct",
            "interface_type" => "interface",
            _ => {
                return self.ty(node).unwrap_or_else(|| opaque(Vec::new(), span));
            }
        };
        Expr {
            kind: ExprKind::Global(Name::from(word)),
            span,
        }
    }

    /// The type of a result; of several the only one that is no error.
    pub(super) fn result_type(&mut self, node: Node<'_>) -> Option<Expr> {
        if node.kind() != "parameter_list" {
            return self.ty(node);
        }
        let mut types: Vec<Node<'_>> = tree::named(node)
            .into_iter()
            .filter_map(|one| tree::field(one, "type"))
            .collect();
        if types.len() > 1 && types.last().is_some_and(|last| self.raw(*last) == "error") {
            types.pop();
        }
        match types.as_slice() {
            [one] => self.ty(*one),
            _ => None,
        }
    }
}
