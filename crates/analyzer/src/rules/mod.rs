//! The rules: each one file, with everything that is said of it and the sources that prove it.

#[macro_use]
mod fixtures;
mod audit;
mod auth;
mod credential;
mod doc;
mod effects;
mod err;
mod ground;
mod io;
mod life;
mod outbound;
mod report;
mod resource;
mod suppression;
mod time;

pub use fixtures::Fixture;
pub use report::{At, Report};

use crate::facts::Language;
use crate::finding::Severity;
use crate::link::Project;

/// A rule.
#[derive(Debug)]
pub struct Rule {
    /// `LIFE-001`.
    pub id: &'static str,
    /// `missing-sigterm-handler`.
    pub name: &'static str,
    /// Of a finding, unless the finding says another.
    pub severity: Severity,
    /// What it is deducted from; the first is the main one.
    pub axes: &'static [Axis],
    /// Numbers of the Common Weakness Enumeration.
    pub cwe: &'static [u16],
    /// One sentence: what is wrong.
    pub summary: &'static str,
    /// Why it matters, in plain words; Markdown.
    pub why: &'static str,
    /// What to do.
    pub fix: &'static str,
    /// Sources that prove it, one row per language; [`fixtures!`] makes them, and does not build without files.
    pub fixtures: &'static [Fixture],
    /// Looks at a project.
    pub check: fn(&Project<'_>, &mut Report<'_>),
}

impl Rule {
    /// Whether there are sources that prove it in a language; in others it says nothing.
    pub fn speaks(&self, language: Language) -> bool {
        self.fixtures
            .iter()
            .any(|fixture| fixture.language == language)
    }
}

/// What a deduction is taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Axis {
    /// Security.
    Security,
    /// Reliability.
    Reliability,
    /// Credentials.
    Credentials,
    /// Documentation.
    Documentation,
}

/// Every rule, in the order of the catalogue.
pub const RULES: &[&Rule] = &[
    &life::missing_sigterm::RULE,
    &life::exit_without_drain::RULE,
    &life::sigint_only::RULE,
    &life::stdin_eof::RULE,
    &life::signal_swallowed::RULE,
    &life::unbounded_drain::RULE,
    &life::drain_accepting::RULE,
    &life::exit_hook::RULE,
    &life::child_not_killed::RULE,
    &io::defer_skipped::RULE,
    &io::rejection::RULE,
    &life::competing::RULE,
    &audit::buffer::RULE,
    &audit::log_buffer::RULE,
    &audit::telemetry::RULE,
    &resource::pool::RULE,
    &credential::not_cleared::RULE,
    &credential::lease::RULE,
    &credential::logged::RULE,
    &credential::inherited::RULE,
    &auth::catch_permits::RULE,
    &auth::truthy::RULE,
    &auth::timeout::RULE,
    &auth::default_allow::RULE,
    &auth::unawaited::RULE,
    &auth::breaker::RULE,
    &err::stack_to_caller::RULE,
    &err::message_to_caller::RULE,
    &err::swallowed::RULE,
    &err::success::RULE,
    &outbound::no_breaker::RULE,
    &outbound::no_timeout::RULE,
    &time::cancel::RULE,
    &outbound::unsafe_retry::RULE,
    &time::all_or_nothing::RULE,
    &time::degraded::RULE,
    &outbound::stdout_pollution::RULE,
    &io::signal_work::RULE,
    &doc::annotations::RULE,
    &SUPPRESSION,
];

/// The rule about comments that ignore findings.
pub const SUPPRESSION: Rule = suppression::RULE;

/// The rule with an id or name.
pub fn find(id: &str) -> Option<&'static Rule> {
    RULES
        .iter()
        .find(|rule| rule.id.eq_ignore_ascii_case(id) || rule.name == id)
        .copied()
}
