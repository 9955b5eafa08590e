//! Newline framing, strict scan and borrowed envelopes of JSON-RPC messages.
