//! What a full disk still takes. Behind the last line of a segment room is set aside that nobody
//! else can have. The journal spends it in an order, so that the outcome of every call that was let
//! through fits, and after them the seal.

use std::io;

use crate::entry::{Entry, Fate, Note, Topic};
use crate::line::MAX_LINE;
use crate::line::text::{count, member};
use crate::refused::NotRecorded;
use crate::segment::Segment;
use crate::shared::Queued;
use crate::state::Why;

use super::Writer;

/// What may be written at present.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    /// Everything, while the room stays whole.
    Plenty,
    /// The disk is full. What is owed is written, and the rest up to this length of the segment.
    Short { until: u64 },
    /// The last line.
    Seal,
}

/// Whether the room has been broken into.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Broken {
    Now,
    Before,
}

/// For the seal, and for the few lines that may have to stand before it.
const FOR_THE_SEAL: u64 = 64 << 10;
/// For a call that was let through: its outcome, whether its answer left, and a checkpoint after them.
const FOR_A_CALL: u64 = 4 << 10;
/// For the rest: what was rendered when the disk was found to be full, and refusals.
const FOR_THE_REST: u64 = 1 << 20;
/// So much more than all that is asked of a disk that was full, or the next call would fill it again.
const TO_GO_ON: u64 = 256 << 10;
/// So much is rendered before it is written, and one line more: less than a third of the room for the rest.
pub(super) const AT_ONCE: usize = 256 << 10;

impl Writer {
    /// How much room has to be left after a write.
    pub(super) fn room_to_keep(&self) -> u64 {
        match self.room {
            Room::Plenty => FOR_THE_REST + self.room_owed(),
            Room::Short { .. } => FOR_THE_SEAL,
            Room::Seal => 0,
        }
    }

    fn room_owed(&self) -> u64 {
        FOR_THE_SEAL + FOR_A_CALL * self.open.len() as u64
    }

    /// The disk is full: from now on the room is spent.
    pub(super) fn break_into_room(&mut self) -> Broken {
        if self.room != Room::Plenty {
            return Broken::Before;
        }
        let end = self.segment.as_ref().map_or(0, Segment::room_end);
        self.room = Room::Short {
            until: end.saturating_sub(self.room_owed()),
        };
        Broken::Now
    }

    /// Takes the room there is to be, before the first call comes.
    pub(super) fn take_room(&mut self) {
        let keep = self.room_to_keep();
        if let Some(segment) = &mut self.segment
            && segment.set_aside(keep).is_err()
        {
            self.break_into_room();
            self.fail(Why::NoSpace);
        }
    }

    /// Whether the room is whole again, after it was broken into.
    pub(super) fn has_room_again(&mut self) -> bool {
        if let Room::Short { .. } = self.room {
            let keep = FOR_THE_REST + self.room_owed() + TO_GO_ON;
            let whole = match &mut self.segment {
                Some(segment) => segment.set_aside(keep).is_ok(),
                None => true,
            };
            if !whole {
                return false;
            }
            self.room = Room::Plenty;
            self.tell_left_out();
        }
        true
    }

    /// Whether an entry has to be left out. What is owed never is: outcomes of calls that were let
    /// through, leases, and what a repetition of a call would ask for.
    pub(super) fn must_leave_out(&self, entry: &Entry) -> bool {
        let Room::Short { until } = self.room else {
            return false;
        };
        let owed = match entry {
            // It must not be sent: nobody knows whether its outcome will fit.
            Entry::Intent(_) => return true,
            Entry::Outcome(outcome) => {
                outcome.what.fate() != Fate::NeverRan || self.open.contains(&outcome.call)
            }
            Entry::Note(Note { topic, .. }) => matches!(
                topic,
                Topic::Undelivered | Topic::Repeatable | Topic::LeaseGranted | Topic::LeaseRevoked
            ),
            Entry::Delivered(_) | Entry::LookUp(_) => true,
            Entry::Start(_) | Entry::LateResult(_) => false,
        };
        let length = self.segment.as_ref().map_or(u64::MAX, Segment::length);
        let rendered = self.tape.bytes().len() - self.held + MAX_LINE;
        !owed && length.saturating_add(rendered as u64) > until
    }

    /// Leaves an entry out, and lets its ticket say so if anybody asks it.
    pub(super) fn leave_out(&mut self, queued: &Queued) {
        if let Entry::Intent(intent) = &queued.entry {
            // That the call was not sent is told by its outcome.
            self.give_up_claim(intent);
        } else {
            self.left_out += 1;
        }
        if queued.entry.is_awaited() {
            let why = NotRecorded::Failed(Why::NoSpace);
            self.shared.refuse([(queued.nth, why)]);
        }
    }

    /// Says how many entries were left out, as soon as that can be said.
    pub(super) fn tell_left_out(&mut self) {
        let left_out = std::mem::take(&mut self.left_out);
        if left_out > 0 {
            self.first_line();
            self.tape.line(&mut self.clock, "note", |out| {
                member(out, "topic", Topic::LeftOut.word());
                member(out, "subject", "journal");
                member(
                    out,
                    "text",
                    "the disk was full; so many entries are not recorded",
                );
                count(out, "entries", left_out);
            });
        }
    }

    /// A segment to go on in has its room before the one that is to be sealed gives up its own.
    pub(super) fn prepare_successor(&mut self) -> io::Result<()> {
        let (room, faults) = (self.room_to_keep(), self.faults.clone());
        self.successor = Some(Segment::prepare(&self.chain.folder, room, faults)?);
        Ok(())
    }
}
