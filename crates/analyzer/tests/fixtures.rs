//! Every rule finds its bad sources, on the lines marked `FINDING`, and leaves the good ones and the near misses alone.

#![allow(clippy::expect_used, reason = "a test says what it needs by failing")]
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use dropgate_analyzer::analysis::analyze_texts;
use dropgate_analyzer::facts::Name;
use dropgate_analyzer::rules::{RULES, Rule};

fn folder(rule: &Rule, language: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(language)
        .join(rule.id)
}

/// The lines on which the rule finds something in one file.
fn found(rule: &Rule, path: &Path) -> (BTreeSet<u32>, BTreeSet<u32>) {
    let text = std::fs::read_to_string(path).expect("a fixture is readable");
    let marked = text
        .lines()
        .zip(1u32..)
        .filter(|(line, _)| line.contains("FINDING"))
        .map(|(_, number)| number)
        .collect();
    let name = path
        .file_name()
        .expect("a fixture has a name")
        .to_string_lossy();
    let path = match path.extension().and_then(|end| end.to_str()) {
        Some("rs") => "src/main.rs".to_owned(),
        Some("py") => format!("server/{name}"),
        _ => format!("src/{name}"),
    };
    let analysis = analyze_texts(vec![(Name::from(path), text)]).expect("threads start");
    assert!(
        analysis.unanalysable.is_empty(),
        "{name} can't be read: {:?}",
        analysis.unanalysable
    );
    let lines = analysis
        .findings
        .iter()
        .filter(|finding| finding.rule == rule.id)
        .map(|finding| finding.line)
        .collect();
    (lines, marked)
}

#[test]
fn every_rule_finds_its_bad_sources_and_nothing_else() {
    let only = std::env::var("DROPGATE_RULE").ok();
    let mut wrong = Vec::new();
    for rule in RULES {
        if only.as_deref().is_some_and(|only| only != rule.id) {
            continue;
        }
        for fixture in rule.fixtures {
            let folder = folder(rule, fixture.language.short());
            let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
                .expect("a rule has a folder of fixtures")
                .map(|entry| entry.expect("a folder is readable").path())
                .collect();
            files.sort();
            for file in files {
                let name = file
                    .file_name()
                    .expect("a file has a name")
                    .to_string_lossy()
                    .into_owned();
                let (lines, marked) = found(rule, &file);
                if name.starts_with("bad") {
                    if marked.is_empty() {
                        wrong.push(format!(
                            "{} {}: no line is marked FINDING",
                            rule.id,
                            file.display()
                        ));
                    }
                    if lines != marked {
                        wrong.push(format!(
                            "{} {}: found {lines:?}, marked {marked:?}",
                            rule.id,
                            file.display()
                        ));
                    }
                } else if !lines.is_empty() {
                    wrong.push(format!(
                        "{} {}: found {lines:?}, should be none",
                        rule.id,
                        file.display()
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn ids_and_names_of_rules_are_unique() {
    let ids: BTreeSet<&str> = RULES.iter().map(|rule| rule.id).collect();
    let names: BTreeSet<&str> = RULES.iter().map(|rule| rule.name).collect();
    assert_eq!(ids.len(), RULES.len());
    assert_eq!(names.len(), RULES.len());
    assert!(
        RULES
            .iter()
            .all(|rule| !rule.fixtures.is_empty() && !rule.cwe.is_empty())
    );
}
