//! What kind of request a host sends, as far as it matters to the gate.

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `tools/call`: a refusal is a result with `isError`.
    ToolCall,
    /// Content of a resource or prompt: decided on and recorded like a tool that only reads, and
    /// refused by a JSON-RPC error.
    Fetch,
    /// The protocol itself: passes without a decision; a refusal is a JSON-RPC error.
    Protocol,
}
