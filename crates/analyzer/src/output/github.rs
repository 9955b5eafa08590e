//! Annotations, as the log of a GitHub workflow takes them.

use std::fmt::Write as _;

use super::visible;
use crate::analysis::Analysis;
use crate::finding::{Finding, Severity};

/// One line a finding and a file that could not be read; `prefix` is the path from the repository to the analysed folder, with a slash at its end or empty.
pub fn render(analysis: &Analysis, prefix: &str) -> String {
    let mut out = String::new();
    for finding in &analysis.findings {
        annotate(&mut out, finding, prefix);
    }
    for file in &analysis.unanalysable {
        // Writing to a string can't fail.
        let _never = writeln!(
            out,
            "::error file={},title=Not analysed::{}",
            property(&format!("{prefix}{}", file.file)),
            data(&file.why)
        );
    }
    out
}

fn annotate(out: &mut String, finding: &Finding, prefix: &str) {
    let command = match finding.severity {
        Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "notice",
    };
    let title = format!(
        "{} {} ({}, {})",
        finding.rule,
        finding.name,
        finding.severity,
        finding.confidence.word()
    );
    let message = format!("{}\n{}", finding.message, finding.fix);
    let _never = writeln!(
        out,
        "::{command} file={},line={},endLine={},title={}::{}",
        property(&format!("{prefix}{}", finding.file)),
        finding.line,
        finding.end_line.max(finding.line),
        property(&title),
        data(&message)
    );
}

/// What stands after `::`, on one line.
fn data(text: &str) -> String {
    visible(text).replace('%', "%25").replace('\n', "%0A")
}

/// A value before `::`, which ends at a comma or colon.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_can_not_end_its_annotation_or_begin_another() {
        assert_eq!(
            property("a,b:c\n::error::x"),
            "a%2Cb%3Ac%0A%3A%3Aerror%3A%3Ax"
        );
        assert_eq!(data("50%\n"), "50%25%0A");
        assert_eq!(data("a\r\u{1b}[2J"), "a\u{fffd}\u{fffd}[2J");
    }
}
