//! A report of tests as JUnit writes it, which most servers for CI can show: each rule is a test, and each finding one that failed.

use std::fmt::Write as _;

use super::html::escaped;
use crate::analysis::Analysis;
use crate::finding::Finding;
use crate::gate;
use crate::rules::RULES;
use crate::suppress::Suppression;

/// The report; `prefix` stands before paths.
///
/// What is open and reaches gates is a failure, a file that could not be read an error. What is accepted, unknown or in tests is skipped,
/// with the reason. A rule of which nothing is open passes.
pub fn render(analysis: &Analysis, prefix: &str) -> String {
    let mut cases = Cases {
        prefix,
        out: String::new(),
        tests: 0,
        failures: 0,
        errors: 0,
        skipped: 0,
    };
    for rule in RULES {
        if !analysis.findings.iter().any(|one| one.rule == rule.id) {
            cases.passed(rule.id, rule.name);
        }
    }
    for finding in &analysis.findings {
        cases.open(finding);
    }
    for suppressed in &analysis.suppressed {
        let by = match &suppressed.suppression {
            Suppression::Inline { line, reason } => format!("accepted on line {line}: {reason}"),
            Suppression::Baseline => "known to the baseline".to_owned(),
            Suppression::Refuted { because } => format!("refuted by a run: {because}"),
        };
        cases.skip(&suppressed.finding, &by);
    }
    for file in &analysis.unanalysable {
        cases.unread(&file.file, &file.why);
    }
    let counts = format!(
        "tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\"",
        cases.tests, cases.failures, cases.errors, cases.skipped
    );
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"dropgate audit\" {counts}>\n\
         <testsuite name=\"dropgate audit\" {counts}>\n{}</testsuite>\n</testsuites>\n",
        cases.out
    )
}

struct Cases<'a> {
    prefix: &'a str,
    out: String,
    tests: usize,
    failures: usize,
    errors: usize,
    skipped: usize,
}

impl Cases<'_> {
    fn passed(&mut self, rule: &str, name: &str) {
        self.tests += 1;
        // Writing to a string can't fail.
        let _never = writeln!(
            self.out,
            "<testcase classname=\"{}\" name=\"{}\"/>",
            text(rule),
            text(name)
        );
    }

    fn open(&mut self, finding: &Finding) {
        if gate::counts(finding) {
            self.failures += 1;
            let body = format!(
                "<failure type=\"{}\" message=\"{}\">{}</failure>",
                finding.severity,
                text(&finding.message),
                text(&format!(
                    "{}{}:{} ({}, {})\n{}",
                    self.prefix,
                    finding.file,
                    finding.line,
                    finding.severity,
                    finding.confidence.word(),
                    finding.fix
                ))
            );
            self.case(finding, &body);
        } else {
            let why = format!(
                "reaches no gate ({}, in {} code): {}",
                finding.confidence.word(),
                finding.surface.word(),
                finding.message
            );
            self.skip(finding, &why);
        }
    }

    fn skip(&mut self, finding: &Finding, why: &str) {
        self.skipped += 1;
        self.case(finding, &format!("<skipped message=\"{}\"/>", text(why)));
    }

    fn case(&mut self, finding: &Finding, body: &str) {
        self.tests += 1;
        let place = format!("{}{}", self.prefix, finding.file);
        let _never = writeln!(
            self.out,
            "<testcase classname=\"{}\" name=\"{}\" file=\"{}\" line=\"{}\">{body}</testcase>",
            text(&finding.rule),
            text(&format!("{} at {place}:{}", finding.name, finding.line)),
            text(&place),
            finding.line
        );
    }

    fn unread(&mut self, file: &str, why: &str) {
        self.tests += 1;
        self.errors += 1;
        let place = text(&format!("{}{file}", self.prefix));
        let _never = writeln!(
            self.out,
            "<testcase classname=\"not-analysed\" name=\"{place}\" file=\"{place}\"><error message=\"{}\"/></testcase>",
            text(why)
        );
    }
}

/// A text for XML, which has no place for two characters that HTML takes, and in attributes makes line ends blanks.
fn text(raw: &str) -> String {
    escaped(raw)
        .replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")
        .replace('\t', "&#9;")
        .replace('\n', "&#10;")
}
