//! Bytes come through as they were sent, both ways, compared with what was sent and with what
//! comes without dropgate.

use std::fs;

use dropgate_testing_world::endings::ANSWERED_WITHIN;
use dropgate_testing_world::{Checked, Dice, Run, Says as _, Setup, fail, shapes};
use serde_json::json;

use crate::steps::{SOON, begin, concluded, same};
use crate::{Reach, Rule, Stage};

pub(crate) const RULES: &[Rule] = &[
    (
        "bytes_to_the_server_are_those_that_were_sent",
        Reach::Users,
        to_the_server,
    ),
    (
        "bytes_cut_anywhere_between_two_reads_stay_whole",
        Reach::Users,
        cut_to_the_server,
    ),
    (
        "bytes_cut_anywhere_between_two_writes_of_the_server_stay_whole",
        Reach::Users,
        cut_to_the_host,
    ),
    (
        "bytes_to_the_host_are_those_without_dropgate",
        Reach::Users,
        to_the_host,
    ),
    ("answers_are_those_without_dropgate", Reach::Users, answers),
    (
        "an_answer_that_nobody_waits_for_goes_nowhere",
        Reach::Users,
        unasked,
    ),
    (
        "messages_of_any_shape_pass_unchanged",
        Reach::Users,
        any_shape,
    ),
];

/// What a host may send, line ends apart.
const FROM_HOST: &[&str] = &[
    r#"{"jsonrpc":"2.0","id":10,"method":"ping"}"#,
    r#"{"trailing":true,"method":"ping","x-unknown":{"deep":[1,2,{"a":null}]},"id":11,"jsonrpc":"2.0"}"#,
    "  {\t\"jsonrpc\" :\"2.0\" , \"id\": 12,\r \"method\" : \"ping\"  }\t ",
    r#"{"jsonrpc":"2.0","id":13,"method":"world/numbers","params":{"n":[123456789012345678901234567890,-123456789012345678901234567890,-0,-0.0,1.0,1.10,1e0,1E+400,1e-400,0.123456789012345678901234567890]}}"#,
    r#"{"jsonrpc":"2.0","id":14,"method":"world/escapes","params":{"a\u0062c\/":"\u0041\/\\\"\b\f\n\r\t\u0000\ud83d\ude00\uD83D\uDE00","lone":"\ud800"}}"#,
    "{\"jsonrpc\":\"2.0\",\"id\":15,\"method\":\"world/raw\",\"params\":{\"\":\"é😀👩\u{200d}💻\u{2028}\u{feff}\u{7f}e\u{301}\"}}",
    r#"{"jsonrpc":"2.0","id":"a string","method":"ping"}"#,
    r#"{"jsonrpc":"2.0","id":"","method":"ping"}"#,
    r#"{"jsonrpc":"2.0","id":"é😀","method":"ping"}"#,
    r#"{"jsonrpc":"2.0","id":"\u0065scap\u0065d\/\"","method":"ping"}"#,
    r#"{"jsonrpc":"2.0","id":0,"method":"ping"}"#,
    r#"{"jsonrpc":"2.0","id":-7,"method":"ping"}"#,
    r#"{"jsonrpc":"2.0","id":123456789012345678901234567890,"method":"ping"}"#,
    r#"{"jsonrpc":"2.0","id":16.50,"method":"ping"}"#,
    r#"{"\u006asonrpc":"2.0","\u0069d":17,"m\u0065thod":"p\u0069ng"}"#,
    r#"{"jsonrpc":"2.0","method":"notifications/world"}"#,
    r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"nobody's","reason":"é"}}"#,
    r#"{"jsonrpc":"2.0","id":"of-the-server","result":{"roots":[],"x":1.0}}"#,
    r#"{"jsonrpc":"2.0","id":-1,"error":{"code":-32601,"message":"no","data":{"é":[1e2]},"more":0}}"#,
    r#"{"jsonrpc":"2.0","id":18,"method":"tools/call","params":{"name":"echo","arguments":{"text":"é\u00e9","n":1.00},"_meta":{"progressToken":1e1}}}"#,
];

/// What a server may send, line ends apart.
const FROM_SERVER: &[&str] = &[
    r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":1.0,"more":[-0.0,123456789012345678901234567890]}}"#,
    r#"{"method":"notifications/tools/list_changed","x":{"y":"\u0041\/"},"jsonrpc":"2.0"}"#,
    " {\t\"jsonrpc\" :\"2.0\" , \"id\": \"ask-1\",\r \"method\" : \"roots/list\"  }\t ",
    r#"{"jsonrpc":"2.0","id":-3,"method":"sampling/createMessage","params":{"messages":[{"é":"😀","lone":"\ud800"}]}}"#,
    r#"{"jsonrpc":"2.0","id":987654321098765432109876543210,"method":"ping"}"#,
    // Deeper than dropgate reads in what a server sends, a key may be there twice.
    r#"{"jsonrpc":"2.0","method":"notifications/world","params":{"a":{"b":{"c":1,"c":2}}}}"#,
];

/// What answers nothing that is open: of calls that never were, and of one that has its answer.
const UNASKED: &[&str] = &[
    r#"{"jsonrpc":"2.0","id":"nobody's","result":{"n":1e400}}"#,
    r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32603,"message":"at /srv/app/key.py"}}"#,
    r#"{"jsonrpc":"2.0","id":1000,"result":{"content":[]}}"#,
];

/// Ids, as they are written.
const IDS: &[&str] = &[
    "100",
    "-100",
    "0",
    "1.50",
    "12e1",
    "123456789012345678901234567890",
    "\"text\"",
    "\"\"",
    "\"é😀\"",
    r#""\u0065\/\"\ud83d\ude00""#,
    r#""123""#,
];

const LONG: usize = 5 << 20;

fn to_the_server(stage: &Stage<'_>) -> Checked {
    let mut bytes = Vec::new();
    for line in FROM_HOST {
        bytes.extend_from_slice(line.as_bytes());
        bytes.push(b'\n');
    }
    // Ids must be free again, so only what has none is repeated with the other line end.
    let has_id = |line: &str| line.contains("\"id\"") || line.contains("\\u0069d");
    for line in FROM_HOST.iter().filter(|line| !has_id(line)) {
        bytes.extend_from_slice(line.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    let crlf = "{\"jsonrpc\":\"2.0\",\"id\":\"crlf\",\"method\":\"ping\"}\r\n";
    bytes.extend_from_slice(crlf.as_bytes());
    bytes.extend_from_slice(nested(128).as_bytes());
    bytes.extend_from_slice(long_line().as_bytes());
    let mut run = begin(stage, &stage.server(RECORD))?;
    run.talk.send(&bytes)?;
    arrived(&mut run, &bytes)?;
    run.talk.close();
    concluded(&mut run, 0).map(drop)
}

const RECORD: &[&str] = &["record", "{dir}/record"];

/// A request whose innermost object is at this depth, the message itself being at depth 1.
fn nested(depth: usize) -> String {
    let (open, close) = ("{\"a\":".repeat(depth - 2), "}".repeat(depth - 2));
    format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":\"deep-{depth}\",\"method\":\"world/deep\",\"params\":{open}{{}}{close}}}\n"
    )
}

/// 5 MiB in which no power of two is a boundary between characters.
fn long_line() -> String {
    let text = "😀é".repeat(LONG / 6);
    format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":\"long\",\"method\":\"world/long\",\"params\":{{\"t\":\"x{text}\"}}}}\n"
    )
}

/// Checks that a `record` server got exactly these bytes after the handshake.
fn arrived(run: &mut Run, bytes: &[u8]) -> Checked {
    let last = json!({"jsonrpc": "2.0", "id": "last", "method": "ping"});
    run.talk.say(&last)?;
    run.talk.answer(&json!("last"), ANSWERED_WITHIN)?;
    let record = fs::read(run.dir.join("record")).says("the server's record")?;
    let mut got = record.split_inclusive(|byte| *byte == b'\n').skip(2);
    let last = format!("{last}\n");
    let mut sent = bytes
        .split_inclusive(|byte| *byte == b'\n')
        .chain([last.as_bytes()]);
    loop {
        match (got.next(), sent.next()) {
            (None, None) => return Ok(()),
            (got, sent) if got == sent => {}
            (got, sent) => return fail(differ("the server's record", got, sent)),
        }
    }
}

fn differ(what: &str, got: Option<&[u8]>, expected: Option<&[u8]>) -> String {
    let shown = |line: Option<&[u8]>| match line {
        None => "nothing".to_owned(),
        Some(line) => {
            let start = String::from_utf8_lossy(&line[..line.len().min(400)]).into_owned();
            format!("{} bytes {start:?}", line.len())
        }
    };
    format!("{what}: expected {}, found {}", shown(expected), shown(got))
}

fn cut_to_the_server(stage: &Stage<'_>) -> Checked {
    let mut run = begin(stage, &stage.server(RECORD))?;
    let mut all = Vec::new();
    let line = |number: usize| {
        format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":\"\\u00e9-{number}\",\"method\":\"ping\",\"params\":{{\"t\":\"😀é\\ud83d\\ude00\",\"n\":1.0}}}}\r\n"
        )
    };
    // Every cut is made, that inside an emoji and that between CR and LF included.
    for cut in 1..line(100).len() {
        let line = line(100 + cut);
        let (first, second) = line.as_bytes().split_at(cut);
        run.talk.send(first)?;
        run.talk.await_taken(SOON)?;
        run.talk.send(second)?;
        all.extend_from_slice(line.as_bytes());
    }
    arrived(&mut run, &all)?;
    run.talk.close();
    concluded(&mut run, 0).map(drop)
}

fn cut_to_the_host(stage: &Stage<'_>) -> Checked {
    let line =
        "{\"jsonrpc\":\"2.0\",\"method\":\"n/é\",\"params\":{\"t\":\"😀\\ud83d\\ude00\"}}\r\n";
    let cuts: Vec<usize> = (1..line.len()).collect();
    let parts = cuts.iter().flat_map(|&cut| {
        let (first, second) = line.as_bytes().split_at(cut);
        [first.to_vec(), second.to_vec()]
    });
    let setup = crate::steps::scripted(stage, parts.collect())?;
    let mut run = begin(stage, &setup)?;
    let next = json!({"jsonrpc": "2.0", "method": "notifications/next"});
    for part in 0..cuts.len() * 2 {
        run.talk.say(&next)?;
        // The log is looked at after the messages, so what was written has been read by then.
        let written = format!("written {}\n", part + 2);
        run.talk.await_stderr(&written, 0, SOON)?;
    }
    run.talk.close();
    concluded(&mut run, 0)?;
    let after_handshake = run.talk.heard.iter().skip(1);
    for got in after_handshake.clone() {
        if got != line.as_bytes() {
            return fail(differ("a line", Some(got), Some(line.as_bytes())));
        }
    }
    same("lines", &after_handshake.count(), &cuts.len())
}

/// What a host hears that asks `mirror` all this, one after the other.
fn heard(
    stage: &Stage<'_>,
    setup: &Setup,
    start: fn(&Stage<'_>, &Setup) -> Checked<Run>,
    requests: &[(String, String)],
) -> Checked<Vec<Vec<u8>>> {
    let mut run = start(stage, setup)?;
    run.talk.initialize(ANSWERED_WITHIN)?;
    run.know_own();
    for (line, id) in requests {
        let answered = run.talk.heard.len();
        run.talk.send(line.as_bytes())?;
        let written = format!("\"id\":{id},");
        let until = std::time::Instant::now() + ANSWERED_WITHIN;
        let is_answer = |line: &Vec<u8>| {
            line.starts_with(format!("{{\"jsonrpc\":\"2.0\",{written}").as_bytes())
        };
        while !run.talk.heard[answered..].iter().any(is_answer) {
            let left = until.saturating_duration_since(std::time::Instant::now());
            let next = run.talk.next(left).says(format!("the answer to {id}"))?;
            next.says(format!("stdout ended before the answer to {id}"))?;
        }
    }
    run.talk.close();
    run.talk.hear_out(SOON)?;
    Ok(std::mem::take(&mut run.talk.heard))
}

fn bare(stage: &Stage<'_>, setup: &Setup) -> Checked<Run> {
    Run::start_bare(stage.place, &format!("{}-bare", stage.name), setup)
}

fn held(stage: &Stage<'_>, setup: &Setup) -> Checked<Run> {
    Run::start(stage.place, &stage.name, setup)
}

/// Checks that a host hears the same from `mirror` with dropgate as without, and gives that.
fn same_heard(stage: &Stage<'_>, requests: &[(String, String)]) -> Checked<Vec<Vec<u8>>> {
    let setup = stage.server(&["mirror"]);
    let without = heard(stage, &setup, bare, requests)?;
    let with = heard(stage, &setup, held, requests)?;
    for (got, expected) in with.iter().zip(&without) {
        if got != expected {
            return fail(differ("a line", Some(got), Some(expected)));
        }
    }
    same("lines", &with.len(), &without.len())?;
    Ok(with)
}

fn unasked(stage: &Stage<'_>) -> Checked {
    let setup = stage.server(&["mirror"]);
    let lines: Vec<u8> = UNASKED
        .iter()
        .flat_map(|line| [line.as_bytes(), b"\n"].concat())
        .collect();
    let requests = [
        (emit(1000, b""), "1000".to_owned()),
        (emit(1001, &lines), "1001".to_owned()),
    ];
    let heard = heard(stage, &setup, held, &requests)?;
    let leaked: Vec<_> = heard
        .iter()
        .filter(|line| UNASKED.iter().any(|lost| line.starts_with(lost.as_bytes())))
        .map(|line| String::from_utf8_lossy(line))
        .collect();
    same(
        "answers that nobody waits for",
        &leaked.join(""),
        &String::new(),
    )
}

fn to_the_host(stage: &Stage<'_>) -> Checked {
    let mut emitted: Vec<Vec<u8>> = Vec::new();
    for end in ["\n", "\r\n"] {
        emitted.extend(
            FROM_SERVER
                .iter()
                .map(|line| format!("{line}{end}").into_bytes()),
        );
    }
    emitted.push(
        format!(
            "{{\"jsonrpc\":\"2.0\",\"method\":\"n\",\"params\":{{\"t\":\"x{}\"}}}}\n",
            "😀é".repeat(LONG / 6)
        )
        .into_bytes(),
    );
    let mut emits = emitted.clone();
    // All of it again at once.
    emits.push(emitted.concat());
    let requests: Vec<(String, String)> = emits
        .iter()
        .enumerate()
        .map(|(number, bytes)| (emit(1000 + number, bytes), (1000 + number).to_string()))
        .collect();
    let heard = same_heard(stage, &requests)?;
    for line in &emitted {
        let count = heard.iter().filter(|got| *got == line).count();
        if count != 2 {
            let text = differ("heard", None, Some(line));
            return fail(format!("{text}; {count} times instead of twice"));
        }
    }
    Ok(())
}

/// A call that makes `mirror` write bytes.
pub(crate) fn emit(id: usize, bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut hex = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _infallible = write!(hex, "{byte:02x}");
    }
    format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"tools/call\",\"params\":{{\"name\":\"emit\",\"arguments\":{{\"hex\":\"{hex}\"}}}}}}\n"
    )
}

fn answers(stage: &Stage<'_>) -> Checked {
    let long = format!("{{\"name\":\"t\",\"x\":\"y{}\"}}", "😀é".repeat(LONG / 6));
    let params = [
        r#"{ "name" : "t" , "arguments":{"n":[-0.0,1.0,1E400,123456789012345678901234567890]} }"#,
        "{\"name\":\"é😀\",\"\\u0041\":\"\\ud83d\\ude00\u{2028}\",\"x\":{\"y\":{}}}",
        &long,
    ];
    let mut requests = Vec::new();
    let mut expected = Vec::new();
    for (method, end) in [("tools/call", "\n"), ("world/other", "\r\n")] {
        for id in IDS {
            for params in params.iter().take(if *id == "100" { 3 } else { 2 }) {
                let line = format!(
                    "{{\"params\":{params},\"method\":\"{method}\",\"id\":{id},\"jsonrpc\":\"2.0\"}}{end}"
                );
                requests.push((line, (*id).to_owned()));
                expected.push(mirrored(id, params));
            }
        }
    }
    let heard = same_heard(stage, &requests)?;
    all_mirrored(&heard, &expected)
}

fn mirrored(id: &str, params: &str) -> String {
    format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{\"content\":[],\"params\":{params}}}}}\n"
    )
}

fn all_mirrored(heard: &[Vec<u8>], expected: &[String]) -> Checked {
    for (got, expected) in heard.iter().skip(1).zip(expected) {
        if got != expected.as_bytes() {
            return fail(differ("an answer", Some(got), Some(expected.as_bytes())));
        }
    }
    same("answers", &(heard.len() - 1), &expected.len())
}

/// How many messages of any shape are sent.
const MESSAGES: u64 = 500;

fn any_shape(stage: &Stage<'_>) -> Checked {
    let mut dice = Dice::from_environment();
    let seed = dice.seed();
    let mut lines = Vec::new();
    let (mut requests, mut expected) = (Vec::new(), Vec::new());
    for number in 0..MESSAGES {
        let end = if dice.below(3) == 0 { "\r\n" } else { "\n" };
        let asked = shapes::request(&mut dice, number);
        let line = format!("{}{end}", asked.line);
        expected.push(mirrored(&asked.id, asked.params.trim()));
        lines.push(line.clone());
        requests.push((line, asked.id));
        lines.push(format!("{}{end}", shapes::notification(&mut dice)));
        lines.push(format!("{}{end}", shapes::answer(&mut dice, number)));
    }
    let seeded = |problem: String| format!("DROPGATE_WORLD_SEED={seed}: {problem}");
    let all = lines.concat();
    let mut run = begin(stage, &stage.server(RECORD))?;
    let mut rest = all.as_bytes();
    while !rest.is_empty() {
        let length = usize::try_from(dice.below(3000) + 1).unwrap_or(1);
        let (piece, after) = rest.split_at(length.min(rest.len()));
        run.talk.send(piece)?;
        rest = after;
    }
    arrived(&mut run, all.as_bytes()).map_err(seeded)?;
    run.talk.close();
    concluded(&mut run, 0)?;
    let heard = same_heard(stage, &requests).map_err(seeded)?;
    all_mirrored(&heard, &expected).map_err(seeded)
}
