//! Files that take too much, and how the work grows with the source.

mod growth;

use std::path::Path;

use super::*;
use crate::extract::manifest;

const SERVER: &str = r#"import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
const server = new McpServer({ name: "one", version: "1" });
console.log("up");
await server.connect(new StdioServerTransport());
"#;

fn analyzed(texts: &[(&str, &str)], most: u64) -> Analysis {
    let mut collected = collect::Collected::default();
    for (path, text) in texts {
        collected.text(Name::from(*path), (*text).to_owned());
    }
    let settings = Settings::default();
    let weighing = Weighing::of(&settings).unwrap();
    run(collected, &settings, &weighing, most)
}

#[test]
fn a_file_that_takes_too_much_is_told_and_the_others_are_judged() {
    let long = format!("export function f() {{\n{}}}\n", "  g();\n".repeat(2_000));
    let texts = [("src/long.ts", long.as_str()), ("src/server.ts", SERVER)];
    let whole = analyzed(&texts, budget::MOST);
    assert!(whole.unanalysable.is_empty());
    assert!(whole.score.is_some());
    let cut = analyzed(&texts, 2_000);
    let told: Vec<&str> = cut.unanalysable.iter().map(|file| &*file.file).collect();
    assert_eq!(told, ["src/long.ts"]);
    assert!(
        cut.unanalysable[0]
            .why
            .contains("more work than one file may")
    );
    assert!(cut.score.is_none(), "no grade without all files");
    assert!(cut.findings.iter().any(|finding| finding.rule == "IO-001"));
    let none = analyzed(&texts, 1);
    assert_eq!(none.unanalysable.len(), 2);
    assert_eq!(none.analysed.files, 0);
}

#[test]
fn a_twin_for_the_other_module_system_is_judged_once_and_another_server_of_its_name_too() {
    let twin = r#""use strict";
Object.defineProperty(exports, "__esModule", { value: true });
const mcp_js_1 = require("@modelcontextprotocol/sdk/server/mcp.js");
const stdio_js_1 = require("@modelcontextprotocol/sdk/server/stdio.js");
const server = new mcp_js_1.McpServer({ name: "one", version: "1" });
console.log("up");
server.connect(new stdio_js_1.StdioServerTransport());
"#;
    let once = analyzed(&[("server.cjs", twin), ("server.js", SERVER)], budget::MOST);
    assert_eq!(once.analysed.files, 1);
    let other = twin.replace(
        "console.log(",
        "process.on(\"SIGTERM\", () => {}); console.log(",
    );
    for (left, right) in [(other.as_str(), SERVER), (twin, "export const a = 1;\n")] {
        let both = analyzed(&[("server.cjs", left), ("server.js", right)], budget::MOST);
        assert_eq!(both.analysed.files, 2);
        let mut found = both.findings.iter();
        assert!(found.any(|finding| finding.file.ends_with(".cjs")));
    }
}

/// Packages beside one another.
const MANY: u64 = 4;

/// What so many times the source may take in hundredths of so many times the work.
const AT_MOST: u64 = 105;

/// The bad sources of all rules as one package in each language, so many times.
fn packages(count: u64) -> (Vec<Manifest>, Vec<(Name, String)>) {
    let mut texts = Vec::new();
    let mut manifests = Vec::new();
    for number in 0..count {
        for language in Language::ALL {
            let root = format!("{}{number}", language.short());
            let (file, text) = match language {
                Language::TypeScript => ("package.json", format!(r#"{{"name": "{root}"}}"#)),
                Language::Python => ("pyproject.toml", format!("[project]\nname = \"{root}\"\n")),
                Language::Rust => ("Cargo.toml", format!("[package]\nname = \"{root}\"\n")),
                Language::Go => ("go.mod", format!("module example.com/{root}\n")),
            };
            manifests.extend(manifest::read(&Name::from(format!("{root}/{file}")), &text));
            for (rule, text) in bad(language) {
                let ending = language.short();
                texts.push((Name::from(format!("{root}/{rule}.{ending}")), text));
            }
        }
    }
    texts.sort();
    manifests.sort_by(|a, b| a.path.cmp(&b.path));
    (manifests, texts)
}

fn bad(language: Language) -> Vec<(String, String)> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut all = Vec::new();
    for rule in RULES.iter().filter(|rule| rule.speaks(language)) {
        let folder = fixtures.join(language.short()).join(rule.id);
        let file = folder.join("bad").with_extension(language.short());
        let text = std::fs::read_to_string(&file);
        all.push((
            rule.id.to_lowercase().replace('-', "_"),
            text.unwrap_or_default(),
        ));
    }
    all
}

/// What is spent on joining the files and on each rule.
fn work(manifests: &[Manifest], sources: Vec<(Name, String)>) -> Vec<(&'static str, u64)> {
    let files: Vec<FileFacts> = sources
        .iter()
        .map(|(path, text)| {
            extract::extract(&Source {
                path: path.clone(),
                language: Language::of_path(path).unwrap(),
                text,
            })
        })
        .collect();
    let texts: Vec<String> = sources.into_iter().map(|(_, text)| text).collect();
    let mut all = vec![(
        "joining",
        budget::spent(files.len(), || drop(Project::of(&files, manifests))),
    )];
    let project = Project::of(&files, manifests);
    for rule in RULES {
        let work = budget::spent(files.len(), || {
            let mut report = Report::new(rule, &project, &texts);
            (rule.check)(&project, &mut report);
            drop(report.finish());
        });
        all.push((rule.id, work));
    }
    all
}

/// Runs on one thread, so that all is counted on it.
fn counting<T: Send>(run: impl FnOnce() -> T + Send) -> T {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .stack_size(STACK_BYTES)
        .build()
        .unwrap();
    pool.install(run)
}

#[test]
fn packages_beside_others_take_no_more_work_than_alone() {
    let of = |count| {
        let (manifests, sources) = packages(count);
        work(&manifests, sources)
    };
    let (one, many) = counting(|| (of(1), of(MANY)));
    let total: u64 = one.iter().map(|(_, work)| work).sum();
    assert!(total > 100_000, "only {total} units were counted");
    let grown: Vec<String> = one
        .iter()
        .zip(&many)
        .filter(|((_, one), (_, many))| many * 100 > one * MANY * AT_MOST)
        .map(|((name, one), (_, many))| format!("{name}: {one} alone, {many} for {MANY}"))
        .collect();
    assert!(grown.is_empty(), "{}", grown.join("\n"));
}
