//! What an analysis may do, and how it weighs what it finds.

use std::collections::HashMap;

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::analysis::AnalysisError;
use crate::facts::Language;
use crate::finding::{Confidence, Finding, Severity, Surface};
use crate::hints::Hints;
use crate::suppress::Comments;
use crate::user_rules::UserRules;

/// What the analysis may do.
#[derive(Debug)]
pub struct Settings {
    /// Languages to read; all by default.
    pub languages: Vec<Language>,
    /// Globs of the sources that are read, relative to the root; none for all.
    pub include: Vec<String>,
    /// Globs of paths, relative to the root, that are left out.
    pub exclude: Vec<String>,
    /// Threads; 0 for as many as there are cores.
    pub threads: usize,
    /// Whether comments in the source may accept findings.
    pub comments: Comments,
    /// How bad the findings of a rule are, by its id, where that is not for the rule to say.
    pub weights: HashMap<String, Weight>,
    /// What files are, by glob; of those that match, the longest wins.
    pub surfaces: Vec<(String, Surface)>,
    /// Rules of the user's own.
    pub user_rules: UserRules,
    /// What the user knows of the source.
    pub hints: Hints,
}

/// How bad the findings of a rule are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// They are not told.
    Off,
    /// As bad as this.
    Is(Severity),
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            languages: Language::ALL.to_vec(),
            include: Vec::new(),
            exclude: Vec::new(),
            threads: 0,
            comments: Comments::Obeyed,
            weights: HashMap::new(),
            surfaces: Vec::new(),
            user_rules: UserRules::default(),
            hints: Hints::default(),
        }
    }
}

/// The settings about findings, ready to be used.
#[derive(Debug)]
pub(crate) struct Weighing<'s> {
    weights: &'s HashMap<String, Weight>,
    hints: &'s Hints,
    surfaces: Vec<(Gitignore, Surface)>,
}

impl<'s> Weighing<'s> {
    /// # Errors
    /// When a glob is none.
    pub(crate) fn of(settings: &'s Settings) -> Result<Self, AnalysisError> {
        let mut globs: Vec<&(String, Surface)> = settings.surfaces.iter().collect();
        globs.sort_by(|a, b| b.0.len().cmp(&a.0.len()).then(a.0.cmp(&b.0)));
        let surfaces = globs
            .into_iter()
            .map(|(glob, surface)| Ok((matcher(std::slice::from_ref(glob))?, *surface)))
            .collect::<Result<_, AnalysisError>>()?;
        Ok(Self {
            weights: &settings.weights,
            hints: &settings.hints,
            surfaces,
        })
    }

    /// Weighs findings; those of rules that are off are left out.
    pub(crate) fn apply(&self, findings: Vec<Finding>) -> Vec<Finding> {
        findings
            .into_iter()
            .filter_map(|mut finding| {
                let place = self.surfaces.iter().find(|(glob, _)| {
                    glob.matched_path_or_any_parents(&*finding.file, false)
                        .is_ignore()
                });
                if let Some((_, surface)) = place {
                    finding.surface = *surface;
                }
                // What only a trusted package hides is taken to be well done.
                let is_trusted = finding
                    .blocked_by
                    .as_deref()
                    .is_some_and(|package| self.hints.trusts(package));
                if is_trusted {
                    return None;
                }
                match self.weights.get(&*finding.rule) {
                    Some(Weight::Off) => return None,
                    // What is not known stays what it is.
                    Some(Weight::Is(severity)) if finding.confidence != Confidence::Unknown => {
                        finding.severity = *severity;
                    }
                    Some(Weight::Is(_)) | None => {}
                }
                Some(finding)
            })
            .collect()
    }
}

/// What tells whether a path is meant by any of some globs.
///
/// # Errors
/// When one of them is none.
pub(crate) fn matcher(globs: &[String]) -> Result<Gitignore, AnalysisError> {
    let mut builder = GitignoreBuilder::new("");
    let wrong = |glob: &str, error: &ignore::Error| AnalysisError::Glob {
        glob: glob.to_owned(),
        why: error.to_string(),
    };
    for glob in globs {
        builder
            .add_line(None, glob)
            .map_err(|error| wrong(glob, &error))?;
    }
    builder
        .build()
        .map_err(|error| wrong(&globs.join(" "), &error))
}
