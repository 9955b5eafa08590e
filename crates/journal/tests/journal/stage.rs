//! What the tests share: folders that go away, and a journal whose wakes can be waited for.

use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use dropgate_journal::{
    About, CallRef, Class, Decision, Fetch, Fetched, Intent, Journal, Keep, Outcome, Purpose,
    Receipt, Redeemed, Retry, Settings, Ticket, Tier, What,
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
        // Journals are kept in no folder that others can write to, whatever the umask of the test.
        std::fs::DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .expect("a folder for the test");
        Self(path)
    }

    /// One whose journal's process was killed after three intents.
    pub(crate) fn abandoned() -> Self {
        let place = Self::new();
        let mut desk = Desk::open(Settings::new(place.journal()));
        for _ in 0..3 {
            let call = desk.journal.new_call().expect("a reference");
            let ticket = desk
                .journal
                .intent(intent(call), Tier::Sync)
                .expect("taken");
            drop(desk.receipt(ticket));
        }
        desk.abandon();
        place
    }

    /// The folder of the chain that was begun last.
    pub(crate) fn chain(&self) -> PathBuf {
        let segment = self.segments().pop().expect("a segment");
        segment.parent().map(Path::to_owned).expect("a folder")
    }

    pub(crate) fn journal(&self) -> PathBuf {
        self.0.join("journal")
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// The segments of all chains, in order.
    pub(crate) fn segments(&self) -> Vec<PathBuf> {
        self.segments_of(&self.journal())
    }

    /// The same of a journal elsewhere.
    pub(crate) fn segments_of(&self, journal: &Path) -> Vec<PathBuf> {
        let mut files: Vec<PathBuf> = std::fs::read_dir(journal)
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
                    .filter(|line| !line.is_empty())
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

    /// Waits for a ticket's receipt.
    pub(crate) fn receipt<P: Purpose>(&mut self, ticket: Ticket<P>) -> Receipt<P> {
        match self.settled(ticket) {
            Redeemed::Safe(receipt) => receipt,
            Redeemed::Pending(_) | Redeemed::Held(_) | Redeemed::Refused(_) => {
                panic!("the entry was not recorded")
            }
        }
    }

    /// Waits for what a ticket comes to.
    pub(crate) fn settled<P: Purpose>(&mut self, ticket: Ticket<P>) -> Redeemed<P> {
        let until = Instant::now() + BOUND;
        let mut ticket = ticket;
        loop {
            match self.journal.redeem(ticket) {
                Redeemed::Pending(pending) => ticket = pending,
                settled @ (Redeemed::Safe(_) | Redeemed::Held(_) | Redeemed::Refused(_)) => {
                    return settled;
                }
            }
            self.woken(until);
        }
    }

    /// Waits for a look-up.
    pub(crate) fn found(&mut self, fetch: Fetch) -> Fetched {
        let until = Instant::now() + BOUND;
        let mut fetch = fetch;
        loop {
            match self.journal.fetched(fetch) {
                Fetched::Pending(pending) => fetch = pending,
                found @ (Fetched::Nothing | Fetched::Found(_) | Fetched::Failed(_)) => {
                    return found;
                }
            }
            self.woken(until);
        }
    }

    /// What was kept of a call's answer.
    pub(crate) fn kept(&mut self, call: CallRef) -> Option<Box<[u8]>> {
        let fetch = self.journal.fetch(call).expect("taken");
        match self.found(fetch) {
            Fetched::Found(account) => account.kept,
            Fetched::Pending(_) | Fetched::Nothing | Fetched::Failed(_) => panic!("not found"),
        }
    }

    /// Ends the writer without a seal, as a crash would, and waits until its chain is free.
    pub(crate) fn abandon(self) {
        let Self { journal, wakes } = self;
        drop(journal);
        while wakes.recv_timeout(BOUND).is_ok() {}
    }

    fn woken(&self, until: Instant) {
        let left = until.saturating_duration_since(Instant::now());
        self.wakes.recv_timeout(left).expect("a wake in time");
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
        round: None,
        args: br#"{"path":"/tmp/a","text":"hello","times":3}"#.to_vec().into(),
        trace_id: None,
        again: dropgate_journal::Again::Never,
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
        repeats: None,
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

/// The share of a long count that is run, or all of it.
pub(crate) fn soak(share: usize, full: usize) -> usize {
    if std::env::var_os("DROPGATE_SOAK").is_some_and(|value| value == "1") {
        full
    } else {
        share
    }
}

/// Chance that can be repeated: prints as the seed to set `DROPGATE_SEED` to.
pub(crate) struct Dice {
    seed: u64,
    state: u64,
}

impl Dice {
    pub(crate) fn new() -> Self {
        let given = std::env::var("DROPGATE_SEED").ok();
        let seed = given.and_then(|seed| seed.parse().ok()).unwrap_or_else(|| {
            let mut bits = [0; 8];
            getrandom::fill(&mut bits).expect("random numbers");
            u64::from_le_bytes(bits)
        });
        eprintln!("DROPGATE_SEED={seed}");
        Self { seed, state: seed }
    }

    /// A number under `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        let end = u64::try_from(end.max(1)).expect("a size");
        usize::try_from(mixed % end).expect("under a size")
    }

    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

impl std::fmt::Display for Dice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DROPGATE_SEED={}", self.seed)
    }
}
