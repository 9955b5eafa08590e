//! The tools that every server offers.

use std::io::{self, Write};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::failure_text;
use super::protocol::Peer;
use super::report;

/// Exit code of the tool `die`.
pub const EXIT_DIED: u8 = 3;

/// Lines that the tool `chatter` prints on standard output before it answers.
pub const CHATTER: &[&str] = &[
    "Connecting to database...",
    "",
    "[info] 3 rows",
    "{ not json",
];

/// Longest time that `slow` can be asked for, in milliseconds.
pub const MAX_SLOW_MS: u64 = 600_000;

/// Most bytes that `big` and `flood_stderr` can be asked for.
pub const MAX_BYTES: u64 = 64 << 20;

const SLOW_MS: u64 = 2_000;
const FLOOD_BYTES: u64 = 8_000_000;
const BIG_BYTES: u64 = 5_000_000;

/// A call to a tool.
#[derive(Clone, Debug)]
pub struct Call {
    /// Name of the tool.
    pub tool: String,
    /// Its arguments.
    pub arguments: Map<String, Value>,
    /// Under which token it wants to hear of progress.
    pub progress_token: Option<Value>,
}

impl Call {
    /// Reads the parameters of `tools/call`.
    ///
    /// # Errors
    /// Says what is wrong with them.
    pub fn parse(params: &str) -> Result<Self, String> {
        let mut params: Map<String, Value> = serde_json::from_str(params)
            .map_err(|error| format!("params must be an object: {error}"))?;
        let Some(Value::String(tool)) = params.remove("name") else {
            return Err("params.name must be the name of a tool".to_owned());
        };
        let arguments = match params.remove("arguments") {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(arguments)) => arguments,
            Some(_) => return Err("params.arguments must be an object".to_owned()),
        };
        let meta = params.get_mut("_meta").and_then(Value::as_object_mut);
        Ok(Self {
            tool,
            arguments,
            progress_token: meta.and_then(|meta| meta.remove("progressToken")),
        })
    }

    /// The argument `name` as a number of at most `most`, or `default` if it is absent.
    ///
    /// # Errors
    /// A reply that says what is wrong with it.
    pub fn number(&self, name: &str, default: u64, most: u64) -> Result<u64, Reply> {
        match self.arguments.get(name) {
            None => Ok(default),
            Some(value) => value
                .as_u64()
                .filter(|number| *number <= most)
                .ok_or_else(|| {
                    Reply::ToolError(format!("{name} must be a whole number from 0 to {most}"))
                }),
        }
    }

    /// The argument `name` as text.
    ///
    /// # Errors
    /// A reply that says that it is missing.
    pub fn text(&self, name: &str) -> Result<&str, Reply> {
        self.arguments
            .get(name)
            .and_then(Value::as_str)
            .ok_or_else(|| Reply::ToolError(format!("{name} must be a text")))
    }
}

/// What a call is answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// A result of one text.
    Text(String),
    /// A result of one text that is marked as an error.
    ToolError(String),
    /// A JSON-RPC error.
    RpcError {
        /// The code.
        code: i32,
        /// The message.
        message: String,
    },
}

/// What becomes of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is answered.
    Reply(Reply),
    /// It is never answered.
    Never,
    /// The server exits with this code instead.
    Leave(u8),
}

/// Where a tool does its work.
pub enum Act {
    /// On the reading thread; must be quick.
    Inline(Box<dyn Fn(&Call) -> Answer + Send + Sync>),
    /// On a thread of its own.
    Threaded(Arc<dyn Fn(&Call) -> Reply + Send + Sync>),
}

/// One tool.
pub struct Tool {
    /// Its name.
    pub name: &'static str,
    /// Its description for the client.
    pub about: &'static str,
    /// Its arguments: name and JSON Schema type.
    pub arguments: &'static [(&'static str, &'static str)],
    /// What it does.
    pub act: Act,
}

impl Tool {
    /// A tool that works on the reading thread.
    pub fn inline(
        name: &'static str,
        about: &'static str,
        arguments: &'static [(&'static str, &'static str)],
        act: impl Fn(&Call) -> Answer + Send + Sync + 'static,
    ) -> Self {
        Self {
            name,
            about,
            arguments,
            act: Act::Inline(Box::new(act)),
        }
    }

    /// A tool that works on a thread of its own.
    pub fn threaded(
        name: &'static str,
        about: &'static str,
        arguments: &'static [(&'static str, &'static str)],
        act: impl Fn(&Call) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self {
            name,
            about,
            arguments,
            act: Act::Threaded(Arc::new(act)),
        }
    }

    /// The entry of this tool in `tools/list`.
    #[must_use]
    pub fn listing(&self) -> Value {
        let properties: Map<String, Value> = self
            .arguments
            .iter()
            .map(|(name, kind)| ((*name).to_owned(), json!({ "type": kind })))
            .collect();
        json!({
            "name": self.name,
            "description": self.about,
            "inputSchema": { "type": "object", "properties": properties },
        })
    }
}

/// `echo`, `slow`, `block`, `fail`, `flood_stderr`, `big`, `die`, `chatter` and `report`.
#[must_use]
pub fn standard(peer: &Peer) -> Vec<Tool> {
    let peer = peer.clone();
    vec![
        Tool::inline("echo", "Returns the text", &[("text", "string")], |call| {
            Answer::Reply(
                call.text("text")
                    .map_or_else(|reply| reply, |text| Reply::Text(text.to_owned())),
            )
        }),
        Tool::threaded("slow", "Answers after ms", &[("ms", "integer")], slow),
        Tool::inline("block", "Never answers", &[], |_| Answer::Never),
        Tool::inline(
            "fail",
            "Fails carelessly: as \"tool\" or as \"rpc\"",
            &[("as", "string")],
            fail,
        ),
        Tool::threaded(
            "flood_stderr",
            "Writes bytes to stderr, then answers",
            &[("bytes", "integer")],
            flood_stderr,
        ),
        Tool::threaded(
            "big",
            "Returns a text of bytes",
            &[("bytes", "integer")],
            big,
        ),
        Tool::inline("die", "Exits in mid-call", &[], |_| {
            Answer::Leave(EXIT_DIED)
        }),
        Tool::inline(
            "chatter",
            "Prints text on stdout, then answers",
            &[],
            move |_| {
                let printed = peer.raw(format!("{}\n", CHATTER.join("\n")).as_bytes());
                Answer::Reply(match printed {
                    Ok(()) => Reply::Text("chattered".to_owned()),
                    Err(error) => Reply::ToolError(error.to_string()),
                })
            },
        ),
        Tool::inline(
            "report",
            "Describes the process that runs this",
            &[],
            |_| Answer::Reply(Reply::Text(report::report().to_string())),
        ),
    ]
}

fn slow(call: &Call) -> Reply {
    match call.number("ms", SLOW_MS, MAX_SLOW_MS) {
        Ok(ms) => {
            thread::sleep(Duration::from_millis(ms));
            Reply::Text(format!("done after {ms} ms"))
        }
        Err(reply) => reply,
    }
}

fn fail(call: &Call) -> Answer {
    let text = failure_text::TEXT.to_owned();
    Answer::Reply(match call.text("as") {
        Ok("tool") => Reply::ToolError(text),
        Ok("rpc") => Reply::RpcError {
            code: -32603,
            message: text,
        },
        Ok(_) | Err(_) => Reply::ToolError("as must be \"tool\" or \"rpc\"".to_owned()),
    })
}

fn flood_stderr(call: &Call) -> Reply {
    let bytes = match call.number("bytes", FLOOD_BYTES, MAX_BYTES) {
        Ok(bytes) => bytes,
        Err(reply) => return reply,
    };
    match flood(&mut io::stderr(), bytes) {
        Ok(()) => Reply::Text(format!("wrote {bytes} bytes to stderr")),
        Err(error) => Reply::ToolError(error.to_string()),
    }
}

/// Writes `bytes` bytes of log lines.
fn flood(out: &mut dyn Write, bytes: u64) -> io::Result<()> {
    let line = format!("debug: {}\n", "x".repeat(1016));
    let mut left = bytes;
    while left > 0 {
        let piece = usize::try_from(left).unwrap_or(usize::MAX).min(line.len());
        out.write_all(&line.as_bytes()[..piece])?;
        left -= piece as u64;
    }
    Ok(())
}

fn big(call: &Call) -> Reply {
    match call.number("bytes", BIG_BYTES, MAX_BYTES) {
        Ok(bytes) => Reply::Text("x".repeat(usize::try_from(bytes).unwrap_or(usize::MAX))),
        Err(reply) => reply,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(arguments: &Value) -> Call {
        Call::parse(&json!({ "name": "t", "arguments": arguments }).to_string()).unwrap()
    }

    #[test]
    fn a_flood_has_exactly_the_length_that_was_asked_for() {
        for bytes in [0, 1, 1023, 1024, 1025, 100_000] {
            let mut out = Vec::new();
            flood(&mut out, bytes).unwrap();
            assert_eq!(out.len() as u64, bytes);
        }
    }

    #[test]
    fn sizes_and_times_are_held_to_their_limits() {
        assert_eq!(
            big(&call(&json!({ "bytes": 3 }))),
            Reply::Text("xxx".into())
        );
        for reply in [
            big(&call(&json!({ "bytes": MAX_BYTES + 1 }))),
            big(&call(&json!({ "bytes": -1 }))),
            flood_stderr(&call(&json!({ "bytes": MAX_BYTES + 1 }))),
            slow(&call(&json!({ "ms": MAX_SLOW_MS + 1 }))),
        ] {
            assert!(matches!(reply, Reply::ToolError(_)), "{reply:?}");
        }
    }

    #[test]
    fn parameters_of_the_wrong_shape_are_refused_with_a_reason() {
        for params in [
            "[]",
            "{}",
            r#"{"name":1}"#,
            r#"{"name":"a","arguments":[]}"#,
        ] {
            assert!(
                Call::parse(params).unwrap_err().contains("params"),
                "{params}"
            );
        }
    }
}
