//! Paths: `tokio::signal::ctrl_c`, `Self::new`, `crate::auth::check`.

use syn::{Path, QSelf};

use super::Lower;
use super::uses::unraw;
use crate::extract::build::{Space, between};
use crate::facts::{Expr, ExprKind, Name, Span};

impl Lower {
    /// A path in an expression.
    pub(super) fn path(&mut self, qself: Option<&QSelf>, path: &Path) -> Expr {
        if let Some(qself) = qself
            && let (Some(base), Some(last)) = (self.ty(&qself.ty), path.segments.last())
        {
            let span = between(base.span, self.span(last.ident.span()));
            return member(base, &unraw(&last.ident), span);
        }
        let single = path.segments.len() == 1 && path.leading_colon.is_none();
        let mut names = path.segments.iter().map(|segment| &segment.ident);
        let Some(first) = names.next() else {
            return crate::extract::build::opaque(Vec::new(), Span::default());
        };
        let mut expr = if path.leading_colon.is_some() {
            let span = self.span(first.span());
            Expr {
                kind: ExprKind::Global(Name::from(unraw(first))),
                span,
            }
        } else {
            let space = if single { Space::Values } else { Space::Types };
            let written = unraw(first);
            let told = self.path_in_file(&written);
            if told == written || single {
                self.ident(first, space)
            } else {
                Expr {
                    kind: ExprKind::Global(Name::from(told)),
                    span: self.span(first.span()),
                }
            }
        };
        for name in names {
            let span = between(expr.span, self.span(name.span()));
            expr = member(expr, &unraw(name), span);
        }
        expr
    }

    /// A path that names a type or a trait.
    pub(super) fn type_path(&mut self, path: &Path) -> Expr {
        if path.segments.len() == 1
            && path.leading_colon.is_none()
            && let Some(first) = path.segments.first()
        {
            return self.ident(&first.ident, Space::Types);
        }
        self.path(None, path)
    }

    /// One name.
    pub(super) fn ident(&mut self, ident: &syn::Ident, space: Space) -> Expr {
        let span = self.span(ident.span());
        let name = unraw(ident);
        let kind = match name.as_str() {
            "self" if space == Space::Values => ExprKind::This,
            "None" => ExprKind::Null,
            "Self" => match self.selves.last() {
                Some(class) => class.kind.clone(),
                None => ExprKind::Global(Name::from("Self")),
            },
            _ => {
                let name = Name::from(name);
                let found = self.build.name(&name, space, span);
                if space == Space::Values && matches!(found.kind, ExprKind::Global(_)) {
                    return self.build.name(&name, Space::Types, span);
                }
                return found;
            }
        };
        Expr { kind, span }
    }
}

/// `object.name`.
pub(super) fn member(object: Expr, name: &str, span: Span) -> Expr {
    Expr {
        kind: ExprKind::Member(Box::new(object), Name::from(name)),
        span,
    }
}
