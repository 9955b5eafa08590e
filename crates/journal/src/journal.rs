//! The journal as its owner sees it: nothing here waits for the disk, except
//! opening it and, for as long as one says, sealing it.

use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::CallRef;
use crate::backlog::{Backlog, News};
use crate::copy::{Copying, Require, Wake};
use crate::entry::{
    Class, Entry, Fate, Intent, LateResult, Note, Outcome, Retry, Start, Tier, Topic, What,
};
use crate::heads::Heads;
use crate::keys::{Keys, Prints};
use crate::ledger::{Considered, Ledger};
use crate::line::hash::Head;
use crate::line::time::Stamp;
use crate::opening::{Opened, open};
use crate::recover::OpenError;
use crate::reference::Randomness;
use crate::refused::NotRecorded;
use crate::segment::Faults;
use crate::settings::Settings;
use crate::shared::{Bounds, Closing, Ended, NotTaken, Queued, Shared};
use crate::state::{State, Unavailable, Why};
use crate::ticket::{
    Answer, Awaited, Fetch, Fetched, Know, Purpose, Receipt, Redeemed, Send, Ticket,
};

/// One writer's journal.
pub struct Journal {
    shared: Arc<Shared>,
    writer: Option<JoinHandle<()>>,
    randomness: Randomness,
    bounds: Bounds,
    commit_within: Duration,
    backlog: Backlog,
    failing_since: Option<(Why, Instant)>,
    chain: String,
    dir: PathBuf,
    copy: Option<Copying>,
    keys: Keys,
    form: Vec<u8>,
    ledger: Ledger,
    keyless: Vec<String>,
    accepted: Vec<String>,
}

/// Who asks for what, to find out whether it was asked before.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// On whose behalf.
    pub principal: &'a str,
    /// The server's name.
    pub server: &'a str,
    /// The tool's name.
    pub tool: &'a str,
    /// The idempotency key, if there is one.
    pub key: Option<&'a str>,
    /// The arguments as they came, JSON.
    pub args: &'a [u8],
    /// As in [`Intent::round`].
    pub round: Option<&'a [u8]>,
}

/// How sealing ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sealed {
    /// The last line of the chain is a durable seal, and this is its place and hash.
    Yes(Head),
    /// The same, but the copy that is required does not have it yet.
    NotCopied(Head),
    /// Not in time. The next writer, or a closer, finishes the chain.
    No,
}

impl Journal {
    /// Opens the journal in a folder: takes a chain of its own, finishes chains
    /// whose writers died, and starts the thread that writes.
    ///
    /// Only the last segment of each chain is read, so that this is quick
    /// however large the journal is; `verify` reads everything.
    ///
    /// `wake` is called on the writer's thread whenever a ticket may have
    /// become redeemable or the [state](Self::state) may have changed. It must
    /// not block; writing to an eventfd is what is meant.
    ///
    /// # Errors
    /// The folder or a file in it is not the journal's or can't be used, or a
    /// chain was changed by others.
    pub fn open(
        settings: Settings,
        wake: Box<dyn Fn() + std::marker::Send + Sync>,
    ) -> Result<Self, OpenError> {
        Self::open_with(settings, wake, None)
    }

    pub(crate) fn open_with(
        settings: Settings,
        wake: Box<dyn Fn() + std::marker::Send + Sync>,
        faults: Option<Arc<dyn Faults>>,
    ) -> Result<Self, OpenError> {
        let bounds = Bounds {
            entries: settings.queue_entries,
            weight: settings.queue_bytes,
        };
        let commit_within = settings.commit_within;
        let shared = Arc::new(Shared::default());
        let dir = settings.dir.clone();
        let copy = settings.copy.clone();
        let (key_ttl, orphan_window) = (settings.key_ttl, settings.orphan_window);
        let Opened {
            writer,
            chain,
            keys,
            orphans,
            keyless,
            accepted,
        } = open(settings, Wake::from(wake), Arc::clone(&shared), faults)?;
        let writer = std::thread::Builder::new()
            .name("dropgate-journal".to_owned())
            .spawn(move || writer.run())
            .map_err(OpenError::Thread)?;
        Ok(Self {
            shared,
            writer: Some(writer),
            randomness: Randomness::new(),
            bounds,
            commit_within,
            backlog: Backlog::default(),
            failing_since: None,
            chain,
            dir,
            copy,
            keys,
            form: Vec::new(),
            ledger: Ledger::new(key_ttl, orphan_window, orphans),
            keyless,
            accepted,
        })
    }

    /// The name of this writer's chain, which is also its folder's.
    pub fn chain(&self) -> &str {
        &self.chain
    }

    /// Chains of which this start was the first to find that the key which signs them is lost.
    /// They are not gone on with, and `verify` says of them what it can.
    pub fn keyless(&self) -> &[String] {
        &self.keyless
    }

    /// Chains that were changed by others, and that this start was the first to
    /// [accept](crate::Damage::Accept) so. That is recorded.
    pub fn accepted(&self) -> &[String] {
        &self.accepted
    }

    /// How many answers could not be kept so far because the disk did not take them. Their outcomes
    /// are recorded all the same; whoever repeats such a call learns how it ended, and no more.
    pub fn answers_dropped(&self) -> u64 {
        self.shared.dropped()
    }

    /// How far the chain is on the disk, for another thread to look at.
    pub fn heads(&self) -> Heads {
        Heads::new(&self.chain, &self.shared)
    }

    /// Where the copy of the journal is that does not take records, and why, once that is known. Of one that is
    /// required the [state](Self::state) tells.
    pub fn copy_away(&self) -> Option<(&Path, Arc<str>)> {
        let copy = self.copy.as_ref()?;
        match copy.require {
            Require::All => None,
            Require::Any => Some((&copy.dir, self.shared.news().copy_away.clone()?)),
        }
    }

    /// What has to have a record before it counts as recorded: a copy as well, where there is one.
    pub fn requires_copy(&self) -> bool {
        self.required_copy().is_some()
    }

    fn required_copy(&self) -> Option<&Copying> {
        self.copy
            .as_ref()
            .filter(|copy| copy.require == Require::All)
    }

    /// A reference for a call that was just received.
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub fn new_call(&mut self) -> Result<CallRef, Unavailable> {
        self.randomness
            .bits()
            .map(CallRef::from_bits)
            .map_err(|error| Unavailable::Failing(Why::Disk(error.to_string().into())))
    }

    /// Enters the intent to send a call. With [`Tier::Sync`] its receipt means:
    /// the intent is on the disk, and that it may have been sent is in the
    /// kernel's hands. With [`Tier::Write`] both are in the kernel's hands.
    ///
    /// Whoever does not send the call after all enters an outcome for it.
    ///
    /// # Errors
    /// The journal is failing, its queue is three quarters full, or it is being sealed.
    pub fn intent(&mut self, intent: Intent, tier: Tier) -> Result<Ticket<Send>, Unavailable> {
        if let State::Failing { why, .. } = self.look(None) {
            return Err(Unavailable::Failing(why));
        }
        let call = intent.call;
        let asked = Asked {
            principal: &intent.principal,
            server: &intent.server,
            tool: &intent.tool,
            key: intent.key.as_deref(),
            args: &intent.args,
            round: intent.round.as_deref(),
        };
        // Only calls that may change something can become orphans.
        let is_remembered = intent.class == Class::Write || asked.key.is_some();
        let remembered = is_remembered.then(|| self.hash(&asked));
        let ticket = self.put(Entry::Intent(intent), tier, Some(call), self.most())?;
        if let Some((prints, key)) = remembered {
            self.ledger.begin(call, prints, key, Stamp::now());
        }
        Ok(ticket)
    }

    /// Enters what became of a call. While the disk is full, that of a call which was never let
    /// through is recorded only as far as the room for it goes.
    ///
    /// # Errors
    /// The queue is full, or the journal is being sealed. What became of a call that was let
    /// through is then unknown.
    pub fn outcome(&mut self, outcome: Outcome, tier: Tier) -> Result<Ticket<Answer>, Unavailable> {
        let (call, what, retry) = (outcome.call, outcome.what, outcome.retry);
        let bounds = match (what.fate(), &outcome.about) {
            // It is true without a record, and must not take the room of calls that ran.
            (Fate::NeverRan, Some(_)) => self.most(),
            (Fate::NeverRan, None) | (Fate::Answered | Fate::Asked | Fate::MayHaveRun, _) => {
                self.bounds
            }
        };
        let put = self.put(Entry::Outcome(outcome), tier, Some(call), bounds);
        let (what, retry) = match (&put, what.fate()) {
            (Ok(_), _) | (Err(_), Fate::NeverRan) => (what, retry),
            // Its caller gets no answer, and its record will say no more.
            (Err(_), Fate::Answered | Fate::Asked | Fate::MayHaveRun) => {
                (What::Unknown, Retry::Unsafe)
            }
        };
        self.ledger.settle(call, what, retry);
        put
    }

    /// Enters that the answer of a call left for the host whole. Calls whose
    /// answer was not delivered can be answered again when they are repeated.
    ///
    /// # Errors
    /// As [`Self::outcome`].
    pub fn delivered(&mut self, call: CallRef) -> Result<(), Unavailable> {
        self.know(Entry::Delivered(call), Tier::Write).map(drop)
    }

    /// Enters who writes, and for which server.
    ///
    /// # Errors
    /// As [`Self::outcome`].
    pub fn start(&mut self, start: Start) -> Result<Ticket<Know>, Unavailable> {
        self.know(Entry::Start(start), Tier::Write)
    }

    /// Enters an answer that came too late.
    ///
    /// # Errors
    /// As [`Self::outcome`].
    pub fn late_result(&mut self, late: LateResult) -> Result<Ticket<Know>, Unavailable> {
        self.put(Entry::LateResult(late), Tier::Write, None, self.most())
    }

    /// Enters something that is no call. What may be told without end takes no room from outcomes.
    ///
    /// # Errors
    /// As [`Self::outcome`].
    pub fn note(&mut self, note: Note, tier: Tier) -> Result<Ticket<Know>, Unavailable> {
        self.put(Entry::Note(note), tier, None, self.most())
    }

    /// Lets the writer begin with what was entered. To be called before waiting for anything.
    /// [`Self::state`], [`Self::due`] and a ticket that is not redeemable yet do it as well.
    pub fn rouse(&mut self) {
        if self.backlog.tell(Instant::now()) == News::Some {
            self.shared.rouse();
        }
    }

    /// The share of the queue for what can be done without: the rest is for the outcomes of calls
    /// that were let through.
    fn most(&self) -> Bounds {
        Bounds {
            entries: self.bounds.entries / 4 * 3,
            weight: self.bounds.weight / 4 * 3,
        }
    }

    fn know(&mut self, entry: Entry, tier: Tier) -> Result<Ticket<Know>, Unavailable> {
        self.put(entry, tier, None, self.bounds)
    }

    fn put<P: Purpose>(
        &mut self,
        entry: Entry,
        tier: Tier,
        call: Option<CallRef>,
        bounds: Bounds,
    ) -> Result<Ticket<P>, Unavailable> {
        let nth = self.backlog.next();
        let queued = Queued { nth, tier, entry };
        self.shared.put(queued, bounds).map_err(|why| match why {
            NotTaken::Full => Unavailable::Full,
            NotTaken::Closing => Unavailable::Closing,
        })?;
        self.forget_safe();
        self.backlog.add(tier);
        // Whoever waits for an entry rouses the writer when nothing more is to come: one write and
        // one sync then serve all of it. Nobody would for the rest.
        if P::AWAITED == Awaited::No {
            self.rouse();
        }
        Ok(Ticket {
            nth,
            tier,
            call,
            purpose: PhantomData,
        })
    }

    /// Whether a call repeats an earlier one; asked before its intent is
    /// entered. Looks at memory only, and hashes nothing when there is nothing
    /// to compare with.
    pub fn consider(&mut self, asked: &Asked<'_>) -> Considered {
        if asked.key.is_none() && !self.ledger.has_orphans() {
            return Considered::Fresh;
        }
        let (prints, key) = self.hash(asked);
        match key {
            Some(key) => self.ledger.of_key(&key, prints.of_key, Stamp::now()),
            None => self.ledger.of_arguments(prints.of_call, Stamp::now()),
        }
    }

    /// An orphan was dealt with: its result was replayed, or somebody decided
    /// to run it again. The next call like it is [fresh](Considered::Fresh).
    pub fn forget_orphan(&mut self, call: CallRef) {
        self.ledger.forget_orphan(call);
    }

    /// Somebody decided that a call whose fate is not known may be made again:
    /// the next call like it, or with its idempotency key, is a new one. That is recorded.
    ///
    /// # Errors
    /// As [`Self::outcome`]; nothing is changed then.
    pub fn repeatable(&mut self, call: CallRef, by: &str) -> Result<Ticket<Know>, Unavailable> {
        let note = Note {
            topic: Topic::Repeatable,
            call: Some(call),
            subject: by.into(),
            text: "the next call like it runs".into(),
        };
        let ticket = self.note(note, Tier::Sync)?;
        self.ledger.forget(call);
        Ok(ticket)
    }

    /// Looks a call up, and what was kept of its answer, on the writer's thread.
    ///
    /// # Errors
    /// As [`Self::outcome`].
    pub fn fetch(&mut self, call: CallRef) -> Result<Fetch, Unavailable> {
        let ticket = self.know(Entry::LookUp(call), Tier::Write)?;
        Ok(Fetch { nth: ticket.nth })
    }

    /// What a look-up found, once it is done.
    pub fn fetched(&self, fetch: Fetch) -> Fetched {
        let mut news = self.shared.news();
        let at = news.fetched.iter().position(|(nth, _)| *nth == fetch.nth);
        match at.map(|at| news.fetched.swap_remove(at).1) {
            None => Fetched::Pending(fetch),
            Some(Ok(None)) => Fetched::Nothing,
            Some(Ok(Some(account))) => Fetched::Found(account),
            Some(Err(why)) => Fetched::Failed(why),
        }
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    fn hash(&mut self, asked: &Asked<'_>) -> (Prints, Option<[u8; 16]>) {
        let scope = (asked.principal, asked.server, asked.tool);
        let said = (asked.args, asked.round);
        let prints = self.keys.prints_of(scope, said, &mut self.form);
        let key = asked.key.map(|key| self.keys.claim(scope, key));
        (prints, key)
    }

    /// Exchanges a ticket for its receipt, if the entry is safe by now. Costs an atomic load.
    pub fn redeem<P: Purpose>(&mut self, ticket: Ticket<P>) -> Redeemed<P> {
        if !self.is_reached(ticket.nth, ticket.tier) {
            self.rouse();
            return Redeemed::Pending(ticket);
        }
        if let Some(why) = self.shared.refusal(ticket.nth) {
            // A call whose outcome has no record did begin.
            if let (Some(call), Awaited::ToSend) = (ticket.call, P::AWAITED) {
                self.ledger.withdraw(call);
            }
            return match why {
                NotRecorded::Earlier(earlier) => Redeemed::Held(earlier),
                NotRecorded::Failed(why) => Redeemed::Refused(why),
            };
        }
        if self.shared.copied() < ticket.nth {
            return Redeemed::Pending(ticket);
        }
        Redeemed::Safe(Receipt {
            call: ticket.call,
            purpose: PhantomData,
        })
    }

    fn is_reached(&self, nth: u64, tier: Tier) -> bool {
        match tier {
            Tier::Sync => self.shared.safe() >= nth,
            Tier::Write => self.shared.written() >= nth,
        }
    }

    /// Whether calls may be let through. Never waits, and needs no help from
    /// the writer: a disk that hangs is seen by the time that has passed.
    pub fn state(&mut self, now: Instant) -> State {
        self.rouse();
        self.look(Some(now))
    }

    /// Without a time the clock is looked at where it matters.
    fn look(&mut self, now: Option<Instant>) -> State {
        let told = {
            let news = self.shared.news();
            if news.gone {
                Some(Why::Gone)
            } else {
                let of_copy = || Some(Why::Copy(news.copy_away.clone()?));
                let copy = self.required_copy().and_then(|_| of_copy());
                news.failing.clone().or(copy)
            }
        };
        let time = || now.unwrap_or_else(Instant::now);
        let due = self.first_due();
        let overdue = || due.is_some_and(|due| due <= time());
        let why = told.or_else(|| overdue().then_some(Why::Stalled));
        match (why, &self.failing_since) {
            (None, _) => {
                self.failing_since = None;
                State::Sound
            }
            (Some(why), Some((known, since))) if why == *known => {
                State::Failing { why, since: *since }
            }
            (Some(why), _) => {
                let since = time();
                self.failing_since = Some((why.clone(), since));
                State::Failing { why, since }
            }
        }
    }

    /// When the state becomes [failing](State::Failing) unless the disk answers before.
    pub fn due(&mut self) -> Option<Instant> {
        self.rouse();
        self.first_due()
    }

    fn first_due(&mut self) -> Option<Instant> {
        self.forget_safe();
        self.backlog.since()?.checked_add(self.commit_within)
    }

    fn forget_safe(&mut self) {
        self.backlog
            .forget(self.shared.written(), self.shared.safe());
    }

    /// Tells the writer to seal the chain after all that was entered. Nothing
    /// is taken afterwards. [`Self::sealed`] says when it is done.
    pub fn begin_seal(&mut self) {
        self.shared.close(Closing::Seal);
    }

    /// The seal, once it is durable.
    pub fn sealed(&self) -> Option<Head> {
        self.shared.news().sealed
    }

    /// Seals the chain and waits for that, at most this long, and then for a required copy, at most
    /// twice as long as it may take for a record.
    pub fn seal(mut self, within: Duration) -> Sealed {
        self.begin_seal();
        let of_copy = self.required_copy().map(Copying::at_the_end);
        let ended = self
            .shared
            .wait_for_end(within + of_copy.unwrap_or_default());
        if let (Ended::Yes, Some(writer)) = (ended, self.writer.take()) {
            // It has said its last word, so this does not wait for the disk.
            let _ended_by_a_panic = writer.join();
        }
        let news = self.shared.news();
        match (news.sealed, of_copy) {
            (None, _) => Sealed::No,
            (Some(head), Some(_)) if !news.copy_sealed => Sealed::NotCopied(head),
            (Some(head), _) => Sealed::Yes(head),
        }
    }
}

impl Drop for Journal {
    /// Without a seal the chain ends as after a crash; the next writer finishes it.
    fn drop(&mut self) {
        self.shared.close(Closing::Leave);
    }
}
