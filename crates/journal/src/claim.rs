//! Claims on idempotency keys, exclusive across all writers of a folder.
//!
//! A claim is a symbolic link that leads nowhere: its name stands for the key,
//! its target says who has it. Making one is a single step that only one
//! process can take, the content can't be half written, and one sync of the
//! folder makes any number of them durable. None is ever followed.

use std::io;

use rustix::fs::{AtFlags, Dir, FlockOperation, readlinkat, renameat, symlinkat, unlinkat};
use rustix::io::Errno;

use crate::CallRef;
use crate::entry::{Retry, What};
use crate::folder::{Folder, FolderError, system};
use crate::line::time::Stamp;

/// What an earlier call with the same idempotency key means for the new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Earlier {
    /// It is still in flight, here or in another process.
    InProgress {
        /// The earlier call.
        call: CallRef,
    },
    /// It has an outcome. A result that was kept can be [fetched](crate::Journal::fetch).
    Ended {
        /// The earlier call.
        call: CallRef,
        /// What became of it.
        what: What,
        /// Whether it may be tried again, under another key.
        retry: Retry,
    },
    /// It had other arguments: the key was reused.
    OtherArguments {
        /// The earlier call.
        call: CallRef,
    },
}

/// Who holds a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) call: CallRef,
    pub(crate) fingerprint: [u8; 16],
    pub(crate) at: Stamp,
    pub(crate) chain: String,
    pub(crate) segment: u64,
}

pub(crate) struct Claims {
    folder: Folder,
}

/// Whether a claim was had.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    Ours,
    /// By this one, or by one that can't be read.
    Before(Option<Claim>),
}

const FOLDER: &str = "claims";
const LOCK: &str = "lock";
/// The most claims that are read at once: one for each keyed call of a day, and then some.
const MOST_CLAIMS: usize = 8_000_000;
/// How many claims are looked at when old ones are removed.
const SWEEP: usize = 4096;
/// The length of a claim's name.
const NAME: usize = 32;

impl Claims {
    pub(crate) fn open(journal: &Folder) -> Result<Self, FolderError> {
        Ok(Self {
            folder: journal.make_inner(FOLDER)?,
        })
    }

    /// The claims that are there; none where no journal was opened yet.
    pub(crate) fn look(journal: &Folder) -> Result<Vec<Claim>, FolderError> {
        let folder = match journal.inner(FOLDER) {
            Ok(folder) => folder,
            Err(error) if error.is_missing() => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let names = folder.names_up_to(MOST_CLAIMS)?;
        let claims = Self { folder };
        names
            .iter()
            .filter(|name| name.len() == NAME)
            .filter_map(|name| claims.read(name).transpose())
            .collect()
    }

    /// Takes a claim, unless another call has it that is younger than `expired`.
    pub(crate) fn take(
        &self,
        key: &[u8; 16],
        claim: &Claim,
        expired: Stamp,
    ) -> Result<Taken, FolderError> {
        let name = name(key);
        let target = claim.to_text();
        match symlinkat(target.as_str(), &self.folder, name.as_str()) {
            Ok(()) => return Ok(Taken::Ours),
            Err(Errno::EXIST) => {}
            Err(errno) => return Err(self.wrong(&name, errno)),
        }
        let before = self.read(&name)?;
        if before.as_ref().is_none_or(|before| before.at > expired) {
            return Ok(Taken::Before(before));
        }
        self.replace(&name, &target, |before| before.at <= expired)
    }

    /// Takes the claim over from a call that is known to have no right to it any more.
    pub(crate) fn take_over(
        &self,
        key: &[u8; 16],
        claim: &Claim,
        from: CallRef,
    ) -> Result<Taken, FolderError> {
        self.replace(&name(key), &claim.to_text(), |before| before.call == from)
    }

    /// Takes the place of a claim that has ended. Whoever has the lock is the only one who replaces.
    fn replace(
        &self,
        name: &str,
        target: &str,
        ended: impl Fn(&Claim) -> bool,
    ) -> Result<Taken, FolderError> {
        let lock = self.folder.write_or_create(LOCK)?;
        match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Ok(Taken::Before(self.read(name)?)),
            Err(errno) => return Err(self.wrong(LOCK, errno)),
        }
        let before = self.read(name)?;
        if !before.as_ref().is_some_and(ended) {
            return Ok(Taken::Before(before));
        }
        let draft = format!("draft-{name}");
        self.folder.remove(&draft)?;
        symlinkat(target, &self.folder, draft.as_str()).map_err(|e| self.wrong(&draft, e))?;
        renameat(&self.folder, draft.as_str(), &self.folder, name)
            .map_err(|errno| self.wrong(name, errno))?;
        Ok(Taken::Ours)
    }

    /// Gives a claim back: its call was not recorded.
    pub(crate) fn release(&self, key: &[u8; 16]) {
        let _expires_anyway = unlinkat(&self.folder, name(key).as_str(), AtFlags::empty());
    }

    /// Makes all claims durable.
    pub(crate) fn sync(&self) -> Result<(), FolderError> {
        self.folder.sync()
    }

    /// Removes some of those that expired.
    pub(crate) fn sweep(&self, expired: Stamp) {
        let Ok(entries) = Dir::read_from(&self.folder) else {
            return;
        };
        for entry in entries.take(SWEEP).flatten() {
            let Ok(name) = entry.file_name().to_str() else {
                continue;
            };
            let old = |claim: Claim| claim.at <= expired;
            if name.len() == NAME && self.read(name).ok().flatten().is_some_and(old) {
                let _again_at_the_next_start = self.folder.remove(name);
            }
        }
    }

    fn read(&self, name: &str) -> Result<Option<Claim>, FolderError> {
        match readlinkat(&self.folder, name, Vec::new()) {
            Ok(target) => Ok(target.to_str().ok().and_then(Claim::of_text)),
            // Something that is no claim stands there: nobody can have the key.
            Err(Errno::INVAL | Errno::NOENT) => Ok(None),
            Err(errno) => Err(self.wrong(name, errno)),
        }
    }

    fn wrong(&self, name: &str, errno: Errno) -> FolderError {
        system(&self.folder.path().join(name), io::Error::from(errno))
    }
}

impl Claim {
    fn to_text(&self) -> String {
        let mut hex = vec![0; 32];
        crate::line::hash::hex(&self.fingerprint, &mut hex);
        format!(
            "{} {} {} {} {}",
            self.call,
            String::from_utf8_lossy(&hex),
            self.at,
            self.chain,
            self.segment
        )
    }

    fn of_text(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let call = CallRef::parse(words.next()?.as_bytes())?;
        let fingerprint = crate::keys::unhex(words.next()?)?;
        let at = Stamp::parse(words.next()?.as_bytes())?;
        let chain = words.next()?.to_owned();
        let segment = words.next()?.parse().ok()?;
        words.next().is_none().then_some(Self {
            call,
            fingerprint,
            at,
            chain,
            segment,
        })
    }
}

fn name(key: &[u8; 16]) -> String {
    let mut hex = vec![0; 32];
    crate::line::hash::hex(key, &mut hex);
    String::from_utf8_lossy(&hex).into_owned()
}
