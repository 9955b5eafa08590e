//! A host, `dropgate run`, and a server that keeps what it was sent.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::host::Folder;
pub(crate) use crate::host::{Run, WITHIN};

/// Keeps every line in a file. A tool `wait` answers when a line can be read from the pipe.
const SERVER: &str = r#"
while read -r line; do
    printf '%s\n' "$line" >> seen
    id=${line#*\"id\":}
    id=${id%%,*}
    case $line in
        *'"initialize"'*) result='"result":{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"s","version":"1"}}' ;;
        *'"name":"fail"'*) result='"result":{"content":[],"isError":true}' ;;
        *'"name":"broken"'*) result='"error":{"code":-32603,"message":"broken"}' ;;
        *'"name":"odd"'*) result='"error":{"code":-32602,"message":"no such thing"}' ;;
        *'"name":"wait"'*) read -r _ < gate; result='"result":{"content":[]}' ;;
        *'"id":'*) result='"result":{"content":[]}' ;;
        *) continue ;;
    esac
    printf '{"jsonrpc":"2.0","id":%s,%s}\n' "$id" "$result"
done"#;

/// A folder with a configuration and a pipe.
pub(crate) struct Place(Folder);

impl Place {
    pub(crate) fn new(config: &str) -> Self {
        let place = Self(Folder::new(config));
        let gate = place.path().join("gate");
        rustix::fs::mkfifoat(rustix::fs::CWD, gate, 0o600.into()).unwrap();
        place
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// A verb that looks at what the runs here left.
    pub(crate) fn dropgate(&self, arguments: &[&str]) -> Command {
        self.0.dropgate(arguments)
    }

    pub(crate) fn configure(&self, config: &str) {
        self.0.write("dropgate.toml", config);
    }

    /// Every line that the server got.
    pub(crate) fn seen(&self) -> Vec<String> {
        let text = fs::read_to_string(self.path().join("seen")).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    /// What lets the tool `wait` answer, once the server waits for it.
    pub(crate) fn gate(&self) -> File {
        OpenOptions::new()
            .write(true)
            .open(self.path().join("gate"))
            .unwrap()
    }

    pub(crate) fn run(&self, flags: &[&str]) -> Run {
        let arguments = ["run", "--config", "dropgate.toml", "--name", "s"];
        let mut command = self.0.dropgate(&arguments);
        Run::begin(command.args(flags).args(["--", "sh", "-c", SERVER]))
    }
}

impl Run {
    /// Sends bytes as they are.
    pub(crate) fn send_line(&mut self, line: &str) {
        writeln!(self.stdin, "{line}").unwrap();
    }

    pub(crate) fn call(&mut self, tool: &str) -> Value {
        self.ask("tools/call", &json!({"name": tool, "arguments": {}}))
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Waits until a line with this text is said.
    pub(crate) fn hear(&mut self, text: &str) {
        while !self.log.contains(text) {
            let line = self.told.recv_timeout(WITHIN).unwrap();
            self.log += &(line + "\n");
        }
    }

    /// Waits until the shutdown has come to this phase.
    pub(crate) fn reach(&mut self, phase: &str) {
        let until = Instant::now() + WITHIN;
        let there = format!("status: phase {phase},");
        while Instant::now() < until {
            self.signal(Signal::USR1);
            self.log.clear();
            self.hear("status: phase ");
            if self.log.contains(&there) {
                return;
            }
        }
        panic!("the shutdown does not come to {phase}");
    }

    /// Ends it in order, and gives the report.
    pub(crate) fn end(self) -> Value {
        self.end_with(0).0
    }

    /// The report, and all that was said.
    pub(crate) fn end_with(self, code: i32) -> (Value, String) {
        let (ended, log) = self.finish();
        assert_eq!(ended, Some(code), "{log}");
        let last = log.lines().last().unwrap();
        let report = last.strip_prefix("dropgate: report ").unwrap();
        (serde_json::from_str(report).unwrap(), log)
    }
}
