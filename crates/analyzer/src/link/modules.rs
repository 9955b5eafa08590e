//! Which file or symbol of the project a written source means.

use std::collections::{HashMap, HashSet};

use crate::facts::{ClassId, FileFacts, FnId, Language, Manifest, Name, VarId, VariableKind};

use super::packages::Packages;
use super::{ClassRef, FnRef, VarRef};

/// Something at the top of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Symbol {
    /// A file as a module.
    File(u32),
    /// A function.
    Function(FnRef),
    /// A class or type.
    Class(ClassRef),
    /// A variable, imports included.
    Variable(VarRef),
}

/// Files and symbols by name.
#[derive(Debug, Default)]
pub(super) struct Modules {
    by_path: HashMap<Name, u32>,
    /// Dotted: Python's modules, Rust's crates, Go's folders.
    symbols: HashMap<String, Symbol>,
    /// The dotted place of each file.
    places: Vec<String>,
    /// Go: module paths with their folders.
    roots: Vec<(Name, String)>,
    /// npm: names of packages of the project, with their folders and what they say that is imported.
    npm: Vec<(Name, String, Vec<Name>)>,
    packages: Packages,
    /// Files that are the body of a package: Python's `__init__.py`.
    bodies: HashSet<u32>,
}

impl Modules {
    pub(super) fn of(files: &[FileFacts], manifests: &[Manifest]) -> Self {
        let mut all = Self {
            packages: Packages::of(files, manifests),
            ..Self::default()
        };
        for manifest in manifests.iter().filter(|m| m.language == Language::Go) {
            all.roots
                .push((manifest.name.clone(), folder(&manifest.path).to_owned()));
        }
        let npm = manifests.iter().filter(|manifest| {
            manifest.language == Language::TypeScript && !manifest.name.is_empty()
        });
        all.npm = npm
            .map(|manifest| {
                let home = folder(&manifest.path).to_owned();
                (manifest.name.clone(), home, manifest.entries.clone())
            })
            .collect();
        for (file, at) in files.iter().zip(0u32..) {
            all.by_path.insert(file.path.clone(), at);
            let place = all.place_of(file, manifests);
            if Packages::is_body(&file.path) {
                all.bodies.insert(at);
            }
            all.symbols.entry(place.clone()).or_insert(Symbol::File(at));
            if file.language != Language::TypeScript {
                all.declare(file, at, &place);
            }
            all.places.push(place);
        }
        all
    }

    /// The dotted place of a file: a Python module, a Rust module with its crate, a Go folder, else its path.
    fn place_of(&self, file: &FileFacts, manifests: &[Manifest]) -> String {
        match file.language {
            Language::TypeScript => file.path.to_string(),
            Language::Python => self.packages.place(&file.path),
            Language::Rust => rust_place(&file.path, manifests),
            Language::Go => go_place(folder(&file.path)),
        }
    }

    fn declare(&mut self, file: &FileFacts, at: u32, place: &str) {
        for (variable, id) in file.variables.iter().zip(0u32..) {
            if variable.owner != FnId::MODULE {
                continue;
            }
            let symbol = match variable.kind {
                VariableKind::Function(id) => Symbol::Function(FnRef { file: at, id }),
                VariableKind::Class(id) => Symbol::Class(ClassRef { file: at, id }),
                VariableKind::Import(_)
                | VariableKind::Local
                | VariableKind::Constant
                | VariableKind::Caught
                | VariableKind::Parameter(_) => Symbol::Variable(VarRef {
                    file: at,
                    id: VarId(id),
                }),
            };
            let imported = matches!(variable.kind, VariableKind::Import(_));
            if imported && file.language == Language::Go {
                continue;
            }
            self.symbols
                .entry(format!("{place}.{}", variable.name))
                .or_insert(symbol);
        }
        for (class, id) in file.classes.iter().zip(0u32..) {
            let key = format!("{place}.{}", class.name);
            self.symbols.entry(key).or_insert(Symbol::Class(ClassRef {
                file: at,
                id: ClassId(id),
            }));
        }
    }

    /// The symbol of a dotted path.
    pub(super) fn symbol(&self, path: &str) -> Option<Symbol> {
        let direct = self.symbols.get(path);
        let inner = || {
            self.packages
                .without_namespace(path)
                .find_map(|path| self.symbols.get(path))
        };
        direct.or_else(inner).copied()
    }

    /// The dotted place of a file.
    pub(super) fn place(&self, file: u32) -> &str {
        usize::try_from(file)
            .ok()
            .and_then(|at| self.places.get(at))
            .map_or("", String::as_str)
    }

    /// The file that a source written in a file means, if it is one of the project.
    pub(super) fn file(&self, from: &FileFacts, source: &str) -> Option<u32> {
        if from.language != Language::TypeScript {
            return None;
        }
        if source.starts_with('.') {
            return self.module(&join(folder(&from.path), source));
        }
        self.of_package(source)
    }

    /// The file that the name of a package of the same project stands for: `@servers/log`, `@servers/log/text.js`.
    fn of_package(&self, source: &str) -> Option<u32> {
        self.npm.iter().find_map(|(name, home, entries)| {
            let rest = source.strip_prefix(name.as_ref())?;
            if !rest.is_empty() {
                let inner = rest.strip_prefix('/')?;
                let beside = || self.module(&join(home, &format!("src/{inner}")));
                return self.module(&join(home, inner)).or_else(beside);
            }
            // What is built is seldom there, and its source is.
            let named = entries.iter().find_map(|entry| {
                let written = || {
                    let (_, inner) = entry.split_once('/')?;
                    self.module(&join(home, &format!("src/{inner}")))
                };
                self.module(&join(home, entry)).or_else(written)
            });
            let usual = || {
                ["src/index", "index"]
                    .iter()
                    .find_map(|inner| self.module(&join(home, inner)))
            };
            named.or_else(usual)
        })
    }

    /// The file of a path as it is imported: with the ending of what it is built to, without any, or of a folder.
    fn module(&self, base: &str) -> Option<u32> {
        let stem = ["js", "mjs", "cjs", "jsx", "ts"]
            .iter()
            .find_map(|end| base.strip_suffix(&format!(".{end}")))
            .unwrap_or(base);
        let mut candidate = String::new();
        let mut find = |stem: &str, end: &str| {
            candidate.clear();
            candidate.push_str(stem);
            candidate.push_str(end);
            self.by_path.get(candidate.as_str()).copied()
        };
        let beside = || {
            let ends = [".ts", ".tsx", ".mts", ".cts", ".js", ".mjs", ".cjs", ".jsx"];
            let both = |end: &&str| find(stem, end).or_else(|| find(base, end));
            ends.iter().find_map(both)
        };
        let found = self.by_path.get(base).copied().or_else(beside);
        found.or_else(|| {
            let indexes = [
                "/index.ts",
                "/index.tsx",
                "/index.js",
                "/index.mjs",
                "/index.cjs",
            ];
            indexes.iter().find_map(|end| find(base, end))
        })
    }

    /// A source as a canonical path: Python's relative imports and Rust's `crate`, `self`, `super` made absolute, Go's module paths as folders.
    pub(super) fn canonical(&self, from: u32, language: Language, source: &str) -> String {
        match language {
            Language::TypeScript => source.strip_prefix("node:").unwrap_or(source).to_owned(),
            Language::Python => self.python(from, source),
            Language::Rust => self.rust(from, source),
            Language::Go => self.go(source),
        }
    }

    fn python(&self, from: u32, source: &str) -> String {
        let dots = source.chars().take_while(|c| *c == '.').count();
        if dots == 0 {
            return source.to_owned();
        }
        let mut parts: Vec<&str> = self.place(from).split('.').collect();
        let up = if self.bodies.contains(&from) {
            dots - 1
        } else {
            dots
        };
        for _ in 0..up {
            parts.pop();
        }
        parts.extend(source.split('.').filter(|part| !part.is_empty()));
        parts.join(".")
    }

    fn rust(&self, from: u32, source: &str) -> String {
        let place: Vec<&str> = self.place(from).split('.').collect();
        let mut base: Vec<&str> = Vec::new();
        let mut parts = source.split("::").peekable();
        match parts.peek() {
            Some(&"crate") => {
                base.extend(place.first());
                parts.next();
            }
            Some(&"self") => {
                base.extend(&place);
                parts.next();
            }
            Some(&"super") => {
                base.extend(&place);
                while parts.next_if_eq(&"super").is_some() {
                    base.pop();
                }
            }
            // A module below this one is named without `self`.
            Some(first) if self.is_child(from, first) => base.extend(&place),
            Some(_) | None => {}
        }
        base.extend(parts.filter(|part| !part.is_empty()));
        base.join(".")
    }

    fn is_child(&self, from: u32, name: &str) -> bool {
        let path = format!("{}.{name}", self.place(from));
        matches!(self.symbols.get(&path), Some(Symbol::File(_)))
    }

    fn go(&self, source: &str) -> String {
        for (root, folder) in &self.roots {
            if let Some(rest) = source.strip_prefix(root.as_ref()) {
                let rest = rest.trim_start_matches('/');
                return go_place(&join(folder, rest));
            }
        }
        source.to_owned()
    }
}

fn go_place(folder: &str) -> String {
    format!("go:{folder}")
}

fn rust_place(path: &str, manifests: &[Manifest]) -> String {
    let home = manifests
        .iter()
        .filter(|manifest| manifest.language == Language::Rust)
        .filter(|manifest| {
            let home = folder(&manifest.path);
            home.is_empty() || path.starts_with(&format!("{home}/"))
        })
        .max_by_key(|manifest| manifest.path.len());
    let (name, inner) = match home {
        Some(manifest) => {
            let home = folder(&manifest.path);
            let inner = path.strip_prefix(home).unwrap_or(path);
            (
                manifest.name.replace('-', "_"),
                inner.trim_start_matches('/'),
            )
        }
        None => (String::from("crate"), path),
    };
    let inner = inner.strip_prefix("src/").unwrap_or(inner);
    let inner = inner.trim_end_matches(".rs");
    let inner = inner.strip_suffix("/mod").unwrap_or(inner);
    if matches!(inner, "main" | "lib") || inner.starts_with("bin/") {
        return name;
    }
    format!("{name}.{}", inner.replace('/', "."))
}

pub(super) fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn join(base: &str, relative: &str) -> String {
    let mut parts: Vec<&str> = base.split('/').filter(|part| !part.is_empty()).collect();
    for part in relative.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    parts.join("/")
}
