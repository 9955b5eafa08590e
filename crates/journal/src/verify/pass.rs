//! One pass over a chain, from its first record to its last or to the first fault.

use std::fs::File;
use std::ops::ControlFlow;
use std::path::PathBuf;

use crate::chain::{Chain, Liveness};
use crate::claim::Claim;
use crate::evidence::Evidence;
use crate::folder::{FolderError, system};
use crate::line::hash::{Hash, Head};
use crate::line::scan::Line;
use crate::record::Fields;
use crate::retention::Stub;
use crate::segment::{First, name};
use crate::walk::{Fault, Later, Stop, Walk, later, through};

use super::notes::Notes;
use super::part::{Extent, Start};
use super::{ChainVerified, Sealing, Spot, Verdict};

/// What was found on the way.
pub(super) struct Pass<'a> {
    chain: &'a Chain,
    extent: &'a Extent,
    writer: Liveness,
    evidence: Evidence,
    notes: Notes,
    walk: Walk,
    /// The last of the records that were removed.
    removed: Head,
    begins: Begins,
    records: u64,
    /// The last record that is asked for, once it was read.
    last: Option<Head>,
    reached: Reached,
    ending: Sealing,
    /// The line after the last that was read.
    end: Spot,
    verdict: Verdict,
}

impl<'a> Pass<'a> {
    /// Reads the chain as far as it is asked for. Heads that it holds are taken from `missing`.
    pub(super) fn over(
        chain: &'a Chain,
        extent: &'a Extent,
        missing: &mut Vec<Hash>,
        claims: &[Claim],
    ) -> Result<Self, FolderError> {
        // Asked first: a writer that begins meanwhile only adds lines.
        let writer = chain.is_written()?;
        let evidence = Evidence::of(chain, claims)?;
        // Before the stub, which is written before what it stands for is removed.
        let segments = chain.segments()?;
        let stub = Stub::read(&chain.folder)?;
        let begin = stub.as_ref().and_then(Stub::head);
        let begin = begin.unwrap_or_else(|| Head::before_first(&chain.name));
        let mut pass = Self {
            chain,
            extent,
            writer,
            evidence,
            notes: Notes::new(&chain.name, stub.as_ref()),
            walk: Walk::from(Some(begin)),
            removed: begin,
            begins: Begins::Chain,
            records: 0,
            last: None,
            reached: Reached::End,
            ending: Sealing::Sealed,
            end: Spot {
                file: pass_path(chain, 1),
                line: 1,
            },
            verdict: Verdict::Whole,
        };
        let passed_over = pass.passed_over(&segments)?;
        for (at, number) in segments.iter().enumerate().skip(passed_over) {
            let next = segments.get(at + 1).copied();
            pass.begin_at(*number)?;
            if let Some(fault) = pass.read(*number, next, missing)? {
                pass.verdict = fault;
                break;
            }
            if pass.reached == Reached::Enough {
                break;
            }
        }
        Ok(pass)
    }

    /// How many segments stand before the one that holds the first record which is asked for.
    fn passed_over(&mut self, segments: &[u64]) -> Result<usize, FolderError> {
        if self.extent.start == Start::First {
            return Ok(0);
        }
        for (at, number) in segments.iter().enumerate().skip(1).rev() {
            let first = First::of(self.chain, *number)?;
            if first.is_some_and(|first| first.seq <= self.extent.from()) {
                self.walk = Walk::from(None);
                self.begins = Begins::Segment;
                return Ok(at);
            }
        }
        Ok(0)
    }

    /// Segments that were removed, or were to be, may still be there; in a copy, some of them. They
    /// count as what they were: their end is the head that the stub has.
    fn begin_at(&mut self, number: u64) -> Result<(), FolderError> {
        let end = self.walk.head().map_or(0, |head| head.seq);
        if end > self.removed.seq || self.removed.seq == 0 || self.begins == Begins::Segment {
            return Ok(());
        }
        let Some(first) = First::of(self.chain, number)? else {
            return Ok(());
        };
        if first.seq == end + 1 {
            return Ok(());
        }
        if first.seq <= self.removed.seq {
            self.walk = Walk::from(None);
        } else if first.seq == self.removed.seq + 1 {
            self.walk = Walk::from(Some(self.removed));
        }
        Ok(())
    }

    /// Reads one segment, up to where its successor takes over.
    fn read(
        &mut self,
        number: u64,
        next: Option<u64>,
        missing: &mut Vec<Hash>,
    ) -> Result<Option<Verdict>, FolderError> {
        let until = match next {
            Some(next) => First::of(self.chain, next)?.and_then(First::in_place_of),
            None => None,
        };
        let path = pass_path(self.chain, number);
        let mut file = self.chain.folder.read(&name(number))?;
        let mut walk = self.walk.clone();
        let read = through(
            &mut walk,
            &file,
            until.unwrap_or(u64::MAX),
            &mut |line, raw| self.take(line, raw, missing),
        );
        let stop = read.map_err(|source| system(&path, source))?;
        self.walk = walk;
        self.end = Spot {
            file: path,
            line: stop.line,
        };
        if let Some(fault) = self.false_note(&stop) {
            return Ok(Some(fault));
        }
        let last = match (next, self.writer) {
            (Some(_), _) => Last::Not,
            // The rest of a copy's last line is to come.
            (None, Liveness::Writer | Liveness::Copy) => Last::Written,
            (None, Liveness::Nobody) => Last::Abandoned,
        };
        match stop.fault {
            Some(fault) => self.fault(fault, &mut file, stop.length, last).map(Some),
            None => Ok(None),
        }
    }

    /// A good record was read.
    fn take(&mut self, line: &Line<'_>, raw: &[u8], missing: &mut Vec<Hash>) -> ControlFlow<()> {
        let counts = self.extent.holds(line);
        if counts && !missing.is_empty() {
            missing.retain(|hash| hash.text() != line.h);
        }
        if line.seq <= self.removed.seq {
            if line.seq == self.removed.seq && self.removed.hash.text() != line.h {
                self.notes.fault = Some((line.seq, "it is not what the stub says".to_owned()));
            }
            return ControlFlow::Continue(());
        }
        if counts {
            self.records += 1;
            if self.extent.to() == line.seq {
                self.last = line.hash().map(|hash| Head {
                    seq: line.seq,
                    hash,
                });
            }
        }
        if self.begins == Begins::Segment {
            self.begins = Begins::Chain;
            self.notes.begin_within(line, raw);
        }
        self.notes.take(line, raw);
        self.evidence.take(line, raw);
        self.ending = match line.kind {
            b"seal" if Fields::read(raw).end => Sealing::Sealed,
            _other => Sealing::Open,
        };
        if self.extent.is_done(self.notes.signed()) {
            self.reached = Reached::Enough;
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }

    fn head(&self) -> u64 {
        self.walk.head().map_or(0, |head| head.seq)
    }

    /// What a note in this segment says falsely, or that there is none where one must be.
    fn false_note(&self, stop: &Stop) -> Option<Verdict> {
        let (seq, why) = self.notes.fault.as_ref()?;
        let line = seq.saturating_sub((self.head() + 1).saturating_sub(stop.line));
        let file = self.end.file.clone();
        Some(Verdict::Tampered {
            place: Spot { file, line },
            why: why.clone(),
        })
    }

    fn fault(
        &self,
        fault: Fault,
        file: &mut File,
        length: u64,
        last: Last,
    ) -> Result<Verdict, FolderError> {
        let path = &self.end.file;
        let after = later(file, length).map_err(|source| system(path, source))?;
        let about = file.metadata().map_err(|source| system(path, source))?;
        let bytes = about.len().saturating_sub(length);
        Ok(judge(fault, after, self.end.clone(), bytes, last))
    }

    /// What the chain is worth, all in all.
    pub(super) fn sum_up(mut self, keys: &[String]) -> Result<ChainVerified, FolderError> {
        let signed = self.notes.signed();
        if self.is_readable() && self.lacks_key()? {
            let place = self.end.clone();
            self.verdict = Verdict::Unsigned { place, signed };
        }
        let stands = self.is_readable() || matches!(self.verdict, Verdict::Unsigned { .. });
        let end = match self.reached {
            Reached::End => self.head(),
            // What is missing further on is missing from another part.
            Reached::Enough => u64::MAX,
        };
        let place = || self.end.clone();
        let against = self
            .evidence
            .against(end, self.writer, place())
            .or_else(|| self.lack(place()));
        if let (true, Some(worse)) = (stands, against) {
            self.verdict = worse;
        }
        if self.begins_with_none_of(keys) {
            self.verdict = Verdict::Tampered {
                place: Spot {
                    file: self.chain.folder.path().to_owned(),
                    line: 1,
                },
                why: "the chain begins with a key that is none of those given".to_owned(),
            };
        }
        Ok(ChainVerified {
            chain: self.chain.name.clone(),
            head: self.last.or(self.walk.head()).filter(|head| head.seq > 0),
            key: self.notes.root.take(),
            verdict: self.verdict,
            records: self.records,
            signed,
            removed: self.removed.seq,
            writer: self.writer,
            ending: self.ending,
        })
    }

    /// Whether every record follows from the one before.
    fn is_readable(&self) -> bool {
        matches!(self.verdict, Verdict::Whole | Verdict::Torn { .. })
    }

    /// What is asked for and is not in a chain whose records all fit together.
    fn lack(&self, place: Spot) -> Option<Verdict> {
        let why = self.extent.lack(self.removed.seq, self.head())?;
        Some(Verdict::Gap { place, why })
    }

    fn lacks_key(&self) -> Result<bool, FolderError> {
        let is_left_open = self.writer == Liveness::Nobody
            && self.ending == Sealing::Open
            && self.reached == Reached::End;
        Ok(self.notes.is_keyless() || (is_left_open && self.notes.lacks_key(self.chain)?))
    }

    fn begins_with_none_of(&self, keys: &[String]) -> bool {
        let known = |key: &String| keys.contains(key);
        matches!(self.verdict, Verdict::Whole | Verdict::Unsigned { .. })
            && !keys.is_empty()
            && !self.notes.root.as_ref().is_some_and(known)
    }
}

fn pass_path(chain: &Chain, number: u64) -> PathBuf {
    chain.folder.path().join(name(number))
}

fn judge(fault: Fault, after: Later, place: Spot, bytes: u64, last: Last) -> Verdict {
    match (fault, after, last) {
        (Fault::Form, Later::Nothing, Last::Written) => Verdict::Whole,
        (Fault::Form, Later::Nothing, Last::Abandoned) => Verdict::Torn { place, bytes },
        (Fault::Seq { expected, found }, _, _) if found > expected => Verdict::Gap {
            place,
            why: format!("records {expected} to {} are missing", found - 1),
        },
        (
            Fault::Form
            | Fault::Hash
            | Fault::Prev
            | Fault::Seq { .. }
            | Fault::Time
            | Fault::Cut { .. },
            Later::Nothing | Later::Unsynced | Later::Synced,
            Last::Written | Last::Abandoned | Last::Not,
        ) => Verdict::Tampered {
            place,
            why: fault.to_string(),
        },
    }
}

/// With what the first record that is read begins.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Begins {
    Chain,
    Segment,
}

/// Where the reading ended, unless at a fault.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reached {
    End,
    Enough,
}

/// Whether a segment is the last one, and still written.
#[derive(Clone, Copy)]
enum Last {
    Written,
    Abandoned,
    Not,
}
