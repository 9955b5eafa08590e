//! ARCHITECTURE.md names only what exists, and its two walks stay walks.

use super::links::section;
use super::{Checkout, Finding};

const FILE: &str = "ARCHITECTURE.md";

/// A walk: a word of its heading, and the most source files that it may name.
const WALKS: &[(&str, usize)] = &[("walk of a call", 7), ("walk of a shutdown", 5)];

pub(super) fn check(checkout: &Checkout) -> Vec<Finding> {
    let Some(document) = checkout.source(FILE) else {
        return vec![Finding::file(
            FILE,
            "missing: it holds the tenets, the two walks and the invariants",
        )];
    };
    let mut findings = Vec::new();
    for (number, line) in document.text.lines().enumerate() {
        let absent = paths(line)
            .into_iter()
            .filter(|path| !checkout.exists(path));
        findings.extend(absent.map(|path| {
            Finding::line(
                FILE,
                number + 1,
                format!("`{path}` does not exist: name what is there"),
            )
        }));
    }
    for (heading, limit) in WALKS {
        findings.extend(walk(&document.text, heading, *limit));
    }
    findings
}

fn walk(text: &str, heading: &str, limit: usize) -> Option<Finding> {
    let mut files: Vec<&str> = section(text, heading)
        .iter()
        .flat_map(|(_, line)| paths(line))
        .filter(|path| path.ends_with(".rs"))
        .collect();
    files.sort_unstable();
    files.dedup();
    match files.len() {
        0 => Some(Finding::file(
            FILE,
            format!("no heading \"{heading}\" with the files of that walk in backquotes"),
        )),
        count if count > limit => Some(Finding::file(
            FILE,
            format!(
                "the {heading} names {count} files, over {limit}: shorten the way, not the text"
            ),
        )),
        _ => None,
    }
}

/// Words in backquotes that are paths of this checkout: they hold a slash and begin with one of its folders, or end like a file at its root.
fn paths(line: &str) -> Vec<&str> {
    const FOLDERS: &[&str] = &[
        "crates/", "testing/", "xtask/", "docs/", "fuzz/", ".ci/", ".cargo/",
    ];
    let quoted = line.split('`').skip(1).step_by(2);
    quoted
        .filter(|word| {
            FOLDERS.iter().any(|folder| word.starts_with(folder))
                && !word.contains(['*', ' ', '{', '…'])
        })
        .collect()
}
