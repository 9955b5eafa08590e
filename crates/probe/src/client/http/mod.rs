//! MCP over HTTP, just enough to ask and to be answered: Streamable HTTP, and the transport of
//! 2024-11-05 with its one stream of events.

mod address;
mod events;
mod exchange;
mod response;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use rustix::event::PollFd;
use serde_json::Value;

use self::address::Transport;
pub use self::address::{Address, NotAnAddress};
use self::events::Event;
use self::exchange::Exchange;
use super::inbox::{Answered, Inbox};
use super::message::Id;

/// How long to wait between two attempts while the program does not listen yet.
const AGAIN_AFTER: Duration = Duration::from_millis(50);

/// Messages that wait to be sent, and exchanges at once; more are dropped.
const MAX_OPEN: usize = 64;

#[derive(Debug)]
pub(crate) struct Http {
    address: Address,
    session: Option<String>,
    revision: Option<String>,
    /// Where messages go; not known before the stream has told it, for the older transport.
    post_to: Option<String>,
    waiting: VecDeque<Post>,
    again_at: Option<Instant>,
    /// The stream of the older transport.
    stream: Option<Exchange>,
    posts: Vec<(Post, Exchange)>,
    phase: Phase,
    lost: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The program may not listen yet, so what fails is tried again.
    Starting,
    Speaking,
}

#[derive(Clone, Debug)]
struct Post {
    id: Option<Id>,
    message: Vec<u8>,
}

impl Http {
    pub(crate) fn new(address: Address) -> Self {
        let post_to = match address.transport() {
            Transport::Streamable => Some(address.path.clone()),
            Transport::Sse => None,
        };
        Self {
            address,
            session: None,
            revision: None,
            post_to,
            waiting: VecDeque::new(),
            again_at: None,
            stream: None,
            posts: Vec::new(),
            phase: Phase::Starting,
            lost: false,
        }
    }

    /// The answer to `initialize` has arrived: from here on the program is known to listen.
    pub(crate) fn begin(&mut self, answer: &[u8]) {
        self.phase = Phase::Speaking;
        let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
        let revision = answer
            .pointer("/result/protocolVersion")
            .and_then(Value::as_str);
        self.revision = revision
            .filter(|revision| is_harmless(revision))
            .map(str::to_owned);
    }

    pub(crate) fn post(&mut self, id: Option<Id>, message: Vec<u8>) {
        if self.waiting.len() < MAX_OPEN {
            self.waiting.push_back(Post { id, message });
            self.again_at = None;
        }
        self.send_waiting();
    }

    pub(crate) fn watch<'a>(&'a self, fds: &mut Vec<PollFd<'a>>) {
        fds.extend(self.stream.iter().map(Exchange::watch));
        fds.extend(self.posts.iter().map(|(_, exchange)| exchange.watch()));
    }

    /// When something is to be done even if nothing arrives.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.again_at
    }

    /// Moves what can be moved without waiting.
    pub(crate) fn turn(&mut self, inbox: &mut Inbox) {
        self.turn_stream(inbox);
        let mut posts = std::mem::take(&mut self.posts);
        posts.retain_mut(|(post, exchange)| {
            let mut events = Vec::new();
            exchange.turn(&mut events);
            for event in &events {
                inbox.take(&event.data);
            }
            if exchange.is_over() {
                self.conclude(post, exchange, inbox);
            }
            !exchange.is_over()
        });
        self.posts = posts;
        self.send_waiting();
    }

    /// Whether an exchange ended without the answer that it was there for.
    pub(crate) fn is_lost(&self) -> bool {
        self.lost
    }

    /// Whether nothing is open.
    pub(crate) fn is_silent(&self) -> bool {
        self.stream.is_none() && self.posts.is_empty()
    }

    fn turn_stream(&mut self, inbox: &mut Inbox) {
        let Some(stream) = &mut self.stream else {
            return;
        };
        let mut events = Vec::new();
        stream.turn(&mut events);
        if stream.is_over() {
            self.stream = None;
            match self.phase {
                Phase::Starting => self.later(),
                Phase::Speaking => self.lost = true,
            }
        }
        for Event { name, data } in events {
            if name == "endpoint" {
                self.post_to = path_of(&String::from_utf8_lossy(&data));
            } else {
                inbox.take(&data);
            }
        }
    }

    /// What the end of an exchange means for the question that it carried.
    fn conclude(&mut self, post: &Post, exchange: &Exchange, inbox: &mut Inbox) {
        let head = exchange.head();
        if let Some(session) = head.and_then(|head| head.session.as_deref()) {
            self.session = Some(session.to_owned()).filter(|session| is_harmless(session));
        }
        let status = head.map(|head| head.status);
        let Some(id) = post.id.filter(|id| inbox.answered(*id).is_none()) else {
            return;
        };
        match (status, self.phase) {
            (None | Some(500..), Phase::Starting) => {
                self.waiting.push_front(post.clone());
                self.later();
            }
            (Some(400..), Phase::Starting | Phase::Speaking) => {
                let text = format!("HTTP status {}", status.unwrap_or_default());
                inbox.answer(id, Answered::Error, text.as_bytes());
            }
            // The answer comes on the stream.
            (Some(_), _) if self.address.transport() == Transport::Sse => {}
            (None | Some(_), Phase::Starting | Phase::Speaking) => {
                self.lost |= id == Id::Call;
            }
        }
    }

    fn later(&mut self) {
        self.again_at = Some(Instant::now() + AGAIN_AFTER);
    }

    fn send_waiting(&mut self) {
        if self.again_at.is_some_and(|at| Instant::now() < at) {
            return;
        }
        self.again_at = None;
        let Some(path) = self.post_to.clone() else {
            return self.open_stream();
        };
        while self.posts.len() < MAX_OPEN
            && let Some(post) = self.waiting.pop_front()
        {
            let request = self.request("POST", &path, &post.message);
            match (
                Exchange::begin(&self.address.authority(), request),
                self.phase,
            ) {
                (Ok(exchange), _) => self.posts.push((post, exchange)),
                (Err(_), Phase::Starting) => {
                    self.waiting.push_front(post);
                    return self.later();
                }
                (Err(_), Phase::Speaking) => self.lost |= post.id == Some(Id::Call),
            }
        }
    }

    fn open_stream(&mut self) {
        if self.stream.is_some() || self.phase == Phase::Speaking {
            return;
        }
        let request = self.request("GET", &self.address.path, &[]);
        match Exchange::begin(&self.address.authority(), request) {
            Ok(stream) => self.stream = Some(stream),
            Err(_) => self.later(),
        }
    }

    fn request(&self, method: &str, path: &str, message: &[u8]) -> Vec<u8> {
        let accept = match self.address.transport() {
            Transport::Sse if method == "GET" => "text/event-stream",
            Transport::Sse | Transport::Streamable => "application/json, text/event-stream",
        };
        let mut head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nAccept: {accept}\r\nConnection: close\r\n",
            self.address.authority()
        );
        if !message.is_empty() {
            head += &format!(
                "Content-Type: application/json\r\nContent-Length: {}\r\n",
                message.len()
            );
        }
        let fields = [
            ("Mcp-Session-Id", &self.session),
            ("MCP-Protocol-Version", &self.revision),
        ];
        for (name, value) in fields {
            if let Some(value) = value {
                head += &format!("{name}: {value}\r\n");
            }
        }
        head += "\r\n";
        [head.as_bytes(), message].concat()
    }
}

/// Whether a value of the program's can be sent back in a field of a head.
fn is_harmless(value: &str) -> bool {
    value.len() <= 1024 && value.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The path of an endpoint, which may be told as a whole address.
fn path_of(endpoint: &str) -> Option<String> {
    let path = match endpoint.split_once("://") {
        Some((_, rest)) => rest.find('/').and_then(|at| rest.get(at..))?,
        None => endpoint,
    };
    (path.starts_with('/') && is_harmless(path)).then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_path_whatever_its_form() {
        let rows = [
            ("/messages?session=1", Some("/messages?session=1")),
            ("http://127.0.0.1:80/m", Some("/m")),
            ("http://127.0.0.1:80", None),
            ("messages", None),
            ("/a b", None),
        ];
        for (endpoint, path) in rows {
            assert_eq!(path_of(endpoint).as_deref(), path, "{endpoint}");
        }
    }

    #[test]
    fn messages_that_can_not_be_sent_yet_are_held_to_their_limit() {
        let mut http = Http::new("http://127.0.0.1:1/sse".parse().unwrap());
        for _ in 0..=MAX_OPEN {
            http.post(None, Vec::new());
        }
        assert_eq!(http.waiting.len(), MAX_OPEN);
        assert!(http.due().is_some(), "the stream is tried again");
    }
}
