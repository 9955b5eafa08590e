//! `use` declarations.

use syn::UseTree;

use super::Lower;
use crate::facts::{ImportItem, Name, VariableKind};

impl Lower {
    /// Binds every name of a `use` tree; `prefix` is the path so far.
    pub(super) fn use_tree(&mut self, prefix: &str, tree: &UseTree) {
        if !self.build.enter() {
            return;
        }
        match tree {
            UseTree::Path(path) => {
                let longer = join(prefix, &path.ident.to_string());
                self.use_tree(&longer, &path.tree);
            }
            UseTree::Name(name) => self.bind_use(prefix, &name.ident, &name.ident),
            UseTree::Rename(rename) => self.bind_use(prefix, &rename.ident, &rename.rename),
            UseTree::Glob(glob) => {
                let span = self.span(glob.star_token.spans[0]);
                self.build.import(Name::from(prefix), ImportItem::All, span);
            }
            UseTree::Group(group) => {
                for item in &group.items {
                    self.use_tree(prefix, item);
                }
            }
        }
        self.build.leave();
    }

    /// `use a::b::c as d` is source `a::b`, item `c`, bound to `d`; `use a` and `use a::b::{self}` are the module itself.
    fn bind_use(&mut self, prefix: &str, ident: &syn::Ident, bound: &syn::Ident) {
        let span = self.span(bound.span());
        let (source, item, plain) = if ident == "self" {
            let (source, last) = prefix.rsplit_once("::").unwrap_or(("", prefix));
            (source.to_owned(), last.to_owned(), last.to_owned())
        } else {
            let name = unraw(ident);
            (prefix.to_owned(), name.clone(), name)
        };
        let name = if bound == "self" {
            Name::from(plain)
        } else {
            Name::from(unraw(bound))
        };
        let id = if source.is_empty() {
            self.build
                .import(Name::from(item), ImportItem::Module, span)
        } else {
            let item = ImportItem::Named(Name::from(item));
            self.build.import(Name::from(source), item, span)
        };
        if &*name != "_" {
            self.build
                .declare(&name, VariableKind::Import(id), None, span);
        }
    }
}

fn join(prefix: &str, name: &str) -> String {
    if prefix.is_empty() {
        name.to_owned()
    } else {
        format!("{prefix}::{name}")
    }
}

/// A name without `r#`.
pub(super) fn unraw(ident: &syn::Ident) -> String {
    let text = ident.to_string();
    text.strip_prefix("r#").map_or(text.clone(), str::to_owned)
}
