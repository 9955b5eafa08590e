//! Servers that prove what reached them, or that bytes came through unchanged.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use dropgate_probe::servers::protocol::{Manners, Message, Peer, Turn};
use dropgate_probe::servers::roll::Launch;
use dropgate_probe::servers::tools::{Answer, Call, Reply, Tool};
use dropgate_probe::servers::{AtEof, conclude};
use serde_json::{Value, json};

use crate::stage::{Failure, talk, talk_and_exit};

pub(crate) fn counter(launch: &Launch) -> Result<ExitCode, Failure> {
    let file = Tally::open(launch)?;
    let tools = |_: &Peer| file.tools();
    let mut behind = Behind { file: file.clone() };
    let end = talk("counter", launch, tools, &mut behind);
    Ok(conclude(end, AtEof::Exit))
}

/// The file in which calls are counted.
#[derive(Clone)]
struct Tally(Arc<Mutex<File>>);

impl Tally {
    fn open(launch: &Launch) -> Result<Self, Failure> {
        let file = append(launch.text(0, "the file to count in")?)?;
        Ok(Self(Arc::new(Mutex::new(file))))
    }

    /// Counts a call, once and for all.
    fn count(&self, call: &Call) -> io::Result<()> {
        let line = format!("{}\n", Value::Object(call.arguments.clone()));
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(line.as_bytes())
    }

    fn tools(&self) -> Vec<Tool> {
        let counting = |then: fn(&Call) -> Answer| {
            let file = self.clone();
            move |call: &Call| match file.count(call) {
                Ok(()) => then(call),
                Err(error) => Answer::Reply(Reply::ToolError(error.to_string())),
            }
        };
        let counted = |_: &Call| Answer::Reply(Reply::Text("counted".to_owned()));
        vec![
            Tool::inline(
                "count",
                "Appends its arguments to the file",
                &[],
                counting(counted),
            ),
            Tool::inline(
                "count_and_fail",
                "Appends its arguments to the file, and says that it failed",
                &[],
                counting(|_| Answer::Reply(Reply::ToolError("counted, then failed".to_owned()))),
            ),
            Tool::inline(
                "count_and_block",
                "Appends its arguments to the file, and never answers",
                &[],
                counting(|_| Answer::Never),
            ),
            Tool::inline(
                "count_at_length",
                "Appends its arguments to the file, and answers with a long text",
                &[],
                counting(|_| Answer::Reply(Reply::Text("x".repeat(LONG)))),
            ),
            Tool::inline(
                "pause",
                "Reads nothing more until somebody opens the FIFO for writing",
                &[("fifo", "string")],
                |call| {
                    Answer::Reply(match call.text("fifo").map(File::open) {
                        Ok(Ok(_)) => Reply::Text("went on".to_owned()),
                        Ok(Err(error)) => Reply::ToolError(error.to_string()),
                        Err(reply) => reply,
                    })
                },
            ),
        ]
    }
}

/// How long a long text is, bytes: more than a pipe of one page takes, less than one of the usual
/// size.
const LONG: usize = 16_000;
/// The tool whose answer stands behind a long notification, written at once.
const COUNT_BEHIND: &str = "count_behind";
/// The tool that asks for input first, and counts in the round that brings it.
const COUNT_WHEN_TOLD: &str = "count_when_told";

struct Behind {
    file: Tally,
}

impl Manners for Behind {
    fn asked(&mut self, request: &Message<'_>, peer: &Peer) -> Turn {
        let call = match request.method.as_deref() {
            Some("tools/call") => Call::parse(request.params_text()).ok(),
            Some(_) | None => None,
        };
        let Some(call) = call else {
            return Turn::Usual;
        };
        match call.tool.as_str() {
            COUNT_BEHIND => self.behind(&call, request, peer),
            COUNT_WHEN_TOLD => self.when_told(&call, request, peer),
            _other => Turn::Usual,
        }
    }
}

impl Behind {
    fn when_told(&self, call: &Call, request: &Message<'_>, peer: &Peer) -> Turn {
        let params: Value = serde_json::from_str(request.params_text()).unwrap_or_default();
        let answer = match params.get("inputResponses") {
            None => json!({
                "resultType": "input_required",
                "inputRequests": {"sure": {"method": "elicitation/create", "params": {}}},
                "requestState": "asked once",
            }),
            Some(_) if self.file.count(call).is_err() => return Turn::Leave(1),
            Some(told) if told["sure"] == "block" => return Turn::Done,
            Some(_) => json!({"content": [{"type": "text", "text": "counted"}]}),
        };
        match peer.result_text(request.id_text(), &answer.to_string()) {
            Ok(()) => Turn::Done,
            Err(_) => Turn::Leave(1),
        }
    }

    fn behind(&self, call: &Call, request: &Message<'_>, peer: &Peer) -> Turn {
        if self.file.count(call).is_err() {
            return Turn::Leave(1);
        }
        let long = "x".repeat(LONG);
        let both = format!(
            "{{\"jsonrpc\":\"2.0\",\"method\":\"notifications/long\",\"params\":{{\"text\":\"{long}\"}}}}\n\
             {{\"jsonrpc\":\"2.0\",\"id\":{},\"result\":{{\"content\":[]}}}}\n",
            request.id_text()
        );
        match peer.raw(both.as_bytes()) {
            Ok(()) => Turn::Done,
            Err(_) => Turn::Leave(1),
        }
    }
}

pub(crate) fn record(launch: &Launch) -> Result<ExitCode, Failure> {
    let file = append(launch.text(0, "the file to record in")?)?;
    Ok(talk_and_exit("record", launch, &mut Record { file }))
}

struct Record {
    file: File,
}

impl Manners for Record {
    fn heard(&mut self, line: &[u8]) {
        if let Err(error) = self.file.write_all(line) {
            // A record with a hole would prove nothing.
            dropgate_probe::servers::say(&format!("record: {error}"));
            std::process::exit(1);
        }
    }
}

pub(crate) fn mirror(launch: &Launch) -> Result<ExitCode, Failure> {
    let emit = |peer: &Peer| {
        let peer = peer.clone();
        vec![Tool::inline(
            EMIT,
            "Writes bytes, given in hex, to stdout as they are",
            &[("hex", "string")],
            move |call| Answer::Reply(emit(call, &peer)),
        )]
    };
    let end = talk("mirror", launch, emit, &mut Mirror);
    Ok(conclude(end, AtEof::Exit))
}

const EMIT: &str = "emit";

struct Mirror;

impl Manners for Mirror {
    fn asked(&mut self, request: &Message<'_>, peer: &Peer) -> Turn {
        let usual = match request.method.as_deref() {
            Some("initialize" | "tools/list") => true,
            Some("tools/call") => {
                Call::parse(request.params_text()).is_ok_and(|call| call.tool == EMIT)
            }
            Some(_) | None => false,
        };
        if usual {
            return Turn::Usual;
        }
        // The content makes it a valid result of a tool call; the rest is the request's own bytes.
        let result = format!("{{\"content\":[],\"params\":{}}}", request.params_text());
        match peer.result_text(request.id_text(), &result) {
            Ok(()) => Turn::Done,
            Err(_) => Turn::Leave(1),
        }
    }
}

fn emit(call: &Call, peer: &Peer) -> Reply {
    let bytes = match call.text("hex") {
        Ok(hex) => from_hex(hex),
        Err(reply) => return reply,
    };
    let Some(bytes) = bytes else {
        return Reply::ToolError("hex must be pairs of the digits 0-9 and a-f".to_owned());
    };
    match peer.raw(&bytes) {
        Ok(()) => Reply::Text(format!("wrote {} bytes", bytes.len())),
        Err(error) => Reply::ToolError(error.to_string()),
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else {
        return None;
    };
    pairs
        .iter()
        .map(|[high, low]| {
            let high = char::from(*high).to_digit(16)?;
            let low = char::from(*low).to_digit(16)?;
            u8::try_from(high * 16 + low).ok()
        })
        .collect()
}

fn append(path: &str) -> io::Result<File> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)
        .map_err(|error| io::Error::new(error.kind(), format!("can't open {path:?}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_is_read_in_pairs_or_not_at_all() {
        assert_eq!(from_hex("00ff0A"), Some(vec![0, 255, 10]));
        assert_eq!(from_hex(""), Some(vec![]));
        assert_eq!(from_hex("0"), None);
        assert_eq!(from_hex("0g"), None);
        assert_eq!(from_hex("é"), None);
    }
}
