//! A client of one server under test.

use std::ffi::OsStr;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use dropgate_testing_servers::{Lines, Muster};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde_json::{Value, json};

/// Longest wait for anything that has to happen.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// The program under test.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_dropgate-testing-servers");

/// A running server with its streams. Dropping it ends every process of the run.
pub(crate) struct Client {
    pub(crate) stdout: Lines,
    pub(crate) stderr: Lines,
    pub(crate) muster: Muster,
    stdin: Option<ChildStdin>,
    child: Child,
    pidfd: OwnedFd,
    asked: u64,
}

impl Client {
    /// Starts a server by its name and arguments.
    pub(crate) fn start(args: &[&str]) -> Self {
        Self::start_with(Muster::new().unwrap(), |_| OwnedArgs::from(args))
    }

    /// Starts a server whose arguments need the directory of the run.
    pub(crate) fn start_with(muster: Muster, args: impl FnOnce(&Muster) -> OwnedArgs) -> Self {
        let args = args(&muster);
        let mut command = Command::new(PROGRAM);
        command.args(&args.0).args(muster.options());
        Self::spawn(muster, command)
    }

    /// Starts a command that holds the options of the muster already.
    pub(crate) fn spawn(muster: Muster, mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let pid = Pid::from_child(&child);
        Self {
            stdout: Lines::new(child.stdout.take().unwrap().into()),
            stderr: Lines::new(child.stderr.take().unwrap().into()),
            stdin: child.stdin.take(),
            pidfd: pidfd_open(pid, PidfdFlags::empty()).unwrap(),
            muster,
            child,
            asked: 0,
        }
    }

    /// The server's own process.
    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    pub(crate) fn send(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().unwrap();
        stdin.write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    /// Sends a request and gives its id.
    pub(crate) fn ask(&mut self, method: &str, params: &Value) -> u64 {
        self.asked += 1;
        let id = self.asked;
        self.send(
            &json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }).to_string(),
        );
        id
    }

    pub(crate) fn ask_tool(&mut self, tool: &str, arguments: &Value) -> u64 {
        self.ask(
            "tools/call",
            &json!({ "name": tool, "arguments": arguments }),
        )
    }

    /// The next line of stdout, which must be JSON.
    pub(crate) fn hear(&mut self) -> Value {
        let line = self.stdout.next(SOON).unwrap().expect("stdout ended");
        serde_json::from_slice(&line).unwrap()
    }

    /// Sends a request and gives its answer, which must be the next line.
    pub(crate) fn request(&mut self, method: &str, params: &Value) -> Value {
        let id = self.ask(method, params);
        let answer = self.hear();
        assert_eq!(answer["id"], id, "{answer}");
        answer
    }

    /// Calls a tool and gives the text of its answer.
    pub(crate) fn call(&mut self, tool: &str, arguments: &Value) -> String {
        let answer = self.request(
            "tools/call",
            &json!({ "name": tool, "arguments": arguments }),
        );
        answer["result"]["content"][0]["text"]
            .as_str()
            .unwrap_or_else(|| panic!("no text in {answer}"))
            .to_owned()
    }

    pub(crate) fn initialize(&mut self) {
        let params = json!({
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": { "name": "test", "version": "0" },
        });
        let answer = self.request("initialize", &params);
        assert_eq!(answer["result"]["protocolVersion"], "2025-11-25");
    }

    pub(crate) fn initialized(&mut self) {
        self.send(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
    }

    pub(crate) fn ping(&mut self) {
        let answer = self.request("ping", &json!({}));
        assert_eq!(answer["result"], json!({}));
    }

    pub(crate) fn close_stdin(&mut self) {
        drop(self.stdin.take());
    }

    pub(crate) fn signal(&self, signal: Signal) {
        pidfd_send_signal(&self.pidfd, signal).unwrap();
    }

    /// Waits for the server's own process to be stopped by a signal.
    pub(crate) fn await_stop(&self) {
        let deadline = Instant::now() + SOON;
        let stat = format!("/proc/{}/stat", self.pid());
        while !std::fs::read_to_string(&stat).unwrap().contains(") T ") {
            assert!(Instant::now() < deadline, "the server runs");
            std::thread::yield_now();
        }
    }

    /// Waits for the server's own process to end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let timeout = Timespec::try_from(SOON).unwrap();
        let mut fds = [PollFd::new(&self.pidfd, PollFlags::IN)];
        assert_eq!(poll(&mut fds, Some(&timeout)).unwrap(), 1, "still running");
        self.child.wait().unwrap()
    }

    pub(crate) fn says(&mut self, expected: &str) {
        let line = self.stderr.next(SOON).unwrap().expect("stderr ended");
        assert_eq!(String::from_utf8(line).unwrap(), expected);
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        if let Err(error) = self.muster.dismiss() {
            eprintln!("{error}");
        }
        // Dismissed, so that the wait is short; without it the process stays as a zombie.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Arguments built from the directory of a run.
pub(crate) struct OwnedArgs(Vec<std::ffi::OsString>);

impl<S: AsRef<OsStr>> From<&[S]> for OwnedArgs {
    fn from(args: &[S]) -> Self {
        Self(args.iter().map(|arg| arg.as_ref().to_owned()).collect())
    }
}
