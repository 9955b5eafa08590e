//! The scanner accepts exactly what the JSON grammar accepts.

use dropgate_wire::{Direction, Envelope, Limits, Reason, scan};
use proptest::prelude::*;
use serde_json::{Value, json};

const BOTH: [Direction; 2] = [Direction::FromHost, Direction::FromServer];

/// The place at which a value is found invalid, when it stands in a request.
fn fault_in(value: &[u8]) -> Option<Reason> {
    let before = br#"{"jsonrpc":"2.0","id":1,"method":"m","params":{"v":"#;
    let line = [before.as_slice(), value, b"}}"].concat();
    let verdict = BOTH.map(|direction| scan(&line, &Limits::default(), direction).err());
    let verdict = verdict.map(|rejected| rejected.map(|rejected| rejected.reason));
    assert_eq!(verdict[0], verdict[1]);
    let [verdict, _] = verdict;
    verdict.map(|reason| match reason {
        Reason::InvalidJson { at } => Reason::InvalidJson {
            at: at - before.len(),
        },
        Reason::NotUtf8 { at } => Reason::NotUtf8 {
            at: at - before.len(),
        },
        other @ (Reason::Batch
        | Reason::DuplicateKey { .. }
        | Reason::TooDeep { .. }
        | Reason::TooLong { .. }
        | Reason::NotJsonRpc(_)) => other,
    })
}

#[test]
fn valid_values_pass() {
    let rows = [
        "0",
        "-0",
        "12",
        "-1.5",
        "0.0",
        "1e5",
        "1E+5",
        "1.25e-7",
        "123456789012345678901234567890",
        "1e999",
        "true",
        "false",
        "null",
        r#""""#,
        r#""\"\\\/\b\f\n\r\t\u00e9""#,
        r#""\ud83d\ude00""#,
        r#""\ud83d""#,
        r#""\ude00\ud83d""#,
        "\"😀 水 é \u{7f}\"",
        "[]",
        "{}",
        "[ ]",
        "{ }",
        " [1 , [ ] , { \"a\" : { } } ]\t\r\n ",
        "[[[{\"a\":[{}]}]]]",
    ];
    for row in rows {
        assert_eq!(fault_in(row.as_bytes()), None, "{row}");
    }
}

#[test]
fn invalid_values_are_found_where_they_go_wrong() {
    let rows: [(&[u8], usize); 44] = [
        (b"", 0),
        (b"01", 1),
        (b"-", 1),
        (b"-a", 1),
        (b"+1", 0),
        (b".5", 0),
        (b"1.", 2),
        (b"1.e5", 2),
        (b"1e", 2),
        (b"1e+", 3),
        (b"0x10", 1),
        (b"1_000", 1),
        (b"NaN", 0),
        (b"nan", 1),
        (b"Infinity", 0),
        (b"-Infinity", 1),
        (b"tru", 3),
        (b"truE", 3),
        (b"True", 0),
        (b"nul", 3),
        (b"undefined", 0),
        (b"'a'", 0),
        (b"[1,]", 3),
        (b"[,1]", 1),
        (b"[1 2]", 3),
        (b"[1", 1 + 1),
        (b"[1}", 2),
        (b"{\"a\":1,}", 7),
        (b"{,}", 1),
        (b"{\"a\"}", 4),
        (b"{\"a\":}", 5),
        (b"{\"a\" 1}", 5),
        (b"{a:1}", 1),
        (b"{1:1}", 1),
        (b"{\"a\":1]", 6),
        (b"{\"a\":1 \"b\":2}", 7),
        (b"\"a\nb\"", 2),
        (b"\"\t\"", 1),
        (b"\"\0\"", 1),
        (b"\"\\x\"", 2),
        (b"\"\\u12g4\"", 5),
        (b"\"\\u12\"", 5),
        (b"/* c */1", 0),
        (b"1//c", 1),
    ];
    for (row, at) in rows {
        let shown = String::from_utf8_lossy(row);
        assert_eq!(fault_in(row), Some(Reason::InvalidJson { at }), "{shown}");
    }
}

#[test]
fn bytes_outside_utf8_are_found() {
    let rows: [(&[u8], usize); 7] = [
        (b"\"\xff\"", 1),
        (b"\"ok\x80\"", 3),
        (b"\"\xc3\"", 1),
        (b"\"\xc0\xaf\"", 1),
        (b"\"\xed\xa0\x80\"", 1),
        (b"\"\xf5\x80\x80\x80\"", 1),
        (
            "\"é水".as_bytes().split_last().map_or(&[], |(_, cut)| cut),
            3,
        ),
    ];
    for (row, at) in rows {
        assert_eq!(fault_in(row), Some(Reason::NotUtf8 { at }), "{row:?}");
    }
    assert_eq!(
        fault_in("é".as_bytes()),
        Some(Reason::InvalidJson { at: 0 })
    );
    assert_eq!(
        fault_in("\"é\"\u{a0}".as_bytes()),
        Some(Reason::InvalidJson { at: 4 })
    );
}

#[test]
fn nothing_but_space_may_follow_or_precede() {
    let message = r#"{"jsonrpc":"2.0","method":"m"}"#;
    let verdict = |line: String| {
        scan(line.as_bytes(), &Limits::default(), Direction::FromHost)
            .map(|_| ())
            .map_err(|r| r.reason)
    };
    assert_eq!(verdict(format!(" \t{message} \r")), Ok(()));
    let at = message.len();
    for after in ["x", "{}", ",", "\0", "}"] {
        assert_eq!(
            verdict(format!("{message}{after}")),
            Err(Reason::InvalidJson { at })
        );
    }
    assert_eq!(
        verdict(format!("\u{feff}{message}")),
        Err(Reason::InvalidJson { at: 0 })
    );
    assert_eq!(
        verdict(message[..at - 1].to_owned()),
        Err(Reason::InvalidJson { at: at - 1 })
    );
}

#[test]
fn blank_lines_are_blank() {
    for line in ["", " ", "\r", " \t\r\n "] {
        let verdict = scan(line.as_bytes(), &Limits::default(), Direction::FromServer);
        assert!(matches!(verdict, Ok(Envelope::Blank)), "{line:?}");
    }
}

fn any_value() -> impl Strategy<Value = Value> {
    let number = prop_oneof![
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from)
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        number,
        any::<String>().prop_map(Value::from)
    ];
    leaf.prop_recursive(6, 60, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..8)
                .prop_map(|members| members.into_iter().collect::<Value>()),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_serde_json_writes_is_accepted(value in any_value()) {
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": "m", "params": {"v": value}});
        for line in [request.to_string(), serde_json::to_string_pretty(&request).unwrap()] {
            for direction in BOTH {
                prop_assert!(scan(line.as_bytes(), &Limits::default(), direction).is_ok());
            }
        }
    }

    #[test]
    fn changed_messages_get_the_verdict_of_serde_json(value in any_value(), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>()) {
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": "m", "params": {"v": value}});
        let mut line = request.to_string().into_bytes();
        let at = at.index(line.len());
        if cut {
            line.remove(at);
        } else {
            line[at] = byte;
        }
        crate::scan_body::scan_any(&line);
    }

    #[test]
    fn any_bytes_get_the_verdict_of_serde_json(line in prop::collection::vec(any::<u8>(), 0..200)) {
        crate::scan_body::scan_any(&line);
    }
}
