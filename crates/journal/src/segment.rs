//! One segment: a file of lines, written at its end by one thread.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use rustix::fs::FallocateFlags;
use rustix::io::Errno;

use crate::chain::Chain;
use crate::folder::{Folder, FolderError, system};
use crate::line::scan::Line;
use crate::lines::{FILLER, Lines, Next};
use crate::record::Fields;

/// A segment that is being written.
pub(crate) struct Segment {
    file: File,
    number: u64,
    length: u64,
    reserved: u64,
    /// Up to here the file holds lines, and then filler.
    filled: u64,
    /// How often it was synced.
    syncs: u32,
    faults: Option<Arc<dyn Faults>>,
}

/// Faults of a disk, put in by tests.
pub(crate) trait Faults: Send + Sync {
    /// Before a write of so many bytes: how many of them get through before which error.
    fn write(&self, bytes: usize) -> Option<(usize, io::Error)>;
    /// Before a sync. May block.
    fn sync(&self) -> Option<io::Error>;
    /// Before room is set aside.
    fn set_aside(&self) -> Option<io::Error>;
    /// Before a segment is made.
    fn create(&self) -> Option<io::Error>;
    /// Before its name is synced.
    fn name(&self) -> Option<io::Error>;
}

/// So much is set aside at a time, beyond the file's logical end: programs that
/// read the file see whole lines only, and a write needs no new blocks.
const SET_ASIDE: u64 = 1 << 20;
/// A sync that finds its blocks written before, and the file as long as it was, is one write to the
/// disk: without that the file system has to record both, which takes it half as long again. So
/// much filler is written at a time for those who sync often.
const FILL: u64 = 256 << 10;
/// Not before so many syncs.
const OFTEN: u32 = 32;
static ROOM: [u8; FILL as usize] = [FILLER; FILL as usize];
/// The file of a segment that is to follow.
const NEXT: &str = "next";

impl Segment {
    pub(crate) fn create(
        folder: &Folder,
        number: u64,
        faults: Option<Arc<dyn Faults>>,
    ) -> io::Result<Self> {
        let segment = Self::made(folder, &name(number), number, faults)?;
        segment.named(folder)
    }

    /// One that is to [follow](Self::follow), with so much room, and is no segment until then.
    pub(crate) fn prepare(
        folder: &Folder,
        room: u64,
        faults: Option<Arc<dyn Faults>>,
    ) -> io::Result<Self> {
        folder.remove(NEXT).map_err(FolderError::into_io)?;
        let mut segment = Self::made(folder, NEXT, 0, faults)?;
        let whole = segment.set_aside(room);
        if whole.is_err() {
            // A file system can have given a part of it, which is then what the disk lacks.
            let _again_at_the_next_attempt = folder.remove(NEXT);
        }
        whole.map(|()| segment)
    }

    fn made(
        folder: &Folder,
        name: &str,
        number: u64,
        faults: Option<Arc<dyn Faults>>,
    ) -> io::Result<Self> {
        if let Some(error) = faults.as_ref().and_then(|faults| faults.create()) {
            return Err(error);
        }
        Ok(Self {
            file: folder.create(name).map_err(FolderError::into_io)?,
            number,
            length: 0,
            reserved: 0,
            filled: 0,
            syncs: 0,
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
        let file = folder.write(&name(number))?;
        // What a writer that was killed had filled is of use; all else behind the lines was cut off.
        let filled = file.metadata().map_or(length, |about| about.len());
        Ok(Self {
            file,
            number,
            length,
            reserved: length,
            filled: filled.max(length),
            syncs: 0,
            faults,
        })
    }

    /// Becomes the segment of this number.
    pub(crate) fn follow(mut self, folder: &Folder, number: u64) -> io::Result<Self> {
        folder
            .rename(NEXT, &name(number))
            .map_err(FolderError::into_io)?;
        self.number = number;
        self.named(folder)
    }

    /// Without its name in the folder a file is lost with the power.
    fn named(self, folder: &Folder) -> io::Result<Self> {
        let synced = match self.faults.as_ref().and_then(|faults| faults.name()) {
            Some(error) => Err(error),
            None => folder.sync().map_err(FolderError::into_io),
        };
        if synced.is_err() {
            // The next attempt makes it anew.
            let _name_stays_taken = folder.remove(&name(self.number));
        }
        synced.map(|()| self)
    }

    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// How many bytes of lines it holds.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// Where the room ends that is set aside.
    pub(crate) fn room_end(&self) -> u64 {
        self.reserved
    }

    /// Appends lines, if so much room stays behind them. After an error none of them count,
    /// whatever got through.
    pub(crate) fn append(&mut self, lines: &[u8], keep: u64) -> io::Result<()> {
        self.set_aside(lines.len() as u64 + keep)?;
        if let Some((through, error)) = self.faults.as_ref().and_then(|f| f.write(lines.len())) {
            let through = lines.get(..through).unwrap_or_default();
            self.file.write_all_at(through, self.length)?;
            return Err(error);
        }
        self.file.write_all_at(lines, self.length)?;
        self.length += u64::try_from(lines.len()).unwrap_or_default();
        self.filled = self.filled.max(self.length);
        Ok(())
    }

    /// Makes what was appended durable.
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        self.syncs = self.syncs.saturating_add(1);
        if self.syncs > OFTEN && self.filled - self.length < FILL / 4 {
            self.fill();
        }
        if let Some(error) = self.faults.as_ref().and_then(|faults| faults.sync()) {
            return Err(error);
        }
        self.file.sync_data()
    }

    /// Fills some of the room behind the lines. Without that a sync takes longer, and no more.
    fn fill(&mut self) {
        let to = (self.length + FILL).min(self.reserved);
        let more = usize::try_from(to.saturating_sub(self.filled)).unwrap_or_default();
        let filler = ROOM.get(..more).unwrap_or_default();
        if self.file.write_all_at(filler, self.filled).is_ok() {
            self.filled = self.filled.max(to);
        }
    }

    /// Cuts off what stands after `length`, with all that was set aside.
    pub(crate) fn cut(&mut self, length: u64) -> io::Result<()> {
        self.file.set_len(length)?;
        self.length = length;
        self.reserved = length;
        self.filled = length;
        Ok(())
    }

    /// Takes away what got through of a write that failed. What is set aside stays, unless the file
    /// had to be cut.
    pub(crate) fn cut_excess(&mut self) -> io::Result<()> {
        if self.file.metadata()?.len() > self.filled {
            return self.cut(self.length);
        }
        // It got no further than the filler, which is put back.
        let mut at = self.length;
        while at < self.filled {
            let piece = usize::try_from(self.filled - at).unwrap_or(usize::MAX);
            let filler = ROOM.get(..piece).unwrap_or(&ROOM);
            self.file.write_all_at(filler, at)?;
            at += filler.len() as u64;
        }
        Ok(())
    }

    /// Sets room aside behind the lines. A file system that can't do that is as good; the write
    /// itself tells of a full one.
    pub(crate) fn set_aside(&mut self, more: u64) -> io::Result<()> {
        let needed = self.length + more;
        if needed <= self.reserved {
            return Ok(());
        }
        if let Some(error) = self.faults.as_ref().and_then(|faults| faults.set_aside()) {
            return Err(error);
        }
        let mut full = io::Error::from(io::ErrorKind::StorageFull);
        for to in [needed.next_multiple_of(SET_ASIDE), needed] {
            let keep_size = FallocateFlags::KEEP_SIZE;
            let set = rustix::io::retry_on_intr(|| {
                rustix::fs::fallocate(&self.file, keep_size, self.length, to - self.length)
            });
            match set {
                Err(errno @ (Errno::NOSPC | Errno::DQUOT)) => full = errno.into(),
                Ok(()) | Err(_) => {
                    self.reserved = to;
                    return Ok(());
                }
            }
        }
        Err(full)
    }
}

/// Gives back the room of files that hold no records: a successor that was not needed, and what
/// earlier versions held in reserve.
pub(crate) fn remove_unused(chain: &Folder) {
    for name in [NEXT, "reserve"] {
        let _again_at_the_next_start = chain.remove(name);
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

/// What the first line of a segment says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct First {
    pub(crate) seq: u64,
    begins: Begins,
}

#[derive(Clone, Copy, Debug)]
enum Begins {
    AfterTheEnd,
    /// The one before it could not be written on.
    InPlaceOfTheEnd,
}

impl First {
    /// Of this segment; nothing if it has no first line yet.
    pub(crate) fn of(chain: &Chain, number: u64) -> Result<Option<Self>, FolderError> {
        let path = chain.folder.path().join(name(number));
        let mut lines = Lines::new(chain.folder.read(&name(number))?, 0);
        let next = lines.next().map_err(|source| system(&path, source))?;
        let Next::Line(_, raw) = next else {
            return Ok(None);
        };
        Ok(Line::read(raw).map(|line| Self {
            seq: line.seq,
            begins: if line.kind == b"segment" && Fields::read(raw).poisoned {
                Begins::InPlaceOfTheEnd
            } else {
                Begins::AfterTheEnd
            },
        }))
    }

    /// From which record on it stands in place of the end of the segment before it, if it does.
    pub(crate) fn in_place_of(self) -> Option<u64> {
        match self.begins {
            Begins::InPlaceOfTheEnd => Some(self.seq),
            Begins::AfterTheEnd => None,
        }
    }
}
