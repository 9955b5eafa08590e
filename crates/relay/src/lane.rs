//! One direction of the relay: lines are read into a buffer, judged there, and
//! written from there. What passes is never copied.

use std::ops::Range;
use std::task::{Context, Poll};

use dropgate_wire::{Limits, Line, LineBuffer};

use crate::endpoint::{Endpoint, Moved};

/// Messages of our own that may wait for a slow reader before its peer is no
/// longer listened to.
const MAX_OWN_BYTES: usize = 1 << 20;

/// The reading side: a source and the lines that it brought.
#[derive(Debug)]
pub(crate) struct Intake {
    source: Option<Endpoint>,
    pub(crate) lines: LineBuffer,
    /// Positions of judged lines that pass and are not yet written.
    run: Range<usize>,
    cut: Cut,
}

/// Where writing a run has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    /// Between two messages.
    Boundary,
    /// Inside a message, which nothing of ours may interrupt.
    Inside,
}

impl Intake {
    pub(crate) fn new(source: Endpoint, limits: Limits) -> Self {
        Self {
            source: Some(source),
            lines: LineBuffer::new(limits),
            run: 0..0,
            cut: Cut::Boundary,
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.source.is_some()
    }

    /// Whether lines that passed still wait to be written.
    pub(crate) fn is_held_up(&self) -> bool {
        !self.run.is_empty()
    }

    /// Reads once. After the end, `next_line` still gives what is buffered.
    pub(crate) fn read(&mut self, regardless: Regard) -> Moved {
        let Some(source) = &self.source else {
            return Moved::Closed;
        };
        let room = self.lines.spare();
        let moved = match regard(regardless, source, room) {
            Moved::Bytes(count) => {
                self.lines.filled(count);
                Moved::Bytes(count)
            }
            nothing @ (Moved::NotNow | Moved::Closed) => nothing,
        };
        if moved == Moved::Closed {
            self.source = None;
        }
        moved
    }

    pub(crate) fn next_line(&mut self) -> Option<Line> {
        match self.source {
            Some(_) => self.lines.next_line(),
            None => self.lines.finish(),
        }
    }

    /// The line from `start` to `end` passes.
    pub(crate) fn pass(&mut self, start: usize, end: usize) {
        if self.run.is_empty() {
            self.run = start..end;
        } else {
            self.run.end = end;
        }
    }

    /// Takes the run as bytes of our own, so that a line that does not pass can
    /// be left out. Called while lines are judged, so before any of it is written.
    pub(crate) fn break_run(&mut self, onto: &mut Outlet) {
        if !self.run.is_empty() {
            onto.own
                .extend_from_slice(self.lines.bytes(self.run.clone()));
            self.run = 0..0;
        }
    }

    /// Forgets what was judged and written.
    pub(crate) fn release(&mut self, up_to: usize) {
        self.lines.release(up_to);
    }

    pub(crate) fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.source
            .as_ref()
            .map_or(Poll::Pending, |source| source.poll_readable(cx))
    }
}

/// Whether a read trusts what the last wait said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Regard {
    Readiness,
    Nothing,
}

fn regard(regard: Regard, source: &Endpoint, room: &mut [u8]) -> Moved {
    match regard {
        Regard::Readiness => source.read(room),
        Regard::Nothing => source.read_regardless(room),
    }
}

/// What became of an outlet's backlog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outflow {
    /// All is written.
    Clear,
    /// The reader is slow; something waits.
    Waiting,
    /// Nobody reads any more.
    Broken,
}

/// The writing side: a sink, and messages of our own that wait for a boundary
/// between the messages that pass.
#[derive(Debug)]
pub(crate) struct Outlet {
    sink: Option<Endpoint>,
    own: Vec<u8>,
    own_written: usize,
}

impl Outlet {
    pub(crate) fn new(sink: Endpoint) -> Self {
        Self {
            sink: Some(sink),
            own: Vec::new(),
            own_written: 0,
        }
    }

    /// Adds a whole message of our own.
    pub(crate) fn say(&mut self, message: &[u8]) {
        if self.sink.is_some() {
            self.own.extend_from_slice(message);
        }
    }

    /// Whether so much of our own waits that no more cause for it is taken in.
    pub(crate) fn is_congested(&self) -> bool {
        self.own.len() - self.own_written > MAX_OWN_BYTES
    }

    pub(crate) fn has_backlog(&self) -> bool {
        self.own.len() > self.own_written
    }

    pub(crate) fn is_open(&self) -> bool {
        self.sink.is_some()
    }

    /// Closes the sink at once; what waits is dropped.
    pub(crate) fn close(&mut self) {
        self.sink = None;
        self.own = Vec::new();
        self.own_written = 0;
    }

    /// Writes our own messages and the intake's run, as far as they go, and
    /// never one inside the other.
    pub(crate) fn flush(&mut self, intake: &mut Intake) -> Outflow {
        if intake.cut == Cut::Boundary {
            match self.flush_own() {
                Outflow::Clear => {}
                stuck @ (Outflow::Waiting | Outflow::Broken) => return stuck,
            }
        }
        while !intake.run.is_empty() {
            let moved = match &self.sink {
                Some(sink) => sink.write(intake.lines.bytes(intake.run.clone())),
                None => Moved::Closed,
            };
            match moved {
                Moved::Bytes(count) => {
                    intake.run.start += count;
                    intake.cut = Cut::Inside;
                }
                Moved::NotNow => return Outflow::Waiting,
                Moved::Closed => {
                    self.close();
                    intake.run = 0..0;
                    intake.cut = Cut::Boundary;
                    return Outflow::Broken;
                }
            }
        }
        intake.cut = Cut::Boundary;
        self.flush_own()
    }

    /// Writes our own messages, as far as they go.
    pub(crate) fn flush_own(&mut self) -> Outflow {
        while self.has_backlog() {
            let Some(sink) = &self.sink else {
                return Outflow::Broken;
            };
            match sink.write(&self.own[self.own_written..]) {
                Moved::Bytes(count) => self.own_written += count,
                Moved::NotNow => return Outflow::Waiting,
                Moved::Closed => {
                    self.close();
                    return Outflow::Broken;
                }
            }
        }
        self.own.clear();
        self.own_written = 0;
        if self.own.capacity() > MAX_OWN_BYTES {
            self.own = Vec::new();
        }
        Outflow::Clear
    }

    pub(crate) fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.sink
            .as_ref()
            .map_or(Poll::Pending, |sink| sink.poll_writable(cx))
    }
}
