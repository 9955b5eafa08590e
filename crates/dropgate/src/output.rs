//! What the verbs print. With the relay's downstream the only module that
//! writes to standard output.

use std::borrow::Cow;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::sync::OnceLock;

use serde::Serialize;

use crate::visible::visible;

/// Why something that was printed did not get out.
static NOT_WRITTEN: OnceLock<io::Error> = OnceLock::new();

/// Prints text as it is, with a line end if it has none. What can't be written is kept for
/// [`not_written`].
pub(crate) fn print(text: &str) {
    let mut stdout = io::stdout().lock();
    let end: &[u8] = if text.ends_with('\n') { b"" } else { b"\n" };
    let written = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.write_all(end))
        .and_then(|()| stdout.flush());
    match written {
        Ok(()) => {}
        // A reader that went away, as `head` does, has seen what it wanted.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        Err(error) => {
            let _the_first_reason_is_kept = NOT_WRITTEN.set(error);
        }
    }
}

/// Why what was printed is not all there, if it is not: a verb whose result is cut has failed.
pub(crate) fn not_written() -> Option<&'static io::Error> {
    NOT_WRITTEN.get()
}

/// Prints one JSON value on a line.
pub(crate) fn print_json(value: &impl Serialize) {
    match serde_json::to_string(value) {
        Ok(json) => print(&json),
        Err(error) => complain(&format!("can not write the result as JSON: {error}")),
    }
}

/// Whether a file is this process's standard output. A device such as /dev/null may be shared.
pub(crate) fn is_stdout(file: &fs::Metadata) -> bool {
    let stdout = rustix::fs::fstat(io::stdout());
    !file.file_type().is_char_device()
        && stdout.is_ok_and(|stdout| (stdout.st_dev, stdout.st_ino) == (file.dev(), file.ino()))
}

/// Whether what is printed goes to a terminal.
#[cfg(feature = "audit")]
pub(crate) fn goes_to_terminal() -> bool {
    use std::io::IsTerminal as _;
    io::stdout().is_terminal()
}

/// The longest line of a complaint, bytes. Longer ones repeat what somebody else wrote.
const MAX_COMPLAINT: usize = 4096;

/// A text that is short enough to be shown to people.
pub(crate) fn shortened(line: &str) -> Cow<'_, str> {
    if line.len() <= MAX_COMPLAINT {
        return Cow::Borrowed(line);
    }
    let cut = line.floor_char_boundary(MAX_COMPLAINT);
    Cow::Owned(format!("{}…", line.get(..cut).unwrap_or_default()))
}

/// Prints one line to standard error, or several. Nothing in it is obeyed by a terminal.
pub(crate) fn complain(line: &str) {
    let lines: Vec<String> = shortened(line).split('\n').map(visible).collect();
    let _reader_gone = writeln!(io::stderr().lock(), "dropgate: {}", lines.join("\n"));
}
