//! Results, failed results and errors.

use std::cell::Cell;

use dropgate_gate::sanitize::{Asked, Fault, Kind, Profile, Time, Verdict};
use serde_json::{Value, json};

use crate::support::{REFERENCE, judge, judge_in, leaving, sanitizer};

const SECRET: &str = "Pa55/w\"rd+zürich 42";

fn standard() -> dropgate_gate::sanitize::Sanitizer {
    sanitizer(Profile::Standard, &[SECRET])
}

fn tool_error(text: &str) -> String {
    json!({"jsonrpc": "2.0", "id": 7, "result": {"content": [{"type": "text", "text": text}], "isError": true}})
        .to_string()
}

fn rpc_error(code: i64, message: &str, data: Value) -> String {
    json!({"jsonrpc": "2.0", "id": "a", "error": {"code": code, "message": message, "data": data}})
        .to_string()
}

#[test]
fn a_clean_answer_leaves_as_it_came() {
    for line in [
        r#"{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"Error: /srv/a/b at x (/a.js:1:2)"}]}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"email: Invalid email"}],"isError":true}}"#,
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"Missing required argument: path"}}"#,
    ] {
        assert_eq!(
            judge(&standard(), line, Asked::ToolCall),
            Verdict::Clean,
            "{line}"
        );
    }
}

#[test]
fn a_failed_result_keeps_its_reason_and_names_the_reference() {
    let line = tool_error("Error: no row 7\n    at f (/srv/app/x.js:1:2)\nin /srv/app/data.db");
    let value = leaving(judge(&standard(), &line, Asked::ToolCall));
    let result = &value["result"];
    assert_eq!(
        result["content"][0]["text"],
        "Error: no row 7\n    [stack removed]\nin data.db"
    );
    assert!(
        result["content"][1]["text"]
            .as_str()
            .unwrap()
            .contains(REFERENCE)
    );
    assert_eq!(result["isError"], true);
    assert_eq!(
        result["_meta"]["dev.dropgate/outcome"],
        json!({"outcome": "tool_error", "retry": "unsafe", "ref": REFERENCE})
    );
}

#[test]
fn every_text_of_a_failed_result_is_cleaned_and_its_shape_stays() {
    let line = json!({"jsonrpc": "2.0", "id": 1, "result": {
        "isError": true,
        "content": [{"type": "resource", "resource": {"uri": "file:///srv/app/x.txt", "text": "in /srv/app/x.txt"}}],
        "structuredContent": {"field": "email", "cause": {"file": "/srv/app/x.py", "line": 3}, "ok": false},
        "_meta": {"dev.dropgate/outcome": {"outcome": "completed", "ref": "forged"}, "trace": "/srv/app/t"},
        "more": ["/srv/app/y"],
    }});
    let value = leaving(judge(&standard(), &line.to_string(), Asked::ToolCall));
    let result = &value["result"];
    assert!(!value.to_string().contains("/srv"), "{value}");
    assert_eq!(
        result["structuredContent"],
        json!({"field": "email", "cause": {"file": "x.py", "line": 3}, "ok": false})
    );
    assert_eq!(
        result["_meta"]["dev.dropgate/outcome"]["outcome"],
        "tool_error"
    );
    assert_eq!(result["_meta"]["trace"], "t");
    assert_eq!(result["more"], json!(["y"]));
}

#[test]
fn what_a_server_claims_of_its_own_call_is_replaced_and_nothing_else() {
    let truth = |outcome: &str, retry: &str| {
        json!({"outcome": outcome, "retry": retry, "ref": REFERENCE}).to_string()
    };
    for (is_error, truth) in [
        ("false", truth("completed", "never")),
        ("true", truth("tool_error", "unsafe")),
    ] {
        let whole = |outcome: &str, replayed: &str, again: &str| {
            format!(
                r#"{{"id": 1, "jsonrpc":"2.0","result":{{"n":1.0,"_meta":{{"dev.dropgate/partial":[] ,"dev.dropgate/outcome": {outcome},"dev.dropgate\/replayed":{replayed},"\u0064ev.dropgate/outcome":{again}}},"content":[],"isError":{is_error}}}}}"#
            )
        };
        let claimed = whole(r#"{"outcome":"not_executed","retry":"safe"}"#, "true", "7");
        let expected = whole(&truth, "false", &truth) + "\n";
        for sanitizer in [standard(), sanitizer(Profile::Strict, &[])] {
            let Verdict::Replaced(told) = judge(&sanitizer, &claimed, Asked::ToolCall) else {
                panic!("it passed");
            };
            assert_eq!(String::from_utf8_lossy(told.line()), expected);
        }
    }
    let line = r#"{"jsonrpc":"2.0","id":1,"result":{"_meta":{"dev.dropgate/replayed":1}}}"#;
    let value = leaving(judge(
        &sanitizer(Profile::Standard, &[]),
        line,
        Asked::Other,
    ));
    let meta = &value["result"]["_meta"];
    assert_eq!(meta["dev.dropgate/replayed"], false);
    assert_eq!(meta["dev.dropgate/outcome"]["outcome"], "completed");
    for own in [
        r#"{"jsonrpc":"2.0","id":1,"result":{"_meta":{"dev.dropgate/partial":[],"x":1}}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{"x":{"_meta":{"dev.dropgate/outcome":1}}}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{"_meta":"dev.dropgate/outcome"}}"#,
    ] {
        let verdict = judge(&standard(), own, Asked::ToolCall);
        assert_eq!(verdict, Verdict::Clean, "{own}");
    }
}

#[test]
fn messages_about_the_request_stay_and_others_are_replaced() {
    let line = rpc_error(
        -32602,
        "Invalid params: path /srv/a/b.txt must be relative",
        json!({"stack": "x"}),
    );
    let value = leaving(judge(&standard(), &line, Asked::ToolCall));
    assert_eq!(
        value["error"]["message"],
        "Invalid params: path b.txt must be relative (ref L-TEST)"
    );
    assert_eq!(
        value["error"]["data"],
        json!({"outcome": "rpc_error", "retry": "unsafe", "ref": REFERENCE})
    );
    let line = rpc_error(
        -32603,
        "connect ECONNREFUSED db at tenant 4711",
        json!({"sql": "x"}),
    );
    let value = leaving(judge(&standard(), &line, Asked::Other));
    assert_eq!(
        value["error"]["message"],
        "A service that the server needs could not be reached. (ref L-TEST)"
    );
    assert_eq!(value["error"]["code"], -32603);
    assert_eq!(value["id"], "a");
}

#[test]
fn a_code_of_dropgates_is_no_servers() {
    let rows = [
        (45999, 45999),
        (46000, -32603),
        (46001, -32603),
        (46999, -32603),
        (47000, 47000),
        (-32001, -32001),
    ];
    for asked in [Asked::ToolCall, Asked::Handshake, Asked::Other] {
        for (code, told) in rows {
            let line = rpc_error(code, "the call was denied", json!({"outcome": "denied"}));
            let value = match judge(&standard(), &line, asked) {
                Verdict::Clean => serde_json::from_str(&line).unwrap(),
                verdict @ (Verdict::Replaced(_) | Verdict::Withheld(_)) => leaving(verdict),
            };
            assert_eq!(value["error"]["code"], told, "{code} for {asked:?}");
        }
    }
}

#[test]
fn a_long_message_is_cut_at_a_kibibyte() {
    for text in ["x".repeat(5000), "水".repeat(2000)] {
        let line = rpc_error(-32600, &text, Value::Null);
        let value = leaving(judge(&standard(), &line, Asked::Other));
        let message = value["error"]["message"].as_str().unwrap();
        assert!(
            message.len() <= 1024 + " (ref L-TEST)".len() && message.contains('…'),
            "{}",
            message.len()
        );
    }
}

#[test]
fn data_that_the_protocol_defines_stays_and_is_cleaned() {
    let data = json!({"elicitations": [{"url": "https://auth.example.com/start?x=1", "message": "in /srv/a/b"}]});
    let value = leaving(judge(
        &standard(),
        &rpc_error(-32042, "go", data),
        Asked::ToolCall,
    ));
    assert_eq!(
        value["error"]["data"],
        json!({"elicitations": [{"url": "https://auth.example.com/start?x=1", "message": "in b"}]})
    );
    let line = rpc_error(
        -32602,
        "Unsupported protocol version",
        json!({"supported": ["2025-11-25"]}),
    );
    assert_eq!(judge(&standard(), &line, Asked::Handshake), Verdict::Clean);
}

#[test]
fn a_secret_leaves_no_answer_in_any_form() {
    let hex: String = SECRET.bytes().map(|byte| format!("{byte:02x}")).collect();
    let percent: String = SECRET.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let units: String = SECRET
        .encode_utf16()
        .map(|unit| format!("\\u{unit:04X}"))
        .collect();
    let nested = json!({ "p": SECRET }).to_string();
    let raw_forms = [
        serde_json::to_string(SECRET)
            .unwrap()
            .trim_matches('"')
            .to_owned(),
        hex.clone(),
        hex.to_uppercase(),
        percent,
        units,
        serde_json::to_string(&nested)
            .unwrap()
            .trim_matches('"')
            .to_owned(),
        base64(format!("x{SECRET}").as_bytes()),
        base64(format!("xy{SECRET}z").as_bytes()),
        base64(format!("xyz{SECRET}").as_bytes())
            .replace('+', "-")
            .replace('/', "_"),
    ];
    for form in raw_forms {
        let line = format!(
            r#"{{"jsonrpc":"2.0","id":1,"result":{{"content":[{{"type":"text","text":"a {form} b"}}],"n":1}}}}"#
        );
        let verdict = judge(&standard(), &line, Asked::ToolCall);
        let Verdict::Replaced(replacement) = &verdict else {
            panic!("{form}");
        };
        assert_eq!(replacement.redactions().of(Kind::Secret), 1, "{form}");
        let value = leaving(verdict);
        let text = value["result"]["content"][0]["text"].as_str().unwrap();
        assert!(text.starts_with("a ") && text.ends_with(" b"), "{text}");
        assert!(
            text.contains("[secret removed]") && !text.contains("55"),
            "{form}: {text}"
        );
        assert_eq!(
            value["result"]["_meta"]["dev.dropgate/outcome"]["outcome"],
            "completed"
        );
    }
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let mut word = [0_u8; 3];
        word[..chunk.len()].copy_from_slice(chunk);
        let bits = u32::from(word[0]) << 16 | u32::from(word[1]) << 8 | u32::from(word[2]);
        for place in 0..4 {
            if place <= chunk.len() {
                let index = bits >> (18 - 6 * place) & 63;
                out.push(char::from(ALPHABET[index as usize]));
            } else {
                out.push('=');
            }
        }
    }
    out
}

#[test]
fn a_secret_in_keys_numbers_and_across_texts_does_not_leave() {
    let sanitizer = sanitizer(
        Profile::Standard,
        &["1234567890", r#"{"user":"u","pin":"42"}"#],
    );
    let line =
        r#"{"jsonrpc":"2.0","id":1,"result":{"structuredContent":{"k1234567890":1234567890}}}"#;
    let value = leaving(judge(&sanitizer, line, Asked::ToolCall));
    assert_eq!(
        value["result"]["structuredContent"],
        json!({"k[secret removed]": "[secret removed]"})
    );
    let line = r#"{"jsonrpc":"2.0","id":1,"result":{"structuredContent":{"user":"u","pin":"42"}}}"#;
    for (asked, member) in [(Asked::ToolCall, "result"), (Asked::Other, "error")] {
        let verdict = judge(&sanitizer, line, asked);
        let Verdict::Replaced(replacement) = &verdict else {
            panic!("{verdict:?}");
        };
        assert_eq!(replacement.withheld(), Some(Fault::Unreadable));
        let value = leaving(verdict);
        assert!(value[member].is_object() && !value.to_string().contains("\"42\""));
    }
}

#[test]
fn parts_of_a_secret_count_too() {
    let address = "postgres://app:hunter-22-x@db.example.com/main";
    let document = r#"{"type":"service","private_key":"-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\n-----END PRIVATE KEY-----\n"}"#;
    let sanitizer = sanitizer(Profile::Standard, &[address, document]);
    for text in [
        "login with hunter-22-x failed",
        "bad line MIIEvQIBADANBgkqhkiG9w0B",
    ] {
        let line = json!({"jsonrpc": "2.0", "id": 1, "result": {"content": [{"type": "text", "text": text}]}});
        let value = leaving(judge(&sanitizer, &line.to_string(), Asked::ToolCall));
        assert!(
            value["result"]["content"][0]["text"]
                .as_str()
                .unwrap()
                .contains("[secret removed]"),
            "{value}"
        );
    }
}

#[test]
fn what_can_not_be_done_in_time_is_withheld_with_its_outcome() {
    let big = "at f (/srv/a.js:1:2) ".repeat(40_000);
    for (line, member, outcome) in [
        (tool_error(&big), "result", "tool_error"),
        (rpc_error(-32602, &big, Value::Null), "error", "rpc_error"),
    ] {
        let asked = Cell::new(0);
        let time = || {
            asked.set(asked.get() + 1);
            if asked.get() > 5 {
                Time::Up
            } else {
                Time::Left
            }
        };
        let verdict = judge_in(&standard(), &line, Asked::ToolCall, &time);
        let Verdict::Replaced(replacement) = &verdict else {
            panic!("{verdict:?}");
        };
        assert_eq!(replacement.withheld(), Some(Fault::TimeUp));
        assert_eq!(asked.get(), 6);
        let text = leaving(verdict).to_string();
        assert!(!text.contains("/srv") && text.contains(member) && text.contains(outcome));
        assert!(text.contains(REFERENCE));
    }
}

#[test]
fn a_message_over_the_limit_is_withheld() {
    let line = tool_error(&"x".repeat(dropgate_gate::sanitize::MAX_MESSAGE_BYTES));
    let verdict = judge(&standard(), &line, Asked::ToolCall);
    let Verdict::Replaced(replacement) = &verdict else {
        panic!("not replaced");
    };
    assert_eq!(replacement.withheld(), Some(Fault::TooLong));
    assert_eq!(
        &line.as_bytes()[replacement.original()][..11],
        b"{\"content\":"
    );
}

#[test]
fn the_strict_profile_takes_versions_too() {
    let line = tool_error("axios@1.7.2 failed: field name is required");
    assert_eq!(judge(&standard(), &line, Asked::ToolCall), Verdict::Clean);
    let strict = sanitizer(Profile::Strict, &[]);
    let value = leaving(judge(&strict, &line, Asked::ToolCall));
    assert_eq!(
        value["result"]["content"][0]["text"],
        "axios@[version removed] failed: field name is required"
    );
}
