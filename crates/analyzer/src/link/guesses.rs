//! What a call on something unknown may mean: methods by their name.

use std::collections::HashMap;

use crate::facts::{FnId, Language};

use super::{FnRef, Project, Site};

/// Methods by their name, of each cluster of files: a call on something unknown means none of code that it has nothing to do with.
pub(super) type Methods<'a> = HashMap<(u32, &'a str), Vec<FnRef>>;

pub(super) fn methods<'a>(project: &Project<'a>) -> Methods<'a> {
    let mut all = Methods::new();
    for (file, at) in project.files.iter().zip(0u32..) {
        let cluster = project.clusters.number(at);
        for class in &file.classes {
            for method in &class.methods {
                all.entry((cluster, &*method.name))
                    .or_default()
                    .push(FnRef {
                        file: at,
                        id: method.function,
                    });
            }
        }
        // A function of Python is called by its own name; only a method may be called on something unknown.
        if file.language == Language::Python {
            continue;
        }
        // Functions in objects: `{ execute: async () => … }`.
        for (function, id) in file.functions.iter().zip(0u32..) {
            if function.class.is_none() && function.parent.is_some() && !function.name.is_empty() {
                all.entry((cluster, &*function.name))
                    .or_default()
                    .push(FnRef {
                        file: at,
                        id: FnId(id),
                    });
            }
        }
    }
    all
}

/// Whether a method may be called with so many arguments: Rust has neither defaults nor more than are written.
pub(super) fn takes(project: &Project<'_>, method: FnRef, site: &Site<'_>) -> bool {
    project.language(method.file) != Language::Rust
        || project
            .function(method)
            .is_some_and(|function| function.params.len() == site.call.args.len())
}

/// What keeps objects of the author's in Rust, of which a path says no more than that.
const RUST_KEEPING: &[&str] = &[
    "std.collections.HashMap.new().get().",
    "std.collections.HashMap().get().",
    "std.collections.BTreeMap.new().get().",
    "std.collections.BTreeMap().get().",
    "indexmap.IndexMap.new().get().",
    "dashmap.DashMap.new().get().",
    "Vec.new().iter().find().",
    "std.sync.Arc.",
    "Box.new().",
];

/// Whether a path says nothing of what a call is made on: what came out of a map may be anything that was put there.
pub(super) fn is_unknown(path: &str) -> bool {
    if path.starts_with('?') {
        return true;
    }
    let from_map = ["Map().", "object.", "list."]
        .iter()
        .any(|start| path.starts_with(start));
    let from_collection = || RUST_KEEPING.iter().any(|start| path.starts_with(start));
    // What the SDK hands to a call was put there by its author.
    let from_lifespan = || path.contains(".lifespan_context.");
    (from_map && path.contains("().")) || from_collection() || from_lifespan()
}

/// Names that every library has: a call of one on something unknown says nothing.
pub(super) fn is_common(name: &str) -> bool {
    matches!(
        name,
        "get"
            | "set"
            | "push"
            | "map"
            | "filter"
            | "then"
            | "catch"
            | "finally"
            | "toString"
            | "close"
            | "end"
            | "write"
            | "read"
            | "log"
            | "error"
            | "info"
            | "warn"
            | "debug"
            | "on"
            | "once"
            | "emit"
            | "send"
            | "next"
            | "add"
            | "delete"
            | "has"
            | "json"
            | "text"
            | "join"
            | "split"
            | "forEach"
            | "append"
            | "items"
            | "keys"
            | "values"
            | "format"
            | "parse"
            | "update"
            | "clone"
            | "new"
            | "default"
            | "from"
            | "into"
            | "String"
            | "Error"
            | "Close"
            | "Get"
            | "Set"
            | "Add"
            | "Done"
            | "Wait"
            | "Lock"
            | "Unlock"
            | "open"
            | "constructor"
            | "__init__"
    )
}
