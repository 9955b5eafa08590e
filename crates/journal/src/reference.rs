//! References: what a call is called, in the journal and toward people.

use std::fmt;
use std::str::FromStr;

/// The letters of references, RFC 4648 base 32: no two look alike when read out.
const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Random letters after the `L-`: 65 bits, of which 64 are random.
const LETTERS: usize = 13;

/// The name of one call: `L-` and 13 letters, unique across writers and folders
/// because it is random, and safe to show to a model or a person.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallRef([u8; LETTERS]);

impl CallRef {
    pub(crate) fn from_bits(bits: u64) -> Self {
        Self(letters(bits))
    }

    /// The text without `L-`; ASCII.
    pub(crate) fn letters(&self) -> &[u8] {
        &self.0
    }

    /// The reference in bytes as they stand in a record, `L-` and all.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let letters: &[u8; LETTERS] = bytes.strip_prefix(b"L-")?.try_into().ok()?;
        letters
            .iter()
            .all(|letter| ALPHABET.contains(letter))
            .then_some(Self(*letters))
    }
}

impl fmt::Display for CallRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("L-")?;
        self.0
            .iter()
            .try_for_each(|letter| write!(f, "{}", char::from(*letter)))
    }
}

impl fmt::Debug for CallRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is no reference of a call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a call's reference is L- and 13 letters or digits from 2 to 7, as an answer carried it")]
pub struct NotACallRef;

impl FromStr for CallRef {
    type Err = NotACallRef;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text.trim().to_ascii_uppercase().as_bytes()).ok_or(NotACallRef)
    }
}

/// 13 letters of 5 bits each, the first of which holds the top 4 bits.
pub(crate) fn letters(bits: u64) -> [u8; LETTERS] {
    std::array::from_fn(|at| {
        let five = (bits >> (5 * (LETTERS - 1 - at))) & 31;
        // Five bits are always inside the alphabet.
        ALPHABET
            .get(usize::try_from(five).unwrap_or_default())
            .copied()
            .unwrap_or(b'A')
    })
}

/// Random bits from the system, fetched some at a time.
pub(crate) struct Randomness {
    pool: [u8; 256],
    used: usize,
}

impl Randomness {
    pub(crate) const fn new() -> Self {
        Self {
            pool: [0; 256],
            used: 256,
        }
    }

    pub(crate) fn bits(&mut self) -> Result<u64, getrandom::Error> {
        if self.used >= self.pool.len() {
            getrandom::fill(&mut self.pool)?;
            self.used = 0;
        }
        let mut eight = [0; 8];
        let end = self.used + 8;
        if let Some(bytes) = self.pool.get(self.used..end) {
            eight.copy_from_slice(bytes);
        }
        self.used = end;
        Ok(u64::from_le_bytes(eight))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_read_back_and_strangers_do_not() {
        for bits in [0, 1, u64::MAX, 0x0123_4567_89ab_cdef] {
            let reference = CallRef::from_bits(bits);
            assert_eq!(reference.to_string().parse(), Ok(reference));
        }
        for wrong in [
            "",
            "L-",
            "L-AAAAAAAAAAAA1",
            "X-AAAAAAAAAAAAA",
            "L-AAAAAAAAAAAAAA",
        ] {
            assert_eq!(wrong.parse::<CallRef>(), Err(NotACallRef), "{wrong}");
        }
    }
}
