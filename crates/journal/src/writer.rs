//! The thread that writes: whatever queued while the last batch went to the
//! disk is the next batch.

mod copied;
mod note;
mod room;
mod side;
mod trouble;

use note::{Due, Renewed};
use room::{AT_ONCE, Room};
use trouble::SyncFailed;

use std::collections::{HashSet, VecDeque};
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::CallRef;
use crate::chain::{Chain, Lock};
use crate::claim::Claims;
use crate::copy::{Copier, Wake};
use crate::entry::{Entry, Fate, Tier};
use crate::folder::{Folder, is_full, system};
use crate::kept::Sidecar;
use crate::keys::Keys;
use crate::line::entry::{Scratch, calls, render, segment_members};
use crate::line::hash::Head;
use crate::line::tape::Tape;
use crate::line::text::count;
use crate::line::time::{Clock, Stamp};
use crate::mark::Mark;
use crate::segment::{Faults, Segment, remove_unused};
use crate::settings::Settings;
use crate::shared::{Closing, Queued, Shared, Told, Turn};
use crate::sign::Signer;

/// Where a chain can be gone on with.
pub(crate) struct Place {
    /// The segment to go on in, and how many bytes of it hold lines; `None` begins a new one.
    pub(crate) within: Option<u64>,
    /// The number of the last segment; 0 if there is none.
    pub(crate) last: u64,
    pub(crate) head: Head,
    pub(crate) stamp: Stamp,
    /// The public key that signs what follows; none before the first record.
    pub(crate) signs: Option<[u8; 32]>,
}

pub(crate) struct Writer {
    chain: Chain,
    _lock: Lock,
    settings: Settings,
    shared: Arc<Shared>,
    wake: Wake,
    faults: Option<Arc<dyn Faults>>,
    keys: Keys,
    claims: Option<(Folder, Claims)>,
    sidecar: Option<Sidecar>,
    /// What copies the chain, if anything does.
    pub(crate) copy: Option<Copier>,
    /// Chains whose damage is accepted once a record of that is durable.
    pub(crate) accepts: Vec<(Chain, String)>,
    scratch: Scratch,
    clock: Clock,
    /// When this writer took the chain.
    opened: Stamp,
    room: Room,
    /// How many entries had no room.
    left_out: u64,
    mark: Mark,
    signer: Option<Signer>,
    /// The last record that a note covers, and when it was made.
    noted: (u64, Instant),
    segment: Option<Segment>,
    /// The one to go on in, once this one is sealed.
    successor: Option<Segment>,
    /// The segment that could not be written on, and how much of it is durable.
    poisoned: Option<(Segment, u64)>,
    last: u64,
    began: Stamp,
    /// Not before this another segment is tried.
    turn_after: Instant,
    /// Everything since the last sync, and how much of it the segment holds.
    tape: Tape,
    held: usize,
    /// What is surely on the disk.
    durable: Head,
    durable_length: u64,
    /// Calls whose intent is recorded and whose outcome is not.
    open: HashSet<CallRef>,
    /// Calls whose idempotency keys others may claim, the newest last.
    repeatable: VecDeque<CallRef>,
    goal: Goal,
    /// Attempts since the last that succeeded.
    failures: u32,
    closing: Closing,
    sealing_since: Option<Instant>,
    /// The seal that the chain ended with.
    pub(crate) seal_before: Option<Head>,
}

/// What the next commit is to reach.
#[derive(Default)]
struct Goal {
    nth: u64,
    sync: Need,
    /// How many entries wait for the kernel alone.
    kernel: usize,
    send: Vec<CallRef>,
    delivered: Vec<CallRef>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Need {
    #[default]
    Write,
    Sync,
}

/// Where so many entries waited for one sync, the next ones come as soon as these have receipts.
const MANY: usize = 16;
/// So long the writer stays awake for them: being woken would take as long.
const SOON: Duration = Duration::from_micros(50);
/// So many records that are made together share one look at the clocks.
const OF_ONE_TIME: usize = 32;
/// More than this never waits for a sync, so that memory and what a loss of power takes stay bounded.
const UNSYNCED: usize = 1 << 20;
/// How long a full segment is gone on with where there is no room for another one.
const TURN_AGAIN: Duration = Duration::from_secs(10);
/// The most open calls that are listed at the start of a segment.
const MOST_OPEN: usize = 2048;

/// What a writer needs besides its chain.
pub(crate) struct Surroundings {
    pub(crate) settings: Settings,
    pub(crate) shared: Arc<Shared>,
    pub(crate) wake: Wake,
    pub(crate) keys: Keys,
    /// The journal's folder and its claims; whoever only finishes a chain needs neither.
    pub(crate) claims: Option<(Folder, Claims)>,
    pub(crate) faults: Option<Arc<dyn Faults>>,
}

impl Writer {
    /// Goes on with a chain. Nothing is written yet.
    pub(crate) fn resume(
        (chain, lock): (Chain, Lock),
        place: &Place,
        around: Surroundings,
    ) -> Result<Self, crate::folder::FolderError> {
        let segment = match place.within {
            Some(length) => Some(Segment::resume(
                &chain.folder,
                place.last,
                length,
                around.faults.clone(),
            )?),
            None => None,
        };
        let mark = Mark::open(&chain.folder);
        if place.head.seq == 0 {
            mark.set(&place.head);
        }
        remove_unused(&chain.folder);
        let signer = if place.head.seq == 0 {
            let made = Signer::make(&chain.folder, &chain.name, Stamp::now());
            Some(made.map_err(|source| system(chain.folder.path(), source))?)
        } else {
            Signer::open(&chain.folder, &chain.name, place.signs.as_ref())?
        };
        Ok(Self {
            room: Room::Plenty,
            left_out: 0,
            mark,
            signer,
            noted: (place.head.seq, Instant::now()),
            chain,
            _lock: lock,
            scratch: Scratch::showing(&around.settings.clear),
            settings: around.settings,
            shared: around.shared,
            wake: around.wake,
            faults: around.faults,
            keys: around.keys,
            claims: around.claims,
            sidecar: None,
            copy: None,
            accepts: Vec::new(),
            clock: Clock::new(&crate::line::time::boot_id(), place.stamp),
            opened: Stamp::now(),
            durable_length: segment.as_ref().map_or(0, Segment::length),
            segment,
            successor: None,
            poisoned: None,
            last: place.last,
            began: Stamp::now(),
            turn_after: Instant::now(),
            tape: Tape::after(place.head),
            held: 0,
            durable: place.head,
            open: HashSet::new(),
            repeatable: VecDeque::new(),
            goal: Goal::default(),
            failures: 0,
            closing: Closing::No,
            sealing_since: None,
            seal_before: None,
        })
    }

    /// Writes until the journal is sealed or dropped.
    pub(crate) fn run(mut self) {
        let mut batch = Vec::new();
        let mut waits = Waits::Nothing;
        self.prune();
        self.take_room();
        loop {
            // What is known later, while the disk is out of order, holds from the next turn on: only
            // what was taken with the word to seal is all that there is.
            let Told { closing, turn } = self.shared.take(&mut batch, self.nap());
            self.closing = closing;
            if self.note_copy() == Due::Now || !batch.is_empty() {
                waits = Waits::Something;
            }
            let many = batch.len() >= MANY;
            if self.render(&mut batch) == Ended::Yes {
                break;
            }
            let end = match closing {
                Closing::No => {
                    if self.checkpoint_if_due() == Due::Now {
                        waits = Waits::Something;
                    }
                    // One sync serves a whole turn: what is rendered ahead waits for the rest.
                    let syncs = self.goal.sync == Need::Sync;
                    let ahead = turn == Turn::Open && syncs;
                    if self.is_failing() || waits == Waits::Something && !ahead {
                        waits = Waits::Nothing;
                        let ended = self.commit();
                        self.turn_segment();
                        if many && syncs {
                            self.shared.stay_awake(SOON);
                        }
                        ended
                    } else {
                        if ahead {
                            self.shared.stay_awake(SOON);
                        }
                        Ended::No
                    }
                }
                Closing::Seal => {
                    self.seal();
                    Ended::Yes
                }
                Closing::Leave => Ended::Yes,
            };
            if end == Ended::Yes {
                break;
            }
        }
        if self.closing == Closing::Seal {
            self.finish_copy();
        }
        self.shared.end();
        (self.wake)();
    }

    /// Adds lines without a queue, for those who finish a chain.
    pub(crate) fn lines(&mut self, write: impl FnOnce(&mut Tape, &mut Clock)) {
        self.first_line();
        self.checkpoint_unless_old();
        write(&mut self.tape, &mut self.clock);
        self.goal.sync = Need::Sync;
    }

    pub(crate) fn orphan_window(&self) -> Duration {
        self.settings.orphan_window
    }

    pub(crate) fn keys(&self) -> Keys {
        self.keys.clone()
    }

    /// Seals the chain: the last line says so and is durable.
    pub(crate) fn seal(&mut self) {
        if self.room != Room::Plenty && self.seal_before == Some(self.durable) && self.is_unused() {
            // Nothing was taken, since the disk was full from the start.
            self.shared.news().sealed = self.seal_before;
            return;
        }
        self.first_line();
        // What follows a sync must stand before the seal.
        if !self.goal.send.is_empty() && self.commit() == Ended::Yes {
            return;
        }
        self.room = Room::Seal;
        self.tell_left_out();
        match self.renew_key() {
            Renewed::Ended => return,
            // An end that nobody signed says more than a signature that nobody believes.
            Renewed::Failed => self.signer = None,
            Renewed::No | Renewed::Yes => {}
        }
        self.noted_line("seal", &|out| out.extend_from_slice(b",\"end\":true"));
        self.goal.sync = Need::Sync;
        if self.commit() == Ended::No {
            if let Some(segment) = &mut self.segment {
                let length = segment.length();
                let _space_stays_set_aside = segment.cut(length);
            }
            self.shared.news().sealed = Some(self.tape.head());
        }
    }

    fn render(&mut self, batch: &mut Vec<Queued>) -> Ended {
        if batch.is_empty() {
            return Ended::No;
        }
        self.first_line();
        let refused = self.claim(batch);
        for (at, queued) in batch.iter().enumerate() {
            if at % OF_ONE_TIME == 0 {
                self.clock.hold();
            }
            if self.checkpoint_if_many() == Ended::Yes || self.commit_if_much() == Ended::Yes {
                return Ended::Yes;
            }
            self.goal.nth = queued.nth;
            if refused.contains(&queued.nth) {
                continue;
            }
            if self.must_leave_out(&queued.entry) {
                self.leave_out(queued);
                continue;
            }
            match queued.tier {
                Tier::Sync => self.goal.sync = Need::Sync,
                Tier::Write => self.goal.kernel += 1,
            }
            if queued.entry.is_awaited() {
                self.heed_copy();
            }
            match &queued.entry {
                Entry::Delivered(call) => {
                    self.goal.delivered.push(*call);
                    continue;
                }
                Entry::Intent(intent) => {
                    self.open.insert(intent.call);
                    if queued.tier == Tier::Sync {
                        self.goal.send.push(intent.call);
                    }
                }
                Entry::Outcome(outcome) => {
                    self.open.remove(&outcome.call);
                    if outcome.what.fate() == Fate::NeverRan {
                        // Whoever withdrew it had no receipt yet, and uses none after this.
                        self.goal.send.retain(|call| *call != outcome.call);
                    }
                }
                Entry::LookUp(call) => {
                    self.look_up(queued.nth, *call);
                    continue;
                }
                Entry::Start(_) | Entry::LateResult(_) | Entry::Note(_) => {}
            }
            let kept = self.keep(&queued.entry);
            render(
                &mut self.tape,
                &mut self.clock,
                &mut self.keys,
                &mut self.scratch,
                (&queued.entry, queued.tier, &kept),
            );
        }
        batch.clear();
        self.flush_marks();
        self.clock.release();
        Ended::No
    }

    /// So that what is not written yet always fits into the room for it.
    fn commit_if_much(&mut self) -> Ended {
        if self.tape.bytes().len() - self.held < AT_ONCE {
            return Ended::No;
        }
        self.flush_marks();
        let ended = self.commit();
        self.clock.hold();
        ended
    }

    fn flush_marks(&mut self) {
        let delivered = std::mem::take(&mut self.goal.delivered);
        calls(&mut self.tape, &mut self.clock, "delivered", &delivered);
    }

    /// A segment's first line says which one it is.
    fn first_line(&mut self) {
        if self.segment.is_none() && self.tape.bytes().is_empty() {
            let now = self.clock.now();
            self.segment_line(now, None);
        }
    }

    fn segment_line(&mut self, stamp: Stamp, poisoned: Option<&str>) {
        let mut open: Vec<CallRef> = self.open.iter().copied().collect();
        open.truncate(MOST_OPEN);
        let (chain, number) = (self.chain.name.as_str(), self.last + 1);
        let signer = self.signer.as_ref();
        let epoch = signer.map_or(0, Signer::epoch);
        let public = signer.map_or_else(String::new, Signer::public);
        self.tape.line_at(&mut self.clock, stamp, "segment", |out| {
            segment_members(out, (chain, number), (epoch, &public), &open, poisoned);
        });
    }

    /// Brings all that was rendered to where its tier wants it, however long the disk takes.
    fn commit(&mut self) -> Ended {
        loop {
            match self.attempt() {
                Ok(()) => {
                    for (chain, damage) in std::mem::take(&mut self.accepts) {
                        let _else_the_next_start_asks_again = chain.accept(&damage);
                    }
                    self.shared.publish_safe(self.goal.nth);
                    (self.wake)();
                    self.failures = 0;
                    self.recover_soundness();
                    return Ended::No;
                }
                Err(error) => {
                    if self.overcome(&error) == Ended::Yes {
                        return Ended::Yes;
                    }
                }
            }
        }
    }

    fn attempt(&mut self) -> io::Result<()> {
        if self.segment.is_none() {
            let number = self.last + 1;
            let folder = &self.chain.folder;
            let segment = match self.successor.take() {
                Some(prepared) => prepared.follow(folder, number)?,
                None => Segment::create(folder, number, self.faults.clone())?,
            };
            self.segment = Some(segment);
            self.last = number;
            self.durable_length = 0;
            self.held = 0;
            self.began = self.clock.now();
        }
        self.write()?;
        if self.goal.sync == Need::Sync || self.tape.bytes().len() > UNSYNCED {
            let kernel = std::mem::take(&mut self.goal.kernel) > 0;
            if kernel && self.poisoned.is_none() {
                // Whoever waits for the kernel alone does not wait for the disk.
                self.shared.publish_written(self.goal.nth);
                (self.wake)();
            }
            self.sync()?;
        }
        if !self.goal.send.is_empty() {
            let send = std::mem::take(&mut self.goal.send);
            calls(&mut self.tape, &mut self.clock, "sent", &send);
            self.write()?;
        }
        self.goal.sync = Need::Write;
        self.goal.kernel = 0;
        Ok(())
    }

    fn write(&mut self) -> io::Result<()> {
        if self.tape.bytes().len() == self.held {
            return Ok(());
        }
        let keep = self.room_to_keep();
        let lines = self.tape.bytes().get(self.held..).unwrap_or_default();
        if let Some(segment) = &mut self.segment {
            segment.append(lines, keep)?;
            self.held = self.tape.bytes().len();
        }
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        if let Some(sidecar) = &mut self.sidecar
            && sidecar.sync().is_err()
        {
            // What was kept there may be lost with the power, which its hash then shows.
            self.sidecar = None;
        }
        if let Some(segment) = &mut self.segment {
            segment.sync().map_err(SyncFailed::wrap)?;
            self.durable = self.tape.head();
            self.mark.set(&self.durable);
            self.shared.news().durable = Some(self.durable);
            self.durable_length = segment.length();
            self.tape.clear();
            self.held = 0;
            self.goal.sync = Need::Write;
            self.settle_poisoned();
            self.hand_to_copy();
        }
        Ok(())
    }

    fn is_unused(&self) -> bool {
        self.tape.bytes().is_empty()
    }

    /// Seals a segment that is full or old, and lets the next line begin another.
    fn turn_segment(&mut self) {
        let Some(segment) = &self.segment else { return };
        let old = self.began < Stamp::now().before(self.settings.segment_age);
        let due = segment.length() >= self.settings.segment_bytes || old;
        if !due || self.room != Room::Plenty || Instant::now() < self.turn_after {
            return;
        }
        let next = segment.number() + 1;
        // A full disk has no room for a successor: what is there is gone on with.
        if let Err(error) = self.prepare_successor()
            && is_full(&error)
        {
            self.turn_after = Instant::now() + TURN_AGAIN;
            return;
        }
        match self.renew_key() {
            Renewed::Ended => return,
            Renewed::Failed => {
                self.turn_after = Instant::now() + TURN_AGAIN;
                return;
            }
            Renewed::No | Renewed::Yes => {}
        }
        self.noted_line("seal", &|out| count(out, "next", next));
        self.goal.sync = Need::Sync;
        if self.commit() == Ended::No
            && let Some(mut segment) = self.segment.take()
        {
            let length = segment.length();
            let _space_stays_set_aside = segment.cut(length);
            self.tape.clear();
            self.prune();
        }
    }
}

/// Whether something was rendered and not committed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Waits {
    Nothing,
    Something,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ended {
    No,
    Yes,
}
