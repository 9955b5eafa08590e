//! Expressions found in tokens that follow no known grammar, and JSON literals.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::parse::{ParseStream, Parser};
use syn::{Expr as SynExpr, Macro, Token};

use super::Lower;
use super::exprs::wrap;
use crate::extract::build::between;
use crate::facts::{Entry, Expr, ExprKind, Name};

/// Most expressions that are looked for in the tokens of one macro.
const MAX_PIECES: usize = 400;

/// Every stretch between separators that parses as an expression; of those that do not, what is in their brackets.
pub(super) fn expressions(tokens: TokenStream) -> Vec<SynExpr> {
    let mut found = Vec::new();
    let mut rest = vec![tokens];
    let mut looked = 0;
    while let Some(tokens) = rest.pop() {
        for piece in split(tokens) {
            looked += 1;
            if looked > MAX_PIECES {
                return found;
            }
            let stream: TokenStream = piece.iter().cloned().collect();
            match syn::parse2::<SynExpr>(stream) {
                Ok(expr) => found.push(expr),
                Err(_) => {
                    rest.extend(piece.into_iter().filter_map(|tree| match tree {
                        TokenTree::Group(group) => Some(group.stream()),
                        TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => None,
                    }));
                }
            }
        }
    }
    found
}

/// Splits at `,`, `;` and after `=>`.
fn split(tokens: TokenStream) -> Vec<Vec<TokenTree>> {
    let mut all = vec![Vec::new()];
    let mut after_equals = false;
    for tree in tokens {
        let mark = match &tree {
            TokenTree::Punct(punct) => Some(punct.as_char()),
            TokenTree::Group(_) | TokenTree::Ident(_) | TokenTree::Literal(_) => None,
        };
        let arrow = after_equals && mark == Some('>');
        after_equals = mark == Some('=');
        if arrow || matches!(mark, Some(',' | ';')) {
            all.push(Vec::new());
        } else if let Some(last) = all.last_mut() {
            last.push(tree);
        }
    }
    all.retain(|piece| !piece.is_empty());
    all
}

/// A value of `json!`.
enum Json {
    Object(Vec<(Option<String>, Self)>),
    List(Vec<Self>),
    Null,
    Value(Box<SynExpr>),
}

impl Lower {
    /// `json!({…})` as an object.
    pub(super) fn json(&mut self, mac: &Macro) -> Option<Expr> {
        let parsed = json_value.parse2(mac.tokens.clone()).ok()?;
        let path = self.macro_path(mac);
        let made = self.json_expr(&parsed)?;
        let span = between(path.span, self.macro_end(mac));
        Some(wrap(made.kind, span))
    }

    fn json_expr(&mut self, json: &Json) -> Option<Expr> {
        if !self.build.enter() {
            return None;
        }
        let made = match json {
            Json::Null => Some(wrap(ExprKind::Null, crate::facts::Span::default())),
            Json::Value(expr) => Some(self.expr(expr)),
            Json::List(items) => {
                let parts: Vec<Expr> = items
                    .iter()
                    .filter_map(|item| self.json_expr(item))
                    .collect();
                let span = parts.first().map(|part| part.span).unwrap_or_default();
                Some(wrap(ExprKind::List(parts), span))
            }
            Json::Object(pairs) => {
                let mut entries = Vec::new();
                for (key, value) in pairs {
                    if let Some(value) = self.json_expr(value) {
                        let key = key.as_deref().map(Name::from);
                        entries.push(Entry { key, value });
                    }
                }
                let span = entries
                    .first()
                    .map(|entry| entry.value.span)
                    .unwrap_or_default();
                Some(wrap(ExprKind::Object(entries), span))
            }
        };
        self.build.leave();
        made
    }
}

fn json_value(input: ParseStream<'_>) -> syn::Result<Json> {
    let is_last = |delimiter| {
        let next = match input.cursor().any_group() {
            Some((_, found, _, next)) if found == delimiter => next,
            _ => return false,
        };
        next.eof()
            || next
                .punct()
                .is_some_and(|(punct, _)| punct.as_char() == ',')
    };
    if is_last(Delimiter::Brace) {
        let inner;
        syn::braced!(inner in input);
        let mut pairs = Vec::new();
        while !inner.is_empty() {
            pairs.push(json_pair(&inner)?);
            if !inner.is_empty() {
                inner.parse::<Token![,]>()?;
            }
        }
        return Ok(Json::Object(pairs));
    }
    if is_last(Delimiter::Bracket) {
        let inner;
        syn::bracketed!(inner in input);
        let mut items = Vec::new();
        while !inner.is_empty() {
            items.push(json_value(&inner)?);
            if !inner.is_empty() {
                inner.parse::<Token![,]>()?;
            }
        }
        return Ok(Json::List(items));
    }
    let ahead = input.fork();
    if let Ok(ident) = ahead.parse::<syn::Ident>()
        && ident == "null"
    {
        input.parse::<syn::Ident>()?;
        return Ok(Json::Null);
    }
    Ok(Json::Value(Box::new(input.parse()?)))
}

fn json_pair(input: ParseStream<'_>) -> syn::Result<(Option<String>, Json)> {
    let key = if input.peek(syn::LitStr) {
        Some(input.parse::<syn::LitStr>()?.value())
    } else {
        let _: TokenTree = input.parse()?;
        while !input.is_empty() && !input.peek(Token![:]) {
            let _: TokenTree = input.parse()?;
        }
        None
    };
    input.parse::<Token![:]>()?;
    Ok((key, json_value(input)?))
}
