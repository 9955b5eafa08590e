//! What the writer does for a copy of its chain.

use crate::copy::{Copier, Require, Standing, Target, Waited};
use crate::entry::Topic;
use crate::line::text::member;

use super::note::Due;
use super::room::Room;
use super::{Need, Writer};

impl Writer {
    /// Somebody waits for what is rendered. Where a copy is required that is synced, since only that
    /// is copied.
    pub(super) fn heed_copy(&mut self) {
        if self.copy.as_ref().map(Copier::require) == Some(Require::All) {
            self.goal.sync = Need::Sync;
        }
    }

    /// What was just synced is copied.
    pub(super) fn hand_to_copy(&self) {
        if let (Some(copy), Some(target)) = (&self.copy, self.durable()) {
            copy.hand(target);
        }
    }

    /// Up to where the chain is durable.
    pub(crate) fn durable(&self) -> Option<Target> {
        self.segment.as_ref().map(|segment| Target {
            segment: segment.number(),
            length: self.durable_length,
            head: self.durable,
            nth: self.goal.nth,
        })
    }

    /// Records that the copy went away or came back, and lets that be told.
    pub(super) fn note_copy(&mut self) -> Due {
        let Some(copy) = &mut self.copy else {
            return Due::No;
        };
        let Some((standing, text)) = copy.turned() else {
            return Due::No;
        };
        let place = copy.place();
        self.shared.news().copy_away = match standing {
            Standing::Near => None,
            Standing::Away(why) => Some(why),
        };
        (self.wake)();
        // What room there is on a full disk is for what is owed.
        if self.room != Room::Plenty {
            return Due::No;
        }
        self.first_line();
        self.tape.line(&mut self.clock, "note", |out| {
            member(out, "topic", Topic::Copy.word());
            member(out, "subject", &place);
            member(out, "text", &text);
        });
        Due::Now
    }

    /// The last records, as far as there is time for them.
    pub(super) fn finish_copy(&self) {
        if let Some(copy) = &self.copy
            && copy.wait() == Waited::Done
        {
            self.shared.news().copy_sealed = true;
        }
    }
}
