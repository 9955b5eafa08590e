//! Makes MCP servers fail secure and leave nothing behind.

fn main() {}
