//! Pages for values that must not be found anywhere else: mapped between two pages that nobody may
//! touch, never swapped, in no core dump.

use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd};
use std::ptr::{self, NonNull};
use std::sync::atomic::{Ordering, compiler_fence};

use super::memory::page_size;

/// One mapping, given back to the kernel with its end.
#[derive(Debug)]
pub(crate) struct Pages {
    /// The first usable byte.
    start: NonNull<u8>,
    bytes: usize,
    /// Where the reserved range begins, a page before `start`.
    reserved: NonNull<libc::c_void>,
    total: usize,
}

/// What a forked child finds in the pages. Those of a file can't be made zero for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Forks {
    GetZeros,
    MayRead,
}

// SAFETY: the mapping belongs to this value alone, as the memory of a Box does; bytes are written
// only through `&mut self`.
unsafe impl Send for Pages {}
// SAFETY: as above; `&self` gives only shared slices.
unsafe impl Sync for Pages {}

impl Pages {
    /// Pages of this process alone, left out of dumps, zero in a forked child.
    pub(crate) fn private(bytes: usize) -> io::Result<Self> {
        let pages = Self::map(None, bytes)?;
        pages.leave_out_of_dumps(Forks::GetZeros)?;
        Ok(pages)
    }

    /// The pages of a memory file, seen by every process that maps it.
    ///
    /// The file is `bytes` long and stays so: that of `secret_file` by itself, others by a seal.
    pub(crate) fn of_file(file: BorrowedFd<'_>, bytes: usize) -> io::Result<Self> {
        Self::map(Some(file), bytes)
    }

    /// Keeps the pages out of swap.
    pub(crate) fn lock(&self) -> io::Result<()> {
        let (start, length) = self.usable();
        // SAFETY: the range is exactly the mapping of this value.
        if unsafe { libc::mlock(start, length) } < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(())
    }

    /// Keeps the pages out of dumps.
    pub(crate) fn leave_out_of_dumps(&self, forks: Forks) -> io::Result<()> {
        let advice: &[libc::c_int] = match forks {
            Forks::GetZeros => &[libc::MADV_DONTDUMP, libc::MADV_WIPEONFORK],
            Forks::MayRead => &[libc::MADV_DONTDUMP],
        };
        let (start, length) = self.usable();
        for one in advice {
            // SAFETY: the range is exactly the mapping of this value, and these kinds of advice
            // change no byte in this process.
            if unsafe { libc::madvise(start, length, *one) } < 0 {
                return Err(io::Error::last_os_error());
            }
        }
        Ok(())
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        // SAFETY: `bytes` bytes from `start` are mapped readable and initialised by the kernel, and
        // live as long as this value. Processes that share a file take turns: its maker is done
        // writing when it hands the file on, and the one that wipes it is the last to use it.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.bytes) }
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [u8] {
        // SAFETY: as above, mapped writable, and borrowed exclusively.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.bytes) }
    }

    /// Overwrites all of it, in a way that is never optimised away.
    pub(crate) fn wipe(&mut self) {
        wipe(self.as_mut_slice());
    }

    /// Where the usable pages begin, and how long they are together.
    fn usable(&self) -> (*mut libc::c_void, usize) {
        let page = self.start.as_ptr() as usize - self.reserved.as_ptr() as usize;
        (self.start.as_ptr().cast(), self.total - 2 * page)
    }

    fn map(file: Option<BorrowedFd<'_>>, bytes: usize) -> io::Result<Self> {
        let page = page_size().ok_or(io::ErrorKind::Unsupported)?;
        let length = bytes
            .max(1)
            .checked_next_multiple_of(page)
            .ok_or(io::ErrorKind::InvalidInput)?;
        let total = length + 2 * page;
        let reserve = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: a new mapping at an address of the kernel's choice touches no other.
        let base = unsafe { libc::mmap(ptr::null_mut(), total, libc::PROT_NONE, reserve, -1, 0) };
        let reserved = mapped(base)?;
        let (flags, fd) = match file {
            Some(file) => (libc::MAP_SHARED, file.as_raw_fd()),
            None => (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1),
        };
        let usable = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: the address is a page into the range reserved just above, which has room for
        // `length` and a page more; only that range is replaced.
        let start = unsafe {
            let at = reserved.as_ptr().byte_add(page);
            libc::mmap(at, length, usable, flags | libc::MAP_FIXED, fd, 0)
        };
        match mapped(start) {
            Ok(start) => Ok(Self {
                start: start.cast(),
                bytes,
                reserved,
                total,
            }),
            Err(error) => {
                // SAFETY: the range was reserved above, and nothing refers to it.
                unsafe { libc::munmap(reserved.as_ptr(), total) };
                Err(error)
            }
        }
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: the range is this value's own, and no slice of it outlives the value.
        unsafe { libc::munmap(self.reserved.as_ptr(), self.total) };
    }
}

/// A memory file whose pages only the processes that map it can read: not even the kernel's own map
/// of all memory has them.
///
/// # Errors
/// `ENOSYS` where the kernel has no such files or was told to give none.
pub(crate) fn secret_file(bytes: usize) -> io::Result<OwnedFd> {
    // SAFETY: the call takes one flag and returns a new descriptor or an error.
    let fd = unsafe { libc::syscall(libc::SYS_memfd_secret, libc::O_CLOEXEC) };
    let fd = i32::try_from(fd).unwrap_or(-1);
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel just returned this descriptor, and nobody else has it.
    let file = unsafe { OwnedFd::from_raw_fd(fd) };
    rustix::fs::ftruncate(&file, u64::try_from(bytes).unwrap_or(u64::MAX))?;
    Ok(file)
}

/// Overwrites bytes with zeros, in a way that is never optimised away.
pub(crate) fn wipe(bytes: &mut [u8]) {
    for byte in bytes.iter_mut() {
        // SAFETY: the pointer comes from a live exclusive reference.
        unsafe { ptr::write_volatile(byte, 0) };
    }
    compiler_fence(Ordering::SeqCst);
}

fn mapped(address: *mut libc::c_void) -> io::Result<NonNull<libc::c_void>> {
    if address == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    NonNull::new(address).ok_or_else(|| io::ErrorKind::AddrNotAvailable.into())
}
