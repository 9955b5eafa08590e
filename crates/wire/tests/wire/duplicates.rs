//! Keys that are there twice.

use std::time::{Duration, Instant};

use dropgate_wire::{Direction, Limits, Reason, scan};
use proptest::prelude::*;

fn duplicate(line: &str, direction: Direction) -> Option<(String, usize)> {
    match scan(line.as_bytes(), &Limits::default(), direction)
        .err()
        .map(|rejected| rejected.reason)
    {
        None => None,
        Some(Reason::DuplicateKey { key, at }) => Some((key, at)),
        Some(other) => panic!("{other} in {line}"),
    }
}

#[test]
fn twins_are_found_after_unescaping() {
    let rows = [
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"safe","name":"evil"}}"#,
            "name",
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"safe","na\u006de":"evil"}}"#,
            "name",
        ),
        (r#"{"jsonrpc":"2.0","id":1,"method":"x","id":2}"#, "id"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"x","\u0069d":2}"#, "id"),
        (r#"{"jsonrpc":"2.0","id":1,"result":{"":1,"":2}}"#, ""),
        (
            r#"{"jsonrpc":"2.0","id":1,"error":{"code":1,"code":2}}"#,
            "code",
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"result":{"a/b":1,"a\/b":2}}"#,
            "a/b",
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"result":{"😀":1,"\ud83d\ude00":2}}"#,
            "😀",
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"result":{"\ud83d":1,"\uD83D":2}}"#,
            "\u{fffd}\u{fffd}\u{fffd}",
        ),
    ];
    for (line, key) in rows {
        for direction in [Direction::FromHost, Direction::FromServer] {
            assert_eq!(
                duplicate(line, direction).map(|(key, _)| key).as_deref(),
                Some(key),
                "{line}"
            );
        }
    }
}

#[test]
fn the_second_place_is_reported() {
    let line = r#"{"jsonrpc":"2.0","id":1,"result":{"a":1,"a":2}}"#;
    assert_eq!(
        duplicate(line, Direction::FromHost),
        Some(("a".to_owned(), line.rfind("a\"").unwrap()))
    );
}

#[test]
fn deeper_twins_matter_only_from_the_host() {
    let rows = [
        r#"{"jsonrpc":"2.0","id":1,"method":"m","params":{"a":{"b":1,"b":2}}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{"a":[{"b":1,"b":2}]}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":[{"b":1,"b":2}]}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{},"extra":{"b":1,"b":2}}"#,
    ];
    for line in rows {
        assert_eq!(duplicate(line, Direction::FromServer), None, "{line}");
        assert_eq!(
            duplicate(line, Direction::FromHost)
                .map(|(key, _)| key)
                .as_deref(),
            Some("b"),
            "{line}"
        );
    }
}

#[test]
fn the_same_key_in_different_objects_is_fine() {
    let line = r#"{"jsonrpc":"2.0","id":1,"result":{"id":{"id":{"id":1}},"a":[{"id":1},{"id":2}],"b":{"id":3},"c":{"id":4}}}"#;
    assert_eq!(duplicate(line, Direction::FromHost), None);
}

#[test]
fn a_broken_line_is_invalid_before_it_is_a_duplicate() {
    let line = br#"{"jsonrpc":"2.0","id":1,"id":1,"result":{} "#;
    let reason = scan(line, &Limits::default(), Direction::FromHost)
        .unwrap_err()
        .reason;
    assert_eq!(reason, Reason::InvalidJson { at: line.len() });
}

/// A quadratic comparison of these would take minutes.
#[test]
fn very_many_keys_are_not_quadratic() {
    let many = |last: &str| {
        let keys: String = (0..100_000).map(|n| format!("\"k{n}\":0,")).collect();
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"m","params":{{{keys}"{last}":0}}}}"#)
    };
    let start = Instant::now();
    assert_eq!(duplicate(&many("other"), Direction::FromHost), None);
    assert_eq!(
        duplicate(&many("k77777"), Direction::FromHost).unwrap().0,
        "k77777"
    );
    assert_eq!(
        duplicate(&many("k\\u0037"), Direction::FromHost).unwrap().0,
        "k7"
    );
    assert!(
        start.elapsed() < Duration::from_secs(20),
        "{:?}",
        start.elapsed()
    );
}

#[test]
fn the_same_key_very_often_is_not_quadratic() {
    let keys = r#""\u0061":0,"#.repeat(100_000);
    let start = Instant::now();
    let line = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"m","params":{{{keys}"b":0}}}}"#);
    assert_eq!(duplicate(&line, Direction::FromHost).unwrap().0, "a");
    assert!(
        start.elapsed() < Duration::from_secs(20),
        "{:?}",
        start.elapsed()
    );
}

/// Objects of keys from a small alphabet, some escaped, nested a little.
fn crowded() -> impl Strategy<Value = String> {
    let leaf = Just("0".to_owned());
    leaf.prop_recursive(3, 80, 24, |inner| {
        let key = prop_oneof![
            "[a-d]{1,2}",
            "[a-d]{8,10}",
            Just("\\u0061".to_owned()),
            Just("é".to_owned()),
            Just("\\u00e9".to_owned())
        ];
        let member = (key, inner).prop_map(|(key, value)| format!("\"{key}\":{value}"));
        prop::collection::vec(member, 0..24)
            .prop_map(|members| format!("{{{}}}", members.join(",")))
    })
}

proptest! {
    #[test]
    fn a_naive_search_agrees(value in crowded()) {
        let line = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"m","params":{{"v":{value}}}}}"#);
        let expected = crate::scan_body::first_duplicate(line.as_bytes()).unwrap();
        prop_assert_eq!(duplicate(&line, Direction::FromHost).is_some(), expected.is_some());
    }
}
