//! How far a chain is known to have come. Beside its segments stands the last head that was on
//! the disk, so that a segment which somebody emptied or cut is not taken for one that a crash
//! left short. It is written after the records that it speaks of, so it never promises too much.

use std::fs::File;
use std::os::unix::fs::FileExt as _;

use crate::folder::{Folder, FolderError};
use crate::line::hash::{Hash, Head};

const FILE: &str = "head";
/// A number of twenty digits, a space, a hash, a line's end: always the same, so it is written in place.
const SIZE: usize = 20 + 1 + 64 + 1;

/// The mark in the hands of a chain's writer.
pub(crate) struct Mark {
    file: Option<File>,
}

impl Mark {
    /// The mark of a chain, as it stands. Without a file of its own a chain is only less well covered.
    pub(crate) fn open(chain: &Folder) -> Self {
        Self {
            file: chain.write_or_create(FILE).ok(),
        }
    }

    /// All records up to this one are on the disk. Costs one write into the kernel's hands; an
    /// older mark is true as well, so a disk that takes none is no failure.
    pub(crate) fn set(&self, head: &Head) {
        if let Some(file) = &self.file {
            let text = format!("{:020} {}\n", head.seq, head.hash);
            let _an_older_one_stays = file.write_all_at(text.as_bytes(), 0);
        }
    }

    /// What stands there; nothing if that can't be read or was never written.
    pub(crate) fn read(chain: &Folder) -> Result<Option<Head>, FolderError> {
        let bytes = chain.small(FILE, SIZE)?;
        Ok(bytes.and_then(|bytes| {
            let text = bytes.strip_suffix(b"\n")?;
            let (seq, hash) = (text.get(..20)?, text.get(21..)?);
            Some(Head {
                seq: std::str::from_utf8(seq).ok()?.parse().ok()?,
                hash: Hash::parse(hash)?,
            })
        }))
    }
}

/// Whether records are missing that were on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    Full,
    /// So many should be there.
    Short(u64),
}

/// Holds the end that a chain has against its mark.
pub(crate) fn reach(mark: Option<&Head>, end: u64) -> Reach {
    match mark {
        Some(mark) if mark.seq > end => Reach::Short(mark.seq),
        Some(_) | None => Reach::Full,
    }
}
