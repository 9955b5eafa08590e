//! How far a chain is known to have come. Beside its segments stands the last head that was on
//! the disk, so that a segment which somebody emptied or cut is not taken for one that a crash
//! left short. It is written after the records that it speaks of, so it never promises too much.

use std::fs::File;
use std::os::unix::fs::FileExt as _;

use crate::folder::{Folder, FolderError, system};
use crate::line::hash::{Hash, Head};

const FILE: &str = "head";
/// A number of twenty digits, a space, a hash, a line's end: always the same, so it is written in place.
const SIZE: usize = 20 + 1 + 64 + 1;
/// How often a mark is read anew that changes meanwhile.
const MOST_READS: usize = 64;

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
        let Some(file) = chain.read_if_there(FILE)? else {
            return Ok(None);
        };
        let mut before = None;
        for _ in 0..MOST_READS {
            let mut text = [0; SIZE];
            let length = file
                .read_at(&mut text, 0)
                .map_err(|source| system(&chain.path().join(FILE), source))?;
            if length < SIZE {
                return Ok(None);
            }
            // The chain's writer may be writing at this moment: what stood there twice was whole.
            if before == Some(text) {
                return Ok(parsed(&text));
            }
            before = Some(text);
        }
        Ok(None)
    }
}

fn parsed(text: &[u8; SIZE]) -> Option<Head> {
    let text = text.strip_suffix(b"\n")?;
    let (seq, hash) = (text.get(..20)?, text.get(21..)?);
    Some(Head {
        seq: std::str::from_utf8(seq).ok()?.parse().ok()?,
        hash: Hash::parse(hash)?,
    })
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    struct Place(std::path::PathBuf);

    impl Place {
        fn new() -> Self {
            let mut bits = [0; 8];
            getrandom::fill(&mut bits).expect("random numbers");
            let name = format!("dropgate-mark-{:016x}", u64::from_le_bytes(bits));
            Self(std::env::temp_dir().join(name))
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_mark_that_is_being_written_is_read_whole() {
        let place = Place::new();
        let chain = Folder::make(&place.0).unwrap();
        let mark = Mark::open(&chain);
        let heads = [b'a', b'b'].map(|letter| Head {
            seq: u64::from(letter),
            hash: Hash::parse(&[letter; 64]).unwrap(),
        });
        mark.set(&heads[0]);
        let ended = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !ended.load(Ordering::Relaxed) {
                    heads.iter().for_each(|head| mark.set(head));
                }
            });
            for _ in 0..20_000 {
                if let Some(read) = Mark::read(&chain).unwrap() {
                    let letter = u8::try_from(read.seq).unwrap();
                    assert_eq!(
                        read.hash.to_string(),
                        char::from(letter).to_string().repeat(64)
                    );
                }
            }
            ended.store(true, Ordering::Relaxed);
        });
    }

    #[test]
    fn a_mark_that_is_cut_short_is_none() {
        let place = Place::new();
        let chain = Folder::make(&place.0).unwrap();
        assert!(Mark::read(&chain).unwrap().is_none());
        std::fs::write(place.0.join(FILE), "7 a").unwrap();
        assert!(Mark::read(&chain).unwrap().is_none());
    }
}
