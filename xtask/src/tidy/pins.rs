//! Every dependency is fixed to one version, in one place, with its reason.

use super::source::Source;
use super::{Checkout, Finding};

pub(super) fn check(checkout: &Checkout) -> Vec<Finding> {
    let manifests = checkout
        .sources
        .iter()
        .filter(|source| source.path == "Cargo.toml" || source.path.ends_with("/Cargo.toml"));
    manifests.flat_map(manifest).collect()
}

fn manifest(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut section = String::new();
    let mut explained = false;
    for (number, line) in source.text.lines().enumerate() {
        let line = line.trim();
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']').to_owned();
            explained = false;
        } else if line.is_empty() {
            explained = false;
        } else if line.starts_with('#') {
            explained = true;
        } else if section.ends_with("dependencies") {
            let root = section == "workspace.dependencies";
            let text = judge(
                line,
                if root {
                    Place::Root { explained }
                } else {
                    Place::Member
                },
            );
            findings.extend(text.map(|text| Finding::line(&source.path, number + 1, text)));
        } else if section.contains("dependencies.") {
            findings.push(Finding::line(
                &source.path,
                number + 1,
                "a dependency as a table: write it on one line, so that its pin can be seen",
            ));
        }
    }
    findings
}

enum Place {
    /// The list of the whole workspace, where a comment stands above each group.
    Root {
        explained: bool,
    },
    Member,
}

fn judge(line: &str, place: Place) -> Option<String> {
    let name = line.split(['=', '.', ' ']).next().unwrap_or(line);
    if line.contains("path = ") || line.contains("workspace = true") {
        return None;
    }
    if !line.contains("\"=") {
        return Some(format!(
            "`{name}` is not pinned: write `=` before its version"
        ));
    }
    match place {
        Place::Root { explained: false } => Some(format!(
            "`{name}` has no comment above it: say what it is for"
        )),
        Place::Root { explained: true } | Place::Member => None,
    }
}
