//! Memory for secrets: in pages of their own, wiped at their end, in no dump and never swapped.
//!
//! Where the kernel has `memfd_secret`, nobody but the processes that map such pages can read them,
//! root and debuggers included. Elsewhere they are locked, left out of dumps and zero after a fork.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, fstat, ftruncate, memfd_create};

use crate::sys::pages::{self, Forks, Pages};

/// The most bytes of one piece.
pub const MAX_HIDDEN: usize = 4 << 20;

/// Memory of this process alone. Wiped when dropped.
pub struct Hidden {
    pages: Pages,
    protection: Protection,
}

/// How memory is kept from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// In pages that only this process's own page tables lead to.
    Secret,
    /// Locked in memory, in no dump; root can read it.
    Locked,
    /// In no dump, but it may be swapped out.
    Unlocked,
}

impl Hidden {
    /// So many bytes, all zero.
    ///
    /// # Errors
    /// Over [`MAX_HIDDEN`], or what may be locked (`RLIMIT_MEMLOCK`) is used up.
    pub fn new(bytes: usize) -> io::Result<Self> {
        within_bounds(bytes)?;
        match secret(bytes) {
            Ok((_, pages)) => Ok(Self {
                pages,
                protection: Protection::Secret,
            }),
            Err(_) => Self::locked(bytes),
        }
    }

    /// The same, or what is left where nothing may be locked: for what would otherwise stand in
    /// memory without any protection.
    ///
    /// # Errors
    /// Over [`MAX_HIDDEN`], or there is no memory at all.
    pub fn new_or_unlocked(bytes: usize) -> io::Result<Self> {
        Self::new(bytes).or_else(|_| {
            within_bounds(bytes)?;
            Self::unlocked(bytes)
        })
    }

    /// What there is without `memfd_secret`.
    fn locked(bytes: usize) -> io::Result<Self> {
        let mut hidden = Self::unlocked(bytes)?;
        hidden
            .pages
            .lock()
            .map_err(|error| not_locked(bytes, &error))?;
        hidden.protection = Protection::Locked;
        Ok(hidden)
    }

    fn unlocked(bytes: usize) -> io::Result<Self> {
        Ok(Self {
            pages: Pages::private(bytes)?,
            protection: Protection::Unlocked,
        })
    }

    /// How it is kept from others.
    #[must_use]
    pub fn protection(&self) -> Protection {
        self.protection
    }

    /// What is in it.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        self.pages.as_slice()
    }

    /// The same, to be written.
    #[must_use]
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        self.pages.as_mut_slice()
    }

    /// Overwrites all of it with zeros.
    pub fn wipe(&mut self) {
        self.pages.wipe();
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        self.pages.wipe();
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hidden({} bytes)", self.pages.as_slice().len())
    }
}

/// Memory that another process can be given, by its descriptor. Not wiped when dropped, since the
/// other may still need it; the kernel clears it when nobody has it any more.
pub struct HiddenFile {
    file: OwnedFd,
    pages: Pages,
}

impl HiddenFile {
    /// So many bytes, all zero; kept out of swap as far as that is allowed.
    ///
    /// # Errors
    /// Over [`MAX_HIDDEN`], or there is no memory at all.
    pub fn new(bytes: usize) -> io::Result<Self> {
        within_bounds(bytes)?;
        if let Ok((file, pages)) = secret(bytes) {
            return Ok(Self { file, pages });
        }
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        let file = memfd_create("hidden", flags)?;
        ftruncate(&file, u64::try_from(bytes).unwrap_or(u64::MAX))?;
        // Whoever is given the file could otherwise cut the pages from under those who map it.
        fcntl_add_seals(&file, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?;
        let pages = Pages::of_file(file.as_fd(), bytes)?;
        pages.leave_out_of_dumps(Forks::MayRead)?;
        // What is handed on came from memory of its own, where a lock that is needed was asked for.
        let _not_allowed_more = pages.lock();
        Ok(Self { file, pages })
    }

    /// The memory behind a descriptor that was handed on by [`Self::new`] of the same program.
    ///
    /// # Errors
    /// When it is no such memory, or over [`MAX_HIDDEN`].
    pub fn open(file: OwnedFd) -> io::Result<Self> {
        let size = fstat(&file)?.st_size;
        let bytes = usize::try_from(size).map_err(|_| io::ErrorKind::InvalidData)?;
        if bytes == 0 {
            return Err(io::ErrorKind::InvalidData.into());
        }
        within_bounds(bytes)?;
        let pages = Pages::of_file(file.as_fd(), bytes)?;
        Ok(Self { file, pages })
    }

    /// What is in it.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        self.pages.as_slice()
    }

    /// The same, to be written. Only its maker writes, and before it hands the memory on.
    #[must_use]
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        self.pages.as_mut_slice()
    }

    /// Overwrites all of it with zeros, for whoever else has it as well.
    pub fn wipe(&mut self) {
        self.pages.wipe();
    }
}

impl AsFd for HiddenFile {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl fmt::Debug for HiddenFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HiddenFile({} bytes)", self.pages.as_slice().len())
    }
}

/// Pages of `memfd_secret`, and their file.
fn secret(bytes: usize) -> io::Result<(OwnedFd, Pages)> {
    let file = pages::secret_file(bytes)?;
    let pages = Pages::of_file(file.as_fd(), bytes)?;
    Ok((file, pages))
}

fn not_locked(bytes: usize, error: &io::Error) -> io::Error {
    io::Error::new(
        error.kind(),
        format!("{bytes} bytes of memory for secrets can't be locked ({error}); raise `ulimit -l`"),
    )
}

fn within_bounds(bytes: usize) -> io::Result<()> {
    if bytes > MAX_HIDDEN {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "more than 4 MiB of secrets",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_hold_what_is_written_and_are_wiped() {
        let all = [
            Hidden::new(5000),
            Hidden::locked(5000),
            Hidden::unlocked(5000),
        ];
        for hidden in all {
            let mut hidden = hidden.expect("memory");
            assert!(hidden.as_slice().iter().all(|byte| *byte == 0));
            hidden.as_mut_slice()[4990..].fill(b'x');
            assert_eq!(hidden.as_slice()[4999], b'x');
            hidden.wipe();
            assert!(hidden.as_slice().iter().all(|byte| *byte == 0));
        }
    }

    #[test]
    fn a_file_is_the_same_memory_on_both_sides() {
        let mut ours = HiddenFile::new(4097).expect("memory");
        ours.as_mut_slice()[4096] = b'z';
        let theirs = ours.as_fd().try_clone_to_owned().expect("a descriptor");
        let theirs = HiddenFile::open(theirs).expect("memory");
        assert_eq!(theirs.as_slice()[4096], b'z');
        assert!(ftruncate(&theirs, 0).is_err());
        drop(ours);
        assert_eq!(theirs.as_slice()[4096], b'z');
    }

    #[test]
    fn too_much_and_nothing_are_refused() {
        assert!(Hidden::new(MAX_HIDDEN + 1).is_err());
        assert!(Hidden::new(MAX_HIDDEN / 4).is_ok());
        let null = std::fs::File::open("/dev/null").expect("null");
        assert!(HiddenFile::open(null.into()).is_err());
    }
}
