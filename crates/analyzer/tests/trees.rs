//! Whole packages, of several files and with their manifests: what rules find across files.
//!
//! A line of a package that carries `FINDING RULE…` gets a finding of each rule that is named, one that carries `UNKNOWN RULE IMPORT`
//! a finding that says that the import stands in the way. There is nothing else to find.

#![allow(clippy::expect_used, reason = "a test says what it needs by failing")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use dropgate_analyzer::finding::Confidence;
use dropgate_analyzer::{Settings, analyze};

/// What is told: file, line, rule, and the import in the way.
type Told = (String, u32, String, String);

fn trees() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/trees");
    let entries = std::fs::read_dir(root).expect("the trees are there");
    let mut all: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry is readable").path())
        .collect();
    all.sort();
    all
}

/// What the files of a folder are marked with.
fn marked(root: &Path, folder: &Path, all: &mut BTreeSet<Told>) {
    for entry in std::fs::read_dir(folder).expect("a folder is readable") {
        let path = entry.expect("an entry is readable").path();
        if path.is_dir() {
            marked(root, &path, all);
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("a file is text");
        let file = path.strip_prefix(root).expect("below the root");
        let file = file.to_string_lossy().into_owned();
        for (line, number) in text.lines().zip(1u32..) {
            if let Some((_, rules)) = line.split_once("FINDING ") {
                let rules = rules.split_whitespace();
                all.extend(rules.map(|rule| (file.clone(), number, rule.into(), String::new())));
            }
            if let Some((_, told)) = line.split_once("UNKNOWN ") {
                let (rule, import) = told.split_once(' ').expect("a rule and an import");
                all.insert((file.clone(), number, rule.into(), import.trim().into()));
            }
        }
    }
}

#[test]
fn packages_get_the_findings_that_they_are_marked_with() {
    let mut wrong = Vec::new();
    let trees = trees();
    for tree in &trees {
        let analysis = analyze(std::slice::from_ref(tree), &Settings::default()).expect("analysed");
        assert!(
            analysis.unanalysable.is_empty(),
            "{:?}",
            analysis.unanalysable
        );
        assert!(analysis.analysed.servers > 0, "{}", tree.display());
        let found: BTreeSet<Told> = analysis
            .findings
            .iter()
            .map(|finding| {
                let blocked = (finding.confidence == Confidence::Unknown)
                    .then(|| finding.blocked_by.clone())
                    .flatten();
                (
                    finding.file.to_string(),
                    finding.line,
                    finding.rule.to_string(),
                    blocked.unwrap_or_default(),
                )
            })
            .collect();
        let mut due = BTreeSet::new();
        marked(tree, tree, &mut due);
        let name = tree.file_name().expect("a name").to_string_lossy();
        wrong.extend(
            found
                .difference(&due)
                .map(|one| format!("{name}: found {one:?}")),
        );
        wrong.extend(
            due.difference(&found)
                .map(|one| format!("{name}: missed {one:?}")),
        );
    }
    assert!(trees.len() > 5, "{trees:?}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
