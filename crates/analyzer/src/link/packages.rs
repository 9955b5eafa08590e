//! Python's packages: where they begin, and under which names their modules are imported.

use std::collections::HashSet;

use crate::facts::{FileFacts, Language, Manifest};

use super::modules::folder;

/// The folders that are packages, and the folders around them that may be namespaces.
#[derive(Debug, Default)]
pub(super) struct Packages {
    /// Folders with an `__init__.py`.
    folders: HashSet<String>,
    /// Dotted folders around the outermost packages: `awslabs` of `awslabs/a_server/__init__.py`.
    namespaces: HashSet<String>,
}

impl Packages {
    pub(super) fn of(files: &[FileFacts], manifests: &[Manifest]) -> Self {
        let mut all = Self::default();
        // The folder that was given is a package itself.
        let given = manifests
            .iter()
            .filter(|one| one.language == Language::Python && one.path.is_empty());
        all.namespaces.extend(given.map(|one| one.name.to_string()));
        for file in files
            .iter()
            .filter(|file| file.language == Language::Python)
        {
            if let Some(folder) = file.path.strip_suffix("/__init__.py") {
                all.folders.insert(folder.to_owned());
            }
        }
        for file in files
            .iter()
            .filter(|file| file.language == Language::Python)
        {
            let mut around = all.root(&file.path);
            while !around.is_empty() {
                // `a/b` is imported as `a.b` from the root of the analysis, and as `b` from `a`.
                all.namespaces.insert(around.replace('/', "."));
                let (_, last) = around.rsplit_once('/').unwrap_or(("", around));
                all.namespaces.insert(last.to_owned());
                around = folder(around);
            }
        }
        all
    }

    /// Whether a file is the body of a package.
    pub(super) fn is_body(path: &str) -> bool {
        path == "__init__.py" || path.ends_with("/__init__.py")
    }

    /// The dotted name of a module, from the folder around its outermost package.
    pub(super) fn place(&self, path: &str) -> String {
        let module = path.strip_suffix(".py").unwrap_or(path);
        let module = module.strip_suffix("/__init__").unwrap_or(module);
        let root = self.root(path);
        let inner = module.strip_prefix(root).unwrap_or(module);
        inner.trim_start_matches('/').replace('/', ".")
    }

    /// The dotted folders that may be namespaces.
    pub(super) fn namespaces(&self) -> impl Iterator<Item = &str> {
        self.namespaces.iter().map(String::as_str)
    }

    /// A dotted path without a namespace in front of it.
    pub(super) fn without_namespace<'p>(&self, path: &'p str) -> impl Iterator<Item = &'p str> {
        path.match_indices('.').filter_map(move |(at, _)| {
            let (namespace, rest) = path.split_at_checked(at)?;
            self.namespaces
                .contains(namespace)
                .then(|| rest.trim_start_matches('.'))
        })
    }

    /// The folder around the outermost package that a file is in.
    fn root<'p>(&self, path: &'p str) -> &'p str {
        let mut at = folder(path);
        while self.folders.contains(at) {
            at = folder(at);
        }
        at
    }
}
