//! A rule, explained with code that has the fault and code that has it not.

use std::fmt::Write as _;

use crate::finding::Severity;
use crate::rules::{Axis, RULES, Rule};

/// Everything that is said of a rule, in Markdown.
pub fn rule(rule: &Rule) -> String {
    let mut out = format!("{} {}\n\n{}\n\n", rule.id, rule.name, rule.summary);
    let axes: Vec<&str> = rule.axes.iter().map(|axis| axis_name(*axis)).collect();
    let cwe: Vec<String> = rule.cwe.iter().map(|id| format!("CWE-{id}")).collect();
    // Writing to a string can't fail.
    let _never = writeln!(
        out,
        "Severity {}; deducted from {}; {}.\n\n{}\n\nFix: {}",
        rule.severity,
        axes.join(" and "),
        cwe.join(", "),
        rule.why,
        rule.fix
    );
    for fixture in rule.fixtures {
        let language = fixture.language.short();
        for (heading, code) in [
            ("Has the fault", fixture.bad),
            ("Does it well", fixture.good),
        ] {
            let _never = writeln!(out, "\n{heading}:\n```{language}\n{}\n```", code.trim_end());
        }
    }
    out
}

/// One line a rule.
pub fn list() -> String {
    let mut out = String::new();
    for rule in RULES {
        let severity = match rule.severity {
            Severity::High => "high  ",
            Severity::Medium => "medium",
            Severity::Low => "low   ",
            Severity::Info => "info  ",
        };
        let _never = writeln!(
            out,
            "{:<9} {severity} {:<28} {}",
            rule.id, rule.name, rule.summary
        );
    }
    out
}

fn axis_name(axis: Axis) -> &'static str {
    match axis {
        Axis::Security => "security",
        Axis::Reliability => "reliability",
        Axis::Credentials => "credentials",
        Axis::Documentation => "documentation",
    }
}
