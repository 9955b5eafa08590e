//! Expressions.

use syn::punctuated::Punctuated;
use syn::{Attribute, BinOp, Expr as SynExpr, Lit, Member, Token, UnOp};

use super::paths::member;
use super::uses::unraw;
use super::{Lower, Tail};
use crate::extract::build::{between, opaque};
use crate::facts::{
    Arg, Block, Call, CallForm, Compare, Expr, ExprKind, Logic, Mode, Name, Param, Pattern, Span,
    Takes, VariableKind,
};

impl Lower {
    /// An expression where a value is expected.
    pub(super) fn expr(&mut self, expr: &SynExpr) -> Expr {
        if !self.build.enter() {
            return opaque(Vec::new(), Span::default());
        }
        let made = match self.plain(expr) {
            Some(made) => made,
            None => self
                .flow(expr)
                .unwrap_or_else(|| opaque(Vec::new(), Span::default())),
        };
        self.build.leave();
        made
    }

    /// Every form without flow.
    fn plain(&mut self, expr: &SynExpr) -> Option<Expr> {
        let made = match expr {
            SynExpr::Lit(one) => self.literal(&one.lit),
            SynExpr::Path(one) => self.path(one.qself.as_ref(), &one.path),
            SynExpr::Call(one) => {
                let callee = self.expr(&one.func);
                let end = self.span(one.paren_token.span.close());
                let args = self.args(&one.args);
                call(CallForm::Plain, callee, args, end)
            }
            SynExpr::MethodCall(one) => {
                let object = self.expr(&one.receiver);
                let name = self.span(one.method.span());
                let callee = member(object, &unraw(&one.method), name);
                let callee = Expr {
                    span: between(object_span(&callee), name),
                    ..callee
                };
                let end = self.span(one.paren_token.span.close());
                let args = self.args(&one.args);
                call(CallForm::Plain, callee, args, end)
            }
            SynExpr::Struct(one) => self.literal_of_struct(one),
            SynExpr::Field(one) => {
                let object = self.expr(&one.base);
                let (name, end) = match &one.member {
                    Member::Named(name) => (unraw(name), self.span(name.span())),
                    Member::Unnamed(index) => (index.index.to_string(), self.span(index.span)),
                };
                let span = between(object.span, end);
                member(object, &name, span)
            }
            SynExpr::Await(one) => {
                let inner = self.expr(&one.base);
                let span = between(inner.span, self.span(one.await_token.span));
                wrap(ExprKind::Await(Box::new(inner)), span)
            }
            SynExpr::Try(one) => {
                let inner = self.expr(&one.expr);
                let span = between(inner.span, self.span(one.question_token.spans[0]));
                wrap(ExprKind::Propagate(Box::new(inner)), span)
            }
            SynExpr::Closure(one) => self.closure(one),
            SynExpr::Async(one) => self.async_block(one),
            SynExpr::Paren(one) => self.expr(&one.expr),
            SynExpr::Group(one) => self.expr(&one.expr),
            SynExpr::Reference(one) => self.expr(&one.expr),
            SynExpr::RawAddr(one) => self.expr(&one.expr),
            SynExpr::Cast(one) => self.expr(&one.expr),
            SynExpr::Unary(one) => self.unary(one),
            SynExpr::Binary(one) => self.binary(one),
            SynExpr::Assign(one) => {
                let value = self.expr(&one.right);
                let target = self.target(&one.left);
                let span = between(self.span(one.eq_token.span), value.span);
                wrap(ExprKind::Assign(Box::new(target), Box::new(value)), span)
            }
            SynExpr::Let(one) => {
                let value = self.expr(&one.expr);
                let pattern = self.arm_pattern(&one.pat);
                let span = between(self.span(one.let_token.span), value.span);
                wrap(ExprKind::Assign(Box::new(pattern), Box::new(value)), span)
            }
            SynExpr::Tuple(one) if one.elems.is_empty() => {
                wrap(ExprKind::Null, self.span(one.paren_token.span.open()))
            }
            SynExpr::Tuple(one) => {
                let span = self.pair(one.paren_token.span.open(), one.paren_token.span.close());
                wrap(ExprKind::List(self.exprs(&one.elems)), span)
            }
            SynExpr::Array(one) => {
                let span = self.pair(
                    one.bracket_token.span.open(),
                    one.bracket_token.span.close(),
                );
                wrap(ExprKind::List(self.exprs(&one.elems)), span)
            }
            SynExpr::Repeat(one) => {
                let parts = vec![self.expr(&one.expr), self.expr(&one.len)];
                let span = self.pair(
                    one.bracket_token.span.open(),
                    one.bracket_token.span.close(),
                );
                wrap(ExprKind::List(parts), span)
            }
            SynExpr::Index(one) => {
                let object = self.expr(&one.expr);
                let index = self.expr(&one.index);
                let span = between(object.span, self.span(one.bracket_token.span.close()));
                wrap(ExprKind::Index(Box::new(object), Box::new(index)), span)
            }
            SynExpr::Range(one) => {
                let parts: Vec<Expr> = [&one.start, &one.end]
                    .into_iter()
                    .flatten()
                    .map(|part| self.expr(part))
                    .collect();
                let span = parts.first().map(|part| part.span).unwrap_or_default();
                opaque(parts, span)
            }
            SynExpr::Yield(one) => {
                let parts = one.expr.iter().map(|inner| self.expr(inner)).collect();
                opaque(parts, self.span(one.yield_token.span))
            }
            _ => return None,
        };
        Some(made)
    }

    pub(super) fn exprs(&mut self, all: &Punctuated<SynExpr, Token![,]>) -> Vec<Expr> {
        all.iter().map(|one| self.expr(one)).collect()
    }

    fn args(&mut self, all: &Punctuated<SynExpr, Token![,]>) -> Vec<Arg> {
        self.exprs(all)
            .into_iter()
            .map(|value| Arg { name: None, value })
            .collect()
    }

    fn literal_of_struct(&mut self, one: &syn::ExprStruct) -> Expr {
        let callee = self.path(one.qself.as_ref(), &one.path);
        let end = self.span(one.brace_token.span.close());
        let mut args = Vec::new();
        for field in &one.fields {
            let name = match &field.member {
                Member::Named(name) => unraw(name),
                Member::Unnamed(index) => index.index.to_string(),
            };
            let value = self.expr(&field.expr);
            args.push(Arg {
                name: Some(Name::from(name)),
                value,
            });
        }
        if let Some(rest) = &one.rest {
            let inner = self.expr(rest);
            let span = inner.span;
            args.push(Arg {
                name: None,
                value: wrap(ExprKind::Spread(Box::new(inner)), span),
            });
        }
        call(CallForm::Literal, callee, args, end)
    }

    /// A literal; suffixes of numbers are dropped.
    pub(super) fn literal(&mut self, literal: &Lit) -> Expr {
        let span = self.span(literal.span());
        let kind = match literal {
            Lit::Str(one) => ExprKind::Str(Name::from(one.value())),
            Lit::ByteStr(one) => {
                ExprKind::Str(Name::from(String::from_utf8_lossy(&one.value()).as_ref()))
            }
            Lit::Char(one) => ExprKind::Str(Name::from(one.value().to_string())),
            Lit::Int(one) => ExprKind::Number(number(one.base10_digits())),
            Lit::Float(one) => ExprKind::Number(number(one.base10_digits())),
            Lit::Bool(one) => ExprKind::Bool(one.value),
            _ => ExprKind::Opaque(Vec::new()),
        };
        Expr { kind, span }
    }

    fn unary(&mut self, one: &syn::ExprUnary) -> Expr {
        let inner = self.expr(&one.expr);
        match &one.op {
            UnOp::Not(token) => {
                let span = between(self.span(token.spans[0]), inner.span);
                wrap(ExprKind::Not(Box::new(inner)), span)
            }
            UnOp::Neg(token) => {
                let span = between(self.span(token.spans[0]), inner.span);
                match inner.kind {
                    ExprKind::Number(value) => wrap(ExprKind::Number(-value), span),
                    kind => opaque(
                        vec![Expr {
                            kind,
                            span: inner.span,
                        }],
                        span,
                    ),
                }
            }
            _ => inner,
        }
    }

    fn binary(&mut self, one: &syn::ExprBinary) -> Expr {
        let left = self.expr(&one.left);
        let right = self.expr(&one.right);
        let span = between(left.span, right.span);
        let compare = |how, left, right| ExprKind::Compare(how, Box::new(left), Box::new(right));
        let kind = match &one.op {
            BinOp::And(_) => ExprKind::Logic(Logic::And, Box::new(left), Box::new(right)),
            BinOp::Or(_) => ExprKind::Logic(Logic::Or, Box::new(left), Box::new(right)),
            BinOp::Eq(_) => compare(Compare::Equal, left, right),
            BinOp::Ne(_) => compare(Compare::NotEqual, left, right),
            BinOp::Lt(_) | BinOp::Le(_) | BinOp::Gt(_) | BinOp::Ge(_) => {
                compare(Compare::Order, left, right)
            }
            BinOp::Add(_) if is_text(&left) || is_text(&right) => {
                let mut parts = match left.kind {
                    ExprKind::Join(parts) => parts,
                    kind => vec![Expr {
                        kind,
                        span: left.span,
                    }],
                };
                parts.push(right);
                ExprKind::Join(parts)
            }
            BinOp::AddAssign(_)
            | BinOp::SubAssign(_)
            | BinOp::MulAssign(_)
            | BinOp::DivAssign(_)
            | BinOp::RemAssign(_)
            | BinOp::BitXorAssign(_)
            | BinOp::BitAndAssign(_)
            | BinOp::BitOrAssign(_)
            | BinOp::ShlAssign(_)
            | BinOp::ShrAssign(_) => {
                let target = self.target(&one.left);
                let value = opaque(vec![left, right], span);
                ExprKind::Assign(Box::new(target), Box::new(value))
            }
            _ => ExprKind::Opaque(vec![left, right]),
        };
        Expr { kind, span }
    }

    /// The left side of an assignment.
    fn target(&mut self, expr: &SynExpr) -> Pattern {
        match expr {
            SynExpr::Tuple(one) => {
                Pattern::List(one.elems.iter().map(|part| self.target(part)).collect())
            }
            SynExpr::Infer(_) => Pattern::Any,
            other => {
                let place = self.expr(other);
                match place.kind {
                    ExprKind::Var(id) => Pattern::Var(id),
                    _ => Pattern::Place(place),
                }
            }
        }
    }

    fn closure(&mut self, one: &syn::ExprClosure) -> Expr {
        let start = self.span(one.inputs_begin.span);
        let mode = if one.asyncness.is_some() {
            Mode::Async
        } else {
            Mode::Sync
        };
        let id = self.build.function(Name::from(""), None, mode, start);
        let returns = self.returns(&one.output);
        self.build.open(id);
        let mut params = Vec::new();
        for (place, input) in one.inputs.iter().enumerate() {
            let place = u32::try_from(place).unwrap_or(u32::MAX);
            let pattern = self.pattern(input, VariableKind::Parameter(place), None);
            params.push(Param {
                pattern,
                default: None,
                ty: None,
                takes: Takes::Own,
            });
        }
        let mut body = Block::new();
        self.arm_body(&one.body, Tail::Return, &mut body);
        self.build.close();
        let end = self.end_of(&one.body).unwrap_or(start);
        let span = between(start, body.last().map_or(end, |last| last.span).max(end));
        if let Some(function) = self.build.function_mut(id) {
            function.params = params;
            function.returns = returns;
            function.body = body;
            function.span = span;
        }
        wrap(ExprKind::Function(id), span)
    }

    fn async_block(&mut self, one: &syn::ExprAsync) -> Expr {
        let span = between(
            self.span(one.async_token.span),
            self.span(one.block.brace_token.span.close()),
        );
        let id = self.build.function(Name::from(""), None, Mode::Async, span);
        self.build.open(id);
        let body = self.block(&one.block, Tail::Return);
        self.build.close();
        if let Some(function) = self.build.function_mut(id) {
            function.body = body;
        }
        wrap(ExprKind::Function(id), span)
    }

    /// Where a closure's body in braces ends.
    fn end_of(&self, body: &SynExpr) -> Option<Span> {
        match body {
            SynExpr::Block(block) => Some(self.span(block.block.brace_token.span.close())),
            SynExpr::Async(block) => Some(self.span(block.block.brace_token.span.close())),
            _ => None,
        }
    }

    pub(super) fn pair(&self, open: proc_macro2::Span, close: proc_macro2::Span) -> Span {
        between(self.span(open), self.span(close))
    }
}

/// A call; it ends with its closing bracket.
pub(super) fn call(form: CallForm, callee: Expr, args: Vec<Arg>, end: Span) -> Expr {
    let span = between(callee.span, end);
    wrap(ExprKind::Call(Box::new(Call { form, callee, args })), span)
}

pub(super) fn wrap(kind: ExprKind, span: Span) -> Expr {
    Expr { kind, span }
}

fn object_span(callee: &Expr) -> Span {
    if let ExprKind::Member(object, _) = &callee.kind {
        object.span
    } else {
        callee.span
    }
}

fn is_text(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::Str(_) | ExprKind::Join(_))
}

fn number(digits: &str) -> f64 {
    digits.parse().unwrap_or(f64::NAN)
}

/// Attributes of an expression that stands as a statement.
pub(super) fn attrs_of(expr: &SynExpr) -> &[Attribute] {
    match expr {
        SynExpr::Async(one) => &one.attrs,
        SynExpr::Await(one) => &one.attrs,
        SynExpr::Block(one) => &one.attrs,
        SynExpr::Call(one) => &one.attrs,
        SynExpr::If(one) => &one.attrs,
        SynExpr::Loop(one) => &one.attrs,
        SynExpr::Macro(one) => &one.attrs,
        SynExpr::Match(one) => &one.attrs,
        SynExpr::MethodCall(one) => &one.attrs,
        SynExpr::Return(one) => &one.attrs,
        SynExpr::Unsafe(one) => &one.attrs,
        SynExpr::While(one) => &one.attrs,
        _ => &[],
    }
}
