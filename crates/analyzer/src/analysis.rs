//! From paths to findings: files are collected, read in parallel, joined per package and judged.

mod collect;
#[cfg(test)]
mod tests;
mod tracked;
mod twins;

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::path::PathBuf;

use rayon::prelude::*;

use crate::budget;
use crate::extract::{self, STACK_BYTES, Source};
use crate::facts::{FileFacts, Language, Manifest, Name, Reading, Why};
use crate::finding::Finding;
use crate::link::{MAX_FOLLOWED, Project};
use crate::rules::{RULES, Report};
use crate::score::{self, Score};
use crate::settings::{Settings, Weighing};
use crate::suppress::{self, Comments, Suppressed};

pub use collect::{MAX_FILES, MAX_TOTAL_BYTES};

/// What came out.
#[derive(Debug)]
pub struct Analysis {
    /// Ordered by file, line, rule.
    pub findings: Vec<Finding>,
    /// What was found and is accepted, in the same order; counts for nothing.
    pub suppressed: Vec<Suppressed>,
    /// Files that could not be read, with the reason.
    pub unanalysable: Vec<Unanalysable>,
    /// How much was read.
    pub analysed: Analysed,
    /// The score; `None` where nothing was analysed, a file could not be read, or no server was found.
    pub score: Option<Score>,
    /// The files as read, by path, for excerpts.
    pub sources: Vec<(Name, String)>,
}

impl Analysis {
    /// Makes the score anew, where there is one, from what is open.
    pub(crate) fn rescore(&mut self) {
        if self.score.is_some() {
            self.score = Some(score::score(&self.findings));
        }
    }

    /// Puts findings back into their order.
    pub(crate) fn sort(&mut self) {
        self.findings.sort_by(in_order);
        self.suppressed
            .sort_by(|a, b| in_order(&a.finding, &b.finding));
    }
}

/// A file that could not be read.
#[derive(Debug, Clone, serde::Serialize, schemars::JsonSchema)]
pub struct Unanalysable {
    /// The file.
    pub file: String,
    /// The reason.
    pub why: String,
}

/// How much was read.
#[derive(Debug, Clone, Copy, Default, serde::Serialize, schemars::JsonSchema)]
pub struct Analysed {
    /// Files.
    pub files: usize,
    /// Bytes of them.
    pub bytes: u64,
    /// Places where a server starts.
    pub servers: usize,
}

/// Why there is no analysis at all.
#[derive(Debug, thiserror::Error)]
pub enum AnalysisError {
    /// A path that does not exist or can't be read.
    #[error("{path}: {source}; give a file or folder that can be read")]
    Path {
        /// The path.
        path: String,
        /// The system's complaint.
        source: std::io::Error,
    },
    /// A glob that is none.
    #[error("`{glob}` is no glob: {why}")]
    Glob {
        /// As written.
        glob: String,
        /// What is wrong with it.
        why: String,
    },
    /// The threads could not be started.
    #[error("can't start the threads of the analysis: {0}; lower the number of threads")]
    Threads(String),
}

/// Analyses files and folders.
///
/// Nothing is executed or sent anywhere, symbolic links are not followed, and every size is bounded.
pub fn analyze(paths: &[PathBuf], settings: &Settings) -> Result<Analysis, AnalysisError> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(settings.threads)
        .stack_size(STACK_BYTES)
        .build()
        .map_err(|error| AnalysisError::Threads(error.to_string()))?;
    let collected = collect::collect(paths, settings)?;
    let weighing = Weighing::of(settings)?;
    Ok(pool.install(|| run(collected, settings, &weighing, budget::MOST)))
}

/// Analyses texts that are already there, as one tree: for fixtures, editors and tests.
pub fn analyze_texts(texts: Vec<(Name, String)>) -> Result<Analysis, AnalysisError> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .stack_size(STACK_BYTES)
        .build()
        .map_err(|error| AnalysisError::Threads(error.to_string()))?;
    let mut collected = collect::Collected::default();
    for (path, text) in texts {
        collected.text(path, text);
    }
    let settings = Settings::default();
    let weighing = Weighing::of(&settings)?;
    Ok(pool.install(|| run(collected, &settings, &weighing, budget::MOST)))
}

fn run(
    collected: collect::Collected,
    settings: &Settings,
    weighing: &Weighing<'_>,
    most: u64,
) -> Analysis {
    let collect::Collected {
        mut sources,
        manifests,
        refused,
        unlisted: _,
        packages,
    } = collected;
    sources.retain(|(path, _)| Language::of_path(path).is_some());
    sources.sort_by(|a, b| a.0.cmp(&b.0));
    let mut files: Vec<FileFacts> = sources
        .par_iter()
        .filter_map(|(path, text)| {
            let language = Language::of_path(path)?;
            Some(extract::extract(&Source {
                path: path.clone(),
                language,
                text,
            }))
        })
        .collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let spare = twins::spare(&files);
    files.retain(|file| !spare.contains(&file.path));
    sources.retain(|(path, _)| !spare.contains(path));
    let mut manifests: Vec<Manifest> = manifests
        .iter()
        .filter_map(|(path, text)| extract::manifest::read(path, text))
        .chain(packages.into_iter().map(Manifest::of_folder))
        .collect();
    manifests = extract::manifest::fold(manifests);
    manifests.sort_by(|a, b| a.path.cmp(&b.path));
    let texts: Vec<String> = sources.into_iter().map(|(_, text)| text).collect();
    // A file that takes too much is given up, and then the others are judged as beside one that can't be read.
    loop {
        let project = Project::told(&files, &manifests, settings.hints.clone());
        let crowded = &project.crowded;
        let (most, (found, over)) = if crowded.is_empty() {
            (most, judge(&project, &texts, most))
        } else {
            let over = crowded.iter().map(|file| (*file, "the places that serve"));
            (u64::from(MAX_FOLLOWED), (Vec::new(), over.collect()))
        };
        if over.is_empty() {
            break conclude(&project, found, refused, texts, settings, weighing);
        }
        drop(project);
        for (file, rule) in over {
            let file = usize::try_from(file).ok().and_then(|at| files.get_mut(at));
            if let Some(file) = file {
                let why = Why::TooMuch(rule, most);
                *file = FileFacts::unread(file.path.clone(), file.language, file.bytes, why);
            }
        }
    }
}

/// From what rules found to the analysis.
fn conclude(
    project: &Project<'_>,
    mut found: Vec<Finding>,
    refused: Vec<Unanalysable>,
    texts: Vec<String>,
    settings: &Settings,
    weighing: &Weighing<'_>,
) -> Analysis {
    let files = project.files;
    let mut unanalysable = refused;
    for told in by_user_rules(files, &texts, settings) {
        match told {
            Ok(more) => found.extend(more),
            Err(file) => unanalysable.push(file),
        }
    }
    let found = weighing.apply(found);
    let (findings, suppressed) = match settings.comments {
        Comments::Obeyed => {
            let (findings, suppressed) = suppress::apply(found, project, &texts, settings);
            (weighing.apply(findings), suppressed)
        }
        Comments::Disregarded => (found, Vec::new()),
    };
    let servers = project.entries.len();
    let mut analysed = Analysed {
        servers,
        ..Analysed::default()
    };
    for file in files {
        match &file.reading {
            Reading::Whole => {
                analysed.files += 1;
                analysed.bytes += file.bytes;
            }
            Reading::Not(why) => unanalysable.push(Unanalysable {
                file: file.path.to_string(),
                why: why.to_string(),
            }),
        }
    }
    for entry in &settings.hints.entries {
        if !files.iter().any(|file| *file.path == **entry) {
            unanalysable.push(Unanalysable {
                file: entry.clone(),
                why: String::from("named as what starts the server, and not among the sources"),
            });
        }
    }
    unanalysable.sort_by(|a, b| a.file.cmp(&b.file));
    let whole = unanalysable.is_empty() && analysed.files > 0 && servers > 0;
    let score = whole.then(|| score::score(&findings));
    let mut analysis = Analysis {
        findings,
        suppressed,
        unanalysable,
        analysed,
        score,
        sources: files
            .iter()
            .map(|file| file.path.clone())
            .zip(texts)
            .collect(),
    };
    analysis.sort();
    analysis
}

/// What the rules find, and the files for which one spent more than `most`, by their places with the first such rule.
fn judge(
    project: &Project<'_>,
    texts: &[String],
    most: u64,
) -> (Vec<Finding>, BTreeMap<u32, &'static str>) {
    let judged: Vec<(Vec<Finding>, Vec<u32>)> = RULES
        .par_iter()
        .map(|rule| {
            budget::counted(project.files.len(), most, || {
                let mut report = Report::new(rule, project, texts);
                (rule.check)(project, &mut report);
                report.finish()
            })
        })
        .collect();
    let (found, over): (Vec<_>, Vec<_>) = judged.into_iter().unzip();
    let found = found.into_iter().flatten().collect();
    let mut given_up = BTreeMap::new();
    for (rule, places) in RULES.iter().zip(over) {
        for place in places {
            // One that was given up before has nothing left to give.
            let file = project.file(place);
            if file.is_some_and(|file| file.reading == Reading::Whole) {
                given_up.entry(place).or_insert(rule.id);
            }
        }
    }
    (found, given_up)
}

fn by_user_rules(
    files: &[FileFacts],
    texts: &[String],
    settings: &Settings,
) -> Vec<Result<Vec<Finding>, Unanalysable>> {
    files
        .par_iter()
        .zip(texts)
        .filter(|(file, _)| file.reading == Reading::Whole)
        .map(|(file, text)| settings.user_rules.check(&file.path, text))
        .collect()
}

/// By file, line, rule.
fn in_order(a: &Finding, b: &Finding) -> Ordering {
    (&a.file, a.line, &a.rule, a.bytes, &a.message)
        .cmp(&(&b.file, b.line, &b.rule, b.bytes, &b.message))
}
