//! What must hold for any stream. The fuzz target and the tests run this same body.

use std::fmt;

use dropgate_wire::{Direction, Limits, Line, LineBuffer, scan, scan_buffered};

/// Feeds the bytes in pieces that the first bytes choose, and compares the lines with a plain split.
pub(crate) fn frame_any(data: &[u8]) {
    let [limit, piece, release, stream @ ..] = data else {
        return;
    };
    // The first line starts inside a string, so that what the buffer learned of long texts is put to use.
    let repeated = stream.repeat(1 + usize::from(limit % 4) * 20);
    let repeated = [b"[\"", repeated.as_slice()].concat();
    let limits = Limits {
        max_bytes: usize::from(*limit).pow(2),
        max_depth: 8,
    };
    let piece = 1 + usize::from(*piece).pow(2);
    let lines = framed(&repeated, &limits, piece, usize::from(release % 5));
    assert_eq!(lines, split(&repeated, &limits));
}

/// A line as its content, with its end; or what is kept of one that is too long.
#[derive(PartialEq, Eq)]
pub(crate) enum Framed {
    /// Content and bytes up to the end.
    Whole(Vec<u8>, Vec<u8>),
    /// The excerpt.
    TooLong(Vec<u8>),
}

impl fmt::Debug for Framed {
    /// Shows sizes and ends only, so that a failure stays readable.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, bytes) = match self {
            Self::Whole(_, whole) => ("Whole", whole),
            Self::TooLong(excerpt) => ("TooLong", excerpt),
        };
        let end = String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(12)..]);
        write!(out, "{kind}({} ...{end:?})", bytes.len())
    }
}

/// The lines that the buffer finds when `stream` arrives in pieces and every `keep` + 1 lines are released.
pub(crate) fn framed(stream: &[u8], limits: &Limits, piece: usize, keep: usize) -> Vec<Framed> {
    let mut buffer = LineBuffer::new(*limits);
    let (mut lines, mut held) = (Vec::new(), Vec::new());
    for piece in stream.chunks(piece) {
        let mut rest = piece;
        while !rest.is_empty() {
            let spare = buffer.spare();
            assert!(spare.len() >= 64 << 10);
            let count = rest.len().min(spare.len());
            spare[..count].copy_from_slice(&rest[..count]);
            buffer.filled(count);
            rest = &rest[count..];
            while let Some(line) = buffer.next_line() {
                held.push(line);
                if held.len() > keep {
                    take(&mut buffer, &mut held, &mut lines);
                }
            }
        }
    }
    held.extend(std::iter::from_fn(|| buffer.finish()));
    take(&mut buffer, &mut held, &mut lines);
    assert!(buffer.finish().is_none() && buffer.footprint() <= 256 << 10);
    lines
}

fn take(buffer: &mut LineBuffer, held: &mut Vec<Line>, lines: &mut Vec<Framed>) {
    let mut done = None;
    for line in held.drain(..) {
        check_verdict(buffer, &line);
        let (start, end) = match line {
            Line::Whole(span, end) => {
                let whole = buffer.bytes(span.start..end).to_vec();
                lines.push(Framed::Whole(buffer.bytes(span.clone()).to_vec(), whole));
                (span.start, end)
            }
            Line::TooLong { prefix, end } => {
                lines.push(Framed::TooLong(buffer.bytes(prefix.clone()).to_vec()));
                (prefix.start, end)
            }
        };
        assert!(
            done.is_none_or(|done| done == start),
            "lines are contiguous"
        );
        done = Some(end);
    }
    if let Some(done) = done {
        buffer.release(done);
    }
}

/// A line judged where it is buffered gets the verdict that it gets alone.
fn check_verdict(buffer: &LineBuffer, line: &Line) {
    let Line::Whole(span, _) = line else { return };
    let limits = Limits::default();
    let there = scan_buffered(buffer, line, &limits, Direction::FromHost);
    let alone = scan(buffer.bytes(span.clone()), &limits, Direction::FromHost);
    assert_eq!(format!("{there:?}"), format!("{alone:?}"));
}

/// The same lines by the plainest means.
pub(crate) fn split(stream: &[u8], limits: &Limits) -> Vec<Framed> {
    let line = |whole: &[u8]| {
        let content = whole.strip_suffix(b"\n").unwrap_or(whole);
        let cut = content.strip_suffix(b"\r").unwrap_or(content);
        if cut.len() <= limits.max_bytes {
            return Framed::Whole(cut.to_vec(), whole.to_vec());
        }
        let (head, rest) = content.split_at(content.len().min(4096));
        Framed::TooLong([head, &rest[rest.len().saturating_sub(512)..]].concat())
    };
    stream
        .split_inclusive(|&byte| byte == b'\n')
        .map(line)
        .collect()
}
