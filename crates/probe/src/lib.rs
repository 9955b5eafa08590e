//! Black-box lifecycle checks of MCP servers and wrappers.
