//! One direction of the relay: lines are read into a buffer, judged there, and
//! written from there. What passes is never copied.

use std::collections::VecDeque;
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
    /// What was judged and is not yet written, in order.
    pieces: VecDeque<Piece>,
    cut: Cut,
    /// Up to here lines were judged.
    judged: usize,
}

/// Something that has to be recorded first. Later ones are greater, and are never released before
/// earlier ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Hold(pub(crate) u64);

impl Hold {
    /// Nothing: it is released from the beginning.
    pub(crate) const NONE: Self = Self(0);
}

/// Whole messages, or what is left of them.
#[derive(Debug)]
struct Piece {
    what: Content,
    hold: Hold,
}

#[derive(Debug)]
enum Content {
    /// As they came: positions in the buffer.
    Lines(Range<usize>),
    /// In the place of one that came, and how much of it is written.
    Instead(Box<[u8]>, usize),
}

/// Where writing has come to.
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
            pieces: VecDeque::new(),
            cut: Cut::Boundary,
            judged: 0,
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.source.is_some()
    }

    /// Whether lines that passed still wait to be written.
    pub(crate) fn is_held_up(&self) -> bool {
        !self.pieces.is_empty()
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
        self.judged = end;
        if let Some(Piece {
            what: Content::Lines(lines),
            hold: Hold::NONE,
        }) = self.pieces.back_mut()
            && lines.end == start
        {
            lines.end = end;
            return;
        }
        self.push(Content::Lines(start..end), Hold::NONE);
    }

    /// As [`pass`](Self::pass), but neither this line nor what comes after it is written before
    /// `hold` is released.
    pub(crate) fn pass_after(&mut self, start: usize, end: usize, hold: Hold) {
        self.judged = end;
        self.push(Content::Lines(start..end), hold);
    }

    /// The line that ends at `end` goes nowhere.
    pub(crate) fn leave_out(&mut self, end: usize) {
        self.judged = end;
    }

    /// Puts a message of our own behind all that was judged, to be written once `hold` is released.
    pub(crate) fn insert(&mut self, message: Vec<u8>, hold: Hold) {
        if !message.is_empty() {
            self.push(Content::Instead(message.into(), 0), hold);
        }
    }

    /// What waits for `hold` must not be written after all; `message` is, and waits for nothing.
    pub(crate) fn withdraw(&mut self, hold: Hold, message: Vec<u8>) {
        if let Some(piece) = self.pieces.iter_mut().find(|piece| piece.hold == hold) {
            *piece = Piece {
                what: Content::Instead(message.into(), 0),
                hold: Hold::NONE,
            };
        }
    }

    /// What waits for `hold` goes nowhere after all.
    pub(crate) fn drop_held(&mut self, hold: Hold) {
        self.pieces.retain(|piece| piece.hold != hold);
    }

    fn push(&mut self, what: Content, hold: Hold) {
        self.pieces.push_back(Piece { what, hold });
    }

    /// The next bytes that may be written in one go.
    fn next_bytes(&self, released: Hold) -> Option<&[u8]> {
        let free = |piece: &&Piece| piece.hold <= released;
        let mut pieces = self.pieces.iter().take_while(free);
        match &pieces.next()?.what {
            Content::Instead(message, written) => Some(message.get(*written..).unwrap_or_default()),
            Content::Lines(first) => {
                let mut run = first.clone();
                for piece in pieces {
                    match &piece.what {
                        Content::Lines(lines) if lines.start == run.end => run.end = lines.end,
                        Content::Lines(_) | Content::Instead(..) => break,
                    }
                }
                Some(self.lines.bytes(run))
            }
        }
    }

    /// So many of the next bytes are written.
    fn written(&mut self, mut count: usize) {
        while let Some(piece) = self.pieces.front_mut() {
            let left = match &mut piece.what {
                Content::Instead(message, written) => {
                    let taken = count.min(message.len() - *written);
                    *written += taken;
                    count -= taken;
                    message.len() - *written
                }
                Content::Lines(lines) => {
                    let taken = count.min(lines.len());
                    lines.start += taken;
                    count -= taken;
                    lines.len()
                }
            };
            if left > 0 {
                self.cut = Cut::Inside;
                return;
            }
            self.pieces.pop_front();
            self.cut = Cut::Boundary;
            if count == 0 {
                return;
            }
        }
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
        self.pieces.clear();
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
    /// What waits may not be written before something is recorded.
    Held,
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
    /// All holds up to this one are released.
    released: Hold,
}

impl Outlet {
    pub(crate) fn new(sink: Endpoint) -> Self {
        Self {
            sink: Some(sink),
            own: Vec::new(),
            own_written: 0,
            released: Hold::NONE,
        }
    }

    /// What waits for holds up to this one may be written.
    pub(crate) fn release_up_to(&mut self, hold: Hold) {
        self.released = self.released.max(hold);
    }

    /// Up to which hold all is released.
    pub(crate) fn released(&self) -> Hold {
        self.released
    }

    /// Whether a flush could write something if the sink took it.
    pub(crate) fn has_free_backlog(&self, intake: &Intake) -> bool {
        let front = intake.pieces.front();
        self.has_backlog() || front.is_some_and(|piece| piece.hold <= self.released)
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
                stuck @ (Outflow::Waiting | Outflow::Held | Outflow::Broken) => return stuck,
            }
        }
        while let Some(bytes) = intake.next_bytes(self.released) {
            let moved = match &self.sink {
                Some(sink) => sink.write(bytes),
                None => Moved::Closed,
            };
            match moved {
                Moved::Bytes(count) => intake.written(count),
                Moved::NotNow => return Outflow::Waiting,
                Moved::Closed => {
                    self.close();
                    intake.release();
                    return Outflow::Broken;
                }
            }
        }
        if !intake.pieces.is_empty() {
            return Outflow::Held;
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
                    self.intake.leave_out(end);
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
    async fn what_is_held_waits_with_all_behind_it() {
        let mut bench = Bench::new();
        bench.feed("one\ntwo\nthree\n");
        let holds = [Hold::NONE, Hold(1), Hold::NONE];
        for hold in holds {
            if let Some(Line::Whole(span, end)) = bench.intake.next_line() {
                bench.intake.pass_after(span.start, end, hold);
            }
        }
        bench.intake.insert(b"mine\n".to_vec(), Hold(2));
        std::future::poll_fn(|cx| bench.outlet.poll_writable(cx)).await;
        assert_eq!(bench.outlet.flush(&mut bench.intake), Outflow::Held);
        assert!(!bench.outlet.has_free_backlog(&bench.intake));
        bench.make_way();
        assert_eq!(bench.seen, b"one\n");
        bench.outlet.say(b"free\n");
        bench.outlet.release_up_to(Hold(1));
        assert_eq!(bench.outlet.flush(&mut bench.intake), Outflow::Held);
        bench.outlet.release_up_to(Hold(2));
        assert_eq!(bench.outlet.flush(&mut bench.intake), Outflow::Clear);
        assert_eq!(bench.lines(), ["one", "free", "two", "three", "mine"]);
    }

    #[tokio::test]
    async fn what_is_withdrawn_is_replaced() {
        let mut bench = Bench::new();
        bench.feed("one\ntwo\nthree\n");
        let mut number = 0;
        while let Some(Line::Whole(span, end)) = bench.intake.next_line() {
            number += 1;
            bench.intake.pass_after(span.start, end, Hold(number));
        }
        bench.intake.withdraw(Hold(2), b"lost\n".to_vec());
        bench.outlet.release_up_to(Hold(1));
        bench.intake.withdraw(Hold(3), b"lost too\n".to_vec());
        bench.flush_all().await;
        assert_eq!(bench.lines(), ["one", "lost", "lost too"]);
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
