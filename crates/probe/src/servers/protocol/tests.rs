use std::io::Cursor;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use super::*;
use crate::servers::tools;

/// Hands each written line to the test.
struct Wire(Sender<Vec<u8>>);

impl io::Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.send(bytes.to_vec()).unwrap();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn converse(input: &str) -> (End, Receiver<Vec<u8>>) {
    let (sender, receiver) = channel();
    let peer = Peer::new(Wire(sender));
    let tools = tools::standard(&peer);
    let end = serve(
        &mut Cursor::new(input.to_owned()),
        &peer,
        &tools,
        &mut Usual,
    );
    (end, receiver)
}

fn next(lines: &Receiver<Vec<u8>>) -> Value {
    let line = lines.recv_timeout(Duration::from_secs(10)).unwrap();
    assert_eq!(line.last(), Some(&b'\n'));
    serde_json::from_slice(&line).unwrap()
}

#[test]
fn each_known_revision_is_echoed_and_others_get_the_newest() {
    for (asked, agreed) in [
        ("2024-11-05", "2024-11-05"),
        ("2025-03-26", "2025-03-26"),
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
        ("2031-01-01", "2025-11-25"),
    ] {
        let (_, lines) = converse(&format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"initialize","params":{{"protocolVersion":"{asked}"}}}}"#
        ));
        assert_eq!(next(&lines)["result"]["protocolVersion"], agreed);
    }
}

#[test]
fn requests_are_answered_under_their_own_id_and_noise_is_dropped() {
    let (end, lines) = converse(concat!(
        "not json\n",
        "[1,\"ping\",null]\n",
        "[{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"ping\"}]\n",
        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n",
        "{\"jsonrpc\":\"2.0\",\"id\":9,\"result\":{}}\n",
        "{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"ping\"}\n",
        "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"server/discover\"}\n",
        "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"tools/call\",\"params\":{\"name\":\"nope\"}}\n",
        "{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"tools/list\"}\n",
    ));
    assert_eq!(end, End::Eof);
    assert_eq!(next(&lines)["id"], "a");
    assert_eq!(next(&lines)["error"]["code"], -32601);
    assert_eq!(next(&lines)["error"]["code"], -32602);
    let listed = next(&lines);
    let names: Vec<_> = listed["result"]["tools"]
        .as_array()
        .unwrap()
        .iter()
        .collect();
    assert!(names.iter().any(|tool| tool["name"] == "echo"));
    assert!(
        names
            .iter()
            .all(|tool| tool["inputSchema"]["type"] == "object")
    );
    assert!(lines.recv_timeout(Duration::from_secs(10)).is_err());
}

#[test]
fn a_blocked_call_never_answers_and_the_reading_goes_on() {
    let (_, lines) = converse(concat!(
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"block\"}}\n",
        "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"ping\"}\n",
    ));
    assert_eq!(next(&lines)["id"], 2);
    assert!(lines.recv_timeout(Duration::from_secs(10)).is_err());
}

#[test]
fn one_call_over_the_limit_is_refused_as_busy() {
    let call = |id: usize| {
        format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"tools/call\",\
             \"params\":{{\"name\":\"slow\",\"arguments\":{{\"ms\":20000}}}}}}\n"
        )
    };
    let (_, lines) = converse(&(0..=MAX_CALLS).map(call).collect::<String>());
    let refused = next(&lines);
    assert_eq!(refused["id"], MAX_CALLS);
    assert_eq!(refused["error"]["code"], BUSY);
}

#[test]
fn a_line_over_the_limit_ends_the_server() {
    let peer = Peer::new(Vec::new());
    let mut endless = std::io::BufReader::new(std::io::repeat(b' '));
    assert_eq!(
        serve(&mut endless, &peer, &[], &mut Usual),
        End::Left(EXIT_LINE)
    );
}

#[test]
fn dying_in_mid_call_is_told_to_the_caller_of_serve() {
    let (end, _) = converse(
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"die\"}}\n",
    );
    assert_eq!(end, End::Left(tools::EXIT_DIED));
}
