//! What the writer does from time to time: signed notes, new keys, room for new records.

use std::time::{Duration, Instant};

use crate::copy::Copier;
use crate::line::text::{count, member, string};
use crate::line::time::Stamp;
use crate::retention::prune;
use crate::sign::{EVERY, RECORDS};

use super::{Ended, Need, Writer};

/// Whether there is something to commit.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    No,
    Now,
}

/// Whether another key signs from now on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Renewed {
    No,
    /// It does, and a note has just said so.
    Yes,
    /// It should, and the next key can't be kept: the old one signs nothing more.
    Failed,
    /// The writer has to end.
    Ended,
}

impl Writer {
    /// A line that carries a signed note on the head before it.
    pub(super) fn noted_line(&mut self, kind: &str, more: &dyn Fn(&mut Vec<u8>)) {
        let now = self.clock.now();
        self.noted_line_at(now, kind, more);
    }

    /// The same among lines of that time.
    pub(super) fn noted_line_at(&mut self, now: Stamp, kind: &str, more: &dyn Fn(&mut Vec<u8>)) {
        let head = self.tape.head();
        let signed = self
            .signer
            .as_ref()
            .map(|signer| (signer.epoch(), signer.note(&head, now)));
        self.tape.line_at(&mut self.clock, now, kind, |out| {
            more(out);
            if let Some((epoch, note)) = &signed {
                count(out, "epoch", *epoch);
                crate::line::text::key(out, "note");
                string(out, note);
            } else {
                member(out, "unsigned", "the chain's key is gone");
            }
        });
        self.noted = (self.tape.head().seq, Instant::now());
    }

    /// While records come fast, one note in so many.
    pub(super) fn checkpoint_if_many(&mut self) -> Ended {
        if self.signer.is_none() || self.tape.head().seq - self.noted.0 < RECORDS {
            return Ended::No;
        }
        match self.renew_key() {
            Renewed::No => self.noted_line("checkpoint", &|_| {}),
            Renewed::Yes => {}
            Renewed::Failed => self.note_later(),
            Renewed::Ended => return Ended::Yes,
        }
        Ended::No
    }

    /// The same where nothing may wait for the disk: an old key signs nothing there, so that the
    /// next note comes later.
    pub(super) fn checkpoint_unless_old(&mut self) {
        let now = self.clock.now();
        let young = self.signer.as_ref().is_some_and(|one| !one.is_old(now));
        if young && self.tape.head().seq - self.noted.0 >= RECORDS {
            self.noted_line("checkpoint", &|_| {});
        }
    }

    /// While they come slowly, one after some time; and a new key when the old one was used for long enough.
    pub(super) fn checkpoint_if_due(&mut self) -> Due {
        let unnoted = self.tape.head().seq > self.noted.0;
        if self.signer.is_none() || !unnoted || self.noted.1.elapsed() < EVERY {
            return Due::No;
        }
        match self.renew_key() {
            Renewed::No => {
                self.noted_line("checkpoint", &|_| {});
                self.goal.sync = Need::Sync;
            }
            Renewed::Failed => self.note_later(),
            Renewed::Yes | Renewed::Ended => {}
        }
        Due::Now
    }

    /// No note can be signed at present.
    fn note_later(&mut self) {
        self.noted = (self.tape.head().seq, Instant::now());
    }

    /// How long the writer may sleep when nothing comes.
    pub(super) fn nap(&self) -> Duration {
        let nap = self.nap_without_copy();
        let look = self.copy.as_ref().and_then(Copier::look_within);
        look.map_or(nap, |look| look.min(nap))
    }

    fn nap_without_copy(&self) -> Duration {
        /// Nothing at all is to be done by then.
        const LONGEST: Duration = Duration::from_secs(600);
        if self.is_failing() {
            Duration::from_secs(1)
        } else if self.signer.is_some() && self.tape.head().seq > self.noted.0 {
            EVERY.saturating_sub(self.noted.1.elapsed())
        } else {
            LONGEST
        }
    }

    /// Before a note: a key that has signed for long enough announces the next one, which signs
    /// once that is durable. Nothing that an older one signs is believed.
    pub(super) fn renew_key(&mut self) -> Renewed {
        let now = self.clock.now();
        let Some(signer) = self.signer.as_mut().filter(|one| one.is_old(now)) else {
            return Renewed::No;
        };
        if signer.prepare(&self.chain.folder).is_err() {
            return Renewed::Failed;
        }
        self.flush_marks();
        self.noted_line_at(now, "checkpoint", &|_| {});
        self.goal.sync = Need::Sync;
        if self.commit() == Ended::Yes {
            return Renewed::Ended;
        }
        if let Some(signer) = &mut self.signer {
            // Where the disk does not take it, the new key is in the file beside the old one, and
            // the next start turns to it.
            let _old_key_stays_for_a_while = signer.change(&self.chain.folder, now);
        }
        Renewed::Yes
    }

    /// Removes what is too old or too much. What can't be removed now is tried again at the next segment.
    pub(super) fn prune(&self) {
        if let Some((folder, _)) = &self.claims {
            let _tried_again = prune(folder, &self.chain.name, &self.settings);
        }
    }
}
