//! What never passes: lines that are no acceptable message, from either side.

use std::fs;

use dropgate_testing_world::endings::ANSWERED_WITHIN;
use dropgate_testing_world::rows::RECORD;
use dropgate_testing_world::{Checked, Run, Says as _, fail};
use serde_json::{Value, json};

use crate::bytes::emit;
use crate::steps::{SOON, begin, concluded, only_answer, refused, same, scripted};
use crate::{Reach, Rule, Stage};

pub(crate) const RULES: &[Rule] = &[
    (
        "what_is_no_message_is_answered_and_never_reaches_the_server",
        Reach::Users,
        from_the_host,
    ),
    (
        "messages_at_the_limits_pass_and_over_them_do_not",
        Reach::Users,
        limits,
    ),
    (
        "a_second_call_with_an_id_in_flight_is_refused",
        Reach::Users,
        taken_id,
    ),
    (
        "blank_lines_go_nowhere_and_are_not_answered",
        Reach::Users,
        blank,
    ),
    (
        "what_is_no_message_from_the_server_goes_to_stderr_counted",
        Reach::Users,
        from_the_server,
    ),
    (
        "an_answer_that_can_not_pass_is_answered_as_unknown",
        Reach::Users,
        unreadable_answers,
    ),
    (
        "after_an_answer_that_can_not_pass_a_second_one_goes_nowhere",
        Reach::Users,
        second_answer,
    ),
    (
        "a_batch_from_the_server_leaves_its_calls_unknown",
        Reach::Users,
        batch_of_answers,
    ),
];

const NOT_JSON: i64 = -32700;
const NOT_ACCEPTED: i64 = -32600;

/// The longest message in these runs; the flag says `64KiB`.
const LONGEST: usize = 64 << 10;
const SHORT: [&str; 2] = ["--max-message", "64KiB"];

/// Lines of a host, what they are answered with, and the id of that, as JSON.
#[rustfmt::skip]
const REFUSED: &[(&[u8], i64, &str)] = &[
    (b"hello", NOT_JSON, "null"),
    (br#"{"jsonrpc":"2.0","id":10,"method":"ping""#, NOT_JSON, "10"),
    (br#"{"jsonrpc":"2.0","id":11,"method":"ping",}"#, NOT_JSON, "11"),
    (br#"{"jsonrpc":"2.0","id":12,"method":"ping"} {"x":1}"#, NOT_JSON, "12"),
    (br#"{"jsonrpc":"2.0","id":13,"method":"ping","params":{"n":NaN}}"#, NOT_JSON, "13"),
    (br#"{"jsonrpc":"2.0","id":14,"method":"ping","params":{"n":01}}"#, NOT_JSON, "14"),
    (b"{\"jsonrpc\":\"2.0\",\"id\":15,\"method\":\"ping\",\"params\":{\"t\":\"a\tb\"}}", NOT_JSON, "15"),
    (b"{\"jsonrpc\":\"2.0\",\"id\":16,\"method\":\"ping\",\"params\":{\"t\":\"\xf0\x9f\x98\"}}", NOT_JSON, "16"),
    (b"{\"jsonrpc\":\"2.0\",\"id\":17,\"method\":\"ping\",\"params\":{\"t\":\"\xed\xa0\x80\"}}", NOT_JSON, "17"),
    (b"\xef\xbb\xbf{\"jsonrpc\":\"2.0\",\"id\":18,\"method\":\"ping\"}", NOT_JSON, "null"),
    (br#"{'jsonrpc':'2.0','id':19,'method':'ping'}"#, NOT_JSON, "null"),
    (b"Content-Length: 40", NOT_JSON, "null"),
    (b"[]", NOT_ACCEPTED, "null"),
    (br#"[{"jsonrpc":"2.0","id":20,"method":"ping"}]"#, NOT_ACCEPTED, "null"),
    (br#"[{"jsonrpc":"2.0","id":21,"method":"ping"},{"jsonrpc":"2.0","id":22,"method":"ping"}]"#, NOT_ACCEPTED, "null"),
    (b"42", NOT_ACCEPTED, "null"),
    (b"null", NOT_ACCEPTED, "null"),
    (br#""ping""#, NOT_ACCEPTED, "null"),
    (b"{}", NOT_ACCEPTED, "null"),
    (br#"{"jsonrpc":"2.0","id":"d1","method":"ping","method":"tools/call"}"#, NOT_ACCEPTED, r#""d1""#),
    (br#"{"jsonrpc":"2.0","id":"d2","method":"ping","m\u0065thod":"tools/call"}"#, NOT_ACCEPTED, r#""d2""#),
    (br#"{"jsonrpc":"2.0","jsonrpc":"2.0","id":"d3\u00e9","method":"ping"}"#, NOT_ACCEPTED, r#""d3\u00e9""#),
    (br#"{"jsonrpc":"2.0","id":23,"id":24,"method":"ping"}"#, NOT_ACCEPTED, "null"),
    (br#"{"jsonrpc":"2.0","id":25,"method":"tools/call","params":{"name":"echo","name":"die"}}"#, NOT_ACCEPTED, "25"),
    (br#"{"jsonrpc":"2.0","id":26,"method":"tools/call","params":{"name":"echo","arguments":{"text":"a","text":"b"}}}"#, NOT_ACCEPTED, "26"),
    (br#"{"jsonrpc":"2.0","id":27,"method":"tools/call","params":{"name":"echo","arguments":{"a":[{"b":1,"\u0062":2}]}}}"#, NOT_ACCEPTED, "27"),
    (br#"{"jsonrpc":"1.0","id":28,"method":"ping"}"#, NOT_ACCEPTED, "28"),
    (br#"{"id":29,"method":"ping"}"#, NOT_ACCEPTED, "29"),
    (br#"{"jsonrpc":"2.0","id":30}"#, NOT_ACCEPTED, "30"),
    (br#"{"jsonrpc":"2.0","id":31,"method":7}"#, NOT_ACCEPTED, "31"),
    (br#"{"jsonrpc":"2.0","id":{"a":1},"method":"ping"}"#, NOT_ACCEPTED, "null"),
    (br#"{"jsonrpc":"2.0","id":true,"method":"ping"}"#, NOT_ACCEPTED, "null"),
    (br#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, NOT_ACCEPTED, "null"),
    (br#"{"jsonrpc":"2.0","id":32,"method":"ping","params":[1]}"#, NOT_ACCEPTED, "32"),
    (br#"{"jsonrpc":"2.0","id":33,"method":"tools/call","params":{}}"#, NOT_ACCEPTED, "33"),
    (br#"{"jsonrpc":"2.0","id":34,"method":"ping","result":{}}"#, NOT_ACCEPTED, "34"),
    (br#"{"jsonrpc":"2.0","id":123456789012345678901234567890,"method":"ping","x":1,"x":2}"#, NOT_ACCEPTED, "123456789012345678901234567890"),
    (br#"{"jsonrpc":"2.0","id":-35,"method":"ping","x":1,"x":2}"#, NOT_ACCEPTED, "-35"),
    // An answer to the server has an id of the server's: no call of the host is to be answered.
    (br#"{"jsonrpc":"2.0","id":36,"result":{},"error":{}}"#, NOT_ACCEPTED, "null"),
];

/// The answers that came with an error of dropgate, as code and the id as it was written.
fn refusals(run: &Run) -> Vec<(i64, String)> {
    let lines = run.talk.heard.iter();
    lines
        .filter_map(|line| {
            let value: Value = serde_json::from_slice(line).ok()?;
            let code = value["error"]["code"].as_i64()?;
            let text = String::from_utf8_lossy(line).into_owned();
            let id = text.strip_prefix("{\"jsonrpc\":\"2.0\",\"id\":")?;
            let (id, _) = id.split_once(",\"error\":")?;
            Some((code, id.to_owned()))
        })
        .collect()
}

/// Sends a ping and waits for its answer, so that all before it has been dealt with.
fn settle(run: &mut Run) -> Checked {
    let last = json!({"jsonrpc": "2.0", "id": "last", "method": "ping"});
    run.talk.say(&last)?;
    run.talk.answer(&json!("last"), ANSWERED_WITHIN).map(drop)
}

/// The lines that reached a `record` server between the handshake and the last ping.
fn reached(run: &Run) -> Checked<Vec<Vec<u8>>> {
    let record = fs::read(run.dir.join("record")).says("the server's record")?;
    let mut lines: Vec<Vec<u8>> = record
        .split_inclusive(|byte| *byte == b'\n')
        .skip(2)
        .map(<[u8]>::to_vec)
        .collect();
    lines.pop();
    Ok(lines)
}

fn from_the_host(stage: &Stage<'_>) -> Checked {
    let mut run = begin(stage, &stage.command(RECORD))?;
    for (line, _, _) in REFUSED {
        run.talk.send(line)?;
        run.talk.send(b"\n")?;
    }
    settle(&mut run)?;
    let found = refusals(&run);
    let mut problems = Vec::new();
    for (number, (line, code, id)) in REFUSED.iter().enumerate() {
        let expected = (*code, (*id).to_owned());
        if found.get(number) != Some(&expected) {
            problems.push(format!(
                "{:?}: expected {expected:?}, found {:?}",
                String::from_utf8_lossy(line),
                found.get(number)
            ));
        }
    }
    if !problems.is_empty() || found.len() != REFUSED.len() {
        problems.push(format!("{} lines, {} refusals", REFUSED.len(), found.len()));
        return fail(problems.join("\n    "));
    }
    same("lines that reached the server", &reached(&run)?, &vec![])?;
    run.talk.close();
    concluded(&mut run, 0).map(drop)
}

/// A request of this length, without a line end, with its id at the front or at the back.
fn of_length(length: usize, id: &str, place: Place) -> String {
    let (front, back) = match place {
        Place::Front => (format!("\"id\":{id},"), String::new()),
        Place::Back => (String::new(), format!(",\"id\":{id}")),
    };
    let frame = format!(
        "{{\"jsonrpc\":\"2.0\",{front}\"method\":\"ping\",\"params\":{{\"t\":\"\"}}{back}}}"
    );
    frame.replace(
        "\"t\":\"\"",
        &format!("\"t\":\"{}\"", "x".repeat(length - frame.len())),
    )
}

#[derive(Clone, Copy)]
enum Place {
    Front,
    Back,
}

/// A request with so many levels.
fn of_depth(depth: usize, id: &str) -> String {
    let (open, close) = ("[".repeat(depth - 2), "]".repeat(depth - 2));
    format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"ping\",\"params\":{{\"d\":{open}{close}}}}}"
    )
}

fn limits(stage: &Stage<'_>) -> Checked {
    let passing = [
        of_length(LONGEST, "1000", Place::Front) + "\n",
        of_length(LONGEST, "1001", Place::Back) + "\r\n",
        of_depth(128, "1002") + "\n",
    ];
    let stopped = [
        (of_length(LONGEST + 1, "1003", Place::Front), "1003"),
        (
            of_length(LONGEST + 1, "\"b\\u0061ck\"", Place::Back),
            "\"b\\u0061ck\"",
        ),
        (of_length(LONGEST * 40, "1004", Place::Front), "1004"),
        (of_length(LONGEST * 40, "1005", Place::Back), "1005"),
        (of_depth(129, "1006"), "1006"),
        (of_depth(30_000, "1007"), "1007"),
    ];
    let mut run = begin(stage, &stage.command(RECORD).flags(&SHORT))?;
    // Each that is stopped stands between two that pass.
    for (number, (line, _)) in stopped.iter().enumerate() {
        run.talk.send(line.as_bytes())?;
        run.talk.send(b"\n")?;
        if let Some(line) = passing.get(number) {
            run.talk.send(line.as_bytes())?;
        }
    }
    settle(&mut run)?;
    let expected: Vec<_> = stopped
        .iter()
        .map(|(_, id)| (NOT_ACCEPTED, (*id).to_owned()))
        .collect();
    same("refusals", &refusals(&run), &expected)?;
    let reached = reached(&run)?;
    if !reached
        .iter()
        .map(Vec::as_slice)
        .eq(passing.iter().map(String::as_bytes))
    {
        let lengths: Vec<usize> = reached.iter().map(Vec::len).collect();
        return fail(format!("what reached the server has lengths {lengths:?}"));
    }
    run.talk.close();
    concluded(&mut run, 0).map(drop)
}

fn taken_id(stage: &Stage<'_>) -> Checked {
    let mut run = begin(stage, &stage.command(RECORD))?;
    run.talk.call(2, "block", &json!({}))?;
    // The same number, written otherwise.
    let again = r#"{"jsonrpc":"2.0","id":2.0,"method":"tools/call","params":{"name":"echo","arguments":{"text":"x"}}}"#;
    run.talk.send(format!("{again}\n").as_bytes())?;
    run.talk.call(2, "echo", &json!({"text": "x"}))?;
    settle(&mut run)?;
    let expected = ["2.0", "2"].map(|id| (NOT_ACCEPTED, id.to_owned()));
    same("refusals", &refusals(&run), &expected.to_vec())?;
    same("calls that reached the server", &reached(&run)?.len(), &1)?;
    run.talk.close();
    concluded(&mut run, 11).map(drop)
}

fn blank(stage: &Stage<'_>) -> Checked {
    let mut run = begin(stage, &stage.command(RECORD))?;
    run.talk.send(b"\n\r\n  \n\t\r\n\n")?;
    settle(&mut run)?;
    same("messages", &run.talk.heard.len(), &2)?;
    same("lines that reached the server", &reached(&run)?, &vec![])?;
    run.talk.close();
    concluded(&mut run, 0).map(drop)
}

/// Lines of a server that are no messages, and no answers to a call either.
const STRAY: &[&[u8]] = &[
    b"Server started",
    b"\x1b[32minfo\x1b[0m listening",
    b"{ \"level\": \"info\" }",
    br#"{"jsonrpc":"2.0","method":"n",}"#,
    br#"{"jsonrpc":"2.0","method":"n","method":"m"}"#,
    br#"{"jsonrpc":"2.0","method":"n","params":{"a":1,"a":2}}"#,
    b"[]",
    br#"[{"jsonrpc":"2.0","method":"n"}]"#,
    b"7",
    b"{\"jsonrpc\":\"2.0\",\"method\":\"n\",\"params\":{\"t\":\"\xff\"}}",
    br#"{"jsonrpc":"2.0","id":"nobody's","result":{},"error":{}}"#,
];

fn from_the_server(stage: &Stage<'_>) -> Checked {
    let deep = format!(
        "{{\"jsonrpc\":\"2.0\",\"method\":\"n\",\"params\":{{\"d\":{}{}}}}}",
        "[".repeat(127),
        "]".repeat(127)
    );
    let long = of_length(LONGEST + 1, "\"asked\"", Place::Front);
    let message = b"{\"jsonrpc\":\"2.0\",\"method\":\"between\"}\n";
    let mut stray: Vec<&[u8]> = STRAY.to_vec();
    stray.extend([deep.as_bytes(), long.as_bytes()]);
    let mut bytes = Vec::new();
    for line in &stray {
        bytes.extend_from_slice(line);
        bytes.push(b'\n');
        bytes.extend_from_slice(message);
    }
    let answer = b"{\"jsonrpc\":\"2.0\",\"id\":\"last\",\"result\":{}}\n";
    bytes.extend_from_slice(answer);
    let mut run = begin(stage, &scripted(stage, vec![bytes])?.flags(&SHORT))?;
    settle(&mut run)?;
    let between = run
        .talk
        .heard
        .iter()
        .filter(|line| line.as_slice() == message)
        .count();
    run.talk.close();
    let report = concluded(&mut run, 0)?;
    let stderr = String::from_utf8_lossy(&run.talk.stderr()).into_owned();
    same("messages between", &between, &stray.len())?;
    same(
        "stray lines",
        &report["stray_stdout_lines"],
        &json!(stray.len()),
    )?;
    for line in STRAY {
        let line = String::from_utf8_lossy(line).into_owned();
        let told = stderr.lines().any(|said| said.ends_with(&line));
        if !told && !line.contains('\u{1b}') {
            return fail(format!("stderr lacks {line:?}"));
        }
    }
    Ok(())
}

/// What stands for the id in these.
const ID: &str = "ID";

/// Answers to a call that may not pass.
#[rustfmt::skip]
const UNREADABLE: &[&[u8]] = &[
    br#"{"jsonrpc":"2.0","id":ID,"result":{"content":[]},"result":{"content":[]}}"#,
    br#"{"jsonrpc":"2.0","id":ID,"result":{"content":[],"content":[]}}"#,
    br#"{"jsonrpc":"2.0","id":ID,"result":{"content":[]},"error":{"code":1,"message":"m"}}"#,
    br#"{"jsonrpc":"2.0","id":ID,"result":{"content":[],}}"#,
    br#"{"jsonrpc":"2.0","id":ID,"result":{"n":NaN}}"#,
    b"{\"jsonrpc\":\"2.0\",\"id\":ID,\"result\":{\"t\":\"\xff\"}}",
    br#"{"jsonrpc":"1.0","id":ID,"result":{"content":[]}}"#,
    br#"{"id":ID,"result":{"content":[]}}"#,
    br#"{"jsonrpc":"2.0","id":ID,"error":{"code":1,"code":2,"message":"m"}}"#,
    br#"{"jsonrpc":"2.0","id":ID,"result":{"content":[]"#,
];

fn unreadable_answers(stage: &Stage<'_>) -> Checked {
    let mut parts: Vec<Vec<u8>> = UNREADABLE.iter().map(|line| line.to_vec()).collect();
    let deep = format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":ID,\"result\":{{\"d\":{}{}}}}}",
        "[".repeat(127),
        "]".repeat(127)
    );
    let long = |text: &str| {
        let text = text.replace("LONG", &"x".repeat(LONGEST));
        text.into_bytes()
    };
    parts.push(deep.into_bytes());
    parts.push(long(r#"{"jsonrpc":"2.0","id":ID,"result":{"t":"LONG"}}"#));
    parts.push(long(r#"{"result":{"t":"LONG"},"jsonrpc":"2.0","id":ID}"#));
    // More failures in a row would open the breaker.
    parts
        .chunks(4)
        .try_for_each(|parts| unreadable_answers_in_a_row(stage, parts))
}

fn unreadable_answers_in_a_row(stage: &Stage<'_>, parts: &[Vec<u8>]) -> Checked {
    let first = 100;
    let lines = parts.iter().zip(first..).map(|(line, id)| {
        let id = id.to_string();
        let at = line
            .windows(ID.len())
            .position(|part| part == ID.as_bytes());
        let at = at.unwrap_or(line.len());
        [&line[..at], id.as_bytes(), &line[at + ID.len()..], b"\n"].concat()
    });
    let setup = scripted(stage, lines.collect())?.flags(&SHORT);
    let mut run = begin(stage, &setup)?;
    for (number, part) in (first..).zip(parts) {
        // Equal calls would repeat one whose fate is not known.
        run.talk.call(number, "write", &json!({"n": number}))?;
        let answer = run.talk.answer(&json!(number), SOON).map_err(|problem| {
            let start = &part[..part.len().min(100)];
            format!("{problem}, to {:?}", String::from_utf8_lossy(start))
        })?;
        refused(&answer, "unknown", "unsafe")?;
    }
    run.talk.close();
    let report = concluded(&mut run, 0)?;
    same(
        "stray lines",
        &report["stray_stdout_lines"],
        &json!(parts.len()),
    )?;
    for number in (first..).take(parts.len()) {
        only_answer(&run, number)?;
    }
    Ok(())
}

fn second_answer(stage: &Stage<'_>) -> Checked {
    let mut run = begin(stage, &stage.server(&["mirror"]))?;
    let unreadable = br#"{"jsonrpc":"2.0","id":100,"result":{},"result":{}}"#;
    run.talk
        .send(emit(100, &[unreadable, &b"\n"[..]].concat()).as_bytes())?;
    // Its own answer follows, to a call that has been answered.
    settle(&mut run)?;
    run.talk.close();
    concluded(&mut run, 0)?;
    refused(&only_answer(&run, 100)?, "unknown", "unsafe")
}

fn batch_of_answers(stage: &Stage<'_>) -> Checked {
    let batch = br#"[{"jsonrpc":"2.0","id":2,"result":{"content":[]}},{"jsonrpc":"2.0","id":3,"result":{"content":[]}}]"#;
    let parts = vec![Vec::new(), [&batch[..], b"\n"].concat()];
    let mut run = begin(stage, &scripted(stage, parts)?)?;
    run.talk.call(2, "write", &json!({}))?;
    run.talk.call(3, "write", &json!({}))?;
    run.talk.await_stderr("written 3\n", 0, SOON)?;
    run.talk.close();
    let report = concluded(&mut run, 11)?;
    same("stray lines", &report["stray_stdout_lines"], &json!(1))?;
    same("unknown", &report["in_flight"]["unknown"], &json!(2))?;
    for id in [2, 3] {
        refused(&only_answer(&run, id)?, "unknown", "unsafe")?;
    }
    Ok(())
}
