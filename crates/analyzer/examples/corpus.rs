//! Runs the analyser over downloaded packages and compares with hand-made labels.
//!
//! `DROPGATE_CORPUS=FOLDER DROPGATE_LABELS=FILE cargo run -q -p dropgate-analyzer --example corpus -- [--lang py] [--rule RULE] [--findings] [PACKAGE]`
//!
//! FOLDER holds `npm/NAME@VERSION`, `pypi/…`, `crates/…`, `github/OWNER+NAME`. A finding meets a label when the rule maps to the label's,
//! the file is the same, and the lines are near or in one function.
#![allow(clippy::print_stdout, reason = "a tool for the eyes of its author")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use dropgate_analyzer::finding::{Confidence, Finding};
use dropgate_analyzer::{Analysis, Settings, analyze};
use serde_json::Value;

const MAPPING: &[(&str, &[&str])] = &[
    ("sigterm-missing", &["LIFE-001", "LIFE-003", "LIFE-005"]),
    ("shutdown-no-drain", &["LIFE-002", "LIFE-007"]),
    ("shutdown-unbounded", &["LIFE-006"]),
    ("eof-hang", &["LIFE-004"]),
    ("child-not-killed", &["LIFE-011"]),
    ("buffer-no-flush", &["AUD-001", "AUD-003"]),
    ("pool-not-closed", &["RES-001"]),
    ("credential-not-cleared", &["CRED-001"]),
    ("authz-fail-open", &["AUTH-001", "AUTH-004"]),
    ("raw-error-to-caller", &["ERR-002"]),
    ("stack-to-caller", &["ERR-001"]),
    ("outbound-no-timeout", &["TIME-001"]),
    ("no-circuit-breaker", &["CB-001"]),
    ("stdout-pollution", &["IO-001"]),
    ("unsafe-retry", &["RETRY-001"]),
];

/// Lines between a finding and a label that still are the same place.
const NEAR: i64 = 12;

#[derive(Default)]
struct Count {
    hit: usize,
    missed: usize,
    false_alarm: usize,
    quiet: usize,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let value = |flag: &str| {
        let at = args.iter().position(|arg| arg == flag)?;
        args.get(at + 1).cloned()
    };
    let only_language = value("--lang");
    let only_rule = value("--rule");
    let show = args.iter().any(|arg| arg == "--findings");
    let only_package = args
        .iter()
        .enumerate()
        .find(|(at, arg)| {
            let after_flag = *at > 0
                && matches!(
                    args.get(at - 1).map(String::as_str),
                    Some("--lang" | "--rule")
                );
            !arg.starts_with("--") && !after_flag
        })
        .map(|(_, arg)| arg.clone());
    let root = PathBuf::from(std::env::var("DROPGATE_CORPUS")?);
    let labels = std::fs::read_to_string(std::env::var("DROPGATE_LABELS")?)?;
    let mut by_source: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for line in labels.lines() {
        let label: Value = serde_json::from_str(line)?;
        let text = |key: &str| {
            label
                .get(key)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let language = match text("language").as_str() {
            "python" => "py",
            "rust" => "rs",
            "go" => "go",
            _ => "ts",
        };
        let wanted = only_language.as_deref().is_none_or(|only| only == language)
            && only_rule.as_deref().is_none_or(|only| only == text("rule"))
            && only_package
                .as_deref()
                .is_none_or(|only| text("package").contains(only));
        if wanted {
            by_source.entry(text("source")).or_default().push(label);
        }
    }
    let mut counts: BTreeMap<String, Count> = BTreeMap::new();
    for (source, labels) in &by_source {
        let folder = root.join(folder_of(source));
        let started = std::time::Instant::now();
        let analysis = analyze(&[folder], &Settings::default())?;
        println!(
            "== {source}: {} files, {} servers, {} findings, {} unread, {} ms",
            analysis.analysed.files,
            analysis.analysed.servers,
            analysis.findings.len(),
            analysis.unanalysable.len(),
            started.elapsed().as_millis()
        );
        for file in analysis.unanalysable.iter().take(4) {
            println!("   unread {}: {}", file.file, file.why);
        }
        compare(&analysis, labels, &mut counts);
        if show {
            for finding in &analysis.findings {
                println!(
                    "   {} {}:{} {:?} {}",
                    finding.rule, finding.file, finding.line, finding.confidence, finding.message
                );
            }
        }
    }
    summary(&counts);
    Ok(())
}

fn folder_of(source: &str) -> String {
    let (kind, rest) = source.split_once(':').unwrap_or((source, ""));
    match kind {
        "github" => format!(
            "github/{}",
            rest.split('@').next().unwrap_or(rest).replace('/', "+")
        ),
        _ => format!("{kind}/{}", rest.replace("==", "@")),
    }
}

fn compare(analysis: &Analysis, labels: &[Value], counts: &mut BTreeMap<String, Count>) {
    let mut used: BTreeSet<String> = BTreeSet::new();
    for label in labels {
        let text = |key: &str| label.get(key).and_then(Value::as_str).unwrap_or_default();
        let rule = text("rule");
        let line = label.get("line").and_then(Value::as_i64).unwrap_or(0);
        let fault = label
            .get("verdict")
            .and_then(Value::as_bool)
            .unwrap_or(false);
        let clear = text("confidence") == "clear";
        // A label may also name the rule of the catalogue itself.
        let own = [rule];
        let rules = MAPPING
            .iter()
            .find(|row| row.0 == rule)
            .map_or(&own[..], |row| row.1);
        let mut here: Vec<&Finding> = analysis
            .findings
            .iter()
            .filter(|finding| rules.contains(&&*finding.rule) && *finding.file == *text("file"))
            .filter(|finding| finding.confidence != Confidence::Unknown)
            .collect();
        if !fault {
            // What is found at a fault nearby says nothing of the good code beside it.
            here.retain(|finding| {
                !labels.iter().any(|other| {
                    let same = |key: &str| other.get(key) == label.get(key);
                    let is_fault = other.get("verdict").and_then(Value::as_bool) == Some(true);
                    let at = other.get("line").and_then(Value::as_i64).unwrap_or(0);
                    is_fault
                        && same("rule")
                        && same("file")
                        && distance(finding, at) < distance(finding, line)
                })
            });
        }
        here.sort_by_key(|finding| distance(finding, line));
        let near = here.first().filter(|finding| {
            // For a fault anywhere in its file the nearest finding counts; good code is only blamed by a finding on it.
            distance(finding, line)
                <= if fault {
                    whole_file(rule)
                } else {
                    good_range(rule)
                }
        });
        let count = counts.entry(rule.to_owned()).or_default();
        let word = match (fault, near.is_some()) {
            (true, true) => "hit",
            (true, false) => "MISS",
            (false, true) => "FALSE",
            (false, false) => "quiet",
        };
        if clear {
            match (fault, near.is_some()) {
                (true, true) => count.hit += 1,
                (true, false) => count.missed += 1,
                (false, true) => count.false_alarm += 1,
                (false, false) => count.quiet += 1,
            }
        }
        let place = near.map_or_else(
            || {
                here.first().map_or_else(String::new, |finding| {
                    format!(" (nearest {})", finding.line)
                })
            },
            |finding| format!(" at {} {}", finding.line, finding.rule),
        );
        println!(
            "   {word:5} {rule} {}:{line}{place}{} {}",
            text("file"),
            if clear { "" } else { " [arguable]" },
            if word == "MISS" || word == "FALSE" {
                text("reason")
            } else {
                ""
            }
        );
        used.extend(near.map(|finding| finding.fingerprint.clone()));
    }
}

fn distance(finding: &Finding, line: i64) -> i64 {
    let (from, to) = (i64::from(finding.line), i64::from(finding.end_line));
    if (from..=to).contains(&line) {
        0
    } else {
        (from - line).abs().min((to - line).abs())
    }
}

/// How far a finding may be from the label of a fault: rules about absence have no one place.
fn whole_file(rule: &str) -> i64 {
    match rule {
        "sigterm-missing"
        | "eof-hang"
        | "pool-not-closed"
        | "credential-not-cleared"
        | "no-circuit-breaker"
        | "child-not-killed" => i64::MAX,
        _ => NEAR,
    }
}

fn good_range(rule: &str) -> i64 {
    match rule {
        "sigterm-missing" => 40,
        _ => 3,
    }
}

fn summary(counts: &BTreeMap<String, Count>) {
    println!("\nrule                    hit miss false quiet  precision recall");
    let mut all = Count::default();
    for (rule, count) in counts {
        line(rule, count);
        all.hit += count.hit;
        all.missed += count.missed;
        all.false_alarm += count.false_alarm;
        all.quiet += count.quiet;
    }
    line("all", &all);
}

fn line(name: &str, count: &Count) {
    let share = |part: usize, whole: usize| match whole {
        0 => String::from("   -"),
        _ => format!("{:3}%", part * 100 / whole),
    };
    println!(
        "{name:22} {:4} {:4} {:5} {:5}  {:>9} {:>6}",
        count.hit,
        count.missed,
        count.false_alarm,
        count.quiet,
        share(count.hit, count.hit + count.false_alarm),
        share(count.hit, count.hit + count.missed),
    );
}
