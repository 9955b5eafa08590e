//! Source that is written to take long takes no longer than its length asks for, or is given up and told.

#![allow(clippy::expect_used, reason = "a test says what it needs by failing")]

mod sources;

use std::time::{Duration, Instant};

use dropgate_analyzer::Analysis;
use dropgate_analyzer::analysis::analyze_texts;
use dropgate_analyzer::facts::{Language, Name};

/// The most that one file may take.
const WITHIN: Duration = Duration::from_secs(5);

/// Of the sizes at which an optimised build takes up to that long; the one that is tested is slower by about as much.
const SHARE: usize = 20;

fn each_kind(language: Language) {
    for kind in sources::KINDS {
        let size = kind.size / SHARE;
        let begin = Instant::now();
        let analysis = analyze(language, sources::source(kind, language, size));
        let took = begin.elapsed();
        let (language, name) = (language.short(), kind.name);
        assert!(took < WITHIN, "{language} {size} {name}: {took:?}");
        let read = analysis.analysed.files + analysis.unanalysable.len();
        assert_eq!(read, 1, "{language} {name}: read, or told that it is not");
        assert_eq!(
            analysis.score.is_some(),
            analysis.unanalysable.is_empty() && analysis.analysed.servers > 0,
            "{language} {name}: no grade for what was not read"
        );
    }
}

fn analyze(language: Language, text: String) -> Analysis {
    let path = Name::from(sources::path(language));
    analyze_texts(vec![(path, text)]).expect("threads start")
}

#[test]
fn hostile_typescript_ends() {
    each_kind(Language::TypeScript);
}

#[test]
fn hostile_python_ends() {
    each_kind(Language::Python);
}

#[test]
fn hostile_rust_ends() {
    each_kind(Language::Rust);
}

#[test]
fn hostile_go_ends() {
    each_kind(Language::Go);
}

/// Each finding needs its line of the text: to look for each from the beginning would take minutes.
#[test]
fn a_file_full_of_findings_ends() {
    let kind = sources::KINDS
        .iter()
        .find(|kind| kind.name == "findings")
        .expect("the kind is there");
    let begin = Instant::now();
    let source = sources::source(kind, Language::TypeScript, kind.size);
    let lines = source.lines().count();
    let analysis = analyze(Language::TypeScript, source);
    assert!(begin.elapsed() < WITHIN * 4, "{:?}", begin.elapsed());
    assert!(analysis.findings.len() >= kind.size);
    for finding in &analysis.findings {
        let line = usize::try_from(finding.line).expect("a small number");
        assert!((1..=lines).contains(&line), "{finding:?}");
    }
}
