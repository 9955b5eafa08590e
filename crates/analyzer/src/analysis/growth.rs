//! How the work grows with the source: what one package takes is no more beside others that have nothing to do with it.

use std::path::Path;

use crate::budget;
use crate::extract::{self, STACK_BYTES, Source, manifest};
use crate::facts::{FileFacts, Language, Manifest, Name};
use crate::link::Project;
use crate::rules::{RULES, Report};

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
fn work(count: u64) -> Vec<(&'static str, u64)> {
    let (manifests, sources) = packages(count);
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
        budget::spent(files.len(), || drop(Project::of(&files, &manifests))),
    )];
    let project = Project::of(&files, &manifests);
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

#[test]
fn packages_beside_others_take_no_more_work_than_alone() {
    // One thread, so that all is counted on it.
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .stack_size(STACK_BYTES)
        .build()
        .unwrap();
    let (one, many) = pool.install(|| (work(1), work(MANY)));
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
