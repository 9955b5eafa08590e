//! A text as its reader may undo its escapes: percent codes, and the escapes of JSON and of most languages.

use std::borrow::Cow;
use std::ops::Range;

/// A way of undoing escapes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum View {
    /// `%2F` and its like.
    Percent,
    /// `\u002f`, `\x2f`, `\/`, `\"`, `\\`, `\n` and their like.
    Backslash,
}

impl View {
    fn sign(self) -> u8 {
        match self {
            Self::Percent => b'%',
            Self::Backslash => b'\\',
        }
    }
}

/// Whether the text has anything to undo.
pub(super) fn applies(view: View, text: &[u8]) -> bool {
    text.contains(&view.sign())
}

/// The text with its escapes undone.
pub(super) fn decoded(view: View, text: &[u8]) -> Cow<'_, [u8]> {
    if !applies(view, text) {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(found) = text
        .get(at..)
        .and_then(|rest| memchr::memchr(view.sign(), rest))
    {
        out.extend_from_slice(&text[at..at + found]);
        let (meaning, length) = step(view, text, at + found);
        meaning.push_to(&mut out);
        at += found + length;
    }
    out.extend_from_slice(text.get(at..).unwrap_or_default());
    Cow::Owned(out)
}

/// Where in the decoded text something stands that was written as an escape, ascending.
pub(super) fn escapes(view: View, text: &[u8]) -> Vec<usize> {
    let mut places = Places {
        view,
        text,
        at: 0,
        decoded_at: 0,
    };
    let mut escapes = Vec::new();
    loop {
        let (decoded_length, length) = places.next();
        if length == 0 {
            return escapes;
        }
        if length > decoded_length {
            escapes.push(places.decoded_at);
        }
        places.at += length;
        places.decoded_at += decoded_length;
    }
}

/// Where ranges of the decoded text stand in the text itself. The ranges ascend; those that overlap are joined first.
pub(super) fn origins(view: View, text: &[u8], mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_unstable_by_key(|range| (range.start, range.end));
    let mut places = Places {
        view,
        text,
        at: 0,
        decoded_at: 0,
    };
    let mut origins: Vec<Range<usize>> = Vec::with_capacity(ranges.len());
    let mut ranges = ranges.into_iter().peekable();
    while let Some(mut range) = ranges.next() {
        while let Some(next) = ranges.next_if(|next| next.start < range.end) {
            range.end = range.end.max(next.end);
        }
        let start = places.start_of(range.start);
        let end = places.end_of(range.end);
        if start < end {
            origins.push(start..end);
        }
    }
    origins
}

/// A walk over a text that knows where it is in the decoded one.
struct Places<'t> {
    view: View,
    text: &'t [u8],
    at: usize,
    decoded_at: usize,
}

impl Places<'_> {
    /// Where the step that makes this byte of the decoded text starts.
    fn start_of(&mut self, decoded: usize) -> usize {
        loop {
            let (decoded_length, length) = self.next();
            if length == 0 || self.decoded_at + decoded_length > decoded {
                break;
            }
            self.decoded_at += decoded_length;
            self.at += length;
        }
        self.at + self.plain_until(decoded)
    }

    /// Where the step that makes the byte before this place of the decoded text ends.
    fn end_of(&mut self, decoded: usize) -> usize {
        loop {
            let (decoded_length, length) = self.next();
            if length == 0 || self.decoded_at >= decoded {
                break;
            }
            if self.decoded_at + decoded_length >= decoded {
                let inside = self.plain_until(decoded);
                return self.at + if inside > 0 { inside } else { length };
            }
            self.decoded_at += decoded_length;
            self.at += length;
        }
        self.at
    }

    /// How far into the plain text at the walk's place a place of the decoded text is; nothing within an escape.
    fn plain_until(&self, decoded: usize) -> usize {
        let (decoded_length, length) = self.next();
        let inside = decoded.saturating_sub(self.decoded_at).min(length);
        if decoded_length == length && !self.is_escape() {
            inside
        } else {
            0
        }
    }

    fn is_escape(&self) -> bool {
        self.text.get(self.at) == Some(&self.view.sign())
    }

    /// How long the next step is, decoded and as it stands: an escape, or plain text up to the next one.
    fn next(&self) -> (usize, usize) {
        let Some(rest) = self.text.get(self.at..).filter(|rest| !rest.is_empty()) else {
            return (0, 0);
        };
        if self.is_escape() {
            let (meaning, length) = step(self.view, self.text, self.at);
            return (meaning.length(), length);
        }
        let plain = memchr::memchr(self.view.sign(), rest).unwrap_or(rest.len());
        (plain, plain)
    }
}

/// What one step of the text means.
#[derive(Clone, Copy)]
enum Meaning {
    Byte(u8),
    Character(char),
}

impl Meaning {
    fn length(self) -> usize {
        match self {
            Self::Byte(_) => 1,
            Self::Character(character) => character.len_utf8(),
        }
    }

    fn push_to(self, out: &mut Vec<u8>) {
        match self {
            Self::Byte(byte) => out.push(byte),
            Self::Character(character) => {
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
    }
}

/// What stands at a position that is inside of the text, and how many bytes it takes.
fn step(view: View, text: &[u8], at: usize) -> (Meaning, usize) {
    let byte = text[at];
    let escape = if byte == view.sign() {
        match view {
            View::Percent => number(text, at + 1, 2).map(|code| (Meaning::Byte(code as u8), 3)),
            View::Backslash => backslash(text, at),
        }
    } else {
        None
    };
    escape.unwrap_or((Meaning::Byte(byte), 1))
}

fn backslash(text: &[u8], at: usize) -> Option<(Meaning, usize)> {
    let meaning = match *text.get(at + 1)? {
        b'u' => {
            let unit = number(text, at + 2, 4)?;
            return Some((Meaning::Character(char::from_u32(unit)?), 6));
        }
        b'x' => return Some((Meaning::Byte(number(text, at + 2, 2)? as u8), 4)),
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        other @ (b'"' | b'\'' | b'\\' | b'/' | b'`' | b'$') => other,
        _ => return None,
    };
    Some((Meaning::Byte(meaning), 2))
}

fn number(text: &[u8], from: usize, digits: usize) -> Option<u32> {
    let digits = text.get(from..from + digits)?;
    digits.iter().try_fold(0, |number, &digit| {
        Some(number << 4 | char::from(digit).to_digit(16)?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_undone_and_found_again() {
        for (view, text, meaning, inside) in [
            (View::Percent, "a%2Fb%zz%", "a/b%zz%", "/"),
            (View::Backslash, r"a\u002fb\/\x2f\q\", r"a/b//\q\", "b//"),
            (View::Backslash, r"x\\y\nz", "x\\y\nz", "\\y\n"),
            (View::Backslash, r"\u6c34!", "水!", "水"),
        ] {
            let seen = decoded(view, text.as_bytes());
            assert_eq!(String::from_utf8_lossy(&seen), meaning);
            let start = meaning.find(inside).unwrap();
            let found = std::iter::once(start..start + inside.len()).collect();
            let places = escapes(view, text.as_bytes());
            assert!(places.iter().all(|&at| at < seen.len()), "{places:?}");
            assert!(!places.is_empty());
            let origin = origins(view, text.as_bytes(), found);
            let [at] = origin.as_slice() else {
                panic!("{origin:?}")
            };
            assert_eq!(
                decoded(view, &text.as_bytes()[at.clone()]).as_ref(),
                inside.as_bytes()
            );
        }
    }

    #[test]
    fn several_ranges_come_back_in_order() {
        let found = origins(View::Percent, b"%41b%43d", vec![2..3, 0..1, 0..2]);
        assert_eq!(found, [0..4, 4..7]);
        let plain = origins(View::Percent, b"abcd%41efgh", vec![1..2, 6..8, 3..5]);
        assert_eq!(plain, [1..2, 3..7, 8..10]);
        let cut = origins(View::Percent, b"ab", std::iter::once(1..9).collect());
        assert_eq!((cut.len(), cut[0].clone()), (1, 1..2));
    }
}
