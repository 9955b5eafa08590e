//! What the writer does for a copy of its chain.

use std::time::{Duration, Instant};

use crate::copy::{Copier, Require, Standing, Waited};
use crate::entry::Topic;
use crate::line::text::member;
use crate::shared::Closing;
use crate::state::Why;

use super::trouble::PATIENCE;
use super::{Ended, Need, Writer};

/// How long one wait for the copy is, between two looks at whether the journal is being closed.
const PAUSE: Duration = Duration::from_millis(50);
/// How long the last records may take to reach a copy that may be missing.
const LAST: Duration = Duration::from_millis(200);

impl Writer {
    /// Where a copy is required everything is synced, since only that is copied.
    pub(super) fn heed_copy(&mut self) {
        if self.requires_copy() {
            self.goal.sync = Need::Sync;
        }
    }

    pub(super) fn requires_copy(&self) -> bool {
        self.copy.as_ref().map(Copier::require) == Some(Require::All)
    }

    /// What is durable is copied. Waits for that where it is required.
    pub(super) fn copied(&mut self) -> Ended {
        let (Some(copy), Some(segment)) = (&self.copy, &self.segment) else {
            return Ended::No;
        };
        copy.hand(segment.number(), self.durable_length, self.durable.seq);
        if copy.require() == Require::Any {
            return Ended::No;
        }
        loop {
            let waited = self.copy.as_ref().map(|copy| copy.wait(PAUSE));
            self.closing = self.shared.pause(Duration::ZERO, self.closing);
            match (waited, self.closing) {
                (None | Some(Waited::Done), _) => return Ended::No,
                (Some(Waited::Not), Closing::No | Closing::Seal) => {}
                (Some(Waited::Away(why)), Closing::No) => self.fail(Why::Copy(why)),
                (Some(Waited::Away(why)), Closing::Seal) => {
                    self.fail(Why::Copy(why));
                    let since = *self.sealing_since.get_or_insert_with(Instant::now);
                    if since.elapsed() >= PATIENCE {
                        return Ended::Yes;
                    }
                }
                (Some(Waited::Not | Waited::Away(_)), Closing::Leave) => return Ended::Yes,
            }
        }
    }

    /// Records that the copy went away or came back, and lets that be told.
    pub(super) fn note_copy(&mut self) {
        let Some(copy) = &mut self.copy else { return };
        let Some((standing, text)) = copy.turned() else {
            return;
        };
        let place = copy.place();
        self.shared.news().copy_away = match standing {
            Standing::Near => None,
            Standing::Away(why) => Some(why),
        };
        self.tape.line(&mut self.clock, "note", |out| {
            member(out, "topic", Topic::Copy.word());
            member(out, "subject", &place);
            member(out, "text", &text);
        });
    }

    /// The last records, as far as there is time for them.
    pub(super) fn finish_copy(&self) {
        if let Some(copy) = &self.copy {
            let _else_with_the_next_start = copy.wait(LAST);
        }
    }
}
