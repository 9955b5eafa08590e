//! The conversation with one program, over its pipes or over HTTP.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use dropgate_process::StandardStreams;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::http::{Address, Http};
use super::inbox::{Answered, Inbox};
use super::message::{self, Id, Question};
use super::pipes::{Pipes, Stdout};
use crate::refusal::Why;

#[derive(Debug)]
pub(crate) struct Session {
    pipes: Pipes,
    http: Option<Http>,
    inbox: Inbox,
}

impl Session {
    /// A conversation with a program that has these streams, at `address` if it offers HTTP.
    pub(crate) fn new(streams: StandardStreams, address: Option<Address>) -> Result<Self, Why> {
        let stdout = if address.is_some() {
            Stdout::Log
        } else {
            Stdout::Messages
        };
        let pipes =
            Pipes::new(streams, stdout).map_err(Why::system("use pipes without waiting"))?;
        Ok(Self {
            pipes,
            http: address.map(Http::new),
            inbox: Inbox::default(),
        })
    }

    pub(crate) fn ask(&mut self, question: &Question) {
        self.send(Some(question.id), question.text());
    }

    /// Sends a line that is no message. Over HTTP there are no lines.
    pub(crate) fn make_noise(&mut self, line: &str) {
        if self.http.is_none() {
            self.pipes.send(line.as_bytes());
        }
    }

    pub(crate) fn say_initialized(&mut self) {
        if let Some(http) = &mut self.http {
            http.begin(self.inbox.text(Id::Initialize));
        }
        self.send(None, message::initialized());
    }

    /// Waits until something happens, to the program's tree or in the conversation, at most until
    /// the given instant, and takes it in.
    pub(crate) fn wait(&mut self, tree: impl AsFd, until: Instant) {
        let mut until = until;
        let mut fds = vec![PollFd::new(&tree, PollFlags::IN)];
        self.pipes.watch(&mut fds);
        if let Some(http) = &self.http {
            http.watch(&mut fds);
            until = http.due().map_or(until, |due| until.min(due));
        }
        let left = until.saturating_duration_since(Instant::now()) + Duration::from_micros(100);
        let timeout = Timespec::try_from(left).ok();
        // An interrupted wait is one that ended early.
        let _ready = poll(&mut fds, timeout.as_ref());
        drop(fds);
        self.pipes.turn(&mut self.inbox);
        if let Some(http) = &mut self.http {
            http.turn(&mut self.inbox);
        }
        while let Some(reply) = self.inbox.next_reply() {
            self.send(None, reply);
        }
    }

    pub(crate) fn answered(&self, id: Id) -> Option<Answered> {
        self.inbox.answered(id)
    }

    /// The whole answer, unless it was very long.
    pub(crate) fn answer(&self, id: Id) -> String {
        String::from_utf8_lossy(self.inbox.text(id)).into_owned()
    }

    pub(crate) fn close_stdin(&mut self) {
        self.pipes.close_stdin();
    }

    /// What the kernel does to the pipes of a host that died.
    pub(crate) fn close_pipes(&mut self) {
        self.pipes.close();
    }

    /// Whether no answer can come any more.
    pub(crate) fn has_no_voice(&self) -> bool {
        match &self.http {
            Some(http) => http.is_lost(),
            None => self.pipes.stdout_ended(),
        }
    }

    /// Whether all that the program ever said was taken in.
    pub(crate) fn is_heard_out(&self) -> bool {
        self.pipes.ended() && self.http.as_ref().is_none_or(Http::is_silent)
    }

    pub(crate) fn stray_lines(&self) -> u64 {
        self.pipes.stray()
    }

    pub(crate) fn marks(&self) -> &[&'static str] {
        self.inbox.marks()
    }

    pub(crate) fn last_lines(&self) -> Vec<String> {
        self.pipes.last_lines()
    }

    /// The name of the transport, for errors.
    pub(crate) fn over(&self) -> &'static str {
        if self.http.is_some() { "HTTP" } else { "stdio" }
    }

    fn send(&mut self, id: Option<Id>, message: Vec<u8>) {
        match &mut self.http {
            Some(http) => http.post(id, message),
            None => self.pipes.send(&message),
        }
    }
}
