//! The exact values of secrets, in every form in which they are commonly written. Of the values themselves nothing is
//! kept: a form is known by its length and by hashes under a key that only this process has.

mod forms;

use std::hash::{BuildHasher as _, Hasher as _, RandomState};

use super::budget::{Budget, Fault};
use super::bytes::{run, run_back};
use super::span::{Kind, Spans};
use super::views::{self, View};

/// Shorter values would be found everywhere.
pub(super) const MIN_BYTES: usize = 8;
/// Bytes of a window. One in [`STRIDE`] windows of a text is looked up.
const WINDOW: usize = 4;
/// Every form holds a window that begins at a multiple of this in the text.
const STRIDE: usize = MIN_BYTES - WINDOW + 1;
/// Bits of a window's hash by which most windows are told to be of no form.
const FILTER_BITS: u32 = 16;
/// Bytes that are searched between two looks at the time.
const CHUNK: usize = 256 << 10;

/// The values to look for.
#[derive(Debug, Default)]
pub(super) struct Values {
    key: RandomState,
    /// Spreads windows over the filter.
    multiplier: u64,
    /// One bit for each hash that a window of a form has; empty without forms.
    filter: Vec<u64>,
    /// By the hash of the window.
    windows: Vec<Window>,
    patterns: Vec<Pattern>,
}

/// A form of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Pattern {
    hash: u64,
    length: usize,
    form: Form,
}

/// Some bytes of a form, and where they stand in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Window {
    hash: u64,
    pattern: usize,
    offset: usize,
}

/// How a pattern is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Form {
    /// With the characters of the value, or with escapes.
    Plain,
    /// As base64: the characters beside it hold bits of it.
    Base64,
}

impl Values {
    /// Values shorter than eight bytes are ignored. Parts that are secrets of their own count too: the password in an
    /// address, the longer lines of a value of several lines, the texts in a JSON document.
    pub(super) fn new<'v>(values: impl IntoIterator<Item = &'v [u8]>) -> Self {
        Self::lent(|add| values.into_iter().for_each(add))
    }

    /// As [`Values::new`], with values that are lent one after the other.
    pub(super) fn lent(lend: impl FnOnce(&mut dyn FnMut(&[u8]))) -> Self {
        let mut values = Self {
            multiplier: RandomState::new().hash_one(0) | 1,
            ..Self::default()
        };
        lend(&mut |value| forms::of_value(value, &mut |text, form| values.add(text, form)));
        values.windows.sort_unstable();
        values
    }

    fn add(&mut self, text: &[u8], form: Form) {
        if text.len() < MIN_BYTES {
            return;
        }
        let pattern = Pattern {
            hash: self.hash(text),
            length: text.len(),
            form,
        };
        if self.patterns.contains(&pattern) {
            return;
        }
        if self.filter.is_empty() {
            self.filter = vec![0; (1 << FILTER_BITS) / 64];
        }
        for offset in 0..STRIDE {
            let Some(window) = window(text, offset) else {
                continue;
            };
            let bit = self.bit(window);
            if let Some(word) = self.filter.get_mut(bit / 64) {
                *word |= 1 << (bit % 64);
            }
            self.windows.push(Window {
                hash: self.hash(&window.to_le_bytes()),
                pattern: self.patterns.len(),
                offset,
            });
        }
        self.patterns.push(pattern);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// Whether one of the values stands in the text as it is, without undoing any escapes.
    pub(super) fn is_in(&self, text: &[u8], budget: &mut Budget<'_>) -> Result<bool, Fault> {
        let mut found = false;
        self.each(text, budget, |_, _| found = true)?;
        Ok(found)
    }

    /// Marks every value in the text, written plainly, escaped as JSON does it, or with percent codes.
    pub(super) fn mark(
        &self,
        text: &[u8],
        spans: &mut Spans,
        budget: &mut Budget<'_>,
    ) -> Result<(), Fault> {
        if self.is_empty() {
            return Ok(());
        }
        self.each(text, budget, |start, end| {
            spans.add(start..end, Kind::Secret);
        })?;
        if views::applies(View::Percent, text) {
            let seen = views::decoded(View::Percent, text);
            let mut found = Vec::new();
            self.each(&seen, budget, |start, end| found.push(start..end))?;
            for at in views::origins(View::Percent, text, found) {
                spans.add(at, Kind::Secret);
            }
        }
        Ok(())
    }

    /// Every place of every value, in any order; places may overlap.
    fn each(
        &self,
        text: &[u8],
        budget: &mut Budget<'_>,
        mut found: impl FnMut(usize, usize),
    ) -> Result<(), Fault> {
        if self.is_empty() {
            return Ok(());
        }
        for (index, chunk) in text.chunks(CHUNK / STRIDE * STRIDE).enumerate() {
            budget.spend(chunk.len())?;
            let from = index * (CHUNK / STRIDE * STRIDE);
            for at in (from..from + chunk.len()).step_by(STRIDE) {
                let Some(window) = window(text, at) else {
                    break;
                };
                let bit = self.bit(window);
                let hit = self
                    .filter
                    .get(bit / 64)
                    .is_some_and(|word| word >> (bit % 64) & 1 == 1);
                if hit {
                    self.verify(text, at, window, budget, &mut found)?;
                }
            }
        }
        Ok(())
    }

    #[cold]
    fn verify(
        &self,
        text: &[u8],
        at: usize,
        window: u32,
        budget: &mut Budget<'_>,
        found: &mut impl FnMut(usize, usize),
    ) -> Result<(), Fault> {
        let hash = self.hash(&window.to_le_bytes());
        let first = self.windows.partition_point(|one| one.hash < hash);
        let same = self
            .windows
            .iter()
            .skip(first)
            .take_while(|one| one.hash == hash);
        for one in same {
            let Some(pattern) = self.patterns.get(one.pattern) else {
                continue;
            };
            let Some(start) = at.checked_sub(one.offset) else {
                continue;
            };
            let Some(candidate) = text.get(start..start + pattern.length) else {
                continue;
            };
            // A text of nothing but beginnings of a long value costs its length each time.
            budget.spend(pattern.length)?;
            if self.hash(candidate) == pattern.hash {
                let end = start + pattern.length;
                match pattern.form {
                    Form::Plain => found(start, end),
                    Form::Base64 => found(
                        run_back(text, start, 3, is_base64),
                        run(text, end, 3, is_base64),
                    ),
                }
            }
        }
        Ok(())
    }

    fn hash(&self, text: &[u8]) -> u64 {
        let mut hasher = self.key.build_hasher();
        hasher.write(text);
        hasher.finish()
    }

    fn bit(&self, window: u32) -> usize {
        let spread = u64::from(window).wrapping_mul(self.multiplier);
        // So few bits fit into any usize.
        usize::try_from(spread >> (u64::BITS - FILTER_BITS)).unwrap_or_default()
    }
}

fn window(text: &[u8], at: usize) -> Option<u32> {
    let bytes = text.get(at..)?.first_chunk::<WINDOW>()?;
    Some(u32::from_le_bytes(*bytes))
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_' | b'=')
}

#[cfg(test)]
mod tests {
    use super::super::budget::Time;
    use super::*;

    fn places(values: &Values, text: &[u8]) -> Vec<(usize, usize)> {
        let mut found = Vec::new();
        let time = || Time::Left;
        values
            .each(text, &mut Budget::new(&time), |start, end| {
                found.push((start, end))
            })
            .unwrap();
        found.sort_unstable();
        found.dedup();
        found
    }

    #[test]
    fn a_value_is_found_at_every_place() {
        let values = Values::new([&b"s3cretXY"[..], b"another-longer-value"]);
        for before in 0..40 {
            for after in 0..10 {
                let text = ["a".repeat(before), "s3cretXY".into(), "b".repeat(after)].concat();
                assert!(places(&values, text.as_bytes()).contains(&(before, before + 8)));
            }
        }
        assert!(places(&values, b"s3cretX").is_empty());
        assert!(places(&values, b"s3cretXZ another-longer-valu").is_empty());
    }

    #[test]
    fn a_value_across_two_chunks_is_found() {
        let values = Values::new([&b"s3cretXY-s3cretXY"[..]]);
        for shift in 0..20 {
            let mut text = vec![b'a'; CHUNK + 100];
            let at = CHUNK - shift;
            text[at..at + 17].copy_from_slice(b"s3cretXY-s3cretXY");
            assert!(places(&values, &text).contains(&(at, at + 17)));
        }
    }

    #[test]
    fn a_text_of_beginnings_runs_out_of_time() {
        let value = [b"abcd".repeat(4000), b"x".to_vec()].concat();
        let values = Values::new([value.as_slice()]);
        let looks = std::cell::Cell::new(0);
        let time = || {
            looks.set(looks.get() + 1);
            if looks.get() > 3 {
                Time::Up
            } else {
                Time::Left
            }
        };
        let text = b"abcd".repeat(200_000);
        let ended = values.each(&text, &mut Budget::new(&time), |_, _| {});
        assert!(matches!(ended, Err(Fault::TimeUp)));
    }
}
