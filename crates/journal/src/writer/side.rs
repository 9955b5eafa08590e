//! What the writer does beside the chain: claims, kept answers, look-ups.

use crate::CallRef;
use crate::chain::{Chain, Liveness};
use crate::claim::{Claim, Earlier, Taken};
use crate::entry::{Again, Entry, Fate, Intent, Keep, MAX_KEPT, Note, Retry, Topic, What};
use crate::evidence::{Lack, lack};
use crate::folder::{Folder, FolderError};
use crate::kept::Sidecar;
use crate::line::entry::Kept;
use crate::lookup::{everywhere, in_chain};
use crate::refused::NotRecorded;
use crate::shared::Queued;
use crate::state::Why;

use super::Writer;

/// The most look-ups whose finds wait to be collected.
const MOST_FETCHED: usize = 256;
/// The most calls that are remembered as repeatable.
const MOST_REPEATABLE: usize = 1024;

impl Writer {
    /// Claims the keys of all intents in a batch; gives the numbers of those
    /// that are not to be recorded.
    pub(super) fn claim(&mut self, batch: &[Queued]) -> Vec<u64> {
        let mut refused = Vec::new();
        let mut claimed: Vec<(u64, [u8; 16])> = Vec::new();
        for queued in batch {
            if let Entry::Note(Note {
                topic: Topic::Repeatable,
                call: Some(call),
                ..
            }) = &queued.entry
            {
                self.let_go(*call);
            }
            if let Entry::Intent(intent) = &queued.entry
                && let Some(key) = &intent.key
            {
                match self.claim_one(intent, key) {
                    Ok(name) => claimed.push((queued.nth, name)),
                    Err(why) => refused.push((queued.nth, why)),
                }
            }
        }
        if let (Some((_, claims)), false) = (&self.claims, claimed.is_empty())
            && let Err(error) = claims.sync()
        {
            // A claim that the power can take is none.
            let why = Why::Disk(error.to_string().into());
            for (nth, name) in &claimed {
                claims.release(name);
                refused.push((*nth, NotRecorded::Failed(why.clone())));
            }
            self.fail(why);
        }
        let numbers = refused.iter().map(|(nth, _)| *nth).collect();
        if !refused.is_empty() {
            self.shared.refuse(refused);
        }
        numbers
    }

    fn claim_one(&mut self, intent: &Intent, key: &str) -> Result<[u8; 16], NotRecorded> {
        let failed = |error: FolderError| NotRecorded::Failed(Why::Disk(error.to_string().into()));
        let Some((folder, claims)) = &self.claims else {
            return Err(NotRecorded::Failed(Why::Gone));
        };
        let scope = (&*intent.principal, &*intent.server, &*intent.tool);
        let name = self.keys.claim(scope, key);
        let mut form = Vec::new();
        let said = (&*intent.args, intent.round.as_deref());
        let print = self.keys.prints_of(scope, said, &mut form).of_key;
        let now = self.clock.now();
        let claim = Claim {
            call: intent.call,
            fingerprint: print.0,
            at: now,
            chain: self.chain.name.clone(),
            segment: self.last.max(1),
        };
        let taken = claims.take(&name, &claim, now.before(self.settings.key_ttl));
        let holder = match taken.map_err(failed)? {
            Taken::Ours => return Ok(name),
            Taken::Before(None) => {
                return Err(NotRecorded::Failed(Why::Disk(
                    "the claim on this idempotency key can not be read".into(),
                )));
            }
            Taken::Before(Some(holder)) if holder.call == intent.call => return Ok(name),
            Taken::Before(Some(holder)) => holder,
        };
        let call = holder.call;
        // A claim from before this writer began is that of a dead one on the same chain.
        let by = if holder.chain == self.chain.name && holder.at < self.opened {
            Holder::Dead
        } else {
            Holder::OfTheChain
        };
        let earlier = fate(folder, &holder, by).map_err(failed)?;
        let same = holder.fingerprint == claim.fingerprint;
        if self.may_take_over(&earlier, same.then_some(intent.again)) {
            return match claims.take_over(&name, &claim, call).map_err(failed)? {
                Taken::Ours => Ok(name),
                // Another process was quicker.
                Taken::Before(_) => Err(NotRecorded::Earlier(Earlier::InProgress { call })),
            };
        }
        if same {
            Err(NotRecorded::Earlier(earlier))
        } else {
            Err(NotRecorded::Earlier(Earlier::OtherArguments { call }))
        }
    }

    /// The key of a call that has it, and whose intent is not recorded, is free again.
    pub(super) fn give_up_claim(&mut self, intent: &Intent) {
        if let (Some(key), Some((_, claims))) = (&intent.key, &self.claims) {
            let scope = (&*intent.principal, &*intent.server, &*intent.tool);
            claims.release(&self.keys.claim(scope, key));
        }
    }

    /// Whether the call that has a key has no more right to it: it never ran, or was only a round of
    /// several, or somebody said that it may run again. `again` is what the new call says, if it is the same call.
    fn may_take_over(&self, earlier: &Earlier, again: Option<Again>) -> bool {
        let Earlier::Ended { call, what, .. } = earlier else {
            return false;
        };
        match what.fate() {
            Fate::NeverRan => true,
            Fate::MayHaveRun => again
                .is_some_and(|again| again == Again::IfUnknown || self.repeatable.contains(call)),
            // The next round has to be of the same call.
            Fate::Asked => again.is_some(),
            Fate::Answered => false,
        }
    }

    /// The key of this call may be claimed by another.
    pub(super) fn let_go(&mut self, call: CallRef) {
        if self.repeatable.len() >= MOST_REPEATABLE {
            self.repeatable.pop_front();
        }
        self.repeatable.push_back(call);
    }

    /// Keeps what an outcome carries, if that can be; the outcome itself matters more.
    pub(super) fn keep(&mut self, entry: &Entry) -> Kept {
        let Entry::Outcome(outcome) = entry else {
            return Kept::Nothing;
        };
        let bytes = match &outcome.keep {
            Keep::Nothing => return Kept::Nothing,
            Keep::Result(bytes) | Keep::Original(bytes) => bytes,
        };
        if bytes.len() > MAX_KEPT {
            return Kept::TooLarge;
        }
        let segment = self.last.max(1);
        if self
            .sidecar
            .as_ref()
            .is_none_or(|one| one.segment != segment)
        {
            if let Some(old) = &mut self.sidecar {
                let _shows_by_its_hash = old.sync();
            }
            self.sidecar = Sidecar::open(&self.chain.folder, segment).ok();
        }
        let kept = self
            .sidecar
            .as_mut()
            .and_then(|sidecar| sidecar.keep(&outcome.call, bytes).ok());
        match kept {
            Some((place, digest)) => Kept::At(place, digest),
            None => {
                self.sidecar = None;
                self.shared.count_dropped();
                Kept::Dropped
            }
        }
    }

    pub(super) fn look_up(&mut self, nth: u64, call: CallRef) {
        let found = match &self.claims {
            Some((folder, _)) => everywhere(folder, call)
                .map(|account| account.map(Box::new))
                .map_err(|error| Why::Disk(error.to_string().into())),
            None => Ok(None),
        };
        let mut news = self.shared.news();
        if news.fetched.len() >= MOST_FETCHED {
            drop(news.fetched.remove(0));
        }
        news.fetched.push((nth, found));
    }
}

/// Who made a claim.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holder {
    /// Whoever writes the chain, if anybody does.
    OfTheChain,
    /// Somebody who wrote it before.
    Dead,
}

/// What became of the call that holds a claim.
fn fate(folder: &Folder, holder: &Claim, by: Holder) -> Result<Earlier, FolderError> {
    let call = holder.call;
    let unknown = Earlier::Ended {
        call,
        what: What::Unknown,
        retry: Retry::Unsafe,
    };
    let chain = match Chain::named(folder, &holder.chain) {
        Ok(chain) => chain,
        Err(error) if error.is_missing() => return Ok(unknown),
        Err(error) => return Err(error),
    };
    let Some((account, _)) = in_chain(&chain, call, holder.segment)? else {
        let writer = match by {
            Holder::OfTheChain => chain.is_written()?,
            Holder::Dead => Liveness::Nobody,
        };
        return Ok(match writer {
            // Its records are on their way.
            Liveness::Writer => Earlier::InProgress { call },
            Liveness::Nobody | Liveness::Copy => match lack(&chain, holder.segment)? {
                // No call that writes is sent before its intent is on the disk, and what only
                // reads may run again.
                Lack::NeverRecorded => Earlier::Ended {
                    call,
                    what: What::NotExecuted,
                    retry: Retry::Safe,
                },
                // Its records were removed.
                Lack::Unknown => unknown,
            },
        });
    };
    Ok(match (account.ended, account.writer) {
        (Some((what, retry)), _) => Earlier::Ended { call, what, retry },
        (None, Liveness::Writer) => Earlier::InProgress { call },
        (None, Liveness::Nobody | Liveness::Copy) => unknown,
    })
}
