//! Calls, and the functions of Python that mean a form of their own.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "most forms of the parser's tree are one case here"
)]

use ruff_python_ast::{Expr as Tree, ExprCall};

use super::module::Lower;
use super::scope::Meaning;
use crate::facts::{Arg, Call, CallForm, Expr, ExprKind, Logic, Name, Span};

impl<'a> Lower<'a> {
    /// `f(a, b=c, *d, **e)`.
    pub(super) fn call(&mut self, tree: &'a ExprCall, span: Span) -> Expr {
        if let Some(expr) = self.form(tree, span) {
            return expr;
        }
        let callee = self.expr(&tree.func);
        let mut args: Vec<Arg> = Vec::with_capacity(tree.arguments.len());
        for arg in &tree.arguments.args {
            args.push(Arg {
                name: None,
                value: self.expr(arg),
            });
        }
        for keyword in &tree.arguments.keywords {
            let value = self.expr(&keyword.value);
            args.push(match &keyword.arg {
                Some(name) => {
                    self.name_function(&value, name.as_str());
                    Arg {
                        name: Some(Name::from(name.as_str())),
                        value,
                    }
                }
                None => {
                    let span = value.span;
                    Arg {
                        name: None,
                        value: Expr {
                            kind: ExprKind::Spread(Box::new(value)),
                            span,
                        },
                    }
                }
            });
        }
        let call = Call {
            form: CallForm::Plain,
            callee,
            args,
        };
        Expr {
            kind: ExprKind::Call(Box::new(call)),
            span,
        }
    }

    /// What a call means that is a form of its own.
    fn form(&mut self, tree: &'a ExprCall, span: Span) -> Option<Expr> {
        let args = &tree.arguments.args;
        if args.iter().any(Tree::is_starred_expr) {
            return None;
        }
        match tree.func.as_ref() {
            Tree::Name(name) if name.id.as_str() == "cast" && args.len() == 2 => {
                args.get(1).map(|value| self.expr(value))
            }
            Tree::Name(name) if self.scopes.meaning(name.id.as_str()) == Meaning::Unknown => {
                match (name.id.as_str(), &**args) {
                    ("super", _) => Some(Expr {
                        kind: ExprKind::Super,
                        span,
                    }),
                    ("getattr", [object, Tree::StringLiteral(member)]) => {
                        Some(self.member(object, member.value.to_str(), span))
                    }
                    ("getattr", [object, Tree::StringLiteral(member), otherwise]) => {
                        let left = Box::new(self.member(object, member.value.to_str(), span));
                        let right = Box::new(self.expr(otherwise));
                        Some(Expr {
                            kind: ExprKind::Logic(Logic::Or, left, right),
                            span,
                        })
                    }
                    ("__import__", [Tree::StringLiteral(module)]) => {
                        Some(self::module(module, span))
                    }
                    _ => None,
                }
            }
            Tree::Attribute(attribute) => match (attribute.attr.as_str(), attribute.value.as_ref())
            {
                ("format", text @ (Tree::StringLiteral(_) | Tree::FString(_))) => {
                    let mut parts = vec![self.expr(text)];
                    parts.extend(args.iter().map(|arg| self.expr(arg)));
                    let keywords = tree.arguments.keywords.iter();
                    parts.extend(keywords.map(|keyword| self.expr(&keyword.value)));
                    Some(Expr {
                        kind: ExprKind::Join(parts),
                        span,
                    })
                }
                ("join", text @ Tree::StringLiteral(_)) => {
                    let mut parts = vec![self.expr(text)];
                    parts.extend(args.iter().map(|arg| self.expr(arg)));
                    Some(Expr {
                        kind: ExprKind::Join(parts),
                        span,
                    })
                }
                ("cast", Tree::Name(module)) if module.id.as_str() == "typing" => {
                    args.get(1).map(|value| self.expr(value))
                }
                ("import_module", Tree::Name(name)) if name.id.as_str() == "importlib" => {
                    let module = args.first()?.as_string_literal_expr()?;
                    Some(self::module(module, span))
                }
                _ => None,
            },
            _ => None,
        }
    }

    fn member(&mut self, object: &'a Tree, name: &str, span: Span) -> Expr {
        let object = Box::new(self.expr(object));
        Expr {
            kind: ExprKind::Member(object, Name::from(name)),
            span,
        }
    }
}

fn module(text: &ruff_python_ast::ExprStringLiteral, span: Span) -> Expr {
    Expr {
        kind: ExprKind::Module(Name::from(text.value.to_str())),
        span,
    }
}

/// A call with arguments by place.
pub(super) fn plain(callee: Expr, args: Vec<Expr>, span: Span) -> Expr {
    let args = args
        .into_iter()
        .map(|value| Arg { name: None, value })
        .collect();
    let call = Call {
        form: CallForm::Plain,
        callee,
        args,
    };
    Expr {
        kind: ExprKind::Call(Box::new(call)),
        span,
    }
}
