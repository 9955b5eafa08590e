//! Becoming another program.

use std::ffi::CString;
use std::io;
use std::ptr;

/// Replaces this process by the program `argv[0]`, looked up in `PATH` as a
/// shell would, with this process's environment. Returns only on failure.
pub(crate) fn exec(argv: &[CString]) -> io::Error {
    let Some(program) = argv.first() else {
        return io::Error::from_raw_os_error(libc::ENOENT);
    };
    let mut pointers: Vec<*const libc::c_char> = argv.iter().map(|arg| arg.as_ptr()).collect();
    pointers.push(ptr::null());
    // SAFETY: every pointer comes from a CString that outlives the call, and
    // the array ends with a null pointer, as execvp requires.
    unsafe { libc::execvp(program.as_ptr(), pointers.as_ptr()) };
    io::Error::last_os_error()
}
