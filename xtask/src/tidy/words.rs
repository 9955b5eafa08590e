//! The project speaks of itself alone: of no machine it was written on, no registry, no unfinished work.

use super::source::is_word;
use super::{Checkout, Finding};

/// Files whose text others dictate, and this list itself.
const EXCEPT: &[&str] = &[
    "Cargo.lock",
    "fuzz/Cargo.lock",
    "LICENSE-",
    "xtask/src/tidy/",
];

const FOREIGN: &[(&str, &str)] = &[
    ("/work/", "name no folder of one machine"),
    ("/root/", "name no folder of one user"),
    ("npmjs.org", "name no registry's host; the client knows it"),
    ("pypi.org", "name no registry's host; the client knows it"),
    (
        "pythonhosted.org",
        "name no registry's host; the client knows it",
    ),
    ("crates.io", "name no registry's host; the client knows it"),
    ("session's tooling", "speak of the project alone"),
];

const UNFINISHED: &[(&str, &str)] = &[
    ("TODO", "finish it or write an issue"),
    ("FIXME", "fix it or write an issue"),
    ("XXX", "finish it or write an issue"),
    ("todo!", "finish it"),
    ("unimplemented!", "finish it"),
    ("for now", "say how it is and why, not that it will change"),
];

pub(super) fn foreign(checkout: &Checkout) -> Vec<Finding> {
    search(checkout, FOREIGN)
}

pub(super) fn unfinished(checkout: &Checkout) -> Vec<Finding> {
    search(checkout, UNFINISHED)
}

fn search(checkout: &Checkout, list: &[(&str, &str)]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in checkout
        .sources
        .iter()
        .filter(|source| !EXCEPT.iter().any(|prefix| source.path.starts_with(prefix)))
    {
        for (word, advice) in list {
            let places = source
                .text
                .match_indices(word)
                .map(|(at, _)| at)
                .filter(|at| is_word(&source.text, *at, word));
            findings
                .extend(places.map(|at| Finding::at(source, at, format!("`{word}`: {advice}"))));
        }
    }
    findings
}
