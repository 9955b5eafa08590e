//! One segment: a file of lines, written at its end by one thread.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use rustix::fs::FallocateFlags;

use crate::folder::{Folder, FolderError};

/// A segment that is being written.
pub(crate) struct Segment {
    file: File,
    number: u64,
    length: u64,
    reserved: u64,
    faults: Option<Arc<dyn Faults>>,
}

/// Faults of a disk, put in by tests.
pub(crate) trait Faults: Send + Sync {
    /// Before a write of so many bytes: how many of them get through before which error.
    fn write(&self, bytes: usize) -> Option<(usize, io::Error)>;
    /// Before a sync. May block.
    fn sync(&self) -> Option<io::Error>;
    /// Before a segment is made.
    fn create(&self) -> Option<io::Error>;
}

/// So much is set aside at a time, beyond the file's logical end: programs that
/// read the file see whole lines only, and a write needs no new blocks.
const SET_ASIDE: u64 = 1 << 20;

impl Segment {
    pub(crate) fn create(
        folder: &Folder,
        number: u64,
        faults: Option<Arc<dyn Faults>>,
    ) -> io::Result<Self> {
        if let Some(error) = faults.as_ref().and_then(|faults| faults.create()) {
            return Err(error);
        }
        let file = folder.create(&name(number)).map_err(FolderError::into_io)?;
        // Without its name in the folder a file is lost with the power.
        folder.sync().map_err(FolderError::into_io)?;
        Ok(Self {
            file,
            number,
            length: 0,
            reserved: 0,
            faults,
        })
    }

    /// Goes on after `length` bytes of a segment that is there.
    pub(crate) fn resume(
        folder: &Folder,
        number: u64,
        length: u64,
        faults: Option<Arc<dyn Faults>>,
    ) -> Result<Self, FolderError> {
        Ok(Self {
            file: folder.write(&name(number))?,
            number,
            length,
            reserved: length,
            faults,
        })
    }

    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// How many bytes of lines it holds.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// Appends lines. After an error none of them count, whatever got through.
    pub(crate) fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        self.set_aside(lines.len());
        if let Some((through, error)) = self.faults.as_ref().and_then(|f| f.write(lines.len())) {
            let through = lines.get(..through).unwrap_or_default();
            self.file.write_all_at(through, self.length)?;
            return Err(error);
        }
        self.file.write_all_at(lines, self.length)?;
        self.length += u64::try_from(lines.len()).unwrap_or_default();
        Ok(())
    }

    pub(crate) fn sync(&mut self) -> io::Result<()> {
        if let Some(error) = self.faults.as_ref().and_then(|faults| faults.sync()) {
            return Err(error);
        }
        self.file.sync_data()
    }

    /// Cuts off what stands after `length`, with all that was set aside.
    pub(crate) fn cut(&mut self, length: u64) -> io::Result<()> {
        self.file.set_len(length)?;
        self.length = length;
        self.reserved = length;
        Ok(())
    }

    /// A file system that can't set space aside is as good; the write itself tells of a full one.
    fn set_aside(&mut self, more: usize) {
        let needed = self.length + u64::try_from(more).unwrap_or_default();
        if needed <= self.reserved {
            return;
        }
        let to = needed.next_multiple_of(SET_ASIDE);
        let _not_supported = rustix::fs::fallocate(
            &self.file,
            FallocateFlags::KEEP_SIZE,
            self.length,
            to - self.length,
        );
        self.reserved = to;
    }
}

/// The most segments of one chain that are looked at.
pub(crate) const MOST_SEGMENTS: usize = 16_384;

/// A segment's file name.
pub(crate) fn name(number: u64) -> String {
    format!("{number:08}.jsonl")
}

/// The number in such a name, also of its companions.
pub(crate) fn number(name: &str, extension: &str) -> Option<u64> {
    let digits = name.strip_suffix(extension)?.strip_suffix('.')?;
    let plain = digits.len() == 8 && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}
