//! Patterns, and the variables that they declare.

use syn::spanned::Spanned;
use syn::{Member, Pat};

use super::Lower;
use super::uses::unraw;
use crate::extract::build::Space;
use crate::facts::{Expr, ExprKind, Name, Pattern, VarId, VariableKind};

impl Lower {
    /// Reads a pattern; its names are declared as `kind` in the innermost scope.
    pub(super) fn pattern(&mut self, pat: &Pat, kind: VariableKind, ty: Option<&Expr>) -> Pattern {
        if !self.build.enter() {
            return Pattern::Any;
        }
        let pattern = self.bare_pattern(pat, kind, ty);
        self.build.leave();
        pattern
    }

    fn bare_pattern(&mut self, pat: &Pat, kind: VariableKind, ty: Option<&Expr>) -> Pattern {
        match pat {
            Pat::Ident(ident) => self.name_pattern(ident, kind, ty),
            Pat::Guard(guard) => self.pattern(&guard.pat, kind, ty),
            Pat::Lit(literal) => Pattern::Value(self.literal(&literal.lit)),
            Pat::Or(or) => self.alternatives(or, kind),
            Pat::Paren(paren) => self.pattern(&paren.pat, kind, ty),
            Pat::Path(path) => {
                let expr = self.path(path.qself.as_ref(), &path.path);
                value_or_path(expr)
            }
            Pat::Reference(reference) => self.pattern(&reference.pat, kind, ty),
            Pat::Slice(slice) => Pattern::List(self.patterns(slice.elems.iter(), kind)),
            Pat::Tuple(tuple) => Pattern::List(self.patterns(tuple.elems.iter(), kind)),
            Pat::TupleStruct(one) => {
                let path = self.path(one.qself.as_ref(), &one.path);
                Pattern::Of(path, self.patterns(one.elems.iter(), kind))
            }
            Pat::Struct(one) => {
                let path = self.path(one.qself.as_ref(), &one.path);
                let fields = one
                    .fields
                    .iter()
                    .map(|field| {
                        let name = match &field.member {
                            Member::Named(name) => unraw(name),
                            Member::Unnamed(index) => index.index.to_string(),
                        };
                        (Name::from(name), self.pattern(&field.pat, kind, None))
                    })
                    .collect();
                Pattern::Of(path, vec![Pattern::Object(fields)])
            }
            Pat::Type(typed) => {
                let ty = self.ty(&typed.ty);
                self.pattern(&typed.pat, kind, ty.as_ref())
            }
            Pat::Range(range) => {
                let span = self.span(range.span());
                Pattern::Value(crate::extract::build::opaque(Vec::new(), span))
            }
            _ => Pattern::Any,
        }
    }

    fn patterns<'a>(
        &mut self,
        all: impl Iterator<Item = &'a Pat>,
        kind: VariableKind,
    ) -> Vec<Pattern> {
        all.map(|one| self.pattern(one, kind, None)).collect()
    }

    /// A name in a pattern: a unit variant or constant where it is written like one, else a new variable.
    fn name_pattern(
        &mut self,
        ident: &syn::PatIdent,
        kind: VariableKind,
        ty: Option<&Expr>,
    ) -> Pattern {
        let name = unraw(&ident.ident);
        if ident.subpat.is_none()
            && ident.by_ref.is_none()
            && name.starts_with(|first: char| first.is_uppercase())
        {
            let expr = self.ident(&ident.ident, Space::Values);
            return value_or_path(expr);
        }
        let kind = match (kind, ident.mutability.is_some()) {
            (VariableKind::Constant, true) => VariableKind::Local,
            (kind, _) => kind,
        };
        let span = self.span(ident.ident.span());
        let variable = self.bind(&Name::from(name), kind, ty, span);
        if let Some((_, inner)) = &ident.subpat {
            self.pattern(inner, kind, None);
        }
        Pattern::Var(variable)
    }

    fn bind(
        &mut self,
        name: &Name,
        kind: VariableKind,
        ty: Option<&Expr>,
        span: crate::facts::Span,
    ) -> VarId {
        let known = self.alternatives.as_ref().and_then(|names| {
            names
                .iter()
                .find(|(known, _)| known == name)
                .map(|(_, id)| *id)
        });
        if let Some(id) = known {
            return id;
        }
        let id = self.build.declare(name, kind, ty.cloned(), span);
        if let Some(names) = &mut self.alternatives {
            names.push((name.clone(), id));
        }
        id
    }

    fn alternatives(&mut self, or: &syn::PatOr, kind: VariableKind) -> Pattern {
        let outer = self.alternatives.take();
        self.alternatives = Some(outer.clone().unwrap_or_default());
        let all = self.patterns(or.cases.iter(), kind);
        self.alternatives = outer;
        Pattern::Or(all)
    }
}

fn value_or_path(expr: Expr) -> Pattern {
    if matches!(expr.kind, ExprKind::Null) {
        Pattern::Value(expr)
    } else {
        Pattern::Of(expr, Vec::new())
    }
}
