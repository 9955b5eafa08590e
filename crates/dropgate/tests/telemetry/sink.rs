//! A collector that takes, refuses, or does nothing at all.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

/// What it does with requests.
pub(crate) enum Manner {
    Takes,
    /// Always this status.
    Says(u16),
    /// This status the first time, and then it takes.
    SaysFirst(u16),
    /// It takes all but so many spans of each request.
    TakesAllBut(u64),
    /// Each answer takes this long.
    Slow(Duration),
    /// Connections stay in its queue: nobody reads what is sent.
    Mute,
}

/// A request that it took.
pub(crate) struct Taken {
    pub(crate) path: String,
    pub(crate) body: Value,
}

pub(crate) struct Sink {
    address: String,
    taken: Receiver<Taken>,
    seen: Vec<Taken>,
    /// Kept, so that connections to it are made.
    _listener: Arc<Mutex<TcpListener>>,
}

impl Sink {
    pub(crate) fn new(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (sender, taken) = channel();
        let own = listener.try_clone().unwrap();
        if !matches!(manner, Manner::Mute) {
            std::thread::spawn(move || serve(&own, manner, &sender));
        }
        Self {
            address,
            taken,
            seen: Vec::new(),
            _listener: Arc::new(Mutex::new(listener)),
        }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// All that it has taken so far.
    pub(crate) fn taken(&mut self) -> &[Taken] {
        self.seen.extend(self.taken.try_iter());
        &self.seen
    }

    /// Every span that it has taken so far.
    pub(crate) fn spans(&mut self) -> Vec<Value> {
        let traces = self.taken().iter().filter(|one| one.path == "/v1/traces");
        traces
            .flat_map(|one| list(&one.body["resourceSpans"]))
            .flat_map(|one| list(&one["scopeSpans"]))
            .flat_map(|one| list(&one["spans"]))
            .collect()
    }

    /// The points of a measurement, as it was sent last.
    pub(crate) fn points(&mut self, name: &str) -> Vec<Value> {
        let metrics = self.taken().iter().rfind(|one| one.path == "/v1/metrics");
        let metrics = &metrics.unwrap().body["resourceMetrics"][0]["scopeMetrics"][0]["metrics"];
        let named = list(metrics).into_iter().find(|one| one["name"] == name);
        let named = named.unwrap_or_default();
        let kinds = ["histogram", "sum", "gauge"];
        let points = kinds.map(|kind| list(&named[kind]["dataPoints"]));
        points.concat()
    }
}

fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
}

/// The text of an attribute; empty without it.
pub(crate) fn attribute(of: &Value, key: &str) -> String {
    let attributes = list(&of["attributes"]);
    let found = attributes.iter().find(|one| one["key"] == key);
    let value = found.and_then(|one| one["value"]["stringValue"].as_str());
    value.unwrap_or_default().to_owned()
}

fn serve(listener: &TcpListener, mut manner: Manner, taken: &Sender<Taken>) {
    for stream in listener.incoming() {
        let Some(request) = read(stream.as_ref().unwrap()) else {
            continue;
        };
        let mut body = String::from("{}");
        let status = match manner {
            Manner::Takes | Manner::Mute => 200,
            Manner::Says(status) => status,
            Manner::SaysFirst(status) => {
                manner = Manner::Takes;
                status
            }
            Manner::TakesAllBut(count) => {
                body = format!(r#"{{"partialSuccess":{{"rejectedSpans":"{count}"}}}}"#);
                200
            }
            Manner::Slow(time) => {
                std::thread::park_timeout(time);
                200
            }
        };
        if status == 200 && taken.send(request).is_err() {
            return;
        }
        let reply = format!(
            "HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let _gone = stream.unwrap().write_all(reply.as_bytes());
    }
}

fn read(stream: &TcpStream) -> Option<Taken> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let lower = head.to_ascii_lowercase();
    let length = lower.split("content-length: ").nth(1)?.lines().next()?;
    assert!(
        lower.contains("content-type: application/json\r\n"),
        "{head}"
    );
    let mut body = vec![0; length.parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    Some(Taken {
        path: head.split(' ').nth(1)?.to_owned(),
        body: serde_json::from_slice(&body).unwrap(),
    })
}
