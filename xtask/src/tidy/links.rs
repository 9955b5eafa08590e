//! Links in the documents lead somewhere, and each guarantee of the README to the test that proves it.

use super::source::Source;
use super::{Checkout, Finding};

/// A link of a Markdown text: `[label](target)`.
pub(super) struct Link<'a> {
    at: usize,
    label: &'a str,
    target: &'a str,
}

pub(super) fn resolve(checkout: &Checkout) -> Vec<Finding> {
    let documents = checkout
        .sources
        .iter()
        .filter(|source| source.path.ends_with(".md"));
    documents
        .flat_map(|document| {
            links(&document.text)
                .into_iter()
                .filter_map(|link| broken(checkout, document, &link))
        })
        .collect()
}

/// The README has a section whose heading contains "guarantee"; each of its rows or points links `[test_name](file.rs)`, and
/// every link of that form leads to such a test.
pub(super) fn guarantees(checkout: &Checkout) -> Vec<Finding> {
    let Some(readme) = checkout.source("README.md") else {
        return vec![Finding::file(
            "README.md",
            "missing: it holds the guarantees and the test that proves each",
        )];
    };
    let mut findings = Vec::new();
    let mut rows = 0;
    for (number, line) in section(&readme.text, "guarantee") {
        if is_row(line) {
            rows += 1;
            let links = links(line);
            let proofs = || links.iter().filter(|link| link.label.starts_with('`'));
            if proofs().next().is_none() {
                findings.push(Finding::line("README.md", number, "a guarantee without its proof: link [`test_name`](path/to/file.rs) to an existing test function"));
            }
            findings.extend(
                proofs()
                    .filter(|link| !is_test(checkout, link))
                    .map(|link| {
                        let what = format!("{} is no test in {}", link.label, link.target);
                        Finding::line("README.md", number, what)
                    }),
            );
        }
    }
    if rows == 0 {
        findings.push(Finding::file(
            "README.md",
            "no section of guarantees: add a heading with that word and one row or point for each",
        ));
    }
    findings
}

/// The numbered lines under the first heading that contains a word, up to the next heading of its rank or above.
pub(super) fn section<'a>(text: &'a str, word: &str) -> Vec<(usize, &'a str)> {
    let rank = |line: &str| line.chars().take_while(|c| *c == '#').count();
    let mut lines = text
        .lines()
        .enumerate()
        .map(|(number, line)| (number + 1, line));
    let heading = lines
        .by_ref()
        .find(|(_, line)| rank(line) > 0 && line.to_lowercase().contains(word));
    let Some((_, heading)) = heading else {
        return Vec::new();
    };
    lines
        .take_while(|(_, line)| rank(line) == 0 || rank(line) > rank(heading))
        .collect()
}

fn broken(checkout: &Checkout, document: &Source, link: &Link<'_>) -> Option<Finding> {
    if link.target.contains("://") || link.target.starts_with("mailto:") {
        return None;
    }
    let (path, anchor) = link.target.split_once('#').unwrap_or((link.target, ""));
    let path = if path.is_empty() {
        document.path.clone()
    } else {
        join(&document.path, path)
    };
    if !checkout.exists(&path) {
        return Some(Finding::at(
            document,
            link.at,
            format!(
                "the link to `{}` leads nowhere: there is no {path}",
                link.target
            ),
        ));
    }
    let headings = checkout.source(&path).filter(|_| path.ends_with(".md"))?;
    let known = anchor.is_empty()
        || headings
            .text
            .lines()
            .filter(|line| line.starts_with('#'))
            .any(|line| slug(line) == anchor);
    (!known).then(|| {
        Finding::at(
            document,
            link.at,
            format!("{path} has no heading `#{anchor}`"),
        )
    })
}

/// Whether the label names a test in the file that the link leads to: a test function, or a row of a test program that brings its own main.
fn is_test(checkout: &Checkout, link: &Link<'_>) -> bool {
    let name = link.label.trim_matches('`');
    let Some(source) = checkout.source(&join("README.md", link.target)) else {
        return false;
    };
    if brings_its_own_main(checkout, source) {
        return is_row_of(source, name);
    }
    let Some(at) = source.find(&format!("fn {name}")).next() else {
        return false;
    };
    let head = source.code.get(..at).unwrap_or_default();
    let item = head
        .rfind(['}', ';'])
        .map_or(head, |end| head.get(end..).unwrap_or_default());
    item.contains("#[test]") || item.contains("::test]") || item.contains("::test(")
}

/// Whether the file is below `tests` of a crate with a test program without cargo's harness.
fn brings_its_own_main(checkout: &Checkout, source: &Source) -> bool {
    let Some((krate, _)) = source.path.split_once("/tests/") else {
        return false;
    };
    checkout
        .source(&format!("{krate}/Cargo.toml"))
        .is_some_and(|manifest| {
            let programs = manifest.text.split("[[test]]").skip(1);
            programs
                .filter_map(|program| program.split("\n[").next())
                .any(|program| program.contains("harness = false"))
        })
}

/// Such a program is a row by its own name, and so is every name that it gives to a check.
fn is_row_of(source: &Source, name: &str) -> bool {
    source.path.ends_with(&format!("/tests/{name}.rs"))
        || source.text.contains(&format!("\"{name}\""))
}

fn is_row(line: &str) -> bool {
    let line = line.trim_start();
    let point = line.starts_with("- ")
        || line.starts_with("* ")
        || line
            .split_once(". ")
            .is_some_and(|(number, _)| number.parse::<u32>().is_ok());
    let cells = line.starts_with('|') && line.contains("](");
    let prose_cell = line.starts_with('|')
        && !line.contains("---")
        && !line.to_lowercase().contains("guarantee");
    point || cells || prose_cell
}

/// A path beside a document, with `.` and `..` resolved.
fn join(document: &str, target: &str) -> String {
    let mut parts: Vec<&str> = document.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    parts.join("/")
}

/// A heading's anchor: lower case, blanks as hyphens, other marks left out.
fn slug(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// Every inline link outside fenced code.
pub(super) fn links(text: &str) -> Vec<Link<'_>> {
    let mut found = Vec::new();
    let mut fenced = false;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            found.extend(links_of_line(line, start));
        }
        start += line.len();
    }
    found
}

fn links_of_line(line: &str, start: usize) -> Vec<Link<'_>> {
    let middles = line.match_indices("](").map(|(at, _)| at);
    let link = |middle: usize| {
        let open = line.get(..middle)?.rfind('[')?;
        let rest = line.get(middle + 2..)?;
        let target = rest.get(..rest.find(')')?)?;
        Some(Link {
            at: start + open,
            label: line.get(open + 1..middle)?,
            target: target.split(' ').next()?,
        })
    };
    middles.filter_map(link).collect()
}
