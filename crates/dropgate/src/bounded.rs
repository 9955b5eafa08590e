//! Files of somebody else's, read up to a limit.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// How long the whole of what comes through a pipe may take.
const PIPED_WITHIN: Duration = Duration::from_secs(2);

/// What becomes of a file that is a pipe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Pipes {
    /// It is read to its end, if that comes soon.
    #[default]
    Awaited,
    /// It is refused at once: whoever reads has others to look after.
    Refused,
}

/// Why a file was not read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotRead {
    #[error(transparent)]
    System(#[from] io::Error),
    #[error("larger than {0} bytes")]
    TooLarge(u64),
}

/// The whole of a file of at most so many bytes. What was looked up of its length before would
/// not hold for a file that grows, and a pipe has none; so the reading itself is bounded. A pipe
/// has to come to its end soon: one that nobody writes to is no empty file.
///
/// # Errors
/// It can't be read, or is larger, or its writer does not end.
pub(crate) fn read(path: &Path, most: u64) -> Result<Vec<u8>, NotRead> {
    read_with(Pipes::Awaited, path, most)
}

/// The same, where pipes may not be waited for.
///
/// # Errors
/// As of [`read`], and for a pipe that is refused.
pub(crate) fn read_with(pipes: Pipes, path: &Path, most: u64) -> Result<Vec<u8>, NotRead> {
    let no_wait = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or(0);
    let file = File::options()
        .read(true)
        .custom_flags(no_wait)
        .open(path)?;
    let mut bytes = Vec::new();
    match (file.metadata()?.file_type().is_fifo(), pipes) {
        (true, Pipes::Refused) => return Err(refused().into()),
        (true, Pipes::Awaited) => read_pipe(&file, most.saturating_add(1), &mut bytes)?,
        (false, _) => {
            file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
        }
    }
    if bytes.len() as u64 > most {
        return Err(NotRead::TooLarge(most));
    }
    Ok(bytes)
}

fn read_pipe(pipe: &File, most: u64, bytes: &mut Vec<u8>) -> io::Result<()> {
    let until = Instant::now() + PIPED_WITHIN;
    let mut pipe = pipe.take(most);
    loop {
        let left = until.checked_duration_since(Instant::now());
        let left = left.and_then(|left| Timespec::try_from(left).ok());
        let left = left.ok_or_else(unended)?;
        let mut fds = [PollFd::new(pipe.get_ref(), PollFlags::IN)];
        // Nothing shows before there is a writer, and its end shows as well.
        if rustix::io::retry_on_intr(|| poll(&mut fds, Some(&left)))? == 0 {
            return Err(unended());
        }
        match pipe.read_to_end(bytes) {
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}

fn refused() -> io::Error {
    let why = "it is a pipe, which is not read again while the server runs; name a file instead";
    io::Error::new(io::ErrorKind::Unsupported, why)
}

fn unended() -> io::Error {
    let within = PIPED_WITHIN.as_secs();
    let why = format!("it is a pipe that nobody wrote to its end within {within} s");
    io::Error::new(io::ErrorKind::TimedOut, why)
}

/// What to do about a file that can't be read; begins with a semicolon.
pub(crate) fn what_to_do(why: &io::Error) -> &'static str {
    let known = [
        (io::ErrorKind::NotFound, "; check the path"),
        (io::ErrorKind::IsADirectory, "; name the file in it"),
        (io::ErrorKind::PermissionDenied, "; let this user read it"),
    ];
    let found = known.into_iter().find(|(kind, _)| *kind == why.kind());
    found.map_or("", |(_, advice)| advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_the_last_that_fits_and_what_never_ends_is_too_large() {
        let path = std::env::temp_dir().join(format!("dropgate-bounded-{}", std::process::id()));
        std::fs::write(&path, b"1234").unwrap();
        assert_eq!(read(&path, 4).unwrap(), b"1234");
        assert!(matches!(read(&path, 3), Err(NotRead::TooLarge(3))));
        std::fs::remove_file(&path).unwrap();
        assert!(matches!(read(&path, 3), Err(NotRead::System(_))));
        rustix::fs::mkfifoat(rustix::fs::CWD, &path, 0o600.into()).unwrap();
        let unended = read(&path, 4).unwrap_err().to_string();
        assert!(unended.contains("nobody wrote"), "{unended}");
        let writer = std::thread::spawn({
            let path = path.clone();
            move || std::fs::write(path, b"1234")
        });
        assert_eq!(read(&path, 4).unwrap(), b"1234");
        writer.join().unwrap().unwrap();
        std::fs::remove_file(&path).unwrap();
        let endless = Path::new("/dev/zero");
        assert!(matches!(read(endless, 1 << 16), Err(NotRead::TooLarge(_))));
    }
}
