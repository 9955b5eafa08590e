//! Reading records in the order of time, across chains.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use crate::chain::Chain;
use crate::folder::{Folder, FolderError, system};
use crate::line::scan::Line;
use crate::line::time::Stamp;
use crate::lines::{Lines, Next};
use crate::segment::name;

/// A record as it stands in its chain. Its hash was not checked: that is what [`verify`](crate::verify) does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The chain that it stands in.
    pub chain: Arc<str>,
    /// When it was written.
    pub at: Stamp,
    /// The line, a JSON object.
    pub line: String,
}

/// All records of a journal, oldest first. Lines that are no records are passed over.
pub struct Records {
    chains: Vec<Reader>,
    next: BinaryHeap<Reverse<(Stamp, usize)>>,
    failed: Option<FolderError>,
}

struct Reader {
    chain: Chain,
    name: Arc<str>,
    segments: VecDeque<u64>,
    lines: Option<Lines<File>>,
    ahead: Option<(Stamp, String)>,
}

/// Opens all chains of the journal in a folder for reading.
///
/// # Errors
/// The folder or a file in it can't be read.
pub fn records(dir: &Path) -> Result<Records, FolderError> {
    let folder = Folder::open(dir)?;
    let mut records = Records {
        chains: Vec::new(),
        next: BinaryHeap::new(),
        failed: None,
    };
    for chain in Chain::all(&folder)? {
        let mut reader = Reader {
            name: chain.name.as_str().into(),
            segments: chain.segments()?.into(),
            chain,
            lines: None,
            ahead: None,
        };
        reader.advance()?;
        if let Some((at, _)) = &reader.ahead {
            records.next.push(Reverse((*at, records.chains.len())));
            records.chains.push(reader);
        }
    }
    Ok(records)
}

impl Iterator for Records {
    type Item = Result<Record, FolderError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(error) = self.failed.take() {
            return Some(Err(error));
        }
        let Reverse((at, index)) = self.next.pop()?;
        let reader = self.chains.get_mut(index)?;
        let (_, line) = reader.ahead.take()?;
        let record = Record {
            chain: Arc::clone(&reader.name),
            at,
            line,
        };
        match reader.advance() {
            Ok(()) => {
                if let Some((at, _)) = &reader.ahead {
                    self.next.push(Reverse((*at, index)));
                }
            }
            Err(error) => self.failed = Some(error),
        }
        Some(Ok(record))
    }
}

impl Reader {
    /// Reads the next record of the chain into `ahead`.
    fn advance(&mut self) -> Result<(), FolderError> {
        loop {
            let Some(lines) = &mut self.lines else {
                let Some(number) = self.segments.pop_front() else {
                    return Ok(());
                };
                // One that was too old may be gone by now.
                let file = self.chain.folder.read_if_there(&name(number))?;
                self.lines = file.map(|file| Lines::new(file, 0));
                continue;
            };
            let path = self.chain.folder.path();
            match lines.next().map_err(|source| system(path, source))? {
                Next::Line(_, raw) => {
                    let stamp = Line::read(raw).and_then(|line| line.stamp());
                    if let (Some(at), Ok(line)) = (stamp, std::str::from_utf8(raw)) {
                        self.ahead = Some((at, line.to_owned()));
                        return Ok(());
                    }
                }
                Next::Odd(_) | Next::End(_) => self.lines = None,
            }
        }
    }
}
