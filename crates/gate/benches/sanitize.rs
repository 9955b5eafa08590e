//! Time per message of the sanitiser, on standard error: `cargo bench -p dropgate-gate --bench sanitize [-- WORDS-OF-A-ROW]`.

use std::hint::black_box;
use std::time::{Duration, Instant};

use dropgate_gate::outcome::Outcome;
use dropgate_gate::sanitize::{
    Answer, Asked, Profile, Sanitizer, Settings, StderrFilter, Time, Verdict,
};
use dropgate_wire::{Direction, Envelope, Limits, scan};
use serde_json::json;

/// Each figure is the best of this many rounds, so that other work on the machine disturbs it little.
const ROUNDS: u32 = 5;
const ROUND: Duration = Duration::from_millis(120);
const MIB: usize = 1 << 20;
/// What servers say of wrong arguments.
const INVALID: &str = "email: Invalid email\n2 validation errors for Order\nitems.0.count: Input \
                       should be greater than 0\n\"due\" is required and must be an ISO 8601 date\n";

const SHAPES: &[&str] = &[
    include_str!("../tests/sanitize/corpus/node.txt"),
    include_str!("../tests/sanitize/corpus/python.txt"),
    include_str!("../tests/sanitize/corpus/jvm-dotnet.txt"),
    include_str!("../tests/sanitize/corpus/native.txt"),
];

fn main() {
    let secrets: Vec<String> = (0..8)
        .map(|n| format!("s3cr3t-v4lue-{n}-{}", n * 7919))
        .collect();
    let sanitizer = Sanitizer::new(
        Settings::default(),
        secrets.iter().map(|secret| secret.as_bytes()),
    );
    let many: Vec<String> = (0..64)
        .map(|n| format!("another-s3cr3t-of-{n}-{}-and-longer", n * 104_729))
        .collect();
    let with_many = Sanitizer::new(
        Settings {
            profile: Profile::Strict,
            ..Settings::default()
        },
        many.iter().map(|secret| secret.as_bytes()),
    );

    eprintln!("-- successful results: exact values only");
    let small = result("x".repeat(126), End::Well);
    report("200 B, 8 secrets", &small, &sanitizer);
    report("200 B, 64 secrets", &small, &with_many);
    let lines = result("line of text\n".repeat(300), End::Well);
    report("4 KiB with line feeds, 8 secrets", &lines, &sanitizer);
    report(
        "1 MiB of text, 8 secrets",
        &result("word and text ".repeat(MIB / 14), End::Well),
        &sanitizer,
    );
    report(
        "1 MiB of code, 8 secrets",
        &result(code(MIB), End::Well),
        &sanitizer,
    );

    eprintln!("-- failed results: everything");
    report(
        "validation message",
        &result("email: Invalid email".to_owned(), End::Failed),
        &sanitizer,
    );
    let shapes = SHAPES.concat();
    let prose = fill("Some words, and then a sentence that goes on. ", 4096);
    report("4 KiB of prose", &result(prose, End::Failed), &sanitizer);
    report(
        "4 KiB of code",
        &result(code(4096), End::Failed),
        &sanitizer,
    );
    let trace = "TypeError: no recipient\n".to_owned()
        + &fill(
            "    at Queue.drain (/srv/mailer/dist/queue.js:88:29)\n",
            4096,
        );
    report(
        "4 KiB of one trace",
        &result(trace, End::Failed),
        &sanitizer,
    );
    report(
        "4 KiB of traces",
        &result(shapes[..cut(&shapes, 4096)].to_owned(), End::Failed),
        &sanitizer,
    );
    report(
        "1 MiB of traces",
        &result(fill(&shapes, MIB), End::Failed),
        &sanitizer,
    );
    for (size, length) in [("4 KiB", 4096), ("1 MiB", MIB)] {
        let refusals = fill(INVALID, length);
        let name = format!("{size} of validation messages");
        report(&name, &result(refusals, End::Failed), &sanitizer);
    }
    report("1 MiB of code", &result(code(MIB), End::Failed), &sanitizer);
    report(
        "1 MiB of prose",
        &result(
            fill("Some words, and then a sentence that goes on. ", MIB),
            End::Failed,
        ),
        &sanitizer,
    );
    report("1 MiB of JSON", &result(rows(MIB), End::Failed), &sanitizer);
    report(
        "1 MiB of traces, strict, 64 secrets",
        &result(fill(&shapes, MIB), End::Failed),
        &with_many,
    );

    eprintln!("-- texts made to be slow, 1 MiB each");
    for piece in slow_pieces() {
        report(
            &format!("{piece:?}"),
            &result(fill(piece, MIB), End::Failed),
            &sanitizer,
        );
    }

    eprintln!("-- stderr");
    let line = b"2026-03-01 10:00:01,120 INFO worker: job 12 took 31 ms for tenant 7";
    let mut filter = StderrFilter::new();
    measure("a line of 70 B", line.len(), || {
        let forward = filter.line(&sanitizer, black_box(line), &|| Time::Left);
        let _ = black_box(forward);
    });
}

/// Pieces of which a text is made that costs much for its size.
fn slow_pieces() -> Vec<&'static str> {
    vec![
        "/",
        "\\",
        "\\\\",
        "'/",
        "/a",
        "a/b/",
        ":",
        ":1",
        "a:1 ",
        "1.",
        "10.0.0.1 ",
        "at ",
        " at f(",
        "\"File \"",
        " File \"",
        "token=",
        "password ",
        "password",
        "password: must be set ",
        "secret token ",
        "api_key auth pwd ",
        "secret=token:session=",
        "sk-abcdefghijklmnop-",
        "token: ",
        "sk-",
        "sk-sk_",
        "eyJ-",
        "://",
        "://a:",
        "-----BEGIN ",
        "-----BEGIN a-----",
        "select ",
        "SELECT ",
        "SELECT a, ",
        "update a set ",
        "password='",
        "q~",
        ".internal",
        "host=",
        "\\n",
        "\\u0061",
        "%41",
        "C:\\a ",
        "\\\\a",
        "a b\\",
        "~/",
        "[sql: ",
        ")=(",
        "cookie:",
        "bearer ",
        "<",
        "{\"a\":",
        "[",
        "\n",
        " \n",
        "    at f (/a.js:1:2)\n",
        "水",
        "https://docs.a/1.2/",
        "1.2.3 ",
    ]
}

fn report(name: &str, line: &str, sanitizer: &Sanitizer) {
    if !is_wanted(name) {
        return;
    }
    let Ok(Envelope::Response(response)) =
        scan(line.as_bytes(), &Limits::default(), Direction::FromServer)
    else {
        eprintln!("{name}: not a response");
        return;
    };
    let answer = Answer {
        line: line.as_bytes(),
        response: &response,
        outcome: Outcome::ToolError,
        asked: Asked::ToolCall,
        reference: Some("L-BENCH"),
    };
    let changed = match sanitizer.answer(&answer, &|| Time::Left) {
        Verdict::Clean => "clean".to_owned(),
        Verdict::Replaced(replacement) => match replacement.withheld() {
            Some(fault) => format!("withheld: {}", fault.name()),
            None => format!("{} removed", replacement.redactions().total()),
        },
        Verdict::Withheld(fault) => fault.name().to_owned(),
    };
    measure(&format!("{name} ({changed})"), line.len(), || {
        let verdict = sanitizer.answer(black_box(&answer), &|| Time::Left);
        let _ = black_box(verdict);
    });
}

/// How a call ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Well,
    Failed,
}

fn result(text: String, end: End) -> String {
    let mut result = json!({"content": [{"type": "text", "text": text}]});
    if end == End::Failed {
        result["isError"] = true.into();
    }
    json!({"jsonrpc": "2.0", "id": 17, "result": result}).to_string()
}

fn code(length: usize) -> String {
    fill(
        "    let value = map.get(\"key\").unwrap_or(&0); // a/b\n",
        length,
    )
}

fn rows(length: usize) -> String {
    let row = r#"{"id":48213,"name":"Mira","tags":["a","b"],"at":"2026-01-02T10:00:00Z","sha":"9f2c1e77aa"},"#;
    let mut text = fill(row, length);
    text.truncate(text.len() - text.len() % row.len() - 1);
    format!("[{text}]")
}

fn fill(piece: &str, length: usize) -> String {
    let mut text = piece.repeat(length / piece.len() + 1);
    text.truncate(cut(&text, length));
    text
}

fn cut(text: &str, mut length: usize) -> usize {
    while !text.is_char_boundary(length) {
        length -= 1;
    }
    length
}

/// Whether the command line names this row, or none.
fn is_wanted(name: &str) -> bool {
    let words = std::env::args().skip(1);
    let mut words = words.filter(|word| !word.starts_with("--")).peekable();
    words.peek().is_none() || words.any(|word| name.contains(&word))
}

fn measure(name: &str, bytes: usize, mut body: impl FnMut()) {
    if !is_wanted(name) {
        return;
    }
    let rounds: Vec<f64> = (0..ROUNDS).map(|_| per_call(&mut body)).collect();
    let best = rounds.iter().copied().fold(f64::INFINITY, f64::min);
    let rate = bytes as f64 / best / 1e6;
    eprintln!(
        "{name:56} {bytes:>8} B {:>12.2} us {rate:>8.1} MB/s",
        best * 1e6
    );
    let rounds: Vec<f64> = rounds.iter().map(|seconds| seconds * 1e6).collect();
    let words = name.split(" (").next().unwrap_or_default();
    eprintln!("{words}, us by round: {rounds:.2?}");
}

/// Seconds per call over one round, which ends early for slow bodies. Time on the processor counts, where the system
/// tells it, so that what else runs on the machine does not.
fn per_call(body: &mut impl FnMut()) -> f64 {
    let start = Instant::now();
    let before = on_processor();
    let mut calls = 0_u32;
    while calls == 0 || start.elapsed() < ROUND {
        for _ in 0..if calls == 0 { 1 } else { 4 } {
            body();
            calls += 1;
        }
    }
    let wall = start.elapsed();
    let spent = match (before, on_processor()) {
        (Some(before), Some(after)) => after - before,
        (None, _) | (_, None) => wall,
    };
    spent.as_secs_f64() / f64::from(calls)
}

/// How long this thread has run.
fn on_processor() -> Option<Duration> {
    let times = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanos = times.split(' ').next()?.parse().ok()?;
    Some(Duration::from_nanos(nanos))
}
