//! One direction of the relay: lines are read into a buffer, judged there, and
//! written from there. What passes is never copied.

use std::ops::Range;
use std::task::{Context, Poll};

use dropgate_process::memory::prefer_huge_pages;
use dropgate_wire::{Limits, Line, LineBuffer, Retain};

use crate::endpoint::{Endpoint, Moved};

/// Messages of our own that may wait for a slow reader before its peer is no
/// longer listened to.
const MAX_OWN_BYTES: usize = 1 << 20;

/// The most that one read takes, bytes. What is read is looked at right away,
/// so it should still be in the processor's cache; but all that a pipe holds
/// should come at once, since each read makes way for the writer, which then
/// takes the processor.
const MAX_READ: usize = 256 << 10;
/// A buffer that is larger than this, bytes, is given back when it is not used.
const STEADY_FOOTPRINT: usize = 256 << 10;

/// The reading side: a source and the lines that it brought.
#[derive(Debug)]
pub(crate) struct Intake {
    source: Option<Endpoint>,
    pub(crate) lines: LineBuffer,
    /// Positions of judged lines that pass and are not yet written.
    run: Range<usize>,
    cut: Cut,
    /// Up to here lines were judged.
    judged: usize,
}

/// Where writing a run has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    /// Between two messages.
    Boundary,
    /// Inside a message, which nothing of ours may interrupt.
    Inside,
}

impl Intake {
    pub(crate) fn new(source: Endpoint, limits: Limits) -> Self {
        Self {
            source: Some(source),
            lines: LineBuffer::retaining(limits, Retain::UntilShrunk).preparing(prefer_huge_pages),
            run: 0..0,
            cut: Cut::Boundary,
            judged: 0,
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.source.is_some()
    }

    /// Whether lines that passed still wait to be written.
    pub(crate) fn is_held_up(&self) -> bool {
        !self.run.is_empty()
    }

    /// Reads once. After the end, `next_line` still gives what is buffered.
    pub(crate) fn read(&mut self, regardless: Regard) -> Moved {
        let Some(source) = &self.source else {
            return Moved::Closed;
        };
        let room = self.lines.spare();
        let most = room.len().min(MAX_READ);
        let room = &mut room[..most];
        let moved = match regard(regardless, source, room) {
            Moved::Bytes(count) => {
                self.lines.filled(count);
                Moved::Bytes(count)
            }
            nothing @ (Moved::NotNow | Moved::Closed) => nothing,
        };
        if moved == Moved::Closed {
            self.source = None;
        }
        moved
    }

    pub(crate) fn next_line(&mut self) -> Option<Line> {
        match self.source {
            Some(_) => self.lines.next_line(),
            None => self.lines.finish(),
        }
    }

    /// The line from `start` to `end` passes.
    pub(crate) fn pass(&mut self, start: usize, end: usize) {
        if self.run.is_empty() {
            self.run = start..end;
        } else {
            self.run.end = end;
        }
        self.judged = end;
    }

    /// The line that ends at `end` goes nowhere: the run before it is taken as
    /// bytes of our own. Called while lines are judged, so before any of the
    /// run is written.
    pub(crate) fn leave_out(&mut self, end: usize, onto: &mut Outlet) {
        if !self.run.is_empty() && onto.sink.is_some() {
            onto.own
                .extend_from_slice(self.lines.bytes(self.run.clone()));
        }
        self.run = 0..0;
        self.judged = end;
    }

    /// Whether whoever writes to this intake is gone, though what it wrote may
    /// not be read yet.
    pub(crate) fn writer_is_gone(&self) -> bool {
        self.source.as_ref().is_some_and(Endpoint::peer_is_gone)
    }

    /// Whether a long line left the buffer large.
    pub(crate) fn is_roomy(&self) -> bool {
        self.lines.footprint() > STEADY_FOOTPRINT
    }

    /// Gives the memory of long lines back to the system.
    pub(crate) fn trim(&mut self) {
        self.lines.shrink();
    }

    /// Forgets what was judged, once nothing of it waits to be written.
    fn release(&mut self) {
        self.run = 0..0;
        self.cut = Cut::Boundary;
        self.lines.release(self.judged);
    }

    pub(crate) fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.source
            .as_ref()
            .map_or(Poll::Pending, |source| source.poll_readable(cx))
    }
}

/// Whether a read trusts what the last wait said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Regard {
    Readiness,
    Nothing,
}

fn regard(regard: Regard, source: &Endpoint, room: &mut [u8]) -> Moved {
    match regard {
        Regard::Readiness => source.read(room),
        Regard::Nothing => source.read_regardless(room),
    }
}

/// What became of an outlet's backlog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outflow {
    /// All is written.
    Clear,
    /// The reader is slow; something waits.
    Waiting,
    /// Nobody reads any more.
    Broken,
}

/// The writing side: a sink, and messages of our own that wait for a boundary
/// between the messages that pass.
#[derive(Debug)]
pub(crate) struct Outlet {
    sink: Option<Endpoint>,
    own: Vec<u8>,
    own_written: usize,
}

impl Outlet {
    pub(crate) fn new(sink: Endpoint) -> Self {
        Self {
            sink: Some(sink),
            own: Vec::new(),
            own_written: 0,
        }
    }

    /// Adds a whole message of our own.
    pub(crate) fn say(&mut self, message: &[u8]) {
        if self.sink.is_some() {
            self.own.extend_from_slice(message);
        }
    }

    /// Whether so much of our own waits that no more cause for it is taken in.
    pub(crate) fn is_congested(&self) -> bool {
        self.own.len() - self.own_written > MAX_OWN_BYTES
    }

    pub(crate) fn has_backlog(&self) -> bool {
        self.own.len() > self.own_written
    }

    pub(crate) fn is_open(&self) -> bool {
        self.sink.is_some()
    }

    /// Closes the sink at once; what waits is dropped.
    pub(crate) fn close(&mut self) {
        self.sink = None;
        self.own = Vec::new();
        self.own_written = 0;
    }

    /// Writes our own messages and the intake's run, as far as they go, and
    /// never one inside the other.
    pub(crate) fn flush(&mut self, intake: &mut Intake) -> Outflow {
        if self.sink.is_none() {
            self.own.clear();
            self.own_written = 0;
            intake.release();
            return Outflow::Broken;
        }
        if intake.cut == Cut::Boundary {
            match self.flush_own() {
                Outflow::Clear => {}
                stuck @ (Outflow::Waiting | Outflow::Broken) => return stuck,
            }
        }
        while !intake.run.is_empty() {
            let moved = match &self.sink {
                Some(sink) => sink.write(intake.lines.bytes(intake.run.clone())),
                None => Moved::Closed,
            };
            match moved {
                Moved::Bytes(count) => {
                    intake.run.start += count;
                    intake.cut = Cut::Inside;
                }
                Moved::NotNow => return Outflow::Waiting,
                Moved::Closed => {
                    self.close();
                    intake.release();
                    return Outflow::Broken;
                }
            }
        }
        intake.release();
        self.flush_own()
    }

    /// Writes our own messages, as far as they go.
    pub(crate) fn flush_own(&mut self) -> Outflow {
        while self.has_backlog() {
            let Some(sink) = &self.sink else {
                return Outflow::Broken;
            };
            match sink.write(&self.own[self.own_written..]) {
                Moved::Bytes(count) => self.own_written += count,
                Moved::NotNow => return Outflow::Waiting,
                Moved::Closed => {
                    self.close();
                    return Outflow::Broken;
                }
            }
        }
        self.own.clear();
        self.own_written = 0;
        if self.own.capacity() > MAX_OWN_BYTES {
            self.own = Vec::new();
        }
        Outflow::Clear
    }

    pub(crate) fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.sink
            .as_ref()
            .map_or(Poll::Pending, |sink| sink.poll_writable(cx))
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::os::fd::OwnedFd;

    use rustix::pipe::{PipeFlags, fcntl_setpipe_size, pipe_with};

    use super::*;

    /// A pipe that holds one page, so that every long write is cut.
    fn narrow_pipe() -> (OwnedFd, OwnedFd) {
        let (read, write) = pipe_with(PipeFlags::CLOEXEC).expect("a pipe");
        fcntl_setpipe_size(&write, 4096).expect("one page");
        (read, write)
    }

    struct Bench {
        feed: Option<std::fs::File>,
        intake: Intake,
        outlet: Outlet,
        drain: std::fs::File,
        seen: Vec<u8>,
    }

    impl Bench {
        fn new() -> Self {
            let (from, feed) = pipe_with(PipeFlags::CLOEXEC).expect("a pipe");
            let (drain, to) = narrow_pipe();
            Self {
                feed: Some(feed.into()),
                intake: Intake::new(Endpoint::own(from).expect("registers"), Limits::default()),
                outlet: Outlet::new(Endpoint::own(to).expect("registers")),
                drain: drain.into(),
                seen: Vec::new(),
            }
        }

        fn feed(&mut self, text: &str) {
            let feed = self.feed.as_mut().expect("still open");
            feed.write_all(text.as_bytes()).expect("fits the pipe");
            assert!(matches!(self.intake.read(Regard::Nothing), Moved::Bytes(_)));
        }

        /// Judges what was read: lines that begin with a dash do not pass.
        fn judge(&mut self) {
            while let Some(Line::Whole(span, end)) = self.intake.next_line() {
                if self.intake.lines.bytes(span.clone()).starts_with(b"-") {
                    self.intake.leave_out(end, &mut self.outlet);
                } else {
                    self.intake.pass(span.start, end);
                }
            }
        }

        /// Reads what fits the narrow pipe, so that more can be written.
        fn make_way(&mut self) {
            let mut page = [0; 4096];
            let count = self.drain.read(&mut page).expect("something is there");
            self.seen.extend_from_slice(&page[..count]);
        }

        fn has_backlog(&self) -> bool {
            use rustix::event::{PollFd, PollFlags, Timespec, poll};
            let mut fds = [PollFd::new(&self.drain, PollFlags::IN)];
            let now = Timespec {
                tv_sec: 0,
                tv_nsec: 0,
            };
            poll(&mut fds, Some(&now)).expect("polls") > 0
        }

        async fn flush_all(&mut self) {
            while self.outlet.flush(&mut self.intake) == Outflow::Waiting {
                // At first nothing is full: the endpoint only has to hear so.
                if self.has_backlog() {
                    self.make_way();
                }
                std::future::poll_fn(|cx| self.outlet.poll_writable(cx)).await;
            }
        }

        fn lines(mut self) -> Vec<String> {
            self.outlet.close();
            self.drain.read_to_end(&mut self.seen).expect("ends");
            let text = String::from_utf8(self.seen).expect("what was written");
            text.lines().map(str::to_owned).collect()
        }
    }

    #[tokio::test]
    async fn a_message_of_our_own_never_lands_inside_another() {
        let long = "x".repeat(10_000);
        let mut bench = Bench::new();
        bench.feed(&format!("{long}\nsecond\n"));
        bench.judge();
        std::future::poll_fn(|cx| bench.outlet.poll_writable(cx)).await;
        // Stops inside the first message, as the pipe is full.
        assert_eq!(bench.outlet.flush(&mut bench.intake), Outflow::Waiting);
        bench.outlet.say(b"own\n");
        bench.flush_all().await;
        bench.outlet.say(b"own again\n");
        bench.feed("third\n");
        bench.judge();
        bench.flush_all().await;
        assert_eq!(
            bench.lines(),
            [&long, "second", "own", "own again", "third"]
        );
    }

    #[tokio::test]
    async fn a_line_that_is_left_out_leaves_the_others_whole() {
        let mut bench = Bench::new();
        bench.feed("one\n-no\ntwo\n-neither\nthree\n");
        bench.judge();
        bench.flush_all().await;
        assert_eq!(bench.lines(), ["one", "two", "three"]);
    }

    #[tokio::test]
    async fn nobody_reading_is_told_and_nothing_waits_any_more() {
        let mut bench = Bench::new();
        bench.feed("one\n");
        bench.judge();
        let (unread, _) = narrow_pipe();
        bench.drain = unread.into();
        std::future::poll_fn(|cx| bench.outlet.poll_writable(cx)).await;
        assert_eq!(bench.outlet.flush(&mut bench.intake), Outflow::Broken);
        assert!(!bench.intake.is_held_up() && !bench.outlet.is_open());
    }

    #[tokio::test]
    async fn answers_for_a_host_that_does_not_read_are_bounded() {
        let mut bench = Bench::new();
        let answer = vec![b'a'; 64 << 10];
        let mut said = 0;
        while !bench.outlet.is_congested() {
            bench.outlet.say(&answer);
            said += answer.len();
            assert!(said <= MAX_OWN_BYTES + answer.len());
        }
        assert!(said > MAX_OWN_BYTES);
    }
}
