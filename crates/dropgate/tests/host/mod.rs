//! A host of `dropgate run`: a folder with a configuration, and a server that is spoken to.

use std::fs;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};

/// A start and an answer on a loaded machine.
pub(crate) const WITHIN: Duration = Duration::from_secs(60);

/// A folder with a configuration, removed when dropped.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(config: &str) -> Self {
        let mut bits = [0; 8];
        getrandom::fill(&mut bits).unwrap();
        let name = format!("dropgate-host-{:016x}", u64::from_le_bytes(bits));
        let folder = Self(std::env::temp_dir().join(name));
        fs::create_dir_all(&folder.0).unwrap();
        folder.write("dropgate.toml", config);
        folder
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn write(&self, file: &str, text: &str) {
        fs::write(self.0.join(file), text).unwrap();
    }

    /// A verb that keeps all it keeps in here.
    pub(crate) fn dropgate(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dropgate"));
        command
            .args(arguments)
            .current_dir(&self.0)
            .env("XDG_STATE_HOME", &self.0)
            .env("XDG_CONFIG_HOME", &self.0);
        command
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _gone = fs::remove_dir_all(&self.0);
    }
}

/// A run, and what was heard of it.
pub(crate) struct Run {
    pub(crate) child: Child,
    pub(crate) stdin: ChildStdin,
    pub(crate) lines: Receiver<String>,
    pub(crate) told: Receiver<String>,
    /// What was taken from `told`.
    pub(crate) log: String,
    sent: u64,
}

impl Run {
    /// Starts it, and has the handshake with its server.
    pub(crate) fn begin(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut run = Self {
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

    /// Sends a request; its id.
    pub(crate) fn send(&mut self, method: &str, params: &Value) -> u64 {
        self.sent += 1;
        let id = self.sent;
        let request = json!({"id": id, "jsonrpc": "2.0", "method": method, "params": params});
        writeln!(self.stdin, "{request}").unwrap();
        id
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

    /// Ends the input, and gives the code and all that was said on stderr.
    pub(crate) fn finish(mut self) -> (Option<i32>, String) {
        drop(self.stdin);
        let status = self.child.wait().unwrap();
        for line in self.told {
            self.log += &(line + "\n");
        }
        (status.code(), self.log)
    }
}

/// The lines of a stream, as they come.
pub(crate) fn lines(stream: impl Read + Send + 'static) -> Receiver<String> {
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
