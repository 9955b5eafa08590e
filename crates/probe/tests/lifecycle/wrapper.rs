//! A wrapper that offers one stdio server over HTTP, as rivals do, without looking after it.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{ChildStdin, Command, ExitCode, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

/// First argument that leads this program to [`run`]; then transport, port and the server follow.
pub(crate) const ENTRY: &str = "__http_wrapper";

struct Shared {
    stdin: Mutex<ChildStdin>,
    lines: Mutex<VecDeque<String>>,
    more: Condvar,
}

pub(crate) fn run(args: &[OsString]) -> ExitCode {
    let [transport, port, program, rest @ ..] = args else {
        return ExitCode::FAILURE;
    };
    let transport = transport.to_string_lossy().into_owned();
    let port: u16 = port.to_string_lossy().parse().unwrap();
    let mut child = Command::new(program)
        .args(rest)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let stdout = child.stdout.take().unwrap();
    let shared = Arc::new(Shared {
        stdin: Mutex::new(child.stdin.take().unwrap()),
        lines: Mutex::default(),
        more: Condvar::new(),
    });
    let reader = Arc::clone(&shared);
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            reader.lines.lock().unwrap().push_back(line);
            reader.more.notify_all();
        }
        let _ = child.wait();
    });
    println!("listening, which is no message");
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    for stream in listener.incoming().map_while(Result::ok) {
        let (shared, transport) = (Arc::clone(&shared), transport.clone());
        thread::spawn(move || serve(stream, &shared, &transport));
    }
    ExitCode::SUCCESS
}

fn serve(mut stream: TcpStream, shared: &Shared, transport: &str) {
    let mut input = BufReader::new(stream.try_clone().unwrap());
    let (mut head, mut length) = (String::new(), 0);
    while !head.ends_with("\r\n\r\n") {
        let mut line = String::new();
        if input.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        head += &line;
    }
    let mut body = vec![0; length];
    input.read_exact(&mut body).unwrap();
    if head.starts_with("GET") {
        listen(&mut stream, shared);
        return;
    }
    let message: serde_json::Value = serde_json::from_slice(&body).unwrap();
    let first = message["method"] == "initialize";
    if transport == "streamable" && !first && !head.contains("Mcp-Session-Id: session-1") {
        let _ = stream.write_all(b"HTTP/1.1 400 No session\r\nContent-Length: 0\r\n\r\n");
        return;
    }
    body.push(b'\n');
    shared.stdin.lock().unwrap().write_all(&body).unwrap();
    if transport == "sse" || message.get("id").is_none() {
        let _ = stream.write_all(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n");
        return;
    }
    let line = await_line(shared, Some(&message["id"]));
    // `initialize` as a body, everything else as a stream: a client must read both.
    let answer = if first {
        format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nMcp-Session-Id: session-1\r\nContent-Length: {}\r\n\r\n{line}",
            line.len()
        )
    } else {
        let event = format!("event: message\ndata: {line}\n\n");
        format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{event}\r\n0\r\n\r\n",
            event.len()
        )
    };
    let _ = stream.write_all(answer.as_bytes());
}

/// The stream of the older transport.
fn listen(stream: &mut TcpStream, shared: &Shared) {
    let mut text = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nevent: endpoint\ndata: /messages?s=1\n\n".to_owned();
    while stream.write_all(text.as_bytes()).is_ok() {
        text = format!("event: message\ndata: {}\n\n", await_line(shared, None));
    }
}

/// Takes the first line with this id out of those that arrived; any line if none is given.
fn await_line(shared: &Shared, id: Option<&serde_json::Value>) -> String {
    let mut lines = shared.lines.lock().unwrap();
    loop {
        let found = lines.iter().position(|line| {
            let message: serde_json::Value = serde_json::from_str(line).unwrap_or_default();
            id.is_none_or(|id| message["id"] == *id)
        });
        if let Some(line) = found.and_then(|at| lines.remove(at)) {
            return line;
        }
        lines = shared.more.wait(lines).unwrap();
    }
}
