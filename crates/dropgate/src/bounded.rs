//! Files of somebody else's, read up to a limit.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

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
/// that nobody writes to is not waited for.
///
/// # Errors
/// It can't be read, or is larger.
pub(crate) fn read(path: &Path, most: u64) -> Result<Vec<u8>, NotRead> {
    let no_wait = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or(0);
    let file = File::options()
        .read(true)
        .custom_flags(no_wait)
        .open(path)?;
    let mut bytes = Vec::new();
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(NotRead::TooLarge(most));
    }
    Ok(bytes)
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
        let endless = Path::new("/dev/zero");
        assert!(matches!(read(endless, 1 << 16), Err(NotRead::TooLarge(_))));
    }
}
