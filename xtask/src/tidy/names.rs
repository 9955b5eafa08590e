//! Files, modules and types are named for what they do.

use super::source::Source;
use super::{Checkout, Finding};

/// Names that say nothing about what is inside.
const EMPTY_NAMES: &[&str] = &[
    "util", "utils", "common", "helper", "helpers", "misc", "manager", "managers", "handler",
    "handlers", "service", "services", "context", "contexts",
];

const KEYWORDS: &[&str] = &["mod", "struct", "enum", "trait", "union", "type"];

pub(super) fn check(checkout: &Checkout) -> Vec<Finding> {
    checkout
        .sources
        .iter()
        .filter(|source| source.is_rust())
        .flat_map(|source| path(source).into_iter().chain(definitions(source)))
        .collect()
}

fn path(source: &Source) -> Option<Finding> {
    let parts = source.path.trim_end_matches(".rs").split('/');
    let word = parts
        .flat_map(|part| part.split(['_', '-', '.']))
        .find(|word| EMPTY_NAMES.contains(word))?;
    Some(Finding::file(
        &source.path,
        format!("`{word}` in the path: name the file for what it does"),
    ))
}

fn definitions(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for keyword in KEYWORDS {
        for at in source.find(keyword) {
            let rest = source
                .code
                .get(at + keyword.len()..)
                .unwrap_or_default()
                .trim_start();
            let name: String = rest
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            if words(&name)
                .iter()
                .any(|word| EMPTY_NAMES.contains(&word.as_str()))
            {
                findings.push(Finding::at(
                    source,
                    at,
                    format!("`{keyword} {name}`: name it for what it does"),
                ));
            }
        }
    }
    findings
}

/// `RequestContext` and `request_context` both give `request`, `context`.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for c in name.chars() {
        if c == '_' || c.is_uppercase() {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| c != '_') {
            word.extend(c.to_lowercase());
        }
    }
    words
}
