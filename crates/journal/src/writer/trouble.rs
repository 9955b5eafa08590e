//! What the writer does when the disk fails.

use std::io;
use std::time::{Duration, Instant};

use crate::folder::is_full;
use crate::line::scan::Line;
use crate::line::tape::Tape;
use crate::record::Fields;
use crate::shared::Closing;
use crate::sign::{RECORDS, Signer};
use crate::state::Why;

use super::room::{Broken, Room};
use super::{Ended, Need, Writer};

/// How long the writer waits before it tries a disk again.
const PAUSE: Duration = Duration::from_millis(50);
/// How long it tries to write a seal.
const PATIENCE: Duration = Duration::from_secs(1);

impl Writer {
    /// After an error: what has to happen before the next attempt.
    pub(super) fn overcome(&mut self, error: &io::Error) -> Ended {
        let full = is_full(error);
        self.fail(if full {
            Why::NoSpace
        } else {
            Why::Disk(error.to_string().into())
        });
        let cut = match &mut self.segment {
            Some(segment) => segment.cut_excess(),
            None => Ok(()),
        };
        let broken = if full {
            self.break_into_room()
        } else {
            Broken::Before
        };
        let as_before = full && cut.is_ok() && !SyncFailed::is(error);
        if !as_before && self.segment.is_some() {
            self.poison(error);
        }
        self.failures += 1;
        if broken == Broken::Now || self.failures == 1 {
            return Ended::No;
        }
        self.rest()
    }

    /// Waits before the next attempt. Whoever seals has so much patience, and
    /// whoever leaves none: the chain then ends as after a crash.
    fn rest(&mut self) -> Ended {
        self.closing = self.shared.pause(PAUSE, self.closing);
        match self.closing {
            Closing::No => Ended::No,
            Closing::Seal => {
                let since = *self.sealing_since.get_or_insert_with(Instant::now);
                if since.elapsed() < PATIENCE {
                    Ended::No
                } else {
                    Ended::Yes
                }
            }
            Closing::Leave => Ended::Yes,
        }
    }

    /// Leaves the segment for good: all since its last durable record is chained
    /// anew into the next segment, since after a failed sync nobody knows what
    /// of it the disk holds.
    fn poison(&mut self, error: &io::Error) {
        if let Some(mut segment) = self.segment.take() {
            // Its room is for its successor.
            let _stays_set_aside = segment.cut(segment.length());
            if self.room != Room::Seal {
                self.room = Room::Plenty;
            }
            if self.poisoned.is_some() {
                // It was to repeat what an earlier one holds, and nothing of it counts.
                let name = crate::segment::name(segment.number());
                if self.chain.folder.remove(&name).is_ok() {
                    self.last = segment.number() - 1;
                }
            } else {
                // Not cut yet: until the next segment is written, SIGKILL must
                // find here what was acknowledged as being in the kernel's hands.
                self.poisoned = Some((segment, self.durable_length));
            }
        }
        let lost = std::mem::replace(&mut self.tape, Tape::after(self.durable));
        self.held = 0;
        let first = lost.bytes().split(|byte| *byte == b'\n').next();
        let stamp = first.and_then(Line::read).and_then(|line| line.stamp());
        let stamp = stamp.unwrap_or_else(|| self.clock.now());
        self.noted.0 = self.durable.seq;
        self.segment_line(stamp, Some(&error.to_string()));
        for raw in lost.bytes().split(|byte| *byte == b'\n') {
            let Some(line) = Line::read(raw) else {
                continue;
            };
            match line.kind {
                b"segment" | b"checkpoint" => {}
                b"seal" if Fields::read(raw).end => {
                    let end = |out: &mut Vec<u8>| out.extend_from_slice(b",\"end\":true");
                    self.noted_line_at(line.stamp().unwrap_or(stamp), "seal", &end);
                }
                b"seal" => {}
                _other => {
                    // A key announces the next one only once.
                    let announces = self.signer.as_ref().is_some_and(Signer::announces);
                    if !announces && self.tape.head().seq - self.noted.0 >= RECORDS {
                        let at = line.stamp().unwrap_or(stamp);
                        self.noted_line_at(at, "checkpoint", &|_| {});
                    }
                    self.tape.adopt(&line);
                }
            }
        }
        if self.signer.as_ref().is_some_and(Signer::announces) {
            // The announcement was among what was lost.
            self.noted_line("checkpoint", &|_| {});
        }
        self.goal.sync = Need::Sync;
    }

    pub(super) fn is_failing(&self) -> bool {
        self.shared.news().failing.is_some()
    }

    pub(super) fn fail(&mut self, why: Why) {
        let mut news = self.shared.news();
        if news.failing.as_ref() != Some(&why) {
            news.failing = Some(why);
            drop(news);
            (self.wake)();
        }
    }

    /// The segment in place of one that could not be written on is on the disk, and from then on
    /// stands for itself: if it fails as well, what it holds for certain stays.
    pub(super) fn settle_poisoned(&mut self) {
        if let Some((mut segment, length)) = self.poisoned.take() {
            // What it held beyond that is repeated in its successor.
            let _passed_over_by_whoever_reads = segment.cut(length);
            if length == 0 {
                let name = crate::segment::name(segment.number());
                let _passed_over_as_well = self.chain.folder.remove(&name);
            }
        }
    }

    /// Sound again only with all room in hand.
    pub(super) fn recover_soundness(&mut self) {
        if !self.is_failing() {
            return;
        }
        if self.has_room_again() {
            self.shared.news().failing = None;
            (self.wake)();
        } else {
            self.fail(Why::NoSpace);
        }
    }
}

/// Marks an error as one of a sync, after which the segment is never touched again.
#[derive(Debug, thiserror::Error)]
#[error("sync failed: {0}")]
pub(super) struct SyncFailed(io::Error);

impl SyncFailed {
    pub(super) fn wrap(error: io::Error) -> io::Error {
        io::Error::new(error.kind(), Self(error))
    }

    fn is(error: &io::Error) -> bool {
        error.get_ref().is_some_and(|inner| inner.is::<Self>())
    }
}
