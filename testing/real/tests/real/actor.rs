//! A process of a row that the test talks with, line by line and never without a bound.

use std::ffi::OsString;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};

use crate::counterparts::Variables;
use crate::place::Place;
use crate::programs;
use crate::truth::{Delegation, Process, Truth, process_left};
use crate::user::User;

/// The longest line that is read.
const LINE: usize = 8 << 20;

/// What to start.
pub(crate) struct Start<'a> {
    pub(crate) argv: Vec<OsString>,
    pub(crate) cwd: &'a str,
    /// The whole environment.
    pub(crate) env: &'a Variables,
    pub(crate) user: User,
    pub(crate) delegation: Delegation,
}

/// The topmost process of a row; when it is dropped, the whole row is killed.
pub(crate) struct Actor {
    child: Child,
    process: Process,
    stdin: Option<ChildStdin>,
    stdout: ChildStdout,
    read: Vec<u8>,
    pub(crate) truth: Truth,
}

impl Actor {
    pub(crate) fn start(start: &Start<'_>, place: &Place) -> Self {
        let truth = Truth::new(start.user, start.delegation);
        let mut command = Command::new(programs::above());
        command
            .arg("join")
            .arg(truth.group().unwrap_or(Path::new("-")))
            .arg(
                start
                    .user
                    .to_become()
                    .map_or("-".to_owned(), |id| id.to_string()),
            )
            .args(&start.argv)
            .current_dir(start.cwd)
            .env_clear()
            .envs(start.env)
            .env(Truth::VARIABLE, truth.mark())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(place.log()).expect("a log"));
        let mut child = command.spawn().expect("the test's own program starts");
        let pid = i32::try_from(child.id()).expect("a pid is small");
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().expect("stdout is a pipe");
        Self {
            process: Process::of(pid).expect("a child is there until it is reaped"),
            child,
            stdin,
            stdout,
            read: Vec::new(),
            truth,
        }
    }

    pub(crate) fn process(&self) -> Process {
        self.process
    }

    /// Sends one line. A reader that is gone is found out by what it does not answer.
    pub(crate) fn say(&mut self, line: &str) {
        if let Some(stdin) = &mut self.stdin {
            let _reader_gone = stdin
                .write_all(line.as_bytes())
                .and_then(|()| stdin.write_all(b"\n"));
        }
    }

    /// Ends its input.
    pub(crate) fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// The next line; `None` at the end of the output.
    pub(crate) fn line(&mut self, until: Instant) -> Result<Option<String>, String> {
        let mut searched = 0;
        loop {
            if let Some(at) = self.read[searched..].iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.read.drain(..=searched + at).collect();
                return Ok(Some(
                    String::from_utf8_lossy(&line[..line.len() - 1]).into_owned(),
                ));
            }
            searched = self.read.len();
            assert!(searched < LINE, "a line over {LINE} bytes");
            if !self.readable(until) {
                return Err("no line in time".to_owned());
            }
            let mut chunk = [0; 65536];
            match self.stdout.read(&mut chunk) {
                Ok(0) => return Ok(None),
                Ok(length) => self.read.extend(&chunk[..length]),
                Err(error) => return Err(format!("reading its stdout: {error}")),
            }
        }
    }

    /// The next line, which must begin with this word; what follows it.
    pub(crate) fn expect(&mut self, word: &str, limit: Duration) -> Result<String, String> {
        match self.line(Instant::now() + limit) {
            Ok(Some(line)) => line
                .strip_prefix(word)
                .map(|rest| rest.trim_start().to_owned())
                .ok_or_else(|| format!("said {line:?} instead of {word:?}")),
            Ok(None) => Err(format!("ended without a word, {word:?} was due")),
            Err(why) => Err(format!("{word:?} was due: {why}")),
        }
    }

    /// Waits for its end.
    pub(crate) fn end(&mut self, limit: Duration) -> Result<ExitStatus, String> {
        if !self.process.await_end(Instant::now() + limit) {
            return Err(format!("still there after {limit:?}"));
        }
        self.child.wait().map_err(|error| error.to_string())
    }

    fn readable(&self, until: Instant) -> bool {
        let mut fds = [PollFd::new(&self.stdout, PollFlags::IN)];
        loop {
            match poll(&mut fds, Some(&process_left(until))) {
                Ok(count) => return count > 0,
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => panic!("poll: {error}"),
            }
        }
    }
}

impl Drop for Actor {
    fn drop(&mut self) {
        self.process.kill();
        let _ended = self.child.wait();
    }
}
