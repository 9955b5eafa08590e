//! The messages that the client sends.

use serde_json::{Map, Value, json};

/// The revision that is offered: the newest that every published server of a year knows.
const REVISION: &str = "2025-06-18";

/// Who asked what: each question is asked once, so its id says which it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Id {
    Initialize = 1,
    ToolsList = 2,
    /// The call of the scenario.
    Call = 3,
    /// The request behind the call, whose answer shows that the call was read.
    Behind = 4,
}

impl Id {
    const ALL: [Self; 4] = [Self::Initialize, Self::ToolsList, Self::Call, Self::Behind];

    /// The question with the id that an answer carries, as it was written.
    pub(crate) fn of(raw: &[u8]) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|id| raw == (*id as u8).to_string().as_bytes())
    }
}

/// The methods that are asked for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Method {
    Initialize,
    ToolsList,
    Ping,
    Call {
        tool: String,
        arguments: Map<String, Value>,
    },
}

/// One request.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Question {
    pub(crate) id: Id,
    pub(crate) method: Method,
}

impl Question {
    pub(crate) fn text(&self) -> Vec<u8> {
        let params = match &self.method {
            Method::Initialize => json!({
                "protocolVersion": REVISION,
                "capabilities": {},
                "clientInfo": { "name": "dropgate-probe", "version": env!("CARGO_PKG_VERSION") },
            }),
            Method::ToolsList | Method::Ping => json!({}),
            Method::Call { tool, arguments } => json!({ "name": tool, "arguments": arguments }),
        };
        let id = self.id as u8;
        let message =
            json!({ "jsonrpc": "2.0", "id": id, "method": self.method.name(), "params": params });
        message.to_string().into_bytes()
    }
}

impl Method {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Initialize => "initialize",
            Self::ToolsList => "tools/list",
            Self::Ping => "ping",
            Self::Call { .. } => "tools/call",
        }
    }
}

/// The notification that follows a successful `initialize`.
pub(crate) fn initialized() -> Vec<u8> {
    json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })
        .to_string()
        .into_bytes()
}

/// The answer to a request of the server; `id` as the server wrote it.
pub(crate) fn reply(id: &[u8], method: &str) -> Option<Vec<u8>> {
    let id: Value = serde_json::from_slice(id).ok()?;
    let reply = match method {
        "ping" => json!({ "jsonrpc": "2.0", "id": id, "result": {} }),
        _ => json!({
            "jsonrpc": "2.0",
            "id": id,
            "error": { "code": -32601, "message": format!("this client does not offer {method}") },
        }),
    };
    Some(reply.to_string().into_bytes())
}
