//! Copying one chain: what the copy lacks is added to it, and nothing of it is changed.

use std::fmt;
use std::fs::File;
use std::io;
use std::ops::ControlFlow;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use super::Target;
use crate::folder::{Folder, FolderError, refused, system};
use crate::line::hash::Head;
use crate::recover::cut_off;
use crate::retention::{Stub, first};
use crate::segment;
use crate::walk::{Later, Walk, later, through};

/// How much is copied, and made durable, at a time: what a loss of power takes from the copy lies
/// within the end of it that is compared.
const CHUNK: usize = 256 << 10;
/// In a chain's folder: it is a copy.
pub(crate) const MARK: &str = "copy";

const OTHER: &str =
    "it holds other records than the journal; look at both, then move its chain away";
const SHORT: &str = "the segment is not what the journal's writer wrote: somebody has moved or changed \
                     it; look at the journal, then start again";
const GONE: &str = "the copy that was begun is not there any more; put it back, or start again to begin \
                    another";
const MEANWHILE: &str = "the segment was removed meanwhile";

/// The thread's end of one chain.
pub(super) struct Hand {
    journal: PathBuf,
    copy: PathBuf,
    chain: String,
    at: Option<At>,
    lost: Option<Lost>,
}

/// Where the copy ended the last time.
#[derive(Clone, Copy, PartialEq, Eq)]
struct At {
    disk: u64,
    segment: u64,
    length: u64,
}

/// Records that the journal had removed before the copy could have them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lost {
    chain: String,
    /// The last record before them, and the last of them.
    after: u64,
    last: u64,
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { chain, after, last } = self;
        let first = after + 1;
        write!(
            f,
            "records {first} to {last} of {chain} never came, since the journal had removed them before"
        )
    }
}

impl Hand {
    pub(super) fn new(journal: &Path, copy: &Path, chain: &str) -> Self {
        Self {
            journal: journal.to_owned(),
            copy: copy.to_owned(),
            chain: chain.to_owned(),
            at: None,
            lost: None,
        }
    }

    /// What was found to be lost since this was last asked.
    pub(super) fn lost(&mut self) -> Option<Lost> {
        self.lost.take()
    }

    /// Copies the chain up to there.
    ///
    /// # Errors
    /// One of the folders can't be read or written, the journal is not what was written, or the copy
    /// is not a beginning of it.
    pub(super) fn copy(&mut self, target: &Target) -> Result<(), FolderError> {
        let from = Folder::open(&self.journal)?.inner(&self.chain)?;
        let to = self.place()?;
        let known = match self.at {
            Some(at) => {
                let name = segment::name(at.segment);
                let file = to.read_if_there(&name)?;
                let length = file.map(|file| length_of(&file, &to.path().join(&name)));
                (length.transpose()? == Some(at.length)).then_some(at.segment)
            }
            None => None,
        };
        if known == Some(target.segment) {
            Step::new(&from, &to, target.segment, Some(target))?.add()?;
        } else {
            self.all(known.unwrap_or(0), &from, &to, target)?;
        }
        self.at = Some(At {
            disk: to.disk()?,
            segment: target.segment,
            length: target.length,
        });
        Ok(())
    }

    /// The chain's folder in the copy. Made only at the beginning: where a disk was taken away, its
    /// place must not be filled.
    fn place(&self) -> Result<Folder, FolderError> {
        let Some(at) = self.at else {
            let journal = Folder::make_one(&self.copy)?;
            let to = journal.make_inner(&self.chain)?;
            to.write_or_create(MARK)?;
            to.sync()?;
            journal.sync()?;
            return Ok(to);
        };
        let found = Folder::open(&self.copy).and_then(|journal| journal.inner(&self.chain));
        match found {
            Err(error) if error.is_missing() => Err(refused(&self.copy, GONE)),
            Ok(to) if to.disk()? != at.disk => Err(refused(&self.copy, GONE)),
            found => found,
        }
    }

    /// From that segment on, or the first that is left: whatever the copy lacks, wherever that is.
    fn all(
        &mut self,
        begin: u64,
        from: &Folder,
        to: &Folder,
        target: &Target,
    ) -> Result<(), FolderError> {
        let mut numbers = numbers(from)?;
        numbers.retain(|number| (begin..target.segment).contains(number));
        let begin = numbers.first().copied().unwrap_or(target.segment);
        self.heed_removed(begin, from, to)?;
        for number in numbers {
            Step::new(from, to, number, None)?.whole(to)?;
        }
        Step::new(from, to, target.segment, Some(target))?.whole(to)?;
        // The names are durable as well.
        to.sync()
    }

    /// Where the journal has removed records that the copy does not have, it gets the stub that stands
    /// for them. Read after the segments' names: it is written before they go.
    fn heed_removed(&mut self, begin: u64, from: &Folder, to: &Folder) -> Result<(), FolderError> {
        let Some(stub) = Stub::read(from)? else {
            return Ok(());
        };
        let there = numbers(to)?;
        if there.contains(&begin) {
            return Ok(());
        }
        let Some((seq, _)) = first(from, begin)? else {
            return Ok(());
        };
        let mut end = 0;
        for number in there.iter().rev().filter(|number| **number < begin) {
            if let Some(head) = head_of(to, *number)? {
                end = head.seq;
                break;
            }
        }
        if end + 1 < seq {
            stub.write(to)?;
            self.lost = Some(Lost {
                chain: self.chain.clone(),
                after: end,
                last: seq - 1,
            });
        }
        Ok(())
    }
}

/// One segment, here and there.
struct Step<'a> {
    source: File,
    copy: File,
    number: u64,
    /// Where the copy has got to, and is to get to.
    begin: u64,
    end: u64,
    target: Option<&'a Target>,
    here: PathBuf,
    there: PathBuf,
}

impl<'a> Step<'a> {
    fn new(
        from: &Folder,
        to: &Folder,
        number: u64,
        target: Option<&'a Target>,
    ) -> Result<Self, FolderError> {
        let name = segment::name(number);
        let (here, there) = (from.path().join(&name), to.path().join(&name));
        let Some(source) = from.read_if_there(&name)? else {
            // Retention may have removed any but the last.
            let why = if target.is_some() { SHORT } else { MEANWHILE };
            return Err(refused(&here, why));
        };
        let copy = to.write_or_create(&name)?;
        let end = match target {
            Some(target) => target.length,
            None => length_of(&source, &here)?,
        };
        Ok(Self {
            begin: length_of(&copy, &there)?,
            end,
            source,
            copy,
            number,
            target,
            here,
            there,
        })
    }

    /// Adds what is missing to a copy of which nothing is known.
    fn whole(mut self, to: &Folder) -> Result<(), FolderError> {
        let wrong = |error| system(&self.there, error);
        // Whoever goes on with a finished chain meanwhile may have copied more of it.
        let end = self.begin.min(length_of(&self.source, &self.here)?);
        if self.begin > end || !self.agree(end).map_err(wrong)? {
            let common = self.common(end).map_err(wrong)?;
            if later(&mut self.copy, common).map_err(wrong)? != Later::Nothing {
                return Err(refused(&self.there, OTHER));
            }
            cut_off(to, self.number, &mut self.copy, common)?;
            self.begin = common;
        }
        self.add()
    }

    fn add(self) -> Result<(), FolderError> {
        if let Some(target) = self.target
            && !ends_with(&self.source, self.end, &target.head)
        {
            return Err(refused(&self.here, SHORT));
        }
        let mut chunk = vec![0; CHUNK];
        let mut at = self.begin;
        while at < self.end {
            let piece = usize::try_from(self.end - at).unwrap_or(CHUNK).min(CHUNK);
            let piece = chunk.get_mut(..piece).unwrap_or_default();
            let read = self.source.read_exact_at(piece, at);
            read.map_err(|error| {
                if error.kind() == io::ErrorKind::UnexpectedEof {
                    refused(&self.here, SHORT)
                } else {
                    system(&self.here, error)
                }
            })?;
            self.copy
                .write_all_at(piece, at)
                .and_then(|()| self.copy.sync_data())
                .map_err(|error| system(&self.there, error))?;
            at += piece.len() as u64;
        }
        let durable = self.copy.sync_data();
        durable.map_err(|error| system(&self.there, error))?;
        match self.target {
            Some(target) if !ends_with(&self.copy, self.end, &target.head) => {
                Err(refused(&self.there, OTHER))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Whether both are the same in front of there, as far as what a loss of power takes.
    fn agree(&self, end: u64) -> io::Result<bool> {
        let from = end.saturating_sub(2 * CHUNK as u64);
        Ok(self.same(from, end)? == end)
    }

    /// Up to where the lines of both are the same.
    fn common(&self, end: u64) -> io::Result<u64> {
        let same = self.same(0, end)?;
        let mut at = same;
        let mut chunk = vec![0; CHUNK];
        while at > 0 {
            let from = at.saturating_sub(CHUNK as u64);
            let piece = usize::try_from(at - from).unwrap_or(CHUNK).min(CHUNK);
            let piece = chunk.get_mut(..piece).unwrap_or_default();
            self.source.read_exact_at(piece, from)?;
            if let Some(place) = piece.iter().rposition(|byte| *byte == b'\n') {
                return Ok(from + place as u64 + 1);
            }
            at = from;
        }
        Ok(0)
    }

    /// Up to where both are the same from there on; a source that is shorter is another.
    fn same(&self, from: u64, end: u64) -> io::Result<u64> {
        let end = end.min(self.source.metadata()?.len());
        let (mut one, mut other) = (vec![0; CHUNK], vec![0; CHUNK]);
        let mut at = from;
        while at < end {
            let piece = usize::try_from(end - at).unwrap_or(CHUNK).min(CHUNK);
            let here = one.get_mut(..piece).unwrap_or_default();
            let there = other.get_mut(..piece).unwrap_or_default();
            self.source.read_exact_at(here, at)?;
            self.copy.read_exact_at(there, at)?;
            if let Some(place) = here.iter().zip(&*there).position(|(a, b)| a != b) {
                return Ok(at + place as u64);
            }
            at += piece as u64;
        }
        Ok(at)
    }
}

/// Whether the line in front of there is the record that the head names.
fn ends_with(file: &File, end: u64, head: &Head) -> bool {
    const AFTER: &[u8] = b"\"}\n";
    let mut last = [0; 64 + AFTER.len()];
    let Some(from) = end.checked_sub(last.len() as u64) else {
        return false;
    };
    let read = file.read_exact_at(&mut last, from).is_ok();
    read && last.starts_with(head.hash.text()) && last.ends_with(AFTER)
}

fn length_of(file: &File, path: &Path) -> Result<u64, FolderError> {
    let about = file.metadata().map_err(|error| system(path, error))?;
    Ok(about.len())
}

fn head_of(chain: &Folder, number: u64) -> Result<Option<Head>, FolderError> {
    let name = segment::name(number);
    let mut walk = Walk::from(None);
    let file = chain.read(&name)?;
    through(&mut walk, file, u64::MAX, &mut |_, _| {
        ControlFlow::Continue(())
    })
    .map_err(|error| system(&chain.path().join(&name), error))?;
    Ok(walk.head())
}

fn numbers(chain: &Folder) -> Result<Vec<u64>, FolderError> {
    let names = chain.names()?;
    let number = |name: &String| segment::number(name, "jsonl");
    let mut numbers: Vec<u64> = names.iter().filter_map(number).collect();
    numbers.sort_unstable();
    Ok(numbers)
}
