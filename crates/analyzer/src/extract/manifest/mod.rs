//! What packages say of themselves.

mod cargo;
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
        _ => None,
    }
}

/// Whether a file by this name is a manifest.
pub fn is_manifest(name: &str) -> bool {
    matches!(
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
