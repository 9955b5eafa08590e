//! A journal on a disk that does as it is told.

use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use crate::{
    CallRef, Class, Decision, Intent, Journal, Keep, Known, Outcome, Purpose, Redeemed, Retry,
    Settings, State, Ticket, Tier, Unavailable, What, verify,
};

pub(super) const BOUND: Duration = Duration::from_secs(20);

/// What a disk does to the calls of the journal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Manner {
    #[default]
    Well,
    /// Every write fails after some bytes.
    FailWrites(usize),
    /// A write fails, and another one as soon as a sync has succeeded in between.
    FailAroundSync(Around),
    /// Every sync fails.
    FailSyncs,
    /// No segment can be made, and no sync succeeds.
    FailAll,
    /// There is no room but what is set aside.
    Full,
    /// There is none for another segment.
    NoSuccessor,
    /// There is none but what is set aside, and files can be made.
    NoMore,
    /// There is none at all, as where none can be set aside.
    Cramped,
    /// Syncs do not come back.
    Hang,
}

/// How far that has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Around {
    Begin,
    Failed,
    Synced,
}

#[derive(Default)]
pub(super) struct Disk {
    manner: Mutex<Manner>,
    changed: Condvar,
    failed_writes: Mutex<u64>,
    hangs: Mutex<Hangs>,
}

/// Whether a sync is waiting to come back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Hangs {
    #[default]
    No,
    Yes,
}

impl Disk {
    pub(super) fn set(&self, manner: Manner) {
        *self.manner.lock().expect("no panic") = manner;
        self.changed.notify_all();
    }

    pub(super) fn manner(&self) -> Manner {
        *self.manner.lock().expect("no panic")
    }

    /// Waits until a sync does not come back.
    fn wait_until_it_hangs(&self) {
        let hangs = self.hangs.lock().expect("no panic");
        let (_hangs, waited) = self
            .changed
            .wait_timeout_while(hangs, BOUND, |hangs| *hangs == Hangs::No)
            .expect("no panic");
        assert!(!waited.timed_out(), "the writer syncs");
    }

    fn set_hangs(&self, hangs: Hangs) {
        *self.hangs.lock().expect("no panic") = hangs;
        self.changed.notify_all();
    }

    fn count_failed_write(&self) {
        *self.failed_writes.lock().expect("no panic") += 1;
        self.changed.notify_all();
    }

    /// Waits until so many more writes have failed.
    pub(super) fn wait_for_failed_writes(&self, more: u64) {
        let failed = self.failed_writes.lock().expect("no panic");
        let wanted = *failed + more;
        let (_failed, waited) = self
            .changed
            .wait_timeout_while(failed, BOUND, |failed| *failed < wanted)
            .expect("no panic");
        assert!(!waited.timed_out(), "writes are tried again");
    }
}

fn broken() -> io::Error {
    io::Error::other("input/output error")
}

impl crate::segment::Faults for Disk {
    fn write(&self, bytes: usize) -> Option<(usize, io::Error)> {
        let manner = self.manner();
        if let Manner::FailWrites(through) = manner {
            self.count_failed_write();
            return Some((through.min(bytes), broken()));
        }
        if let Manner::FailAroundSync(around @ (Around::Begin | Around::Synced)) = manner {
            self.set(if around == Around::Begin {
                Manner::FailAroundSync(Around::Failed)
            } else {
                Manner::Well
            });
            return Some((bytes / 2, broken()));
        }
        (manner == Manner::Cramped).then(|| (bytes / 2, full()))
    }

    fn sync(&self) -> Option<io::Error> {
        let manner = self.manner();
        if manner == Manner::Hang {
            self.set_hangs(Hangs::Yes);
            let manner = self.manner.lock().expect("no panic");
            let released = self
                .changed
                .wait_timeout_while(manner, BOUND, |manner| *manner == Manner::Hang);
            drop(released);
            self.set_hangs(Hangs::No);
        }
        if manner == Manner::FailAroundSync(Around::Failed) {
            self.set(Manner::FailAroundSync(Around::Synced));
        }
        matches!(manner, Manner::FailSyncs | Manner::FailAll).then(broken)
    }

    fn set_aside(&self) -> Option<io::Error> {
        matches!(self.manner(), Manner::Full | Manner::NoMore).then(full)
    }

    fn name(&self) -> Option<io::Error> {
        (self.manner() == Manner::FailSyncs).then(broken)
    }

    fn create(&self) -> Option<io::Error> {
        let manner = self.manner();
        if manner == Manner::FailAll {
            return Some(broken());
        }
        matches!(manner, Manner::Full | Manner::NoSuccessor | Manner::Cramped).then(full)
    }
}

fn full() -> io::Error {
    io::ErrorKind::StorageFull.into()
}

pub(super) struct Stage {
    pub(super) journal: Journal,
    wakes: Receiver<()>,
    pub(super) disk: Arc<Disk>,
    pub(super) dir: PathBuf,
}

impl Stage {
    pub(super) fn new(commit_within: Duration) -> Self {
        Self::with(|settings| settings.commit_within = commit_within)
    }

    pub(super) fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let mut bits = [0; 8];
        getrandom::fill(&mut bits).expect("random numbers");
        let name = format!("dropgate-faults-{:016x}", u64::from_le_bytes(bits));
        let dir = std::env::temp_dir().join(name);
        let disk = Arc::new(Disk::default());
        let (wake, wakes) = sync_channel(1);
        let mut settings = Settings::new(&dir);
        settings.commit_within = BOUND;
        change(&mut settings);
        let journal = Journal::open_with(
            settings,
            Box::new(move || {
                let _one_is_enough = wake.try_send(());
            }),
            Some(Arc::clone(&disk) as Arc<dyn crate::segment::Faults>),
        )
        .expect("the journal opens");
        Self {
            journal,
            wakes,
            disk,
            dir,
        }
    }

    pub(super) fn begin(
        &mut self,
        tier: Tier,
    ) -> Result<(CallRef, Ticket<crate::Send>), Unavailable> {
        let call = self.journal.new_call()?;
        let intent = Intent {
            call,
            server: "s".into(),
            tool: "t".into(),
            class: Class::Write,
            principal: "local".into(),
            decision: Decision::default(),
            key: None,
            round: None,
            args: b"{}".to_vec().into(),
            trace_id: None,
            again: crate::Again::Never,
        };
        Ok((call, self.journal.intent(intent, tier)?))
    }

    pub(super) fn end(&mut self, call: CallRef, tier: Tier) -> Ticket<crate::Answer> {
        self.journal.outcome(completed(call), tier).expect("taken")
    }

    /// The record of a call that was refused before it was sent.
    pub(super) fn refuse(&mut self) -> Result<Ticket<crate::Answer>, Unavailable> {
        let call = self.journal.new_call()?;
        let about = crate::About {
            server: "s".into(),
            tool: "t".into(),
            class: Class::Write,
            principal: "local".into(),
            decision: Decision::default(),
        };
        let outcome = Outcome {
            what: What::NotExecuted,
            retry: Retry::Safe,
            about: Some(Box::new(about)),
            ..completed(call)
        };
        self.journal.outcome(outcome, Tier::Write)
    }

    pub(super) fn safe<P: Purpose>(&mut self, ticket: Ticket<P>) {
        assert!(matches!(self.settled(ticket), Redeemed::Safe(_)));
    }

    pub(super) fn settled<P: Purpose>(&mut self, mut ticket: Ticket<P>) -> Redeemed<P> {
        let until = Instant::now() + BOUND;
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

    /// Waits until the writer waits for a disk that hangs: it takes nothing more then.
    pub(super) fn until_it_hangs(&mut self) {
        self.journal.rouse();
        self.disk.wait_until_it_hangs();
    }

    pub(super) fn wait_for(&mut self, wanted: impl Fn(&State) -> bool) -> State {
        let until = Instant::now() + BOUND;
        loop {
            let state = self.journal.state(Instant::now());
            if wanted(&state) {
                return state;
            }
            self.woken(until);
        }
    }

    pub(super) fn seal(&mut self) {
        let until = Instant::now() + BOUND;
        self.journal.begin_seal();
        while self.journal.sealed().is_none() {
            self.woken(until);
        }
    }

    pub(super) fn woken(&self, until: Instant) {
        let left = until.saturating_duration_since(Instant::now());
        self.wakes.recv_timeout(left).expect("a wake in time");
    }

    /// All segments, one after another.
    pub(super) fn text(&self) -> String {
        std::fs::read_dir(self.dir.join(self.journal.chain()))
            .expect("the chain")
            .map(|entry| entry.expect("an entry").path())
            .filter(|path| path.extension().is_some_and(|end| end == "jsonl"))
            .map(|path| std::fs::read_to_string(path).expect("text"))
            .collect()
    }

    pub(super) fn whole(&self) -> u64 {
        let verified = verify(&self.dir, &Known::default()).expect("readable");
        assert_eq!(verified.code(), 0, "{verified:?}");
        verified.records()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.disk.set(Manner::Well);
        let _gone_already = std::fs::remove_dir_all(&self.dir);
    }
}

/// The outcome of a call that was answered.
pub(super) fn completed(call: CallRef) -> Outcome {
    Outcome {
        call,
        what: What::Completed,
        retry: Retry::Never,
        bytes: 1,
        ms: 1,
        redactions: 0,
        keep: Keep::Nothing,
        about: None,
        repeats: None,
    }
}
