//! Lines from a pipe or FIFO, waited for with a limit.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// Longest line that is read, in bytes.
pub const MAX_LINE: usize = 16 << 20;

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
    /// [`io::ErrorKind::TimedOut`] when no line came `within` the time,
    /// [`io::ErrorKind::InvalidData`] when one is longer than [`MAX_LINE`], or the error of reading.
    pub fn next(&mut self, within: Duration) -> io::Result<Option<Vec<u8>>> {
        let deadline = Instant::now() + within;
        let mut chunk = [0; 65_536];
        let mut searched = 0;
        loop {
            let end = self.pending[searched..]
                .iter()
                .position(|byte| *byte == b'\n');
            if end.map_or(self.pending.len(), |end| searched + end) > MAX_LINE {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!("a line is longer than {MAX_LINE} bytes"),
                ));
            }
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    const SOON: Duration = Duration::from_secs(20);

    fn written(parts: Vec<Vec<u8>>) -> Lines {
        let (read, mut write) = io::pipe().unwrap();
        std::thread::spawn(move || {
            for part in parts {
                // The reader leaves early when it has seen enough.
                if write.write_all(&part).is_err() {
                    return;
                }
            }
        });
        Lines::new(read.into())
    }

    #[test]
    fn lines_end_where_they_end_and_a_torn_one_is_dropped() {
        let mut lines = written(vec![b"a".to_vec(), b"b\n\nc\nd".to_vec()]);
        for expected in [&b"ab"[..], b"", b"c"] {
            assert_eq!(lines.next(SOON).unwrap().unwrap(), expected);
        }
        assert_eq!(lines.next(SOON).unwrap(), None);
    }

    #[test]
    fn a_line_at_the_limit_is_read_and_one_over_it_refused() {
        let longest = vec![b'x'; MAX_LINE];
        let mut lines = written(vec![
            longest.clone(),
            b"\n".to_vec(),
            longest,
            b"x\n".to_vec(),
        ]);
        assert_eq!(lines.next(SOON).unwrap().unwrap().len(), MAX_LINE);
        // Only the length is told when this fails: the line itself would fill the report.
        let refused = lines.next(SOON).map(|line| line.map(|line| line.len()));
        assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn silence_is_told_with_what_came_so_far() {
        let (read, mut write) = io::pipe().unwrap();
        write.write_all(b"half").unwrap();
        let error = Lines::new(read.into())
            .next(Duration::from_millis(1))
            .unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(error.to_string().contains("half"));
    }
}
