//! What packages say of themselves.

mod aliases;
mod cargo;
mod extended;
mod go;
mod npm;
mod python;

use crate::facts::{Manifest, Name};

/// Reads a manifest by its file name; `None` for other files, and for text that is none.
pub fn read(path: &Name, text: &str) -> Option<Manifest> {
    let (_, name) = path.rsplit_once('/').unwrap_or(("", path));
    match name {
        "package.json" => npm::read(path, text),
        "pyproject.toml" | "setup.cfg" | "entry_points.txt" | "METADATA" => {
            python::read(path, text)
        }
        "Cargo.toml" => cargo::read(path, text),
        "go.mod" => go::read(path, text),
        _ if is_config(name) => aliases::read(path, text),
        _ => None,
    }
}

/// Whether a file by this name is a manifest.
pub fn is_manifest(name: &str) -> bool {
    is_config(name)
        || matches!(
            name,
            "package.json"
                | "pyproject.toml"
                | "setup.cfg"
                | "entry_points.txt"
                | "METADATA"
                | "Cargo.toml"
                | "go.mod"
        )
}

/// Whether a file by this name says for the compiler of TypeScript which names stand for files.
fn is_config(name: &str) -> bool {
    name == "jsconfig.json" || (name.starts_with("tsconfig") && name.ends_with(".json"))
}

/// Whether a compiler takes such a file without being told, or most others go on from it.
fn is_taken(name: &str) -> bool {
    matches!(
        name,
        "tsconfig.json" | "tsconfig.base.json" | "jsconfig.json"
    )
}

/// Gives what configurations of a compiler say to the packages that they stand in; one without a package stays.
pub fn fold(manifests: Vec<Manifest>) -> Vec<Manifest> {
    let is_config = |manifest: &Manifest| is_config(file_of(&manifest.path));
    let (configs, mut all): (Vec<_>, Vec<_>) = manifests.into_iter().partition(is_config);
    let folders: std::collections::HashMap<String, usize> = all
        .iter()
        .enumerate()
        .filter(|(_, manifest)| file_of(&manifest.path) == "package.json")
        .map(|(place, manifest)| (folder_of(&manifest.path).to_owned(), place))
        .collect();
    for config in extended::whole(configs) {
        if !is_taken(file_of(&config.path)) {
            continue;
        }
        let inside = folder_of(&config.path);
        let mut home = inside;
        while !folders.contains_key(home) && !home.is_empty() {
            home = folder_of(home);
        }
        let package = folders.get(home).and_then(|place| all.get_mut(*place));
        let Some(package) = package else {
            all.extend((!config.aliases.is_empty()).then_some(config));
            continue;
        };
        let inner = inside.strip_prefix(home).unwrap_or(inside);
        let inner = inner.trim_start_matches('/');
        let moved = config.aliases.into_iter();
        package
            .aliases
            .extend(moved.map(|(name, target)| (name, Name::from(format!("{inner}/{target}")))));
    }
    all
}

fn file_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}
