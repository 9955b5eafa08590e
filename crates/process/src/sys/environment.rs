//! The block of variables that the kernel gave this process at its start, as `/proc` shows it.

use std::ffi::CStr;
use std::ptr;

use super::pages::wipe;

// SAFETY: the C library defines the list with this type and name on Linux.
unsafe extern "C" {
    /// The C library's list of variables, ended by a null pointer.
    static mut environ: *mut *mut libc::c_char;
}

/// Calls `found` with the length of each variable that is chosen, `NAME=VALUE`.
///
/// The caller must be the only thread of this process: [`withdraw`] changes the list.
pub(crate) fn each(mut found: impl FnMut(&[u8])) {
    // SAFETY: the C library's list is read while no other thread exists that could change it; it
    // and the texts in it live as long as the process.
    unsafe {
        let mut at = environ;
        while !at.is_null() && !(*at).is_null() {
            found(CStr::from_ptr(*at).to_bytes());
            at = at.add(1);
        }
    }
}

/// Takes the variables that `chosen` names out of the list and overwrites their values where the
/// kernel put them. `take` gets each, `NAME=VALUE`, before that.
///
/// The caller must be the only thread of this process.
pub(crate) fn withdraw(chosen: impl Fn(&[u8]) -> Chosen, mut take: impl FnMut(&[u8])) {
    // SAFETY: no other thread exists that could read or change the list meanwhile. The list and
    // the texts in it are writable memory of this process that is never freed; an entry only moves
    // toward the beginning, so the null pointer at the end stays the end.
    unsafe {
        let mut from = environ;
        let mut to = environ;
        while !from.is_null() && !(*from).is_null() {
            let text = *from;
            let length = CStr::from_ptr(text).to_bytes().len();
            let bytes = std::slice::from_raw_parts_mut(text.cast::<u8>(), length);
            match chosen(bytes) {
                Chosen::No => {
                    *to = text;
                    to = to.add(1);
                }
                Chosen::Yes { name } => {
                    take(bytes);
                    wipe(bytes.get_mut(name..).unwrap_or_default());
                }
            }
            from = from.add(1);
        }
        if !to.is_null() {
            *to = ptr::null_mut();
        }
    }
}

/// Whether a variable is taken out.
pub(crate) enum Chosen {
    No,
    /// It is; its name is so many bytes long, and everything after it is overwritten.
    Yes {
        name: usize,
    },
}
