//! The event loop between a host and an MCP server.
