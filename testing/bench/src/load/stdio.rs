//! A host over standard streams: one thread, so many calls in flight.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::time::{Duration, Instant};

use memchr::memchr;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

use super::latency::Latencies;
use super::started::Started;
use super::{Doing as _, LoadError};
use crate::message::{self, HEAD_BYTES};
use crate::plan::{Payload, Route};

/// One read of the server's answers.
const CHUNK: usize = 256 << 10;

/// Calls whose time of sending is remembered; more than are ever in flight.
const SLOTS: usize = 4096;

/// A connection.
pub(super) struct Host {
    pub(super) process: Started,
    name: String,
    to_server: File,
    from_server: File,
    next_id: u64,
    /// When a call was sent, at its id modulo the length.
    sent: Vec<Option<Instant>>,
    outgoing: Vec<u8>,
    written: usize,
    chunk: Vec<u8>,
    line: Answer,
}

/// What was read of an answer that has not ended: only its ends are kept, so that a large one costs the host little.
#[derive(Default)]
struct Answer {
    length: usize,
    head: Vec<u8>,
    tail: Vec<u8>,
}

impl Host {
    /// Starts the command and performs the handshake.
    pub(super) fn connect(route: &Route) -> Result<Host, LoadError> {
        let mut process = Started::new(route, Stdio::piped(), Stdio::piped())?;
        let (stdin, stdout) = process.streams()?;
        let mut host = Host {
            process,
            name: route.name.clone(),
            to_server: File::from(without_waiting(stdin)?),
            from_server: File::from(stdout),
            next_id: 1,
            sent: vec![None; SLOTS],
            outgoing: Vec::new(),
            written: 0,
            chunk: vec![0; CHUNK],
            line: Answer::default(),
        };
        host.shake_hands()?;
        Ok(host)
    }

    /// Makes calls until `until`, `in_flight` at a time and at most `most` in all, and waits for every answer. Each
    /// call is a write of its own, as it is with the hosts' SDKs.
    pub(super) fn call(
        &mut self,
        in_flight: usize,
        payload: Payload,
        until: Instant,
        most: usize,
    ) -> Result<Latencies, LoadError> {
        let mut latencies = Latencies::default();
        let began = Instant::now();
        let mut sent = in_flight.min(most);
        for _ in 0..sent {
            self.send(payload)?;
        }
        let mut answered = 0;
        while answered < sent {
            let fresh = self.exchange(payload, &mut latencies)?;
            answered += fresh;
            if Instant::now() < until {
                let more = fresh.min(most - sent);
                for _ in 0..more {
                    self.send(payload)?;
                }
                sent += more;
            }
        }
        latencies.seconds = began.elapsed().as_secs_f64();
        Ok(latencies)
    }

    /// Makes `count` calls without waiting for answers, until all are taken and answered or nothing has moved for
    /// `quiet`. Tells how many were answered, whatever the answers say.
    pub(super) fn queue(
        &mut self,
        count: usize,
        payload: Payload,
        quiet: Duration,
        until: Instant,
    ) -> Result<usize, LoadError> {
        for _ in 0..count {
            message::append_call(&mut self.outgoing, self.next_id, payload);
            self.outgoing.push(b'\n');
            self.next_id += 1;
        }
        let mut answered = 0;
        while answered < count && Instant::now() < until {
            self.flush()?;
            let to_write = match self.outgoing.len() > self.written {
                true => PollFlags::OUT,
                false => PollFlags::empty(),
            };
            let mut waits = [
                PollFd::new(&self.from_server, PollFlags::IN),
                PollFd::new(&self.to_server, to_write),
            ];
            let timeout = Timespec::try_from(quiet).doing("a time limit")?;
            let ready = rustix::io::retry_on_intr(|| poll(&mut waits, Some(&timeout)))
                .doing(format_args!("{}: waiting for it", self.name))?;
            if ready == 0 {
                break;
            }
            if waits[0].revents().is_empty() {
                continue;
            }
            let length = self
                .from_server
                .read(&mut self.chunk)
                .doing(format_args!("{}: reading its answers", self.name))?;
            if length == 0 {
                return Err(LoadError::new(format!("{}: it ended early", self.name)));
            }
            let read = self.chunk.get(..length).unwrap_or_default();
            answered += memchr::memchr_iter(b'\n', read).count();
        }
        Ok(answered)
    }

    /// Closes the server's input and waits for the exit; tells how long it took.
    pub(super) fn end(mut self) -> Result<Duration, LoadError> {
        let began = Instant::now();
        drop(self.to_server);
        self.process.wait_for_end()?;
        Ok(began.elapsed())
    }

    fn shake_hands(&mut self) -> Result<(), LoadError> {
        self.say(message::INITIALIZE);
        let mut none = Latencies::default();
        while self.exchange(Payload::Answer(0), &mut none)? == 0 {}
        self.say(message::INITIALIZED);
        self.flush()
    }

    fn say(&mut self, text: &str) {
        self.sent[0] = Some(Instant::now());
        self.outgoing.extend_from_slice(text.as_bytes());
        self.outgoing.push(b'\n');
    }

    fn send(&mut self, payload: Payload) -> Result<(), LoadError> {
        let id = self.next_id;
        self.next_id += 1;
        message::append_call(&mut self.outgoing, id, payload);
        self.outgoing.push(b'\n');
        *self.slot(id) = Some(Instant::now());
        self.flush()
    }

    fn slot(&mut self, id: u64) -> &mut Option<Instant> {
        let place = usize::try_from(id % SLOTS as u64).unwrap_or_default();
        &mut self.sent[place]
    }

    /// Writes what can be written, reads once, and tells how many calls were answered.
    fn exchange(
        &mut self,
        payload: Payload,
        latencies: &mut Latencies,
    ) -> Result<usize, LoadError> {
        self.flush()?;
        if self.written < self.outgoing.len() && !self.readable_first()? {
            return Ok(0);
        }
        let mut chunk = std::mem::take(&mut self.chunk);
        let length = self
            .from_server
            .read(&mut chunk)
            .doing(format_args!("{}: reading its answers", self.name))?;
        if length == 0 {
            return Err(LoadError::new(format!("{}: it ended early", self.name)));
        }
        let answered = self.take(chunk.get(..length).unwrap_or_default(), payload, latencies);
        self.chunk = chunk;
        answered
    }

    fn take(
        &mut self,
        mut rest: &[u8],
        payload: Payload,
        latencies: &mut Latencies,
    ) -> Result<usize, LoadError> {
        let now = Instant::now();
        let mut answered = 0;
        while let Some(end) = memchr(b'\n', rest) {
            let (line, after) = rest.split_at(end);
            rest = after.get(1..).unwrap_or_default();
            let (length, id) = self.line.end(line);
            let sent = id.and_then(|id| self.slot(id).take());
            let Some(sent) = sent.filter(|_| length >= message::answer_bytes(payload)) else {
                return Err(LoadError::new(format!(
                    "{}: {length} bytes that answer no call: {}",
                    self.name,
                    String::from_utf8_lossy(
                        line.get(..HEAD_BYTES.min(line.len())).unwrap_or_default()
                    )
                )));
            };
            latencies.add(now - sent);
            answered += 1;
        }
        self.line.grow(rest);
        Ok(answered)
    }

    fn flush(&mut self) -> Result<(), LoadError> {
        while let Some(bytes) = self
            .outgoing
            .get(self.written..)
            .filter(|left| !left.is_empty())
        {
            match self.to_server.write(bytes) {
                Ok(count) => self.written += count,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Ok(()),
                // Whoever ends at once may do so before it is called or after.
                Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {
                    return Err(LoadError::new(format!("{}: it ended early", self.name)));
                }
                Err(error) => return Err(error).doing(format_args!("{}: calling it", self.name)),
            }
        }
        self.outgoing.clear();
        self.written = 0;
        Ok(())
    }

    /// Waits for either stream; false when only more can be written.
    fn readable_first(&self) -> Result<bool, LoadError> {
        let mut waits = [
            PollFd::new(&self.from_server, PollFlags::IN),
            PollFd::new(&self.to_server, PollFlags::OUT),
        ];
        rustix::io::retry_on_intr(|| poll(&mut waits, None))
            .doing(format_args!("{}: waiting for it", self.name))?;
        Ok(!waits[0].revents().is_empty())
    }
}

impl Answer {
    fn grow(&mut self, part: &[u8]) {
        self.length += part.len();
        let missing = HEAD_BYTES.saturating_sub(self.head.len()).min(part.len());
        self.head
            .extend_from_slice(part.get(..missing).unwrap_or_default());
        self.tail.extend_from_slice(
            part.get(part.len().saturating_sub(HEAD_BYTES)..)
                .unwrap_or_default(),
        );
        let excess = self.tail.len().saturating_sub(HEAD_BYTES);
        self.tail.drain(..excess);
    }

    /// Ends the line with its last part; gives its length and id.
    fn end(&mut self, last: &[u8]) -> (usize, Option<u64>) {
        if self.length == 0 {
            let tail = last.get(last.len().saturating_sub(HEAD_BYTES)..);
            return (
                last.len(),
                message::answer_id(
                    last.get(..HEAD_BYTES).unwrap_or(last),
                    tail.unwrap_or_default(),
                ),
            );
        }
        self.grow(last);
        let end = (self.length, message::answer_id(&self.head, &self.tail));
        self.length = 0;
        self.head.clear();
        self.tail.clear();
        end
    }
}

fn without_waiting(fd: OwnedFd) -> Result<OwnedFd, LoadError> {
    let flags = fcntl_getfl(&fd).doing("the flags of a pipe")?;
    fcntl_setfl(&fd, flags | OFlags::NONBLOCK).doing("the flags of a pipe")?;
    Ok(fd)
}
