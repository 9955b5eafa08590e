//! Lines from a pipe or FIFO, waited for with a limit.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// Reads lines and waits for them by polling.
pub struct Lines {
    source: File,
    pending: Vec<u8>,
}

impl Lines {
    /// Lines of `source`, which must be a pipe, a FIFO or a socket.
    #[must_use]
    pub fn new(source: OwnedFd) -> Self {
        Self {
            source: File::from(source),
            pending: Vec::new(),
        }
    }

    /// The next line without its end; `None` when the source has ended. A last line without an
    /// end is dropped.
    ///
    /// # Errors
    /// [`io::ErrorKind::TimedOut`] when no line came `within` the time, or the error of reading.
    pub fn next(&mut self, within: Duration) -> io::Result<Option<Vec<u8>>> {
        let deadline = Instant::now() + within;
        let mut chunk = [0; 65_536];
        let mut searched = 0;
        loop {
            let end = self.pending[searched..]
                .iter()
                .position(|byte| *byte == b'\n');
            if let Some(end) = end {
                let mut line: Vec<u8> = self.pending.drain(..=searched + end).collect();
                line.pop();
                return Ok(Some(line));
            }
            searched = self.pending.len();
            self.wait(deadline)?;
            match self.source.read(&mut chunk) {
                Ok(0) => return Ok(None),
                Ok(read) => self.pending.extend_from_slice(&chunk[..read]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn wait(&self, deadline: Instant) -> io::Result<()> {
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout = Timespec::try_from(left).map_err(io::Error::other)?;
        let mut fds = [PollFd::new(&self.source, PollFlags::IN)];
        match poll(&mut fds, Some(&timeout)) {
            Ok(0) => Err(io::Error::new(
                io::ErrorKind::TimedOut,
                format!(
                    "no whole line in time; so far: {:?}",
                    String::from_utf8_lossy(&self.pending[..self.pending.len().min(200)])
                ),
            )),
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
