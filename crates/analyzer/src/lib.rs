//! Finds lifecycle and fail-secure faults in the source of MCP servers, by flow.
//!
//! Text becomes facts ([`extract`]), facts of a package become a project ([`link`]), rules look at projects ([`rules`]).
#![forbid(unsafe_code)]

pub mod extract;
pub mod facts;
pub mod finding;
