//! Format strings and the arguments of formatting and logging macros.

use syn::ext::IdentExt as _;
use syn::parse::{ParseStream, Parser};
use syn::{Expr as SynExpr, Ident, LitStr, Macro, Token};

use super::Lower;
use super::exprs::{call, wrap};
use crate::extract::build::Space;
use crate::facts::{Arg, CallForm, Expr, ExprKind, Name, Span};

/// An argument as written.
struct Written {
    /// The name of a named argument or field.
    name: Option<String>,
    /// Whether it is shown by its `Debug` form: `?value`, `value = ?x`.
    shown: Shown,
    /// The value.
    value: SynExpr,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    Plain,
    Debug,
}

/// A piece of a format string.
#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Next(Shown),
    Place(usize, Shown),
    Name(String, Shown),
}

impl Lower {
    /// The arguments of a formatting macro: fields and values before the format string, then the parts of the format string.
    pub(super) fn format_parts(&mut self, mac: &Macro) -> Option<Vec<Arg>> {
        let written = arguments.parse2(mac.tokens.clone()).ok()?;
        let mut before = Vec::new();
        let mut format: Option<LitStr> = None;
        let mut after = Vec::new();
        for one in written {
            match (&format, text_of(&one)) {
                (None, Some(text)) => format = Some(text),
                (None, None) => before.push(one),
                (Some(_), _) => after.push(one),
            }
        }
        let mut args: Vec<Arg> = before.iter().map(|one| self.written(one)).collect();
        if let Some(format) = format {
            self.parts(&format, &after, &mut args);
        }
        Some(args)
    }

    fn written(&mut self, one: &Written) -> Arg {
        let value = self.expr(&one.value);
        Arg {
            name: one.name.as_deref().map(Name::from),
            value: shown_as(value, one.shown),
        }
    }

    fn parts(&mut self, format: &LitStr, values: &[Written], args: &mut Vec<Arg>) {
        let span = self.span(format.span());
        let positional: Vec<usize> = (0..values.len())
            .filter(|at| values.get(*at).is_some_and(|one| one.name.is_none()))
            .collect();
        let mut used = vec![false; values.len()];
        let mut next = 0;
        for piece in pieces(&format.value()) {
            let (at, name, shown) = match piece {
                Piece::Text(text) => {
                    let kind = ExprKind::Str(Name::from(text));
                    args.push(plain(wrap(kind, span)));
                    continue;
                }
                Piece::Next(shown) => {
                    next += 1;
                    (positional.get(next - 1).copied(), None, shown)
                }
                Piece::Place(place, shown) => (positional.get(place).copied(), None, shown),
                Piece::Name(name, shown) => {
                    let at = values
                        .iter()
                        .position(|one| one.name.as_deref() == Some(&*name));
                    (at, Some(name), shown)
                }
            };
            let value = match (at.and_then(|at| values.get(at)), name) {
                (Some(one), _) => {
                    if let Some(mark) = at.and_then(|at| used.get_mut(at)) {
                        *mark = true;
                    }
                    self.expr(&one.value)
                }
                (None, Some(name)) => self.captured(&name, span),
                (None, None) => continue,
            };
            args.push(plain(shown_as(value, shown)));
        }
        for (one, used) in values.iter().zip(used) {
            if !used {
                let arg = self.written(one);
                args.push(arg);
            }
        }
    }

    /// A variable named inside the braces.
    fn captured(&mut self, name: &str, span: Span) -> Expr {
        if name == "self" {
            return wrap(ExprKind::This, span);
        }
        self.build.name(&Name::from(name), Space::Values, span)
    }
}

/// A value in the form that it is shown in.
fn shown_as(value: Expr, shown: Shown) -> Expr {
    if shown == Shown::Plain {
        return value;
    }
    let span = value.span;
    let callee = wrap(ExprKind::Global(Name::from("Debug")), span);
    call(CallForm::Plain, callee, vec![plain(value)], span)
}

fn plain(value: Expr) -> Arg {
    Arg { name: None, value }
}

fn text_of(one: &Written) -> Option<LitStr> {
    if one.name.is_some() {
        return None;
    }
    match &one.value {
        SynExpr::Lit(literal) => match &literal.lit {
            syn::Lit::Str(text) => Some(text.clone()),
            _ => None,
        },
        _ => None,
    }
}

fn arguments(input: ParseStream<'_>) -> syn::Result<Vec<Written>> {
    let mut all = Vec::new();
    while !input.is_empty() {
        if input.peek(syn::token::Brace) {
            let inner;
            syn::braced!(inner in input);
            all.extend(arguments(&inner)?);
        } else {
            all.push(argument(input)?);
        }
        if !input.is_empty() {
            let _ = input.parse::<Option<Token![;]>>()?;
            let _ = input.parse::<Option<Token![,]>>()?;
        }
    }
    Ok(all)
}

fn argument(input: ParseStream<'_>) -> syn::Result<Written> {
    let name = field_name(input);
    let shown = if input.parse::<Option<Token![?]>>()?.is_some() {
        Shown::Debug
    } else {
        let _ = input.parse::<Option<Token![%]>>()?;
        Shown::Plain
    };
    Ok(Written {
        name,
        shown,
        value: input.parse()?,
    })
}

/// `name =`, `a.b =`, `target:`; the input is moved behind it.
fn field_name(input: ParseStream<'_>) -> Option<String> {
    let ahead = input.fork();
    let mut name = if ahead.peek(LitStr) {
        ahead.parse::<LitStr>().ok()?.value()
    } else {
        ahead.call(Ident::parse_any).ok()?.to_string()
    };
    while ahead.peek(Token![.]) && ahead.peek2(Ident::peek_any) {
        ahead.parse::<Token![.]>().ok()?;
        name.push('.');
        name.push_str(&ahead.call(Ident::parse_any).ok()?.to_string());
    }
    let is_field = ahead.peek(Token![=]) && !ahead.peek(Token![==]);
    let is_label = ahead.peek(Token![:]) && !ahead.peek(Token![::]);
    if !is_field && !is_label {
        return None;
    }
    use syn::parse::discouraged::Speculative as _;
    input.advance_to(&ahead);
    if is_field {
        input.parse::<Token![=]>().ok()?;
    } else {
        input.parse::<Token![:]>().ok()?;
    }
    Some(name)
}

/// Takes a format string apart.
fn pieces(format: &str) -> Vec<Piece> {
    let mut all = Vec::new();
    let mut text = String::new();
    let mut chars = format.chars().peekable();
    while let Some(next) = chars.next() {
        match next {
            '{' | '}' if chars.peek() == Some(&next) => {
                chars.next();
                text.push(next);
            }
            '{' => {
                let inner: String = chars.by_ref().take_while(|c| *c != '}').collect();
                if !text.is_empty() {
                    all.push(Piece::Text(std::mem::take(&mut text)));
                }
                all.push(placeholder(&inner));
            }
            other => text.push(other),
        }
    }
    if !text.is_empty() {
        all.push(Piece::Text(text));
    }
    all
}

fn placeholder(inner: &str) -> Piece {
    let (name, style) = inner.split_once(':').unwrap_or((inner, ""));
    let shown = if style.ends_with('?') {
        Shown::Debug
    } else {
        Shown::Plain
    };
    let name = name.trim();
    if name.is_empty() {
        Piece::Next(shown)
    } else if let Ok(place) = name.parse() {
        Piece::Place(place, shown)
    } else {
        Piece::Name(name.to_owned(), shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn format_strings_are_taken_apart() {
        assert_eq!(
            pieces("a {} {{b}} {e:?} {0:>8}"),
            [
                Piece::Text("a ".to_owned()),
                Piece::Next(Shown::Plain),
                Piece::Text(" {b} ".to_owned()),
                Piece::Name("e".to_owned(), Shown::Debug),
                Piece::Text(" ".to_owned()),
                Piece::Place(0, Shown::Plain),
            ]
        );
        assert_eq!(
            pieces("{unclosed"),
            [Piece::Name("unclosed".to_owned(), Shown::Plain)]
        );
    }
}
