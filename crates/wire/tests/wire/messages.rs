//! Envelopes: what each kind of message must have, and what is told about those that are refused.

use dropgate_wire::{Direction, Envelope, Limits, Reason, ResponseKind, Shape, scan};

fn from_host(line: &str) -> Result<Envelope<'_>, dropgate_wire::Rejected> {
    scan(line.as_bytes(), &Limits::default(), Direction::FromHost)
}

#[test]
fn a_tool_call_lends_out_its_parts() {
    let line = r#" {"method":"tools\/call","params":{"arguments":{"name":"inner"},"na\u006de":"r\u0065ad"},"jsonrpc":"2.0","id":1.0,"extra":[1]} "#;
    let Ok(Envelope::Request(request)) = from_host(line) else {
        panic!()
    };
    assert_eq!(
        (request.id.raw(), request.method.as_ref()),
        (b"1.0".as_slice(), "tools/call")
    );
    assert_eq!(request.tool.as_deref(), Some("read"));
    let params = r#"{"arguments":{"name":"inner"},"na\u006de":"r\u0065ad"}"#;
    assert_eq!(request.params, Some(params.as_bytes()));
}

#[test]
fn other_requests_have_no_tool() {
    let line = r#"{"jsonrpc":"2.0","id":"x","method":"prompts/get","params":{"name":"p"}}"#;
    let Ok(Envelope::Request(request)) = from_host(line) else {
        panic!()
    };
    assert_eq!(
        (request.tool, request.method.as_ref()),
        (None, "prompts/get")
    );
    let line = r#"{"jsonrpc":"2.0","id":"x","method":"ping"}"#;
    let Ok(Envelope::Request(request)) = from_host(line) else {
        panic!()
    };
    assert_eq!(
        (request.id.raw(), request.params),
        (br#""x""#.as_slice(), None)
    );
}

#[test]
fn a_cancellation_names_its_request() {
    let rows = [
        (
            r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"a\u0062","reason":"r"}}"#,
            Some(r#""a\u0062""#),
        ),
        (
            r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":-7}}"#,
            Some("-7"),
        ),
        (
            r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":null}}"#,
            None,
        ),
        (
            r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"a":{"requestId":1}}}"#,
            None,
        ),
        (
            r#"{"jsonrpc":"2.0","method":"notifications/cancelled"}"#,
            None,
        ),
        (
            r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"requestId":1}}"#,
            None,
        ),
    ];
    for (line, request_id) in rows {
        let Ok(Envelope::Notification(notification)) = from_host(line) else {
            panic!("{line}")
        };
        let found = notification
            .request_id
            .map(|id| String::from_utf8_lossy(id.raw()).into_owned());
        assert_eq!(found.as_deref(), request_id, "{line}");
    }
}

#[test]
fn responses_say_how_the_request_ended() {
    use ResponseKind::{Error, Result, ToolError};
    let rows = [
        (r#"{"jsonrpc":"2.0","id":1,"result":{}}"#, Some("1"), Result),
        (
            r#"{"jsonrpc":"2.0","id":1,"result":{"isError":false}}"#,
            Some("1"),
            Result,
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"result":{"isError":"true"}}"#,
            Some("1"),
            ToolError,
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"result":{"isError":"false"}}"#,
            Some("1"),
            ToolError,
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"result":{"isError":null}}"#,
            Some("1"),
            ToolError,
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"result":{"isError":0}}"#,
            Some("1"),
            ToolError,
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"result":{"isError":{}}}"#,
            Some("1"),
            ToolError,
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"result":{"iserror":true,"isError":false}}"#,
            Some("1"),
            ToolError,
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"result":{"i\u017fError":true}}"#,
            Some("1"),
            ToolError,
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"result":{"ISERROR":false,"isErrors":true}}"#,
            Some("1"),
            Result,
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"result":{"a":{"isError":true}}}"#,
            Some("1"),
            Result,
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"result":null}"#,
            Some("1"),
            Result,
        ),
        (
            r#"{"jsonrpc":"2.0","id":"1","result":{"content":[],"isError" : true }}"#,
            Some(r#""1""#),
            ToolError,
        ),
        (
            r#"{"jsonrpc":"2.0","id":"1","result":{"is\u0045rror":true}}"#,
            Some(r#""1""#),
            ToolError,
        ),
        (
            r#"{"error":{"code":1,"message":"m"},"id":-3,"jsonrpc":"2.0"}"#,
            Some("-3"),
            Error,
        ),
        (r#"{"jsonrpc":"2.0","id":null,"error":{}}"#, None, Error),
        (r#"{"jsonrpc":"2.0","error":{}}"#, None, Error),
    ];
    for (line, id, kind) in rows {
        let verdict = scan(line.as_bytes(), &Limits::default(), Direction::FromServer);
        let Ok(Envelope::Response(response)) = verdict else {
            panic!("{line}")
        };
        let found = response
            .id
            .map(|id| String::from_utf8_lossy(id.raw()).into_owned());
        assert_eq!((found.as_deref(), response.kind), (id, kind), "{line}");
    }
}

#[test]
fn what_is_not_a_message_is_refused() {
    let rows = [
        "1",
        "\"text\"",
        "null",
        "{}",
        r#"{"id":1,"method":"m"}"#,
        r#"{"jsonrpc":"1.0","id":1,"method":"m"}"#,
        r#"{"jsonrpc":2.0,"id":1,"method":"m"}"#,
        r#"{"jsonrpc":"2\u002e0","id":1,"method":"m"}"#,
        r#"{"jsonrpc":"2.0"}"#,
        r#"{"jsonrpc":"2.0","id":1}"#,
        r#"{"jsonrpc":"2.0","id":null,"method":"m"}"#,
        r#"{"jsonrpc":"2.0","id":true,"method":"m"}"#,
        r#"{"jsonrpc":"2.0","id":[1],"method":"m"}"#,
        r#"{"jsonrpc":"2.0","id":{},"method":"m"}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":1}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":null}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"\ud83d"}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"m","params":null}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"m","params":[]}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"m","params":"p"}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"m","params":3}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"m","result":{}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"m","error":{}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{},"error":null}"#,
        r#"{"jsonrpc":"2.0","id":null,"result":{}}"#,
        r#"{"jsonrpc":"2.0","result":{}}"#,
        r#"{"jsonrpc":"2.0","id":{},"error":{}}"#,
        r#"{"jsonrpc":"2.0","id":1,"error":"text"}"#,
        r#"{"jsonrpc":"2.0","id":1,"error":null}"#,
    ];
    for line in rows {
        let rejected = from_host(line).unwrap_err();
        assert!(
            matches!(rejected.reason, Reason::NotJsonRpc(_)),
            "{line}: {rejected}"
        );
    }
}

#[test]
fn a_tool_call_that_can_not_be_judged_is_refused() {
    let call =
        |params: &str| format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call"{params}}}"#);
    let rows = [
        call(""),
        call(r#","params":{}"#),
        call(r#","params":{"name":1}"#),
        call(r#","params":{"name":"\udc00"}"#),
        call(r#","params":{"name":"safe","Name":"evil"}"#),
        call(r#","params":{"name":"safe","nAm\u0065":"evil"}"#),
        call(r#","params":{"name":"safe","arguments":{},"Arguments":{}}"#),
        call(r#","params":{"name":"safe","argumentſ":{}}"#),
        call(r#","params":{"name":"safe"},"Params":{"name":"evil"}"#),
        call(r#","params":{"name":"safe"},"paramſ":{"name":"evil"}"#),
        call(r#","params":{"name":"safe"},"METHOD":"other""#),
        r#"{"jsonrpc":"2.0","method":"tools/call","params":{"name":"unanswered"}}"#.to_owned(),
    ];
    for line in rows {
        let rejected = from_host(&line).unwrap_err();
        assert!(
            matches!(rejected.reason, Reason::NotJsonRpc(_)),
            "{line}: {rejected}"
        );
    }
    let fine = r#"{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"Name":1,"Ключ":2}}"#;
    assert!(from_host(fine).is_ok());
}

#[test]
fn batches_are_refused_and_broken_arrays_are_not_batches() {
    for line in [
        "[]",
        "[1]",
        r#" [{"jsonrpc":"2.0","id":1,"method":"m","method":"n"}]"#,
    ] {
        assert_eq!(from_host(line).unwrap_err().reason, Reason::Batch);
    }
    assert_eq!(
        from_host("[INFO] ready").unwrap_err().reason,
        Reason::InvalidJson { at: 1 }
    );
}

#[test]
fn the_id_of_a_refused_line_is_found_where_it_is_certain() {
    let rows = [
        (
            r#"{"method":"m","params":{"a":NaN,"id":2},"jsonrpc":"2.0","id":5}"#,
            Some("5"),
        ),
        (
            r#"{"jsonrpc":"2.0","id":"a b","method":"m","params":{"x":"tab	"}}"#,
            Some(r#""a b""#),
        ),
        (
            r#"{"jsonrpc":"1.0","id":-1.5e3,"method":"m"}"#,
            Some("-1.5e3"),
        ),
        (r#"{"jsonrpc":"2.0","\u0069d" : 5 ,"method":7}"#, Some("5")),
        (r#"{"jsonrpc":"2.0","id":5"#, None),
        (r#"{"jsonrpc":"2.0","id":05,"method":"m"}"#, None),
        (r#"{"jsonrpc":"2.0","id":null,"method":"m"}"#, None),
        (r#"{"jsonrpc":"2.0","id":[5],"method":"m"}"#, None),
        (r#"{"jsonrpc":"2.0","id":1,"method":"m","id":2}"#, None),
        (r#"{"jsonrpc":"2.0","id":1,"method":"m","id":1}"#, None),
        (
            r#"{"jsonrpc":"2.0","method":"say \"id\":3,","params":{"id":4},"x":"id"}}"#,
            None,
        ),
        (r#"[{"id":5}]"#, None),
        (r#"INFO {"id":5}"#, None),
        (r#"{"jsonrpc":"2.0","id":5,"result":{},"error":{}}"#, None),
    ];
    for (line, id) in rows {
        let found = from_host(line).unwrap_err().id;
        assert_eq!(
            found.as_deref().map(String::from_utf8_lossy).as_deref(),
            id,
            "{line}"
        );
    }
}

#[test]
fn a_refused_response_of_the_server_keeps_its_id() {
    let line = br#"{"jsonrpc":"2.0","id":5,"result":{},"error":{}}"#;
    let rejected = scan(line, &Limits::default(), Direction::FromServer).unwrap_err();
    assert_eq!(
        (rejected.id.as_deref(), rejected.looks_like),
        (Some(b"5".as_slice()), Shape::Response)
    );
    let line = br#"{"jsonrpc":"2.0","id":5,"method":3}"#;
    let rejected = scan(line, &Limits::default(), Direction::FromServer).unwrap_err();
    assert_eq!(
        (rejected.id.as_deref(), rejected.looks_like),
        (Some(b"5".as_slice()), Shape::Request)
    );
}
