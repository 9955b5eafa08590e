//! Macros: those that carry flow or values in a reading of their own, the others by their arguments.

use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Expr as SynExpr, Ident, ItemMacro, Macro, Pat, Token, Type, Visibility};

use super::exprs::{call, wrap};
use super::flow::flow_of;
use super::stmts::{arm, push_value, stmt};
use super::{Lower, Tail};
use crate::extract::build::{between, opaque};
use crate::facts::{
    Arg, Block, CallForm, Expr, ExprKind, Name, Pattern, Span, StmtKind, VariableKind,
};

/// Macros whose arguments are a format string and its values, with fields before them where they log.
const FORMATTING: [&str; 34] = [
    "trace",
    "debug",
    "info",
    "warn",
    "error",
    "event",
    "log",
    "span",
    "trace_span",
    "debug_span",
    "info_span",
    "warn_span",
    "error_span",
    "print",
    "println",
    "eprint",
    "eprintln",
    "write",
    "writeln",
    "panic",
    "unreachable",
    "todo",
    "unimplemented",
    "anyhow",
    "eyre",
    "format_err",
    "assert",
    "assert_eq",
    "assert_ne",
    "debug_assert",
    "debug_assert_eq",
    "debug_assert_ne",
    "format_args",
    "bail_public",
];

impl Lower {
    /// A macro that stands as a statement, or at the end of a block.
    pub(super) fn macro_statement(&mut self, mac: &Macro, tail: Tail, out: &mut Block) {
        if !self.build.enter() {
            return;
        }
        match name_of(mac).as_str() {
            "select" | "select_biased" => {
                if let Some(made) = self.select(mac, tail) {
                    out.push(made);
                } else {
                    let value = self.other_macro(mac);
                    push_value(value, tail, out);
                }
            }
            "bail" => {
                let error = self.error_value(mac);
                let span = error.span;
                out.push(stmt(StmtKind::Return(Some(error)), span));
            }
            "ensure" => self.ensure(mac, out),
            "bail_public" => {
                let error = self.macro_value(mac);
                let span = error.span;
                out.push(stmt(StmtKind::Return(Some(error)), span));
            }
            _ => {
                let value = self.macro_value(mac);
                push_value(value, tail, out);
            }
        }
        self.build.leave();
    }

    /// A macro as a value.
    fn macro_value(&mut self, mac: &Macro) -> Expr {
        let name = name_of(mac);
        let made = match name.as_str() {
            "matches" => self.matches(mac),
            "json" => self.json(mac),
            "format" => self.joined(mac),
            "vec" => self.vec(mac),
            "join" | "try_join" => self.join_macro(mac),
            name if FORMATTING.contains(&name) => self.formatting(mac),
            _ => None,
        };
        match made {
            Some(made) => made,
            None => self.other_macro(mac),
        }
    }

    /// The path of a macro as a callee.
    pub(super) fn macro_path(&mut self, mac: &Macro) -> Expr {
        self.type_path(&mac.path)
    }

    /// Where a macro's arguments end.
    pub(super) fn macro_end(&self, mac: &Macro) -> Span {
        self.span(mac.delimiter.span().close())
    }

    fn formatting(&mut self, mac: &Macro) -> Option<Expr> {
        let args = self.format_parts(mac)?;
        let callee = self.macro_path(mac);
        Some(call(CallForm::Macro, callee, args, self.macro_end(mac)))
    }

    fn joined(&mut self, mac: &Macro) -> Option<Expr> {
        let parts = self.format_parts(mac)?;
        let span = between(self.macro_path(mac).span, self.macro_end(mac));
        let mut parts: Vec<Expr> = parts.into_iter().map(|arg| arg.value).collect();
        let only_text = parts.len() == 1
            && parts
                .first()
                .is_some_and(|part| matches!(part.kind, ExprKind::Str(_)));
        if only_text && let Some(text) = parts.pop() {
            return Some(wrap(text.kind, span));
        }
        Some(wrap(ExprKind::Join(parts), span))
    }

    /// `Err(anyhow!(…))` of `bail!(…)`.
    fn error_value(&mut self, mac: &Macro) -> Expr {
        let inner = match self.formatting(mac) {
            Some(made) => made,
            None => self.other_macro(mac),
        };
        let span = inner.span;
        let callee = wrap(ExprKind::Global(Name::from("Err")), span);
        let args = vec![Arg {
            name: None,
            value: inner,
        }];
        call(CallForm::Plain, callee, args, span)
    }

    fn ensure(&mut self, mac: &Macro, out: &mut Block) {
        let parser = |input: ParseStream<'_>| {
            let test: SynExpr = input.parse()?;
            let _: proc_macro2::TokenStream = input.parse()?;
            Ok(test)
        };
        let error = self.error_value(mac);
        let span = error.span;
        let Ok(test) = parser.parse2(mac.tokens.clone()) else {
            push_value(error, Tail::Drop, out);
            return;
        };
        let test = self.expr(&test);
        let test = wrap(ExprKind::Not(Box::new(test)), span);
        let then = vec![stmt(StmtKind::Return(Some(error)), span)];
        let otherwise = Block::new();
        out.push(stmt(
            StmtKind::If {
                test,
                then,
                otherwise,
            },
            span,
        ));
    }

    fn matches(&mut self, mac: &Macro) -> Option<Expr> {
        let parser = |input: ParseStream<'_>| {
            let subject: SynExpr = input.parse()?;
            input.parse::<Token![,]>()?;
            let pattern = Pat::parse_multi_with_leading_vert(input)?;
            let guard = if input.parse::<Option<Token![if]>>()?.is_some() {
                Some(input.parse::<SynExpr>()?)
            } else {
                None
            };
            input.parse::<Option<Token![,]>>()?;
            Ok((subject, pattern, guard))
        };
        let (subject, pattern, guard) = parser.parse2(mac.tokens.clone()).ok()?;
        let span = between(self.macro_path(mac).span, self.macro_end(mac));
        let subject = self.expr(&subject);
        self.build.push();
        let pattern = self.arm_pattern(&pattern);
        let test = guard.map(|guard| self.expr(&guard));
        self.build.pop();
        let truth = |value| {
            vec![stmt(
                StmtKind::Value(wrap(ExprKind::Bool(value), span)),
                span,
            )]
        };
        let mut taken = arm(pattern, truth(true), span);
        taken.test = test;
        let arms = vec![taken, arm(Pattern::Any, truth(false), span)];
        Some(flow_of(vec![stmt(StmtKind::Match { subject, arms }, span)]))
    }

    fn vec(&mut self, mac: &Macro) -> Option<Expr> {
        let span = between(self.macro_path(mac).span, self.macro_end(mac));
        let listed = Punctuated::<SynExpr, Token![,]>::parse_terminated.parse2(mac.tokens.clone());
        if let Ok(items) = listed {
            return Some(wrap(ExprKind::List(self.exprs(&items)), span));
        }
        let parser = |input: ParseStream<'_>| {
            let item: SynExpr = input.parse()?;
            input.parse::<Token![;]>()?;
            let length: SynExpr = input.parse()?;
            Ok((item, length))
        };
        let (item, length) = parser.parse2(mac.tokens.clone()).ok()?;
        let parts = vec![self.expr(&item), self.expr(&length)];
        Some(wrap(ExprKind::List(parts), span))
    }

    /// `join!(a(), b())` awaits each of its arguments.
    fn join_macro(&mut self, mac: &Macro) -> Option<Expr> {
        let parser = Punctuated::<SynExpr, Token![,]>::parse_terminated;
        let items = parser.parse2(mac.tokens.clone()).ok()?;
        let callee = self.macro_path(mac);
        let args = self
            .exprs(&items)
            .into_iter()
            .map(|inner| {
                let span = inner.span;
                Arg {
                    name: None,
                    value: wrap(ExprKind::Await(Box::new(inner)), span),
                }
            })
            .collect();
        Some(call(CallForm::Macro, callee, args, self.macro_end(mac)))
    }

    /// Any other macro: its arguments as expressions, else its tokens as statements, else what can be made of its pieces.
    fn other_macro(&mut self, mac: &Macro) -> Expr {
        let callee = self.macro_path(mac);
        let end = self.macro_end(mac);
        let parser = Punctuated::<SynExpr, Token![,]>::parse_terminated;
        let values = if let Ok(items) = parser.parse2(mac.tokens.clone()) {
            self.exprs(&items)
        } else if let Ok(stmts) = syn::Block::parse_within.parse2(mac.tokens.clone()) {
            let body = self.statements(&stmts, Tail::Value);
            vec![flow_of(body)]
        } else {
            self.pieces(mac.tokens.clone())
        };
        let args = values
            .into_iter()
            .map(|value| Arg { name: None, value })
            .collect();
        call(CallForm::Macro, callee, args, end)
    }

    /// Macros among items: `lazy_static!` declares statics, `cfg_if!`-like ones hold items; definitions are left out.
    pub(super) fn item_macro(&mut self, item: &ItemMacro, body: &mut Block) {
        let name = name_of(&item.mac);
        if name == "macro_rules" {
            return;
        }
        if let Some(statics) = statics_of(&item.mac) {
            for one in &statics {
                self.initial(&one.ident, &one.value, body);
            }
            return;
        }
        if let Ok(file) = syn::parse2::<syn::File>(item.mac.tokens.clone()) {
            self.items(&file.items.iter().collect::<Vec<_>>(), body);
            return;
        }
        let value = self.macro_value(&item.mac);
        push_value(value, Tail::Drop, body);
    }

    /// Declares the statics of a macro among items.
    pub(super) fn announce_macro(&mut self, item: &ItemMacro) {
        for one in statics_of(&item.mac).iter().flatten() {
            let ty = self.ty(&one.ty);
            let span = self.span(one.ident.span());
            let name = Name::from(one.ident.to_string());
            self.build.declare(&name, VariableKind::Constant, ty, span);
        }
    }

    /// An expression for each piece that can be read as one.
    fn pieces(&mut self, tokens: proc_macro2::TokenStream) -> Vec<Expr> {
        let mut parts = Vec::new();
        for piece in super::tokens::expressions(tokens) {
            let value = self.expr(&piece);
            if !matches!(value.kind, ExprKind::Str(_) | ExprKind::Number(_)) {
                parts.push(value);
            }
        }
        let span = parts.first().map(|part| part.span).unwrap_or_default();
        vec![opaque(parts, span)]
    }
}

/// `static ref NAME: Type = value;` of `lazy_static!`.
struct LazyStatic {
    ident: Ident,
    ty: Type,
    value: SynExpr,
}

impl Parse for LazyStatic {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        input.call(syn::Attribute::parse_outer)?;
        input.parse::<Visibility>()?;
        input.parse::<Token![static]>()?;
        input.parse::<Option<Token![ref]>>()?;
        let ident = input.parse()?;
        input.parse::<Token![:]>()?;
        let ty = input.parse()?;
        input.parse::<Token![=]>()?;
        let value = input.parse()?;
        input.parse::<Option<Token![;]>>()?;
        Ok(Self { ident, ty, value })
    }
}

fn statics_of(mac: &Macro) -> Option<Vec<LazyStatic>> {
    if !matches!(name_of(mac).as_str(), "lazy_static" | "thread_local") {
        return None;
    }
    let parser = |input: ParseStream<'_>| {
        let mut all = Vec::new();
        while !input.is_empty() {
            all.push(input.parse::<LazyStatic>()?);
        }
        Ok(all)
    };
    parser.parse2(mac.tokens.clone()).ok()
}

/// The last name of a macro's path.
pub(super) fn name_of(mac: &Macro) -> String {
    mac.path
        .segments
        .last()
        .map(|last| last.ident.to_string())
        .unwrap_or_default()
}
