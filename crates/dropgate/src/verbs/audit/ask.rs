//! What is asked of the rules themselves, not of a source.

use dropgate_analyzer::output::{explain, json};
use dropgate_analyzer::{rules, score};

use super::Stop;
use super::plan;
use crate::cli::{AuditArgs, AuditFormat};
use crate::output;

/// Whether something was asked for that takes no source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// It was, and is answered.
    Answered,
    /// A source is to be judged.
    Nothing,
}

/// Answers a question about rules, the score or the output.
///
/// # Errors
/// When no rule has the name, or rules of the user's own can't be read.
pub(super) fn answer(args: &AuditArgs) -> Result<Asked, Stop> {
    if args.explain_score {
        output::print(score::explain());
        return Ok(Asked::Answered);
    }
    if args.schema {
        output::print(&json::schema());
        return Ok(Asked::Answered);
    }
    if args.list_rules {
        list(args)?;
        return Ok(Asked::Answered);
    }
    let Some(wanted) = args.explain.as_deref() else {
        return Ok(Asked::Nothing);
    };
    if let Some(rule) = rules::find(wanted) {
        output::print(&explain::rule(rule));
        return Ok(Asked::Answered);
    }
    let own = plan::user_rules(args)?;
    match own.explain(wanted) {
        Some(text) => output::print(&text),
        None => return Err(Stop::Usage(unknown(wanted))),
    }
    Ok(Asked::Answered)
}

fn list(args: &AuditArgs) -> Result<(), Stop> {
    let own = plan::user_rules(args)?;
    match args.format {
        AuditFormat::Json => output::print_json(&json::rules(&own)),
        AuditFormat::Text
        | AuditFormat::Sarif
        | AuditFormat::Html
        | AuditFormat::Github
        | AuditFormat::Gitlab
        | AuditFormat::Junit
        | AuditFormat::Badge
        | AuditFormat::BadgeSvg => {
            output::print(&format!("{}{}", explain::list(), own.list()));
        }
    }
    Ok(())
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
