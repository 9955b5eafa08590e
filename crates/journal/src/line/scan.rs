//! Reading a line by its fixed form, without building a tree of values.

use sha2::{Digest as _, Sha256};

use super::VERSION;
use super::hash::Hash;
use super::time::{STAMP, Stamp};

/// A line that has the form of a record. Nothing is known yet about its hash.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line<'a> {
    pub(crate) seq: u64,
    pub(crate) ts: &'a [u8],
    pub(crate) boot: &'a [u8],
    pub(crate) kind: &'a [u8],
    /// From `,"ts"` to the member before `prev`: what stays when a line is chained anew.
    pub(crate) content: &'a [u8],
    pub(crate) prev: &'a [u8],
    pub(crate) h: &'a [u8],
    hashed: &'a [u8],
}

/// `,"prev":"` and 64 letters and `"`.
const PREV: usize = 9 + 64 + 1;
/// `,"h":"` and 64 letters and `"}`.
const H: usize = 6 + 64 + 2;

impl<'a> Line<'a> {
    /// Reads a line without its line end.
    pub(crate) fn read(line: &'a [u8]) -> Option<Self> {
        let (hashed, h) = line.split_at_checked(line.len().checked_sub(H)?)?;
        let h = h.strip_prefix(b",\"h\":\"")?.strip_suffix(b"\"}")?;
        let (before, prev) = hashed.split_at_checked(hashed.len().checked_sub(PREV)?)?;
        let prev = prev.strip_prefix(b",\"prev\":\"")?.strip_suffix(b"\"")?;

        let (version, rest) = number(before.strip_prefix(b"{\"v\":")?)?;
        let (seq, content) = number(rest.strip_prefix(b",\"seq\":")?)?;
        if version != VERSION {
            return None;
        }
        let (ts, rest) = content
            .strip_prefix(b",\"ts\":\"")?
            .split_at_checked(STAMP)?;
        let (_mono, rest) = number(rest.strip_prefix(b"\",\"mono\":")?)?;
        let (boot, rest) = rest.strip_prefix(b",\"boot\":\"")?.split_at_checked(12)?;
        let rest = rest.strip_prefix(b"\",\"kind\":\"")?;
        let kind = rest
            .iter()
            .take_while(|byte| byte.is_ascii_lowercase() || **byte == b'_')
            .count();
        let (kind, members) = rest.split_at_checked(kind)?;
        members.strip_prefix(b"\"")?;
        Some(Self {
            seq,
            ts,
            boot,
            kind,
            content,
            prev,
            h,
            hashed,
        })
    }

    /// Whether `h` is what the line and its `prev` come to.
    pub(crate) fn is_whole(&self) -> bool {
        let mut digest = Sha256::new();
        digest.update(self.prev);
        digest.update(self.hashed);
        digest.update(b"}");
        let mut text = [0; 64];
        super::hash::hex(&digest.finalize(), &mut text);
        text == *self.h
    }

    pub(crate) fn hash(&self) -> Option<Hash> {
        Hash::parse(self.h)
    }

    pub(crate) fn stamp(&self) -> Option<Stamp> {
        Stamp::parse(self.ts)
    }
}

/// Digits at the start, written as dropgate writes them, and what follows.
fn number(text: &[u8]) -> Option<(u64, &[u8])> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, rest) = text.split_at_checked(digits)?;
    if digits == 0 || digits > 19 || (digits > 1 && number.first() == Some(&b'0')) {
        return None;
    }
    let value = number
        .iter()
        .fold(0_u64, |sum, digit| sum * 10 + u64::from(digit - b'0'));
    Some((value, rest))
}

#[cfg(test)]
mod tests {
    use super::super::hash::Head;
    use super::super::tape::Tape;
    use super::super::time::Clock;
    use super::*;

    #[test]
    fn what_the_tape_writes_reads_back_and_no_changed_byte_does() {
        let mut tape = Tape::after(Head::before_first("c"));
        let mut clock = Clock::new("0123456789ab", Stamp(0));
        tape.line(&mut clock, "note", |out| {
            super::super::text::member(out, "text", "\"quoted\"");
        });
        let line = tape.bytes().strip_suffix(b"\n").expect("a line end");
        let read = Line::read(line).expect("our own line");
        assert!(read.is_whole());
        assert_eq!((read.seq, read.kind), (1, &b"note"[..]));
        assert_eq!(read.hash(), Some(tape.head().hash));
        for at in 0..line.len() {
            for bit in 0..8 {
                let mut changed = line.to_vec();
                changed[at] ^= 1 << bit;
                let passes = Line::read(&changed).is_some_and(|line| line.is_whole());
                assert!(!passes, "byte {at}, bit {bit}");
            }
        }
    }
}
