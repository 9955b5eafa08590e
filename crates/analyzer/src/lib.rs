//! Finds lifecycle and fail-secure faults in the source of MCP servers, by flow.
//!
//! Text becomes facts ([`extract`]), facts of a package become a project ([`link`]), rules look at projects ([`rules`]).
#![forbid(unsafe_code)]

// What the tests of the crate share with those beside it names the crate as they do.
#[cfg(test)]
extern crate self as dropgate_analyzer;

pub mod analysis;
pub mod baseline;
mod bounded;
mod budget;
pub mod extract;
pub mod facts;
pub mod finding;
pub mod fix;
pub mod gate;
pub mod hints;
pub mod link;
pub mod output;
pub mod probed;
pub mod rules;
pub mod score;
pub mod settings;
pub mod suppress;
pub mod surface;
pub mod user_rules;
pub mod vocabulary;

pub use analysis::{Analysis, AnalysisError, analyze};
pub use settings::Settings;
