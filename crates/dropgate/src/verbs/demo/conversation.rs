//! The few messages that the demonstration's caller exchanges.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::fd::OwnedFd;
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde_json::{Value, json};

/// The id of the call that is in flight when the owner is killed.
const CALL: &str = "the-call";
/// The most lines that are read in search of an answer.
const MOST_LINES: usize = 100;

/// A caller's two pipes.
pub(super) struct Talk {
    to_server: File,
    from_server: BufReader<File>,
}

/// What came back for the call.
pub(super) enum Answer {
    Nothing,
    Result(Value),
    Error(Value),
}

impl Talk {
    pub(super) fn new(stdin: OwnedFd, stdout: OwnedFd) -> Self {
        Self {
            to_server: File::from(stdin),
            from_server: BufReader::new(File::from(stdout)),
        }
    }

    /// The handshake, at most until the given instant.
    pub(super) fn begin(&mut self, until: Instant) -> Result<(), String> {
        self.send(&json!({
            "jsonrpc": "2.0", "id": "hello", "method": "initialize",
            "params": {
                "protocolVersion": "2025-06-18",
                "capabilities": {},
                "clientInfo": { "name": "dropgate-demo", "version": env!("CARGO_PKG_VERSION") },
            },
        }))?;
        let left = until.saturating_duration_since(Instant::now());
        if !self.readable(Timespec::try_from(left).map_err(|error| error.to_string())?) {
            return Err("the server did not answer in time".to_owned());
        }
        self.line().ok_or("the server ended at once")?;
        self.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }))
    }

    /// A call, and another request behind it, whose answer proves that the
    /// server has read the call.
    pub(super) fn call_that_never_ends(&mut self) -> Result<(), String> {
        self.send(&json!({
            "jsonrpc": "2.0", "id": CALL, "method": "tools/call",
            "params": { "name": "block", "arguments": {} },
        }))?;
        self.send(&json!({ "jsonrpc": "2.0", "id": "read", "method": "ping" }))?;
        self.line()
            .map(drop)
            .ok_or_else(|| "the server ended at once".to_owned())
    }

    /// What is there for the call, without waiting for more.
    pub(super) fn what_the_caller_got(&mut self) -> Answer {
        let now = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        for _ in 0..MOST_LINES {
            if self.from_server.buffer().is_empty() && !self.readable(now) {
                break;
            }
            let Some(line) = self.line() else { break };
            let Ok(mut message) = serde_json::from_str::<Value>(&line) else {
                continue;
            };
            if message["id"] == CALL {
                return match message.get_mut("result") {
                    Some(result) => Answer::Result(result.take()),
                    None => Answer::Error(message["error"].take()),
                };
            }
        }
        Answer::Nothing
    }

    fn send(&mut self, message: &Value) -> Result<(), String> {
        writeln!(self.to_server, "{message}").map_err(|error| error.to_string())
    }

    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = self.from_server.read_line(&mut line).ok()?;
        (read > 0).then_some(line)
    }

    fn readable(&self, within: Timespec) -> bool {
        let mut fds = [PollFd::new(self.from_server.get_ref(), PollFlags::IN)];
        matches!(poll(&mut fds, Some(&within)), Ok(ready) if ready > 0)
    }
}

/// In words, for the table.
pub(super) fn describe(answer: &Answer) -> String {
    match answer {
        Answer::Nothing => "got no answer: the pipe just ended, or hangs".to_owned(),
        Answer::Error(error) => format!("got an error: {error}"),
        Answer::Result(result) => {
            let outcome = &result["_meta"]["dev.dropgate/outcome"]["outcome"];
            match outcome.as_str() {
                Some(outcome) => {
                    format!(
                        "got one answer, outcome {outcome}: {}",
                        result["content"][0]["text"]
                    )
                }
                None => "got the result".to_owned(),
            }
        }
    }
}
