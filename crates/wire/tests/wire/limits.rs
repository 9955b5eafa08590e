//! Each limit at the limit and one over.

use dropgate_wire::{Direction, Limits, MAX_ID_BYTES, Reason, Shape, scan, too_long};

const BOTH: [Direction; 2] = [Direction::FromHost, Direction::FromServer];

fn reason(line: &str, limits: &Limits, direction: Direction) -> Option<Reason> {
    scan(line.as_bytes(), limits, direction)
        .err()
        .map(|rejected| rejected.reason)
}

/// A request whose params are `levels` deep; the message itself is one more.
fn deep(open: &str, close: &str, levels: usize) -> String {
    let inner = format!("{}{}", open.repeat(levels - 1), close.repeat(levels - 1));
    let value = if inner.is_empty() { "0" } else { &inner };
    format!(
        r#"{{"jsonrpc":"2.0","method":"m","params":{{"v":{}}},"id":9}}"#,
        value.replace(":}", ":0}")
    )
}

#[test]
fn depth() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("[{\"a\":", "}]")] {
        let per_unit = if open.starts_with("[{") { 2 } else { 1 };
        for direction in BOTH {
            for max in [2_u16, 3, 64, 65, 127, 128, 129, 191, 192, 193, 1000] {
                let limits = Limits {
                    max_depth: max,
                    ..Limits::default()
                };
                let units = (usize::from(max) - 2) / per_unit;
                let depth = 2 + units * per_unit;
                let fits = deep(open, close, units + 1);
                assert_eq!(reason(&fits, &limits, direction), None, "{depth} of {max}");
                let over = Limits {
                    max_depth: u16::try_from(depth - 1).unwrap(),
                    ..Limits::default()
                };
                let rejected = scan(fits.as_bytes(), &over, direction).unwrap_err();
                assert_eq!(
                    rejected.reason,
                    Reason::TooDeep {
                        max: over.max_depth
                    }
                );
                assert_eq!(rejected.id.as_deref(), Some(b"9".as_slice()));
            }
        }
    }
}

#[test]
fn a_million_brackets_are_refused_without_recursion() {
    let line = "[".repeat(1 << 20);
    assert_eq!(
        reason(&line, &Limits::default(), Direction::FromHost),
        Some(Reason::TooDeep { max: 128 })
    );
    let deepest = Limits {
        max_depth: u16::MAX,
        ..Limits::default()
    };
    assert_eq!(
        reason(&line, &deepest, Direction::FromServer),
        Some(Reason::TooDeep { max: u16::MAX })
    );
    let closed = format!("{}{}", "[".repeat(65_535), "]".repeat(65_535));
    assert_eq!(
        reason(&closed, &deepest, Direction::FromHost),
        Some(Reason::Batch)
    );
    let none = Limits {
        max_depth: 0,
        ..Limits::default()
    };
    assert_eq!(
        reason("{}", &none, Direction::FromHost),
        Some(Reason::TooDeep { max: 0 })
    );
}

#[test]
fn size() {
    let line = r#"{"jsonrpc":"2.0","id":"x","method":"m"}"#;
    let at_limit = Limits {
        max_bytes: line.len(),
        ..Limits::default()
    };
    let under = Limits {
        max_bytes: line.len() - 1,
        ..Limits::default()
    };
    for direction in BOTH {
        assert_eq!(reason(line, &at_limit, direction), None);
        let rejected = scan(line.as_bytes(), &under, direction).unwrap_err();
        assert_eq!(
            rejected.reason,
            Reason::TooLong {
                max: line.len() - 1
            }
        );
        assert_eq!(rejected.id.as_deref(), Some(br#""x""#.as_slice()));
    }
}

#[test]
fn ids() {
    let line = |length: usize| {
        format!(
            r#"{{"jsonrpc":"2.0","id":"{}","method":"m"}}"#,
            "i".repeat(length - 2)
        )
    };
    assert_eq!(
        reason(&line(MAX_ID_BYTES), &Limits::default(), Direction::FromHost),
        None
    );
    let over = scan(
        line(MAX_ID_BYTES + 1).as_bytes(),
        &Limits::default(),
        Direction::FromHost,
    )
    .unwrap_err()
    .reason;
    assert!(matches!(over, Reason::NotJsonRpc(_)), "{over}");
}

#[test]
fn five_mebibytes_of_every_kind_of_text() {
    for unit in ["plain ", "\\n\\\"", "😀", "水é", "\\ud83d\\ude00"] {
        let text = unit.repeat((5 << 20) / unit.len());
        let line = format!(
            r#"{{"jsonrpc":"2.0","id":1,"result":{{"content":[{{"type":"text","text":"{text}"}}]}}}}"#
        );
        for direction in BOTH {
            assert_eq!(reason(&line, &Limits::default(), direction), None);
            let cut = format!("{}\u{1}\"}}]}}}}", &line[..line.len() - 5]);
            let at = line.len() - 5;
            assert_eq!(
                reason(&cut, &Limits::default(), direction),
                Some(Reason::InvalidJson { at })
            );
        }
    }
}

#[test]
fn the_id_of_a_line_that_is_too_long_is_found_at_its_start_or_its_end() {
    let start = format!(
        r#"{{"jsonrpc":"2.0","id":7,"method":"m","params":{{"t":"{}"#,
        "x".repeat(5000)
    );
    let method_first = format!(r#"{{"method":"m","params":{{"t":"{}"#, "x".repeat(5000));
    let limits = Limits {
        max_bytes: 6000,
        max_depth: 128,
    };
    let rows = [
        (format!("{}{}", &start[..4096], "xx"), Some("7")),
        (start[..4096].to_owned(), Some("7")),
        (
            format!(r#"{}"}},"jsonrpc":"2.0","id":8}}"#, &method_first[..4096]),
            Some("8"),
        ),
        (
            format!(r#"{}"}} , "id" : "a b" }} "#, &method_first[..4096]),
            Some(r#""a b""#),
        ),
        (
            format!(r#"{}"}},"id":"a\"b"}}"#, &method_first[..4096]),
            None,
        ),
        (format!(r#"{},"id":8}}}}"#, &method_first[..4096]), None),
        (format!(r#"{}"}},"id":8"#, &method_first[..4096]), None),
        (format!(r#"{}"}},"xid":8}}"#, &method_first[..4096]), None),
        (format!(r#"{}"}},"id":08}}"#, &method_first[..4096]), None),
        (method_first[..4096].to_owned(), None),
        (String::new(), None),
        ("{\"id\":1".to_owned(), None),
        ("}".to_owned(), None),
    ];
    for (prefix, id) in rows {
        let rejected = too_long(prefix.as_bytes(), &limits);
        assert_eq!(rejected.reason, Reason::TooLong { max: 6000 });
        assert_eq!(
            rejected
                .id
                .as_deref()
                .map(String::from_utf8_lossy)
                .as_deref(),
            id
        );
    }
    assert_eq!(
        too_long(start.as_bytes(), &limits).looks_like,
        Shape::Request
    );
}
