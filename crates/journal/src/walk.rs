//! Walking along a chain: every line must follow from the one before.

use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom};
use std::ops::ControlFlow;

use crate::line::hash::Head;
use crate::line::scan::Line;
use crate::line::time::STAMP;
use crate::lines::{Lines, Next};

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It has not the form of a record.
    #[error("not a record")]
    Form,
    /// Its hash is not its content's.
    #[error("the record was changed: its hash is another")]
    Hash,
    /// It follows another record than the one that stands before it.
    #[error("the record does not follow from the one before it")]
    Prev,
    /// Records are missing before it, or stand twice.
    #[error("record {expected} is expected and {found} stands there")]
    Seq {
        /// The number that should follow.
        expected: u64,
        /// The number that stands there.
        found: u64,
    },
    /// It claims to be older than the record before it.
    #[error("the record claims to be older than the one before it")]
    Time,
    /// The chain was further: what stood after its last record was cut off or emptied.
    #[error("records {} to {durable} were on the disk and are missing", end + 1)]
    Cut {
        /// The last record that is known to have been on the disk.
        durable: u64,
        /// The last one that is there.
        end: u64,
    },
}

/// How far the walk has come.
#[derive(Clone, Debug)]
pub(crate) struct Walk {
    head: Option<Head>,
    ts: [u8; STAMP],
}

impl Walk {
    /// From a head, or from wherever the first line says it follows.
    pub(crate) fn from(head: Option<Head>) -> Self {
        Self {
            head,
            ts: [b'0'; STAMP],
        }
    }

    pub(crate) fn head(&self) -> Option<Head> {
        self.head
    }

    pub(crate) fn ts(&self) -> &[u8; STAMP] {
        &self.ts
    }

    pub(crate) fn step<'a>(&mut self, line: &'a [u8]) -> Result<Line<'a>, Fault> {
        let line = Line::read(line).ok_or(Fault::Form)?;
        if !line.is_whole() {
            return Err(Fault::Hash);
        }
        if let Some(head) = &self.head {
            if line.seq != head.seq + 1 {
                return Err(Fault::Seq {
                    expected: head.seq + 1,
                    found: line.seq,
                });
            }
            if line.prev != head.hash.text() {
                return Err(Fault::Prev);
            }
        }
        if line.ts < self.ts.as_slice() {
            return Err(Fault::Time);
        }
        self.ts.copy_from_slice(line.ts);
        self.head = Some(Head {
            seq: line.seq,
            hash: line.hash().ok_or(Fault::Form)?,
        });
        Ok(line)
    }
}

/// Where the walk through one file ended.
pub(crate) struct Stop {
    /// How many bytes of good lines stand at the start.
    pub(crate) length: u64,
    /// The number of the line after them, from 1.
    pub(crate) line: u64,
    pub(crate) fault: Option<Fault>,
}

/// Walks through a file up to the record before `until`, or to the one after which `visit`, which
/// sees each good line and the bytes that it was read from, breaks off.
pub(crate) fn through(
    walk: &mut Walk,
    file: impl Read,
    until: u64,
    visit: &mut dyn FnMut(&Line<'_>, &[u8]) -> ControlFlow<()>,
) -> io::Result<Stop> {
    let mut lines = Lines::new(file, 0);
    let mut count = 1;
    loop {
        let ended = walk
            .head
            .is_some_and(|head| head.seq.saturating_add(1) >= until);
        let (length, fault) = match lines.next()? {
            Next::Line(at, _) | Next::Odd(at) if ended => (at, None),
            Next::Line(at, raw) => match walk.step(raw) {
                Ok(line) => {
                    count += 1;
                    match visit(&line, raw) {
                        ControlFlow::Continue(()) => continue,
                        ControlFlow::Break(()) => (at + raw.len() as u64 + 1, None),
                    }
                }
                Err(fault) => (at, Some(fault)),
            },
            Next::Odd(at) => (at, Some(Fault::Form)),
            Next::End(at) => (at, None),
        };
        return Ok(Stop {
            length,
            line: count,
            fault,
        });
    }
}

/// Whether records stand after a bad line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Later {
    /// None: a write was cut off there.
    Nothing,
    /// Some, none of which was written after a sync: a loss of power can leave that.
    Unsynced,
    /// Some of which it is known that all before them was on the disk.
    Synced,
}

/// How much is read at a time.
const CHUNK: usize = 256 * 1024;

/// Looks for records after the line at `from`, which is bad.
pub(crate) fn later(file: &mut File, from: u64) -> io::Result<Later> {
    file.seek(SeekFrom::Start(from))?;
    let mut found = Later::Nothing;
    let mut chunk = vec![0; CHUNK];
    let mut line: Option<Vec<u8>> = Some(Vec::new());
    loop {
        let read = match file.read(&mut chunk) {
            Ok(0) => return Ok(found),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        for piece in chunk
            .get(..read)
            .unwrap_or_default()
            .split_inclusive(|b| *b == b'\n')
        {
            match &mut line {
                Some(line) if line.len() + piece.len() <= crate::line::MAX_LINE => {
                    line.extend_from_slice(piece);
                }
                // It is too long for a record.
                Some(_) | None => line = None,
            }
            if !piece.ends_with(b"\n") {
                continue;
            }
            let ended = line.get_or_insert_default();
            let record = ended.strip_suffix(b"\n").and_then(Line::read);
            if let Some(record) = record.filter(Line::is_whole) {
                match record.kind {
                    b"sent" => return Ok(Later::Synced),
                    _other => found = Later::Unsynced,
                }
            }
            ended.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use crate::line::MAX_LINE;
    use crate::line::tape::Tape;
    use crate::line::time::{Clock, Stamp};

    use super::*;

    #[test]
    fn records_after_a_line_that_is_too_long_are_found_wherever_it_stands() {
        let mut tape = Tape::after(Head::before_first("c"));
        let mut clock = Clock::new("0123456789ab", Stamp(0));
        tape.line(&mut clock, "sent", |_| {});
        let mut bits = [0; 8];
        getrandom::fill(&mut bits).unwrap();
        let name = format!("dropgate-walk-{:016x}", u64::from_le_bytes(bits));
        let path = std::env::temp_dir().join(name);
        // What fits into a line is read at once, and what does not comes with the next chunk.
        for short_of_a_line in [0, 6, 500, 5000] {
            let mut bytes = vec![b'\n'; CHUNK - MAX_LINE + short_of_a_line];
            bytes.resize(CHUNK + MAX_LINE, b'x');
            bytes.push(b'\n');
            for _ in 0..3 {
                bytes.extend_from_slice(tape.bytes());
            }
            File::create(&path).unwrap().write_all(&bytes).unwrap();
            let found = later(&mut File::open(&path).unwrap(), 0).unwrap();
            assert_eq!(found, Later::Synced, "{short_of_a_line}");
        }
        std::fs::remove_file(&path).unwrap();
    }
}
