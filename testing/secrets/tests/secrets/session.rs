//! One run of `dropgate run`, talked with as a host does.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde_json::{Value, json};

use crate::base::{AROUND, Folder, dropgate};

/// An answer or an end on a loaded machine.
const SOON: Duration = Duration::from_secs(20);

/// What a run is started with.
pub(crate) struct Start<'a> {
    pub(crate) folder: &'a Folder,
    pub(crate) configuration: &'a str,
    pub(crate) variables: &'a [(&'a str, &'a str)],
    /// Where stderr goes; a file in the folder without it.
    pub(crate) stderr: Option<Stdio>,
}

pub(crate) struct Session {
    host: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
    folder: PathBuf,
    next: u64,
}

impl Session {
    /// Starts a host in a group of its own, and under it dropgate with the telltale server.
    pub(crate) fn start(start: Start<'_>) -> Self {
        let folder = start.folder.path();
        let file = folder.join("dropgate.toml");
        std::fs::write(&file, start.configuration).expect("a file");
        let stderr = start
            .stderr
            .unwrap_or_else(|| File::create(folder.join("stderr")).expect("a file").into());
        let mut command = Command::new(AROUND);
        command
            .arg("host")
            .arg(dropgate())
            .args(["run", "--name", "telltale", "--config"])
            .arg(&file)
            .args(["--", AROUND, "serve"])
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", folder)
            .env("XDG_STATE_HOME", folder.join("state"))
            .envs(start.variables.iter().copied())
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(stderr);
        let mut host = command.spawn().expect("the host starts");
        let stdin = host.stdin.take();
        let stdout = host.stdout.take().expect("a pipe");
        let (tell, lines) = sync_channel(64);
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if tell.send(line).is_err() {
                    return;
                }
            }
        });
        Self {
            host,
            stdin,
            lines,
            folder: folder.to_owned(),
            next: 0,
        }
    }

    /// The handshake; what was answered.
    pub(crate) fn open(&mut self) -> String {
        self.ask("initialize", &json!({}))
    }

    /// Calls a tool; the whole line of the answer.
    pub(crate) fn call(&mut self, tool: &str, arguments: &Value) -> String {
        self.ask("tools/call", &json!({"name": tool, "arguments": arguments}))
    }

    /// The value of a credential, as the server has it, past dropgate.
    pub(crate) fn credential(&mut self, variable: &str) -> String {
        let path = self.folder.join("kept");
        self.call("keep", &json!({"variable": variable, "path": path}));
        std::fs::read_to_string(&path).expect("the server wrote it")
    }

    /// Sends a call and does not wait for its answer.
    pub(crate) fn send(&mut self, method: &str, params: &Value) {
        self.next += 1;
        let message =
            json!({"jsonrpc": "2.0", "id": self.next, "method": method, "params": params});
        let stdin = self.stdin.as_mut().expect("the input is open");
        writeln!(stdin, "{message}").expect("dropgate reads");
    }

    pub(crate) fn answer(&mut self) -> String {
        match self.lines.recv_timeout(SOON) {
            Ok(line) => line,
            Err(error) => panic!("no answer: {error}; stderr: {}", self.stderr()),
        }
    }

    fn ask(&mut self, method: &str, params: &Value) -> String {
        self.send(method, params);
        self.answer()
    }

    pub(crate) fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// Waits for the host, which ends as dropgate did.
    pub(crate) fn end(&mut self) -> ExitStatus {
        let until = Instant::now() + SOON;
        loop {
            if let Some(status) = self.host.try_wait().expect("a child can be waited for") {
                return status;
            }
            assert!(
                Instant::now() < until,
                "dropgate does not end: {}",
                self.stderr()
            );
            std::thread::yield_now();
        }
    }

    pub(crate) fn kill_group(&self) {
        kill_process_group(self.host_pid(), Signal::KILL).expect("the group is there");
    }

    pub(crate) fn kill_host(&self) {
        kill_process(self.host_pid(), Signal::KILL).expect("the host is there");
    }

    pub(crate) fn signal_wrapper(&self, signal: Signal) {
        let pid = Pid::from_raw(self.wrapper()).expect("a pid");
        kill_process(pid, signal).expect("dropgate is there");
    }

    /// Stops the process that is known to be the wrapper; false if it has ended by then.
    pub(crate) fn stop_wrapper(&self, wrapper: i32) -> bool {
        let pid = Pid::from_raw(wrapper).expect("a pid");
        // A process that has ended maps nothing any more.
        kill_process(pid, Signal::STOP).is_ok()
            && std::fs::read(format!("/proc/{wrapper}/maps")).is_ok_and(|maps| !maps.is_empty())
    }

    /// The process that is `dropgate run`.
    pub(crate) fn wrapper(&self) -> i32 {
        child_of(self.host_pid().as_raw_nonzero().get())
    }

    /// Its guard.
    pub(crate) fn guard(&self) -> i32 {
        child_of(self.wrapper())
    }

    pub(crate) fn stderr(&self) -> String {
        std::fs::read_to_string(self.folder.join("stderr")).unwrap_or_default()
    }

    /// The last line on stderr.
    pub(crate) fn report(&self) -> Value {
        let text = self.stderr();
        let last = text.lines().last().unwrap_or_default();
        let json = last.strip_prefix("dropgate: report ").unwrap_or_default();
        serde_json::from_str(json).unwrap_or_else(|_| panic!("no report: {text}"))
    }

    fn host_pid(&self) -> Pid {
        Pid::from_child(&self.host)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.stdin = None;
        let _ended_already = self.host.kill();
        let _ended = self.host.wait();
    }
}

/// The first child of a process.
fn child_of(pid: i32) -> i32 {
    let path = format!("/proc/{pid}/task/{pid}/children");
    let children = std::fs::read_to_string(&path).expect("the process is there");
    let first = children
        .split_ascii_whitespace()
        .next()
        .expect("it has a child");
    first.parse().expect("a number")
}

/// Every file below a folder, joined.
pub(crate) fn everything_in(folder: &Path) -> Vec<u8> {
    files_in(folder, |_| true)
}

fn files_in(folder: &Path, wanted: fn(&Path) -> bool) -> Vec<u8> {
    let mut all = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if wanted(&path) {
                all.extend(std::fs::read(&path).unwrap_or_default());
            }
        }
    }
    all
}

/// Waits until the journals of a run's folder were brought to an end this often.
pub(crate) fn wait_for_seals(folder: &Folder, times: usize) {
    let until = Instant::now() + SOON;
    let end = b"\"kind\":\"seal\",\"end\":true,";
    let sealed = || {
        // What the journal holds in reserve is large, and this look must be quick.
        let is_segment = |path: &Path| path.extension().is_some_and(|end| end == "jsonl");
        let text = files_in(&folder.path().join("state"), is_segment);
        text.windows(end.len()).filter(|part| part == end).count()
    };
    while sealed() < times {
        assert!(Instant::now() < until, "the journal is not sealed");
        std::thread::yield_now();
    }
}
