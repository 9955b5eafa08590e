//! What one message may cost, and who sent it.

/// The size and depth that one message may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest line, in bytes, without its line end. Values over 4 GiB - 1 count as 4 GiB - 1.
    pub max_bytes: usize,
    /// Most objects and arrays open at once; the message itself is the first.
    pub max_depth: u16,
}

impl Limits {
    /// The longest line in bytes, low enough for the offsets that the scanner stores in 32 bits.
    pub(crate) fn line_bytes(&self) -> usize {
        self.max_bytes.min(u32::MAX as usize)
    }
}

impl Default for Limits {
    /// 64 MiB and 128 levels.
    fn default() -> Self {
        Self {
            max_bytes: 64 << 20,
            max_depth: 128,
        }
    }
}

/// Who wrote a message; decides how deep duplicate keys are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the host: a decision is made on what the message says, so a key that is there twice is refused at every
    /// depth.
    FromHost,
    /// From the server: duplicate keys are refused at the top level and in the first level of `params`, `result` and
    /// `error`, which is all that dropgate reads.
    FromServer,
}
