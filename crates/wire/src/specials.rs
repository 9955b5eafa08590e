//! Where the next byte stands that may end plain text. A block of the line is looked at as a whole, and what was found
//! there serves every token that it holds.

use std::ops::Range;

use crate::text;

/// Bytes that are looked at together: as many as a word has bits.
pub(crate) const BLOCK: usize = 64;
/// Clean blocks in a row after which it is worth asking what the processor can do.
const MEDIUM_BLOCKS: usize = 4;

/// Whether the rest of the line is known to be UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Utf8 {
    /// Only ASCII was met so far.
    Unchecked,
    /// The line was checked to its end when its first byte outside ASCII was met.
    Checked,
}

/// The special bytes of one block: quotes, backslashes, control characters, and bytes outside ASCII until the line is
/// known to be UTF-8.
#[derive(Debug)]
pub(crate) struct Specials {
    utf8: Utf8,
    /// The number of the block that `bits` is of.
    block: usize,
    /// One for each byte, the first in the lowest bit. What lies behind the end counts as special.
    bits: u64,
    /// Bytes that are known to hold no special one.
    plain: Range<usize>,
}

/// The number of no block.
const NONE: usize = usize::MAX;

impl Specials {
    /// Nothing was looked at yet.
    pub(crate) fn new() -> Self {
        Self {
            utf8: Utf8::Unchecked,
            block: NONE,
            bits: 0,
            plain: 0..0,
        }
    }

    /// Believes that no byte here is special, so that it need not be looked at.
    pub(crate) fn skip(&mut self, plain: Range<usize>) {
        self.plain = plain;
    }

    /// From here on bytes outside ASCII are none.
    pub(crate) fn allow_utf8(&mut self) {
        self.utf8 = Utf8::Checked;
        self.block = NONE;
    }

    /// The first position at or after `at` with a special byte, or the end; `at` itself where that lies behind the end.
    /// All calls have to be about one line.
    #[inline]
    pub(crate) fn next(&mut self, line: &[u8], at: usize) -> usize {
        if at / BLOCK == self.block {
            let bits = self.bits >> (at % BLOCK);
            if bits != 0 {
                return at + bits.trailing_zeros() as usize;
            }
        }
        self.search(line, at)
    }

    #[inline(never)]
    fn search(&mut self, line: &[u8], mut at: usize) -> usize {
        if self.plain.contains(&at) {
            at = self.plain.end;
        }
        let mut clean = 0;
        loop {
            let rest = line.get(at - at % BLOCK..).unwrap_or_default();
            if at / BLOCK != self.block {
                self.block = at / BLOCK;
                self.bits = self.look_at(line, rest);
            }
            let bits = self.bits >> (at % BLOCK);
            if bits != 0 {
                return at + bits.trailing_zeros() as usize;
            }
            at += BLOCK - at % BLOCK;
            clean += 1;
            if clean == MEDIUM_BLOCKS {
                let rest = line.get(at..).unwrap_or_default();
                at += match self.utf8 {
                    Utf8::Unchecked => text::clean_bytes::<0x80>(rest),
                    Utf8::Checked => text::clean_bytes::<0>(rest),
                };
            }
        }
    }

    /// The special bytes of the block with which `rest` begins.
    fn look_at(&self, line: &[u8], rest: &[u8]) -> u64 {
        let bits = |block| match self.utf8 {
            Utf8::Unchecked => text::special_bits::<0x80>(block),
            Utf8::Checked => text::special_bits::<0>(block),
        };
        match (rest.first_chunk(), line.last_chunk()) {
            (Some(block), _) => bits(block),
            (None, _) if rest.is_empty() => u64::MAX,
            (None, Some(last)) => bits(last) >> (BLOCK - rest.len()) | u64::MAX << rest.len(),
            (None, None) => {
                let mut block = [0; BLOCK];
                for (place, byte) in block.iter_mut().zip(rest) {
                    *place = *byte;
                }
                bits(&block)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Long enough that single blocks, wide registers and the bytes after the last block all have their turn.
    const LONG: usize = (2 * MEDIUM_BLOCKS + 3) * BLOCK + 21;

    /// As a scanner sees them before and after it has checked the line.
    fn ends(line: &[u8], from: usize) -> (usize, usize) {
        let mut checked = Specials::new();
        checked.allow_utf8();
        (Specials::new().next(line, from), checked.next(line, from))
    }

    #[test]
    fn plain_text_ends_at_every_special_byte_at_every_position() {
        for special in [b'"', b'\\', 0, 0x1f, b'\n', 0x80, 0xff] {
            for length in [LONG, LONG - 21, 70, BLOCK, 63, 1] {
                for position in 0..length {
                    let mut bytes = vec![b'a'; length];
                    bytes[position] = special;
                    let stop = if special >= 0x80 { length } else { position };
                    assert_eq!(ends(&bytes, 0), (position, stop), "{special:#x}");
                    assert_eq!(ends(&bytes, position), (position, stop), "{special:#x}");
                    assert_eq!(ends(&bytes, position + 1), (length, length));
                }
            }
        }
    }

    #[test]
    fn every_byte_is_judged_alike_wherever_it_stands() {
        for byte in 0..=u8::MAX {
            let syntax = byte < b' ' || matches!(byte, b'"' | b'\\');
            for position in [0, 9, 40, 300, LONG - 30, LONG - 1] {
                let mut bytes = vec![b'a'; LONG];
                bytes[position] = byte;
                let stop_at = |special: bool| if special { position } else { LONG };
                let expected = (stop_at(syntax || byte >= 0x80), stop_at(syntax));
                assert_eq!(ends(&bytes, 0), expected, "{byte:#x} at {position}");
            }
        }
    }

    #[test]
    fn one_look_serves_every_token_of_a_line() {
        let line: Vec<u8> = (0..LONG)
            .map(|at| if at % 7 == 3 { b'"' } else { b'a' })
            .collect();
        let mut specials = Specials::new();
        let mut at = 0;
        let mut found = Vec::new();
        while at < LONG {
            at = specials.next(&line, at);
            found.push(at);
            at += 1;
        }
        let expected: Vec<usize> = (0..LONG).filter(|at| at % 7 == 3).collect();
        assert_eq!(found[..expected.len()], expected);
        assert_eq!(specials.next(&line, 5), 10, "it may go back");
    }

    #[test]
    fn what_lies_behind_the_end_is_no_text() {
        for length in [0, 1, BLOCK, LONG] {
            let bytes = vec![b'a'; length];
            assert_eq!(ends(&bytes, 0), (length, length));
            assert_eq!(ends(&bytes, length), (length, length));
        }
    }
}
