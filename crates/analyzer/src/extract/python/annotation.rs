//! Written types.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "most forms of the parser's tree are one case here"
)]

use ruff_python_ast::{Expr as Tree, Operator};

use super::module::Lower;
use crate::facts::{Expr, ExprKind, Name, Span};

/// The longest quoted type that is read, in bytes.
const MAX_QUOTED: usize = 200;

impl<'a> Lower<'a> {
    /// The type that an annotation names, without `Optional`, `Annotated` and the like around it; `None` where it names several or none.
    pub(super) fn annotation(&mut self, tree: &'a Tree) -> Option<Expr> {
        let span = self.span(tree);
        self.named_type(tree, span)
    }

    /// Names are looked up by text, so that a quoted type, whose tree does not live as long as the file's, is read the same way.
    fn named_type(&mut self, tree: &Tree, span: Span) -> Option<Expr> {
        self.deeper(None, |lower| match tree {
            Tree::Name(name) => Some(lower.name(name.id.as_str(), span)),
            Tree::Attribute(attribute) => {
                let object = lower.named_type(&attribute.value, span)?;
                let name = Name::from(attribute.attr.as_str());
                Some(Expr {
                    kind: ExprKind::Member(Box::new(object), name),
                    span,
                })
            }
            Tree::Subscript(subscript) => match wrapper(&subscript.value) {
                Some(place) => {
                    let inner = match subscript.slice.as_ref() {
                        Tree::Tuple(tuple) => tuple.elts.get(place)?,
                        single => single,
                    };
                    lower.named_type(inner, span)
                }
                None => lower.named_type(&subscript.value, span),
            },
            Tree::BinOp(or) if or.op == Operator::BitOr => {
                match (
                    or.left.is_none_literal_expr(),
                    or.right.is_none_literal_expr(),
                ) {
                    (false, true) => lower.named_type(&or.left, span),
                    (true, false) => lower.named_type(&or.right, span),
                    (true, true) | (false, false) => None,
                }
            }
            Tree::StringLiteral(text) => {
                let text = text.value.to_str();
                if text.len() > MAX_QUOTED || super::nesting::check(text).is_err() {
                    return None;
                }
                let parsed = ruff_python_parser::parse_expression(text).ok()?;
                lower.named_type(parsed.expr(), span)
            }
            _ => None,
        })
    }
}

/// Which argument of a generic type is the value that code gets to see; `None` for a type that is its own.
fn wrapper(tree: &Tree) -> Option<usize> {
    let name = match tree {
        Tree::Name(name) => name.id.as_str(),
        Tree::Attribute(attribute) => attribute.attr.as_str(),
        _ => return None,
    };
    match name {
        "Optional"
        | "Annotated"
        | "Awaitable"
        | "Final"
        | "ClassVar"
        | "Required"
        | "NotRequired"
        | "ReadOnly"
        | "AsyncIterator"
        | "Iterator"
        | "AsyncGenerator"
        | "Generator"
        | "AbstractContextManager"
        | "AbstractAsyncContextManager"
        | "ContextManager"
        | "AsyncContextManager" => Some(0),
        "Coroutine" => Some(2),
        _ => None,
    }
}
