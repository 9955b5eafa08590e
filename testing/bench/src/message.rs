//! The few messages that the two ends exchange.

use std::io::Write as _;

use memchr::memmem;

use crate::plan::Payload;

/// What the host sends first.
pub const INITIALIZE: &str = concat!(
    r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18","#,
    r#""capabilities":{},"clientInfo":{"name":"dropgate-bench","version":"0"}}}"#
);

/// What the host sends when `initialize` was answered.
pub const INITIALIZED: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;

/// No id of a call has more digits; a longer head than this holds its place in every answer that is met.
pub const HEAD_BYTES: usize = 256;

const BEFORE_ID: &[u8] = br#"{"jsonrpc":"2.0","id":"#;
const ECHO: &[u8] = br#","method":"tools/call","params":{"name":"echo","arguments":{"text":""#;
const FILL: &[u8] = br#","method":"tools/call","params":{"name":"fill","arguments":{"size":"#;
const AFTER_TEXT: &[u8] = br#""}}}"#;
const AFTER_SIZE: &[u8] = b"}}}";
const RESULT_KEY: &[u8] = br#","result":"#;
const RESULT: &[u8] = br#","result":{"content":[{"type":"text","text":""#;
const AFTER_RESULT: &[u8] = b"\"}]}}\n";

/// Appends a call, without a line end.
pub fn append_call(out: &mut Vec<u8>, id: u64, payload: Payload) {
    out.extend_from_slice(BEFORE_ID);
    append_number(out, id);
    match payload {
        Payload::Both(size) => {
            out.extend_from_slice(ECHO);
            append_text(out, size);
            out.extend_from_slice(AFTER_TEXT);
        }
        Payload::Answer(size) => {
            out.extend_from_slice(FILL);
            append_number(out, size as u64);
            out.extend_from_slice(AFTER_SIZE);
        }
    }
}

/// Bytes of text that an answer to such a call holds.
pub fn answer_bytes(payload: Payload) -> usize {
    match payload {
        Payload::Both(size) | Payload::Answer(size) => size,
    }
}

/// The id of a successful answer, from its head (and for a relay that writes the id last, its tail).
pub fn answer_id(head: &[u8], tail: &[u8]) -> Option<u64> {
    if let Some((id, rest)) = head.strip_prefix(BEFORE_ID).and_then(split_number)
        && rest.starts_with(RESULT_KEY)
    {
        return leading_number(id);
    }
    memmem::find(head, br#""result""#)?;
    leading_number(after_key(head).or_else(|| after_key(tail))?)
}

/// Appends what the server says to one line of the host; nothing for a notification.
pub fn append_answer(out: &mut Vec<u8>, line: &[u8]) {
    if let Some((id, rest)) = line.strip_prefix(BEFORE_ID).and_then(split_number) {
        let text = rest
            .strip_prefix(ECHO)
            .and_then(|rest| rest.strip_suffix(AFTER_TEXT));
        if let Some(text) = text {
            return append_result(out, id, |out| out.extend_from_slice(text));
        }
        let size = rest.strip_prefix(FILL).and_then(split_number);
        if let Some((size, AFTER_SIZE)) = size {
            let size = leading_number(size).unwrap_or_default();
            return append_result(out, id, |out| {
                append_text(out, usize::try_from(size).unwrap_or_default());
            });
        }
    }
    append_answer_slowly(out, line);
}

/// For members in another order, and every other method.
fn append_answer_slowly(out: &mut Vec<u8>, line: &[u8]) {
    use serde_json::{Value, json};
    let Ok(message) = serde_json::from_slice::<Value>(line) else {
        return;
    };
    let (Some(id), Some(method)) = (message.get("id"), message["method"].as_str()) else {
        return;
    };
    let arguments = &message["params"]["arguments"];
    let result = match (method, message["params"]["name"].as_str()) {
        ("initialize", _) => json!({
            "protocolVersion": message["params"]["protocolVersion"].as_str().unwrap_or("2025-06-18"),
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "dropgate-bench-echo", "version": "0"}
        }),
        ("tools/list", _) => json!({"tools": [
            {"name": "echo", "inputSchema": {"type": "object", "properties": {"text": {"type": "string"}}}},
            {"name": "fill", "inputSchema": {"type": "object", "properties": {"size": {"type": "integer"}}}}
        ]}),
        ("tools/call", Some("fill")) => {
            let size = arguments["size"].as_u64().unwrap_or_default();
            let mut text = Vec::new();
            append_text(&mut text, usize::try_from(size).unwrap_or_default());
            json!({"content": [{"type": "text", "text": String::from_utf8_lossy(&text)}]})
        }
        ("tools/call", _) => json!({"content": [{"type": "text", "text": arguments["text"]}]}),
        _ => json!({}),
    };
    let answer = json!({"jsonrpc": "2.0", "id": id, "result": result});
    // Writing into memory can't fail.
    let _ = writeln!(out, "{answer}");
}

fn append_result(out: &mut Vec<u8>, id: &[u8], text: impl FnOnce(&mut Vec<u8>)) {
    out.extend_from_slice(BEFORE_ID);
    out.extend_from_slice(id);
    out.extend_from_slice(RESULT);
    text(out);
    out.extend_from_slice(AFTER_RESULT);
}

fn append_text(out: &mut Vec<u8>, size: usize) {
    out.resize(out.len() + size, b'x');
}

fn append_number(out: &mut Vec<u8>, number: u64) {
    let mut digits = [0_u8; 20];
    let mut at = digits.len();
    let mut left = number;
    loop {
        at -= 1;
        if let (Some(place), Ok(digit)) = (digits.get_mut(at), u8::try_from(left % 10)) {
            *place = b'0' + digit;
        }
        left /= 10;
        if left == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(at..).unwrap_or_default());
}

fn after_key(text: &[u8]) -> Option<&[u8]> {
    const KEY: &[u8] = br#""id":"#;
    let at = memmem::rfind(text, KEY)?;
    text.get(at + KEY.len()..)
}

fn split_number(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    text.split_at_checked(digits).filter(|_| digits > 0)
}

fn leading_number(text: &[u8]) -> Option<u64> {
    let (digits, _) = split_number(text)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(line: &[u8]) -> String {
        let mut out = Vec::new();
        append_answer(&mut out, line);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_call_gets_its_text_back_on_the_short_way_and_on_the_long_way() {
        for payload in [Payload::Both(5), Payload::Answer(5)] {
            let mut call = Vec::new();
            append_call(&mut call, 907, payload);
            let short = answer(&call);
            let mut spaced = call.clone();
            spaced.push(b' ');
            let long = answer(&spaced);
            for text in [&short, &long] {
                let value: serde_json::Value = serde_json::from_str(text).unwrap();
                assert_eq!(value["result"]["content"][0]["text"], "xxxxx");
                assert_eq!(answer_id(text.as_bytes(), text.as_bytes()), Some(907));
            }
        }
    }

    #[test]
    fn only_a_result_is_an_answer() {
        let rows: [(&[u8], Option<u64>); 5] = [
            (br#"{"jsonrpc":"2.0","id":7,"result":{}}"#, Some(7)),
            (br#"{"result":{"a":1},"jsonrpc":"2.0","id":7}"#, Some(7)),
            (br#"{"jsonrpc":"2.0","id":7,"error":{"code":1}}"#, None),
            (br#"{"jsonrpc":"2.0","id":7,"method":"tools/call"}"#, None),
            (b"no message", None),
        ];
        for (line, expected) in rows {
            assert_eq!(answer_id(line, line), expected);
        }
    }

    #[test]
    fn a_notification_gets_no_answer() {
        assert_eq!(answer(INITIALIZED.as_bytes()), "");
        assert_eq!(answer(b"not json"), "");
    }

    #[test]
    fn the_handshake_is_answered() {
        assert!(answer(INITIALIZE.as_bytes()).contains("\"serverInfo\""));
    }
}
