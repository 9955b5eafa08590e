//! Time per message and throughput of framing and scanning, on standard error: `cargo bench -p dropgate-wire`.

use std::hint::black_box;
use std::time::{Duration, Instant};

use dropgate_wire::{Direction, Limits, Line, LineBuffer, Retain, scan};

/// Each figure is the best of this many rounds, so that other work on the machine disturbs it little.
const ROUNDS: u32 = 7;
const ROUND: Duration = Duration::from_millis(150);

fn main() {
    for (name, direction, message) in messages() {
        report(name, message.len(), || scan_once(&message, direction));
    }
    let (name, _, message) = result_of_text("5 MiB, framed", &"x".repeat(5 << 20));
    let mut buffer = LineBuffer::new(Limits::default());
    report(name, message.len(), || frame_once(&mut buffer, &message));
    let mut buffer = LineBuffer::retaining(Limits::default(), Retain::UntilShrunk);
    report("5 MiB, framed, retained", message.len(), || {
        frame_once(&mut buffer, &message);
    });
    let lines = [short_call().as_slice(), b"\n"].concat().repeat(300);
    let mut buffer = LineBuffer::new(Limits::default());
    report("300 x 200 B, framed", lines.len(), || {
        frame_once(&mut buffer, &lines)
    });
}

type Row = (&'static str, Direction, Vec<u8>);

fn messages() -> Vec<Row> {
    let code = "    let value = \\\"quoted\\\".len();\\n";
    let numbers = (0..700_000)
        .map(|n| format!("{}.{n}", n % 9))
        .collect::<Vec<_>>()
        .join(",");
    let objects = r#"{"type":"text","name":"abc","size":12,"ok":true},"#.repeat(100_000) + "1";
    vec![
        ("200 B call", Direction::FromHost, short_call()),
        result_of_text("200 B result", &"x".repeat(126)),
        result_of_text("64 KiB text", &"x".repeat(64 << 10)),
        result_of_text("5 MiB text", &"x".repeat(5 << 20)),
        result_of_text("5 MiB code", &code.repeat((5 << 20) / code.len())),
        result_of_text("5 MiB Chinese", &"水".repeat((5 << 20) / 3)),
        result_of_text(
            "5 MiB text, one é",
            &("é".to_owned() + &"x".repeat(5 << 20)),
        ),
        (
            "5 MiB numbers",
            Direction::FromServer,
            result(&format!("[{numbers}]")),
        ),
        (
            "5 MiB objects, server",
            Direction::FromServer,
            result(&format!("[{objects}]")),
        ),
        (
            "5 MiB objects, host",
            Direction::FromHost,
            result(&format!("[{objects}]")),
        ),
    ]
}

fn short_call() -> Vec<u8> {
    let call = r#"{"method":"tools/call","params":{"name":"read_text_file","arguments":{"path":"/srv/data/projects/alpha/README.md","head":40,"encoding":"utf-8"},"_meta":{"progressToken":17}},"jsonrpc":"2.0","id":17}"#;
    call.into()
}

fn result_of_text(name: &'static str, text: &str) -> Row {
    let member = format!(r#"{{"content":[{{"type":"text","text":"{text}"}}]}}"#);
    (name, Direction::FromServer, result(&member))
}

fn result(value: &str) -> Vec<u8> {
    format!(r#"{{"result":{value},"jsonrpc":"2.0","id":17}}"#).into_bytes()
}

fn scan_once(message: &[u8], direction: Direction) {
    assert!(black_box(scan(black_box(message), &Limits::default(), direction)).is_ok());
}

/// What the relay does, with 64 KiB per read, but for the system calls.
fn frame_once(buffer: &mut LineBuffer, stream: &[u8]) {
    for chunk in stream.chunks(64 << 10) {
        buffer.spare()[..chunk.len()].copy_from_slice(chunk);
        buffer.filled(chunk.len());
        let mut done = 0;
        while let Some(Line::Whole(span, end)) = buffer.next_line() {
            scan_once(buffer.bytes(span), Direction::FromServer);
            done = end;
        }
        buffer.release(done);
    }
    while let Some(Line::Whole(span, end)) = buffer.finish() {
        scan_once(buffer.bytes(span), Direction::FromServer);
        buffer.release(end);
    }
}

fn report(name: &str, bytes: usize, mut body: impl FnMut()) {
    let best = (0..ROUNDS)
        .map(|_| per_call(&mut body))
        .fold(f64::INFINITY, f64::min);
    let rate = bytes as f64 / best / 1e9;
    eprintln!(
        "{name:24} {bytes:>9} B  {:>12.3} us  {rate:>7.2} GB/s",
        best * 1e6
    );
}

/// Seconds per call over one round.
fn per_call(body: &mut impl FnMut()) -> f64 {
    let start = Instant::now();
    let mut calls = 0_u32;
    while start.elapsed() < ROUND {
        for _ in 0..8 {
            body();
        }
        calls += 8;
    }
    start.elapsed().as_secs_f64() / f64::from(calls)
}
