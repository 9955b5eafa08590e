//! The writing side: what passes and what is said here, never one inside the other.

use std::task::{Context, Poll};

use super::Hold;
use super::intake::{Cut, Intake};
use crate::endpoint::{Endpoint, Moved};

/// Messages of our own that may wait for a slow reader before its peer is no
/// longer listened to.
pub(super) const MAX_OWN_BYTES: usize = 1 << 20;

/// What became of an outlet's backlog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outflow {
    /// All is written.
    Clear,
    /// The reader is slow; something waits.
    Waiting,
    /// What waits may not be written before something is recorded.
    Held,
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
    /// All holds up to this one are released.
    released: Hold,
}

impl Outlet {
    pub(crate) fn new(sink: Endpoint) -> Self {
        Self {
            sink: Some(sink),
            own: Vec::new(),
            own_written: 0,
            released: Hold::NONE,
        }
    }

    /// What waits for holds up to this one may be written.
    pub(crate) fn release_up_to(&mut self, hold: Hold) {
        self.released = self.released.max(hold);
    }

    /// Up to which hold all is released.
    pub(crate) fn released(&self) -> Hold {
        self.released
    }

    /// Whether a flush could write something if the sink took it.
    pub(crate) fn has_free_backlog(&self, intake: &Intake) -> bool {
        let front = intake.pieces.front();
        self.has_backlog() || front.is_some_and(|piece| piece.hold <= self.released)
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
        if self.sink.is_none() {
            self.own.clear();
            self.own_written = 0;
            intake.release();
            return Outflow::Broken;
        }
        if intake.cut == Cut::Boundary {
            match self.flush_own() {
                Outflow::Clear => {}
                stuck @ (Outflow::Waiting | Outflow::Held | Outflow::Broken) => return stuck,
            }
        }
        while let Some(bytes) = intake.next_bytes(self.released) {
            let moved = match &self.sink {
                Some(sink) => sink.write(bytes),
                None => Moved::Closed,
            };
            match moved {
                Moved::Bytes(count) => intake.written(count),
                Moved::NotNow => return Outflow::Waiting,
                Moved::Closed => {
                    self.close();
                    intake.release();
                    return Outflow::Broken;
                }
            }
        }
        if !intake.pieces.is_empty() {
            return Outflow::Held;
        }
        intake.release();
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
