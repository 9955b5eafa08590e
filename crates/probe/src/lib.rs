//! Black-box lifecycle checks of MCP servers and wrappers.

pub mod servers;
