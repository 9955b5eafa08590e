//! One page for people that needs nothing but itself: no file beside it, no network.
//!
//! Every text of the source is escaped, and the page's own policy lets no script run but the one whose hash it names.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::text::excerpt;
use super::visible;
use crate::analysis::Analysis;
use crate::finding::{Confidence, Finding, Severity};
use crate::probed::Word;
use crate::suppress::Suppression;

const STYLE: &str = include_str!("html/page.css");
const SCRIPT: &str = include_str!("html/page.js");

const SEVERITIES: [Severity; 4] = [
    Severity::High,
    Severity::Medium,
    Severity::Low,
    Severity::Info,
];

/// The page; `prefix` stands before paths.
pub fn render(analysis: &Analysis, prefix: &str) -> String {
    let mut out = String::new();
    head(&mut out);
    summary(&mut out, analysis);
    filters(&mut out, analysis);
    let page = Page {
        prefix,
        sources: analysis
            .sources
            .iter()
            .map(|(path, text)| (&**path, text.as_str()))
            .collect(),
    };
    out.push_str("<main>\n");
    for file in &analysis.unanalysable {
        // Writing to a string can't fail.
        let _never = writeln!(
            out,
            "<p><strong>Not analysed:</strong> <code>{}</code>: {}</p>",
            escaped(&format!("{prefix}{}", file.file)),
            escaped(&file.why)
        );
    }
    for finding in &analysis.findings {
        page.article(&mut out, finding, None);
    }
    for suppressed in &analysis.suppressed {
        page.article(&mut out, &suppressed.finding, Some(&suppressed.suppression));
    }
    let _never = write!(
        out,
        "</main>\n<script>{SCRIPT}</script>\n</body>\n</html>\n"
    );
    out
}

fn head(out: &mut String) {
    let hash = STANDARD.encode(Sha256::digest(SCRIPT));
    let _never = write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
         style-src 'unsafe-inline'; script-src 'sha256-{hash}'; img-src data:\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <link rel=\"icon\" href=\"data:,\">\n\
         <title>dropgate audit</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n"
    );
}

fn summary(out: &mut String, analysis: &Analysis) {
    let analysed = analysis.analysed;
    let read = format!(
        "{} findings in {} files, {} bytes, {} servers",
        analysis.findings.len(),
        analysed.files,
        analysed.bytes,
        analysed.servers
    );
    let Some(score) = &analysis.score else {
        let _never = writeln!(
            out,
            "<header><div class=\"grade\" title=\"no grade\">–</div><div><h1>dropgate audit: no grade</h1>\
             <p class=\"dim\">{read}</p></div></header>"
        );
        return;
    };
    let _never = write!(
        out,
        "<header><div class=\"grade\">{}</div><div><h1>dropgate audit: grade {}, score {}</h1>\n\
         <dl class=\"axes\">",
        score.grade, score.grade, score.score
    );
    for (name, points) in [
        ("Security", score.axes.security),
        ("Reliability", score.axes.reliability),
        ("Credentials", score.axes.credentials),
        ("Documentation", score.axes.documentation),
    ] {
        let _never = write!(
            out,
            "<dt>{name}</dt><dd><meter min=\"0\" max=\"100\" low=\"70\" high=\"90\" optimum=\"100\" \
             value=\"{points}\" aria-label=\"{name}\"></meter></dd><dd>{points}</dd>"
        );
    }
    let _never = writeln!(out, "</dl><p class=\"dim\">{read}</p></div></header>");
}

/// Hidden until the script shows them: without it everything is shown, and nothing can be filtered.
fn filters(out: &mut String, analysis: &Analysis) {
    let all = || {
        let accepted = analysis.suppressed.iter().map(|it| &it.finding);
        analysis.findings.iter().chain(accepted)
    };
    out.push_str("<form id=\"filters\" hidden>\n<fieldset><legend>Severity</legend>");
    for severity in SEVERITIES {
        let count = all().filter(|it| it.severity == severity).count();
        let word = severity.word();
        let _never = write!(
            out,
            "<label><input type=\"checkbox\" name=\"severity\" value=\"{word}\" checked> {word} ({count})</label>"
        );
    }
    let mut rules: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for finding in all() {
        *rules.entry((&finding.rule, &finding.name)).or_default() += 1;
    }
    out.push_str("</fieldset>\n<label>Rule <select name=\"rule\"><option value=\"\">all</option>");
    for ((rule, name), count) in rules {
        let name = if rule == name { "" } else { name };
        let _never = write!(
            out,
            "<option value=\"{0}\">{0} {1} ({count})</option>",
            escaped(rule),
            escaped(name)
        );
    }
    out.push_str(
        "</select></label>\n<label>Text <input type=\"search\" name=\"text\" autocomplete=\"off\"></label>\n",
    );
    if !analysis.suppressed.is_empty() {
        let _never = writeln!(
            out,
            "<label><input type=\"checkbox\" name=\"accepted\"> accepted ({})</label>",
            analysis.suppressed.len()
        );
    }
    out.push_str("<output id=\"shown\" class=\"dim\" aria-live=\"polite\"></output>\n</form>\n");
}

struct Page<'a> {
    prefix: &'a str,
    sources: HashMap<&'a str, &'a str>,
}

impl Page<'_> {
    fn article(&self, out: &mut String, finding: &Finding, accepted: Option<&Suppression>) {
        let word = finding.severity.word();
        let mark = if accepted.is_some() {
            " data-accepted"
        } else {
            ""
        };
        let _never = write!(
            out,
            "<article data-severity=\"{word}\" data-rule=\"{rule}\"{mark}>\n\
             <h2><span class=\"severity {word}\">{word}</span> {message}</h2>\n\
             <p class=\"dim\"><code>{place}:{line}</code> {rule} {name}, {sure}, in {surface} code</p>\n",
            rule = escaped(&finding.rule),
            message = prose(&finding.message),
            place = escaped(&format!("{}{}", self.prefix, finding.file)),
            line = finding.line,
            name = if finding.rule == finding.name {
                String::new()
            } else {
                escaped(&finding.name)
            },
            sure = sure(finding),
            surface = finding.surface.word(),
        );
        let source = self
            .sources
            .get(&*finding.file)
            .copied()
            .unwrap_or_default();
        if let Some(excerpt) = excerpt(source, finding) {
            out.push_str("<pre>");
            for (number, line) in (excerpt.line..).zip(excerpt.text.lines()) {
                let _never = writeln!(out, "<b>{number:>5} </b>{}", escaped(line));
            }
            out.push_str("</pre>\n");
        }
        if !finding.related.is_empty() {
            out.push_str("<ol>");
            for step in &finding.related {
                let _never = write!(
                    out,
                    "<li><code>{}:{}</code> {}</li>",
                    escaped(&format!("{}{}", self.prefix, step.file)),
                    step.line,
                    prose(&step.message)
                );
            }
            out.push_str("</ol>\n");
        }
        let _never = writeln!(out, "<p>{}</p>", prose(&finding.fix));
        if let Some(Word::Confirmed(because)) = &finding.probe {
            let _never = writeln!(out, "<p>Confirmed by a run: {}</p>", prose(because));
        }
        let by = match accepted {
            Some(Suppression::Inline { line, reason }) => format!("line {line}: {reason}"),
            Some(Suppression::Baseline) => "known to the baseline".to_owned(),
            Some(Suppression::Refuted { because }) => format!("refuted by a run: {because}"),
            None => String::new(),
        };
        if !by.is_empty() {
            let _never = writeln!(out, "<p><strong>Accepted:</strong> {}</p>", escaped(&by));
        }
        out.push_str("</article>\n");
    }
}

fn sure(finding: &Finding) -> String {
    match (&finding.blocked_by, finding.confidence) {
        (Some(import), _) => format!("unknown without the code of {}", escaped(import)),
        (None, Confidence::Unknown | Confidence::Likely | Confidence::Proved) => {
            format!(
                "{}: {}",
                finding.confidence.word(),
                escaped(finding.because)
            )
        }
    }
}

/// A sentence whose names of the source stand in backquotes.
fn prose(text: &str) -> String {
    let escaped = escaped(text);
    let parts: Vec<&str> = escaped.split('`').collect();
    if parts.len().is_multiple_of(2) {
        // A quote is left open, so none means anything.
        return escaped;
    }
    let mut out = String::with_capacity(escaped.len());
    for (place, part) in parts.into_iter().enumerate() {
        if place.is_multiple_of(2) {
            out.push_str(part);
        } else {
            out.push_str("<code>");
            out.push_str(part);
            out.push_str("</code>");
        }
    }
    out
}

/// As text or as a value in quotes, where it can't be anything else.
pub(super) fn escaped(text: &str) -> String {
    visible(text)
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_stays_a_text() {
        assert_eq!(
            escaped("</pre><script>\"a\"&'b'\u{1b}"),
            "&lt;/pre&gt;&lt;script&gt;&quot;a&quot;&amp;&#39;b&#39;\u{fffd}"
        );
        assert_eq!(
            prose("`<a>` of `b`"),
            "<code>&lt;a&gt;</code> of <code>b</code>"
        );
        assert_eq!(prose("`a` `"), "`a` `");
        assert!(!SCRIPT.contains("</"), "the script would end early");
    }
}
