//! Links and numbers that tell which version of a library answers.

use std::ops::Range;

use super::budget::{Budget, Fault};
use super::bytes::{before, find_in, has_word, run, run_back};
use super::span::{Kind, Spans};

/// The longest link.
const LINK: usize = 2048;

/// Phrases before links that a library adds to each of its messages.
const PHRASES: &[&str] = &[
    "For further information visit ",
    "(Background on this error at: ",
];

/// Words in the name of a host or in a path that tell a library's documentation from a service.
const SOURCES: &[&str] = &[
    "docs",
    "errors.",
    "github.com/",
    "readthedocs",
    "sqlalche.me",
    "unpkg",
    "jsdelivr",
    "javadoc",
    "manual",
    "reference",
];

/// Marks links that carry a version of a library, with the phrase that introduces them.
pub(super) fn mark_links(
    text: &[u8],
    spans: &mut Spans,
    budget: &mut Budget<'_>,
) -> Result<(), Fault> {
    let mut from = 0;
    while let Some(found) = find_in(text, from..text.len(), b"://") {
        budget.spend(found - from)?;
        let start = run_back(text, found, 8, |byte| byte.is_ascii_alphabetic());
        let end = run(text, found, LINK, |byte| {
            !byte.is_ascii_whitespace()
                && !matches!(
                    byte,
                    b'"' | b'\'' | b'`' | b'<' | b'>' | b'\\' | b')' | b']' | b','
                )
        });
        let link = &text[found + 3..end];
        let whole = introduced(text, start..end);
        if whole.start < start || is_versioned(link) {
            spans.add(whole, Kind::Version);
        }
        from = end.max(found + 3);
    }
    Ok(())
}

/// The link with the phrase around it.
fn introduced(text: &[u8], link: Range<usize>) -> Range<usize> {
    for phrase in PHRASES {
        let Some(start) = link.start.checked_sub(phrase.len()) else {
            continue;
        };
        if has_word(text, start, phrase.as_bytes()) {
            let closes = phrase.starts_with('(') && text.get(link.end) == Some(&b')');
            return start..link.end + usize::from(closes);
        }
    }
    link
}

fn is_versioned(link: &[u8]) -> bool {
    let is_source = SOURCES
        .iter()
        .any(|word| (0..link.len().min(96)).any(|at| has_word(link, at, word.as_bytes())));
    is_source && link.split(|&byte| byte == b'/').skip(1).any(is_version)
}

/// `1.2`, `v1.2.3`, `2.14.0-rc1`.
fn is_version(segment: &[u8]) -> bool {
    let digits = segment.strip_prefix(b"v").unwrap_or(segment);
    let end = run(digits, 0, 16, |byte| byte.is_ascii_digit() || byte == b'.');
    end > 2 && digits[..end].contains(&b'.') && digits[0].is_ascii_digit()
}

/// Marks version numbers: `v1.2.3`, `name@1.2.3`, `Name/1.2`, `Python 3.11`.
pub(super) fn mark_numbers(
    text: &[u8],
    spans: &mut Spans,
    budget: &mut Budget<'_>,
) -> Result<(), Fault> {
    let mut at = 0;
    while at < text.len() {
        if !text[at].is_ascii_digit() {
            at += 1;
            continue;
        }
        let end = run(text, at, 256, |byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'+')
        });
        budget.spend(end - at)?;
        let end = run_back(text, end, 3, |byte| matches!(byte, b'.' | b'-' | b'+'));
        if let Some(start) = number_start(text, at..end) {
            spans.add(start..end, Kind::Version);
        }
        at = end.max(at + 1);
    }
    Ok(())
}

/// Where the version starts, if the number that starts here is one.
fn number_start(text: &[u8], at: Range<usize>) -> Option<usize> {
    let number = text.get(at.clone())?;
    let digits = run(number, 0, number.len(), |byte| {
        byte.is_ascii_digit() || byte == b'.'
    });
    let dots = number[..digits]
        .iter()
        .filter(|&&byte| byte == b'.')
        .count();
    let start = at.start - usize::from(matches!(before(text, at.start), Some(b'v' | b'V')));
    let sign = before(text, start);
    // A version in the middle of an address belongs to a service.
    let in_address = sign == Some(b'/') && text.get(at.end) == Some(&b'/');
    let named = matches!(sign, Some(b'/' | b'@')) || is_after_name(text, start);
    let is_free = sign.is_none_or(|byte| !byte.is_ascii_alphanumeric() && byte != b'.');
    let is_version = dots == 2 || dots == 1 && (named || start < at.start);
    (is_free && is_version && !in_address).then_some(start)
}

/// `Python 3.11`, `PostgreSQL 15.4`, `version 2.1`.
fn is_after_name(text: &[u8], start: usize) -> bool {
    const NAMES: &[&str] = &[
        "python",
        "node",
        "node.js",
        "ruby",
        "php",
        "java",
        "go",
        "rust",
        "postgresql",
        "mysql",
        "mariadb",
        "redis",
        "nginx",
        "version",
        "openssl",
        "sqlite",
        "mongodb",
        "kubernetes",
        "pydantic",
        "release",
    ];
    let Some(b' ') = before(text, start) else {
        return false;
    };
    let word = run_back(text, start - 1, 16, |byte| !byte.is_ascii_whitespace());
    let word = text[word..start - 1].to_ascii_lowercase();
    NAMES.iter().any(|name| word == name.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sanitize::tests::cut_by;

    fn cleaned(text: &str) -> String {
        let all = |text: &[u8], spans: &mut Spans, budget: &mut Budget<'_>| {
            mark_links(text, spans, budget)?;
            mark_numbers(text, spans, budget)
        };
        cut_by(all, text)
    }

    #[test]
    fn links_and_numbers_of_versions_go() {
        for (text, expected) in [
            (
                "For further information visit https://errors.pydantic.dev/2.14/v/missing",
                "[version removed]",
            ),
            (
                "(Background on this error at: https://sqlalche.me/e/20/f405)",
                "[version removed]",
            ),
            (
                "see https://docs.rs/serde/1.0.2/x.",
                "see [version removed]",
            ),
            (
                "pg@8.11.3, Boto3/1.26 and Python 3.11",
                "pg@[version removed], Boto3/[version removed] and Python [version removed]",
            ),
            ("v20.11.0", "[version removed]"),
        ] {
            assert_eq!(cleaned(text), expected);
        }
    }

    #[test]
    fn other_links_and_numbers_stay() {
        for text in [
            "https://graph.example.com/v1.0/me",
            "https://docs.example.com/errors/missing",
            "took 1.5 s, 3.14 times",
            "2024-01-02 at 10.20.30.40",
        ] {
            assert_eq!(cleaned(text), text);
        }
    }
}
