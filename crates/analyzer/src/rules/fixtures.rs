//! Sources that prove a rule: `tests/fixtures/LANGUAGE/RULE/{bad,good,near_miss}.EXTENSION`.
//!
//! `bad` must give a finding of the rule on every line that carries the comment `FINDING`; `good` does the same thing well and
//! `near_miss` looks like the fault but is none: both must give no finding of the rule. Further files beginning with these words may stand beside them.

use crate::facts::Language;

/// The sources of one rule in one language.
#[derive(Debug)]
pub struct Fixture {
    /// Of which language.
    pub language: Language,
    /// Has the fault.
    pub bad: &'static str,
    /// Does it well.
    pub good: &'static str,
    /// Looks like the fault.
    pub near_miss: &'static str,
}

/// Rows of fixtures: `fixtures!("LIFE-001": ts, py, rs, go)`.
macro_rules! fixtures {
    ($rule:literal: $($language:ident),+) => {
        &[$(fixtures!(@one $rule, $language)),+]
    };
    (@one $rule:literal, ts) => { fixtures!(@row $rule, TypeScript, "ts") };
    (@one $rule:literal, py) => { fixtures!(@row $rule, Python, "py") };
    (@one $rule:literal, rs) => { fixtures!(@row $rule, Rust, "rs") };
    (@one $rule:literal, go) => { fixtures!(@row $rule, Go, "go") };
    (@row $rule:literal, $language:ident, $short:literal) => {
        $crate::rules::Fixture {
            language: $crate::facts::Language::$language,
            bad: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/", $short, "/", $rule, "/bad.", $short)),
            good: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/", $short, "/", $rule, "/good.", $short)),
            near_miss: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/", $short, "/", $rule, "/near_miss.", $short)),
        }
    };
}
