//! Attributes: as decorators, and as conditions of compilation.

use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::{Attribute, Expr as SynExpr, Meta, MetaList, Token};

use super::Lower;
use super::uses::unraw;
use crate::extract::build::opaque;
use crate::facts::{Arg, Call, CallForm, Expr, ExprKind, Name};

/// What a condition of compilation is in a release on Linux.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holds {
    Yes,
    No,
    Maybe,
}

impl Lower {
    /// Attributes as expressions; those of `derive` and `cfg_attr` each on their own. Documentation is left out.
    pub(super) fn decorators(&mut self, attrs: &[Attribute]) -> Vec<Expr> {
        let mut all = Vec::new();
        for attr in attrs {
            if attr.path().is_ident("doc") {
                continue;
            }
            self.decorator(&attr.meta, &mut all);
        }
        all
    }

    fn decorator(&mut self, meta: &Meta, all: &mut Vec<Expr>) {
        match meta {
            Meta::Path(path) => {
                let path = self.type_path(path);
                all.push(path);
            }
            Meta::NameValue(pair) => {
                let path = self.type_path(&pair.path);
                let value = self.expr(&pair.value);
                all.push(call(path, vec![Arg { name: None, value }]));
            }
            Meta::List(list) if list.path.is_ident("derive") => {
                let parser = Punctuated::<syn::Path, Token![,]>::parse_terminated;
                for path in parser.parse2(list.tokens.clone()).into_iter().flatten() {
                    let path = self.type_path(&path);
                    all.push(path);
                }
            }
            Meta::List(list) => {
                let path = self.type_path(&list.path);
                let args = self.attribute_args(list);
                all.push(call(path, args));
            }
        }
    }

    /// `name = "x", flag, other(…)`.
    fn attribute_args(&mut self, list: &MetaList) -> Vec<Arg> {
        let parser = Punctuated::<SynExpr, Token![,]>::parse_terminated;
        let parsed = parser.parse2(list.tokens.clone()).unwrap_or_default();
        parsed
            .iter()
            .map(|expr| match expr {
                SynExpr::Assign(pair) => {
                    let name = match &*pair.left {
                        SynExpr::Path(path) => {
                            path.path.get_ident().map(|name| Name::from(unraw(name)))
                        }
                        _ => None,
                    };
                    let value = self.expr(&pair.right);
                    Arg { name, value }
                }
                other => {
                    let value = self.expr(other);
                    Arg { name: None, value }
                }
            })
            .collect()
    }

    /// Whether the code under these attributes is not part of the program on Linux: for another system, or for tests.
    pub(super) fn is_foreign(attrs: &[Attribute]) -> bool {
        let is_test = |attr: &Attribute| {
            let last = attr.path().segments.last();
            last.is_some_and(|last| last.ident == "test" || last.ident == "bench")
        };
        attrs.iter().any(is_test)
            || conditions(attrs).any(|condition| holds(&condition, 0) == Holds::No)
    }
}

fn call(callee: Expr, args: Vec<Arg>) -> Expr {
    let span = callee.span;
    if matches!(callee.kind, ExprKind::Null) {
        return opaque(args.into_iter().map(|arg| arg.value).collect(), span);
    }
    Expr {
        kind: ExprKind::Call(Box::new(Call {
            form: CallForm::Plain,
            callee,
            args,
        })),
        span,
    }
}

fn conditions(attrs: &[Attribute]) -> impl Iterator<Item = Meta> {
    attrs
        .iter()
        .filter(|attr| attr.path().is_ident("cfg"))
        .filter_map(|attr| attr.parse_args::<Meta>().ok())
}

fn parts(list: &MetaList) -> Vec<Meta> {
    Punctuated::<Meta, Token![,]>::parse_terminated
        .parse2(list.tokens.clone())
        .map(|all| all.into_iter().collect())
        .unwrap_or_default()
}

fn holds(meta: &Meta, depth: usize) -> Holds {
    if depth > 16 {
        return Holds::Maybe;
    }
    match meta {
        Meta::Path(path) if path.is_ident("unix") => Holds::Yes,
        Meta::Path(path) if path.is_ident("windows") || path.is_ident("test") => Holds::No,
        Meta::NameValue(pair)
            if pair.path.is_ident("target_os") || pair.path.is_ident("target_family") =>
        {
            match text_of(&pair.value).as_deref() {
                Some("linux" | "unix") => Holds::Yes,
                Some(_) => Holds::No,
                None => Holds::Maybe,
            }
        }
        Meta::List(list) => {
            let inner: Vec<Holds> = parts(list)
                .iter()
                .map(|part| holds(part, depth + 1))
                .collect();
            combined(&list.path, &inner)
        }
        Meta::Path(_) | Meta::NameValue(_) => Holds::Maybe,
    }
}

fn combined(operator: &syn::Path, inner: &[Holds]) -> Holds {
    if operator.is_ident("not") {
        return match inner.first() {
            Some(Holds::Yes) => Holds::No,
            Some(Holds::No) => Holds::Yes,
            Some(Holds::Maybe) | None => Holds::Maybe,
        };
    }
    let (whole, part) = if operator.is_ident("all") {
        (Holds::Yes, Holds::No)
    } else if operator.is_ident("any") {
        (Holds::No, Holds::Yes)
    } else {
        return Holds::Maybe;
    };
    if inner.contains(&part) {
        part
    } else if inner.iter().all(|one| *one == whole) {
        whole
    } else {
        Holds::Maybe
    }
}

fn text_of(expr: &SynExpr) -> Option<String> {
    match expr {
        SynExpr::Lit(literal) => match &literal.lit {
            syn::Lit::Str(text) => Some(text.value()),
            _ => None,
        },
        _ => None,
    }
}
