//! When two ids are one.

use std::collections::HashSet;

use dropgate_wire::{Id, IdKey, MAX_ID_BYTES};

fn key(raw: &str) -> IdKey {
    Id::parse(raw.as_bytes())
        .unwrap_or_else(|| panic!("{raw} is an id"))
        .key()
}

#[test]
fn spellings_of_one_id_share_a_key() {
    let rows = [
        (r#""ab""#, r#""a\u0062""#),
        (r#""😀""#, r#""\uD83D\ude00""#),
        (r#""/""#, r#""\/""#),
        ("1", "1.0"),
        ("1", "1e0"),
        ("-0", "0"),
        ("-12", "-1.2e1"),
        (
            "123456789012345678901234567890",
            "123456789012345678901234567890",
        ),
        ("1e21", "1000000000000000000000"),
    ];
    for (left, right) in rows {
        assert_eq!(key(left), key(right), "{left} {right}");
    }
}

#[test]
fn different_ids_have_different_keys() {
    let rows = [
        "1",
        r#""1""#,
        "-1",
        "1.5",
        r#""""#,
        r#""a""#,
        r#""A""#,
        r#""\ud83d""#,
        r#""\ud83c""#,
        r#""\ufffd""#,
        "9007199254740992",
        "9007199254740993",
        "9223372036854775807",
        "9223372036854775808",
        "123456789012345678901234567890",
        "123456789012345678901234567891",
        "-123456789012345678901234567890",
        r#""123456789012345678901234567890""#,
        r#""1.0""#,
        r#""1e0""#,
    ];
    let keys: HashSet<_> = rows.iter().map(|raw| key(raw)).collect();
    assert_eq!(keys.len(), rows.len());
}

#[test]
fn keys_are_shown_as_json() {
    let rows = [
        ("1.0", "1"),
        (r#""a\u0062\n""#, r#""ab\n""#),
        ("1.50", "15e-1"),
    ];
    for (raw, shown) in rows {
        assert_eq!(key(raw).to_string(), shown);
    }
}

#[test]
fn only_whole_strings_and_numbers_are_ids() {
    for raw in [
        "", "null", "true", "[1]", "{}", "1 ", " 1", "01", "1,2", "\"a", "a\"", "\"a\"b\"",
        "\"\n\"", "-", "\"\\x\"",
    ] {
        assert!(Id::parse(raw.as_bytes()).is_none(), "{raw}");
    }
    assert!(Id::parse(b"\"\xff\"").is_none());
}

#[test]
fn an_id_has_a_longest_length() {
    let at_limit = format!("\"{}\"", "x".repeat(MAX_ID_BYTES - 2));
    assert_eq!(
        Id::parse(at_limit.as_bytes()).unwrap().raw().len(),
        MAX_ID_BYTES
    );
    assert!(
        Id::parse(
            format!("{at_limit} ")
                .trim()
                .replace("x\"", "xx\"")
                .as_bytes()
        )
        .is_none()
    );
    assert!(Id::parse("1".repeat(MAX_ID_BYTES).as_bytes()).is_some());
    assert!(Id::parse("1".repeat(MAX_ID_BYTES + 1).as_bytes()).is_none());
}
