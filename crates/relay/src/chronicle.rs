//! What the record says beside the calls: beginnings, changes, the end.

use std::sync::Arc;
use std::time::Duration;

use dropgate_gate::breaker::{Change, Scope};
use dropgate_gate::call::Finished;
use dropgate_journal::{self as journal, Sealed};

use crate::docket::Item;
use crate::log_line::shown;
use crate::relay::Relay;
use crate::report::JournalReport;

/// How long the seal may take at the end, on the journal's disk.
const SEAL_WITHIN: Duration = Duration::from_millis(500);

/// Whether it was said that answers are not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dropped {
    NotSaid,
    Said,
}

/// Whether it was said that the copy of the record is away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Away {
    NotSaid,
    Said,
}

impl Relay {
    /// A server was started, or started again.
    pub(crate) fn record_start(&mut self) {
        let start = journal::Start {
            server: Arc::clone(&self.settings.server_name),
            command_digest: self.settings.command_digest.clone(),
            pid: self.tree.leader_pid(),
            containment: self.tree.level().name().into(),
        };
        self.recorder.start(start);
    }

    /// A breaker did something.
    pub(crate) fn record_breaker(&mut self, change: &Change) {
        let subject = match &change.scope {
            Scope::Upstream => "server",
            Scope::Tool(name) => name,
        };
        self.count_breaker(change);
        let text = words(change);
        self.log
            .warn(&format!("breaker of {}: {text}", shown(subject)));
        let note = journal::Note {
            topic: journal::Topic::Breaker,
            call: None,
            subject: subject.into(),
            text: text.into(),
        };
        self.recorder.note(note);
    }

    /// Tells what became of a call, and nothing of what it was about.
    pub(crate) fn log_call(&mut self, item: &Item, finished: &Finished, now: Duration) {
        let subject = self.tellable(&item.known.name);
        let id = self.tellable(&item.id.to_string().into());
        let reference = item
            .reference
            .map_or(String::new(), |it| format!(" (ref {it})"));
        self.log.debug(&format!(
            "call {}, {}: {} after {} ms{reference}",
            id.escape_debug(),
            subject.escape_debug(),
            finished.outcome.name(),
            finished.elapsed(now).as_millis(),
        ));
    }

    /// Says once what is wrong with the record, until that changes.
    pub(crate) fn say_record_fails(&mut self, why: &str) {
        if self.record_trouble.as_deref() != Some(why) {
            self.log.warn(why);
            self.record_trouble = Some(why.into());
        }
    }

    /// Says once that answers could not be kept, though their calls are on record.
    pub(crate) fn say_answers_are_dropped(&mut self) {
        if self.dropped == Dropped::Said || self.recorder.answers_dropped() == 0 {
            return;
        }
        self.dropped = Dropped::Said;
        self.log.warn(
            "journal: the disk takes records and no answers beside them; a call that is repeated \
             is told how the first one ended, and not its answer. Free some space",
        );
    }

    /// Says once that the copy of the record is away, and once that it is there again.
    pub(crate) fn say_copy_is_away(&mut self) {
        match (self.recorder.copy_away(), &self.copy_away) {
            (Some(why), Away::NotSaid) => {
                self.log.warn(&format!(
                    "journal: the copy does not take records: {why}; calls go on, and it gets them \
                     once it does"
                ));
                self.copy_away = Away::Said;
            }
            (None, Away::Said) => {
                self.log.line("journal: the copy has all records again");
                self.copy_away = Away::NotSaid;
            }
            (Some(_), Away::Said) | (None, Away::NotSaid) => {}
        }
    }

    /// Ends the record, within a bound.
    pub(crate) fn seal_journal(&mut self) -> Option<JournalReport> {
        self.note_undelivered();
        let unrecorded = Some(self.unrecorded).filter(|count| *count > 0);
        let report = match self.recorder.seal(SEAL_WITHIN)? {
            Sealed::Yes(head) => JournalReport {
                seq: Some(head.seq),
                head: Some(head.hash.to_string()),
                sealed: true,
                unrecorded,
            },
            Sealed::NotCopied(head) => JournalReport {
                seq: Some(head.seq),
                head: Some(head.hash.to_string()),
                sealed: false,
                unrecorded,
            },
            Sealed::No => JournalReport {
                seq: None,
                head: None,
                sealed: false,
                unrecorded,
            },
        };
        Some(report)
    }
}

fn words(change: &Change) -> String {
    let transition = &change.transition;
    let (from, to, cause) = (
        transition.from.name(),
        transition.to.name(),
        transition.cause.name(),
    );
    match transition.lasts {
        Some(lasts) => format!("{from} to {to} for {:.1} s: {cause}", lasts.as_secs_f64()),
        None => format!("{from} to {to}: {cause}"),
    }
}
