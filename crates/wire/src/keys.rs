//! Duplicate keys: the keys of every open object on one stack, eight bytes each.
//!
//! A key is remembered as a hash and the place where it stands. Equal hashes are only a suspicion, settled by comparing
//! the unescaped texts; large objects are sorted, so neither many keys nor keys made to collide cost quadratic time.
//! Most objects are not even looked through: no two of their keys fell on one bit of a word.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use crate::text;

/// Objects up to this size are compared pair by pair.
const SMALL: usize = 16;

/// Room for the keys of a usual message, so that it costs one allocation.
const USUAL: usize = 32;
/// Most room that is kept for the next message.
const MOST_KEPT: usize = 1024;

/// The keys of all open objects that are watched, outermost first.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    /// Per open object: the values of `bits` and `first` before it opened, then its keys as hash (high half) and place
    /// (low half).
    entries: Vec<u64>,
    /// Where the keys of the innermost open object begin in `entries`.
    first: usize,
    /// The bits on which the keys of the innermost open object fell.
    bits: u64,
    twins: Twins,
}

/// Whether an object of the line may hold a key twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Twins {
    /// No two keys of one object fell on one bit.
    #[default]
    None,
    Perhaps,
}

impl Keys {
    #[inline]
    pub(crate) fn open(&mut self) {
        if self.entries.capacity() == 0 {
            self.entries.reserve(USUAL);
        }
        self.entries.push(self.bits);
        self.entries.push(self.first as u64);
        self.first = self.entries.len();
        self.bits = 0;
    }

    /// Remembers the key whose inside starts at `place` of the line.
    #[inline]
    pub(crate) fn add(&mut self, inside: &[u8], escaped: Escaped, place: usize) {
        let hash = match (escaped, inside.len()) {
            (Escaped::No, ..=8) => spread(inside.len() as u64, inside),
            (Escaped::No | Escaped::Yes, _) => hash(inside, escaped),
        };
        let bit = 1 << (hash >> 26);
        if self.bits & bit != 0 {
            self.twins = Twins::Perhaps;
        }
        self.bits |= bit;
        self.entries
            .push(u64::from(hash) << 32 | place as u64 & 0xffff_ffff);
    }

    /// Forgets the innermost object and returns the place of a key that it holds for the second time.
    #[inline]
    pub(crate) fn close(&mut self, line: &[u8]) -> Option<usize> {
        let second = match self.twins {
            Twins::None => None,
            Twins::Perhaps => self.second(line),
        };
        self.entries.truncate(self.first);
        self.first = self.entries.pop().unwrap_or_default() as usize;
        self.bits = self.entries.pop().unwrap_or_default();
        second
    }

    #[inline(never)]
    fn second(&mut self, line: &[u8]) -> Option<usize> {
        let keys = self.entries.get_mut(self.first..).unwrap_or_default();
        if keys.len() <= SMALL {
            second_of_few(keys, line)
        } else {
            second_of_many(keys, line)
        }
    }
}

/// Room for keys that one scan leaves to the next.
#[derive(Default)]
pub(crate) struct Room(Cell<Keys>);

impl Room {
    pub(crate) fn take(&self) -> Keys {
        self.0.take()
    }

    pub(crate) fn give(&self, mut keys: Keys) {
        if keys.entries.capacity() <= MOST_KEPT {
            keys.entries.clear();
            self.0.set(Keys {
                entries: keys.entries,
                ..Keys::default()
            });
        }
    }
}

impl fmt::Debug for Room {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Room")
    }
}

/// Whether a string token holds at least one backslash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Escaped {
    No,
    Yes,
}

fn second_of_few(keys: &[u64], line: &[u8]) -> Option<usize> {
    let is_second = |index: usize| {
        let key = keys[index];
        keys[..index]
            .iter()
            .any(|&earlier| same_hash(earlier, key) && meaning(line, earlier) == meaning(line, key))
    };
    (1..keys.len())
        .find(|&index| is_second(index))
        .map(|index| place(keys[index]))
}

fn second_of_many(keys: &mut [u64], line: &[u8]) -> Option<usize> {
    keys.sort_unstable();
    let groups = keys
        .chunk_by_mut(|&left, &right| same_hash(left, right))
        .filter(|group| group.len() > 1);
    groups
        .filter_map(|group| second_of_group(group, line))
        .min()
}

fn second_of_group(group: &mut [u64], line: &[u8]) -> Option<usize> {
    group.sort_unstable_by(|&left, &right| {
        meaning(line, left)
            .cmp(&meaning(line, right))
            .then_with(|| place(left).cmp(&place(right)))
    });
    let twins = group
        .windows(2)
        .filter(|pair| meaning(line, pair[0]) == meaning(line, pair[1]));
    twins.map(|pair| place(pair[1])).min()
}

fn same_hash(left: u64, right: u64) -> bool {
    (left ^ right) >> 32 == 0
}

fn place(key: u64) -> usize {
    (key & 0xffff_ffff) as usize
}

fn meaning(line: &[u8], key: u64) -> Cow<'_, [u8]> {
    text::decoded(text::inside(line, place(key)))
}

const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

/// Spreads keys well enough for the sort; nothing relies on it being hard to collide.
#[inline(never)]
fn hash(inside: &[u8], escaped: Escaped) -> u32 {
    let bytes = match escaped {
        Escaped::No => Cow::Borrowed(inside),
        Escaped::Yes => text::decoded(inside),
    };
    let mut state = bytes.len() as u64;
    if bytes.len() > 8 {
        for word in bytes.as_chunks::<8>().0 {
            state = (state.rotate_left(5) ^ u64::from_le_bytes(*word)).wrapping_mul(MULTIPLIER);
        }
    }
    spread(state, &bytes)
}

#[inline]
fn spread(state: u64, bytes: &[u8]) -> u32 {
    ((state.rotate_left(5) ^ last_word(bytes)).wrapping_mul(MULTIPLIER) >> 32) as u32
}

/// The last eight bytes as a number; fewer as one that is different for all texts of one length.
#[inline]
fn last_word(bytes: &[u8]) -> u64 {
    if let Some(word) = bytes.last_chunk::<8>() {
        return u64::from_le_bytes(*word);
    }
    if let (Some(first), Some(last)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        return u64::from(u32::from_le_bytes(*first)) << 32 | u64::from(u32::from_le_bytes(*last));
    }
    let byte = |at: usize| bytes.get(at).map_or(0, |&byte| u64::from(byte));
    byte(0) << 16 | byte(1) << 8 | byte(2)
}
