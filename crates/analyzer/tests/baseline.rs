//! A baseline knows findings again after lines moved, and nothing else.

#![allow(clippy::expect_used, reason = "a test says what it needs by failing")]

use std::path::PathBuf;

use dropgate_analyzer::Analysis;
use dropgate_analyzer::analysis::analyze_texts;
use dropgate_analyzer::baseline::{Baseline, BaselineError, MAX_BYTES};
use dropgate_analyzer::facts::Name;
use dropgate_analyzer::gate::{Empty, Gate, Verdict, judge};
use dropgate_analyzer::rules::RULES;

/// The bad source of every rule in every language, each changed in the same way.
fn faults(change: fn(&str) -> String) -> Analysis {
    let mut files = Vec::new();
    for rule in RULES {
        for fixture in rule.fixtures {
            let language = fixture.language.short();
            let path = format!("{language}/{}/server.{language}", rule.id);
            files.push((Name::from(path), change(fixture.bad)));
        }
    }
    analyze_texts(files).expect("threads start")
}

fn shifted(text: &str) -> String {
    format!("\n\n\n{}", text.replace('\n', "\n\n"))
}

struct File(PathBuf);

impl File {
    fn with(name: &str, text: &[u8]) -> Self {
        let name = format!("dropgate-baseline-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, text).expect("a file can be written");
        Self(path)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _gone = std::fs::remove_file(&self.0);
    }
}

#[test]
fn findings_are_known_again_after_lines_moved() {
    let before = faults(str::to_owned);
    let mut after = faults(shifted);
    assert!(before.findings.len() > 100, "{}", before.findings.len());
    let lines =
        |analysis: &Analysis| -> Vec<u32> { analysis.findings.iter().map(|it| it.line).collect() };
    assert_ne!(lines(&before), lines(&after));
    let file = File::with("moved", Baseline::of(&before).text().as_bytes());
    let baseline = Baseline::read(&file.0).expect("a baseline");
    assert_eq!(baseline, Baseline::of(&before));
    let score = after.score.as_ref().map(|it| it.score);
    let gone = baseline.apply(&mut after);
    assert!(gone.is_empty(), "{gone:#?}");
    assert!(after.findings.is_empty(), "{:#?}", after.findings);
    assert_eq!(after.suppressed.len(), before.findings.len());
    assert_eq!(after.score.as_ref().map(|it| it.score), score);
    assert_eq!(
        judge(
            &after,
            &["low".parse::<Gate>().expect("a gate")],
            Empty::Refused
        ),
        Verdict::Passed
    );
}

/// Every bad source, in a folder.
fn faults_in(folder: &str) -> Analysis {
    let files = RULES.iter().flat_map(|rule| {
        rule.fixtures.iter().map(move |fixture| {
            let language = fixture.language.short();
            let path = format!("{folder}/{language}/{}/server.{language}", rule.id);
            (Name::from(path), fixture.bad.to_owned())
        })
    });
    analyze_texts(files.collect()).expect("threads start")
}

#[test]
fn findings_are_known_again_under_a_new_name_of_their_file() {
    let before = faults_in("old");
    let baseline = Baseline::of(&before);
    let mut moved = faults_in("new");
    assert_eq!(baseline.apply(&mut moved), []);
    assert!(moved.findings.is_empty(), "{:#?}", moved.findings);
    assert_eq!(moved.suppressed.len(), before.findings.len());

    // What is copied is new: the old file is still there.
    let mut copied = faults_in("old");
    let copies = faults_in("new");
    copied.findings.extend(copies.findings.clone());
    copied.sources.extend(copies.sources);
    assert!(baseline.apply(&mut copied).is_empty());
    assert_eq!(copied.findings.len(), copies.findings.len());
}

#[test]
fn new_findings_stay_and_mended_ones_are_named() {
    let mut after = faults(str::to_owned);
    let full = Baseline::of(&after);
    let removed = after.findings.remove(0);
    let gone = full.apply(&mut after);
    assert_eq!(gone.len(), 1);
    assert_eq!(gone[0].fingerprint, removed.fingerprint);

    let mut again = faults(str::to_owned);
    let first = again.findings.remove(0);
    let short = Baseline::of(&again);
    again.findings.insert(0, first.clone());
    assert!(short.apply(&mut again).is_empty());
    let open: Vec<&str> = again.findings.iter().map(|it| &*it.fingerprint).collect();
    assert_eq!(open, [first.fingerprint]);
}

#[test]
fn what_is_no_baseline_is_refused() {
    for (name, text, why) in [
        ("empty", "", "EOF"),
        ("list", "[]", "invalid"),
        ("version", r#"{"version":2,"findings":[]}"#, "version is 2"),
        ("extra", r#"{"version":1,"findings":[],"more":1}"#, "more"),
    ] {
        let file = File::with(name, text.as_bytes());
        let error = Baseline::read(&file.0).expect_err("it was taken");
        assert!(matches!(error, BaselineError::Wrong { .. }));
        assert!(error.to_string().contains(why), "{error}");
    }
    let missing = Baseline::read(&PathBuf::from("/nonexistent/baseline"));
    assert!(matches!(missing, Err(BaselineError::Unreadable { .. })));
    let file = File::with("large", b"");
    let handle = std::fs::File::options().write(true).open(&file.0);
    handle
        .and_then(|file| file.set_len(MAX_BYTES + 1))
        .expect("a sparse file");
    assert!(matches!(
        Baseline::read(&file.0),
        Err(BaselineError::TooLarge { .. })
    ));
}
