//! The few messages that dropgate writes itself. Each is one line and ends in a line feed.
//!
//! Ids are copied as they were written: pass the bytes of an [`Id`](crate::Id) or of
//! [`Rejected::id`](crate::Rejected::id), since anything else could break the line.

use serde_json::{Value, json};

/// The member of `_meta` that says what became of a call.
pub const OUTCOME: &str = "dev.dropgate/outcome";
/// The member of `_meta` that says that a result was recorded earlier.
pub const REPLAYED: &str = "dev.dropgate/replayed";
/// What dropgate alone says in `_meta` of a result. A server that says it claims what is not its own to say.
pub const OWN_META: [&str; 2] = [OUTCOME, REPLAYED];

/// An error response; `None` writes the id null.
pub fn error(id: Option<&[u8]>, code: i64, message: &str, data: Option<&Value>) -> Vec<u8> {
    let mut error = json!({ "code": code, "message": message });
    if let (Value::Object(members), Some(data)) = (&mut error, data) {
        members.insert("data".to_owned(), data.clone());
    }
    message_with(&[
        b"\"id\":",
        id.unwrap_or(b"null"),
        b",\"error\":",
        error.to_string().as_bytes(),
    ])
}

/// The result of a tool call that says, to the model, that the call failed and what became of it.
pub fn tool_refusal(id: &[u8], text: &str, outcome: &Value) -> Vec<u8> {
    let result = json!({
        "content": [{ "type": "text", "text": text }],
        "isError": true,
        "_meta": { OUTCOME: outcome },
    });
    message_with(&[
        b"\"id\":",
        id,
        b",\"result\":",
        result.to_string().as_bytes(),
    ])
}

/// A response whose `result` or `error` is this JSON, written before.
pub fn response(id: &[u8], part: Part, value: &[u8]) -> Vec<u8> {
    let name: &[u8] = match part {
        Part::Result => b",\"result\":",
        Part::Error => b",\"error\":",
    };
    message_with(&[b"\"id\":", id, name, value])
}

/// Which part of a response says what became of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// `result`
    Result,
    /// `error`
    Error,
}

/// The notification that its receiver may stop working on the request `id`.
pub fn cancelled(id: &[u8], reason: &str) -> Vec<u8> {
    let reason = Value::from(reason).to_string();
    message_with(&[
        b"\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":",
        id,
        b",\"reason\":",
        reason.as_bytes(),
        b"}",
    ])
}

/// A call of a tool without arguments, made by dropgate itself. `meta` is the object `_meta`, where
/// the protocol wants one in every request.
pub fn tool_call(id: &[u8], tool: &str, meta: Option<&[u8]>) -> Vec<u8> {
    let tool = Value::from(tool).to_string();
    let (label, meta) = match meta {
        Some(meta) => (b",\"_meta\":".as_slice(), meta),
        None => (b"".as_slice(), b"".as_slice()),
    };
    message_with(&[
        b"\"id\":",
        id,
        b",\"method\":\"tools/call\",\"params\":{\"name\":",
        tool.as_bytes(),
        b",\"arguments\":{}",
        label,
        meta,
        b"}",
    ])
}

/// A request that asks for nothing but an answer.
pub fn ping(id: &[u8]) -> Vec<u8> {
    message_with(&[b"\"id\":", id, b",\"method\":\"ping\""])
}

/// The notification that the list of tools changed; `subscription` is the id of the request that
/// asked to be told, where the protocol has such requests.
pub fn tools_list_changed(subscription: Option<&[u8]>) -> Vec<u8> {
    const METHOD: &[u8] = b"\"method\":\"notifications/tools/list_changed\"";
    match subscription {
        None => message_with(&[METHOD]),
        Some(id) => message_with(&[
            METHOD,
            b",\"params\":{\"_meta\":{\"io.modelcontextprotocol/subscriptionId\":",
            id,
            b"}}",
        ]),
    }
}

fn message_with(parts: &[&[u8]]) -> Vec<u8> {
    let mut line = b"{\"jsonrpc\":\"2.0\",".to_vec();
    for part in parts {
        line.extend_from_slice(part);
    }
    line.extend_from_slice(b"}\n");
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_carries_code_message_and_data() {
        let line = error(
            Some(b"1.0"),
            -32600,
            "no \"quotes\"\n",
            Some(&json!({ "retry": "safe" })),
        );
        let text = String::from_utf8(line.clone()).unwrap();
        assert!(text.starts_with(r#"{"jsonrpc":"2.0","id":1.0,"error":"#) && text.ends_with("}\n"));
        assert_eq!(text.matches('\n').count(), 1);
        let value: Value = serde_json::from_slice(&line).unwrap();
        let expected =
            json!({"code": -32600, "message": "no \"quotes\"\n", "data": {"retry": "safe"}});
        assert_eq!(value["error"], expected);
    }

    #[test]
    fn a_call_of_our_own_and_a_changed_list() {
        let read = |line: Vec<u8>| serde_json::from_slice::<Value>(&line).unwrap();
        let call = read(tool_call(b"\"p-1\"", "he\"alth", Some(br#"{"a/b":1}"#)));
        let params = json!({"name": "he\"alth", "arguments": {}, "_meta": {"a/b": 1}});
        assert_eq!(
            call,
            json!({"jsonrpc": "2.0", "id": "p-1", "method": "tools/call", "params": params})
        );
        assert_eq!(
            read(tool_call(b"1", "x", None))["params"].get("_meta"),
            None
        );
        let plain = json!({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"});
        assert_eq!(read(tools_list_changed(None)), plain);
        let told = read(tools_list_changed(Some(b"7.0")));
        assert_eq!(
            told["params"]["_meta"],
            json!({"io.modelcontextprotocol/subscriptionId": 7.0})
        );
    }

    #[test]
    fn an_unknown_id_is_null_and_absent_data_is_absent() {
        let value: Value = serde_json::from_slice(&error(None, -32700, "m", None)).unwrap();
        let expected =
            json!({"jsonrpc": "2.0", "id": null, "error": {"code": -32700, "message": "m"}});
        assert_eq!(value, expected);
    }

    #[test]
    fn a_refusal_is_a_tool_error_with_its_outcome() {
        let outcome = json!({ "outcome": "not_executed", "retry": "safe" });
        let line = tool_refusal(br#""a\u0062""#, "draining", &outcome);
        assert!(line.starts_with(br#"{"jsonrpc":"2.0","id":"a\u0062","result":"#));
        let value: Value = serde_json::from_slice(&line).unwrap();
        let expected = json!({
            "content": [{"type": "text", "text": "draining"}],
            "isError": true,
            "_meta": {"dev.dropgate/outcome": outcome},
        });
        assert_eq!(value["result"], expected);
    }

    #[test]
    fn a_response_carries_what_was_written_before() {
        let line = response(b"7", Part::Result, br#"{"content":[]}"#);
        assert_eq!(
            line,
            b"{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"content\":[]}}\n"
        );
        let line = response(b"7", Part::Error, br#"{"code":1}"#);
        assert_eq!(
            line,
            b"{\"jsonrpc\":\"2.0\",\"id\":7,\"error\":{\"code\":1}}\n"
        );
    }

    #[test]
    fn a_cancellation_names_the_request() {
        let line = cancelled(b"123456789012345678901234567890", "shutting down");
        let expected = concat!(
            r#"{"jsonrpc":"2.0","method":"notifications/cancelled","#,
            r#""params":{"requestId":123456789012345678901234567890,"reason":"shutting down"}}"#,
            "\n",
        );
        assert_eq!(String::from_utf8(line).unwrap(), expected);
    }
}
