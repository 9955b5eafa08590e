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

/// What nests without brackets, by the operators and words of each language.
fn nesting(language: Language) -> &'static [&'static str] {
    match language {
        Language::TypeScript => &[
            "!\n",
            "~",
            "- ",
            "+\n",
            "typeof ",
            "void ",
            "delete ",
            "new\n",
            "await\n",
            "a**\n",
            "a<\n",
            "a=\n",
            "a??=\n",
            "a=>\n",
            "async a=>\n",
            "a?b:\n",
            "1-\n",
            "a.\n",
            "a?.\n",
            "``",
            "a as\n",
            "if(a)\n",
            "if(a);else\n",
            "if(a){}else\n",
            "while(a)\n",
            "for(;;)\n",
            "do\n",
            "a:\n",
            "class extends\n",
            "`${\n",
            "keyof\n",
            "a extends b?c:\n",
            "new()=>\n",
            "@a\n",
            "(\n",
            "[\n",
            "{\n",
            "<a>\n",
            "f<a,\n",
        ],
        Language::Python => &[
            "not ",
            "-",
            "~",
            "await ",
            "lambda:",
            "1 if 1 else ",
            "a**",
            "a.",
            "a+",
            "a and ",
            "(",
            "[",
            "{",
            "f'{",
        ],
        Language::Rust => &[
            "!",
            "-",
            "*",
            "&",
            "&&",
            "a+",
            "a.",
            "a?",
            "a=",
            "||",
            "return ",
            "if a {} else ",
            "(",
            "[",
            "{",
            "a::<",
            "a as ",
        ],
        Language::Go => &[
            "!",
            "-",
            "*",
            "&",
            "<-",
            "^",
            "a+",
            "a.",
            "[]",
            "func()",
            "if a {} else ",
            "(",
            "[",
            "{",
            "chan ",
        ],
    }
}

#[test]
fn what_nests_without_brackets_ends_nothing() {
    let all = [
        Language::TypeScript,
        Language::Python,
        Language::Rust,
        Language::Go,
    ];
    let begin = |language, part: &str| match language {
        Language::TypeScript if part == "keyof\n" || part.starts_with("a extends") => "type t = ",
        Language::TypeScript | Language::Python => "",
        Language::Rust => "fn main() { x = ",
        Language::Go => "package a\nfunc f() { x = ",
    };
    for language in all {
        for part in nesting(language) {
            // The first is far beyond every limit, the others are about those of the scans and of the facts.
            for count in [900_000 / part.len(), 3_990, 990, 399] {
                let text = format!("{}{}a\n", begin(language, part), part.repeat(count));
                let analysis = analyze(language, text);
                let read = analysis.analysed.files + analysis.unanalysable.len();
                assert_eq!(read, 1, "{} {count} {part}", language.short());
            }
        }
    }
}

#[test]
fn what_bundles_hold_is_bounded_too() {
    let foreign = "// node_modules/x/x.js\n".repeat(3);
    for part in ["!\n", "a=>\n", "a?b:\n", "if(a)\n", "1-\n", "a<\n"] {
        let text = format!(
            "{foreign}// src/x.js\n{}",
            part.repeat(7_000_000 / part.len())
        );
        assert_eq!(analyze(Language::TypeScript, text).unanalysable.len(), 1);
    }
}

#[test]
fn what_nests_deeper_than_is_read_is_told() {
    let branch = |at: usize| format!("if (a === {at}) b();\nelse ");
    let branches = |count| (0..count).map(branch).collect::<String>() + "c();\n";
    let chain = |count| format!("a{};\n", ".b()".repeat(count));
    for (text, read) in [
        (branches(100), 1),
        (branches(150), 0),
        (chain(50), 1),
        (chain(70), 0),
    ] {
        let analysis = analyze(Language::TypeScript, text);
        assert_eq!(analysis.analysed.files, read);
    }
}
