//! A report of code quality, as GitLab takes it in merge requests.

use serde::Serialize;

use crate::analysis::{Analysis, Unanalysable};
use crate::finding::{Finding, Severity, fingerprint};

/// One entry of the report.
#[derive(Debug, Serialize)]
pub struct Issue {
    description: String,
    check_name: String,
    fingerprint: String,
    severity: &'static str,
    location: Location,
}

#[derive(Debug, Serialize)]
struct Location {
    path: String,
    lines: Lines,
}

#[derive(Debug, Serialize)]
struct Lines {
    begin: u32,
    end: u32,
}

/// What is open, and each file that could not be read; `prefix` is the path from the repository to the analysed folder, with a
/// slash at its end or empty.
pub fn issues(analysis: &Analysis, prefix: &str) -> Vec<Issue> {
    let findings = analysis.findings.iter().map(|one| finding(one, prefix));
    let unread = analysis.unanalysable.iter().map(|one| unread(one, prefix));
    findings.chain(unread).collect()
}

fn finding(finding: &Finding, prefix: &str) -> Issue {
    Issue {
        description: format!(
            "{} ({}): {}. {}",
            finding.name,
            finding.confidence.word(),
            finding.message,
            finding.fix
        ),
        check_name: finding.rule.to_string(),
        fingerprint: finding.fingerprint.clone(),
        severity: match finding.severity {
            Severity::High => "critical",
            Severity::Medium => "major",
            Severity::Low => "minor",
            Severity::Info => "info",
        },
        location: Location {
            path: format!("{prefix}{}", finding.file),
            lines: Lines {
                begin: finding.line,
                end: finding.end_line.max(finding.line),
            },
        },
    }
}

/// Whoever looks at the report alone must not take a file for clean that nobody read.
fn unread(file: &Unanalysable, prefix: &str) -> Issue {
    const NAME: &str = "not-analysed";
    Issue {
        description: format!("not analysed: {}", file.why),
        check_name: NAME.to_owned(),
        fingerprint: fingerprint(NAME, &file.file, "", &file.why, 1),
        severity: "blocker",
        location: Location {
            path: format!("{prefix}{}", file.file),
            lines: Lines { begin: 1, end: 1 },
        },
    }
}
