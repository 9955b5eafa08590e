//! A host, `dropgate run`, and a server that keeps what it was sent.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

/// A start and an answer on a loaded machine.
pub(crate) const WITHIN: Duration = Duration::from_secs(60);

/// Keeps every line in a file. A tool `wait` answers when a line can be read from the pipe.
const SERVER: &str = r#"
while read -r line; do
    printf '%s\n' "$line" >> seen
    id=${line#*\"id\":}
    id=${id%%,*}
    case $line in
        *'"initialize"'*) result='"result":{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"s","version":"1"}}' ;;
        *'"name":"fail"'*) result='"result":{"content":[],"isError":true}' ;;
        *'"name":"odd"'*) result='"error":{"code":-32602,"message":"no such thing"}' ;;
        *'"name":"wait"'*) read -r _ < gate; result='"result":{"content":[]}' ;;
        *'"id":'*) result='"result":{"content":[]}' ;;
        *) continue ;;
    esac
    printf '{"jsonrpc":"2.0","id":%s,%s}\n' "$id" "$result"
done"#;

/// A folder with a configuration, removed when dropped.
pub(crate) struct Place(PathBuf);

impl Place {
    pub(crate) fn new(config: &str) -> Self {
        let mut bits = [0; 8];
        getrandom::fill(&mut bits).unwrap();
        let name = format!("dropgate-telemetry-{:016x}", u64::from_le_bytes(bits));
        let place = Self(std::env::temp_dir().join(name));
        fs::create_dir_all(&place.0).unwrap();
        place.configure(config);
        rustix::fs::mkfifoat(rustix::fs::CWD, place.0.join("gate"), 0o600.into()).unwrap();
        place
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn configure(&self, config: &str) {
        fs::write(self.0.join("dropgate.toml"), config).unwrap();
    }

    /// Every line that the server got.
    pub(crate) fn seen(&self) -> Vec<String> {
        let text = fs::read_to_string(self.0.join("seen")).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    /// What lets the tool `wait` answer, once the server waits for it.
    pub(crate) fn gate(&self) -> File {
        OpenOptions::new()
            .write(true)
            .open(self.0.join("gate"))
            .unwrap()
    }

    pub(crate) fn run(&self, flags: &[&str]) -> Run {
        let mut child = Command::new(env!("CARGO_BIN_EXE_dropgate"))
            .args(["run", "--config", "dropgate.toml", "--name", "s"])
            .args(flags)
            .args(["--", "sh", "-c", SERVER])
            .current_dir(&self.0)
            .env("XDG_STATE_HOME", &self.0)
            .env("XDG_CONFIG_HOME", &self.0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut run = Run {
            stdin: child.stdin.take().unwrap(),
            lines: lines(child.stdout.take().unwrap()),
            told: lines(child.stderr.take().unwrap()),
            log: String::new(),
            child,
            sent: 0,
        };
        run.ask("initialize", &json!({"protocolVersion": "2025-06-18"}));
        run
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _gone = fs::remove_dir_all(&self.0);
    }
}

/// The lines of a stream, as they come.
fn lines(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines() {
            if sender.send(line.unwrap()).is_err() {
                return;
            }
        }
    });
    lines
}

pub(crate) struct Run {
    child: Child,
    stdin: ChildStdin,
    lines: Receiver<String>,
    told: Receiver<String>,
    log: String,
    sent: u64,
}

impl Run {
    /// Sends a request; its id.
    pub(crate) fn send(&mut self, method: &str, params: &Value) -> u64 {
        self.sent += 1;
        let id = self.sent;
        let request = json!({"id": id, "jsonrpc": "2.0", "method": method, "params": params});
        writeln!(self.stdin, "{request}").unwrap();
        id
    }

    /// Sends bytes as they are.
    pub(crate) fn send_line(&mut self, line: &str) {
        writeln!(self.stdin, "{line}").unwrap();
    }

    pub(crate) fn answer(&mut self, id: u64) -> Value {
        loop {
            let line = self.lines.recv_timeout(WITHIN).unwrap();
            let message: Value = serde_json::from_str(&line).unwrap();
            if message["id"] == id {
                return message;
            }
        }
    }

    pub(crate) fn ask(&mut self, method: &str, params: &Value) -> Value {
        let id = self.send(method, params);
        self.answer(id)
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
    pub(crate) fn end_with(mut self, code: i32) -> (Value, String) {
        drop(self.stdin);
        let status = self.child.wait().unwrap();
        for line in self.told {
            self.log += &(line + "\n");
        }
        assert_eq!(status.code(), Some(code), "{}", self.log);
        let last = self.log.lines().last().unwrap();
        let report = last.strip_prefix("dropgate: report ").unwrap();
        (serde_json::from_str(report).unwrap(), self.log)
    }
}
