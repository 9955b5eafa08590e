//! The id of a line that was refused: found without trusting the line, in one pass, without recursion.

use crate::id::{Id, MAX_ID_BYTES};
use crate::limits::{Direction, Limits};
use crate::reject::{Reason, Rejected, Shape};
use crate::text;

/// How much of a line that is too long is kept from its start, in bytes.
pub(crate) const HEAD_BYTES: usize = 4096;
/// How much is kept from its end, in bytes, where many senders put the id.
pub(crate) const TAIL_BYTES: usize = 512;

/// Refuses a line of which only the excerpt in [`Line::TooLong`](crate::Line::TooLong) was kept.
pub fn too_long(prefix: &[u8], limits: &Limits) -> Rejected {
    let (head, tail) = prefix.split_at(prefix.len().min(HEAD_BYTES));
    let mut found = search(head);
    if found.ids == Ids::None {
        found.ids = last_member(tail).map_or(Ids::None, Ids::One);
    }
    Rejected {
        reason: Reason::TooLong {
            max: limits.line_bytes(),
        },
        looks_like: found.shape(),
        id: found.id(),
    }
}

/// Refuses a line that is here as a whole.
pub(crate) fn rejected(line: &[u8], direction: Direction, reason: Reason) -> Rejected {
    let found = search(line);
    let id = match (direction, found.shape()) {
        (Direction::FromHost, Shape::Response) => None,
        (Direction::FromHost, Shape::Request | Shape::Unknown)
        | (Direction::FromServer, Shape::Request | Shape::Response | Shape::Unknown) => found.id(),
    };
    Rejected {
        reason,
        id,
        looks_like: found.shape(),
    }
}

#[derive(Debug)]
struct Found<'a> {
    ids: Ids<'a>,
    method: usize,
    outcome: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ids<'a> {
    None,
    One(&'a [u8]),
    /// Several members claim to be the id, or the one there is has no usable value.
    Unusable,
}

impl Found<'_> {
    fn id(&self) -> Option<Box<[u8]>> {
        match self.ids {
            Ids::One(raw) => Some(raw.into()),
            Ids::None | Ids::Unusable => None,
        }
    }

    fn shape(&self) -> Shape {
        match (self.method, self.outcome) {
            (1.., 0) => Shape::Request,
            (0, 1..) => Shape::Response,
            (0, 0) | (1.., 1..) => Shape::Unknown,
        }
    }
}

/// Looks at the members of the outermost object, counting brackets and stepping over strings, and nothing else.
fn search(line: &[u8]) -> Found<'_> {
    let mut found = Found {
        ids: Ids::None,
        method: 0,
        outcome: 0,
    };
    let mut at = after_space(line, 0);
    if line.get(at) != Some(&b'{') {
        return found;
    }
    let mut depth = 0_usize;
    while let Some(byte) = line.get(at) {
        match byte {
            b'"' => {
                let inside = text::inside(line, at + 1);
                at += inside.len() + 2;
                let colon = after_space(line, at);
                if depth == 1 && line.get(colon) == Some(&b':') {
                    found.note(inside, line, after_space(line, colon + 1));
                    at = colon + 1;
                }
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth <= 1 => break,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        at += 1;
    }
    found
}

impl<'a> Found<'a> {
    fn note(&mut self, key: &[u8], line: &'a [u8], value: usize) {
        match text::decoded(key).as_ref() {
            b"method" => self.method += 1,
            b"result" | b"error" => self.outcome += 1,
            b"id" => {
                self.ids = match (self.ids, id_at(line, value)) {
                    (Ids::None, Some(raw)) => Ids::One(raw),
                    (Ids::None, None) | (Ids::One(_) | Ids::Unusable, _) => Ids::Unusable,
                };
            }
            _ => {}
        }
    }
}

/// The id that starts at `start`, if what follows it shows that it is whole.
fn id_at(line: &[u8], start: usize) -> Option<&[u8]> {
    let rest = line.get(start..)?;
    let length = match rest.first()? {
        b'"' => text::inside(rest, 1).len() + 2,
        _ => rest
            .iter()
            .take(MAX_ID_BYTES)
            .take_while(|&&byte| is_number_byte(byte))
            .count(),
    };
    let raw = rest.get(..length)?;
    match rest.get(after_space(rest, length)) {
        Some(b',' | b'}') => Id::parse(raw).map(|id| id.raw()),
        Some(_) | None => None,
    }
}

/// The id that is the last member of an object of which only the end is known. Nothing nested can be mistaken for it:
/// the last bracket of a line closes the message itself.
fn last_member(tail: &[u8]) -> Option<&[u8]> {
    let value_end = tail.trim_ascii_end().strip_suffix(b"}")?.trim_ascii_end();
    let start = match value_end {
        [inside @ .., b'"'] => memchr::memrchr(b'"', inside)?,
        number => number.iter().rposition(|&byte| !is_number_byte(byte))? + 1,
    };
    let (before, raw) = value_end.split_at(start);
    let before = before.trim_ascii_end().strip_suffix(b":")?.trim_ascii_end();
    let before = before.strip_suffix(b"\"id\"")?.trim_ascii_end();
    before
        .ends_with(b",")
        .then(|| Id::parse(raw).map(|id| id.raw()))?
}

fn is_number_byte(byte: u8) -> bool {
    matches!(byte, b'-' | b'+' | b'.' | b'0'..=b'9' | b'e' | b'E')
}

fn after_space(line: &[u8], from: usize) -> usize {
    let rest = line.get(from..).unwrap_or_default();
    let space = rest
        .iter()
        .take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
    from + space.count()
}
