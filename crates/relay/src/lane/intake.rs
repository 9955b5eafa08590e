//! The reading side: lines are judged in the buffer that they were read into.

use std::collections::VecDeque;
use std::ops::Range;
use std::task::{Context, Poll};

use dropgate_process::memory::prefer_huge_pages;
use dropgate_wire::{Limits, Line, LineBuffer, Retain};

use super::Hold;
use crate::endpoint::{Endpoint, Moved};

/// The most that one read takes, bytes. What is read is looked at right away,
/// so it should still be in the processor's cache; but all that a pipe holds
/// should come at once, since each read makes way for the writer, which then
/// takes the processor.
const MAX_READ: usize = 256 << 10;
/// A buffer that is larger than this, bytes, is given back when it is not used.
const STEADY_FOOTPRINT: usize = 256 << 10;

/// The reading side: a source and the lines that it brought.
#[derive(Debug)]
pub(crate) struct Intake {
    source: Option<Endpoint>,
    pub(crate) lines: LineBuffer,
    /// What was judged and is not yet written, in order.
    pub(super) pieces: VecDeque<Piece>,
    pub(super) cut: Cut,
    /// Up to here lines were judged.
    judged: usize,
    /// What waited for holds up to this one is written, or goes nowhere.
    passed: Hold,
}

impl Intake {
    pub(crate) fn new(source: Endpoint, limits: Limits) -> Self {
        Self {
            source: Some(source),
            lines: LineBuffer::retaining(limits, Retain::UntilShrunk).preparing(prefer_huge_pages),
            pieces: VecDeque::new(),
            cut: Cut::Boundary,
            judged: 0,
            passed: Hold::NONE,
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.source.is_some()
    }

    /// Whether lines that passed still wait to be written.
    pub(crate) fn is_held_up(&self) -> bool {
        !self.pieces.is_empty()
    }

    /// Reads once. After the end, `next_line` still gives what is buffered.
    pub(crate) fn read(&mut self, regard: Regard) -> Moved {
        let Some(source) = &self.source else {
            return Moved::Closed;
        };
        let room = self.lines.spare();
        let most = room.len().min(MAX_READ);
        let room = &mut room[..most];
        let moved = match regard {
            Regard::Readiness => source.read(room),
            Regard::Nothing => source.read_regardless(room),
        };
        match moved {
            Moved::Bytes(count) => self.lines.filled(count),
            Moved::NotNow => {}
            Moved::Closed => {
                self.end_line();
                self.source = None;
            }
        }
        moved
    }

    /// Ends the last line where its writer did not: what comes behind it must not be joined to it,
    /// and its reader should not have to wait for the end of the stream.
    fn end_line(&mut self) {
        if let Some(next) = self.lines.spare().first_mut() {
            *next = b'\n';
            self.lines.filled(1);
        }
    }

    pub(crate) fn next_line(&mut self) -> Option<Line> {
        match self.source {
            Some(_) => self.lines.next_line(),
            None => self.lines.finish(),
        }
    }

    /// The line from `start` to `end` passes.
    pub(crate) fn pass(&mut self, start: usize, end: usize) {
        self.judged = end;
        if let Some(Piece {
            what: Content::Lines(lines),
            hold: Hold::NONE,
        }) = self.pieces.back_mut()
            && lines.end == start
        {
            lines.end = end;
            return;
        }
        self.push(Content::Lines(start..end), Hold::NONE);
    }

    /// As [`pass`](Self::pass), but neither this line nor what comes after it is written before
    /// `hold` is released.
    pub(crate) fn pass_after(&mut self, start: usize, end: usize, hold: Hold) {
        self.judged = end;
        self.push(Content::Lines(start..end), hold);
    }

    /// The line that ends at `end` goes nowhere.
    pub(crate) fn leave_out(&mut self, end: usize) {
        self.judged = end;
    }

    /// Puts a message of our own behind all that was judged, to be written once `hold` is released.
    pub(crate) fn insert(&mut self, message: Vec<u8>, hold: Hold) {
        // To write nothing looks like a sink that takes nothing any more.
        if !message.is_empty() {
            self.push(Content::Instead(message.into(), 0), hold);
        }
    }

    /// What waits for `hold` must not be written after all; `message` is, and waits for nothing.
    pub(crate) fn withdraw(&mut self, hold: Hold, message: Vec<u8>) {
        if let Some(piece) = self.pieces.iter_mut().find(|piece| piece.hold == hold) {
            *piece = Piece {
                what: Content::Instead(message.into(), 0),
                hold: Hold::NONE,
            };
        }
    }

    /// What waits for `hold` goes nowhere after all.
    pub(crate) fn drop_held(&mut self, hold: Hold) {
        self.pieces.retain(|piece| piece.hold != hold);
    }

    fn push(&mut self, what: Content, hold: Hold) {
        self.pieces.push_back(Piece { what, hold });
    }

    /// The next bytes that may be written in one go.
    pub(super) fn next_bytes(&self, released: Hold) -> Option<&[u8]> {
        let free = |piece: &&Piece| piece.hold <= released;
        let mut pieces = self.pieces.iter().take_while(free);
        match &pieces.next()?.what {
            Content::Instead(message, written) => Some(message.get(*written..).unwrap_or_default()),
            Content::Lines(first) => {
                let mut run = first.clone();
                for piece in pieces {
                    match &piece.what {
                        Content::Lines(lines) if lines.start == run.end => run.end = lines.end,
                        Content::Lines(_) | Content::Instead(..) => break,
                    }
                }
                Some(self.lines.bytes(run))
            }
        }
    }

    /// So many of the next bytes are written.
    pub(super) fn written(&mut self, mut count: usize) {
        while let Some(piece) = self.pieces.front_mut() {
            let left = match &mut piece.what {
                Content::Instead(message, written) => {
                    let taken = count.min(message.len() - *written);
                    *written += taken;
                    count -= taken;
                    message.len() - *written
                }
                Content::Lines(lines) => {
                    let taken = count.min(lines.len());
                    lines.start += taken;
                    count -= taken;
                    lines.len()
                }
            };
            if left > 0 {
                self.cut = Cut::Inside;
                return;
            }
            self.passed = self.passed.max(piece.hold);
            self.pieces.pop_front();
            self.cut = Cut::Boundary;
            if count == 0 {
                return;
            }
        }
    }

    /// Everything that waited for holds up to this one has been written whole.
    pub(crate) fn passed(&self) -> Hold {
        self.passed
    }

    /// Whether whoever writes to this intake is gone, though what it wrote may
    /// not be read yet.
    pub(crate) fn writer_is_gone(&self) -> bool {
        self.source.as_ref().is_some_and(Endpoint::peer_is_gone)
    }

    /// Whether a long line left the buffer large.
    pub(crate) fn is_roomy(&self) -> bool {
        self.lines.footprint() > STEADY_FOOTPRINT
    }

    /// Gives the memory of long lines back to the system.
    pub(crate) fn trim(&mut self) {
        self.lines.shrink();
    }

    /// Forgets what was judged, once nothing of it waits to be written.
    pub(super) fn release(&mut self) {
        self.pieces.clear();
        self.cut = Cut::Boundary;
        self.lines.release(self.judged);
    }

    pub(crate) fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.source
            .as_ref()
            .map_or(Poll::Pending, |source| source.poll_readable(cx))
    }
}

/// Whole messages, or what is left of them.
#[derive(Debug)]
pub(super) struct Piece {
    what: Content,
    pub(super) hold: Hold,
}

#[derive(Debug)]
enum Content {
    /// As they came: positions in the buffer.
    Lines(Range<usize>),
    /// In the place of one that came, and how much of it is written.
    Instead(Box<[u8]>, usize),
}

/// Where writing has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// Between two messages.
    Boundary,
    /// Inside a message, which nothing of ours may interrupt.
    Inside,
}

/// Whether a read trusts what the last wait said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Regard {
    Readiness,
    Nothing,
}
