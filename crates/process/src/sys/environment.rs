//! The block of variables that the kernel gave this process at its start, as `/proc` shows it.

use std::ffi::CStr;
use std::io;
use std::marker::PhantomData;
use std::ptr;

use super::pages::wipe;
use crate::procfs::{self, Stat};

// SAFETY: the C library defines the list with this type and name on Linux.
unsafe extern "C" {
    /// The C library's list of variables, ended by a null pointer.
    static mut environ: *mut *mut libc::c_char;
}

/// Proof that the thread which holds it is the only one of this process. It can't be sent to
/// another thread, and its holder starts none.
pub(crate) struct Alone(PhantomData<*const ()>);

impl Alone {
    /// # Errors
    /// There are other threads, or nobody can say.
    pub(crate) fn proved() -> io::Result<Self> {
        Self::among(Stat::read(procfs::own_pid()).map(|stat| stat.threads))
    }

    fn among(threads: Option<u32>) -> io::Result<Self> {
        let why = match threads {
            Some(1) => return Ok(Self(PhantomData)),
            Some(_) => "it can only be changed while there is one thread",
            None => "/proc does not show this process; mount it (proc, with this process's pids)",
        };
        Err(io::Error::other(why))
    }
}

/// Calls `found` with each variable, `NAME=VALUE`.
pub(crate) fn each(_alone: &Alone, mut found: impl FnMut(&[u8])) {
    // SAFETY: by `Alone` no other thread exists that could change the C library's list while it is
    // read; it and the texts in it live as long as the process.
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
pub(crate) fn withdraw(
    _alone: &Alone,
    chosen: impl Fn(&[u8]) -> Chosen,
    mut take: impl FnMut(&[u8]),
) {
    // SAFETY: by `Alone` no other thread exists that could read or change the list. The list and
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn why_nobody_is_known_to_be_alone_is_said() {
        assert!(Alone::among(Some(1)).is_ok());
        for (threads, why) in [(Some(2), "one thread"), (None, "/proc does not show")] {
            let error = Alone::among(threads).err().unwrap();
            assert!(error.to_string().contains(why), "{error}");
        }
    }
}
