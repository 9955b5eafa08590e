//! The program's standard streams, none of which is ever waited for alone.

use std::io;
use std::os::fd::OwnedFd;

use dropgate_process::StandardStreams;
use dropgate_wire::{Limits, Line, LineBuffer};
use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;

use super::inbox::{Inbox, Kind};

/// What may wait to be read by the program; a reply over it is dropped.
const MAX_OUTGOING: usize = 1 << 20;

/// How much of the end of stderr is kept.
const TAIL: usize = 4 << 10;

/// Reads of one stream in one turn, so that a flood on one does not starve the others.
const READS: usize = 16;

/// What the program's stdout is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stdout {
    Messages,
    Log,
}

#[derive(Debug)]
pub(crate) struct Pipes {
    stdin: Option<OwnedFd>,
    outgoing: Vec<u8>,
    stdout: Option<OwnedFd>,
    stdout_ended: bool,
    kind: Stdout,
    lines: LineBuffer,
    stderr: Option<OwnedFd>,
    tail: Vec<u8>,
    stray: u64,
}

impl Pipes {
    pub(crate) fn new(streams: StandardStreams, kind: Stdout) -> io::Result<Self> {
        let StandardStreams {
            stdin,
            stdout,
            stderr,
        } = streams;
        for pipe in [&stdin, &stdout, &stderr] {
            rustix::io::ioctl_fionbio(pipe, true)?;
        }
        Ok(Self {
            stdin: Some(stdin),
            outgoing: Vec::new(),
            stdout: Some(stdout),
            stdout_ended: false,
            kind,
            lines: LineBuffer::new(Limits::default()),
            stderr: Some(stderr),
            tail: Vec::new(),
            stray: 0,
        })
    }

    /// Puts a line in line for the program's stdin.
    pub(crate) fn send(&mut self, line: &[u8]) {
        if self.stdin.is_some() && self.outgoing.len() + line.len() < MAX_OUTGOING {
            self.outgoing.extend_from_slice(line);
            self.outgoing.push(b'\n');
        }
    }

    pub(crate) fn close_stdin(&mut self) {
        self.stdin = None;
        self.outgoing.clear();
    }

    /// What the kernel does to the pipes of a host that died.
    pub(crate) fn close(&mut self) {
        self.close_stdin();
        self.stdout = None;
        self.stderr = None;
    }

    /// What to wait for.
    pub(crate) fn watch<'a>(&'a self, fds: &mut Vec<PollFd<'a>>) {
        if let Some(stdin) = self.stdin.as_ref().filter(|_| !self.outgoing.is_empty()) {
            fds.push(PollFd::new(stdin, PollFlags::OUT));
        }
        for stream in [&self.stdout, &self.stderr].into_iter().flatten() {
            fds.push(PollFd::new(stream, PollFlags::IN));
        }
    }

    /// Moves what can be moved without waiting.
    pub(crate) fn turn(&mut self, inbox: &mut Inbox) {
        self.write();
        self.read_stdout(inbox);
        self.read_stderr();
    }

    /// Whether stdout has ended by the doing of the program.
    pub(crate) fn stdout_ended(&self) -> bool {
        self.stdout_ended
    }

    /// Whether both streams of the program have ended.
    pub(crate) fn ended(&self) -> bool {
        self.stdout.is_none() && self.stderr.is_none()
    }

    /// Lines on stdout that were no messages.
    pub(crate) fn stray(&self) -> u64 {
        self.stray
    }

    /// The last lines on stderr, at most 8 of at most 300 characters.
    pub(crate) fn last_lines(&self) -> Vec<String> {
        let text = String::from_utf8_lossy(&self.tail);
        let lines: Vec<&str> = text
            .lines()
            .filter(|line| !line.trim().is_empty())
            .collect();
        let last = lines.iter().skip(lines.len().saturating_sub(8));
        last.map(|line| {
            line.chars()
                .filter(|char| !char.is_control())
                .take(300)
                .collect()
        })
        .collect()
    }

    fn write(&mut self) {
        let Some(stdin) = self.stdin.as_ref().filter(|_| !self.outgoing.is_empty()) else {
            return;
        };
        match rustix::io::write(stdin, &self.outgoing) {
            Ok(written) => drop(self.outgoing.drain(..written)),
            Err(Errno::AGAIN | Errno::INTR) => {}
            // Nobody reads any more; what that means is seen elsewhere.
            Err(_) => self.close_stdin(),
        }
    }

    fn read_stdout(&mut self, inbox: &mut Inbox) {
        for _ in 0..READS {
            let Some(stdout) = &self.stdout else { return };
            match rustix::io::read(stdout, self.lines.spare()) {
                Ok(count @ 1..) => self.lines.filled(count),
                Err(Errno::AGAIN) => return,
                Err(Errno::INTR) => continue,
                Ok(0) | Err(_) => {
                    self.stdout = None;
                    self.stdout_ended = true;
                }
            }
            while let Some(line) = self.next_line() {
                self.take_line(&line, inbox);
            }
        }
    }

    fn next_line(&mut self) -> Option<Line> {
        match self.stdout {
            Some(_) => self.lines.next_line(),
            None => self.lines.finish(),
        }
    }

    fn take_line(&mut self, line: &Line, inbox: &mut Inbox) {
        let (kind, end) = match line {
            Line::Whole(span, end) => {
                let kind = match self.kind {
                    Stdout::Messages => inbox.take(self.lines.bytes(span.clone())),
                    Stdout::Log => Kind::Message,
                };
                (kind, *end)
            }
            Line::TooLong { end, .. } => (Kind::Stray, *end),
        };
        self.stray += u64::from(kind == Kind::Stray);
        self.lines.release(end);
    }

    fn read_stderr(&mut self) {
        let mut buffer = [0; 64 << 10];
        for _ in 0..READS {
            let Some(stderr) = &self.stderr else { return };
            match rustix::io::read(stderr, &mut buffer) {
                Ok(count @ 1..) => {
                    self.tail
                        .extend_from_slice(buffer.get(..count).unwrap_or_default());
                    let excess = self.tail.len().saturating_sub(TAIL);
                    self.tail.drain(..excess);
                }
                Err(Errno::AGAIN) => return,
                Err(Errno::INTR) => {}
                Ok(0) | Err(_) => self.stderr = None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rustix::pipe::pipe;

    use super::*;

    /// Pipes, and the ends that a program would hold.
    fn pipes() -> (Pipes, [OwnedFd; 3]) {
        let (theirs, stdin) = pipe().unwrap();
        let (stdout, their_stdout) = pipe().unwrap();
        let (stderr, their_stderr) = pipe().unwrap();
        let streams = StandardStreams {
            stdin,
            stdout,
            stderr,
        };
        let pipes = Pipes::new(streams, Stdout::Messages).unwrap();
        (pipes, [theirs, their_stdout, their_stderr])
    }

    #[test]
    fn what_nobody_reads_is_dropped_at_the_limit() {
        let (mut pipes, _theirs) = pipes();
        let line = vec![b'x'; MAX_OUTGOING / 2 - 1];
        for (lines, held) in [(1, 1), (2, 2), (3, 2)] {
            pipes.send(&line);
            assert_eq!(pipes.outgoing.len(), held * (line.len() + 1), "{lines}");
        }
    }

    #[test]
    fn the_end_of_stderr_is_kept_line_by_line() {
        let (mut pipes, [_, _, stderr]) = pipes();
        rustix::io::write(&stderr, "é".repeat(TAIL).as_bytes()).unwrap();
        pipes.turn(&mut Inbox::default());
        assert_eq!(pipes.tail.len(), TAIL);
        rustix::io::write(&stderr, b"\n").unwrap();
        for line in 0..20 {
            rustix::io::write(&stderr, format!("{line}\x1b[0m\n\n").as_bytes()).unwrap();
        }
        pipes.turn(&mut Inbox::default());
        let lines = pipes.last_lines();
        assert_eq!((lines.len(), lines[0].as_str()), (8, "12[0m"));
    }

    #[test]
    fn the_end_of_stdout_is_the_doing_of_the_program_or_not() {
        let (mut pipes, [_stdin, stdout, _stderr]) = pipes();
        rustix::io::write(&stdout, b"no message\nnor this").unwrap();
        pipes.turn(&mut Inbox::default());
        assert_eq!((pipes.stray(), pipes.stdout_ended()), (1, false));
        drop(stdout);
        pipes.turn(&mut Inbox::default());
        assert_eq!((pipes.stray(), pipes.stdout_ended()), (2, true));

        let (mut given_up, _theirs) = self::pipes();
        given_up.close();
        assert!(given_up.ended() && !given_up.stdout_ended());
    }
}
