//! Misbehaving MCP servers, chosen by name.

fn main() {}
