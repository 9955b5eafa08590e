//! What the tests share: folders that go away, and a journal whose wakes can be waited for.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use dropgate_journal::{
    About, CallRef, Class, Decision, Intent, Journal, Keep, Outcome, Purpose, Receipt, Redeemed,
    Retry, Settings, Ticket, What,
};

/// No wait of a test is longer.
pub(crate) const BOUND: Duration = Duration::from_secs(20);

/// A folder that is removed afterwards.
pub(crate) struct Place(PathBuf);

impl Place {
    pub(crate) fn new() -> Self {
        let mut bits = [0; 8];
        getrandom::fill(&mut bits).expect("random numbers");
        let name = format!("dropgate-journal-{:016x}", u64::from_le_bytes(bits));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).expect("a folder for the test");
        Self(path)
    }

    pub(crate) fn journal(&self) -> PathBuf {
        self.0.join("journal")
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// The segments of all chains, in order.
    pub(crate) fn segments(&self) -> Vec<PathBuf> {
        let mut files: Vec<PathBuf> = std::fs::read_dir(self.journal())
            .expect("the journal")
            .flat_map(|entry| std::fs::read_dir(entry.expect("an entry").path()))
            .flatten()
            .map(|entry| entry.expect("an entry").path())
            .filter(|path| path.extension().is_some_and(|end| end == "jsonl"))
            .collect();
        files.sort();
        files
    }

    /// The lines of all segments, as values.
    pub(crate) fn records(&self) -> Vec<serde_json::Value> {
        self.segments()
            .iter()
            .flat_map(|path| {
                let text = std::fs::read_to_string(path).expect("text");
                text.lines()
                    .map(|line| serde_json::from_str(line).expect("every line is JSON"))
                    .collect::<Vec<_>>()
            })
            .collect()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _gone_already = std::fs::remove_dir_all(&self.0);
    }
}

/// A journal, and its wakes.
pub(crate) struct Desk {
    pub(crate) journal: Journal,
    pub(crate) wakes: Receiver<()>,
}

impl Desk {
    pub(crate) fn open(settings: Settings) -> Self {
        let (wake, wakes) = sync_channel(1);
        let journal = Journal::open(
            settings,
            Box::new(move || {
                let _one_is_enough = wake.try_send(());
            }),
        )
        .expect("the journal opens");
        Self { journal, wakes }
    }

    /// Waits for a ticket.
    pub(crate) fn receipt<P: Purpose>(&self, ticket: Ticket<P>) -> Receipt<P> {
        let until = Instant::now() + BOUND;
        let mut ticket = ticket;
        loop {
            match self.journal.redeem(ticket) {
                Redeemed::Safe(receipt) => return receipt,
                Redeemed::Held(holder) => panic!("held by {holder:?}"),
                Redeemed::Pending(pending) => ticket = pending,
            }
            let left = until.saturating_duration_since(Instant::now());
            self.wakes.recv_timeout(left).expect("a wake in time");
        }
    }
}

pub(crate) fn intent(call: CallRef) -> Intent {
    Intent {
        call,
        server: "files".into(),
        tool: "append_line".into(),
        class: Class::Write,
        principal: "local".into(),
        decision: Decision {
            policies: ["local-owner".into()].into(),
            digest: "0f".into(),
        },
        key: None,
        args: br#"{"path":"/tmp/a","text":"hello","times":3}"#.to_vec().into(),
        trace_id: None,
    }
}

pub(crate) fn outcome(call: CallRef, what: What) -> Outcome {
    Outcome {
        call,
        what,
        retry: Retry::Never,
        bytes: 120,
        ms: 4,
        redactions: 0,
        keep: Keep::Nothing,
        about: None,
    }
}

pub(crate) fn about() -> About {
    About {
        server: "files".into(),
        tool: "append_line".into(),
        class: Class::Write,
        principal: "local".into(),
        decision: Decision::default(),
    }
}
