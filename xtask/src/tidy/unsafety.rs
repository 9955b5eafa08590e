//! `unsafe` lives in one folder, and each use says which fact makes it sound.

use super::source::Source;
use super::{Checkout, Finding};

const FOLDER: &str = "crates/process/src/sys/";

/// How many lines above an `unsafe` its reason may begin.
const REACH: usize = 12;

pub(super) fn check(checkout: &Checkout) -> Vec<Finding> {
    let uses = checkout
        .sources
        .iter()
        .flat_map(|source| source.find("unsafe").map(move |at| (source, at)));
    uses.filter_map(|(source, at)| judge(source, at)).collect()
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
