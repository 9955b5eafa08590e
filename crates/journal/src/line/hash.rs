//! Hashes as they stand in lines: 64 letters of hexadecimal.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest as _, Sha256};

/// A SHA-256, kept as the text that lines hold.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hash([u8; 64]);

impl Hash {
    pub(crate) fn of(digest: Sha256) -> Self {
        let mut text = [0; 64];
        hex(&digest.finalize(), &mut text);
        Self(text)
    }

    /// The hash of these bytes.
    pub(crate) fn of_bytes(bytes: &[u8]) -> Self {
        Self::of(Sha256::new_with_prefix(bytes))
    }

    pub(crate) const fn text(&self) -> &[u8; 64] {
        &self.0
    }

    /// Its 32 bytes.
    pub(crate) fn bytes(&self) -> [u8; 32] {
        let digit = |letter: u8| match letter {
            b'0'..=b'9' => letter - b'0',
            _letter => letter.wrapping_sub(b'a').wrapping_add(10) & 15,
        };
        std::array::from_fn(|at| digit(self.0[2 * at]) << 4 | digit(self.0[2 * at + 1]))
    }

    /// Reads 64 lower-case letters.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let text: &[u8; 64] = text.try_into().ok()?;
        text.iter()
            .all(|letter| matches!(letter, b'0'..=b'9' | b'a'..=b'f'))
            .then_some(Self(*text))
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.0).unwrap_or_default())
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is no hash.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a head is 64 letters of hexadecimal, as a report or `journal verify` gave it")]
pub struct NotAHash;

impl FromStr for Hash {
    type Err = NotAHash;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text.trim().to_ascii_lowercase().as_bytes()).ok_or(NotAHash)
    }
}

/// Both digits of every byte.
const PAIRS: [[u8; 2]; 256] = {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut pairs = [[0; 2]; 256];
    let mut byte = 0;
    while byte < pairs.len() {
        pairs[byte] = [DIGITS[byte >> 4], DIGITS[byte & 15]];
        byte += 1;
    }
    pairs
};

/// Writes bytes as lower-case hexadecimal; `text` is twice as long.
pub(crate) fn hex(bytes: &[u8], text: &mut [u8]) {
    for (byte, pair) in bytes.iter().zip(text.as_chunks_mut().0) {
        *pair = PAIRS[usize::from(*byte)];
    }
}

/// The end of a chain: its last record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The number of the last record; 0 before the first.
    pub seq: u64,
    /// Its hash; before the first, a hash of the chain's name.
    pub hash: Hash,
}

impl Head {
    /// The head of a chain without records.
    pub(crate) fn before_first(chain: &str) -> Self {
        let mut digest = Sha256::new_with_prefix(b"dropgate journal, chain ");
        digest.update(chain.as_bytes());
        Self {
            seq: 0,
            hash: Hash::of(digest),
        }
    }
}
