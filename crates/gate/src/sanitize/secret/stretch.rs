//! Runs of bytes that many keywords stand in: each is walked once, however often it is asked about.

/// The run that was last walked, and which bytes are in it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Stretch {
    from: usize,
    to: usize,
    seen: [u64; 4],
}

impl Stretch {
    /// Where the run of bytes that fit ends, at most `most` bytes after `at`. `fits` has to be the same each time; places
    /// that ascend cost no more than their distance.
    pub(super) fn run(
        &mut self,
        text: &[u8],
        at: usize,
        most: usize,
        fits: impl Fn(u8) -> bool,
    ) -> usize {
        if !(self.from..=self.to).contains(&at) {
            *self = Self {
                from: at,
                to: at,
                seen: [0; 4],
            };
        }
        let goal = text.len().min(at.saturating_add(most));
        while let Some(&byte) = text.get(self.to..goal).and_then(<[u8]>::first)
            && fits(byte)
        {
            self.note(byte);
            self.to += 1;
        }
        self.to.min(goal).max(at)
    }

    /// Whether no part of the run can be so random, in tenths of a bit per byte: few different bytes are in all of it.
    pub(super) fn is_poor(&self, tenths: u32) -> bool {
        let kinds: u32 = self.seen.iter().map(|word| word.count_ones()).sum();
        // So many different bytes can't hold more than their logarithm.
        ((kinds.max(1) as f32).log2() * 10.0) < tenths as f32
    }

    /// Whether there is a digit in the run.
    pub(super) fn has_digit(&self) -> bool {
        const DIGITS: u64 = 0x3ff << b'0';
        self.seen[0] & DIGITS != 0
    }

    /// Forgets what stands before a place: what is rich there says nothing of what comes after.
    pub(super) fn restart(&mut self, text: &[u8], at: usize) {
        if !(self.from..=self.to).contains(&at) {
            return;
        }
        self.from = at;
        self.seen = [0; 4];
        for &byte in text.get(at..self.to).unwrap_or_default() {
            self.note(byte);
        }
    }

    fn note(&mut self, byte: u8) {
        self.seen[usize::from(byte >> 6)] |= 1 << (byte & 63);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sanitize::bytes::{is_random, run};

    fn is_letter(byte: u8) -> bool {
        byte.is_ascii_alphabetic()
    }

    #[test]
    fn it_ends_where_a_plain_run_ends() {
        let text = b"abc def ghijklmnop  q";
        let mut stretch = Stretch::default();
        for at in [0, 1, 3, 3, 4, 5, 8, 9, 12, 2, 18, 20, 21] {
            for most in [0, 2, 5, 100] {
                let plain = run(text, at, most, is_letter);
                assert_eq!(stretch.run(text, at, most, is_letter), plain, "{at} {most}");
            }
        }
    }

    #[test]
    fn only_what_can_not_be_random_is_poor() {
        let text = [b"q8Zr2LwX".repeat(4), b"ababab".repeat(40)].concat();
        let mut stretch = Stretch::default();
        for at in 0..text.len() {
            let end = stretch.run(&text, at, 64, |byte| byte.is_ascii_alphanumeric());
            let random = is_random(&text[at..end], 28);
            assert!(!(stretch.is_poor(28) && random), "{at}");
            if !random && !stretch.is_poor(28) {
                stretch.restart(&text, at);
            }
        }
        assert!(stretch.is_poor(28));
        for (text, has_digit) in [(&b"a0"[..], true), (b"9", true), (b"a/:z", false)] {
            let mut stretch = Stretch::default();
            stretch.run(text, 0, 9, |_| true);
            assert_eq!(stretch.has_digit(), has_digit);
        }
    }
}
