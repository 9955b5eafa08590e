//! Chains: one folder each inside the journal's folder, one writer each.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use rustix::fs::FlockOperation;
use rustix::io::Errno;
use sha2::{Digest as _, Sha256};

use crate::copy::MARK;
use crate::folder::{Folder, FolderError, refused, system};
use crate::line::hash::Hash;
use crate::reference::{Randomness, letters};
use crate::segment::{self, MOST_SEGMENTS};
use crate::walk::Fault;

/// The most chains of one folder.
pub(crate) const MOST_CHAINS: usize = 1024;

const PREFIX: &str = "chain-";
const LOCK: &str = "lock";
/// There while somebody finishes the chain of a dead writer.
const CLOSING: &str = "closing";
/// There once it was told that the chain's key is lost.
const KEYLESS: &str = "key-lost";
/// What is wrong with the chain, once somebody has accepted that.
const ACCEPTED: &str = "damage-accepted";
/// The longest such text, bytes.
const LONGEST_FAULT: usize = 4096;
/// How long closing may take: far longer than the largest segment takes to be read.
const CLOSING_WITHIN: Duration = Duration::from_secs(30);

/// A chain's folder.
pub(crate) struct Chain {
    pub(crate) folder: Folder,
    pub(crate) name: String,
}

/// The right to write a chain; lost with the process.
pub(crate) struct Lock {
    _file: File,
}

/// Whether a chain's writer lives.
pub(crate) enum Writing {
    /// It does.
    Elsewhere,
    /// It doesn't, and nobody else can become it while this is held.
    Ours(Lock),
}

impl Chain {
    /// All chains of a journal, by name.
    pub(crate) fn all(journal: &Folder) -> Result<Vec<Self>, FolderError> {
        let names = journal.names()?;
        let chains = names.iter().filter(|name| is_name(name));
        if chains.clone().count() > MOST_CHAINS {
            return Err(refused(
                journal.path(),
                "the journal has more chains than can be; move strange folders away",
            ));
        }
        chains.map(|name| Self::open(journal, name)).collect()
    }

    /// The chain of this name.
    pub(crate) fn named(journal: &Folder, name: &str) -> Result<Self, FolderError> {
        if !is_name(name) {
            return Err(refused(
                &journal.path().join(name),
                "no chain has such a name; it is chain- and 13 letters",
            ));
        }
        Self::open(journal, name)
    }

    fn open(journal: &Folder, name: &str) -> Result<Self, FolderError> {
        Ok(Self {
            folder: journal.inner(name)?,
            name: name.to_owned(),
        })
    }

    /// A new chain, and the right to write it.
    pub(crate) fn make(journal: &Folder) -> Result<(Self, Lock), FolderError> {
        /// Whoever starts at the same moment may take a chain between its making and its locking.
        const TRIES: usize = 16;
        for _ in 0..TRIES {
            let chain = Self::make_one(journal)?;
            if let Writing::Ours(lock) = chain.lock()? {
                return Ok((chain, lock));
            }
        }
        Err(refused(
            journal.path(),
            "other processes take every chain that is made; look which ones they are",
        ))
    }

    fn make_one(journal: &Folder) -> Result<Self, FolderError> {
        let bits = Randomness::new()
            .bits()
            .map_err(|error| system(journal.path(), std::io::Error::other(error.to_string())))?;
        let letters = letters(bits);
        let name = format!(
            "{PREFIX}{}",
            std::str::from_utf8(&letters).unwrap_or_default()
        );
        let folder = journal.make_inner(&name)?;
        journal.sync()?;
        Ok(Self { folder, name })
    }

    /// Takes the chain, unless its writer lives. Waits for no writer.
    pub(crate) fn lock(&self) -> Result<Writing, FolderError> {
        /// How long, and how often at least, those that only look may be met one after another. Time
        /// alone would count that in which this thread had no processor.
        const LOOKS_WITHIN: Duration = Duration::from_millis(100);
        const LOOKS: u32 = 1000;
        let file = self.folder.write_or_create(LOCK)?;
        let began = Instant::now();
        let mut met = 0;
        loop {
            match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Writing::Ours(Lock { _file: file })),
                Err(Errno::WOULDBLOCK) => {}
                Err(errno) => return Err(system(&self.folder.path().join(LOCK), errno.into())),
            }
            // Whoever looks shares the lock for a moment, and whoever writes never does.
            met += 1;
            let too_long = met > LOOKS && began.elapsed() > LOOKS_WITHIN;
            if too_long || self.is_written()? == Liveness::Writer {
                return Ok(Writing::Elsewhere);
            }
            std::thread::yield_now();
        }
    }

    /// As [`lock`](Self::lock), but waits for somebody who has announced to finish the chain.
    pub(crate) fn lock_after_closing(&self) -> Result<Writing, FolderError> {
        match self.lock()? {
            Writing::Ours(lock) => Ok(Writing::Ours(lock)),
            Writing::Elsewhere if self.is_closing()? => self.wait_for_lock(),
            Writing::Elsewhere => Ok(Writing::Elsewhere),
        }
    }

    /// Says that whoever holds the lock soon is about to finish the chain.
    pub(crate) fn announce_closing(&self) -> Result<(), FolderError> {
        self.folder.write_or_create(CLOSING).map(drop)
    }

    /// Remembers that somebody is being told of the chain's lost key.
    pub(crate) fn tell_key_lost(&self) -> Result<Told, FolderError> {
        match self.folder.create(KEYLESS) {
            Ok(_) => Ok(Told::Now),
            Err(error) if error.is_taken() => Ok(Told::Before),
            Err(error) => Err(error),
        }
    }

    /// What tells damage from other damage: what is wrong in which line, and all that stands in its
    /// segment and those after it.
    pub(crate) fn damage(
        &self,
        segment: &str,
        line: u64,
        fault: &Fault,
    ) -> Result<String, FolderError> {
        let mut digest = Sha256::new();
        let mut chunk = vec![0; 256 << 10];
        for number in self.segments()? {
            let name = segment::name(number);
            if name.as_str() < segment {
                continue;
            }
            let mut file = self.folder.read(&name)?;
            loop {
                let read = file.read(&mut chunk);
                match read.map_err(|source| system(&self.folder.path().join(&name), source))? {
                    0 => break,
                    read => digest.update(chunk.get(..read).unwrap_or_default()),
                }
            }
        }
        Ok(format!(
            "{segment}, line {line}: {fault}\n{}\n",
            Hash::of(digest)
        ))
    }

    /// Whether somebody has accepted just this damage of the chain's; any other is another matter.
    pub(crate) fn is_accepted(&self, damage: &str) -> Result<bool, FolderError> {
        let accepted = self.folder.small(ACCEPTED, LONGEST_FAULT)?;
        Ok(accepted.is_some_and(|accepted| accepted == damage.as_bytes()))
    }

    /// Remembers that the chain is accepted with this damage.
    pub(crate) fn accept(&self, damage: &str) -> Result<(), FolderError> {
        self.folder.remove(ACCEPTED)?;
        let mut file = self.folder.create(ACCEPTED)?;
        file.write_all(damage.as_bytes())
            .and_then(|()| file.sync_all())
            .map_err(|source| system(&self.folder.path().join(ACCEPTED), source))
    }

    /// The chain is finished, or somebody else's.
    pub(crate) fn closed(&self) -> Result<(), FolderError> {
        self.folder.remove(CLOSING)
    }

    fn is_closing(&self) -> Result<bool, FolderError> {
        Ok(self.folder.read_if_there(CLOSING)?.is_some())
    }

    /// The system wakes whoever waits for a lock, but knows no bound; a thread waits, and is left
    /// alone when the time is up.
    fn wait_for_lock(&self) -> Result<Writing, FolderError> {
        let file = self.folder.write_or_create(LOCK)?;
        let (tell, told) = sync_channel(1);
        let waiting = std::thread::Builder::new().spawn(move || {
            let locked = rustix::fs::flock(&file, FlockOperation::LockExclusive);
            let _nobody_waits_any_more = tell.send(locked.map(|()| file));
        });
        if waiting.is_err() {
            return Ok(Writing::Elsewhere);
        }
        Ok(match told.recv_timeout(CLOSING_WITHIN) {
            Ok(Ok(file)) => Writing::Ours(Lock { _file: file }),
            Ok(Err(_)) | Err(_) => Writing::Elsewhere,
        })
    }

    /// Whether a living process writes this chain. Looks without taking anything.
    pub(crate) fn is_written(&self) -> Result<Liveness, FolderError> {
        let Some(file) = self.folder.read_if_there(LOCK)? else {
            return Ok(match self.folder.read_if_there(MARK)? {
                Some(_) => Liveness::Copy,
                None => Liveness::Nobody,
            });
        };
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockShared) {
            Ok(()) => Ok(Liveness::Nobody),
            Err(Errno::WOULDBLOCK) => Ok(Liveness::Writer),
            Err(errno) => Err(system(&self.folder.path().join(LOCK), errno.into())),
        }
    }

    /// The numbers of the segments that are there, in order.
    pub(crate) fn segments(&self) -> Result<Vec<u64>, FolderError> {
        let mut numbers: Vec<u64> = self
            .folder
            .names()?
            .iter()
            .filter_map(|name| segment::number(name, "jsonl"))
            .collect();
        numbers.sort_unstable();
        if numbers.len() > MOST_SEGMENTS {
            return Err(refused(
                self.folder.path(),
                "the chain has more segments than can be; move strange files away",
            ));
        }
        Ok(numbers)
    }
}

/// Whether something was told before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Now,
    Before,
}

/// Whether somebody writes a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Liveness {
    /// A living process does.
    Writer,
    /// Nobody does.
    Nobody,
    /// Nobody may: it is a copy of a chain that is elsewhere.
    Copy,
}

fn is_name(name: &str) -> bool {
    name.strip_prefix(PREFIX).is_some_and(|rest| {
        rest.len() == 13
            && rest
                .bytes()
                .all(|byte| byte.is_ascii_uppercase() || (b'2'..=b'7').contains(&byte))
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[test]
    fn who_looks_at_a_chain_keeps_nobody_from_writing_it() {
        let mut bits = [0; 8];
        getrandom::fill(&mut bits).unwrap();
        let name = format!("dropgate-chain-{:016x}", u64::from_le_bytes(bits));
        let dir = std::env::temp_dir().join(name);
        let (chain, lock) = Chain::make(&Folder::make(&dir).unwrap()).unwrap();
        assert!(matches!(chain.lock().unwrap(), Writing::Elsewhere));
        drop(lock);
        let ended = AtomicBool::new(false);
        let kept = std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    while !ended.load(Ordering::Relaxed) {
                        chain.is_written().unwrap();
                    }
                });
            }
            let kept = (0..5000)
                .filter(|_| matches!(chain.lock().unwrap(), Writing::Elsewhere))
                .count();
            ended.store(true, Ordering::Relaxed);
            kept
        });
        std::fs::remove_dir_all(&dir).unwrap();
        assert_eq!(kept, 0);
    }
}
