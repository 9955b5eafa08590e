//! Finds lifecycle and fail-secure faults in the source of MCP servers, by flow.
#![forbid(unsafe_code)]
