//! Chains: one folder each inside the journal's folder, one writer each.

use std::fs::File;

use rustix::fs::FlockOperation;
use rustix::io::Errno;

use crate::folder::{Folder, FolderError, refused, system};
use crate::reference::{Randomness, letters};
use crate::segment::{self, MOST_SEGMENTS};

/// The most chains of one folder.
pub(crate) const MOST_CHAINS: usize = 1024;

const PREFIX: &str = "chain-";
const LOCK: &str = "lock";

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

    /// Takes the chain, unless its writer lives. Never waits.
    pub(crate) fn lock(&self) -> Result<Writing, FolderError> {
        let file = self.folder.write_or_create(LOCK)?;
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Writing::Ours(Lock { _file: file })),
            Err(Errno::WOULDBLOCK) => Ok(Writing::Elsewhere),
            Err(errno) => Err(system(&self.folder.path().join(LOCK), errno.into())),
        }
    }

    /// Whether a living process writes this chain. Looks without taking anything.
    pub(crate) fn is_written(&self) -> Result<Liveness, FolderError> {
        let file = match self.folder.read(LOCK) {
            Ok(file) => file,
            Err(error) if error.is_missing() => return Ok(Liveness::Nobody),
            Err(error) => return Err(error),
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

/// Whether somebody writes a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Liveness {
    /// A living process does.
    Writer,
    /// Nobody does.
    Nobody,
}

fn is_name(name: &str) -> bool {
    name.strip_prefix(PREFIX).is_some_and(|rest| {
        rest.len() == 13
            && rest
                .bytes()
                .all(|byte| byte.is_ascii_uppercase() || (b'2'..=b'7').contains(&byte))
    })
}
