//! A tree of 20 MB of real source: what the counterparts and the workspace's own dependencies are made of.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Doing, Failure};
use crate::workspace;

/// Bytes of source by language: folder in the tree, ends of names, bytes.
const SHARES: &[(&str, &[&str], u64)] = &[
    ("npm", &["js", "mjs", "cjs", "ts", "tsx", "jsx"], 10 << 20),
    ("pypi", &["py"], 7 << 20),
    ("crates", &["rs"], 3 << 20),
];

/// Larger files are bundles and tables.
const MAX_FILE: u64 = 256 << 10;

/// What says of a folder that it is a package.
const MANIFESTS: &[&str] = &["package.json", "pyproject.toml", "Cargo.toml"];

/// Makes the tree below a folder; gives it, and a sentence on what it holds.
pub(super) fn make(scratch: &Path) -> Result<(PathBuf, String), Failure> {
    let tree = scratch.join("tree");
    let mut about = Vec::new();
    for (name, ends, share) in SHARES {
        let mut copy = Copy {
            ends,
            left: *share,
            files: 0,
        };
        for (package, from) in packages(name)? {
            copy.folder(&from, &tree.join(name).join(package))?;
        }
        let bytes = share - copy.left;
        about.push(format!(
            "{:.1} MiB in {} files from {name}",
            bytes as f64 / f64::from(1 << 20),
            copy.files
        ));
    }
    // semgrep passes over the tests of packages unless it is told what to pass over.
    std::fs::write(tree.join(".semgrepignore"), "").doing("writing into the tree")?;
    Ok((tree, about.join(", ")))
}

/// Packages by name, those about MCP first.
fn packages(registry: &str) -> Result<Vec<(String, PathBuf)>, Failure> {
    let mut all = match registry {
        "npm" => installed(&workspace::counterparts().join("npm/node_modules"))?,
        "pypi" => python()?,
        _ => crates()?,
    };
    all.sort();
    all.dedup_by(|a, b| a.0 == b.0);
    all.sort_by_key(|(name, _)| !(name.contains("mcp") || name.contains("modelcontext")));
    Ok(all)
}

fn python() -> Result<Vec<(String, PathBuf)>, Failure> {
    let mut all = Vec::new();
    let tools = workspace::counterparts().join("python/tools");
    for (_, tool) in folders(&tools)? {
        for (_, python) in folders(&tool.join("lib"))? {
            all.extend(folders(&python.join("site-packages"))?);
        }
    }
    Ok(all)
}

/// Packages of npm; those of a scope one level deeper.
fn installed(modules: &Path) -> Result<Vec<(String, PathBuf)>, Failure> {
    let mut all = Vec::new();
    for (name, folder) in folders(modules)? {
        if name.starts_with('@') {
            for (inner, folder) in folders(&folder)? {
                all.push((format!("{name}/{inner}"), folder));
            }
        } else if !name.starts_with('.') {
            all.push((name, folder));
        }
    }
    Ok(all)
}

/// The sources of the dependencies, as cargo unpacked them.
fn crates() -> Result<Vec<(String, PathBuf)>, Failure> {
    let mut command: Command = workspace::cargo();
    command.args(["metadata", "--format-version", "1", "--locked"]);
    let output = command
        .output()
        .doing("asking cargo for the dependencies")?;
    let answer: serde_json::Value =
        serde_json::from_slice(&output.stdout).doing("reading the dependencies")?;
    let packages = answer["packages"].as_array().into_iter().flatten();
    let outside = packages.filter(|package| !package["source"].is_null());
    let all = outside.filter_map(|package| {
        let manifest = Path::new(package["manifest_path"].as_str()?);
        let name = match package["name"].as_str()? {
            // The official SDK.
            "rmcp" => "mcp",
            other => other,
        };
        Some((name.to_owned(), manifest.parent()?.to_path_buf()))
    });
    Ok(all.collect())
}

fn folders(inside: &Path) -> Result<Vec<(String, PathBuf)>, Failure> {
    let entries = std::fs::read_dir(inside).doing(format_args!("reading {}", inside.display()))?;
    let mut all = Vec::new();
    for entry in entries.flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            all.push((
                entry.file_name().to_string_lossy().into_owned(),
                entry.path(),
            ));
        }
    }
    all.sort();
    Ok(all)
}

struct Copy {
    ends: &'static [&'static str],
    left: u64,
    files: usize,
}

impl Copy {
    fn folder(&mut self, from: &Path, to: &Path) -> Result<(), Failure> {
        for (name, folder) in folders(from)? {
            if !matches!(
                &*name,
                "node_modules" | "vendor" | "_vendor" | "__pycache__" | "target"
            ) {
                self.folder(&folder, &to.join(name))?;
            }
        }
        let entries = std::fs::read_dir(from).doing(format_args!("reading {}", from.display()))?;
        let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        files.sort();
        for file in files {
            let Ok(meta) = file.symlink_metadata() else {
                continue;
            };
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            let is_manifest = MANIFESTS.contains(&&*name);
            let is_source = is_source(&name, self.ends) && meta.len() <= MAX_FILE.min(self.left);
            if !meta.is_file() || !(is_manifest || is_source) {
                continue;
            }
            if is_source {
                self.left -= meta.len();
                self.files += 1;
            }
            std::fs::create_dir_all(to).doing(format_args!("making {}", to.display()))?;
            std::fs::copy(&file, to.join(&*name))
                .doing(format_args!("copying {}", file.display()))?;
        }
        Ok(())
    }
}

/// Whether a name is that of source: by its end, and no declarations or minified text.
fn is_source(name: &str, ends: &[&str]) -> bool {
    let Some((stem, end)) = name.rsplit_once('.') else {
        return false;
    };
    ends.contains(&end) && !stem.ends_with(".d") && !stem.contains(".min")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declarations_and_what_is_minified_are_no_source() {
        let ends = &["js", "ts"];
        for (name, expected) in [
            ("a.ts", true),
            ("a.b.js", true),
            ("a.d.ts", false),
            ("a.min.js", false),
            ("a.py", false),
            ("ts", false),
        ] {
            assert_eq!(is_source(name, ends), expected, "{name}");
        }
    }
}
