//! Findings that a comment in the source accepts, with its reason: `// dropgate-ignore LIFE-002: drained by the caller`.

mod directive;
mod reach;

use std::collections::{BTreeSet, HashMap};

use schemars::JsonSchema;
use serde::Serialize;

use self::directive::{Directive, Reach};
use self::reach::Code;
use crate::facts::{FnId, Name, Span};
use crate::finding::{Finding, Followed, Ground};
use crate::link::{FnRef, Project};
use crate::rules::{self, At, Report};
use crate::settings::{Settings, Weight};

/// A finding that is known and accepted, and counts for nothing.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Suppressed {
    /// What was found.
    #[serde(flatten)]
    pub finding: Finding,
    /// Who accepted it, and why.
    pub suppression: Suppression,
}

/// Who accepted a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Suppression {
    /// A comment in the source.
    Inline {
        /// The line of the comment.
        line: u32,
        /// Its reason.
        reason: String,
    },
    /// A baseline that knew it.
    Baseline,
    /// A run of the server that showed that it is not so.
    Refuted {
        /// What the run showed.
        because: String,
    },
}

/// Most comments of one file that are obeyed.
pub const MAX_COMMENTS: usize = 1_000;

/// Most names in one comment that are told to be no rule's.
const MAX_UNKNOWN: usize = 10;

/// Whether comments are obeyed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Comments {
    /// They accept findings.
    #[default]
    Obeyed,
    /// They accept nothing: for judging a stranger's code.
    Disregarded,
}

/// One rule that a comment accepts.
struct Acceptance {
    file: u32,
    span: Span,
    /// The id, where a rule is called so.
    rule: String,
    reason: String,
    /// `None` for the whole file.
    lines: Option<Vec<u32>>,
    used: bool,
}

/// A comment is read as it stands, and so is what it is about.
const READ: Ground = Ground::Proved(Followed::Statements);

/// Takes out what comments accept; comments that accept nothing, or can't be followed, become findings.
pub(crate) fn apply(
    findings: Vec<Finding>,
    project: &Project<'_>,
    texts: &[String],
    settings: &Settings,
) -> (Vec<Finding>, Vec<Suppressed>) {
    let mut report = Report::new(&rules::SUPPRESSION, project, texts);
    let mut acceptances = acceptances(project, texts, settings, &mut report);
    let index = Index::of(&acceptances, project);
    let mut kept = Vec::new();
    let mut suppressed = Vec::new();
    for finding in findings {
        // Every acceptance that covers it is of use, even where one was enough.
        let mut by = None;
        for place in index.covering(&finding) {
            if let Some(acceptance) = acceptances.get_mut(place) {
                acceptance.used = true;
                by.get_or_insert_with(|| Suppression::Inline {
                    line: acceptance.span.line,
                    reason: acceptance.reason.clone(),
                });
            }
        }
        match by {
            Some(suppression) => suppressed.push(Suppressed {
                finding,
                suppression,
            }),
            None => kept.push(finding),
        }
    }
    for unused in acceptances.iter().filter(|acceptance| !acceptance.used) {
        let place = match unused.lines {
            Some(_) => "the line that it is about",
            None => "this file",
        };
        report.add(
            at(unused.file, unused.span),
            READ,
            format!(
                "this comment ignores {0}, but nothing of {0} is found in {place}: remove the comment, or name in it the rule that is found there",
                unused.rule
            ),
        );
    }
    kept.extend(report.finish());
    (kept, suppressed)
}

/// The places of acceptances by file, rule and line; no line for the whole file.
struct Index {
    by_place: HashMap<(Name, String, Option<u32>), Vec<usize>>,
}

impl Index {
    fn of(acceptances: &[Acceptance], project: &Project<'_>) -> Self {
        let mut by_place: HashMap<_, Vec<usize>> = HashMap::new();
        for (place, acceptance) in acceptances.iter().enumerate() {
            let Some(file) = project.file(acceptance.file) else {
                continue;
            };
            let lines = acceptance.lines.as_ref();
            let lines = lines.map_or(vec![None], |lines| {
                lines.iter().copied().map(Some).collect()
            });
            for line in lines {
                let key = (file.path.clone(), acceptance.rule.clone(), line);
                by_place.entry(key).or_default().push(place);
            }
        }
        Self { by_place }
    }

    /// The acceptances that cover a finding, in their order.
    fn covering(&self, finding: &Finding) -> Vec<usize> {
        let rule = finding.rule.to_string();
        let mut key = (finding.file.clone(), rule, None);
        let mut all = self.by_place.get(&key).cloned().unwrap_or_default();
        key.2 = Some(finding.line);
        all.extend(self.by_place.get(&key).into_iter().flatten());
        all.sort_unstable();
        all
    }
}

fn acceptances(
    project: &Project<'_>,
    texts: &[String],
    settings: &Settings,
    report: &mut Report<'_>,
) -> Vec<Acceptance> {
    let mut all = Vec::new();
    for (file, text) in (0u32..).zip(texts) {
        let Some(facts) = project.file(file) else {
            continue;
        };
        let directives: Vec<(Span, Directive)> = facts
            .comments
            .iter()
            .filter_map(|comment| Some((comment.span, Directive::of(&comment.text)?)))
            .collect();
        if directives.is_empty() {
            continue;
        }
        let code = Code::of(text, &facts.comments);
        if let Some((span, _)) = directives.get(MAX_COMMENTS) {
            report.add(
                at(file, *span),
                READ,
                format!(
                    "only the first {MAX_COMMENTS} comments of a file that ignore findings are obeyed, and this and later ones are not: \
                     use `dropgate-ignore-file RULE: reason`, or split the file"
                ),
            );
        }
        for (span, directive) in directives.into_iter().take(MAX_COMMENTS) {
            let (rules, reason, reach) = match directive {
                Directive::Accepts {
                    rules,
                    reason,
                    reach,
                } => (rules, reason, reach),
                Directive::Unclear(why) => {
                    report.add(at(file, span), READ, why);
                    continue;
                }
            };
            let lines = (reach == Reach::Line).then(|| code.meant(span));
            let mut named = BTreeSet::new();
            let mut unknown = BTreeSet::new();
            for rule in rules {
                let Some(id) = known(&rule, settings) else {
                    // One that can't be ignored is told once, and of many the first.
                    if unknown.len() < MAX_UNKNOWN && unknown.insert(rule.clone()) {
                        report.add(at(file, span), READ, refusal(&rule));
                    }
                    continue;
                };
                let rule = id;
                if !named.insert(rule.clone()) {
                    continue;
                }
                all.push(Acceptance {
                    file,
                    span,
                    reason: reason.clone(),
                    lines: lines.clone(),
                    // What is off finds nothing, which the comment can't help.
                    used: settings.weights.get(&rule) == Some(&Weight::Off),
                    rule,
                });
            }
        }
    }
    all
}

/// Why a comment does not ignore what it names.
fn refusal(rule: &str) -> String {
    match rules::find(rule) {
        Some(found) => format!(
            "findings of {} can't be ignored: mend the comment that it is about",
            found.id
        ),
        None => format!(
            "no rule is called {rule}, so nothing is ignored: write the id or name of one, as `dropgate audit --list-rules` lists them"
        ),
    }
}

/// The id of a rule that can be ignored; the rule about comments can't.
fn known(name: &str, settings: &Settings) -> Option<String> {
    match rules::find(name) {
        Some(rule) => (rule.id != rules::SUPPRESSION.id).then(|| rule.id.to_owned()),
        None => {
            let mut own = settings.user_rules.ids();
            own.any(|id| id == name).then(|| name.to_owned())
        }
    }
}

fn at(file: u32, span: Span) -> At {
    At {
        function: FnRef {
            file,
            id: FnId::MODULE,
        },
        span,
    }
}
