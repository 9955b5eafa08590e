//! What the writer does beside the chain: claims, kept answers, look-ups.

use crate::CallRef;
use crate::chain::{Chain, Liveness};
use crate::claim::{Claim, Earlier, Taken};
use crate::entry::{Entry, Intent, Keep, MAX_KEPT, Retry, What};
use crate::folder::{Folder, FolderError};
use crate::kept::Sidecar;
use crate::line::entry::Kept;
use crate::lookup::{Account, in_chain};
use crate::shared::{NotClaimed, Queued};
use crate::state::Why;

use super::Writer;

/// The most look-ups whose finds wait to be collected.
const MOST_FETCHED: usize = 256;

impl Writer {
    /// Claims the keys of all intents in a batch; gives the numbers of those
    /// that are not to be recorded.
    pub(super) fn claim(&mut self, batch: &[Queued]) -> Vec<u64> {
        let mut refused = Vec::new();
        let mut claimed: Vec<(u64, [u8; 16])> = Vec::new();
        for queued in batch {
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
                refused.push((*nth, NotClaimed::Failed(why.clone())));
            }
            self.fail(why);
        }
        let numbers = refused.iter().map(|(nth, _)| *nth).collect();
        if !refused.is_empty() {
            self.shared.news().claims.append(&mut refused);
        }
        numbers
    }

    fn claim_one(&mut self, intent: &Intent, key: &str) -> Result<[u8; 16], NotClaimed> {
        let failed = |error: FolderError| NotClaimed::Failed(Why::Disk(error.to_string().into()));
        let Some((folder, claims)) = &self.claims else {
            return Err(NotClaimed::Failed(Why::Gone));
        };
        let scope = (&*intent.principal, &*intent.server, &*intent.tool);
        let name = self.keys.claim(scope, key);
        let mut form = Vec::new();
        let hashed = self
            .keys
            .hash_call(scope, &intent.args, &mut form, &mut |_, _| {});
        let now = self.clock.now();
        let claim = Claim {
            call: intent.call,
            fingerprint: hashed.fingerprint.0,
            at: now,
            chain: self.chain.name.clone(),
            segment: self.last.max(1),
        };
        let taken = claims.take(&name, &claim, now.before(self.settings.key_ttl));
        match taken.map_err(failed)? {
            Taken::Ours => Ok(name),
            Taken::Before(None) => Err(NotClaimed::Failed(Why::Disk(
                "the claim on this idempotency key can not be read".into(),
            ))),
            Taken::Before(Some(holder)) => {
                let same = holder.fingerprint == claim.fingerprint;
                if holder.call == intent.call {
                    return Ok(name);
                }
                if !same {
                    let call = holder.call;
                    return Err(NotClaimed::Earlier(Earlier::OtherArguments { call }));
                }
                let earlier = fate(folder, &holder).map_err(failed)?;
                Err(NotClaimed::Earlier(earlier))
            }
        }
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
            return Kept::Dropped;
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

fn everywhere(folder: &Folder, call: CallRef) -> Result<Option<Account>, FolderError> {
    for chain in Chain::all(folder)? {
        if let Some(account) = in_chain(&chain, call, 0)? {
            return Ok(Some(account));
        }
    }
    Ok(None)
}

/// What became of the call that holds a claim.
fn fate(folder: &Folder, holder: &Claim) -> Result<Earlier, FolderError> {
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
    // Asked before the records are read: an outcome that comes in between is then seen.
    let writer = chain.is_written()?;
    let account = in_chain(&chain, call, holder.segment)?;
    Ok(match (account.and_then(|account| account.ended), writer) {
        (Some((what, retry)), _) => Earlier::Ended { call, what, retry },
        (None, Liveness::Writer) => Earlier::InProgress { call },
        (None, Liveness::Nobody) => unknown,
    })
}
