//! The conversation of a host with what it started: newline-framed JSON-RPC over pipes, every
//! answer waited for within a bound.

use std::collections::VecDeque;
use std::io::{Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::process::{ChildStderr, ChildStdin, ChildStdout};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::ioctl_fionread;
use rustix::pipe::fcntl_setpipe_size;
use serde_json::{Value, json};

use crate::problem::{Checked, Says as _};

/// A line as it came, its end included.
pub type Line = Vec<u8>;

/// The most of stderr that is kept.
const MAX_STDERR: usize = 64 << 20;
/// The smallest pipe there is, bytes.
const PAGE: usize = 4096;

/// Whether stdout is read as it comes.
#[derive(Debug, Default)]
struct Gate {
    shut: Mutex<Shut>,
    opened: Condvar,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Shut {
    #[default]
    No,
    Yes,
}

/// The three streams of a program, from the outside.
#[derive(Debug)]
pub struct Talk {
    stdin: Option<ChildStdin>,
    stdout: Receiver<Line>,
    /// The pipe that stdout is.
    pipe: OwnedFd,
    gate: Arc<Gate>,
    unread: VecDeque<Line>,
    /// All lines that came on stdout, in order.
    pub heard: Vec<Line>,
    stderr: Arc<Kept>,
    stderr_ended: Receiver<()>,
}

impl Talk {
    /// Begins to read both outputs.
    ///
    /// # Errors
    /// There are no descriptors left.
    pub fn new(stdin: ChildStdin, stdout: ChildStdout, stderr: ChildStderr) -> Checked<Self> {
        let (line, lines) = channel();
        let pipe = stdout.as_fd().try_clone_to_owned().says("stdout")?;
        let gate = Arc::new(Gate::default());
        let opened = Arc::clone(&gate);
        thread::spawn(move || hear(stdout, &opened, &line));
        let kept = Arc::new(Kept::default());
        let (end, ended) = channel();
        let keeper = Arc::clone(&kept);
        thread::spawn(move || {
            collect(stderr, &keeper);
            // Nobody may be waiting.
            let _ = end.send(());
        });
        Ok(Self {
            stdin: Some(stdin),
            stdout: lines,
            pipe,
            gate,
            unread: VecDeque::new(),
            heard: Vec::new(),
            stderr: kept,
            stderr_ended: ended,
        })
    }

    /// Reads nothing more of stdout, which from now on holds one page only.
    ///
    /// # Errors
    /// The pipe can't be made smaller, for it holds more.
    pub fn stop_reading(&self) -> Checked {
        self.gate.turn(Shut::Yes);
        fcntl_setpipe_size(&self.pipe, PAGE)
            .says("a pipe of one page")
            .map(drop)
    }

    /// Reads on.
    pub fn read_on(&self) {
        self.gate.turn(Shut::No);
    }

    /// Waits until stdout holds bytes that nobody has read.
    ///
    /// # Errors
    /// It does not `within` the time.
    pub fn await_unread(&self, within: Duration) -> Checked {
        let until = Instant::now() + within;
        while ioctl_fionread(&self.pipe).says("what stdout holds")? == 0 {
            if Instant::now() >= until {
                return Err("nothing came on stdout".to_owned());
            }
            thread::yield_now();
        }
        Ok(())
    }

    /// Writes bytes as they are. Blocks while the other side does not read.
    ///
    /// # Errors
    /// The pipe is closed on either side.
    pub fn send(&mut self, bytes: &[u8]) -> Checked {
        let stdin = self.stdin.as_mut().says("stdin is closed already")?;
        stdin.write_all(bytes).says("write to stdin")
    }

    /// Waits until everything that was sent has been read, so that what follows is another read.
    ///
    /// # Errors
    /// It is not `within` the time.
    pub fn await_taken(&self, within: Duration) -> Checked {
        let stdin = self.stdin.as_ref().says("stdin is closed already")?;
        let until = Instant::now() + within;
        while ioctl_fionread(stdin).says("what stdin holds")? > 0 {
            if Instant::now() >= until {
                return Err("what was sent is not read".to_owned());
            }
            thread::yield_now();
        }
        Ok(())
    }

    /// Writes one message and its line end.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn say(&mut self, message: &Value) -> Checked {
        self.send(format!("{message}\n").as_bytes())
    }

    /// Sends a request.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn ask(&mut self, id: u64, method: &str, params: &Value) -> Checked {
        self.say(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}))
    }

    /// Calls a tool.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn call(&mut self, id: u64, tool: &str, arguments: &Value) -> Checked {
        self.ask(
            id,
            "tools/call",
            &json!({"name": tool, "arguments": arguments}),
        )
    }

    /// Shakes hands: the answer to `initialize` came, and the server was told so.
    ///
    /// # Errors
    /// No answer `within` the time.
    pub fn initialize(&mut self, within: Duration) -> Checked<Value> {
        let client = json!({"name": "world", "version": "1"});
        self.ask(
            1,
            "initialize",
            &json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client}),
        )?;
        let answer = self.answer(&json!(1), within)?;
        self.say(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}))?;
        Ok(answer)
    }

    /// The next line; `None` at the end of the stream.
    ///
    /// # Errors
    /// Neither came `within` the time.
    pub fn next(&mut self, within: Duration) -> Checked<Option<Line>> {
        if let Some(line) = self.unread.pop_front() {
            return Ok(Some(line));
        }
        match self.stdout.recv_timeout(within) {
            Ok(line) => {
                self.heard.push(line.clone());
                Ok(Some(line))
            }
            Err(RecvTimeoutError::Disconnected) => Ok(None),
            Err(RecvTimeoutError::Timeout) => Err(format!(
                "nothing on stdout within {} ms",
                within.as_millis()
            )),
        }
    }

    /// The answer to the request with this id; other messages stay in [`heard`](Self::heard).
    ///
    /// # Errors
    /// It did not come `within` the time, or the stream ended before.
    pub fn answer(&mut self, id: &Value, within: Duration) -> Checked<Value> {
        let until = Instant::now() + within;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let line = self
                .next(left)
                .says(format!("waiting for the answer to {id}"))?;
            let line = line.says(format!("stdout ended before the answer to {id}"))?;
            if let Some(answer) = as_answer(&line).filter(|answer| answer.get("id") == Some(id)) {
                return Ok(answer);
            }
        }
    }

    /// Reads what is left until stdout ends.
    ///
    /// # Errors
    /// It did not end `within` the time: somebody holds it.
    pub fn hear_out(&mut self, within: Duration) -> Checked {
        let until = Instant::now() + within;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if self
                .next(left)
                .says("waiting for the end of stdout")?
                .is_none()
            {
                return Ok(());
            }
        }
    }

    /// All answers that came to a request, in order.
    #[must_use]
    pub fn answers(&self, id: &Value) -> Vec<Value> {
        let answers = self.heard.iter().filter_map(|line| as_answer(line));
        answers
            .filter(|answer| answer.get("id") == Some(id))
            .collect()
    }

    /// Lines on stdout that are no JSON-RPC message.
    #[must_use]
    pub fn impure(&self) -> Vec<String> {
        let lines = self.heard.iter().filter(|line| {
            serde_json::from_slice::<Value>(line)
                .map_or(true, |value| value.get("jsonrpc") != Some(&json!("2.0")))
        });
        lines
            .map(|line| String::from_utf8_lossy(line).into_owned())
            .collect()
    }

    /// Closes stdin.
    pub fn close(&mut self) {
        self.stdin = None;
    }

    /// What came on stderr so far.
    #[must_use]
    pub fn stderr(&self) -> Vec<u8> {
        self.stderr
            .bytes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Waits until a text has come on stderr more often than `before`, and says how often it has.
    ///
    /// # Errors
    /// It did not `within` the time.
    pub fn await_stderr(&self, text: &str, before: usize, within: Duration) -> Checked<usize> {
        let until = Instant::now() + within;
        let mut bytes = self
            .stderr
            .bytes
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        loop {
            let count = String::from_utf8_lossy(&bytes).matches(text).count();
            if count > before {
                return Ok(count);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let said = String::from_utf8_lossy(&bytes).into_owned();
                return Err(format!("stderr did not say {text:?}: {said}"));
            }
            let (next, _) = self
                .stderr
                .more
                .wait_timeout(bytes, left)
                .unwrap_or_else(PoisonError::into_inner);
            bytes = next;
        }
    }

    /// All of stderr, once it has ended.
    ///
    /// # Errors
    /// It did not end `within` the time: somebody holds it.
    pub fn all_stderr(&self, within: Duration) -> Checked<Vec<u8>> {
        match self.stderr_ended.recv_timeout(within) {
            Ok(()) | Err(RecvTimeoutError::Disconnected) => Ok(self.stderr()),
            Err(RecvTimeoutError::Timeout) => {
                Err("stderr did not end: somebody holds it".to_owned())
            }
        }
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        // Whoever waits to read ends with the stream.
        self.read_on();
    }
}

impl Gate {
    fn turn(&self, shut: Shut) {
        *self.shut.lock().unwrap_or_else(PoisonError::into_inner) = shut;
        self.opened.notify_all();
    }

    /// Waits while it is shut.
    fn pass(&self) {
        let mut shut = self.shut.lock().unwrap_or_else(PoisonError::into_inner);
        while *shut == Shut::Yes {
            shut = self
                .opened
                .wait(shut)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Tells line by line what comes, as long as the gate is open.
fn hear(mut stdout: ChildStdout, gate: &Gate, tell: &Sender<Line>) {
    let mut chunk = vec![0; 1 << 16];
    let mut line = Vec::new();
    loop {
        let mut fds = [PollFd::new(&stdout, PollFlags::IN)];
        let _read_shows_it = poll(&mut fds, None);
        gate.pass();
        let read = stdout.read(&mut chunk).unwrap_or(0);
        for &byte in chunk.get(..read).unwrap_or_default() {
            line.push(byte);
            if byte == b'\n' && tell.send(std::mem::take(&mut line)).is_err() {
                return;
            }
        }
        if read == 0 {
            if !line.is_empty() {
                let _nobody_listens = tell.send(line);
            }
            return;
        }
    }
}

fn as_answer(line: &[u8]) -> Option<Value> {
    let value: Value = serde_json::from_slice(line).ok()?;
    (value.get("result").is_some() || value.get("error").is_some()).then_some(value)
}

/// What came on stderr, and the news of more.
#[derive(Debug, Default)]
struct Kept {
    bytes: Mutex<Vec<u8>>,
    more: Condvar,
}

fn collect(mut stderr: ChildStderr, kept: &Kept) {
    let mut chunk = vec![0; 1 << 16];
    while let Ok(read) = stderr.read(&mut chunk) {
        if read == 0 {
            return;
        }
        let mut bytes = kept.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        if bytes.len() < MAX_STDERR {
            bytes.extend_from_slice(&chunk[..read]);
        }
        kept.more.notify_all();
    }
}
