//! Files of somebody else's, read up to a limit.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// A file of at most so many bytes, or `None` where it is larger. A file may grow while it is read, so the reading itself is bounded.
/// A pipe that nobody writes to is not waited for.
///
/// # Errors
/// When it can't be read.
pub(crate) fn read(path: &Path, most: u64) -> io::Result<Option<Vec<u8>>> {
    let no_wait = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or(0);
    let file = File::options()
        .read(true)
        .custom_flags(no_wait)
        .open(path)?;
    let mut content = Vec::new();
    file.take(most.saturating_add(1))
        .read_to_end(&mut content)?;
    Ok((content.len() as u64 <= most).then_some(content))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_the_last_that_fits() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        let size = std::fs::metadata(&path).unwrap().len();
        assert!(read(&path, size).unwrap().is_some());
        assert!(read(&path, size - 1).unwrap().is_none());
        assert!(read(Path::new("/dev/zero"), 1 << 16).unwrap().is_none());
    }

    #[test]
    fn a_pipe_that_nobody_writes_to_is_empty() {
        let path = std::env::temp_dir().join(format!("dropgate-pipe-{}", std::process::id()));
        let mode = rustix::fs::Mode::RUSR;
        rustix::fs::mkfifoat(rustix::fs::CWD, &path, mode).unwrap();
        let content = read(&path, 16);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(content.unwrap().unwrap(), b"");
    }
}
