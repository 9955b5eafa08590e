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
    /// The file ends after a whole line, or what follows that is room made ready for lines:
    /// [line ends](FILLER) and nothing else.
    End(u64),
}

/// What stands in the place of lines that are to come.
pub(crate) const FILLER: u8 = b'\n';

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
            if ended && self.line.len() == 1 && from > 0 && self.only_filler_follows()? {
                return Ok(Next::End(from));
            }
            if ended {
                return Ok(Next::Line(from, &self.line[..self.line.len() - 1]));
            }
        }
    }

    /// Goes past all filler, and says whether the file ends behind it.
    fn only_filler_follows(&mut self) -> io::Result<bool> {
        use std::io::BufRead as _;
        loop {
            let there = match self.from.fill_buf() {
                Ok(there) => there,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let filler = there.iter().take_while(|byte| **byte == FILLER).count();
            let ends = filler == there.len();
            let is_last = there.is_empty();
            self.from.consume(filler);
            self.at += u64::try_from(filler).unwrap_or_default();
            if is_last || !ends {
                return Ok(is_last);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<String> {
        let mut lines = Lines::new(text.as_bytes(), 0);
        let mut seen = Vec::new();
        loop {
            match lines.next().unwrap() {
                Next::Line(at, raw) => {
                    seen.push(format!("{at} {}", String::from_utf8_lossy(raw)));
                }
                Next::Odd(at) => return [seen, vec![format!("odd {at}")]].concat(),
                Next::End(at) => return [seen, vec![format!("end {at}")]].concat(),
            }
        }
    }

    #[test]
    fn filler_ends_a_file_and_hides_nothing_behind_it() {
        for (text, seen) in [
            ("", &["end 0"][..]),
            ("\n\n", &["0 ", "end 1"]),
            ("a\n", &["0 a", "end 2"]),
            ("a\n\n\n\n", &["0 a", "end 2"]),
            ("a\n\n\nb\n", &["0 a", "2 ", "4 b", "end 6"]),
            ("a\n\nb", &["0 a", "2 ", "odd 3"]),
            ("a\nb", &["0 a", "odd 2"]),
        ] {
            assert_eq!(of(text), seen, "{text:?}");
        }
        let long = format!("a\n{}", "\n".repeat(3 * ROOM));
        assert_eq!(of(&long), ["0 a", "end 2"]);
        let hiding = format!("{long}b\n");
        assert_eq!(of(&hiding).len(), 4, "an empty line, and what it hides");
    }
}
