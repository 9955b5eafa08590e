//! What is too old or too much goes, the oldest segments first. What stays of
//! them is a stub, from which the rest can still be verified.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::chain::{Chain, Writing};
use crate::folder::{Folder, FolderError, system};
use crate::kept;
use crate::line::hash::{Hash, Head};
use crate::line::scan::Line;
use crate::line::time::Stamp;
use crate::lines::{Lines, Next};
use crate::record::Fields;
use crate::segment::name;
use crate::settings::Settings;

/// What stays of the segments that were removed from the start of a chain.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub(crate) struct Stub {
    v: u64,
    first: u64,
    pub(crate) last: u64,
    head: String,
    /// The chain's first public key, and when it began to sign.
    pub(crate) key: String,
    pub(crate) since: String,
    /// The notes that announced other keys: head's number, its hash, the record's time, the note.
    pub(crate) notes: Vec<(u64, String, String, String)>,
}

const FILE: &str = "stub";
const DRAFT: &str = "stub.new";
/// Years of notes.
const LARGEST: usize = 32 << 20;

impl Stub {
    pub(crate) fn read(chain: &Folder) -> Result<Option<Self>, FolderError> {
        let bytes = chain.small(FILE, LARGEST)?;
        Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    /// The head after what was removed.
    pub(crate) fn head(&self) -> Option<Head> {
        Some(Head {
            seq: self.last,
            hash: Hash::parse(self.head.as_bytes())?,
        })
    }

    pub(crate) fn write(&self, chain: &Folder) -> Result<(), FolderError> {
        use std::io::Write as _;
        let path = chain.path().join(DRAFT);
        let text = serde_json::to_vec(self).map_err(|error| system(&path, error.into()))?;
        chain.remove(DRAFT)?;
        let mut file = chain.create(DRAFT)?;
        file.write_all(&text)
            .and_then(|()| file.sync_all())
            .map_err(|source| system(&path, source))?;
        chain.rename(DRAFT, FILE)?;
        chain.sync()
    }
}

struct Candidate {
    chain: usize,
    number: u64,
    next: u64,
    bytes: u64,
    written: SystemTime,
}

/// Removes what is too old or too much from the chains that `ours` names or nobody writes.
pub(crate) fn prune(journal: &Folder, ours: &str, settings: &Settings) -> Result<u64, FolderError> {
    let chains = Chain::all(journal)?;
    let mut total = 0;
    let mut candidates = Vec::new();
    let mut locks = Vec::new();
    for (at, chain) in chains.iter().enumerate() {
        let free = chain.name == ours
            || match chain.lock()? {
                Writing::Ours(lock) => {
                    locks.push(lock);
                    true
                }
                Writing::Elsewhere => false,
            };
        let numbers = chain.segments()?;
        let mut last_written = SystemTime::UNIX_EPOCH;
        for (place, number) in numbers.iter().enumerate() {
            let (bytes, written) = size(chain, *number)?;
            total += bytes;
            // A clock that is set back must not let a segment go before those in front of it.
            last_written = last_written.max(written);
            // The last segment of a chain is what the next writer goes on from.
            if let (Some(next), true) = (numbers.get(place + 1), free) {
                candidates.push(Candidate {
                    chain: at,
                    number: *number,
                    next: *next,
                    bytes,
                    written: last_written,
                });
            }
        }
    }
    candidates.sort_by_key(|one| (one.written, one.chain, one.number));
    let mut removed = 0;
    // A chain loses its segments in order, or what is left could not be verified.
    let mut stopped: Vec<usize> = Vec::new();
    for one in &candidates {
        let age = one.written.elapsed().unwrap_or(Duration::ZERO);
        let Some(chain) = chains.get(one.chain) else {
            continue;
        };
        if stopped.contains(&one.chain) || (age <= settings.keep && total <= settings.max_bytes) {
            stopped.push(one.chain);
            continue;
        }
        if remove(chain, one)? == Removal::Impossible {
            stopped.push(one.chain);
            continue;
        }
        total = total.saturating_sub(one.bytes);
        removed += 1;
    }
    Ok(removed)
}

fn size(chain: &Chain, number: u64) -> Result<(u64, SystemTime), FolderError> {
    let path = chain.folder.path().join(name(number));
    let about = chain
        .folder
        .read(&name(number))?
        .metadata()
        .map_err(|source| system(&path, source))?;
    let kept = match chain.folder.read(&kept::file_name(number)) {
        Ok(file) => file.metadata().map_or(0, |about| about.len()),
        Err(_) => 0,
    };
    Ok((
        about.len() + kept,
        about.modified().unwrap_or(SystemTime::now()),
    ))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Removal {
    Done,
    /// The segments do not fit together; somebody has to look at them first.
    Impossible,
}

fn remove(chain: &Chain, one: &Candidate) -> Result<Removal, FolderError> {
    let Some((seq, prev)) = first(&chain.folder, one.next)? else {
        return Ok(Removal::Impossible);
    };
    let mut stub = match Stub::read(&chain.folder)? {
        Some(stub) => stub,
        None => Stub {
            v: 1,
            first: 1,
            last: 0,
            head: String::new(),
            key: String::new(),
            since: String::new(),
            notes: Vec::new(),
        },
    };
    let path = chain.folder.path().join(name(one.number));
    let mut lines = Lines::new(chain.folder.read(&name(one.number))?, 0);
    while let Next::Line(_, raw) = lines.next().map_err(|source| system(&path, source))? {
        let Some(line) = Line::read(raw) else { break };
        if line.seq >= seq {
            break;
        }
        if line.seq <= stub.last {
            // This segment was to be removed before, and its process was killed.
            continue;
        }
        if line.seq == 1 {
            stub.key = Fields::read(raw)
                .public_key()
                .unwrap_or_default()
                .to_owned();
            stub.since = String::from_utf8_lossy(line.ts).into_owned();
        }
        if matches!(line.kind, b"checkpoint" | b"seal")
            && let Some(note) = Fields::read(raw).signed_note()
            && note.contains("\nnext ")
        {
            stub.notes.push((
                line.seq - 1,
                String::from_utf8_lossy(line.prev).into_owned(),
                String::from_utf8_lossy(line.ts).into_owned(),
                note.to_owned(),
            ));
        }
    }
    stub.last = seq - 1;
    stub.head = prev.to_string();
    stub.write(&chain.folder)?;
    // The key first: what it kept can then not be read any more, whatever happens next.
    chain.folder.remove(&kept::key_name(one.number))?;
    chain.folder.remove(&kept::file_name(one.number))?;
    chain.folder.remove(&name(one.number))?;
    chain.folder.sync()?;
    Ok(Removal::Done)
}

/// Number and `prev` of a segment's first record.
pub(crate) fn first(chain: &Folder, number: u64) -> Result<Option<(u64, Hash)>, FolderError> {
    let path = chain.path().join(name(number));
    let mut lines = Lines::new(chain.read(&name(number))?, 0);
    let next = lines.next().map_err(|source| system(&path, source))?;
    Ok(match next {
        Next::Line(_, raw) => Line::read(raw)
            .filter(|line| line.seq > 1 && line.is_whole())
            .and_then(|line| Some((line.seq, Hash::parse(line.prev)?))),
        Next::Odd(_) | Next::End(_) => None,
    })
}

/// When a stamp of a stub is none, it is as old as can be.
pub(crate) fn stamp(text: &str) -> Stamp {
    Stamp::parse(text.as_bytes()).unwrap_or_default()
}
