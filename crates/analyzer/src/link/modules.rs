//! Which file or symbol of the project a written source means.

use std::collections::HashMap;

use crate::facts::{ClassId, FileFacts, FnId, Language, Manifest, Name, VarId, VariableKind};

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
}

impl Modules {
    pub(super) fn of(files: &[FileFacts], manifests: &[Manifest]) -> Self {
        let mut all = Self::default();
        for manifest in manifests.iter().filter(|m| m.language == Language::Go) {
            all.roots
                .push((manifest.name.clone(), folder(&manifest.path).to_owned()));
        }
        for (file, at) in files.iter().zip(0u32..) {
            all.by_path.insert(file.path.clone(), at);
            let place = place(file, files, manifests);
            all.symbols.entry(place.clone()).or_insert(Symbol::File(at));
            if file.language != Language::TypeScript {
                all.declare(file, at, &place);
            }
            all.places.push(place);
        }
        all
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
        self.symbols.get(path).copied()
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
        if from.language != Language::TypeScript || !source.starts_with('.') {
            return None;
        }
        let base = join(folder(&from.path), source);
        let stem = ["js", "mjs", "cjs", "jsx", "ts"]
            .iter()
            .find_map(|end| base.strip_suffix(&format!(".{end}")))
            .unwrap_or(&base);
        let mut candidates = vec![base.clone()];
        for end in ["ts", "tsx", "mts", "cts", "js", "mjs", "cjs", "jsx"] {
            candidates.push(format!("{stem}.{end}"));
            candidates.push(format!("{base}.{end}"));
        }
        for end in ["ts", "tsx", "js", "mjs", "cjs"] {
            candidates.push(format!("{base}/index.{end}"));
        }
        candidates
            .iter()
            .find_map(|path| self.by_path.get(path.as_str()).copied())
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
        let is_package = self.is_package(from);
        let up = if is_package { dots - 1 } else { dots };
        for _ in 0..up {
            parts.pop();
        }
        parts.extend(source.split('.').filter(|part| !part.is_empty()));
        parts.join(".")
    }

    fn is_package(&self, file: u32) -> bool {
        self.by_path
            .iter()
            .any(|(path, at)| *at == file && path.ends_with("__init__.py"))
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
            Some(_) | None => {}
        }
        base.extend(parts.filter(|part| !part.is_empty()));
        base.join(".")
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

/// The dotted place of a file: a Python module, a Rust module with its crate, a Go folder, else its path.
fn place(file: &FileFacts, files: &[FileFacts], manifests: &[Manifest]) -> String {
    match file.language {
        Language::TypeScript => file.path.to_string(),
        Language::Python => {
            let path = file.path.trim_end_matches(".py");
            let path = path.strip_suffix("/__init__").unwrap_or(path);
            let root = python_root(&file.path, files);
            path.strip_prefix(root)
                .unwrap_or(path)
                .trim_start_matches('/')
                .replace('/', ".")
        }
        Language::Rust => rust_place(&file.path, manifests),
        Language::Go => go_place(folder(&file.path)),
    }
}

fn go_place(folder: &str) -> String {
    format!("go:{folder}")
}

/// The folder above the outermost package that the file is in; `src` and distribution folders are no packages.
fn python_root<'p>(path: &'p str, files: &[FileFacts]) -> &'p str {
    let mut at = folder(path);
    loop {
        let init = format!("{at}/__init__.py");
        let is_package = files.iter().any(|file| *file.path == init);
        let above = folder(at);
        if !is_package || at.is_empty() {
            // A package without `__init__.py` counts unless its folder is a usual root.
            let name = at.rsplit('/').next().unwrap_or(at);
            let usual = at.is_empty() || matches!(name, "src" | "lib" | "python" | "server");
            let above_has = files
                .iter()
                .any(|file| *file.path == format!("{above}/__init__.py"));
            return if usual || !above_has { at } else { above };
        }
        at = above;
    }
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
