//! Whole packages, of several files and with their manifests: what rules find across files.
//!
//! A line of a package that carries `FINDING RULE…` gets a finding of each rule that is named, one that carries `UNKNOWN RULE IMPORT`
//! a finding that says that the import stands in the way, or with `-` that it is not known. There is nothing else to find.

#![allow(clippy::expect_used, reason = "a test says what it needs by failing")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use dropgate_analyzer::analysis::analyze_texts;
use dropgate_analyzer::facts::Name;
use dropgate_analyzer::finding::Confidence;

/// What is told: file, line, rule, and the import in the way.
type Told = (String, u32, String, String);

fn trees() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/trees");
    let entries = std::fs::read_dir(root).expect("the trees are there");
    let mut all: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry is readable").path())
        .collect();
    all.sort();
    all
}

/// The files below a folder. What would make a crate of ours of them, `Cargo.toml` and `main.rs`, ends with `.fixture` there.
fn read(root: &Path, folder: &Path, all: &mut Vec<(Name, String)>) {
    for entry in std::fs::read_dir(folder).expect("a folder is readable") {
        let path = entry.expect("an entry is readable").path();
        if path.is_dir() {
            read(root, &path, all);
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("a file is text");
        let file = path.strip_prefix(root).expect("below the root");
        let file = file.to_string_lossy();
        let file = file.strip_suffix(".fixture").unwrap_or(&file);
        all.push((Name::from(file), text));
    }
}

/// What files are marked with.
fn marked(files: &[(Name, String)]) -> BTreeSet<Told> {
    let mut all = BTreeSet::new();
    for (file, text) in files {
        for (line, number) in text.lines().zip(1u32..) {
            if let Some((_, rules)) = line.split_once("FINDING ") {
                let rules = rules.split_whitespace();
                all.extend(
                    rules.map(|rule| (file.to_string(), number, rule.into(), String::new())),
                );
            }
            if let Some((_, told)) = line.split_once("UNKNOWN ") {
                let (rule, import) = told.split_once(' ').expect("a rule and an import");
                all.insert((file.to_string(), number, rule.into(), import.trim().into()));
            }
        }
    }
    all
}

#[test]
fn packages_get_the_findings_that_they_are_marked_with() {
    let mut wrong = Vec::new();
    let trees = trees();
    for tree in &trees {
        let mut files = Vec::new();
        read(tree, tree, &mut files);
        let due = marked(&files);
        let analysis = analyze_texts(files).expect("threads start");
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
                    .then(|| finding.blocked_by.clone().unwrap_or_else(|| "-".to_owned()));
                (
                    finding.file.to_string(),
                    finding.line,
                    finding.rule.to_string(),
                    blocked.unwrap_or_default(),
                )
            })
            .collect();
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
