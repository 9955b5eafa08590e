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
    while at < text.len() {
        let (meaning, length) = step(view, text, at);
        meaning.push_to(&mut out);
        at += length;
    }
    Cow::Owned(out)
}

/// Where ranges of the decoded text stand in the text itself. The ranges ascend; those that overlap are joined first.
pub(super) fn origins(view: View, text: &[u8], mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_unstable_by_key(|range| (range.start, range.end));
    let mut origins: Vec<Range<usize>> = Vec::with_capacity(ranges.len());
    let mut wanted = ranges.into_iter().peekable();
    let (mut at, mut decoded_at) = (0, 0);
    let mut open: Option<(usize, usize)> = None;
    while at < text.len() && (open.is_some() || wanted.peek().is_some()) {
        let (meaning, length) = step(view, text, at);
        let decoded_end = decoded_at + meaning.length();
        while let Some(range) = wanted.next_if(|range| range.start < decoded_end) {
            let (start, end) = open.unwrap_or((at, range.end));
            open = Some((start, end.max(range.end)));
        }
        at += length;
        decoded_at = decoded_end;
        if let Some((start, end)) = open
            && end <= decoded_at
        {
            origins.push(start..at);
            open = None;
        }
    }
    if let Some((start, _)) = open {
        origins.push(start..text.len());
    }
    origins
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
        let cut = origins(View::Percent, b"ab", std::iter::once(1..9).collect());
        assert_eq!((cut.len(), cut[0].clone()), (1, 1..2));
    }
}
