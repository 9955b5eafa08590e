//! What the server gets of a trace, and that it gets every other byte as it came.

use serde_json::Value;

use crate::sink::{Manner, Sink};
use crate::stage::Place;
use crate::told::{PARENT, TRACE, config};

/// Odd on purpose: spaces, a number that no parser gives back, an escape.
fn line(meta: &str) -> String {
    format!(
        r#"{{"id":77, "jsonrpc":"2.0","params":{{"name":"look","arguments":{{"n":1.10,"t":"\u0061"}}{meta} }},"method":"tools/call"}}"#
    )
}

fn meta() -> String {
    format!(
        r#","_meta":{{"baggage":"user=a,tenant=b","traceparent":"00-{TRACE}-{PARENT}-01","k":1}}"#
    )
}

/// What the server gets of a line.
fn passed(config: &str, line: &str) -> String {
    let place = Place::new(config);
    let mut run = place.run(&[]);
    run.send_line(line);
    run.answer(77);
    run.end();
    place.seen().pop().unwrap()
}

#[test]
fn the_server_is_told_of_the_span_of_its_call() {
    let mut sink = Sink::new(Manner::Takes);
    let seen = passed(&config(&sink, "baggage = [\"tenant\"]\n"), &line(&meta()));
    let spans = sink.spans();
    let sent = spans
        .iter()
        .find(|span| span["kind"] == 3 && span["name"] == "tools/call look")
        .unwrap();
    let id = sent["spanId"].as_str().unwrap();
    let expected =
        format!(r#","_meta":{{"baggage":"tenant=b","traceparent":"00-{TRACE}-{id}-01","k":1}}"#);
    assert_eq!(seen, line(&expected));
}

#[test]
fn a_trace_begins_here_where_the_host_has_none() {
    let mut sink = Sink::new(Manner::Takes);
    let seen = passed(&config(&sink, ""), &line(""));
    let value: Value = serde_json::from_str(&seen).unwrap();
    let context = value["params"]["_meta"]["traceparent"].as_str().unwrap();
    let spans = sink.spans();
    let sent = spans
        .iter()
        .find(|span| span["kind"] == 3 && span["name"] == "tools/call look");
    let [trace, span] = ["traceId", "spanId"].map(|key| sent.unwrap()[key].as_str().unwrap());
    assert_eq!(context, format!("00-{trace}-{span}-01"));
    let added = format!(r#""_meta":{{"traceparent":"{context}"}},"#);
    assert_eq!(seen.replacen(&added, "", 1), line(""));
}

#[test]
fn a_trace_that_the_host_does_not_record_makes_no_spans() {
    let mut sink = Sink::new(Manner::Takes);
    let meta = meta().replace("-01\"", "-00\"");
    let seen = passed(
        &config(&sink, "baggage = [\"tenant\", \"user\"]\n"),
        &line(&meta),
    );
    assert_eq!(seen, line(&meta));
    assert!(
        sink.spans()
            .iter()
            .all(|span| span["name"] != "tools/call look")
    );
    assert_eq!(sink.points("mcp.server.operation.duration").len(), 2);
}

#[test]
fn bytes_pass_as_they_came_without_a_collector_or_where_the_server_is_not_told() {
    let mut sink = Sink::new(Manner::Takes);
    for config in [String::new(), config(&sink, "propagate = false\n")] {
        assert_eq!(passed(&config, &line(&meta())), line(&meta()), "{config}");
    }
    assert!(!sink.spans().is_empty());
}
