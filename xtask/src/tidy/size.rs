//! Files stay short enough to be read whole.

use super::source::Source;
use super::{Checkout, Finding};

/// Lines of code in one file.
const FILE_LIMIT: usize = 800;

/// Lines of code of the file in the middle.
const MEDIAN_LIMIT: usize = 150;

pub(super) fn check(checkout: &Checkout) -> Vec<Finding> {
    let rust = checkout.sources.iter().filter(|source| source.is_rust());
    let long = rust.filter_map(|source| {
        let lines = lines_of_code(source);
        let text =
            format!("{lines} lines of code, over {FILE_LIMIT}: split it where a reader would");
        (lines > FILE_LIMIT).then(|| Finding::file(&source.path, text))
    });
    let mut findings: Vec<Finding> = long.collect();
    let median = median(checkout);
    if median > MEDIAN_LIMIT {
        findings.push(Finding::file(
            ".",
            format!(
                "the median file has {median} lines of code, over {MEDIAN_LIMIT}: split the largest"
            ),
        ));
    }
    findings
}

/// Lines of code of the file in the middle; 0 without Rust files.
pub(super) fn median(checkout: &Checkout) -> usize {
    let mut sizes: Vec<usize> = checkout
        .sources
        .iter()
        .filter(|source| source.is_rust())
        .map(lines_of_code)
        .collect();
    sizes.sort_unstable();
    sizes.get(sizes.len() / 2).copied().unwrap_or(0)
}

/// The longest files, longest first.
pub(super) fn longest(checkout: &Checkout, count: usize) -> Vec<(usize, &str)> {
    let rust = checkout.sources.iter().filter(|source| source.is_rust());
    let mut sizes: Vec<_> = rust
        .map(|source| (lines_of_code(source), source.path.as_str()))
        .collect();
    sizes.sort_unstable_by(|a, b| b.cmp(a));
    sizes.truncate(count);
    sizes
}

/// Lines with code on them: comments and blank lines are free.
fn lines_of_code(source: &Source) -> usize {
    source
        .code
        .lines()
        .filter(|line| !line.trim().is_empty())
        .count()
}
