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

/// Unmaps the pages of code and of constants of this process, which the kernel maps again when they
/// are needed.
///
/// `maps` is the text of `/proc/self/maps`, and lines that it cuts are left out.
pub(crate) fn give_back_code(maps: &str) {
    for (start, length) in maps.lines().filter_map(code) {
        let start = std::ptr::without_provenance_mut::<libc::c_void>(start);
        // SAFETY: the range is a private mapping of a file, as the kernel has just listed it, which
        // this process was never allowed to write, so that each of its pages is as in the file; an
        // access to one maps it again. A range that has gone is an error that changes nothing, and
        // none comes in its place, as code is mapped and unmapped at the start only.
        unsafe { libc::madvise(start, length, libc::MADV_DONTNEED) };
    }
}

/// Start and length of a mapping of a file's that was never written: its code, or its beginning,
/// which holds constants. What the loader wrote to and then made read-only lies further on.
fn code(line: &str) -> Option<(usize, usize)> {
    let mut words = line.split_ascii_whitespace();
    let (start, end) = words.next()?.split_once('-')?;
    match (words.next()?, words.next()?) {
        ("r-xp", _) | ("r--p", "00000000") => {}
        _written_or_unmapped => return None,
    }
    let path = words.nth(2)?;
    if !path.starts_with('/') {
        return None;
    }
    let number = |text| usize::from_str_radix(text, 16).ok();
    let (start, end) = (number(start)?, number(end)?);
    Some((start, end.checked_sub(start)?))
}

pub(crate) fn page_size() -> Option<usize> {
    // SAFETY: the call only reads a constant of the running system.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(size)
        .ok()
        .filter(|size| size.is_power_of_two())
}
