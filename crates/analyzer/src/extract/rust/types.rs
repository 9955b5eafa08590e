//! Written types, reduced to the one name that says what a value is.

use syn::{GenericArgument, PathArguments, ReturnType, Type, TypeParamBound};

use super::Lower;
use crate::facts::Expr;

/// Types that only hold another: their argument is what rules ask for.
const WRAPPERS: [&str; 22] = [
    "Option",
    "Result",
    "Box",
    "Arc",
    "Rc",
    "Pin",
    "Cow",
    "Mutex",
    "RwLock",
    "RefCell",
    "Cell",
    "LazyLock",
    "LazyCell",
    "OnceLock",
    "OnceCell",
    "Lazy",
    "Weak",
    "State",
    "Extension",
    "Data",
    "ArcSwap",
    "BoxFuture",
];

impl Lower {
    /// The type as a path, where it is one.
    pub(super) fn ty(&mut self, ty: &Type) -> Option<Expr> {
        if !self.build.enter() {
            return None;
        }
        let found = self.bare_type(ty);
        self.build.leave();
        found
    }

    fn bare_type(&mut self, ty: &Type) -> Option<Expr> {
        match ty {
            Type::Group(group) => self.ty(&group.elem),
            Type::Paren(paren) => self.ty(&paren.elem),
            Type::Ptr(pointer) => self.ty(&pointer.elem),
            Type::Reference(reference) => self.ty(&reference.elem),
            Type::ImplTrait(one) => self.bounds(one.bounds.iter()),
            Type::TraitObject(one) => self.bounds(one.bounds.iter()),
            Type::Path(path) => {
                let last = path.path.segments.last()?;
                if WRAPPERS.iter().any(|wrapper| last.ident == wrapper)
                    && let PathArguments::AngleBracketed(args) = &last.arguments
                {
                    let inner = args.args.iter().find_map(|arg| match arg {
                        GenericArgument::Type(inner) => Some(inner),
                        _ => None,
                    });
                    if let Some(inner) = inner {
                        return self.ty(inner);
                    }
                }
                if path.qself.is_some() {
                    return None;
                }
                Some(self.type_path(&path.path))
            }
            _ => None,
        }
    }

    /// `impl Future<Output = T>` gives `T`, `dyn Trait + Send` gives `Trait`.
    fn bounds<'a>(&mut self, bounds: impl Iterator<Item = &'a TypeParamBound>) -> Option<Expr> {
        for bound in bounds {
            let TypeParamBound::Trait(bound) = bound else {
                continue;
            };
            let last = bound.path.segments.last()?;
            if let PathArguments::AngleBracketed(args) = &last.arguments {
                for arg in &args.args {
                    if let GenericArgument::AssocType(assoc) = arg
                        && assoc.ident == "Output"
                    {
                        return self.ty(&assoc.ty);
                    }
                }
            }
            if !["Send", "Sync", "Clone", "Unpin"]
                .iter()
                .any(|marker| last.ident == marker)
            {
                return Some(self.type_path(&bound.path));
            }
        }
        None
    }

    /// The type of a result.
    pub(super) fn returns(&mut self, output: &ReturnType) -> Option<Expr> {
        match output {
            ReturnType::Default => None,
            ReturnType::Type(_, ty) => self.ty(ty),
        }
    }
}
