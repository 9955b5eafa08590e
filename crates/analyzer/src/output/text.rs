//! Text for people: each finding with the lines it is about, then the score.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::one_line;
use crate::analysis::Analysis;
use crate::finding::{Confidence, Finding, Severity};
use crate::probed::Word;
use crate::suppress::Suppression;

/// Lines of a finding that are shown; of longer ones the first.
const MAX_LINES: usize = 4;

/// The longest excerpt, in bytes: lines of a bundle are not shown.
const MAX_EXCERPT_BYTES: usize = 2_000;

/// Whether the text has colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colors {
    /// None.
    Plain,
    /// Those of a terminal.
    Ansi,
}

/// The whole text; `prefix` stands before paths.
pub fn render(analysis: &Analysis, prefix: &str, colors: Colors) -> String {
    let renderer = match colors {
        Colors::Plain => Renderer::plain(),
        Colors::Ansi => Renderer::styled().decor_style(DecorStyle::Unicode),
    };
    let sources: HashMap<&str, &str> = analysis
        .sources
        .iter()
        .map(|(path, text)| (&**path, text.as_str()))
        .collect();
    let mut out = String::new();
    for finding in &analysis.findings {
        let source = sources.get(&*finding.file).copied().unwrap_or_default();
        out.push_str(&renderer.render(&[group(finding, source, prefix)]));
        out.push_str("\n\n");
    }
    for file in &analysis.unanalysable {
        // Writing to a string can't fail.
        let _never = writeln!(
            out,
            "not analysed: {prefix}{}: {}",
            one_line(&file.file),
            one_line(&file.why)
        );
    }
    summary(&mut out, analysis);
    out
}

fn group<'a>(finding: &'a Finding, source: &'a str, prefix: &str) -> Group<'a> {
    let level = match finding.severity {
        Severity::High => Level::ERROR,
        Severity::Medium => Level::WARNING,
        Severity::Low => Level::NOTE,
        Severity::Info => Level::INFO,
    };
    let title = level
        .with_name(finding.severity.word())
        .primary_title(one_line(&finding.message))
        .id(&*finding.rule);
    let path = one_line(&format!("{prefix}{}", finding.file));
    let mut group = match excerpt(source, finding) {
        Some(excerpt) => title.element(
            Snippet::source(excerpt.text)
                .line_start(excerpt.line)
                .path(path)
                .annotation(AnnotationKind::Primary.span(excerpt.span)),
        ),
        None => title.element(Origin::path(path).line(usize::try_from(finding.line).unwrap_or(1))),
    };
    for place in &finding.related {
        group = group.element(Level::NOTE.message(format!(
            "{prefix}{}:{}: {}",
            one_line(&place.file),
            place.line,
            one_line(&place.message)
        )));
    }
    let sure = match (&finding.blocked_by, finding.confidence) {
        (Some(import), _) => Some(format!(
            "not known, and not counted: the code of {} was not there to be read",
            one_line(import)
        )),
        (None, Confidence::Unknown) => {
            Some(format!("not known, and not counted: {}", finding.because))
        }
        (None, Confidence::Likely) => Some(format!("likely: {}", finding.because)),
        (None, Confidence::Proved) => None,
    };
    if let Some(sure) = sure {
        group = group.element(Level::NOTE.message(sure));
    }
    if let Some(Word::Confirmed(because)) = &finding.probe {
        group = group.element(Level::NOTE.message(format!("confirmed by a run: {because}")));
    }
    group.element(Level::HELP.message(&*finding.fix))
}

/// Lines of the source.
pub(super) struct Excerpt<'a> {
    pub(super) text: &'a str,
    pub(super) line: usize,
    span: Range<usize>,
}

/// The lines of a finding and where it is in them; `None` where they are too long or not there.
pub(super) fn excerpt<'a>(source: &'a str, finding: &Finding) -> Option<Excerpt<'a>> {
    let (start, end) = (
        usize::try_from(finding.bytes.0).ok()?,
        usize::try_from(finding.bytes.1).ok()?,
    );
    let before = source.get(..start)?;
    let first = before.rfind('\n').map_or(0, |at| at + 1);
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let marked = source.get(start..end)?;
    let shown = if marked.lines().count() > MAX_LINES {
        marked.lines().next().unwrap_or_default().len()
    } else {
        marked.trim_end().len()
    };
    let last = start + shown;
    let rest = source.get(last..)?;
    let stop = last + rest.find('\n').unwrap_or(rest.len());
    let text = source.get(first..stop)?;
    (text.len() <= MAX_EXCERPT_BYTES).then(|| Excerpt {
        text,
        line,
        span: start - first..last - first,
    })
}

fn summary(out: &mut String, analysis: &Analysis) {
    let of = |severity: Severity| {
        analysis
            .findings
            .iter()
            .filter(|finding| finding.severity == severity)
            .count()
    };
    let analysed = analysis.analysed;
    let _never = writeln!(
        out,
        "{} findings: {} high, {} medium, {} low, {} info; {} files, {} bytes, {} servers",
        analysis.findings.len(),
        of(Severity::High),
        of(Severity::Medium),
        of(Severity::Low),
        of(Severity::Info),
        analysed.files,
        analysed.bytes,
        analysed.servers
    );
    let (mut accepted, mut known, mut refuted) = (0, 0, 0);
    for suppressed in &analysis.suppressed {
        match suppressed.suppression {
            Suppression::Inline { .. } => accepted += 1,
            Suppression::Baseline => known += 1,
            Suppression::Refuted { .. } => refuted += 1,
        }
    }
    for (count, by) in [
        (accepted, "are accepted by comments"),
        (known, "are known to the baseline"),
        (refuted, "were refuted by a run"),
    ] {
        if count > 0 {
            let _never = writeln!(out, "{count} more {by}");
        }
    }
    let _never = match &analysis.score {
        Some(score) => writeln!(
            out,
            "grade {}, score {}: security {}, reliability {}, credentials {}, documentation {}",
            score.grade,
            score.score,
            score.axes.security,
            score.axes.reliability,
            score.axes.credentials,
            score.axes.documentation
        ),
        None => writeln!(out, "no grade"),
    };
}
