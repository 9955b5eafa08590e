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
    let pointers = pointers(argv);
    // SAFETY: every pointer comes from a CString that outlives the call, and
    // the array ends with a null pointer, as execvp requires.
    unsafe { libc::execvp(program.as_ptr(), pointers.as_ptr()) };
    io::Error::last_os_error()
}

/// As [`exec`], with these variables, `NAME=VALUE`, as the whole environment. The program is still
/// looked up in this process's own `PATH`.
pub(crate) fn exec_with(argv: &[CString], environment: &[CString]) -> io::Error {
    let Some(program) = argv.first() else {
        return io::Error::from_raw_os_error(libc::ENOENT);
    };
    let (arguments, variables) = (pointers(argv), pointers(environment));
    // SAFETY: every pointer comes from a CString that outlives the call, and both arrays end with a
    // null pointer, as execvpe requires.
    unsafe { libc::execvpe(program.as_ptr(), arguments.as_ptr(), variables.as_ptr()) };
    io::Error::last_os_error()
}

fn pointers(texts: &[CString]) -> Vec<*const libc::c_char> {
    let ended = [ptr::null()];
    texts
        .iter()
        .map(|text| text.as_ptr())
        .chain(ended)
        .collect()
}
