//! Standard error: what the server writes there, and lines of our own. The
//! only module that writes to it while the relay runs.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use dropgate_gate::sanitize::{Forward, Sanitizer, StderrFilter};

use crate::call_id::CallId;
use crate::cleaning::stopwatch;
use crate::endpoint::{Endpoint, Moved};
use crate::log_line::{LogLevel, LogSettings};
use crate::strays::Strays;

/// What may wait for a host that reads its child's stderr late or never. A
/// server that writes more than this meanwhile is slowed down by its pipe, as
/// it would be without us.
const MAX_BACKLOG: usize = 16 << 20;
/// Room that lines of our own have beyond that; what does not fit is counted.
const OWN_RESERVE: usize = 64 << 10;
/// One read of the server's stderr.
const CHUNK: usize = 64 << 10;

/// How much of a line may be missing before what is there goes on.
const MAX_PARTIAL: usize = 64 << 10;

/// Where the text ends at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    LineStart,
    MidLine,
}

/// The log.
#[derive(Debug)]
pub(crate) struct Log {
    sink: Option<Endpoint>,
    source: Option<Endpoint>,
    backlog: Vec<u8>,
    written: usize,
    at: At,
    chunk: Vec<u8>,
    /// What the server wrote of a line that is not whole yet.
    partial: Vec<u8>,
    settings: LogSettings,
    sanitizer: Arc<Sanitizer>,
    filter: StderrFilter,
    /// The stray lines of the server's stdout, which are a text of their own.
    strays: Strays,
    dropped_lines: u64,
}

impl Log {
    pub(crate) fn new(
        sink: Option<Endpoint>,
        sanitizer: Arc<Sanitizer>,
        settings: LogSettings,
    ) -> Self {
        Self {
            sink,
            source: None,
            backlog: Vec::new(),
            written: 0,
            at: At::LineStart,
            chunk: Vec::new(),
            partial: Vec::new(),
            settings,
            sanitizer,
            filter: StderrFilter::new(),
            strays: Strays::new(),
            dropped_lines: 0,
        }
    }

    /// From now on passes on what the server writes.
    pub(crate) fn attach(&mut self, source: Endpoint) {
        self.source = Some(source);
    }

    /// Takes the beginning of a line of the server's stdout that is no message, without what should
    /// not be told.
    pub(crate) fn stray(&mut self, line: &[u8], now: Duration) {
        if let Some(shown) = self.strays.shown(&self.sanitizer, line, now) {
            self.warn(&shown);
        }
    }

    /// Takes the id of a call whose answer goes nowhere, without what should not be told, and why
    /// that is.
    pub(crate) fn left_out(&mut self, id: &CallId, why: &str, now: Duration) {
        let id = id.to_string();
        if let Some(shown) = self.strays.left_out(&self.sanitizer, &id, why, now) {
            self.line(&shown);
        }
    }

    /// Says how many of these were not shown.
    pub(crate) fn end_strays(&mut self) {
        if let Some(hidden) = self.strays.take_hidden() {
            self.warn(&hidden);
        }
    }

    /// Takes the last line of a run, which is the same whatever was set.
    pub(crate) fn report(&mut self, json: &str) {
        self.append(
            LogSettings::default(),
            LogLevel::Info,
            &format!("report {json}"),
        );
    }

    /// Takes a line about what is not as it should be.
    pub(crate) fn warn(&mut self, text: &str) {
        self.tell(LogLevel::Warn, text);
    }

    /// Takes a line about what happens.
    pub(crate) fn line(&mut self, text: &str) {
        self.tell(LogLevel::Info, text);
    }

    /// Takes a line about a single call.
    pub(crate) fn debug(&mut self, text: &str) {
        self.tell(LogLevel::Debug, text);
    }

    /// Whether lines that matter so much are written.
    pub(crate) fn shows(&self, level: LogLevel) -> bool {
        level <= self.settings.level
    }

    fn tell(&mut self, level: LogLevel, text: &str) {
        if self.shows(level) {
            self.append(self.settings, level, text);
        }
    }

    /// Takes a line of our own, or several, to come after the line that the server is in. It
    /// is written when the log is pumped, or with others when they are many: a
    /// write for each line of a flood would take all of the loop's time.
    fn append(&mut self, settings: LogSettings, level: LogLevel, text: &str) {
        if self.pending() + text.len() > MAX_BACKLOG + OWN_RESERVE {
            self.dropped_lines += 1;
            return;
        }
        if self.at == At::MidLine {
            self.backlog.push(b'\n');
        }
        self.at = At::LineStart;
        for line in text.lines() {
            settings.append(level, line, &mut self.backlog);
        }
        if self.pending() >= CHUNK {
            self.flush();
        }
    }

    /// How many lines of our own did not fit.
    pub(crate) fn dropped_lines(&self) -> u64 {
        self.dropped_lines
    }

    fn pending(&self) -> usize {
        self.backlog.len() - self.written
    }

    pub(crate) fn has_backlog(&self) -> bool {
        self.pending() > 0
    }

    fn has_room(&self) -> bool {
        self.pending() < MAX_BACKLOG
    }

    /// Moves what can be moved without waiting.
    pub(crate) fn pump(&mut self) {
        while self.has_room() && self.take_chunk() == Moved::Bytes(CHUNK) {}
        self.flush();
    }

    /// Takes all that the server left in its pipe.
    pub(crate) fn drain(&mut self) {
        while self.has_room() {
            let Some(source) = &self.source else { break };
            self.chunk.resize(CHUNK, 0);
            match source.read_regardless(&mut self.chunk) {
                Moved::Bytes(count) => self.append_chunk(count),
                Moved::NotNow | Moved::Closed => break,
            }
        }
        self.append_piece();
        self.flush();
    }

    fn take_chunk(&mut self) -> Moved {
        let Some(source) = &self.source else {
            return Moved::Closed;
        };
        self.chunk.resize(CHUNK, 0);
        let moved = source.read(&mut self.chunk);
        match moved {
            Moved::Bytes(count) => self.append_chunk(count),
            Moved::NotNow => {}
            Moved::Closed => {
                self.source = None;
                self.append_piece();
            }
        }
        moved
    }

    /// Takes what was read, line by line, without what should not be told.
    fn append_chunk(&mut self, count: usize) {
        let chunk = std::mem::take(&mut self.chunk);
        let bytes = chunk.get(..count).unwrap_or_default();
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.partial.extend_from_slice(part);
            if part.ends_with(b"\n") {
                self.partial.pop();
                self.append_line();
                self.backlog.push(b'\n');
                self.at = At::LineStart;
            } else if self.partial.len() >= MAX_PARTIAL {
                self.append_piece();
            }
        }
        self.chunk = chunk;
    }

    /// A line that is not whole goes on as far as it came: its end may never come.
    fn append_piece(&mut self) {
        if !self.partial.is_empty() {
            self.append_line();
            self.at = At::MidLine;
        }
    }

    fn append_line(&mut self) {
        match self
            .filter
            .line(&self.sanitizer, &self.partial, &stopwatch())
        {
            Forward::Clean => self.backlog.append(&mut self.partial),
            Forward::Replaced(text) => self.backlog.extend_from_slice(&text),
            Forward::Dropped => {}
        }
        self.partial.clear();
    }

    fn flush(&mut self) {
        while self.has_backlog() {
            let Some(sink) = &self.sink else { break };
            match sink.write(&self.backlog[self.written..]) {
                Moved::Bytes(count) => self.written += count,
                Moved::NotNow => break,
                // The server must not be held up because nobody reads its log.
                Moved::Closed => self.sink = None,
            }
        }
        if self.sink.is_none() || !self.has_backlog() {
            self.backlog.clear();
            self.written = 0;
            if self.backlog.capacity() > CHUNK {
                self.backlog = Vec::new();
            }
        } else if self.written > MAX_BACKLOG / 4 {
            self.backlog.drain(..self.written);
            self.written = 0;
        }
    }

    /// Ready when a pump would move something.
    pub(crate) fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(source) = &self.source
            && self.has_room()
            && source.poll_readable(cx).is_ready()
        {
            return Poll::Ready(());
        }
        self.poll_flushable(cx)
    }

    /// Ready when a flush would move something.
    pub(crate) fn poll_flushable(&self, cx: &mut Context<'_>) -> Poll<()> {
        match &self.sink {
            Some(sink) if self.has_backlog() => sink.poll_writable(cx),
            Some(_) | None => Poll::Pending,
        }
    }
}
