//! What kind of request a host sends, as far as it matters to the gate.

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `tools/call`: a refusal is a result with `isError`.
    ToolCall,
    /// Content of a resource or prompt: decided on and recorded like a tool that only reads, and
    /// refused by a JSON-RPC error.
    Fetch,
    /// Any other method, whose meaning is the server's: decided on and recorded, and refused by a
    /// JSON-RPC error. It is not timed, counted or tried by a breaker, since it may last as long as
    /// the connection.
    Other,
    /// The protocol itself: passes without a decision; a refusal is a JSON-RPC error.
    Protocol,
}
