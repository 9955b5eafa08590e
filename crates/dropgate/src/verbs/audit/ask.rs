//! What is asked of the rules themselves, not of a source.

use std::process::ExitCode;

use dropgate_analyzer::output::{explain, json};
use dropgate_analyzer::{rules, score};

use crate::cli::{AuditArgs, AuditFormat};
use crate::{exit, output};

/// Answers a question about rules or the score; `None` if none was asked.
pub(super) fn answer(args: &AuditArgs) -> Option<ExitCode> {
    if args.explain_score {
        output::print(score::explain());
        return Some(ExitCode::SUCCESS);
    }
    if args.list_rules {
        match args.format {
            AuditFormat::Json => output::print_json(&json::rules()),
            AuditFormat::Text
            | AuditFormat::Sarif
            | AuditFormat::Html
            | AuditFormat::Github
            | AuditFormat::Badge => {
                output::print(&explain::list());
            }
        }
        return Some(ExitCode::SUCCESS);
    }
    let wanted = args.explain.as_deref()?;
    if let Some(rule) = rules::find(wanted) {
        output::print(&explain::rule(rule));
        return Some(ExitCode::SUCCESS);
    }
    output::complain(&unknown(wanted));
    Some(ExitCode::from(exit::USAGE))
}

/// What is said of a name that no rule has.
pub(super) fn unknown(wanted: &str) -> String {
    let nearest = rules::RULES
        .iter()
        .flat_map(|rule| [rule.id, rule.name])
        .max_by(|a, b| strsim::jaro_winkler(a, wanted).total_cmp(&strsim::jaro_winkler(b, wanted)))
        .unwrap_or_default();
    format!(
        "no rule is called {wanted:?}; did you mean {nearest}? `dropgate audit --list-rules` lists all"
    )
}
