//! Imports, and the names that packages are used by.

use tree_sitter::Node;

use super::{Lower, tree};
use crate::facts::{ImportItem, Name, VariableKind};

impl Lower<'_> {
    /// `import "a/b"`, `import x "a/b"`, `import . "a"`, `import _ "a"`.
    pub(super) fn import_declaration(&mut self, node: Node<'_>) {
        for child in tree::named(node) {
            if child.kind() == "import_spec_list" {
                for spec in tree::named(child) {
                    self.import_spec(spec);
                }
            } else {
                self.import_spec(child);
            }
        }
    }

    fn import_spec(&mut self, spec: Node<'_>) {
        let Some(path) = tree::field(spec, "path") else {
            return;
        };
        let source = Name::from(self.raw(path).trim_matches(['"', '`']));
        let span = self.span(spec);
        let alias = tree::field(spec, "name").map(|name| self.text(name));
        match alias.as_deref() {
            Some("." | "_") => {
                self.build.import(source, ImportItem::All, span);
            }
            Some(alias) => {
                let id = self.build.import(source, ImportItem::Module, span);
                let alias = Name::from(alias);
                self.build
                    .declare(&alias, VariableKind::Import(id), None, span);
            }
            None => {
                let names = names_of(&source);
                let id = self.build.import(source, ImportItem::Module, span);
                for name in names {
                    self.build
                        .declare(&Name::from(name), VariableKind::Import(id), None, span);
                }
            }
        }
    }
}

/// The names that a package at this path may be used by; its source, which says which, is not at hand.
fn names_of(path: &str) -> Vec<String> {
    let mut parts = path.rsplit('/');
    let mut last = parts.next().unwrap_or(path);
    if is_version(last) {
        last = parts.next().unwrap_or(last);
    }
    let last = last.split_once(".v").map_or(last, |(name, _)| name);
    let mut all = vec![last.replace(['-', '.'], "_")];
    for shorter in [
        last.strip_prefix("go-"),
        last.strip_suffix("-go"),
        last.strip_suffix(".go"),
        last.rsplit_once('-').map(|(_, end)| end),
    ]
    .into_iter()
    .flatten()
    {
        all.push(shorter.replace(['-', '.'], "_"));
    }
    all.push(last.replace(['-', '.'], ""));
    all.sort();
    all.dedup();
    all
}

fn is_version(part: &str) -> bool {
    part.strip_prefix('v')
        .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_name_is_among_those_tried() {
        for (path, name) in [
            ("os/signal", "signal"),
            ("github.com/google/go-github/v82/github", "github"),
            ("github.com/jackc/pgx/v5", "pgx"),
            ("gopkg.in/yaml.v3", "yaml"),
            ("github.com/redis/go-redis/v9", "redis"),
            ("github.com/mattn/go-sqlite3", "sqlite3"),
            ("github.com/modelcontextprotocol/go-sdk/mcp", "mcp"),
        ] {
            assert!(names_of(path).iter().any(|one| one == name), "{path}");
        }
    }
}
