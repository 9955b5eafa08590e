//! Stack traces, found by their structure: line by line, remembering one line.
//!
//! Line ends may be written as escapes, as they are in a trace that was put into JSON twice. What is removed is each run
//! of frames with the source lines and notes that belong to it; messages between the runs stay.

mod inline;
mod line;

use std::ops::Range;

use super::budget::{Budget, Fault};
use super::bytes::{ends_escape, find_in, logical_end, run};
use super::span::{Kind, Spans};
use line::Line;

/// Source lines that may stand under one frame.
const MAX_SOURCE_LINES: u32 = 12;

/// What the lines above say of the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing.
    Text,
    /// A Python frame or header was above: deeper lines are source.
    Python { indent: usize, lines: u32 },
    /// A file and line stood alone: source lines and a caret may follow.
    Source { lines: u32 },
    /// In a numbered trace of Rust's.
    Numbered,
    /// In a dump of goroutines.
    Goroutine,
    /// In a list of files.
    List,
}

/// Remembers what the lines before said. For a stream of lines; bounded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tracker {
    state: State,
}

impl Tracker {
    pub(super) fn new() -> Self {
        Self { state: State::Text }
    }

    /// Whether the line belongs to a trace.
    pub(super) fn is_frame(&mut self, text: &[u8]) -> Part {
        let (part, state) = judge(self.state, text);
        self.state = state;
        part
    }
}

/// What a line is part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Not of a trace.
    Text,
    /// Of a trace.
    Frame,
    /// Of a trace, together with the line before if that is but a name.
    FrameAfterName,
    /// Belongs to a trace if frames stand on both sides: an empty line.
    Between,
    /// Only its head, of so many bytes after its indentation: the rest is a message.
    Head(usize),
    /// Only its tail, from so many bytes after its indentation.
    Tail(usize),
    /// A database's echo of a statement.
    Statement,
    /// Part of a stack trace whatever follows: its message lies in the next line.
    Bare,
}

/// Marks the frames of all traces.
pub(super) fn mark(text: &[u8], spans: &mut Spans, budget: &mut Budget<'_>) -> Result<(), Fault> {
    let mut tracker = Tracker::new();
    let mut block: Option<Range<usize>> = None;
    let mut before: Option<Range<usize>> = None;
    for_each_line(text, |at| {
        budget.spend(at.len() + 8)?;
        let content = text.get(at.clone()).unwrap_or_default();
        let indent = run(content, 0, content.len(), line::is_indent);
        let start = at.start + indent;
        match tracker.is_frame(content) {
            Part::Frame | Part::Bare => grow(&mut block, start..at.end, spans),
            Part::FrameAfterName => {
                let name = before.take().filter(|name| line::is_name(text, name));
                let start = name.map_or(start, |name| name.start);
                grow(&mut block, start..at.end, spans);
            }
            Part::Between => {}
            Part::Statement => {
                close(&mut block, spans);
                spans.add(start..at.end, Kind::Sql);
            }
            Part::Head(length) => {
                close(&mut block, spans);
                spans.add(start..start + length, Kind::Path);
            }
            Part::Tail(from) => {
                close(&mut block, spans);
                spans.add(start + from..at.end, Kind::Path);
            }
            Part::Text => {
                close(&mut block, spans);
                inline::mark(text, at.clone(), spans);
            }
        }
        before = Some(at);
        Ok(())
    })?;
    close(&mut block, spans);
    Ok(())
}

fn grow(block: &mut Option<Range<usize>>, at: Range<usize>, spans: &mut Spans) {
    match block {
        Some(open) if open.end <= at.end => {
            open.start = open.start.min(at.start);
            open.end = at.end;
        }
        Some(_) => close(block, spans),
        None => *block = Some(at),
    }
}

fn close(block: &mut Option<Range<usize>>, spans: &mut Spans) {
    if let Some(at) = block.take() {
        spans.add(at, Kind::Stack);
    }
}

/// Calls `each` with every logical line, without its end. A physical line that is a frame as it stands is one line, even
/// when a path in it looks like a written line end.
fn for_each_line(
    text: &[u8],
    mut each: impl FnMut(Range<usize>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let mut physical = 0;
    while physical < text.len() {
        let end = memchr::memchr2(b'\n', b'\r', &text[physical..])
            .map_or(text.len(), |length| physical + length);
        let content = &text[physical..end];
        let is_plain = memchr::memchr(b'\\', content).is_none()
            || matches!(judge(State::Text, content).0, Part::Frame);
        let mut at = physical;
        while at < end {
            if is_plain {
                each(at..end)?;
                break;
            }
            let stop = logical_end(text, at, end - at);
            match closing_quote(text, at..stop) {
                Some(quote) => {
                    each(at..quote)?;
                    at = quote;
                }
                None => {
                    each(at..stop)?;
                    at = stop + if stop < end { 2 } else { 0 };
                }
            }
        }
        if physical == end {
            each(physical..end)?;
        }
        physical = end + 1;
        if text.get(end) == Some(&b'\r') && text.get(end + 1) == Some(&b'\n') {
            physical += 1;
        }
    }
    Ok(())
}

/// Where a string of JSON that began in an earlier line closes, after the first byte.
fn closing_quote(text: &[u8], at: Range<usize>) -> Option<usize> {
    let mut from = at.start + 1;
    while let Some(quote) = find_in(text, from..at.end, b"\"") {
        let closes = matches!(text.get(quote + 1), Some(b',' | b'}' | b']'));
        if closes && !ends_escape(text, quote) {
            return Some(quote);
        }
        from = quote + 1;
    }
    None
}

/// What a line is after the lines above, and what it says of the next one.
fn judge(state: State, text: &[u8]) -> (Part, State) {
    let indent = run(text, 0, text.len(), line::is_indent);
    let content = text.get(indent..).unwrap_or_default().trim_ascii_end();
    let seen = line::read(content);
    match (seen, state) {
        (Line::Empty, State::Goroutine | State::Numbered | State::List | State::Text) => {
            (Part::Between, State::Text)
        }
        (Line::Empty, State::Python { .. } | State::Source { .. }) => (Part::Between, state),
        (Line::Frame | Line::Note, State::Goroutine) => (Part::Frame, State::Goroutine),
        (Line::Frame | Line::Note, State::Numbered) => (Part::Frame, State::Numbered),
        (
            Line::Frame | Line::Note,
            State::Text | State::List | State::Python { .. } | State::Source { .. },
        ) => (Part::Frame, State::Text),
        (Line::Python, _) => (Part::Frame, State::Python { indent, lines: 0 }),
        (Line::Located, State::Goroutine | State::Numbered) => (Part::Frame, state),
        (
            Line::Located,
            State::Text | State::List | State::Python { .. } | State::Source { .. },
        ) => (Part::FrameAfterName, State::Source { lines: 0 }),
        (Line::PythonTail(from), _) => (Part::Tail(from), State::Python { indent, lines: 0 }),
        (Line::Required, _) => (Part::Frame, State::List),
        (Line::Item, State::List) => (Part::Frame, State::List),
        (Line::Goroutine, _) => (Part::Frame, State::Goroutine),
        (Line::Backtrace, _) => (Part::Frame, State::Numbered),
        (Line::Panic, _) => (Part::Bare, State::Text),
        (Line::Head(length), _) => (Part::Head(length), State::Text),
        (Line::Tail(from), _) => (Part::Tail(from), State::Text),
        (Line::Statement, _) => (Part::Statement, State::Text),
        (Line::Numbered, State::Numbered) => (Part::Frame, State::Numbered),
        (Line::Call, State::Goroutine) => (Part::Frame, State::Goroutine),
        (Line::Caret, State::Source { .. }) => (Part::Frame, State::Text),
        (Line::Caret, State::Python { .. }) => (Part::Frame, state),
        (Line::Caret | Line::Call | Line::Numbered | Line::Item | Line::Other, _) => {
            follow(state, indent, content)
        }
    }
}

/// A line that says nothing by itself.
fn follow(state: State, indent: usize, content: &[u8]) -> (Part, State) {
    match state {
        State::Python {
            indent: above,
            lines,
        } if indent > above && lines < MAX_SOURCE_LINES => (
            Part::Frame,
            State::Python {
                indent: above,
                lines: lines + 1,
            },
        ),
        // Node shows the source line and a caret, then an empty line; a message is not indented.
        State::Source { lines } if indent > 0 && lines < 2 && !line::is_message(content) => {
            (Part::Frame, State::Source { lines: lines + 1 })
        }
        State::Numbered if indent > 0 => (Part::Frame, State::Numbered),
        State::Text
        | State::Python { .. }
        | State::Source { .. }
        | State::Numbered
        | State::List
        | State::Goroutine => (Part::Text, State::Text),
    }
}

#[cfg(test)]
mod tests;
