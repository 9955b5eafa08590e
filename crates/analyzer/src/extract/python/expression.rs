//! Expressions.

use ruff_python_ast::{
    BoolOp, CmpOp, Comprehension, DictItem, Expr as Tree, ExprCompare, Number, UnaryOp,
};

use super::bound;
use super::module::Lower;
use super::scope::Scope;
use super::text;
use crate::facts::{Compare, Entry, Expr, ExprKind, Logic, Name, Span, VariableKind};

impl<'a> Lower<'a> {
    /// An expression; empty where it nests too deep.
    pub(super) fn expr(&mut self, tree: &'a Tree) -> Expr {
        let span = self.span(tree);
        let too_deep = Expr {
            kind: ExprKind::Opaque(Vec::new()),
            span,
        };
        self.deeper(too_deep, |lower| lower.expr_inside(tree, span))
    }

    fn boxed(&mut self, tree: &'a Tree) -> Box<Expr> {
        Box::new(self.expr(tree))
    }

    fn exprs(&mut self, trees: &'a [Tree]) -> Vec<Expr> {
        trees.iter().map(|tree| self.expr(tree)).collect()
    }

    fn expr_inside(&mut self, tree: &'a Tree, span: Span) -> Expr {
        let kind = match tree {
            Tree::Name(name) => return self.name(name.id.as_str(), span),
            Tree::Call(call) => return self.call(call, span),
            Tree::Lambda(lambda) => return self.lambda(lambda, span),
            Tree::BinOp(operation) => return self.operation(operation, span),
            Tree::FString(text) => return self.formatted(text, span),
            Tree::StringLiteral(text) => ExprKind::Str(Name::from(text.value.to_str())),
            Tree::BytesLiteral(text) => {
                let bytes: Vec<u8> = text.value.bytes().collect();
                ExprKind::Str(Name::from(String::from_utf8_lossy(&bytes)))
            }
            Tree::NumberLiteral(number) => number_kind(&number.value),
            Tree::BooleanLiteral(value) => ExprKind::Bool(value.value),
            Tree::NoneLiteral(_) => ExprKind::Null,
            Tree::Attribute(member) => {
                ExprKind::Member(self.boxed(&member.value), Name::from(member.attr.as_str()))
            }
            Tree::Subscript(index) => {
                ExprKind::Index(self.boxed(&index.value), self.boxed(&index.slice))
            }
            Tree::Await(inner) => ExprKind::Await(self.boxed(&inner.value)),
            Tree::Starred(inner) => ExprKind::Spread(self.boxed(&inner.value)),
            Tree::BoolOp(operation) => {
                let logic = match operation.op {
                    BoolOp::And => Logic::And,
                    BoolOp::Or => Logic::Or,
                };
                return self.logic(logic, &operation.values, span);
            }
            Tree::UnaryOp(operation) => self.unary(operation),
            Tree::Compare(compare) => return self.compare(compare, span),
            Tree::If(choice) => ExprKind::Choice(
                self.boxed(&choice.test),
                self.boxed(&choice.body),
                self.boxed(&choice.orelse),
            ),
            Tree::Named(named) => {
                let value = self.boxed(&named.value);
                ExprKind::Assign(Box::new(self.target(&named.target)), value)
            }
            Tree::Dict(dict) => {
                ExprKind::Object(dict.items.iter().map(|item| self.entry(item)).collect())
            }
            Tree::List(list) => ExprKind::List(self.exprs(&list.elts)),
            Tree::Tuple(tuple) => ExprKind::List(self.exprs(&tuple.elts)),
            Tree::Set(set) => ExprKind::List(self.exprs(&set.elts)),
            Tree::ListComp(c) => self.comprehension(&c.generators, &[&c.elt]),
            Tree::SetComp(c) => self.comprehension(&c.generators, &[&c.elt]),
            Tree::Generator(c) => self.comprehension(&c.generators, &[&c.elt]),
            Tree::DictComp(c) => match &c.key {
                Some(key) => self.comprehension(&c.generators, &[key, &c.value]),
                None => self.comprehension(&c.generators, &[&c.value]),
            },
            Tree::Yield(inner) => {
                let args = inner.value.as_deref().map(|value| self.expr(value));
                return self.global_call("yield", args.into_iter().collect(), span);
            }
            Tree::YieldFrom(inner) => {
                let value = self.expr(&inner.value);
                return self.global_call("yield", vec![value], span);
            }
            Tree::TString(text) => {
                let parts = text
                    .value
                    .elements()
                    .filter_map(|part| part.as_interpolation());
                ExprKind::Opaque(parts.map(|part| self.expr(&part.expression)).collect())
            }
            Tree::Slice(slice) => {
                let parts = [&slice.lower, &slice.upper, &slice.step];
                let parts = parts.into_iter().flatten();
                ExprKind::Opaque(parts.map(|part| self.expr(part)).collect())
            }
            Tree::EllipsisLiteral(_) | Tree::IpyEscapeCommand(_) => ExprKind::Opaque(Vec::new()),
        };
        Expr { kind, span }
    }

    fn unary(&mut self, operation: &'a ruff_python_ast::ExprUnaryOp) -> ExprKind {
        let inner = self.expr(&operation.operand);
        match (operation.op, &inner.kind) {
            (UnaryOp::Not, _) => ExprKind::Not(Box::new(inner)),
            (UnaryOp::USub, ExprKind::Number(value)) => ExprKind::Number(-value),
            (UnaryOp::UAdd | UnaryOp::USub | UnaryOp::Invert, _) => ExprKind::Opaque(vec![inner]),
        }
    }

    /// `a and b and c`, from the left; a very long one is what its parts are.
    fn logic(&mut self, logic: Logic, values: &'a [Tree], span: Span) -> Expr {
        if values.len() > text::MAX_PARTS {
            return Expr {
                kind: ExprKind::Opaque(self.exprs(values)),
                span,
            };
        }
        let mut parts = self.exprs(values).into_iter();
        let first = parts.next().unwrap_or(Expr {
            kind: ExprKind::Null,
            span,
        });
        parts.fold(first, |left, right| Expr {
            kind: ExprKind::Logic(logic, Box::new(left), Box::new(right)),
            span,
        })
    }

    fn compare(&mut self, compare: &'a ExprCompare, span: Span) -> Expr {
        let left = self.expr(&compare.left);
        let mut rights = self.exprs(&compare.comparators);
        let kind = match (&*compare.ops, rights.len()) {
            ([op], 1) => {
                let right = rights.remove(0);
                ExprKind::Compare(comparison(*op), Box::new(left), Box::new(right))
            }
            _ => {
                rights.insert(0, left);
                ExprKind::Opaque(rights)
            }
        };
        Expr { kind, span }
    }

    fn entry(&mut self, item: &'a DictItem) -> Entry {
        let value = self.expr(&item.value);
        match &item.key {
            Some(Tree::StringLiteral(key)) => {
                let key = key.value.to_str();
                self.name_function(&value, key);
                Entry {
                    key: Some(Name::from(key)),
                    value,
                }
            }
            Some(key) => {
                // A computed key is evaluated as well.
                let key = self.expr(key);
                let span = value.span;
                let value = if matches!(
                    key.kind,
                    ExprKind::Str(_) | ExprKind::Number(_) | ExprKind::Var(_)
                ) {
                    value
                } else {
                    Expr {
                        kind: ExprKind::Opaque(vec![key, value]),
                        span,
                    }
                };
                Entry { key: None, value }
            }
            None => {
                let span = value.span;
                Entry {
                    key: None,
                    value: Expr {
                        kind: ExprKind::Spread(Box::new(value)),
                        span,
                    },
                }
            }
        }
    }

    /// The iterables, conditions and results of a comprehension, whose names are its own.
    fn comprehension(&mut self, generators: &'a [Comprehension], results: &[&'a Tree]) -> ExprKind {
        let mut parts = Vec::new();
        self.scopes.push(Scope::new(self.scopes.owner()));
        for generator in generators {
            parts.push(self.expr(&generator.iter));
            for (name, range) in bound::targets(&generator.target) {
                let variable = self.variable(name, range, VariableKind::Local);
                if let Some(scope) = self.scopes.innermost() {
                    scope.bind(name, variable);
                }
            }
            parts.extend(self.exprs(&generator.ifs));
        }
        for result in results {
            parts.push(self.expr(result));
        }
        self.scopes.pop();
        ExprKind::Opaque(parts)
    }
}

fn number_kind(number: &Number) -> ExprKind {
    ExprKind::Number(match number {
        Number::Int(value) => value.to_string().parse().unwrap_or(f64::NAN),
        Number::Float(value) => *value,
        Number::Complex { real, .. } => *real,
    })
}

fn comparison(op: CmpOp) -> Compare {
    match op {
        CmpOp::Eq | CmpOp::Is => Compare::Equal,
        CmpOp::NotEq | CmpOp::IsNot => Compare::NotEqual,
        CmpOp::Lt | CmpOp::LtE | CmpOp::Gt | CmpOp::GtE => Compare::Order,
        CmpOp::In => Compare::Inside,
        CmpOp::NotIn => Compare::Outside,
    }
}
