//! The journal as the loop sees it: entries go in, proofs come out, and it never waits.

use std::time::{Duration, Instant};

use dropgate_gate::call;
use dropgate_journal::{
    Answer, Asked, CallRef, Considered, Earlier, Fetch, Fetched, Heads, Intent, Journal,
    LateResult, Note, Outcome, Receipt, Redeemed, Sealed, Send, Start, State, Ticket, Tier,
    Unavailable,
};

/// Where calls are recorded.
pub(crate) enum Recorder {
    /// Nowhere: the user asked for it.
    Off,
    On(Box<Journal>),
}

/// Proof that a call may be sent as far as the record goes.
#[derive(Debug)]
pub(crate) enum MaySend {
    /// For what is never recorded: requests of the protocol itself, and all calls where no record
    /// is kept.
    Unrecorded,
    /// The intent is as durable as its class asks.
    Recorded { _proof: Receipt<Send> },
}

impl call::Receipt for MaySend {}

/// What has become of an intent.
#[derive(Debug)]
pub(crate) enum Intended {
    /// The call may be sent.
    Recorded(MaySend),
    Pending(Ticket<Send>),
    /// Another call has the idempotency key.
    KeyHeld(Earlier),
    /// Whether the key is free can't be found out.
    Refused,
}

/// What an answer waits for.
#[derive(Debug)]
pub(crate) enum OutcomeRecord {
    /// Nothing is kept.
    NotKept,
    Pending(Ticket<Answer>),
    /// It could not be entered.
    Refused,
}

/// Nothing can be recorded at present.
#[derive(Debug)]
pub(crate) struct NoRecord;

impl From<Unavailable> for NoRecord {
    fn from(_: Unavailable) -> Self {
        Self
    }
}

/// Whether the journal takes intents and makes entries durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Health {
    Sound,
    Failing(String),
}

impl Recorder {
    /// A name for a new call; none where nothing is recorded.
    pub(crate) fn new_call(&mut self) -> Result<Option<CallRef>, NoRecord> {
        match self {
            Self::Off => Ok(None),
            Self::On(journal) => Ok(Some(journal.new_call()?)),
        }
    }

    /// Enters an intent. Only where a record is kept.
    pub(crate) fn intent(&mut self, intent: Intent, tier: Tier) -> Result<Ticket<Send>, NoRecord> {
        match self {
            Self::Off => Err(NoRecord),
            Self::On(journal) => Ok(journal.intent(intent, tier)?),
        }
    }

    pub(crate) fn look_after(&mut self, ticket: Ticket<Send>) -> Intended {
        match self {
            Self::Off => Intended::Pending(ticket),
            Self::On(journal) => match journal.redeem(ticket) {
                Redeemed::Safe(receipt) => {
                    Intended::Recorded(MaySend::Recorded { _proof: receipt })
                }
                Redeemed::Pending(ticket) => Intended::Pending(ticket),
                Redeemed::Held(earlier) => Intended::KeyHeld(earlier),
                Redeemed::Refused(_) => Intended::Refused,
            },
        }
    }

    pub(crate) fn outcome(&mut self, outcome: Outcome, tier: Tier) -> OutcomeRecord {
        match self {
            Self::Off => OutcomeRecord::NotKept,
            Self::On(journal) => match journal.outcome(outcome, tier) {
                Ok(ticket) => OutcomeRecord::Pending(ticket),
                Err(_) => OutcomeRecord::Refused,
            },
        }
    }

    /// What an answer still waits for; nothing, once it may go.
    pub(crate) fn still_waits(&mut self, record: OutcomeRecord) -> Option<OutcomeRecord> {
        match (self, record) {
            (Self::On(journal), OutcomeRecord::Pending(ticket)) => match journal.redeem(ticket) {
                Redeemed::Safe(_may_answer) => None,
                Redeemed::Pending(ticket) => Some(OutcomeRecord::Pending(ticket)),
                Redeemed::Held(_) | Redeemed::Refused(_) => Some(OutcomeRecord::Refused),
            },
            (_, OutcomeRecord::NotKept) => None,
            (_, waits @ (OutcomeRecord::Refused | OutcomeRecord::Pending(_))) => Some(waits),
        }
    }

    /// Whether a call repeats an earlier one.
    pub(crate) fn consider(&mut self, asked: &Asked<'_>) -> Considered {
        match self {
            Self::Off => Considered::Fresh,
            Self::On(journal) => journal.consider(asked),
        }
    }

    /// Lets the next call like an earlier one run.
    pub(crate) fn repeatable(&mut self, call: CallRef, by: &str) -> Result<(), NoRecord> {
        match self {
            Self::Off => Err(NoRecord),
            Self::On(journal) => Ok(journal.repeatable(call, by).map(drop)?),
        }
    }

    /// An orphan's outcome is being told, so nothing repeats it any more.
    pub(crate) fn forget_orphan(&mut self, call: CallRef) {
        if let Self::On(journal) = self {
            journal.forget_orphan(call);
        }
    }

    /// Begins to look up what became of a call.
    pub(crate) fn fetch(&mut self, call: CallRef) -> Result<Fetch, NoRecord> {
        match self {
            Self::Off => Err(NoRecord),
            Self::On(journal) => Ok(journal.fetch(call)?),
        }
    }

    pub(crate) fn fetched(&self, fetch: Fetch) -> Fetched {
        match self {
            Self::Off => Fetched::Nothing,
            Self::On(journal) => journal.fetched(fetch),
        }
    }

    // What follows is never waited for. What can't be entered shows in the health, which the next
    // call meets.

    pub(crate) fn note(&mut self, note: Note) {
        if let Self::On(journal) = self {
            let _shows_in_health = journal.note(note, Tier::Write);
        }
    }

    pub(crate) fn delivered(&mut self, call: CallRef) {
        if let Self::On(journal) = self {
            let _shows_in_health = journal.delivered(call);
        }
    }

    pub(crate) fn start(&mut self, start: Start) {
        if let Self::On(journal) = self {
            let _shows_in_health = journal.start(start);
        }
    }

    pub(crate) fn late_result(&mut self, late: LateResult) {
        if let Self::On(journal) = self {
            let _shows_in_health = journal.late_result(late);
        }
    }

    pub(crate) fn health(&mut self) -> Health {
        match self {
            Self::Off => Health::Sound,
            Self::On(journal) => match journal.state(Instant::now()) {
                State::Sound => Health::Sound,
                State::Failing { why, .. } => Health::Failing(why.to_string()),
            },
        }
    }

    /// Lets the record be made of all that was entered; before anything is waited for.
    pub(crate) fn rouse(&mut self) {
        if let Self::On(journal) = self {
            journal.rouse();
        }
    }

    /// How many answers the disk did not take.
    pub(crate) fn answers_dropped(&self) -> u64 {
        match self {
            Self::Off => 0,
            Self::On(journal) => journal.answers_dropped(),
        }
    }

    /// How far the record is, for another thread to look at.
    pub(crate) fn heads(&self) -> Option<Heads> {
        match self {
            Self::Off => None,
            Self::On(journal) => Some(journal.heads()),
        }
    }

    /// What is wrong with the copy of the record, if anything is.
    pub(crate) fn copy_away(&self) -> Option<String> {
        match self {
            Self::Off => None,
            Self::On(journal) => journal
                .copy_away()
                .map(|(place, why)| format!("{}: {why}", place.display())),
        }
    }

    /// Whether calls wait for a copy of the record.
    pub(crate) fn requires_copy(&self) -> bool {
        match self {
            Self::Off => false,
            Self::On(journal) => journal.requires_copy(),
        }
    }

    /// Ends the record, within a bound; nothing where none is kept.
    pub(crate) fn seal(&mut self, within: Duration) -> Option<Sealed> {
        match std::mem::replace(self, Self::Off) {
            Self::Off => None,
            Self::On(journal) => Some(journal.seal(within)),
        }
    }
}
