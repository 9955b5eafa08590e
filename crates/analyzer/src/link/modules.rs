//! Which file or symbol of the project a written source means.

use std::collections::{HashMap, HashSet};

use crate::facts::{
    ClassId, FileFacts, FnId, Import, ImportId, ImportItem, Language, Manifest, Name, VarId,
    VariableKind,
};
use crate::vocabulary;

use super::packages::Packages;
use super::resolve::MAX_PATH;
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

impl Symbol {
    /// The file that it is, or stands in.
    pub(super) fn file(self) -> Option<u32> {
        Some(match self {
            Self::File(file) => file,
            Self::Function(at) => at.file,
            Self::Class(at) => at.file,
            Self::Variable(at) => at.file,
        })
    }
}

/// Files and symbols by name.
#[derive(Debug, Default)]
pub(super) struct Modules {
    by_path: HashMap<Name, u32>,
    /// Dotted: Python's modules, Rust's crates, Go's folders.
    symbols: HashMap<String, Symbol>,
    /// What symbols and namespaces begin with, up to the first dot: most paths lead outside, and begin with none of these.
    begins: HashSet<String>,
    /// What the imports of each file stand for that lead outside.
    outside: Vec<Vec<Option<Name>>>,
    /// The dotted place of each file.
    places: Vec<String>,
    /// Go: the folders of modules, by their paths.
    roots: HashMap<Name, String>,
    /// npm: packages of the project by their names, in order.
    npm: HashMap<Name, Vec<Npm>>,
    /// npm: what stands for files, by the folder of the package.
    aliases: HashMap<String, Vec<(Name, Name)>>,
    /// npm: what packages declare that they need, by their folders.
    declared: HashMap<String, HashSet<Name>>,
    packages: Packages,
    /// Files that are the body of a package: Python's `__init__.py`.
    bodies: HashSet<u32>,
}

/// A package of npm.
#[derive(Debug)]
struct Npm {
    /// Its place among the manifests.
    place: usize,
    folder: String,
    /// What it says that is imported.
    entries: Vec<Name>,
}

impl Modules {
    pub(super) fn of(files: &[FileFacts], manifests: &[Manifest]) -> Self {
        let mut all = Self {
            packages: Packages::of(files, manifests),
            ..Self::default()
        };
        let mut crates: HashMap<&str, &Manifest> = HashMap::new();
        for (manifest, place) in manifests.iter().zip(0..) {
            let home = folder(&manifest.path);
            if manifest.language == Language::TypeScript {
                all.take(home, manifest);
            }
            match manifest.language {
                Language::Go => {
                    let first = all.roots.entry(manifest.name.clone());
                    first.or_insert_with(|| home.to_owned());
                }
                Language::TypeScript if !manifest.name.is_empty() => {
                    let named = all.npm.entry(manifest.name.clone()).or_default();
                    named.push(Npm {
                        place,
                        folder: home.to_owned(),
                        entries: manifest.entries.clone(),
                    });
                }
                Language::Rust => drop(crates.insert(home, manifest)),
                Language::TypeScript | Language::Python => {}
            }
        }
        let placed = placed(files, &crates);
        for (file, at) in files.iter().zip(0u32..) {
            all.by_path.insert(file.path.clone(), at);
            let place = placed.get(&*file.path).cloned();
            let place = place.unwrap_or_else(|| all.place_of(file, &crates));
            if Packages::is_body(&file.path) {
                all.bodies.insert(at);
            }
            all.symbols.entry(place.clone()).or_insert(Symbol::File(at));
            if file.language != Language::TypeScript {
                all.declare(file, at, &place);
            }
            all.places.push(place);
        }
        let symbols = all.symbols.keys().map(String::as_str);
        let begins = symbols.chain(all.packages.namespaces()).map(begin);
        all.begins = begins.map(str::to_owned).collect();
        let outside = files.iter().zip(0u32..).map(|(file, at)| {
            let imports = file.imports.iter();
            imports
                .map(|import| all.leads_outside(at, file, import))
                .collect()
        });
        all.outside = outside.collect();
        all
    }

    /// The path of an import that is of no file and no symbol of the project.
    fn leads_outside(&self, at: u32, file: &FileFacts, import: &Import) -> Option<Name> {
        if self.file(file, &import.source).is_some() {
            return None;
        }
        let path = self.path_of(at, file.language, &import.source, &import.item);
        let is_inside = !matches!(self.symbol(&path), Some(Symbol::File(_)) | None);
        (!is_inside && path.len() <= MAX_PATH).then(|| Name::from(path))
    }

    /// The canonical path of what is imported.
    pub(super) fn path_of(
        &self,
        from: u32,
        language: Language,
        source: &str,
        item: &ImportItem,
    ) -> String {
        let base = self.canonical(from, language, source);
        match item {
            ImportItem::Named(name) if &**name != "default" => {
                if base.is_empty() {
                    name.to_string()
                } else {
                    format!("{base}.{name}")
                }
            }
            ImportItem::Named(_) | ImportItem::Module | ImportItem::Default | ImportItem::All => {
                base
            }
        }
    }

    /// The path that an import of a file stands for, if it leads outside of the project.
    pub(super) fn outside(&self, file: u32, import: ImportId) -> Option<&Name> {
        let imports = self.outside.get(usize::try_from(file).ok()?)?;
        imports.get(usize::try_from(import.0).ok()?)?.as_ref()
    }

    /// The dotted place of a file: a Python module, a Rust module with its crate, a Go folder, else its path.
    fn place_of(&self, file: &FileFacts, crates: &HashMap<&str, &Manifest>) -> String {
        match file.language {
            Language::TypeScript => file.path.to_string(),
            Language::Python => self.packages.place(&file.path),
            Language::Rust => rust_place(&file.path, crates),
            Language::Go => go_place(folder(&file.path)),
        }
    }

    fn declare(&mut self, file: &FileFacts, at: u32, place: &str) {
        let inline: HashMap<VarId, &Name> =
            file.inline.iter().map(|(id, path)| (*id, path)).collect();
        for path in inline.values() {
            let mut inner = place.to_owned();
            for name in path.split('.') {
                inner = format!("{inner}.{name}");
                self.symbols
                    .entry(inner.clone())
                    .or_insert(Symbol::File(at));
            }
        }
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
            let key = match inline.get(&VarId(id)) {
                Some(path) => format!("{place}.{path}.{}", variable.name),
                None => format!("{place}.{}", variable.name),
            };
            self.symbols.entry(key).or_insert(symbol);
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
        if !self.begins.contains(begin(path)) {
            return None;
        }
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
        self.of_alias(from, source)
            .or_else(|| self.of_package(source))
    }

    fn take(&mut self, home: &str, manifest: &Manifest) {
        let aliases = manifest.aliases.iter().cloned();
        if !manifest.aliases.is_empty() {
            self.aliases
                .entry(home.to_owned())
                .or_default()
                .extend(aliases);
        }
        if manifest.path.ends_with("package.json") {
            let names = manifest.dependencies.iter().map(|(name, _)| name);
            let names = names.chain(&manifest.development).chain([&manifest.name]);
            let declared = self.declared.entry(home.to_owned()).or_default();
            declared.extend(names.cloned());
            if declared.contains(vocabulary::typescript::SDK) {
                let brought = vocabulary::typescript::OF_THE_SDK.iter();
                declared.extend(brought.map(|name| Name::from(*name)));
            }
        }
    }

    /// Whether a source is code of the project that is not there, or of a dependency that nobody declares.
    pub(super) fn is_missing(&self, from: &FileFacts, source: &str) -> bool {
        if from.language != Language::TypeScript
            || source.starts_with("node:")
            || self.file(from, source).is_some()
        {
            return false;
        }
        if source.starts_with(['.', '#', '~']) || source.starts_with("@/") {
            return true;
        }
        let mut around = upward(folder(&from.path))
            .filter_map(|home| self.declared.get(home))
            .peekable();
        around.peek().is_some()
            && !around.any(|names| starts(source).any(|(name, _)| names.contains(name)))
    }

    /// The file that a name stands for by what the packages around say.
    fn of_alias(&self, from: &FileFacts, source: &str) -> Option<u32> {
        if self.aliases.is_empty() {
            return None;
        }
        upward(folder(&from.path)).find_map(|home| {
            self.aliases.get(home)?.iter().find_map(|(name, target)| {
                let target = match name.split_once('*') {
                    None => (**name == *source).then(|| target.to_string())?,
                    Some((start, end)) => {
                        let inner = source.strip_prefix(start)?.strip_suffix(end)?;
                        target.replacen('*', inner, 1)
                    }
                };
                let inner = join("", &target);
                let written = || {
                    let (_, inner) = inner.split_once('/')?;
                    self.module(&join(home, &format!("src/{inner}")))
                };
                self.module(&join(home, &target)).or_else(written)
            })
        })
    }

    /// The file that the name of a package of the same project stands for: `@servers/log`, `@servers/log/text.js`.
    fn of_package(&self, source: &str) -> Option<u32> {
        let mut meant: Vec<(&Npm, &str)> = starts(source)
            .flat_map(|(name, rest)| {
                self.npm
                    .get(name)
                    .into_iter()
                    .flatten()
                    .map(move |one| (one, rest))
            })
            .collect();
        meant.sort_by_key(|(package, _)| package.place);
        meant.into_iter().find_map(|(package, inner)| {
            let home = &package.folder;
            if !inner.is_empty() {
                let beside = || self.module(&join(home, &format!("src/{inner}")));
                return self.module(&join(home, inner)).or_else(beside);
            }
            // What is built is seldom there, and its source is.
            let named = package.entries.iter().find_map(|entry| {
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
        // Of modules inside one another the innermost has it.
        let root = starts(source).filter_map(|(root, rest)| Some((self.roots.get(root)?, rest)));
        root.last().map_or_else(
            || source.to_owned(),
            |(folder, rest)| go_place(&join(folder, rest)),
        )
    }
}

/// What stands before the first dot of a path.
fn begin(path: &str) -> &str {
    path.split_once('.').map_or(path, |(first, _)| first)
}

/// The ways to split a path in two at a slash, the shortest start first; the last is the whole path.
fn starts(path: &str) -> impl Iterator<Item = (&str, &str)> {
    let parts = path.match_indices('/').filter_map(move |(at, _)| {
        let (start, rest) = path.split_at_checked(at)?;
        Some((start, rest.trim_start_matches('/')))
    });
    parts.chain(std::iter::once((path, "")))
}

/// A folder and those around it, the innermost first.
fn upward(folder_of_file: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(folder_of_file), |at| {
        (!at.is_empty()).then(|| folder(at))
    })
}

fn go_place(folder: &str) -> String {
    format!("go:{folder}")
}

/// The places of files that `#[path]` gives another name.
fn placed<'f>(
    files: &'f [FileFacts],
    crates: &HashMap<&str, &Manifest>,
) -> HashMap<String, String> {
    let with = |file: &&'f FileFacts| !file.placed.is_empty();
    let mut all = HashMap::new();
    for file in files.iter().filter(with) {
        let place = rust_place(&file.path, crates);
        for (name, path) in &file.placed {
            let target = join(folder(&file.path), path);
            all.entry(target).or_insert(format!("{place}.{name}"));
        }
    }
    all
}

fn rust_place(path: &str, crates: &HashMap<&str, &Manifest>) -> String {
    let mut around = folder(path);
    let home = loop {
        match crates.get(around) {
            None if !around.is_empty() => around = folder(around),
            found => break found,
        }
    };
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
