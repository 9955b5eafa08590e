//! `unsafe` lives in one folder, and each use says which fact makes it sound.

use super::source::Source;
use super::{Checkout, Finding};

const FOLDER: &str = "crates/process/src/sys/";

const FOLDERS_OF_CRATES: &[&str] = &["crates/", "testing/", "xtask/"];

/// How many lines above an `unsafe` its reason may begin.
const REACH: usize = 12;

pub(super) fn check(checkout: &Checkout) -> Vec<Finding> {
    let uses = checkout
        .sources
        .iter()
        .flat_map(|source| source.find("unsafe").map(move |at| (source, at)));
    uses.filter_map(|(source, at)| judge(source, at)).collect()
}

/// Every crate inherits the lints of the workspace, and every crate root but that of the one with `unsafe` forbids it.
pub(super) fn lints(checkout: &Checkout) -> Vec<Finding> {
    let ours = checkout.sources.iter().filter(|source| {
        FOLDERS_OF_CRATES
            .iter()
            .any(|folder| source.path.starts_with(folder))
    });
    ours.filter_map(|source| {
        if source.path.ends_with("/Cargo.toml") && !source.text.contains("[lints]\nworkspace = true") {
            return Some(Finding::file(&source.path, "does not inherit the lints: add `[lints]` with `workspace = true`"));
        }
        let root = source.path.ends_with("/src/lib.rs") || source.path.ends_with("/src/main.rs");
        let forbids = FOLDER.starts_with(source.path.trim_end_matches("lib.rs")) || source.code.contains("#![forbid(unsafe_code)]");
        (root && !forbids).then(|| Finding::file(&source.path, "does not forbid unsafe code: add `#![forbid(unsafe_code)]` under its first comment"))
    })
    .collect()
}

fn judge(source: &Source, at: usize) -> Option<Finding> {
    if !source.path.starts_with(FOLDER) {
        return Some(Finding::at(
            source,
            at,
            format!("`unsafe` outside {FOLDER}: put a safe function there and call it"),
        ));
    }
    let line = source.line(at);
    let near = source
        .text
        .lines()
        .skip(line.saturating_sub(REACH))
        .take(REACH.min(line));
    let explained = near
        .map(str::trim_start)
        .any(|line| line.contains("SAFETY:") || line.starts_with("/// # Safety"));
    (!explained).then(|| {
        Finding::at(
            source,
            at,
            "`unsafe` without a reason: write `// SAFETY:` and the fact that it relies on",
        )
    })
}
