//! A rule, explained with code that has the fault and code that has it not.

use std::fmt::Write as _;

use crate::finding::Severity;
use crate::rules::{Axis, Fixture, RULES, Rule};

/// Everything that is said of a rule, in Markdown.
pub fn rule(rule: &Rule) -> String {
    let mut out = format!("{} {}\n\n", rule.id, rule.name);
    about(&mut out, rule, rule.fixtures);
    out
}

/// The page of the documentation about all rules, with code in one language each.
pub fn page() -> String {
    let mut out = String::from(
        "# Rules of `dropgate audit`\n\nWhat each rule finds, why it matters and what to do; \
         `dropgate audit --explain RULE` prints the same with code in every language that the rule \
         knows. How findings are weighed, accepted and gated is in [audit.md](audit.md).\n\n\
         | rule | | severity | languages |\n|---|---|---|---|\n",
    );
    for rule in RULES {
        let languages: Vec<&str> = rule
            .fixtures
            .iter()
            .map(|fixture| fixture.language.short())
            .collect();
        let _never = writeln!(
            out,
            "| [{}](#{}) | {} | {} | {} |",
            rule.id,
            rule.id.to_lowercase(),
            rule.summary.replace('|', "\\|"),
            rule.severity,
            languages.join(", ")
        );
    }
    for rule in RULES {
        let _never = write!(out, "\n## {}\n\n`{}`\n\n", rule.id, rule.name);
        let first = rule.fixtures.len().min(1);
        about(&mut out, rule, &rule.fixtures[..first]);
    }
    out
}

fn about(out: &mut String, rule: &Rule, fixtures: &[Fixture]) {
    let axes: Vec<&str> = rule.axes.iter().map(|axis| axis_name(*axis)).collect();
    let cwe: Vec<String> = rule.cwe.iter().map(|id| format!("CWE-{id}")).collect();
    // Writing to a string can't fail.
    let _never = writeln!(
        out,
        "{}\n\nSeverity {}; deducted from {}; {}.\n\n{}\n\nFix: {}",
        rule.summary,
        rule.severity,
        axes.join(" and "),
        cwe.join(", "),
        rule.why,
        rule.fix
    );
    for fixture in fixtures {
        let language = fixture.language.short();
        for (heading, code) in [
            ("Has the fault", fixture.bad),
            ("Does it well", fixture.good),
        ] {
            let _never = writeln!(
                out,
                "\n{heading}:\n\n```{language}\n{}\n```",
                code.trim_end()
            );
        }
    }
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
