//! Advice to the kernel about memory that a caller owns.

use std::mem::MaybeUninit;

/// Says that this memory is better mapped in huge pages. Only whole pages of it
/// are meant. A kernel that has none, or none to spare, goes on as it was.
pub(crate) fn prefer_huge_pages(memory: &mut [MaybeUninit<u8>]) {
    let Some(page) = page_size() else { return };
    let skipped = memory.as_ptr().align_offset(page);
    let Some(inner) = memory.get_mut(skipped..) else {
        return;
    };
    let length = inner.len() / page * page;
    // SAFETY: the range is part of a live slice that is borrowed exclusively
    // and begins and ends at pages; the advice changes neither what is in it
    // nor who may use it, and a range that the kernel won't take is an error
    // that changes nothing.
    unsafe { libc::madvise(inner.as_mut_ptr().cast(), length, libc::MADV_HUGEPAGE) };
}

pub(crate) fn page_size() -> Option<usize> {
    // SAFETY: the call only reads a constant of the running system.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(size)
        .ok()
        .filter(|size| size.is_power_of_two())
}
