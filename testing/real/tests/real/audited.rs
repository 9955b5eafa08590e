//! The analyser on the installed servers: what it tells of their source, held against what was read there by hand.
//!
//! `testing/counterparts/audit.json` holds the labels: a rule, a file, a text that stands in it once, and whether that place has the fault.
//! Without a text the label is about the whole file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use dropgate_analyzer::analysis::analyze_texts;
use dropgate_analyzer::facts::{Language, Name};
use dropgate_analyzer::finding::{Confidence, Finding};
use dropgate_analyzer::{Analysis, Settings, analyze, output};
use serde::Deserialize;

use crate::counterparts::Counterparts;
use crate::verdicts::{Verdicts, say};

/// The most that one file may take.
const FILE: Duration = Duration::from_secs(5);

/// Lines between a label and a finding that still are the same place.
const NEAR: u32 = 3;

/// Of what is told so much is a fault, in percent.
const PRECISION: usize = 95;

/// Of the faults so much is told, in percent.
const RECALL: usize = 85;

#[derive(Deserialize)]
struct Labels {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    folder: String,
    labels: Vec<Label>,
}

#[derive(Deserialize)]
struct Label {
    rule: String,
    file: String,
    /// A text of the file; empty for the whole file.
    at: String,
    #[serde(default)]
    near: Option<u32>,
    fault: bool,
    why: String,
}

/// How often labels and findings agree.
#[derive(Default)]
struct Counts {
    hits: usize,
    missed: usize,
    wrong: usize,
}

#[test]
fn what_is_told_of_installed_servers_is_so() {
    let Some(counterparts) = Counterparts::find("what is told of installed servers is so") else {
        return;
    };
    let mut counts = Counts::default();
    for package in packages() {
        let folder = folder(&counterparts, &package.folder);
        let analysis = audited(&folder);
        for label in &package.labels {
            count(&folder, &analysis, label, &mut counts);
        }
    }
    let Counts {
        hits,
        missed,
        wrong,
    } = counts;
    say(&format!(
        "labels of installed servers: {hits} told, {missed} missed, {wrong} wrong"
    ));
    assert!(hits + missed >= 25, "too few labels say anything");
    assert!(
        hits * 100 >= (hits + wrong) * PRECISION,
        "{wrong} are wrong"
    );
    assert!(
        hits * 100 >= (hits + missed) * RECALL,
        "{missed} are missed"
    );
}

#[test]
fn installed_servers_are_read_whole_in_time_and_alike() {
    let Some(counterparts) = Counterparts::find("installed servers are read whole") else {
        return;
    };
    let mut verdicts = Verdicts::of("audit of installed servers");
    for package in packages() {
        let folder = folder(&counterparts, &package.folder);
        verdicts.row(&package.folder, read_twice(&folder));
    }
    verdicts.close();
}

/// Whether two audits say the same bytes, of lines that are there, and no file takes long.
fn read_twice(folder: &Path) -> Result<String, String> {
    let (one, other) = (audited(folder), audited(folder));
    if json(&one) != json(&other) {
        return Err(String::from("two audits differ"));
    }
    if let Some(file) = one.unanalysable.first() {
        return Err(format!("{} is not read: {}", file.file, file.why));
    }
    let texts: BTreeMap<&str, &str> = one
        .sources
        .iter()
        .map(|(path, text)| (&**path, text.as_str()))
        .collect();
    for finding in &one.findings {
        let lines = texts
            .get(&*finding.file)
            .map_or(0, |text| text.lines().count());
        let line = usize::try_from(finding.line).expect("a small number");
        if !(1..=lines).contains(&line) {
            return Err(format!(
                "{} {}:{line} is no line",
                finding.rule, finding.file
            ));
        }
    }
    let mut slowest = Duration::ZERO;
    for (path, text) in &one.sources {
        let begin = Instant::now();
        let alone = (path.clone() as Name, text.clone());
        analyze_texts(vec![alone]).expect("threads start");
        slowest = slowest.max(begin.elapsed());
        if Language::of_path(path).is_some() && begin.elapsed() > FILE {
            return Err(format!("{path} takes {:?}", begin.elapsed()));
        }
    }
    Ok(format!(
        "{} files, {} findings, slowest file {slowest:.1?}",
        one.analysed.files,
        one.findings.len()
    ))
}

fn packages() -> Vec<Package> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../counterparts/audit.json");
    let text = std::fs::read(path).expect("audit.json of the counterparts");
    let labels: Labels = serde_json::from_slice(&text).expect("audit.json is a list of packages");
    labels.packages
}

/// A folder below the counterparts, in which `*` stands for what one name ends with.
fn folder(counterparts: &Counterparts, path: &str) -> PathBuf {
    let mut at = counterparts.path("");
    for part in path.split('/') {
        let Some(start) = part.strip_suffix('*') else {
            at.push(part);
            continue;
        };
        let mut names = std::fs::read_dir(&at).expect("a folder of the counterparts");
        let found = names.find_map(|entry| {
            let name = entry.ok()?.file_name();
            name.to_string_lossy().starts_with(start).then_some(name)
        });
        at.push(found.expect("a name that begins like this"));
    }
    at
}

fn audited(folder: &Path) -> Analysis {
    analyze(&[folder.to_path_buf()], &Settings::default()).expect("a folder that can be read")
}

fn json(analysis: &Analysis) -> String {
    serde_json::to_string(&output::json::Page::of(analysis)).expect("an audit has a JSON form")
}

fn count(folder: &Path, analysis: &Analysis, label: &Label, counts: &mut Counts) {
    let text = std::fs::read_to_string(folder.join(&label.file)).expect("the file of a label");
    let line = (!label.at.is_empty()).then(|| {
        let (before, _) = text.split_once(&label.at).expect("the text of a label");
        u32::try_from(before.lines().count().max(1)).expect("a small number")
    });
    let near = label.near.unwrap_or(NEAR);
    let is_it = |finding: &&Finding| {
        finding.rule == label.rule
            && *finding.file == *label.file
            && finding.confidence != Confidence::Unknown
            && line.is_none_or(|line| finding.line.abs_diff(line) <= near)
    };
    let told = analysis.findings.iter().any(|finding| is_it(&finding));
    match (label.fault, told) {
        (true, true) => counts.hits += 1,
        (true, false) => counts.missed += 1,
        (false, true) => counts.wrong += 1,
        (false, false) => return,
    }
    if label.fault != told {
        let word = if told { "wrong" } else { "missed" };
        say(&format!(
            "{word}: {} {} `{}`: {}",
            label.rule, label.file, label.at, label.why
        ));
    }
}
