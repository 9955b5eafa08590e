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
                let first = path.ident.to_string();
                let longer = if prefix.is_empty() {
                    self.path_in_file(&first)
                } else {
                    self.longer(prefix, &first)
                };
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

impl Lower {
    /// How a path begins that begins with `self` or `super` in an inline module, told from the file.
    pub(super) fn path_in_file(&self, first: &str) -> String {
        let inline = &self.build.inline;
        let up = match first {
            "self" => 0,
            "super" => 1,
            _ => return first.to_owned(),
        };
        if inline.len() < up || inline.is_empty() {
            return first.to_owned();
        }
        let around = inline.iter().take(inline.len() - up);
        around.fold(String::from("self"), |path, name| join(&path, name))
    }

    /// A path one name longer; `super` behind `super` leads further out.
    fn longer(&self, prefix: &str, name: &str) -> String {
        if name != "super" || self.build.inline.is_empty() {
            return join(prefix, name);
        }
        match prefix.rsplit_once("::") {
            Some((around, last)) if last != "super" => around.to_owned(),
            None if prefix == "self" => name.to_owned(),
            Some(_) | None => join(prefix, name),
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
