//! What the collector learns.

use std::io::Write as _;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::sink::{Manner, Sink, attribute};
use crate::stage::Place;

pub(crate) const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
pub(crate) const PARENT: &str = "00f067aa0ba902b7";
const HIDDEN: &str = "what-nobody-is-told-of";

pub(crate) fn config(sink: &Sink, more: &str) -> String {
    format!("[telemetry]\notlp = \"{}\"\n{more}", sink.address())
}

/// The spans of a kind: 2 is dropgate's as a server, 3 as a client.
fn of_kind(spans: &[Value], kind: u64) -> Vec<&Value> {
    spans.iter().filter(|span| span["kind"] == kind).collect()
}

#[test]
fn every_call_becomes_a_span_of_a_server_and_one_of_a_client() {
    let mut sink = Sink::new(Manner::Takes);
    let place = Place::new(&config(&sink, "service_name = \"shop\"\n"));
    let mut run = place.run(&[]);
    let traceparent = format!("00-{TRACE}-{PARENT}-01");
    let meta = json!({"traceparent": traceparent, "tracestate": "a=b"});
    let params = json!({"name": "look", "arguments": {"text": HIDDEN}, "_meta": meta});
    run.ask("tools/call", &params);
    run.call("fail");
    run.call("odd");
    run.ask("prompts/get", &json!({"name": "hello"}));
    run.ask(
        "resources/read",
        &json!({"uri": format!("file:///{HIDDEN}")}),
    );
    let report = run.end();
    assert_eq!(
        report["telemetry"],
        json!({"spans_exported": 12, "spans_lost": 0, "metrics_lost": false})
    );
    let spans = sink.spans();
    let servers = of_kind(&spans, 2);
    let told: Vec<_> = servers
        .iter()
        .map(|span| {
            let name = span["name"].as_str().unwrap();
            (name, attribute(span, "error.type"), &span["status"]["code"])
        })
        .collect();
    let row = |name, error: &str, code: &'static Value| (name, error.to_owned(), code);
    let (fine, failed) = (Box::leak(Box::new(json!(0))), Box::leak(Box::new(json!(2))));
    assert_eq!(
        told,
        [
            row("initialize", "", fine),
            row("tools/call look", "", fine),
            row("tools/call fail", "tool_error", failed),
            row("tools/call odd", "-32602", failed),
            row("prompts/get hello", "", fine),
            row("resources/read", "", fine),
        ]
    );
    for server in &servers {
        assert!(server["startTimeUnixNano"].as_str() <= server["endTimeUnixNano"].as_str());
        let of_it = |client: &&&Value| client["parentSpanId"] == server["spanId"];
        let clients = of_kind(&spans, 3);
        let client = clients.iter().find(of_it).unwrap();
        assert_eq!(client["traceId"], server["traceId"]);
        assert_eq!(client["name"], server["name"]);
    }
    let look = servers[1];
    assert_eq!(look["traceId"], TRACE);
    assert_eq!(look["parentSpanId"], PARENT);
    assert_eq!(look["traceState"], "a=b");
    assert!(servers[2]["parentSpanId"].is_null());
    for (key, value) in [
        ("mcp.method.name", "tools/call"),
        ("gen_ai.tool.name", "look"),
        ("gen_ai.operation.name", "execute_tool"),
        ("jsonrpc.request.id", "2"),
        ("mcp.protocol.version", "2025-06-18"),
        ("network.transport", "pipe"),
        ("dropgate.outcome", "completed"),
    ] {
        assert_eq!(attribute(look, key), value, "{key}");
    }
    assert!(attribute(look, "dropgate.ref").starts_with("L-"));
    assert_eq!(attribute(servers[3], "rpc.response.status_code"), "-32602");
    assert_eq!(attribute(servers[4], "gen_ai.prompt.name"), "hello");
    let resource = &sink.taken()[0].body["resourceSpans"][0]["resource"];
    assert_eq!(attribute(resource, "service.name"), "shop");
    let everything: String = sink
        .taken()
        .iter()
        .map(|one| one.body.to_string())
        .collect();
    assert!(!everything.contains(HIDDEN), "{everything}");
}

#[test]
fn durations_are_counted_by_what_was_asked_and_how_it_failed() {
    let mut sink = Sink::new(Manner::Takes);
    let place = Place::new(&config(&sink, ""));
    let mut run = place.run(&[]);
    for tool in ["look", "look", "fail", "look"] {
        run.call(tool);
    }
    run.end();
    for name in [
        "mcp.server.operation.duration",
        "mcp.client.operation.duration",
    ] {
        let points = sink.points(name);
        let count = |tool: &str, error: &str| {
            let it = points.iter().find(|point| {
                attribute(point, "gen_ai.tool.name") == tool
                    && attribute(point, "error.type") == error
            });
            it.map(|point| point["count"].clone()).unwrap_or_default()
        };
        assert_eq!(count("look", ""), 3, "{name}");
        assert_eq!(count("fail", "tool_error"), 1, "{name}");
        assert_eq!(points.len(), 3, "{name}");
        let buckets = points[0]["bucketCounts"].as_array().unwrap().len();
        let bounds = points[0]["explicitBounds"].as_array().unwrap().len();
        assert_eq!((buckets, bounds), (15, 14));
    }
    let session = sink.points("mcp.server.session.duration");
    assert_eq!(session[0]["count"], 1);
}

#[test]
fn breakers_tell_their_state_their_changes_and_what_they_rejected() {
    let mut sink = Sink::new(Manner::Takes);
    let place = Place::new(&config(&sink, "[breaker]\nfailures = 2\n"));
    let mut run = place.run(&[]);
    run.call("look");
    for _ in 0..2 {
        run.call("broken");
    }
    for _ in 0..3 {
        let answer = run.call("broken");
        assert_eq!(answer["result"]["isError"], true, "{answer}");
    }
    run.end();
    let number = |points: &[Value], pairs: &[(&str, &str)]| {
        let fits = |point: &&Value| pairs.iter().all(|(key, is)| attribute(point, key) == *is);
        let found = points.iter().find(fits).unwrap();
        found["asInt"].as_str().unwrap().to_owned()
    };
    let states = sink.points("dropgate.breaker.state");
    let of_tool = [
        ("dropgate.breaker.of", "tool"),
        ("gen_ai.tool.name", "broken"),
    ];
    for (state, is) in [("open", "1"), ("closed", "0"), ("half_open", "0")] {
        let pairs = [&of_tool[..], &[("dropgate.breaker.state", state)]].concat();
        assert_eq!(number(&states, &pairs), is, "{state}");
    }
    assert!(
        states
            .iter()
            .all(|one| attribute(one, "gen_ai.tool.name") != "look")
    );
    let changes = sink.points("dropgate.breaker.transitions");
    let opened = [
        ("dropgate.breaker.from", "closed"),
        ("dropgate.breaker.to", "open"),
        ("dropgate.breaker.cause", "failures"),
    ];
    assert_eq!(number(&changes, &[&of_tool[..], &opened].concat()), "1");
    let rejected = sink.points("dropgate.breaker.rejections");
    assert_eq!(number(&rejected, &of_tool[1..]), "3");
}

#[test]
fn denials_are_counted_by_their_reason() {
    let mut sink = Sink::new(Manner::Takes);
    let place = Place::new(&config(&sink, "[authorize]\ncedar = [\"a.cedar\"]\n"));
    std::fs::write(
        place.path().join("a.cedar"),
        "permit (principal, action, resource);",
    )
    .unwrap();
    let mut run = place.run(&[]);
    for _ in 0..2 {
        run.call("never listed");
    }
    run.end();
    let denials = sink.points("dropgate.denials");
    assert_eq!(denials.len(), 1, "{denials:?}");
    assert_eq!(
        attribute(&denials[0], "dropgate.denial.reason"),
        "unknown_tool"
    );
    assert_eq!(denials[0]["asInt"], "2");
}

#[test]
fn the_last_span_of_each_request_names_a_head_that_is_in_the_journal() {
    let mut sink = Sink::new(Manner::Takes);
    let place = Place::new(&config(&sink, ""));
    let mut run = place.run(&[]);
    for _ in 0..3 {
        run.call("look");
    }
    let report = run.end();
    let spans = sink.spans();
    let servers = of_kind(&spans, 2);
    let told: Vec<_> = servers
        .iter()
        .filter(|span| !attribute(span, "dropgate.journal.head").is_empty())
        .collect();
    let requests = sink.taken().iter().filter(|one| one.path == "/v1/traces");
    // What was sent before anything was on the disk names none.
    assert!((1..=requests.count()).contains(&told.len()), "{told:?}");
    let last = servers.last().unwrap();
    let head = attribute(last, "dropgate.journal.head");
    assert_ne!(
        report["journal"]["head"],
        head.as_str(),
        "the seal comes later"
    );
    let chain = attribute(last, "dropgate.journal.chain");
    let arguments = ["journal", "verify", "--chain", &chain, "--head", &head];
    let verified = place.dropgate(&arguments).output().unwrap();
    assert_eq!(verified.status.code(), Some(0), "{verified:?}");
}

#[test]
fn what_ends_in_the_drain_arrives() {
    let mut sink = Sink::new(Manner::Takes);
    let finish = "[tools.wait]\non_shutdown = \"finish\"\n";
    let place = Place::new(&config(&sink, finish));
    let mut run = place.run(&[]);
    let waiting = run.send("tools/call", &json!({"name": "wait", "arguments": {}}));
    let mut gate = place.gate();
    run.signal(Signal::TERM);
    run.reach("draining");
    let late = run.call("late");
    assert_eq!(late["result"]["isError"], true);
    gate.write_all(b"go\n").unwrap();
    assert_eq!(run.answer(waiting)["result"]["content"], json!([]));
    let report = run.end();
    assert_eq!(report["in_flight"]["completed"], 1);
    assert_eq!(report["telemetry"]["spans_lost"], 0);
    let spans = sink.spans();
    let outcome = |name: &str| {
        let server = of_kind(&spans, 2);
        let span = server.iter().find(|span| span["name"] == name).unwrap();
        attribute(span, "dropgate.outcome")
    };
    assert_eq!(outcome("tools/call wait"), "completed");
    assert_eq!(outcome("tools/call late"), "not_executed");
    let sent = of_kind(&spans, 3);
    assert!(sent.iter().all(|span| span["name"] != "tools/call late"));
}

#[test]
fn the_log_tells_of_calls_at_its_finest_level_and_never_of_what_they_are_about() {
    for (settings, own, per_call) in [
        ("level = \"warn\"", 0, 0),
        ("", 1, 0),
        ("level = \"debug\"", 3, 2),
        ("level = \"debug\"\nformat = \"json\"", 3, 2),
    ] {
        let place = Place::new(&format!("[log]\n{settings}\n"));
        let mut run = place.run(&[]);
        let params = json!({"name": "look", "arguments": {"text": HIDDEN}});
        run.ask("tools/call", &params);
        let (_, said) = run.end_with(0);
        let (report, lines) = said
            .trim_end()
            .rsplit_once('\n')
            .map_or((&*said, ""), |it| (it.1, it.0));
        assert!(report.starts_with("dropgate: report {"), "{said}");
        assert_eq!(lines.lines().count(), own, "{settings}: {said}");
        assert_eq!(
            lines.matches("completed after ").count(),
            per_call,
            "{said}"
        );
        assert!(!said.contains(HIDDEN), "{said}");
        for line in lines.lines().filter(|_| settings.contains("json")) {
            let line: Value = serde_json::from_str(line).unwrap();
            assert!(
                ["ts", "level", "message"]
                    .iter()
                    .all(|key| line[key].is_string())
            );
            assert_eq!(line.as_object().unwrap().len(), 3, "{line}");
        }
    }
}

#[test]
fn a_state_of_the_hosts_trace_goes_out_only_if_it_may() {
    const TOKEN: &str = "green-lantern-in-the-yard";
    let mut sink = Sink::new(Manner::Takes);
    let place = Place::new(&config(&sink, "[secrets.TOKEN]\nfile = \"token\"\n"));
    std::fs::write(place.path().join("token"), TOKEN).unwrap();
    let mut run = place.run(&[]);
    let states = [
        ("a=b".to_owned(), "a=b"),
        (format!("a=b,c={TOKEN}"), ""),
        ("a=b\nforged: yes".to_owned(), ""),
        (format!("a={}", "b".repeat(512)), ""),
    ];
    for (state, _) in &states {
        let traceparent = format!("00-{TRACE}-{PARENT}-01");
        let meta = json!({"traceparent": traceparent, "tracestate": state});
        let params = json!({"name": "look", "arguments": {}, "_meta": meta});
        run.ask("tools/call", &params);
    }
    run.end();
    let spans = sink.spans();
    let calls = of_kind(&spans, 2)
        .into_iter()
        .filter(|span| span["traceId"] == TRACE)
        .map(|span| span["traceState"].as_str().unwrap_or_default());
    assert_eq!(calls.collect::<Vec<_>>(), states.map(|(_, told)| told));
}
