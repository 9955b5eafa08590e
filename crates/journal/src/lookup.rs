//! Looking up what became of a call.

use std::path::Path;

use memchr::memmem::Finder;

use crate::CallRef;
use crate::chain::{Chain, Liveness};
use crate::entry::{Retry, What};
use crate::folder::{Folder, FolderError, system};
use crate::kept::Spot;
use crate::line::entry::{DROPPED, TOO_LARGE};
use crate::line::hash::Hash;
use crate::line::scan::Line;
use crate::lines::{Lines, Next};
use crate::record::Fields;
use crate::segment::name;

/// All that the journal holds about one call.
#[derive(Clone, Debug)]
pub struct Account {
    /// The call.
    pub call: CallRef,
    /// The chain that it stands in.
    pub chain: String,
    /// Its records, in order, each a line of JSON.
    pub records: Vec<String>,
    /// Its outcome, if it has one.
    pub ended: Option<(What, Retry)>,
    /// What was kept of its answer, if it can still be read.
    pub kept: Option<Box<[u8]>>,
    /// Why nothing was or is kept, or that something is.
    pub answer: Kept,
    /// Whether the process that may still give it an outcome lives.
    pub writer: Liveness,
}

impl Account {
    /// What is known of the call at present, in a word: its outcome, `in_flight` while somebody may
    /// still give it one, `unknown` otherwise.
    pub fn word(&self) -> &'static str {
        self.what().map_or("in_flight", What::word)
    }

    /// What became of the call; none while somebody may still give it an outcome.
    pub fn what(&self) -> Option<What> {
        match (self.ended, self.writer) {
            (Some((what, _)), _) => Some(what),
            (None, Liveness::Writer) => None,
            (None, Liveness::Nobody | Liveness::Copy) => Some(What::Unknown),
        }
    }
}

/// What became of the answer that a call's outcome carried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kept {
    /// None was to be kept.
    #[default]
    Nothing,
    /// It can be read.
    There,
    /// It was larger than what is kept.
    TooLarge,
    /// The disk did not take it, though it took the record.
    Dropped,
    /// It was kept, and can't be read any more: its key was removed, or its file changed.
    Erased,
}

impl Kept {
    /// In a word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Nothing => "none",
            Self::There => "kept",
            Self::TooLarge => "too_large",
            Self::Dropped => "dropped",
            Self::Erased => "erased",
        }
    }
}

/// The most records of one call that are shown.
const MOST_RECORDS: usize = 64;

/// Looks a call up in all chains, the newest segments first. What is damaged is passed over.
///
/// # Errors
/// The folder or a file in it can't be read.
pub fn look_up(dir: &Path, call: CallRef) -> Result<Option<Account>, FolderError> {
    everywhere(&Folder::open(dir)?, call)
}

/// The same in an open folder. A call stands in one chain; others may only mention it.
pub(crate) fn everywhere(folder: &Folder, call: CallRef) -> Result<Option<Account>, FolderError> {
    let mut mentioned = None;
    for chain in Chain::all(folder)? {
        match in_chain(&chain, call, 0)? {
            Some((account, Stands::Here)) => return Ok(Some(account)),
            Some((account, Stands::Elsewhere)) => mentioned = Some(account),
            None => {}
        }
    }
    Ok(mentioned)
}

/// Whether a chain holds a call's intent or outcome.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stands {
    Here,
    Elsewhere,
}

/// Looks a call up in one chain, from a segment on.
pub(crate) fn in_chain(
    chain: &Chain,
    call: CallRef,
    from: u64,
) -> Result<Option<(Account, Stands)>, FolderError> {
    // Asked before the records are read: an outcome that comes in between is then seen.
    let writer = chain.is_written()?;
    let text = call.to_string();
    let finder = Finder::new(text.as_bytes());
    let mut found: Vec<Vec<String>> = Vec::new();
    let mut count = 0;
    let mut stands = Stands::Elsewhere;
    for number in chain.segments()?.into_iter().rev() {
        if number < from || count >= MOST_RECORDS {
            break;
        }
        let records = in_segment(chain, number, (&finder, call), MOST_RECORDS - count)?;
        if records.is_empty() && stands == Stands::Here {
            // Intent and outcome stand together; before the intent there is nothing.
            break;
        }
        if records.iter().any(|record| is_its_own(record, call)) {
            stands = Stands::Here;
        }
        count += records.len();
        found.push(records);
    }
    let records: Vec<String> = found.into_iter().rev().flatten().collect();
    if records.is_empty() {
        return Ok(None);
    }
    let mut ended = None;
    let mut kept = None;
    let mut answer = Kept::Nothing;
    for record in &records {
        let fields = Fields::read(record.as_bytes());
        if fields.call() != Some(call) {
            continue;
        }
        if let Some(outcome) = fields.ended() {
            ended = Some(outcome);
        }
        if let Some((spot, digest)) = place_of(&fields) {
            kept = spot.read(&chain.folder, &call, &digest)?;
        }
        answer = match (fields.kept_at(), &kept) {
            (None, _) => answer,
            (Some(TOO_LARGE), _) => Kept::TooLarge,
            (Some(DROPPED), _) => Kept::Dropped,
            (Some(_), Some(_)) => Kept::There,
            (Some(_), None) => Kept::Erased,
        };
    }
    let account = Account {
        call,
        chain: chain.name.clone(),
        records,
        ended,
        kept,
        answer,
        writer,
    };
    Ok(Some((account, stands)))
}

/// Whether a record is the call's intent or outcome.
fn is_its_own(record: &str, call: CallRef) -> bool {
    let raw = record.as_bytes();
    Fields::read(raw).call() == Some(call)
        && Line::read(raw).is_some_and(|line| matches!(line.kind, b"intent" | b"outcome"))
}

fn in_segment(
    chain: &Chain,
    number: u64,
    (finder, call): (&Finder<'_>, CallRef),
    most: usize,
) -> Result<Vec<String>, FolderError> {
    let path = chain.folder.path().join(name(number));
    let Some(file) = chain.folder.read_if_there(&name(number))? else {
        return Ok(Vec::new());
    };
    let mut lines = Lines::new(file, 0);
    let mut records = Vec::new();
    loop {
        match lines.next().map_err(|source| system(&path, source))? {
            Next::Line(_, raw) => {
                let about = finder.find(raw).is_some()
                    && Line::read(raw).is_some_and(|line| {
                        matches!(
                            line.kind,
                            b"intent"
                                | b"outcome"
                                | b"sent"
                                | b"delivered"
                                | b"late_result"
                                | b"note"
                        )
                    })
                    && names(&Fields::read(raw), call);
                if about && records.len() < most {
                    records.push(String::from_utf8_lossy(raw).into_owned());
                }
            }
            Next::Odd(_) | Next::End(_) => return Ok(records),
        }
    }
}

/// Whether a record is about the call. That another one repeats it is none of its own records.
fn names(fields: &Fields<'_>, call: CallRef) -> bool {
    fields.call() == Some(call) || fields.calls().any(|one| one == call)
}

fn place_of(fields: &Fields<'_>) -> Option<(Spot, Hash)> {
    let spot = Spot::of_text(fields.kept_at()?)?;
    Some((spot, Hash::parse(fields.kept_sha256.as_ref()?.as_bytes())?))
}
