//! Frames in the middle of a line, where line ends were turned into spaces.

use std::ops::Range;
use std::sync::LazyLock;

use memchr::memmem::Finder;

use crate::sanitize::bytes::{find_in, run};
use crate::sanitize::span::{Kind, Spans};

use super::line;

/// The longest frame.
const FRAME: usize = 192;

/// Marks ` at f (file:1:2)` and ` File "x.py", line 3, in f` in a line of text. Neighbouring frames are one piece.
pub(super) fn mark(text: &[u8], at: Range<usize>, spans: &mut Spans) {
    let start = at.start.saturating_sub(1);
    let window = text.get(start..at.end).unwrap_or_default();
    let mut at_signs = AT
        .find_iter(window)
        .map(|found| start + found + 1)
        .peekable();
    let mut file_signs = FILE
        .find_iter(window)
        .map(|found| start + found + 1)
        .peekable();
    let mut open: Option<Range<usize>> = None;
    let mut from = at.start;
    loop {
        let is_at = match (at_signs.peek(), file_signs.peek()) {
            (None, None) => break,
            (Some(at), Some(file)) => at < file,
            (Some(_), None) => true,
            (None, Some(_)) => false,
        };
        let next = if is_at {
            at_signs.next()
        } else {
            file_signs.next()
        };
        let Some(start) = next.filter(|&start| start >= from) else {
            continue;
        };
        let end = if is_at {
            at_frame(text, start, at.end)
        } else {
            file_frame(text, start, at.end)
        };
        let Some(end) = end else { continue };
        from = end;
        match &mut open {
            Some(piece) if start <= piece.end + 2 => piece.end = end,
            Some(piece) => {
                spans.add(piece.clone(), Kind::Stack);
                open = Some(start..end);
            }
            None => open = Some(start..end),
        }
    }
    if let Some(piece) = open {
        spans.add(piece, Kind::Stack);
    }
}

static AT: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b" at "));
static FILE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b" File "));

/// The end of `at f (file:1:2)`, `at a.b.C.m(C.java:1)` or `at file:1:2`.
fn at_frame(text: &[u8], start: usize, end: usize) -> Option<usize> {
    let most = end.min(start + FRAME);
    let name = start + 3;
    let open = run(text, name, most.saturating_sub(name), |byte| {
        !matches!(byte, b'(' | b')' | b',' | b';' | b'\'')
    });
    if text.get(open) == Some(&b'(') && open < most {
        let words = text[name..open]
            .iter()
            .filter(|&&byte| byte == b' ')
            .count();
        let close = run(text, open, most - open, |byte| byte != b')');
        let is_short = words <= 4 && text.get(close) == Some(&b')');
        if is_short && close < most && line::is_frame_place(&text[name..=close]) {
            return Some(close + 1);
        }
    }
    let word = run(text, name, most.saturating_sub(name), |byte| {
        !byte.is_ascii_whitespace()
    });
    let place = text.get(name..word)?;
    let located = place.iter().filter(|&&byte| byte == b':').count() >= 2
        && place.iter().any(|byte| matches!(byte, b'/' | b'\\'));
    (located && line::is_frame_place(place)).then_some(word)
}

/// The end of `File "x.py", line 3, in f`.
fn file_frame(text: &[u8], start: usize, end: usize) -> Option<usize> {
    let most = end.min(start + FRAME);
    let mark = find_in(text, start..most, b", line ")? + 7;
    let digits = run(text, mark, 9, |byte| byte.is_ascii_digit());
    if digits == mark {
        return None;
    }
    let in_function = text.get(digits..most)?.starts_with(b", in ");
    Some(if in_function {
        run(text, digits + 5, 128, |byte| !byte.is_ascii_whitespace())
    } else {
        digits
    })
}
