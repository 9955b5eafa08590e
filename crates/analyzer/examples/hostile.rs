//! Prints where the time goes on sources that are written to take long:
//! `cargo run -p dropgate-analyzer --example hostile -- [ts|py|rs|go|all] [PART OF A KIND] [PERCENT OF ITS SIZE]`.
#![allow(clippy::print_stdout, reason = "a tool for the eyes of its author")]
#![allow(clippy::expect_used, reason = "a tool for the eyes of its author")]

#[path = "../tests/hostile/sources.rs"]
mod sources;

use std::time::{Duration, Instant};

use dropgate_analyzer::analysis::analyze_texts;
use dropgate_analyzer::extract::{STACK_BYTES, Source, extract};
use dropgate_analyzer::facts::{Language, Name, Reading};
use dropgate_analyzer::link::Project;
use dropgate_analyzer::rules::{RULES, Report};

fn main() {
    let worker = std::thread::Builder::new()
        .stack_size(STACK_BYTES)
        .spawn(run)
        .expect("a thread starts");
    let _ = worker.join();
}

fn run() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (wanted, part) = (args.first(), args.get(1));
    let percent: usize = args
        .get(2)
        .map_or(100, |text| text.parse().expect("a number"));
    for language in [
        Language::TypeScript,
        Language::Python,
        Language::Rust,
        Language::Go,
    ] {
        if wanted.is_some_and(|wanted| wanted != "all" && wanted != language.short()) {
            continue;
        }
        for kind in sources::KINDS {
            if part.is_none_or(|part| kind.name.contains(part.as_str())) {
                time(kind, language, kind.size * percent / 100);
            }
        }
    }
}

fn time(kind: &sources::Kind, language: Language, size: usize) {
    let text = sources::source(kind, language, size);
    let bytes = text.len();
    let path = Name::from(sources::path(language));
    let begin = Instant::now();
    let facts = extract(&Source {
        path: path.clone(),
        language,
        text: &text,
    });
    let read = begin.elapsed();
    let reading = facts.reading.clone();
    let files = [facts];
    let texts = [text.clone()];
    let begin = Instant::now();
    let project = Project::of(&files, &[]);
    let linked = begin.elapsed();
    let mut slow: Vec<(Duration, &str)> = Vec::new();
    let mut found = 0;
    for rule in RULES {
        let begin = Instant::now();
        let mut report = Report::new(rule, &project, &texts);
        (rule.check)(&project, &mut report);
        found += report.finish().len();
        slow.push((begin.elapsed(), rule.id));
    }
    let rules: Duration = slow.iter().map(|rule| rule.0).sum();
    slow.sort();
    slow.reverse();
    slow.retain(|rule| rule.0 > Duration::from_millis(100));
    let begin = Instant::now();
    let _ = analyze_texts(vec![(path, text)]);
    let whole = begin.elapsed();
    let why = match reading {
        Reading::Whole => String::new(),
        Reading::Not(why) => why.to_string(),
    };
    println!(
        "{} {:42} {size:6} {bytes:8} B read {read:6.2?} linked {linked:6.2?} rules {rules:6.2?} whole {whole:6.2?} {found} found {why} {slow:.1?}",
        language.short(),
        kind.name
    );
}
