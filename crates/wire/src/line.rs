//! Lines out of a stream of bytes, without copying them.

use std::mem::MaybeUninit;
use std::ops::Range;

use memchr::memchr;

use crate::keys::Room;
use crate::limits::Limits;
use crate::salvage::{HEAD_BYTES, TAIL_BYTES};
use crate::specials::Specials;

/// Least room that [`LineBuffer::spare`] offers, in bytes: what one read of a pipe can bring.
const MIN_SPARE: usize = 64 << 10;
/// Most room that is prepared ahead: a pipe never holds more.
const MAX_SPARE: usize = 1 << 20;
/// Most capacity that is kept when no long line needs it.
const STEADY_CAPACITY: usize = 256 << 10;
/// Capacity that is reserved at once for a long line. Untouched pages cost nothing, growth within it copies nothing, and
/// an allocation of this size is mapped on its own by every allocator, so that its memory really goes back to the system.
const LONG_CAPACITY: usize = 40 << 20;

/// Least that must have arrived of a line, in bytes, for plain text to be looked for in it.
const LEARN_FROM: usize = 16 << 10;
/// Most runs of plain text that are looked at in one arrival: dense text is left to the scan.
const MAX_RUNS: usize = 256;

/// A line of the stream. Ranges are positions that [`LineBuffer::bytes`] takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// The line without its end (`"\n"` or `"\r\n"`), and the position after that end.
    Whole(Range<usize>, usize),
    /// A line over the limit, reported once. Its bytes are gone but for an excerpt (its first 4 KiB and its last 512
    /// bytes before `"\n"`), which is what [`too_long`](crate::too_long) takes to find the id.
    TooLong {
        /// The excerpt.
        prefix: Range<usize>,
        /// The position of the line that follows.
        end: usize,
    },
}

/// When the memory that a long line needed goes back to the system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Retain {
    /// As soon as the line is released.
    #[default]
    UntilReleased,
    /// When [`LineBuffer::shrink`] is called. A run of long lines is read faster this way, since fresh memory has to be
    /// mapped page by page; the caller has to notice when it is idle.
    UntilShrunk,
}

/// Does something about memory that was reserved for a long line and holds nothing yet.
pub type Prepare = fn(&mut [MaybeUninit<u8>]);

/// Splits a byte stream into lines. Owns one growable buffer; the caller reads straight into its spare room.
///
/// Positions count the bytes of the stream that were kept. They stay valid until they are released, even when the
/// buffer grows or moves, and consecutive lines are contiguous: a run of them is one slice.
#[derive(Debug)]
pub struct LineBuffer {
    limits: Limits,
    retain: Retain,
    prepare: Option<Prepare>,
    /// Initialised to its length; `filled` bytes of it are data.
    buffer: Vec<u8>,
    /// The position of `buffer[0]`.
    base: usize,
    /// Offsets into `buffer`: released <= line <= searched <= filled.
    released: usize,
    line: usize,
    searched: usize,
    filled: usize,
    reading: Reading,
    /// The longest part known to be plain of the line that is pending or was taken last, as positions.
    plain: Range<usize>,
    room_for_keys: Room,
}

/// What the bytes after `line` are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    /// The start of a line.
    Line,
    /// The excerpt of a line that is too long and has not ended; `tail` bytes of it are from its latest end.
    Excess { tail: usize },
}

impl LineBuffer {
    /// A buffer that allocates nothing before it is used, and gives the memory of a long line back at once.
    pub fn new(limits: Limits) -> Self {
        Self::retaining(limits, Retain::default())
    }

    /// A buffer that allocates nothing before it is used.
    pub fn retaining(limits: Limits, retain: Retain) -> Self {
        Self {
            limits,
            retain,
            prepare: None,
            buffer: Vec::new(),
            base: 0,
            released: 0,
            line: 0,
            searched: 0,
            filled: 0,
            reading: Reading::Line,
            plain: 0..0,
            room_for_keys: Room::default(),
        }
    }

    /// The same buffer, but memory for long lines is shown to `prepare` before it is used.
    #[must_use]
    pub fn preparing(self, prepare: Prepare) -> Self {
        Self {
            prepare: Some(prepare),
            ..self
        }
    }

    /// Room for the next read: at least 64 KiB, more when a long line is pending.
    ///
    /// It is empty only when the caller holds lines worth more than twice the line limit and 1 MiB without releasing
    /// them: reading into it would look like the end of the stream, so release first.
    pub fn spare(&mut self) -> &mut [u8] {
        if self.buffer.len() - self.filled < MIN_SPARE {
            self.make_room();
        }
        self.buffer.get_mut(self.filled..).unwrap_or_default()
    }

    /// Says that `count` bytes were read into [`spare`](Self::spare); more than it had count as all of it.
    pub fn filled(&mut self, count: usize) {
        self.filled += count.min(self.buffer.len() - self.filled);
    }

    /// The next line that has ended, if one has. Looks only at bytes that it has not looked at before.
    pub fn next_line(&mut self) -> Option<Line> {
        let end = self.find_end();
        match (self.reading, end) {
            (Reading::Line, Some(feed)) => Some(self.take_line(feed, feed + 1)),
            (Reading::Line, None) => {
                if self.searched - self.line < LEARN_FROM {
                    self.learn_plain();
                }
                self.searched = self.filled;
                // The last byte may be the first half of a line end, and an excerpt needs its full length.
                let most = self
                    .limits
                    .line_bytes()
                    .saturating_add(1)
                    .max(HEAD_BYTES + TAIL_BYTES);
                if self.filled - self.line > most {
                    self.start_excess();
                }
                None
            }
            (Reading::Excess { tail }, Some(feed)) => Some(self.take_excess(tail, feed, feed + 1)),
            (Reading::Excess { tail }, None) => {
                self.drop_excess(tail);
                None
            }
        }
    }

    /// The bytes between two positions; empty when they were released or never read.
    pub fn bytes(&self, span: Range<usize>) -> &[u8] {
        let offset = |position: usize| {
            position
                .checked_sub(self.base)
                .filter(|offset| (self.released..=self.filled).contains(offset))
        };
        match (offset(span.start), offset(span.end)) {
            (Some(start), Some(end)) => self.buffer.get(start..end).unwrap_or_default(),
            (None, _) | (_, None) => &[],
        }
    }

    /// Says that the bytes before this position are not needed any more.
    pub fn release(&mut self, up_to: usize) {
        let offset = up_to.saturating_sub(self.base);
        self.released = offset.clamp(self.released, self.line);
        if self.released == self.filled {
            self.rewind();
        }
        match self.retain {
            Retain::UntilReleased => self.shrink(),
            Retain::UntilShrunk => {}
        }
    }

    /// Gives back the memory of a long line, unless as much is still needed. Cheap when there is nothing to give back.
    pub fn shrink(&mut self) {
        let held = self.filled - self.released;
        if self.buffer.capacity() > STEADY_CAPACITY && held <= MIN_SPARE {
            self.move_to_front();
            let mut small = Vec::new();
            if held > 0 {
                small.reserve_exact(held + MIN_SPARE);
                small.extend_from_slice(self.buffer.get(..held).unwrap_or_default());
            }
            self.buffer = small;
        }
    }

    /// At the end of the stream: what is left, line by line, the last one without its end. Call it until there is
    /// nothing more.
    pub fn finish(&mut self) -> Option<Line> {
        if let Some(line) = self.next_line() {
            return Some(line);
        }
        match self.reading {
            Reading::Line if self.line == self.filled => None,
            Reading::Line => Some(self.take_line(self.filled, self.filled)),
            Reading::Excess { tail } => Some(self.take_excess(tail, self.filled, self.filled)),
        }
    }

    /// Bytes of memory that the buffer has touched, whether they hold data now or not.
    pub fn footprint(&self) -> usize {
        self.buffer.len()
    }

    /// The next line feed among the bytes not searched before. In the middle of a long line plain text is looked for
    /// first, since there is no line feed in it.
    fn find_end(&mut self) -> Option<usize> {
        let pending = self.searched - self.line;
        let (from, to) = (self.searched, self.filled);
        if pending < LEARN_FROM || self.reading != Reading::Line {
            return self.feed_in(from, to);
        }
        self.learn_plain();
        let plain_from = self.plain.start.saturating_sub(self.base).clamp(from, to);
        let plain_to = self
            .plain
            .end
            .saturating_sub(self.base)
            .clamp(plain_from, to);
        self.feed_in(from, plain_from)
            .or_else(|| self.feed_in(plain_to, to))
    }

    fn feed_in(&self, from: usize, to: usize) -> Option<usize> {
        let found = memchr(b'\n', self.buffer.get(from..to)?)?;
        Some(from + found)
    }

    pub(crate) fn room_for_keys(&self) -> &Room {
        &self.room_for_keys
    }

    /// The part of a line that is known to be plain text, counted from the line's start.
    pub(crate) fn plain_part(&self, line: &Range<usize>) -> Range<usize> {
        let start = self.plain.start.clamp(line.start, line.end);
        let end = self.plain.end.clamp(start, line.end);
        start - line.start..end - line.start
    }

    /// Looks for plain text in what arrived of a long line, while it is still in the processor's cache: a text of
    /// megabytes is then not read a second time when its line is complete.
    fn learn_plain(&mut self) {
        let arrived = self.buffer.get(..self.filled).unwrap_or_default();
        if self.filled - self.searched < LEARN_FROM {
            return;
        }
        if self.plain.start < self.base + self.line {
            self.plain = 0..0;
        }
        let mut at = self.searched;
        let mut specials = Specials::new();
        for _ in 0..MAX_RUNS {
            let end = specials.next(arrived, at);
            let goes_on = self.plain.end == self.base + at && !self.plain.is_empty();
            let start = if goes_on {
                self.plain.start
            } else {
                self.base + at
            };
            if self.base + end - start >= self.plain.len() {
                self.plain = start..self.base + end;
            }
            at = end + 1;
            if at >= self.filled {
                return;
            }
        }
    }

    /// Takes the line whose line feed (or whose stream's end) is at `feed` and after which the next starts at `next`.
    fn take_line(&mut self, feed: usize, next: usize) -> Line {
        let content = self.buffer.get(self.line..feed).unwrap_or_default();
        let length = content.strip_suffix(b"\r").unwrap_or(content).len();
        if length > self.limits.line_bytes() {
            // The excerpt puts other bytes where plain text was.
            self.plain = 0..0;
            let kept = self.keep_excerpt(self.line, feed);
            return self.taken(next, |line, end| Line::TooLong {
                prefix: line..line + kept,
                end,
            });
        }
        self.taken(next, |line, end| Line::Whole(line..line + length, end))
    }

    fn taken(&mut self, next: usize, line: impl FnOnce(usize, usize) -> Line) -> Line {
        let start = self.base + self.line;
        self.line = next;
        self.searched = next;
        line(start, self.base + next)
    }

    /// Turns the pending line into an excerpt of itself.
    fn start_excess(&mut self) {
        // From here on bytes change their places.
        self.plain = 0..0;
        let kept = self.keep_excerpt(self.line, self.filled);
        let tail = kept.saturating_sub(HEAD_BYTES);
        self.filled = self.line + kept;
        self.searched = self.filled;
        self.reading = Reading::Excess { tail };
        self.shrink();
    }

    /// Moves the last bytes of a long line behind its first ones and returns the length of both together.
    fn keep_excerpt(&mut self, start: usize, end: usize) -> usize {
        let head = (end - start).min(HEAD_BYTES);
        let tail = (end - start - head).min(TAIL_BYTES);
        self.buffer.copy_within(end - tail..end, start + head);
        head + tail
    }

    /// Forgets the unsearched bytes of a line that is too long, but for its new tail.
    fn drop_excess(&mut self, tail: usize) {
        let tail = self.renew_tail(tail, self.filled);
        self.filled = self.searched;
        self.reading = Reading::Excess { tail };
    }

    /// Ends a line that was too long: what follows it moves up to the end of its excerpt.
    fn take_excess(&mut self, tail: usize, feed: usize, next: usize) -> Line {
        self.renew_tail(tail, feed);
        self.buffer.copy_within(next..self.filled, self.searched);
        self.filled -= next - self.searched;
        self.reading = Reading::Line;
        self.taken(self.searched, |line, end| Line::TooLong {
            prefix: line..end,
            end,
        })
    }

    /// Makes the tail of the excerpt the last bytes of the line, which continues from `searched` to `end`. Sets
    /// `searched` to the end of the excerpt.
    fn renew_tail(&mut self, tail: usize, end: usize) -> usize {
        let start = self.searched - tail;
        let kept = (end - start).min(TAIL_BYTES);
        self.buffer.copy_within(end - kept..end, start);
        self.searched = start + kept;
        kept
    }

    fn make_room(&mut self) {
        let held = self.filled - self.released;
        // Moving no more than was released keeps the cost per byte of the stream constant.
        if held <= self.released {
            self.move_to_front();
        }
        let most_held = self
            .limits
            .line_bytes()
            .saturating_mul(2)
            .saturating_add(MAX_SPARE);
        if self.buffer.len() - self.filled < MIN_SPARE && held <= most_held {
            let room = (self.filled - self.line).clamp(MIN_SPARE, MAX_SPARE);
            self.reserve(self.filled + room);
            self.buffer.resize(self.filled + room, 0);
        }
    }

    /// Makes the capacity one of few sizes, so that it neither creeps nor swings.
    fn reserve(&mut self, needed: usize) {
        let sizes = [MIN_SPARE, STEADY_CAPACITY, LONG_CAPACITY];
        let size = sizes.into_iter().find(|&size| size >= needed);
        let Some(size) = size.filter(|_| self.buffer.capacity() < needed) else {
            return;
        };
        match self.prepare {
            Some(prepare) if size == LONG_CAPACITY => {
                // Fresh memory, since what was touched is mapped already.
                let mut long = Vec::with_capacity(size);
                prepare(long.spare_capacity_mut());
                long.extend_from_slice(&self.buffer);
                self.buffer = long;
            }
            Some(_) | None => self.buffer.reserve_exact(size - self.buffer.len()),
        }
    }

    fn move_to_front(&mut self) {
        self.buffer.copy_within(self.released..self.filled, 0);
        self.base += self.released;
        self.line -= self.released;
        self.searched -= self.released;
        self.filled -= self.released;
        self.released = 0;
    }

    /// Starts over at the front of an empty buffer.
    fn rewind(&mut self) {
        self.move_to_front();
        self.plain = 0..0;
        // Positions can only run out where they have 32 bits; nobody holds one while nothing is held.
        if self.base > usize::MAX / 2 {
            self.base = 0;
        }
    }
}
