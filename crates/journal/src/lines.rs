//! The lines of a file, one after another, whatever the file holds.

use std::io::{self, BufReader, Read};

use crate::line::MAX_LINE;

/// Reads lines of at most [`MAX_LINE`] bytes from anything.
pub(crate) struct Lines<R> {
    from: BufReader<R>,
    line: Vec<u8>,
    at: u64,
}

/// What comes next.
pub(crate) enum Next<'a> {
    /// A line without its line end, and where it begins.
    Line(u64, &'a [u8]),
    /// Bytes that are no line: too long, or without a line end. Nothing is read after them.
    Odd(u64),
    /// The file ends after a whole line.
    End(u64),
}

const ROOM: usize = 64 * 1024;

impl<R: Read> Lines<R> {
    /// From here on, which is `at` bytes into the file.
    pub(crate) fn new(from: R, at: u64) -> Self {
        Self {
            from: BufReader::with_capacity(ROOM, from),
            line: Vec::new(),
            at,
        }
    }

    pub(crate) fn next(&mut self) -> io::Result<Next<'_>> {
        use std::io::BufRead as _;
        let from = self.at;
        // The line before this one is taken out of the buffer only now, since it was lent.
        self.line.clear();
        loop {
            let there = match self.from.fill_buf() {
                Ok(there) => there,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if there.is_empty() {
                return Ok(if self.line.is_empty() {
                    Next::End(from)
                } else {
                    Next::Odd(from)
                });
            }
            let (taken, ended) = match memchr::memchr(b'\n', there) {
                Some(end) => (end + 1, true),
                None => (there.len(), false),
            };
            if self.line.len() + taken > MAX_LINE {
                return Ok(Next::Odd(from));
            }
            self.line.extend_from_slice(&there[..taken]);
            self.from.consume(taken);
            self.at += u64::try_from(taken).unwrap_or_default();
            if ended {
                return Ok(Next::Line(from, &self.line[..self.line.len() - 1]));
            }
        }
    }
}
