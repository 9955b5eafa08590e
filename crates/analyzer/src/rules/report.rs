//! Where rules put what they find.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use super::Rule;
use crate::facts::{Language, Lines, Name, Span};
use crate::finding::{Blocked, Finding, Ground, Related, Severity, Trusted, fingerprint};
use crate::link::{FnRef, Project};

/// Collects the findings of one rule over one project.
#[derive(Debug)]
pub struct Report<'p> {
    rule: &'static Rule,
    project: &'p Project<'p>,
    texts: &'p [String],
    /// Line starts of the last file that something was found in.
    lines: Option<(u32, Lines)>,
    findings: Vec<Finding>,
    seen: HashMap<String, u32>,
    /// Where something was found, by file: the ends of stretches that do not overlap, by their starts.
    stretches: HashMap<Name, BTreeMap<u32, u32>>,
}

/// A place in a function.
#[derive(Debug, Clone, Copy)]
pub struct At {
    /// The function.
    pub function: FnRef,
    /// The stretch.
    pub span: Span,
}

impl<'p> Report<'p> {
    /// An empty report; `texts` are the texts of the project's files in their order.
    pub fn new(rule: &'static Rule, project: &'p Project<'p>, texts: &'p [String]) -> Self {
        Self {
            rule,
            project,
            texts,
            lines: None,
            findings: Vec::new(),
            seen: HashMap::new(),
            stretches: HashMap::new(),
        }
    }

    /// Adds a finding with what its confidence stands on. None is proved in code that no call which was followed leads to.
    pub fn add(&mut self, at: At, ground: Ground, message: impl Into<String>) -> &mut Finding {
        let is_led_to = self.project.is_led_to(at.function);
        let ground = ground.unless((!is_led_to).then_some(Trusted::Reach));
        let rule = self.rule;
        let file = self.project.file(at.function.file);
        let path = file.map_or_else(|| "".into(), |file| file.path.clone());
        self.cover(&path, at);
        let symbol = symbol(self.project, at.function);
        let line = self.line(at);
        let normal: String = line.split_whitespace().collect();
        let key = format!("{}\n{path}\n{symbol}\n{normal}", rule.id);
        let count = self.seen.entry(key.clone()).or_insert(0);
        *count += 1;
        let fingerprint = fingerprint(rule.id, &path, &symbol, line, *count);
        self.findings.push(Finding {
            rule: Cow::Borrowed(rule.id),
            name: Cow::Borrowed(rule.name),
            severity: if let Ground::Unknown(_) = ground {
                Severity::Info
            } else {
                rule.severity
            },
            confidence: ground.confidence(),
            because: ground.reason(),
            surface: self.project.surface(at.function.file),
            file: path,
            line: at.span.line,
            end_line: at.span.end_line,
            message: message.into(),
            fix: Cow::Borrowed(rule.fix),
            fingerprint,
            related: Vec::new(),
            symbol,
            blocked_by: None,
            probe: None,
            bytes: (at.span.start, at.span.end),
        });
        let last = self.findings.len() - 1;
        &mut self.findings[last]
    }

    /// Whether something was found at a place already, or around it, or inside it.
    pub fn has(&self, at: At) -> bool {
        let Some(file) = self.project.file(at.function.file) else {
            return false;
        };
        self.stretches.get(&file.path).is_some_and(|of| {
            let last = of.range(..at.span.end).next_back();
            last.is_some_and(|(_, end)| at.span.start < *end)
        })
    }

    /// Keeps a place for [`Self::has`], as one stretch with those that it overlaps.
    fn cover(&mut self, file: &Name, at: At) {
        let of = self.stretches.entry(file.clone()).or_default();
        let (mut start, mut end) = (at.span.start, at.span.end);
        while let Some((from, to)) = of.range(..end).next_back().map(|(from, to)| (*from, *to))
            && start < to
        {
            of.remove(&from);
            (start, end) = (start.min(from), end.max(to));
        }
        let known = of.entry(start).or_insert(end);
        *known = end.max(*known);
    }

    /// What was found in the languages that the rule is proved in, one finding per place.
    pub fn finish(mut self) -> Vec<Finding> {
        let rule = self.rule;
        self.findings.retain(|finding| {
            Language::of_path(&finding.file).is_none_or(|language| rule.speaks(language))
        });
        self.findings
            .sort_by(|a, b| (&a.file, a.bytes, &a.message).cmp(&(&b.file, b.bytes, &b.message)));
        self.findings
            .dedup_by(|a, b| a.file == b.file && a.bytes == b.bytes);
        self.findings
    }

    fn line(&mut self, at: At) -> &'p str {
        let file = at.function.file;
        let place = usize::try_from(file).unwrap_or(usize::MAX);
        let Some(text) = self.texts.get(place) else {
            return "";
        };
        if self.lines.as_ref().is_none_or(|(of, _)| *of != file) {
            self.lines = Some((file, Lines::of(text)));
        }
        let line = self
            .lines
            .as_ref()
            .and_then(|(_, lines)| lines.text(text, at.span.line));
        line.unwrap_or_default()
    }
}

impl Finding {
    /// Sets how sure it is, and by what.
    pub(crate) fn rest_on(&mut self, ground: Ground) -> &mut Self {
        self.confidence = ground.confidence();
        self.because = ground.reason();
        self
    }

    /// Says that something had to be trusted.
    pub fn trusts(&mut self, trusted: Trusted) -> &mut Self {
        self.rest_on(Ground::Likely(trusted))
    }

    /// Sets how bad it is.
    pub fn weigh(&mut self, severity: Severity) -> &mut Self {
        self.severity = severity;
        self
    }

    /// Adds a place on the way.
    pub fn via(&mut self, project: &Project<'_>, at: At, message: impl Into<String>) -> &mut Self {
        if let Some(file) = project.file(at.function.file) {
            self.related.push(Related {
                file: file.path.clone(),
                line: at.span.line,
                message: message.into(),
            });
        }
        self
    }

    /// Says that it can't be known.
    pub fn unknown(&mut self, blocked: Blocked) -> &mut Self {
        self.severity = Severity::Info;
        self.rest_on(Ground::Unknown(blocked))
    }

    /// Says that it can't be known, and which import stands in the way.
    pub fn blocked(&mut self, import: impl Into<String>) -> &mut Self {
        self.blocked_by = Some(import.into());
        self.unknown(Blocked::Import)
    }
}

/// The name of a function with those around it: `Server.start.<anonymous>`.
fn symbol(project: &Project<'_>, at: FnRef) -> String {
    let mut names = Vec::new();
    for (here, function) in project
        .outward(at)
        .take(32)
        .take_while(|(here, _)| here.id.0 != 0)
    {
        names.push(if function.name.is_empty() {
            String::from("<anonymous>")
        } else {
            function.name.to_string()
        });
        if function.class.is_some()
            && let Some(class) = project
                .class_of(here)
                .and_then(|class| project.class(class))
        {
            names.push(class.name.to_string());
        }
    }
    names.reverse();
    names.join(".")
}
