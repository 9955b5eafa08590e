//! The conversation: newline-framed JSON-RPC 2.0, as much of MCP as any client needs.
//!
//! Speaks the revisions of [`REVISIONS`]; anything newer is told by `server/discover` being an
//! unknown method. Lines that are no JSON object are dropped, as published servers do.

mod message;
mod peer;

use std::io::{self, BufRead, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::{Value, json};

pub use self::message::Message;
pub use self::peer::Peer;
use super::tools::{Act, Answer, Call, Reply, Tool};

/// Revisions that `initialize` agrees to, oldest first.
pub const REVISIONS: &[&str] = &["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];

/// Longest line that is read, in bytes. A longer one ends the server with [`EXIT_LINE`].
pub const MAX_LINE: u64 = 64 << 20;

/// Exit code after a line over [`MAX_LINE`] (`EX_DATAERR`).
pub const EXIT_LINE: u8 = 65;

/// Calls that may run on threads of their own at once; one more is refused as busy.
pub const MAX_CALLS: usize = 64;

/// Error code of a call over [`MAX_CALLS`].
pub const BUSY: i32 = -32000;

const METHOD_NOT_FOUND: i32 = -32601;
const INVALID_PARAMS: i32 = -32602;

/// How a conversation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The input ended.
    Eof,
    /// The output, or the input, can't be used any more.
    Broken,
    /// The server has to exit with this code.
    Left(u8),
}

/// What happens after a hook of [`Manners`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// The usual handling.
    Usual,
    /// No handling: the hook has done what there was to do.
    Done,
    /// The server exits with this code.
    Leave(u8),
}

/// Where a server departs from the usual conversation. All hooks run on the reading thread.
pub trait Manners {
    /// A line came in; `line` holds every byte of it, the line end included.
    fn heard(&mut self, _line: &[u8]) {}

    /// A request is about to be answered.
    fn asked(&mut self, _request: &Message<'_>, _peer: &Peer) -> Turn {
        Turn::Usual
    }

    /// The answer to a request of this method has been written.
    fn answered(&mut self, _method: &str) -> Turn {
        Turn::Usual
    }

    /// A notification came in.
    fn notified(&mut self, _method: &str) -> Turn {
        Turn::Usual
    }
}

/// No departure from the usual.
#[derive(Clone, Copy, Debug)]
pub struct Usual;

impl Manners for Usual {}

/// Holds a conversation until it ends.
pub fn serve(
    input: &mut dyn BufRead,
    peer: &Peer,
    tools: &[Tool],
    manners: &mut dyn Manners,
) -> End {
    let mut conversation = Conversation {
        peer,
        tools,
        manners,
        running: Arc::default(),
    };
    let mut line = Vec::new();
    loop {
        line.clear();
        let ended = match input.take(MAX_LINE + 1).read_until(b'\n', &mut line) {
            Ok(0) => return End::Eof,
            Ok(_) => line.last() != Some(&b'\n'),
            Err(_) => return End::Broken,
        };
        if line.len() as u64 > MAX_LINE {
            return End::Left(EXIT_LINE);
        }
        match conversation.line(&line) {
            Ok(Turn::Leave(code)) => return End::Left(code),
            Ok(Turn::Usual | Turn::Done) if ended => return End::Eof,
            Ok(Turn::Usual | Turn::Done) => {}
            Err(_) => return End::Broken,
        }
    }
}

struct Conversation<'a> {
    peer: &'a Peer,
    tools: &'a [Tool],
    manners: &'a mut dyn Manners,
    running: Arc<AtomicUsize>,
}

impl Conversation<'_> {
    fn line(&mut self, line: &[u8]) -> io::Result<Turn> {
        self.manners.heard(line);
        let Some(message) = Message::parse(line) else {
            return Ok(Turn::Usual);
        };
        let Some(method) = message.method.as_deref() else {
            return Ok(Turn::Usual);
        };
        if message.id.is_none() {
            return Ok(self.manners.notified(method));
        }
        let turn = match self.manners.asked(&message, self.peer) {
            Turn::Usual => self.request(&message, method)?,
            other @ (Turn::Done | Turn::Leave(_)) => return Ok(other),
        };
        match turn {
            Turn::Usual => Ok(self.manners.answered(method)),
            other @ (Turn::Done | Turn::Leave(_)) => Ok(other),
        }
    }

    fn request(&self, message: &Message<'_>, method: &str) -> io::Result<Turn> {
        let id = message.id_text();
        match method {
            "initialize" => self.peer.result(id, &initialize(message))?,
            "ping" => self.peer.result(id, &json!({}))?,
            "tools/list" => {
                let list: Vec<Value> = self.tools.iter().map(Tool::listing).collect();
                self.peer.result(id, &json!({ "tools": list }))?;
            }
            "tools/call" => return self.call(message, id),
            other => {
                self.peer
                    .error(id, METHOD_NOT_FOUND, &format!("Method not found: {other}"))?;
            }
        }
        Ok(Turn::Usual)
    }

    fn call(&self, message: &Message<'_>, id: &str) -> io::Result<Turn> {
        let call = match Call::parse(message.params_text()) {
            Ok(call) => call,
            Err(problem) => {
                self.peer.error(id, INVALID_PARAMS, &problem)?;
                return Ok(Turn::Usual);
            }
        };
        let Some(tool) = self.tools.iter().find(|tool| tool.name == call.tool) else {
            self.peer
                .error(id, INVALID_PARAMS, &format!("Unknown tool: {}", call.tool))?;
            return Ok(Turn::Usual);
        };
        match &tool.act {
            Act::Inline(act) => match act(&call) {
                Answer::Reply(reply) => self.peer.reply(id, &reply)?,
                Answer::Never => return Ok(Turn::Done),
                Answer::Leave(code) => return Ok(Turn::Leave(code)),
            },
            Act::Threaded(act) => return self.apart(Arc::clone(act), call, id),
        }
        Ok(Turn::Usual)
    }

    /// Runs a call on a thread of its own, so that the server keeps reading.
    fn apart(
        &self,
        act: Arc<dyn Fn(&Call) -> Reply + Send + Sync>,
        call: Call,
        id: &str,
    ) -> io::Result<Turn> {
        if self.running.fetch_add(1, Ordering::AcqRel) >= MAX_CALLS {
            self.running.fetch_sub(1, Ordering::AcqRel);
            self.peer.error(id, BUSY, "Too many calls at once")?;
            return Ok(Turn::Usual);
        }
        let (peer, id, running) = (self.peer.clone(), id.to_owned(), Arc::clone(&self.running));
        let started = thread::Builder::new().spawn(move || {
            let reply = act(&call);
            running.fetch_sub(1, Ordering::AcqRel);
            // A caller that has gone is found out by the reading thread.
            let _client_gone = peer.reply(&id, &reply);
        });
        started.map(|_| Turn::Done)
    }
}

fn initialize(message: &Message<'_>) -> Value {
    let params: Value = serde_json::from_str(message.params_text()).unwrap_or(Value::Null);
    let asked = params.get("protocolVersion").and_then(Value::as_str);
    let revision = asked
        .filter(|revision| REVISIONS.contains(revision))
        .unwrap_or(REVISIONS[REVISIONS.len() - 1]);
    json!({
        "protocolVersion": revision,
        "capabilities": { "tools": {} },
        "serverInfo": { "name": "dropgate-probe-server", "version": env!("CARGO_PKG_VERSION") },
    })
}

#[cfg(test)]
mod tests;
