//! A host over Streamable HTTP: one connection for each call in flight, and no more of HTTP than that takes.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::process::Stdio;
use std::time::{Duration, Instant};

use memchr::memmem;

use super::latency::Latencies;
use super::started::Started;
use super::{Doing as _, LoadError};
use crate::message;
use crate::plan::{Payload, Route};

/// How long a command may take until it listens and its server has answered.
const START_LIMIT: Duration = Duration::from_secs(60);

/// Between two attempts to connect.
const RETRY_EVERY: Duration = Duration::from_millis(50);

/// How long one answer may take.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// A header line is not longer than this.
const LINE_LIMIT: u64 = 16 << 10;

/// A session of a wrapper that serves HTTP.
pub(super) struct Client {
    pub(super) process: Started,
    name: String,
    port: u16,
    session: Option<String>,
    connections: Vec<Connection>,
    next_id: u64,
}

impl Client {
    /// Starts the command, waits until it listens, and performs the handshake.
    pub(super) fn connect(route: &Route, port: u16) -> Result<Client, LoadError> {
        let process = Started::new(route, Stdio::null(), Stdio::null())?;
        let deadline = Instant::now() + START_LIMIT;
        let mut connection = loop {
            match Connection::open(port) {
                Ok(connection) => break connection,
                Err(_) if Instant::now() < deadline && !process.has_ended() => {
                    std::thread::sleep(RETRY_EVERY);
                }
                Err(error) => return Err(LoadError::new(format!("{}: {error}", route.name))),
            }
        };
        let answer = connection.post(message::INITIALIZE.as_bytes(), None)?;
        let session = answer.session;
        connection.post(message::INITIALIZED.as_bytes(), session.as_deref())?;
        Ok(Client {
            process,
            name: route.name.clone(),
            port,
            session,
            connections: vec![connection],
            next_id: 1,
        })
    }

    /// Makes calls until `until`, `in_flight` at a time and about `most` in all.
    pub(super) fn call(
        &mut self,
        in_flight: usize,
        payload: Payload,
        until: Instant,
        most: usize,
    ) -> Result<Latencies, LoadError> {
        while self.connections.len() < in_flight {
            self.connections.push(Connection::open(self.port)?);
        }
        let each = most.div_ceil(in_flight);
        let session = self.session.as_deref();
        let first = self.next_id;
        let step = in_flight as u64;
        let lanes = self.connections.iter_mut().take(in_flight).zip(first..);
        let parts: Vec<Result<Latencies, LoadError>> = std::thread::scope(|scope| {
            let threads: Vec<_> = lanes
                .map(|(lane, id)| {
                    scope.spawn(move || lane.call((id, step), payload, session, until, each))
                })
                .collect();
            threads
                .into_iter()
                .map(|thread| {
                    thread
                        .join()
                        .unwrap_or_else(|_| Err(LoadError::new("a thread of the host panicked")))
                })
                .collect()
        });
        let mut all = Latencies::default();
        for part in parts {
            all.absorb(part.doing(&self.name)?);
        }
        self.next_id += (all.count() as u64 + step) * step;
        Ok(all)
    }

    pub(super) fn close(mut self) -> Result<Duration, LoadError> {
        let began = Instant::now();
        self.connections.clear();
        self.process.terminate()?;
        Ok(began.elapsed())
    }
}

struct Connection {
    stream: BufReader<TcpStream>,
    port: u16,
}

struct Answer {
    session: Option<String>,
    body: Vec<u8>,
}

impl Connection {
    fn open(port: u16) -> Result<Connection, LoadError> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).doing("connecting")?;
        stream.set_nodelay(true).doing("connecting")?;
        stream
            .set_read_timeout(Some(ANSWER_LIMIT))
            .doing("connecting")?;
        Ok(Connection {
            stream: BufReader::with_capacity(64 << 10, stream),
            port,
        })
    }

    fn call(
        &mut self,
        (mut id, step): (u64, u64),
        payload: Payload,
        session: Option<&str>,
        until: Instant,
        most: usize,
    ) -> Result<Latencies, LoadError> {
        let mut latencies = Latencies::default();
        let began = Instant::now();
        let mut body = Vec::new();
        loop {
            body.clear();
            message::append_call(&mut body, id, payload);
            let sent = Instant::now();
            let answer = self.post(&body, session)?;
            latencies.add(sent.elapsed());
            let whole = answer.body.len() >= message::answer_bytes(payload);
            if !whole || memmem::find(&answer.body, b"\"result\"").is_none() {
                let text = String::from_utf8_lossy(&answer.body);
                let start: String = text.chars().take(message::HEAD_BYTES).collect();
                return Err(LoadError::new(format!("no answer to a call: {start}")));
            }
            id += step;
            if latencies.count() >= most || Instant::now() >= until {
                break;
            }
        }
        latencies.seconds = began.elapsed().as_secs_f64();
        Ok(latencies)
    }

    fn post(&mut self, body: &[u8], session: Option<&str>) -> Result<Answer, LoadError> {
        let mut request = Vec::with_capacity(body.len() + 512);
        let port = self.port;
        // Writing into memory can't fail.
        let _ = write!(
            request,
            "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n\
             Accept: application/json, text/event-stream\r\nContent-Length: {}\r\n",
            body.len()
        );
        if let Some(session) = session {
            let _ = write!(
                request,
                "Mcp-Session-Id: {session}\r\nMCP-Protocol-Version: 2025-06-18\r\n"
            );
        }
        request.extend_from_slice(b"\r\n");
        request.extend_from_slice(body);
        self.stream
            .get_mut()
            .write_all(&request)
            .doing("sending a request")?;
        self.read_answer()
    }

    fn read_answer(&mut self) -> Result<Answer, LoadError> {
        let status = self.line()?;
        if !status.starts_with("HTTP/1.1 2") {
            return Err(LoadError::new(format!("answered {status}")));
        }
        let mut session = None;
        let mut length = Length::Fixed(0);
        loop {
            let line = self.line()?;
            let Some((name, value)) = line.split_once(':') else {
                break;
            };
            let value = value.trim();
            match name.to_ascii_lowercase().as_str() {
                "mcp-session-id" => session = Some(value.to_owned()),
                "content-length" => length = Length::Fixed(value.parse().doing("Content-Length")?),
                "transfer-encoding" => length = Length::Chunked,
                _ => {}
            }
        }
        let mut body = Vec::new();
        match length {
            Length::Fixed(length) => self.read_body(&mut body, length)?,
            Length::Chunked => loop {
                let line = self.line()?;
                let size = line.split(';').next().unwrap_or_default().trim();
                let size = u64::from_str_radix(size, 16).doing("the size of a chunk")?;
                self.read_body(&mut body, size)?;
                self.line()?;
                if size == 0 {
                    break;
                }
            },
        }
        Ok(Answer { session, body })
    }

    fn read_body(&mut self, body: &mut Vec<u8>, length: u64) -> Result<(), LoadError> {
        let read = (&mut self.stream)
            .take(length)
            .read_to_end(body)
            .doing("reading an answer")?;
        if read as u64 == length {
            return Ok(());
        }
        Err(LoadError::new("an answer ended early"))
    }

    /// A line without its end; empty at the end of the headers.
    fn line(&mut self) -> Result<String, LoadError> {
        let mut line = String::new();
        (&mut self.stream)
            .take(LINE_LIMIT)
            .read_line(&mut line)
            .doing("reading an answer")?;
        match line.strip_suffix('\n') {
            Some(text) => Ok(text.trim_end_matches('\r').to_owned()),
            None => Err(LoadError::new("an answer ended early")),
        }
    }
}

enum Length {
    Fixed(u64),
    Chunked,
}
