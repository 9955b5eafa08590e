//! What the verbs print. With the relay's downstream the only module that
//! writes to standard output.

use std::io::{self, Write as _};

use serde::Serialize;

/// Prints text as it is, with a line end if it has none.
pub(crate) fn print(text: &str) {
    let mut stdout = io::stdout().lock();
    // A reader that went away, as `head` does, has seen what it wanted.
    let _reader_gone = stdout
        .write_all(text.as_bytes())
        .and_then(|()| {
            if text.ends_with('\n') {
                Ok(())
            } else {
                stdout.write_all(b"\n")
            }
        })
        .and_then(|()| stdout.flush());
}

/// Prints one JSON value on a line.
pub(crate) fn print_json(value: &impl Serialize) {
    match serde_json::to_string(value) {
        Ok(json) => print(&json),
        Err(error) => complain(&format!("can not write the result as JSON: {error}")),
    }
}

/// Whether what is printed goes to a terminal.
#[cfg(feature = "audit")]
pub(crate) fn goes_to_terminal() -> bool {
    use std::io::IsTerminal as _;
    io::stdout().is_terminal()
}

/// Prints one line to standard error.
pub(crate) fn complain(line: &str) {
    let _reader_gone = writeln!(io::stderr().lock(), "dropgate: {line}");
}
