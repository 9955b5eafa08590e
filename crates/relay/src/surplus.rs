//! Answers of the server's to which nobody is owed: a second one to a call that was answered here, or
//! one to a call that nobody made. A server can send them without end, so each call's first is
//! recorded, and all are counted.

use std::collections::VecDeque;
use std::time::Duration;

use dropgate_journal::CallRef;

use crate::call_id::CallId;

/// How many calls that were answered here are remembered, in case the server answers them too.
const MAX_REMEMBERED: usize = 256;

/// A call that was answered here while the server may still answer it.
#[derive(Debug)]
pub(crate) struct AnsweredHere {
    pub(crate) id: CallId,
    pub(crate) reference: Option<CallRef>,
    pub(crate) at: Duration,
}

/// The calls that the server may answer although nobody waits, and how often it did.
#[derive(Debug, Default)]
pub(crate) struct SurplusAnswers {
    awaited: VecDeque<AnsweredHere>,
    count: u64,
}

impl SurplusAnswers {
    /// A call was answered here; of too many the oldest is forgotten.
    pub(crate) fn remember(&mut self, call: AnsweredHere) {
        if self.awaited.len() >= MAX_REMEMBERED {
            self.awaited.pop_front();
        }
        self.awaited.push_back(call);
    }

    /// Counts an answer that is left out. The call that it belongs to is given once.
    pub(crate) fn take(&mut self, id: &CallId) -> Option<AnsweredHere> {
        self.count += 1;
        let at = self.awaited.iter().position(|one| one.id == *id)?;
        self.awaited.remove(at)
    }

    /// How many answers were left out.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }
}

#[cfg(test)]
mod tests {
    use dropgate_wire::Id;

    use super::*;

    fn id(number: usize) -> CallId {
        let raw = number.to_string();
        CallId::of_request(&Id::parse(raw.as_bytes()).expect("an id"))
    }

    #[test]
    fn each_call_is_given_once_and_every_answer_counts() {
        let mut surplus = SurplusAnswers::default();
        for number in 0..=MAX_REMEMBERED {
            surplus.remember(AnsweredHere {
                id: id(number),
                reference: None,
                at: Duration::ZERO,
            });
        }
        assert!(surplus.take(&id(0)).is_none(), "the oldest was forgotten");
        assert!(surplus.take(&id(1)).is_some());
        assert!(surplus.take(&id(1)).is_none());
        assert!(surplus.take(&id(MAX_REMEMBERED)).is_some());
        assert_eq!(surplus.count(), 4);
    }
}
